"""Short stretches in which nobody knows where the body was, crossed as it would have gone on.

A walker who vanishes behind a post goes on walking there: the swing of a gait is learnt before and behind, and carried
through. Who does not stride leaves as he came.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor.away import runs

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SPEED_S: Final = 0.14  # before and after a hole, in which the speed is measured that leads through it
AROUND_S: Final = 2.0  # before and after a hole: from so much the gait is learnt
NEAR_S: Final = 0.7  # in which what is known counts e times less
HALF: Final = 0.5  # of a stride, on each side: less tells no swing
HARMONICS: Final = 2  # of the stride: sideways once in it, up and down twice


def crossed(time_s: Floats, path: Floats, guessed: Flags, stride_hz: Floats, longest_s: float) -> Floats:
    """``path`` (n, 2) with each stretch of ``guessed`` frames (n,) no longer than ``longest_s`` made anew.

    ``stride_hz`` (n,) is the gait's frequency, NaN where nobody strides. The rest of the path stays, and what is made
    anew meets it at both ends.
    """
    bent = path.copy()
    for first, last in runs(guessed):
        before, after = first - 1, last + 1
        if before < 0 or after >= len(path) or time_s[after] - time_s[before] > longest_s:
            continue
        away_s = np.maximum(time_s[before] - time_s, time_s - time_s[after])
        about = ~guessed & (away_s > -1e-6) & (away_s < AROUND_S)
        stride = stride_hz[about & np.isfinite(stride_hz)]
        known_s = time_s[about]
        seen_s = min(time_s[before] - known_s[0], known_s[-1] - time_s[after])
        if len(stride) and seen_s * np.median(stride) > HALF:
            weight = np.exp(-away_s / NEAR_S)
            made = _striding(time_s, path, about, weight, (before, after), float(np.median(stride)))
        else:
            made = _at_its_speeds(time_s, path, about & (away_s < SPEED_S + 1e-6), (before, after))
        bent[first : last + 1] = made
    return bent


def _striding(
    time_s: Floats, path: Floats, about: Flags, weight: Floats, ends: tuple[int, int], stride_hz: float
) -> Floats:
    """Between ``ends`` the parabola and the swing that fit best to the path ``about`` them."""
    middle_s = 0.5 * (time_s[ends[0]] + time_s[ends[1]])
    turn = 2 * np.pi * stride_hz * (time_s - middle_s)[:, None] * np.arange(1, HARMONICS + 1)
    terms = np.concatenate([np.vander(time_s - middle_s, 3), np.cos(turn), np.sin(turn)], axis=1)
    near = weight[about, None]
    fit = terms @ np.linalg.lstsq(near * terms[about], near * path[about], rcond=None)[0]
    between = slice(ends[0] + 1, ends[1])
    share = ((time_s[between] - time_s[ends[0]]) / (time_s[ends[1]] - time_s[ends[0]]))[:, None]
    off = path[list(ends)] - fit[list(ends)]
    return np.asarray(fit[between] + (1 - share) * off[0] + share * off[1])


def _at_its_speeds(time_s: Floats, path: Floats, about: Flags, ends: tuple[int, int]) -> Floats:
    """Between ``ends`` the cubic that leaves as the path came, or the path itself where that tells no speed."""
    row = np.arange(len(path))
    sides = [np.flatnonzero(about & (row <= ends[0])), np.flatnonzero(about & (row >= ends[1]))]
    if min(len(side) for side in sides) < 2:
        return path[ends[0] + 1 : ends[1]]
    from scipy.interpolate import CubicHermiteSpline  # here: it takes long to load, and few runs need it

    slopes = [np.polyfit(time_s[side], path[side], 1)[0] for side in sides]
    through = CubicHermiteSpline(time_s[list(ends)], path[list(ends)], slopes)
    return np.asarray(through(time_s[ends[0] + 1 : ends[1]]))
