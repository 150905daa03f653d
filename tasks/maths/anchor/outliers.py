"""Which poses to believe and how far: those of somebody else, of a body half hidden, and what they lead to.

Which steps not to believe: those that glimpsed an arm, somebody else or the wall.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from tasks.maths.arrays import Flags, Floats, true_runs
from tasks.maths.tracking.steps import Steps

LEAST_OUTLIER_TORSOS: Final = 0.1  # of the torso's length: a pose so near is never rejected
CLIP_LIMIT_MEDIANS: Final = 2.5  # times as far as half of the frames: no farther in the statistics
OUTLIER_VOTE_S: Final = 0.4  # most of the poses in this time about one are far: so is that one
WHOLE_TORSO_SHARE: Final = 0.9  # of the torso's steady length: what is shorter is half hidden, or half guessed
LASTING_POSES_S: Final = 0.2  # poses that nothing contradicts for so long are no flicker
LOSS_INTERVALS: Final = 3.0  # times the usual time between two poses: the model has lost the body in between
LEAST_LOSS_S: Final = 0.25  # and at least so long
UNCERTAIN_AROUND_LOSS_S: Final = 0.4  # before a loss and after it
LEAST_POSE_WEIGHT: Final = 0.02
STEP_ERROR_LIMIT_TORSOS: Final = 0.006  # of the torso's length: a step known no better than this is not used
NEAR_LIMIT_SHARE: Final = 0.7  # of that: nor is one hardly better known beside it
POSE_RESOLUTION_TORSOS: Final = 0.05  # of the torso's length: a pose tells two steps apart that differ by more
SPIKE_TORSOS: Final = 0.012  # of the torso's length
SPIKE_MEDIANS: Final = 8.0  # medians of the deviation from the steps around
ABRUPT_TORSOS: Final = 0.04  # of the torso's length, from one step to the next
REFERENCE_INTERVAL_S: Final = 1 / 30  # steps are compared as if made in this time
LONGEST_PASSING_S: Final = 0.6  # a crossing lasts no longer


def pose_outliers(time_s: Floats, gap: Floats, size: Floats, limit: float) -> tuple[Flags, Floats]:
    """Frames (n,) whose gap (n, 2) lies far from the median of two seconds, and the gap without its wildest swings.

    Far is four times as far as half of the frames, at most ``limit`` and at least ``NEAR`` of the torso's length: the
    pose of somebody else, or a guess. The second, for statistics, has its distances to the median capped. The values
    are reflected at the clip's ends: a model that starts with a wrong guess is outvoted by what follows. A pose among
    others that are mostly far is no better: somebody passes just there.
    """
    seen = np.isfinite(gap).all(axis=1)
    rows = gap[seen]
    width = min(
        odd_frames_in(time_s[seen], 2.0), 2 * len(rows) - 1
    )  # SciPy reads stray memory where a window is longer
    middle = median_filter(rows, size=(width, 1), mode="reflect")
    distance = np.hypot(*(rows - middle).T) / size[seen]
    usual = float(np.median(distance))
    far = np.zeros(len(gap), dtype=bool)
    off = distance > np.clip(4 * usual, LEAST_OUTLIER_TORSOS, max(limit, LEAST_OUTLIER_TORSOS))
    around = uniform_filter1d(off.astype(np.float64), odd_frames_in(time_s[seen], OUTLIER_VOTE_S), mode="reflect")
    far[seen] = off | (around > 0.5)
    tame = gap.copy()
    tame[seen] = (
        middle + (rows - middle) * np.minimum(1.0, CLIP_LIMIT_MEDIANS * usual / np.maximum(distance, 1e-12))[:, None]
    )
    return far, tame


def poses_across_missing_steps(
    time_s: Floats, gap: Floats, known: Flags, moved: Flags, size: Floats, limit: float
) -> Flags:
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
    for first, last in true_runs(found):
        lasting = time_s[last] - time_s[first] >= LASTING_POSES_S
        found[first : last + 1] = lasting and not (jump[first] or jump[last + 1])
    return found


def pose_weight(time_s: Floats, known: Flags) -> Floats:
    """0 to 1 for each frame (n,): poses about to be lost, or just found, are of a body half hidden or half guessed.

    A loss is a gap well longer than usual between known poses; beyond ``UNSURE_S`` of it a pose is as good as any.
    """
    sure = np.ones(len(time_s))
    rows = np.flatnonzero(known)
    wait = np.diff(time_s[rows])
    if not len(wait):
        return sure
    for pair in np.flatnonzero(wait > max(LOSS_INTERVALS * float(np.median(wait)), LEAST_LOSS_S)):
        for edge, side in ((rows[pair], -1), (rows[pair + 1], 1)):
            away_s = side * (time_s - time_s[edge])
            near = (away_s >= 0) & (away_s < UNCERTAIN_AROUND_LOSS_S)
            sure[near] = np.minimum(
                sure[near],
                LEAST_POSE_WEIGHT + (1 - LEAST_POSE_WEIGHT) * np.square(away_s[near] / UNCERTAIN_AROUND_LOSS_S),
            )
    return sure


def chain_cuts(
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
    for first, last in true_runs(~moved):
        if first > 0 and last + 1 < len(gap) and time_s[last] - time_s[first - 1] > LEAST_LOSS_S:
            cut[(first + last + 1) // 2] = True
    return cut


def bridged_frames(time_s: Floats, known: Flags, moved: Flags, reach_s: float) -> Flags:
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


def odd_frames_in(time_s: Floats, seconds: float) -> int:
    """An odd number of frames that lasts about ``seconds``."""
    interval = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    return 2 * round(0.5 * seconds / max(interval, 1e-6)) + 1


def step_error_px(steps: Steps) -> Floats:
    """Standard error (n,) of a step in px, from how well its features agree and how many do; NaN without any."""
    agreeing = np.maximum(steps["features"] * steps["inlier_share"], 1.0)
    return np.asarray(1.4826 * steps["misfit_px"] / np.sqrt(agreeing))


def uncertain_steps(error: Floats, missing: Flags, size: Floats) -> Flags:
    """Steps (n,) with too large a standard ``error`` (n,), or one hardly better beside them or beside missing ones.

    Where features are lost, or found again, some of them lie on whatever hides the body.
    """
    bad = missing | (error > STEP_ERROR_LIMIT_TORSOS * size)
    doubtful = missing | (error > NEAR_LIMIT_SHARE * STEP_ERROR_LIMIT_TORSOS * size)
    for first, last in true_runs(doubtful):
        part = slice(first, last + 1)
        doubtful[part] = bad[part].any()
    return doubtful


def steps_confirmed_by_pose(step: Floats, guess: Floats, pose_xy: Floats, error: Floats, size: Floats) -> Flags:
    """Steps (n, 2) that the pose made too, rather than the ``guess`` (n, 2) that would stand in for them.

    Somebody who leaps is blurred: each of the two is doubtful alone, but what both say is no accident. A guess that
    differs by no more than the steps' own ``error`` (n,), or by less than poses are off, is as good.
    """
    pose = np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan))
    apart = np.hypot(*(step - guess).T)
    nearer = np.hypot(*(step - pose).T) < np.hypot(*(guess - pose).T)
    return np.asarray(nearer & (apart > np.maximum(POSE_RESOLUTION_TORSOS * size, error)))


def steps_after_loss(steps: Steps) -> Flags:
    """Steps (n,) measured where the torso was lost on the way: since the last pose a step before them is missing."""
    missing = np.isnan(steps.xy()).any(axis=1)
    lost = np.concatenate([[0], np.cumsum(missing)])  # of the first k steps, how many are missing
    row = np.arange(len(steps))
    first = np.maximum(row - steps["carried_frames"].astype(np.int64), 0)
    return np.asarray(lost[row] > lost[first])


def step_spikes(time_s: Floats, step: Floats, pose_xy: Floats, size: Floats) -> Flags:
    """Steps (n, 2) unlike their neighbours, where the pose sides with these: a glimpse of an arm or of the wall."""
    rows = np.flatnonzero(np.isfinite(step).all(axis=1))
    found = np.zeros(len(step), dtype=bool)
    if len(rows) < 5:
        return found
    interval = _intervals_s(time_s)[rows, None]
    around = median_filter(step[rows] / interval, size=(5, 1), mode="nearest") * interval
    off = np.hypot(*(step[rows] - around).T) / size[rows]
    limit = max(SPIKE_TORSOS, SPIKE_MEDIANS * float(np.median(off)))
    pose = np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan))[rows]
    sides = np.hypot(*(step[rows] - pose).T) > np.hypot(*(around - pose).T)
    found[rows] = (off > limit) & (sides | np.isnan(pose).any(axis=1))
    return found


def passing_runs(time_s: Floats, step: Floats, gap: Floats, size: Floats) -> Flags:
    """Short runs of steps (n, 2) that start and end abruptly and that the pose, once they are over, has not made.

    Somebody who crosses in front takes the features along for a moment. A bump of the camera is as abrupt, but
    afterwards the pose has moved by as much: ``gap`` (n, 2), the pose minus the sum of the steps, is what it was. Who
    hops ends where he began: then the poses on the way tell.
    """
    rows = np.flatnonzero(np.isfinite(step).all(axis=1))
    found = np.zeros(len(step), dtype=bool)
    interval = _intervals_s(time_s)
    speed = step / interval[:, None]
    leaps = np.hypot(*np.diff(speed[rows], axis=0).T) * np.minimum(interval[rows[1:]], REFERENCE_INTERVAL_S)
    edges = np.flatnonzero(leaps > ABRUPT_TORSOS * size[rows[1:]]) + 1
    for start, end in pairwise(edges):
        first, after = rows[start], rows[end]
        if time_s[after] - time_s[first] > LONGEST_PASSING_S:
            continue
        run = rows[start:end]
        usual = 0.5 * (speed[rows[start - 1]] + speed[after])
        extra = np.cumsum(step[run] - usual * interval[run, None], axis=0)
        leap = _median_in_span(time_s, gap, time_s[after], LONGEST_PASSING_S) - _median_in_span(
            time_s, gap, time_s[first - 1], -LONGEST_PASSING_S
        )
        if np.hypot(*(leap + extra[-1])) + _median_spread(gap[run] + extra) < np.hypot(*leap) + _median_spread(
            gap[run]
        ):
            found[run] = True
    return found


def _median_spread(values: Floats) -> float:
    """Median distance of the known values (n, 2) from their median; nothing where none is known."""
    there = values[np.isfinite(values).all(axis=1)]
    return float(np.median(np.hypot(*(there - np.median(there, axis=0)).T))) if len(there) else 0.0


def _intervals_s(time_s: Floats) -> Floats:
    """Seconds (n,) since the frame before; for the first one, until the next."""
    step = np.diff(time_s)
    return np.asarray(np.maximum(np.concatenate([step[:1], step]), 1e-6))


def _median_in_span(time_s: Floats, values: Floats, from_s: float, span_s: float) -> Floats:
    """Median of the values (n, 2) in a span that starts or ends at a time; NaN where none is known."""
    low, high = sorted((from_s, from_s + span_s))
    there = values[(time_s >= low) & (time_s <= high) & np.isfinite(values).all(axis=1)]
    return np.asarray(np.median(there, axis=0)) if len(there) else np.full(2, np.nan)
