"""Which poses to believe and how far: those of somebody else, of a body half hidden, and what they lead to."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from tasks.maths.anchor.away import runs

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

NEAR: Final = 0.1  # of the torso's length: a pose so near is never rejected
TAME: Final = 2.5  # times as far as half of the frames: no farther in the statistics
AMONG_S: Final = 0.4  # most of the poses in this time about one are far: so is that one
WHOLE: Final = 0.9  # of the torso's steady length: what is shorter is half hidden, or half guessed
LEAP_S: Final = 0.2  # poses that nothing contradicts for so long are no flicker
LOST: Final = 3.0  # times the usual time between two poses: the model has lost the body in between
LOST_S: Final = 0.25  # and at least so long
UNSURE_S: Final = 0.4  # before a loss and after it
LEAST_SURE: Final = 0.02


def outliers(time_s: Floats, gap: Floats, size: Floats, limit: float) -> tuple[Flags, Floats]:
    """Frames (n,) whose gap (n, 2) lies far from the median of two seconds, and the gap without its wildest swings.

    Far is four times as far as half of the frames, at most ``limit`` and at least ``NEAR`` of the torso's length: the
    pose of somebody else, or a guess. The second, for statistics, has its distances to the median capped. The values
    are reflected at the clip's ends: a model that starts with a wrong guess is outvoted by what follows. A pose among
    others that are mostly far is no better: somebody passes just there.
    """
    seen = np.isfinite(gap).all(axis=1)
    rows = gap[seen]
    width = min(frames_in(time_s[seen], 2.0), 2 * len(rows) - 1)  # SciPy reads stray memory where a window is longer
    middle = median_filter(rows, size=(width, 1), mode="reflect")
    distance = np.hypot(*(rows - middle).T) / size[seen]
    usual = float(np.median(distance))
    far = np.zeros(len(gap), dtype=bool)
    off = distance > np.clip(4 * usual, NEAR, max(limit, NEAR))
    around = uniform_filter1d(off.astype(np.float64), frames_in(time_s[seen], AMONG_S), mode="reflect")
    far[seen] = off | (around > 0.5)
    tame = gap.copy()
    tame[seen] = middle + (rows - middle) * np.minimum(1.0, TAME * usual / np.maximum(distance, 1e-12))[:, None]
    return far, tame


def led(time_s: Floats, gap: Floats, known: Flags, moved: Flags, size: Floats, limit: float) -> Flags:
    """Frames (n,) with no known pose to which a missing step, then no jump of the gap (n, 2), leads from a known one.

    No steps tell how far the body went there, so poses far off may be true: if they go on for ``LEAP_S``, and do not
    jump back. A jump is farther than ``limit`` of the torso's length from frame to frame.
    """
    change = np.hypot(*np.diff(gap, axis=0).T)
    near = change < limit * size[1:]  # False where a pose is missing
    jump = np.concatenate([[False], change >= limit * size[1:], [False]])  # before each frame, and after the last
    found = np.zeros(len(gap), dtype=bool)
    for order in (1, -1):
        before = False
        for link in range(len(near))[::order]:  # between the frames link and link + 1
            come, go = (link, link + 1) if order == 1 else (link + 1, link)
            before = bool(near[link] and not known[go] and (before or (known[come] and not moved[link + 1])))
            found[go] |= before
    for first, last in runs(found):
        lasting = time_s[last] - time_s[first] >= LEAP_S
        found[first : last + 1] = lasting and not (jump[first] or jump[last + 1])
    return found


def sureness(time_s: Floats, known: Flags) -> Floats:
    """0 to 1 for each frame (n,): poses about to be lost, or just found, are of a body half hidden or half guessed.

    A loss is a gap well longer than usual between known poses; beyond ``UNSURE_S`` of it a pose is as good as any.
    """
    sure = np.ones(len(time_s))
    rows = np.flatnonzero(known)
    wait = np.diff(time_s[rows])
    if not len(wait):
        return sure
    for pair in np.flatnonzero(wait > max(LOST * float(np.median(wait)), LOST_S)):
        for edge, side in ((rows[pair], -1), (rows[pair + 1], 1)):
            away_s = side * (time_s - time_s[edge])
            near = (away_s >= 0) & (away_s < UNSURE_S)
            sure[near] = np.minimum(sure[near], LEAST_SURE + (1 - LEAST_SURE) * np.square(away_s[near] / UNSURE_S))
    return sure


def breaks(
    time_s: Floats, gap: Floats, known: Flags, moved: Flags, size: Floats, *, limit: float, longest_s: float
) -> Flags:
    """Frames (n,) that owe nothing to those before: within a long gap of poses or of steps, or where the gap jumped.

    A jump farther than ``limit`` of the torso's length is a scene cut, or another person. The break comes where a step
    is missing, else in the middle of a long gap, else with the first pose after the jump. Where steps are missing for
    longer than ``LOST_S`` nobody knows how far the body went: both sides keep to their own poses.
    """
    rows = np.flatnonzero(known)
    jumped = np.hypot(*np.diff(gap[rows], axis=0).T) / size[rows[1:]] > limit
    long = np.diff(time_s[rows]) > longest_s
    cut = np.zeros(len(gap), dtype=bool)
    for pair in np.flatnonzero(jumped | long):
        first, last = rows[pair] + 1, rows[pair + 1]
        missing = np.flatnonzero(~moved[first : last + 1])
        cut[first + missing[0] if len(missing) else (first + last + 1) // 2 if long[pair] else last] = True
    for first, last in runs(~moved):
        if first > 0 and last + 1 < len(gap) and time_s[last] - time_s[first - 1] > LOST_S:
            cut[(first + last + 1) // 2] = True
    return cut


def within_reach(time_s: Floats, known: Flags, moved: Flags, reach_s: float) -> Flags:
    """Frames (n,) that an unbroken chain of measured steps joins to a known one at most ``reach_s`` away."""
    near = np.zeros(len(time_s), dtype=bool)
    for order in (1, -1):
        last = -np.inf
        for row in range(len(time_s))[::order]:
            link = row if order == 1 else row + 1  # the step between this frame and the one looked at before
            if known[row]:
                last = time_s[row]
            elif link >= len(time_s) or not moved[link]:
                last = -np.inf
            near[row] |= abs(time_s[row] - last) <= reach_s
    return near & ~known


def frames_in(time_s: Floats, seconds: float) -> int:
    """An odd number of frames that lasts about ``seconds``."""
    interval = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    return 2 * round(0.5 * seconds / max(interval, 1e-6)) + 1
