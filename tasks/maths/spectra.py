"""Power spectra of short windows of a path whose times may be uneven."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from tasks.maths.arrays import Floats

WINDOW_HOP_S: Final = 0.5
SPECTRUM_TOP_HZ: Final = 12.0  # of the even grid that spectra are taken on
SHORTEST_SPECTRUM_S: Final = 1.5  # of time: less has no spectrum worth the name
FEWEST_PER_WINDOW: Final = 4  # times in a window


@dataclass(frozen=True)
class Spectra:
    """One-sided power spectra of windows: ``hz`` (f,), ``power`` (w, f) per axis, ``middle_s`` (w,)."""

    hz: Floats
    power: Floats
    middle_s: Floats


def has_spectrum(time_s: Floats, window_s: float) -> bool:
    """Whether the times last long enough, and come often enough for a window to hold some of them."""
    return bool(
        time_s[-1] - time_s[0] >= SHORTEST_SPECTRUM_S and FEWEST_PER_WINDOW * np.median(np.diff(time_s)) <= window_s
    )


def windowed_spectra(time_s: Floats, values: Floats, window_s: float) -> Spectra:
    """Spectra (Hann, straight line taken out, mean over the columns of ``values``) of overlapping windows."""
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
    hz = np.fft.rfftfreq(length, spacing)[1:]
    return Spectra(hz, np.asarray(power.mean(axis=1)[:, 1:]), grid_s[starts] + 0.5 * (length - 1) * spacing)
