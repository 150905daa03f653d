"""More smoothers of a path (n, k), finite, without NaN: each acts on its columns separately and has no lag.

All keep a constant path constant up to both ends, and all but ``l1_path`` keep a straight, even walk straight up to
both ends. ``SettingError`` says which setting the clip cannot bear.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import fft, linalg, optimize, signal, sparse

from tasks.errors import SettingError

Floats = NDArray[np.float64]

PULL: Final = 1e-3
"""Weight of an l1 path's distance to the raw one, beside weights of 1 to 100: it decides only among equals."""


def savgol(path: Floats, *, window_frames: int, order: int = 2) -> Floats:
    """Value at each frame of the polynomial of ``order`` fitted to ``window_frames`` (odd) about it.

    Source: Savitzky and Golay, 1964; at the ends the polynomial of the outermost whole window is used.
    """
    if window_frames > len(path):
        fact = f"{window_frames} frames is longer than the clip of {len(path)}"
        raise SettingError(f"smoothing.window: {fact}; give an odd number of at most {len(path)}")
    if window_frames <= order + 1:
        return path.copy()  # a polynomial through every point
    smooth: Floats = signal.savgol_filter(path - path[0], window_frames, order, axis=0, mode="interp")
    return np.asarray(smooth + path[0])


def butterworth(path: Floats, time_s: Floats, *, cutoff_hz: float, order: int = 4) -> Floats:
    """Butterworth low-pass of ``order``, as if run forwards and backwards: half the amplitude is left at the cut-off.

    The straight line between the first and the last point is set aside; the rest, mirrored through its ends (the
    odd extension of ``scipy.signal.sosfiltfilt``), is a sum of sines, each of which is scaled by the squared
    magnitude 1 / (1 + (f / cutoff)^(2 order)). So there is no start-up transient at any length. ``time_s`` (n,) must
    increase. Uneven frames are first put on an even grid no coarser than the shortest interval (or a sixteenth of
    the mean one), by straight lines, and the result is read off at the frames' own times.
    """
    _check_cutoff(cutoff_hz, time_s)
    if len(path) < 3:
        return path.copy()
    line = _line_between_ends(path, time_s)
    grid_s, rest = _on_even_grid(time_s, path - line)
    steps = len(grid_s) - 1
    sines = fft.dst(rest[1:-1], type=1, axis=0)
    frequency_hz = np.arange(1, steps) / (2 * (grid_s[-1] - grid_s[0]))
    kept = 1 / (1 + (frequency_hz / cutoff_hz) ** (2 * order))
    smooth = np.zeros_like(rest)
    smooth[1:-1] = fft.idst(sines * kept[:, None], type=1, axis=0)
    return np.asarray(line + (smooth if grid_s is time_s else _columns_at(time_s, grid_s, smooth)))


def kalman(path: Floats, time_s: Floats, *, cutoff_hz: float) -> Floats:
    """Constant-velocity Kalman filter and Rauch-Tung-Striebel smoother: at ``cutoff_hz`` half the amplitude is left.

    The velocity is a random walk; a frame's measurement weighs as much as the time it stands for, so that the result
    depends on the path and not on the frame rate. Far from the ends the response is 1 / (1 + (f / cutoff)^4). The
    smoothed path is the least-squares optimum over all positions and velocities (no prior on the first), which is
    solved at once as a banded system (Rauch, Tung and Striebel, 1965; Bell, 1994). ``time_s`` (n,) must increase.
    """
    _check_cutoff(cutoff_hz, time_s)
    if len(path) < 3:
        return path.copy()
    gap_s = np.diff(time_s)
    scale_s = float(np.mean(gap_s))  # velocities in pixels per mean frame: numbers of one size in the system
    weight = np.convolve(gap_s / scale_s, [0.5, 0.5])  # half of the interval on each side
    stiffness = (2 * math.pi * cutoff_hz * scale_s) ** -4
    bands = _normal_bands(gap_s / scale_s, weight, stiffness)
    line = _line_between_ends(path, time_s)  # the optimum keeps lines: solve for the rest, lose no digits
    right = np.zeros((2 * len(path), path.shape[1]))
    right[::2] = weight[:, None] * (path - line)
    solved: Floats = linalg.solveh_banded(bands, right, lower=True)
    return line + solved[::2]


