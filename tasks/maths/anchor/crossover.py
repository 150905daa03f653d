"""Where pose takes over from feature motion: the cross-over frequency that the clip itself asks for.

What is looked at is the *gap*: the pose minus the sum of the feature steps. It holds two things, the pose's error and
the features' drift, and the cross-over is a low-pass on it: high enough to follow the drift, low enough to leave the
pose's error behind. The two differ in their spectra. Drift (a body that leans, turns or grows under its features)
is broad and heaviest at low frequency; the pose's error swings with the stride and its harmonics, above a small
floor. So below the stride everything above the floor is drift; from the stride on the drift is continued as that
of a random walk, and the rest is error. Where nobody strides, all that exceeds the floor is drift. With both
spectra the mean square error of every cross-over follows, and the smallest wins (Wiener 1949).


The low-pass behind the fused anchor: a drift that follows noisy values below a cross-over, without lag.

Times are the frames' own, so that a variable rate is no special case.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import solveh_banded

from tasks.maths.arrays import Flags, Floats
from tasks.maths.frame_times import nearest_index, plausible_times_s
from tasks.maths.spectra import Spectra, has_spectrum, windowed_spectra

CROSSOVER_CANDIDATES: Final = 33  # cross-overs tried between the slowest and the fastest, evenly in their logarithm
DRIFT_ONLY_OF_STRIDE: Final = 0.65  # of the stride's frequency: up to here the gap is free of the swing with the gait
HUBER_ROUNDS: Final = 3  # of Huber's weights
HUBER_LIMIT_STDS: Final = 3.0  # standard deviations
RAYLEIGH_MEDIAN_STDS: Final = 1.1774  # median of a distance in the plane, in standard deviations per axis
VALUE_SPAN_S: Final = 0.3  # a value stands for its surroundings so long
DRIFT_TENSION_S: Final = 0.15  # where nothing is known, drift bends back to a constant in about this time
CUT_STIFFNESS_SHARE: Final = 1e-9  # of a bond: what is left of it where the chain is cut
BASE_TENSION_SHARE: Final = 1e-6  # of the tension, everywhere: a lone pose leaves the slope open otherwise


@dataclass(frozen=True)
class PoseError:
    """What is known beforehand about the pose's error but for its swing with the gait."""

    size: float = 0.013  # standard deviation per axis, of the torso's length
    memory_s: float = 0.25  # its correlation time


@dataclass(frozen=True)
class Crossover:
    """The choice: ``hz`` (n,) of each frame, the error expected from it, and what spoke for it (of the torso)."""

    hz: Floats
    risk: float  # expected mean square error per axis, (px / torso)^2
    drift: float  # rms of what is taken for the features' drift
    error: float  # rms of what is taken for the pose's error
    stride_hz: float  # median over the windows with a gait; NaN without any
    windows: int  # 0: the clip was too short, the middle of the range stands


def choose_crossover(
    time_s: Floats,
    gap: Floats,
    stride_hz: Floats,
    *,
    slowest_hz: float,
    fastest_hz: float,
    window_s: float,
    pose_error: PoseError,
) -> Crossover:
    """The cross-over of each frame, from the gap (n, 2) in torso lengths, finite.

    ``stride_hz`` (n,) is the gait's frequency, NaN where nobody strides.
    """
    if not has_spectrum(time_s, window_s):
        middle = float(np.sqrt(slowest_hz * fastest_hz))
        return Crossover(np.full(len(time_s), middle), np.inf, np.nan, np.nan, np.nan, 0)
    spectra = windowed_spectra(time_s, gap, window_s)
    stride = _stride_at(spectra.middle_s, time_s, stride_hz)
    drift, error = split_gap_power(spectra, stride, pose_error)
    tried = np.geomspace(slowest_hz, fastest_hz, CROSSOVER_CANDIDATES)
    risk = expected_square_error(spectra.hz, drift, error, tried)
    best = tried[risk.argmin(axis=1)]
    hz = np.exp(np.interp(time_s, spectra.middle_s, np.log(best)))
    step = spectra.hz[0]
    gait = float(np.nanmedian(stride)) if np.isfinite(stride).any() else np.nan
    return Crossover(
        hz,
        float(risk.min(axis=1).mean()),
        float(np.sqrt((drift.sum(axis=1) * step).mean())),
        float(np.sqrt((error.sum(axis=1) * step).mean())),
        gait,
        len(best),
    )


def split_gap_power(spectra: Spectra, stride_hz: Floats, pose_error: PoseError) -> tuple[Floats, Floats]:
    """The gap's power (w, f) as drift and pose error; ``stride_hz`` (w,) is NaN in windows without a gait."""
    hz = spectra.hz
    power = _smoothed(spectra.power)
    floor = 4 * pose_error.size**2 * pose_error.memory_s / (1 + (2 * np.pi * hz * pose_error.memory_s) ** 2)
    drift = np.maximum(power - floor, 0.0)
    limit = np.where(
        np.isfinite(stride_hz), np.maximum(DRIFT_ONLY_OF_STRIDE * np.nan_to_num(stride_hz), 1.01 * hz[0]), np.inf
    )
    free = hz < limit[:, None]
    walk = (drift * hz**2 * free).sum(axis=1) / free.sum(axis=1)
    drift = np.where(free, drift, walk[:, None] / hz**2)
    swing = np.where(free, np.nan, power - drift)
    measured = np.isfinite(swing).any(axis=0)
    mean_swing = np.zeros(len(hz))
    mean_swing[measured] = np.nanmean(swing[:, measured], axis=0)
    error = np.where(free, floor, np.maximum(mean_swing, floor))
    return drift, error


