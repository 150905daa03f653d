"""Smoothers of a finite path (n, k): they act on each column separately, have no lag, and keep straight lines.

Near an end a moving window shrinks on both sides alike, to as many frames as the nearer end allows. A window that is
cut on one side only would pull the ends of a straight walk inwards. So a moving window does not smooth the first and
the last frame.
"""

import math

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tasks.maths import frame_times
from tasks.maths.arrays import Floats
from tasks.maths.frame_times import polynomial_fit


def savgol(path: Floats, *, window_frames: int, order: int = 2) -> Floats:
    """At each frame the polynomial of ``order`` fitted to ``window_frames`` (odd) around it.

    Source: Savitzky and Golay, 1964. At the ends the polynomial of the outermost full window is used. Same as
    ``scipy.signal.savgol_filter``, which takes longer to load than a clip of minutes takes here.
    """
    if window_frames <= order + 1:
        return path.copy()  # the polynomial passes through every point
    weights, half = polynomial_fit(window_frames, order), window_frames // 2
    rest = path - path[0]
    inner = sliding_window_view(rest, window_frames, axis=0) @ weights[half]
    first, last = weights[:half] @ rest[:window_frames], weights[half + 1 :] @ rest[-window_frames:]
    return np.asarray(np.concatenate([first, inner, last]) + path[0])


def butterworth(path: Floats, time_s: Floats, *, cutoff_hz: float, order: int = 4) -> Floats:
    """Butterworth low-pass of ``order``, run forwards and backwards: half of the amplitude remains at the cut-off.

    The straight line between the ends is subtracted. The rest, mirrored through its ends (the odd extension of
    ``scipy.signal.sosfiltfilt``), is a sum of sines, and each is scaled by the squared magnitude 1 / (1 + (f /
    cutoff)^(2 order)). So there is no start-up transient at any length, which ``sosfiltfilt`` has on short clips: the
    reason why this filter is written here. ``time_s`` (n,) must increase. Uneven frames are first interpolated linearly
    on an even grid (see ``even_grid_s``), and the result is read at the frames' own times.
    """
    _require_increasing(time_s)
    if len(path) < 3:
        return path.copy()
    line = frame_times.line_between_ends(path, time_s)
    grid_s = frame_times.even_grid_s(time_s)
    rest = frame_times.interpolate_at(grid_s, time_s, path - line)
    from scipy import fft  # loaded here: slow to load, and few runs need it

    steps = len(grid_s) - 1
    sines = fft.dst(rest[1:-1], type=1, axis=0)
    frequency_hz = np.arange(1, steps) / (2 * (grid_s[-1] - grid_s[0]))
    kept = 1 / (1 + (frequency_hz / cutoff_hz) ** (2 * order))
    smooth = np.zeros_like(rest)
    smooth[1:-1] = fft.idst(sines * kept[:, None], type=1, axis=0)
    return np.asarray(line + frame_times.interpolate_at(time_s, grid_s, smooth))


def kalman(path: Floats, time_s: Floats, *, cutoff_hz: float) -> Floats:
    """Constant-velocity Kalman filter and Rauch-Tung-Striebel smoother: half of the amplitude remains at ``cutoff_hz``.

    The velocity is a random walk. A measurement is weighted by the time that its frame represents, so the result
    depends on the path and not on the frame rate. Away from the ends the response is 1 / (1 + (f / cutoff)^4). The
    smoothed path is the least-squares optimum over all positions and velocities, without a prior, solved at once as a
    banded system (Rauch, Tung and Striebel, 1965; Bell, 1994). ``time_s`` (n,) must increase.

    Written here because ``scipy.interpolate.make_smoothing_spline``, which finds the same path to 1e-9 px, takes 20
    times as long (5 s instead of 0.2 s for an hour).
    """
    _require_increasing(time_s)
    if len(path) < 3:
        return path.copy()
    time_s = frame_times.plausible_times_s(time_s)
    gap_s = np.diff(time_s)
    scale_s = float(np.mean(gap_s))  # velocities in pixels per mean frame keep the system well scaled
    weight = np.convolve(gap_s / scale_s, [0.5, 0.5])  # half of the interval on each side
    stiffness = (2 * math.pi * cutoff_hz * scale_s) ** -4
    bands = _kalman_bands(gap_s / scale_s, weight, stiffness)
    # the optimum keeps straight lines, so only the rest is solved, without loss of digits
    line = frame_times.line_between_ends(path, time_s)
    right = np.zeros((2 * len(path), path.shape[1]))
    right[::2] = weight[:, None] * (path - line)
    from scipy import linalg  # loaded here: slow to load, and few runs need it

    solved: Floats = linalg.solveh_banded(bands, right, lower=True)
    return line + solved[::2]