def l1_path(path: Floats, *, budget_px: float, weights: tuple[float, float, float] = (10.0, 1.0, 100.0)) -> Floats:
    """Camera path of constant, linear and parabolic pieces that stays within ``budget_px`` of ``path`` on each axis.

    Minimises the weighted sum of the absolute first, second and third differences from frame to frame: Grundmann,
    Kwatra and Essa, "Auto-directed video stabilization with robust L1 optimal camera paths", 2011, whose weights are
    the default. A faint pull towards ``path`` chooses among paths of equal cost, which are many: any constant within
    the budget of a constant. The linear programme is solved by HiGHS, about a second for a thousand frames.
    """
    if budget_px < 0:
        raise SettingError(f"smoothing.budget: {budget_px:g} px is negative; give 0 or more")
    if budget_px == 0 or len(path) < 4:
        return path.copy()
    columns = [_l1_column(path[:, axis], budget_px, (PULL, *weights)) for axis in range(path.shape[1])]
    return np.stack(columns, axis=1)


def _l1_column(raw: Floats, budget_px: float, weights: tuple[float, ...]) -> Floats:
    """One column: unknowns are its departures from ``raw``, then a bound for each absolute value that costs."""
    count = len(raw)
    difference = sparse.identity(count, format="csr")
    parts = [difference]
    for _ in weights[1:]:
        difference = (difference[1:] - difference[:-1]).tocsr()
        parts.append(difference)
    costs = [np.full(part.shape[0], weight) for part, weight in zip(parts, weights, strict=True)]
    change = sparse.vstack(parts)
    slack = sparse.identity(change.shape[0])
    fixed = change @ (raw - raw[0])
    fixed[:count] = 0.0  # the pull is on the departure alone
    limits = sparse.vstack([sparse.hstack([change, -slack]), sparse.hstack([-change, -slack])]).tocsc()
    bounds = [(-budget_px, budget_px)] * count + [(0.0, None)] * change.shape[0]
    cost = np.concatenate([np.zeros(count), *costs])
    solved = optimize.linprog(cost, limits, np.concatenate([-fixed, fixed]), bounds=bounds, method="highs")
    if solved.x is None:
        raise ArithmeticError(f"the l1 path of {count} frames was not found: {solved.message}")
    departure: Floats = np.clip(solved.x[:count], -budget_px, budget_px)
    return raw + departure


def _normal_bands(gap: Floats, weight: Floats, stiffness: float) -> Floats:
    """Lower bands (4, 2 n) of the normal equations of all positions and velocities, interleaved.

    A step over ``gap`` h costs ``stiffness * e' W e`` with e = (x1 - x0 - h v0, v1 - v0) and W the inverse of the
    covariance of integrated white noise, [[h^3/3, h^2/2], [h^2/2, h]].
    """
    count = len(gap) + 1
    inverse = stiffness * np.array([[12 / gap**3, -6 / gap**2], [-6 / gap**2, 4 / gap]]).transpose(2, 0, 1)
    step = np.zeros((count - 1, 2, 4))  # e as a linear map of (x0, v0, x1, v1)
    step[:, 0, 0], step[:, 0, 1], step[:, 0, 2] = -1, -gap, 1
    step[:, 1, 1], step[:, 1, 3] = -1, 1
    blocks = step.transpose(0, 2, 1) @ inverse @ step
    bands = np.zeros((4, 2 * count))
    bands[0, ::2] = weight
    for row in range(4):
        for column in range(row + 1):
            bands[row - column, column : column + 2 * (count - 1) : 2] += blocks[:, row, column]
    return bands


def _check_cutoff(cutoff_hz: float, time_s: Floats) -> None:
    if len(time_s) < 2:
        return
    if not (np.diff(time_s) > 0).all():
        raise ValueError("frame times do not increase")
    half_rate_hz = (len(time_s) - 1) / (time_s[-1] - time_s[0]) / 2
    if not 0 < cutoff_hz < half_rate_hz:
        fact = f"{cutoff_hz:g} Hz is not between 0 and half the frame rate ({half_rate_hz:g} Hz)"
        raise SettingError(f"smoothing.cutoff_hz: {fact}; give less")


def _line_between_ends(path: Floats, time_s: Floats) -> Floats:
    part = (time_s - time_s[0]) / (time_s[-1] - time_s[0])
    return np.asarray(path[0] + part[:, None] * (path[-1] - path[0]))


def _on_even_grid(time_s: Floats, path: Floats) -> tuple[Floats, Floats]:
    """The path on an even grid of times; as it is where frames are off the grid by less than 5 % of an interval."""
    span_s = time_s[-1] - time_s[0]
    mean_s = span_s / (len(time_s) - 1)
    if np.abs(time_s - np.linspace(time_s[0], time_s[-1], len(time_s))).max() < 0.05 * mean_s:
        return time_s, path
    step_s = max(np.diff(time_s).min(), mean_s / 16)
    grid_s = np.linspace(time_s[0], time_s[-1], math.ceil(span_s / step_s) + 1)
    return grid_s, _columns_at(grid_s, time_s, path)


def _columns_at(wanted_s: Floats, known_s: Floats, path: Floats) -> Floats:
    return np.stack([np.interp(wanted_s, known_s, column) for column in path.T], axis=1)
