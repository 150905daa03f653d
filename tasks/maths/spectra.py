"""Power spectra of short, overlapping windows of a path. Frame times may be uneven."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tasks.maths.arrays import Floats

WINDOW_HOP_S: Final = 0.5  # from the start of one window to that of the next
SPECTRUM_TOP_HZ: Final = 12.0  # upper limit of the even grid on which spectra are computed
SHORTEST_SPECTRUM_S: Final = 1.5  # a shorter clip has no useful spectrum
FEWEST_PER_WINDOW: Final = 4  # frames in a window
# Mean interval between frames, in median ones, up to which there is a spectrum. Its even grid covers pauses too, and a
# clock that leaps by years would fill the memory with it. A choice: 100 frames of 30 Hz, with a pause of 10 s among
# them, have 4.
LARGEST_MEAN: Final = 16.0


@dataclass(frozen=True)
class Spectra:
    """One-sided power spectra of w windows at f frequencies."""

    hz: Floats  # (f,) without 0
    power: Floats  # (w, f) mean over the axes, square units per Hz
    middle_s: Floats  # (w,) middle of each window


def has_spectrum(time_s: Floats, window_s: float) -> bool:
    """Whether the clip is long enough, and its frames dense enough for a window of ``window_s`` and on the whole."""
    span_s = time_s[-1] - time_s[0]
    if span_s < SHORTEST_SPECTRUM_S:
        return False
    spacing_s = float(np.median(np.diff(time_s)))
    return bool(FEWEST_PER_WINDOW * spacing_s <= window_s and span_s <= LARGEST_MEAN * spacing_s * len(time_s))


def windowed_spectra(time_s: Floats, values: Floats, window_s: float) -> Spectra:
    """Spectra of ``values`` (n, k): Hann window, straight line removed, mean over the k columns."""
    spacing = max(float(np.median(np.diff(time_s))), 1 / (2 * SPECTRUM_TOP_HZ))
    grid_s = np.arange(time_s[0], time_s[-1] + 0.5 * spacing, spacing)
    even = np.stack([np.interp(grid_s, time_s, column) for column in values.T], axis=1)
    length = min(len(grid_s), round(window_s / spacing))
    last = len(grid_s) - length
    starts = np.unique(np.append(np.arange(0, last + 1, max(1, round(WINDOW_HOP_S / spacing))), last))
    blocks = np.lib.stride_tricks.sliding_window_view(even, length, axis=0)[starts]  # (w, columns, length)
    line = np.linalg.qr(np.vander(np.linspace(-1, 1, length), 2))[0]
    blocks = blocks - (blocks @ line) @ line.T
    taper = np.hanning(length + 2)[1:-1]
    power = np.abs(np.fft.rfft(blocks * taper, axis=2)) ** 2 * (2 * spacing / np.sum(taper**2))
    hz: Floats = np.fft.rfftfreq(length, spacing)[1:].astype(np.float64)
    return Spectra(hz, np.asarray(power.mean(axis=1)[:, 1:]), grid_s[starts] + 0.5 * (length - 1) * spacing)