def _kalman_bands(interval: Floats, weight: Floats, stiffness: float) -> Floats:
    """Lower bands (4, 2 n) of the normal equations of all positions and velocities, interleaved.

    A step over ``interval`` h costs ``stiffness * e' W e`` with e = (x1 - x0 - h v0, v1 - v0), and W is the
    inverse of the covariance of integrated white noise, [[h^3/3, h^2/2], [h^2/2, h]].
    """
    count = len(interval) + 1
    inverse = stiffness * np.array([[12 / interval**3, -6 / interval**2], [-6 / interval**2, 4 / interval]]).transpose(
        2, 0, 1
    )
    step = np.zeros((count - 1, 2, 4))  # e as a linear map of (x0, v0, x1, v1)
    step[:, 0, 0], step[:, 0, 1], step[:, 0, 2] = -1, -interval, 1
    step[:, 1, 1], step[:, 1, 3] = -1, 1
    blocks = step.transpose(0, 2, 1) @ inverse @ step
    bands = np.zeros((4, 2 * count))
    bands[0, ::2] = weight
    for row in range(4):
        for column in range(row + 1):
            bands[row - column, column : column + 2 * (count - 1) : 2] += blocks[:, row, column]
    return bands


def _require_increasing(time_s: Floats) -> None:
    """``ValueError`` if the times do not increase."""
    if not (np.diff(time_s) > 0).all():
        raise ValueError("frame times do not increase")


def moving_average(path: Floats, *, window_frames: int) -> Floats:
    """Mean of ``path`` (n, k) over ``window_frames`` (odd) around each frame; shorter windows at the ends."""
    radius = _window_radius(path, window_frames)
    if radius == 0:
        return path.copy()
    frame = np.arange(len(path))
    reach = np.minimum(radius, np.minimum(frame, len(path) - 1 - frame))
    shifted = path - path[0]  # sums of small numbers, and a constant path stays exactly constant
    sums = np.concatenate([np.zeros((1, path.shape[1])), np.cumsum(shifted, axis=0)])
    mean = (sums[frame + reach + 1] - sums[frame - reach]) / (2 * reach + 1)[:, None]
    return np.asarray(mean + path[0])


def gaussian(path: Floats, *, window_frames: int) -> Floats:
    """Gaussian mean of ``path`` (n, k): sigma is a quarter of ``window_frames`` (odd), truncated to the window.

    The remaining weights, also in the shorter windows at the ends, are normalised to sum to 1.
    """
    radius = _window_radius(path, window_frames)
    sigma = window_frames / 4
    count = len(path)
    pull = np.zeros_like(path)
    weights = np.ones((count, 1))
    for lag in range(1, min(radius, (count - 1) // 2) + 1):
        weight = np.exp(-0.5 * (lag / sigma) ** 2)
        inner = slice(lag, count - lag)  # frames whose nearer end is at least ``lag`` away
        pull[inner] += weight * (path[: count - 2 * lag] + path[2 * lag :] - 2 * path[inner])
        weights[inner] += 2 * weight
    return path + pull / weights


def unsmoothed(path: Floats, *, window_frames: int = 1) -> Floats:
    """A copy of the path, whatever the window."""
    return path.copy()


def _window_radius(path: Floats, window_frames: int) -> int:
    """Frames on each side of the window; ``ValueError`` for an even window, or a path that is empty or not finite."""
    if window_frames < 1 or window_frames % 2 == 0:
        raise ValueError(f"a window of {window_frames} frames is not odd and at least 1")
    if not len(path) or not np.isfinite(path).all():
        raise ValueError("the path is empty or has missing points: fill its gaps first")
    return window_frames // 2
