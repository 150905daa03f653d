"""The low-pass behind the fused anchor: a drift that follows noisy values below a cross-over, without lag.

Times are the frames' own, so that a variable rate is no special case.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from tasks.maths.path.frame_times import nearest, unhurried

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

ROUNDS: Final = 3  # of Huber's weights
HUBER: Final = 3.0  # standard deviations
RAYLEIGH: Final = 1.1774  # median of a distance in the plane, in standard deviations per axis
BRIEF_S: Final = 0.3  # a value stands for its surroundings so long
TENSION_S: Final = 0.15  # where nothing is known, drift bends back to a constant in about this time
LOOSE: Final = 1e-9  # of a bond: what is left of it where the chain is cut
SLACK: Final = 1e-6  # of the tension, everywhere: a lone pose leaves the slope open otherwise


def solve_drift(
    time_s: Floats, gap: Floats, weight: Floats, crossover_hz: Floats, *, cut: Flags, size: Floats
) -> Floats:
    """The drift c (n, 2) that follows the gap (n, 2) below ``crossover_hz`` (n,); rows of no weight may be NaN.

    A weight counts for the time that its frame stands for, so that poses on every third frame pull as strongly.
    ``cut`` (n,) marks frames that owe nothing to those before. Huber's weights tame what is left of outliers.
    """
    known = weight > 0
    pull = weight * _time_stood_for(time_s, known)
    target = np.where(known[:, None], gap, 0.0)
    bands = _stiffness(time_s, crossover_hz, known, cut)
    robust = np.ones(len(gap))
    drift = np.zeros_like(target)
    for _ in range(ROUNDS):
        matrix = bands.copy()
        matrix[2] += pull * robust
        drift = solveh_banded(matrix, (pull * robust)[:, None] * target)
        distance = np.hypot(*(target - drift).T) / size
        scale = max(float(np.median(distance[known])) / RAYLEIGH, 1e-9)
        robust = np.minimum(1.0, HUBER * scale / np.maximum(distance, 1e-12))
    return np.asarray(drift)


def _stiffness(time_s: Floats, crossover_hz: Floats, known: Flags, cut: Flags) -> Floats:
    """Upper bands (3, n) of the bending energy (2 pi f)^-4 (c'')^2, cut where the chain is cut.

    Where no pose is near, a little tension is added, so that a drift is not carried on at its last speed.
    """
    count = len(time_s)
    bands = np.zeros((3, count))
    step = np.diff(unhurried(time_s))
    loose = np.where(cut[1:], LOOSE, 1.0)
    if count > 2:
        bend = np.stack([1 / step[:-1], -1 / step[:-1] - 1 / step[1:], 1 / step[1:]])  # (3, n - 2)
        stiff = (2 * np.pi * crossover_hz[1:-1]) ** -4.0 / (0.5 * (step[:-1] + step[1:]))
        stiff = stiff * np.minimum(loose[:-1], loose[1:])
        for first in range(3):
            for second in range(first, 3):
                at = slice(second, second + count - 2)
                bands[2 - (second - first), at] += stiff * bend[first] * bend[second]
    rows = np.flatnonzero(known)
    blind = np.abs(time_s - time_s[rows][nearest(time_s, time_s[rows])]) > BRIEF_S
    tension = np.where(blind[1:] | blind[:-1], TENSION_S**2, SLACK * TENSION_S**2) / step * loose
    bands[2, 1:] += tension
    bands[2, :-1] += tension
    bands[1, 1:] -= tension
    return bands


def _time_stood_for(time_s: Floats, known: Flags) -> Floats:
    """Seconds (n,) that each known frame stands for: half way to its known neighbours, at most ``BRIEF_S``."""
    rows = np.flatnonzero(known)
    stood = np.zeros(len(time_s))
    step = np.minimum(np.diff(time_s[rows]), BRIEF_S)
    edge = float(np.median(step)) if len(step) else 1.0
    stood[rows] = 0.5 * (np.append(step, edge) + np.append(edge, step))
    return stood
