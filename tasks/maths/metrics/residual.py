"""The residual: distance of the subject to the target, by frame and by frequency."""

from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tasks.maths import frame_times
from tasks.maths.anchor.states import ABSENT, SEEN_STATES
from tasks.maths.arrays import Floats, Labels, true_runs
from tasks.maths.frame_times import polynomial_fit

WELCH_WINDOW_S: Final = 4.0  # lines 0.25 Hz apart, enough to tell the step from the stride
FEWEST_SPECTRUM_SAMPLES: Final = 16  # a shorter series has no useful spectrum


def without_absent(path: Floats, states: Labels) -> Floats:
    """``path`` (n, 2) with NaN where the subject is absent."""
    return np.where((states == ABSENT)[:, None], np.nan, path)


def only_seen(path: Floats, states: Labels) -> Floats:
    """``path`` (n, 2) with NaN where neither the pose model nor the torso's motion shows the subject."""
    return np.where(np.isin(states, SEEN_STATES)[:, None], path, np.nan)


def amplitude_density(time_s: Floats, path: Floats) -> tuple[Floats, Floats]:
    """Frequencies (f,) in Hz, without 0, and the amplitude spectral density (f,) of ``path`` (n, 2), px per root Hz.

    Welch's method (Hann windows of ``WELCH_WINDOW_S``, half overlapping, straight line removed) on the runs without
    NaN, on an even grid. Powers are summed over both axes, so the squared density integrates to the total variance. Two
    empty arrays if no run is long enough.
    """
    rate_hz = frame_times.mean_rate_hz(time_s)
    stretches = [slice(first, last + 1) for first, last in true_runs(np.all(np.isfinite(path), axis=1))]
    even = [_on_even_grid(time_s[part], path[part], rate_hz) for part in stretches]
    length = min(round(WELCH_WINDOW_S * rate_hz), max((len(values) for values in even), default=0))
    if length < FEWEST_SPECTRUM_SAMPLES:
        return np.empty(0), np.empty(0)
    total, weight = np.zeros(length // 2 + 1), 0
    for values in even:
        if len(values) >= length:
            total += len(values) * _welch(values, length, rate_hz).sum(axis=1)
            weight += len(values)
    frequency_hz: Floats = np.fft.rfftfreq(length, 1 / rate_hz)[1:].astype(np.float64)
    return frequency_hz, np.asarray(np.sqrt(total[1:] / weight))


def _welch(values: Floats, length: int, rate_hz: float) -> Floats:
    """One-sided power density (f, k) of ``values`` (n, k), px^2 per Hz; n is at least ``length``.

    Source: Welch, 1967. Same as ``scipy.signal.welch``, which takes half a second and 40 MB to load.
    """
    parts = sliding_window_view(values, length, axis=0)[:: length - length // 2]  # (windows, k, length)
    hann = np.hanning(length + 1)[:-1]
    spectra = np.fft.rfft((parts - parts @ polynomial_fit(length, 1)) * hann)
    density = np.square(np.abs(spectra)).mean(axis=0) / (rate_hz * np.square(hann).sum())
    density[:, 1 : (length + 1) // 2] *= 2  # adds the negative frequencies; the last line of an even length has none
    return np.asarray(density.T)


def _on_even_grid(time_s: Floats, path: Floats, rate_hz: float) -> Floats:
    """``path`` (n, k) on an even grid of ``rate_hz``."""
    if len(time_s) < 2:
        return path
    count = int((time_s[-1] - time_s[0]) * rate_hz + 1e-6) + 1
    return frame_times.interpolate_at(time_s[0] + np.arange(count) / rate_hz, time_s, path)