def expected_square_error(hz: Floats, drift: Floats, error: Floats, crossover_hz: Floats) -> Floats:
    """Mean square error (w, c) of the low-pass 1 / (1 + (f / crossover)^4) on a gap of the given spectra (w, f)."""
    below = hz[0] * np.array([0.25, 0.5])  # the window cannot resolve these: the lowest line stands for them
    lines = np.concatenate([below, hz])
    width = np.gradient(lines)
    drift = np.concatenate([drift[:, :1], drift[:, :1], drift], axis=1)
    error = np.concatenate([error[:, :1], error[:, :1], error], axis=1)
    passed = 1 / (1 + (lines / crossover_hz[:, None]) ** 4)  # (c, f)
    return np.asarray(drift @ ((1 - passed) ** 2 * width).T + error @ (passed**2 * width).T)


def _stride_at(middle_s: Floats, time_s: Floats, stride_hz: Floats) -> Floats:
    """Gait frequency of the windows: that of the frame in their middle."""
    return np.asarray(stride_hz[nearest_index(middle_s, time_s)])


def _smoothed(power: Floats) -> Floats:
    """Each line averaged with its neighbours, half as heavy."""
    padded = np.concatenate([power[:, :1], power, power[:, -1:]], axis=1)
    return np.asarray(0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:])


def solve_drift(
    time_s: Floats, gap: Floats, weight: Floats, crossover_hz: Floats, *, cut: Flags, size: Floats
) -> Floats:
    """The drift c (n, 2) that follows the gap (n, 2) below ``crossover_hz`` (n,); rows of no weight may be NaN.

    A weight counts for the time that its frame stands for, so that poses on every third frame pull as strongly.
    ``cut`` (n,) marks frames that owe nothing to those before. Huber's weights tame what is left of outliers.
    """
    known = weight > 0
    pull = weight * _seconds_per_value(time_s, known)
    target = np.where(known[:, None], gap, 0.0)
    bands = _stiffness_bands(time_s, crossover_hz, known, cut)
    robust = np.ones(len(gap))
    drift = np.zeros_like(target)
    for _ in range(HUBER_ROUNDS):
        matrix = bands.copy()
        matrix[2] += pull * robust
        drift = solveh_banded(matrix, (pull * robust)[:, None] * target)
        distance = np.hypot(*(target - drift).T) / size
        scale = max(float(np.median(distance[known])) / RAYLEIGH_MEDIAN_STDS, 1e-9)
        robust = np.minimum(1.0, HUBER_LIMIT_STDS * scale / np.maximum(distance, 1e-12))
    return np.asarray(drift)


def _stiffness_bands(time_s: Floats, crossover_hz: Floats, known: Flags, cut: Flags) -> Floats:
    """Upper bands (3, n) of the bending energy (2 pi f)^-4 (c'')^2, cut where the chain is cut.

    Where no pose is near, a little tension is added, so that a drift is not carried on at its last speed.
    """
    count = len(time_s)
    bands = np.zeros((3, count))
    step = np.diff(plausible_times_s(time_s))
    loose = np.where(cut[1:], CUT_STIFFNESS_SHARE, 1.0)
    if count > 2:
        bend = np.stack([1 / step[:-1], -1 / step[:-1] - 1 / step[1:], 1 / step[1:]])  # (3, n - 2)
        stiff = (2 * np.pi * crossover_hz[1:-1]) ** -4.0 / (0.5 * (step[:-1] + step[1:]))
        stiff = stiff * np.minimum(loose[:-1], loose[1:])
        for first in range(3):
            for second in range(first, 3):
                at = slice(second, second + count - 2)
                bands[2 - (second - first), at] += stiff * bend[first] * bend[second]
    rows = np.flatnonzero(known)
    blind = np.abs(time_s - time_s[rows][nearest_index(time_s, time_s[rows])]) > VALUE_SPAN_S
    tension = (
        np.where(blind[1:] | blind[:-1], DRIFT_TENSION_S**2, BASE_TENSION_SHARE * DRIFT_TENSION_S**2) / step * loose
    )
    bands[2, 1:] += tension
    bands[2, :-1] += tension
    bands[1, 1:] -= tension
    return bands


def _seconds_per_value(time_s: Floats, known: Flags) -> Floats:
    """Seconds (n,) that each known frame stands for: half way to its known neighbours, at most ``BRIEF_S``."""
    rows = np.flatnonzero(known)
    stood = np.zeros(len(time_s))
    step = np.minimum(np.diff(time_s[rows]), VALUE_SPAN_S)
    edge = float(np.median(step)) if len(step) else 1.0
    stood[rows] = 0.5 * (np.append(step, edge) + np.append(edge, step))
    return stood
