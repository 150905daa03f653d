"""Which poses and which torso steps to reject, and how much weight a pose gets.

The discrepancy is the pose minus the sum of the steps, (n, 2) px. "Torsos" are torso lengths. A step belongs to the
frame at its end.
"""

from itertools import pairwise
from typing import Final

import numpy as np
from scipy.ndimage import median_filter, uniform_filter1d

from tasks.maths.arrays import Flags, Floats, true_runs
from tasks.maths.frame_times import nearest_index, odd_frames_in
from tasks.maths.tracking.steps import Steps

# Where no reason stands beside a limit, it is a choice. Half and double of each were tried alone on six walkers of the
# lock table (level, at 24 and 60 fps, limp, turn, away), without smoothing: the standard deviation of the true hips in
# the output changes by -0.08 to 0.05 px, and the longest step from frame to frame by 0.01 px. Nobody hides these
# walkers, and they do not leap: the tests draw what the limits are for.
LEAST_OUTLIER_TORSOS: Final = 0.1  # a pose closer than this to the poses around it is never rejected
CLIP_LIMIT_MEDIANS: Final = 2.5  # clip limit of a distance in statistics, in median distances
OUTLIER_VOTE_S: Final = 0.4  # if most poses within this time around a pose are outliers, so is that pose
WHOLE_TORSO_SHARE: Final = 0.9  # of the steady torso length: a shorter torso is half hidden, or half guessed
LASTING_POSES_S: Final = 0.2  # poses without contradiction for this long are no flicker
LOSS_INTERVALS: Final = 3.0  # of the median interval between poses: in a longer one the model lost the body
LEAST_LOSS_S: Final = 0.25  # and at least this long
UNCERTAIN_AROUND_LOSS_S: Final = 0.4  # before and after a loss
FASTEST_DRIFT_TORSOS: Final = 0.15  # of the steps, from one pose to the next: more is a jump of the pose
OFF_TORSO_TORSOS: Final = 0.15  # median distance of the anchor from the poses, above which it is off the torso
RESIDUAL_S: Final = 0.3  # over which this median is taken
AROUND_RESIDUAL_S: Final = 0.5  # before and after a frame off the torso the poses are followed too
LEAST_POSE_WEIGHT: Final = 0.02  # right beside a loss; from there it rises to 1
# Weight of the pose of a body that the picture's edge cuts. There the hips of ten drawn walkers who come in or leave
# are off by about twice as far as elsewhere. The anchor is off by 2.2 px rms with weight 1, by 1.5 to 1.6 px with 0.1
# to 0.4, and by 1.6 px with 0.02.
GUESSED_POSE_WEIGHT: Final = 0.2
STEP_ERROR_LIMIT_TORSOS: Final = 0.006  # a step with a larger standard error is not used
NEAR_LIMIT_SHARE: Final = 0.7  # of that limit: nor is a step above this share beside an unused one
POSE_RESOLUTION_TORSOS: Final = 0.05  # resolution of a pose: it tells two steps apart that differ by more
REST_TORSOS: Final = 0.01  # from frame to frame: features that move less rest on the background, if the pose moves
MOVED_RESOLUTIONS: Final = 2.0  # by more than this many resolutions of a pose
SPIKE_TORSOS: Final = 0.012  # least deviation of a spike from the steps around it
SPIKE_MEDIANS: Final = 8.0  # and at least this many median deviations
ABRUPT_TORSOS: Final = 0.04  # change from one step to the next
ABRUPT_MEDIANS: Final = 5.0  # and at least this many median changes: a runner's bounce is abrupt all the time
REFERENCE_INTERVAL_S: Final = 1 / 30  # changes of steps are compared as if made in this time
LONGEST_PASSING_S: Final = 0.6  # somebody who passes in front takes no longer


def outliers_between_gaps(
    time_s: Floats, discrepancy: Floats, whole: Flags, torso_px: Floats, limit: float, longest_gap_s: float
) -> tuple[Flags, Floats]:
    """``pose_outliers`` of the poses between gaps of more than ``longest_gap_s``, without the drift at the end of each.

    After such a gap nobody knows how far the body went: the poses before say nothing about those after it. Poses that
    last for less than ``LASTING_POSES_S`` between two gaps may be a flicker, and are compared with all others.
    """
    seen = np.flatnonzero(np.isfinite(discrepancy).all(axis=1))
    outlier, clipped = pose_outliers(time_s, discrepancy, torso_px, limit)
    groups = np.split(seen, np.flatnonzero(np.diff(time_s[seen]) > longest_gap_s) + 1)
    for rows in groups if len(groups) > 1 else []:
        if time_s[rows[-1]] - time_s[rows[0]] >= LASTING_POSES_S:
            outlier[rows], clipped[rows] = pose_outliers(time_s[rows], discrepancy[rows], torso_px[rows], limit)
    for rows in groups:
        drift = rows[drift_at_end(discrepancy[rows], outlier[rows], whole[rows], torso_px[rows])]
        outlier[drift], clipped[drift] = False, discrepancy[drift]
    return outlier, clipped


def off_torso(time_s: Floats, residual: Floats, known: Flags, torso_px: Floats) -> Flags:
    """Frames (n,) in which the anchor lies off the torso, and those within ``AROUND_RESIDUAL_S`` of them.

    ``residual`` (n, 2) px is the pose minus the anchor, and ``known`` (n,) says which poses are accepted. A single pose
    may be wrong: the anchor is off where the median over ``RESIDUAL_S`` is more than ``OFF_TORSO_TORSOS``.
    """
    rows = np.flatnonzero(known)
    if not len(rows):
        return np.zeros(len(time_s), dtype=bool)
    width = min(odd_frames_in(time_s[rows], RESIDUAL_S), 2 * len(rows) - 1)
    usual = median_filter(residual[rows], size=(width, 1), mode="nearest")
    off_s = time_s[rows[np.hypot(*usual.T) > OFF_TORSO_TORSOS * torso_px[rows]]]
    if not len(off_s):
        return np.zeros(len(time_s), dtype=bool)
    return np.asarray(np.abs(time_s - off_s[nearest_index(time_s, off_s)]) <= AROUND_RESIDUAL_S)


def pose_outliers(time_s: Floats, discrepancy: Floats, torso_px: Floats, limit: float) -> tuple[Flags, Floats]:
    """Frames (n,) with a discrepancy far from its two-second median, and the clipped discrepancy (n, 2) for statistics.

    Far means more than four median distances, at most ``limit`` and at least ``LEAST_OUTLIER_TORSOS``: such a pose is
    that of somebody else, or a guess. The clipped discrepancy has its distances to the median limited. Values are
    mirrored at the ends of the clip, so that a model that starts with a wrong guess is outvoted by what follows. A pose
    among poses that are mostly far is rejected too: somebody is passing there.
    """
    seen = np.isfinite(discrepancy).all(axis=1)
    rows = discrepancy[seen]
    width = min(odd_frames_in(time_s[seen], 2.0), 2 * len(rows) - 1)  # SciPy reads stray memory if the window is longer
    middle = median_filter(rows, size=(width, 1), mode="reflect")
    distance = np.hypot(*(rows - middle).T) / torso_px[seen]
    median_distance = float(np.median(distance))
    outlier = np.zeros(len(discrepancy), dtype=bool)
    distant = distance > np.clip(4 * median_distance, LEAST_OUTLIER_TORSOS, max(limit, LEAST_OUTLIER_TORSOS))
    around = uniform_filter1d(distant.astype(np.float64), odd_frames_in(time_s[seen], OUTLIER_VOTE_S), mode="reflect")
    outlier[seen] = distant | (around > 0.5)
    clipped = discrepancy.copy()
    clipped[seen] = (
        middle
        + (rows - middle) * np.minimum(1.0, CLIP_LIMIT_MEDIANS * median_distance / np.maximum(distance, 1e-12))[:, None]
    )
    return outlier, clipped


def drift_at_end(discrepancy: Floats, outlier: Flags, whole: Flags, torso_px: Floats) -> Flags:
    """Outliers (n,) at the end that the poses before reach without a jump: there the steps drift, the poses are right.

    At the end the median of ``pose_outliers`` is one-sided, so it lags behind a steady drift. Only poses of a ``whole``
    (n,) torso count. A jump is a change of more than ``FASTEST_DRIFT_TORSOS`` from one pose to the next, without noise.
    """
    rows = np.flatnonzero(np.isfinite(discrepancy).all(axis=1))
    found = np.zeros(len(discrepancy), dtype=bool)
    calm = median_filter(discrepancy[rows], size=(3, 1), mode="nearest")
    change = np.hypot(*np.diff(calm, axis=0).T) / torso_px[rows[1:]]
    last = len(rows)
    while last > 1 and outlier[rows[last - 1]] and whole[rows[last - 1]] and change[last - 2] <= FASTEST_DRIFT_TORSOS:
        last -= 1
    if last and not outlier[rows[last - 1]]:
        found[rows[last:]] = True
    return found


def poses_across_missing_steps(
    time_s: Floats, discrepancy: Floats, known: Flags, moved: Flags, torso_px: Floats, limit: float
) -> Flags:
    """Unknown frames (n,) that a missing step and then an unbroken run of poses connects to a known frame.

    Without steps nobody knows how far the body moved, so distant poses may be true: if they last for
    ``LASTING_POSES_S`` and do not jump back. A jump is a change of the discrepancy by more than ``limit`` torsos from
    frame to frame.
    """
    change = np.hypot(*np.diff(discrepancy, axis=0).T)
    near = change < limit * torso_px[1:]  # False where a pose is missing
    jump = np.concatenate([[False], change >= limit * torso_px[1:], [False]])  # before each frame, and after the last
    found = np.zeros(len(discrepancy), dtype=bool)
    for order in (1, -1):
        joined = False
        for link in range(len(near))[::order]:  # between the frames link and link + 1
            start, end = (link, link + 1) if order == 1 else (link + 1, link)
            joined = bool(near[link] and not known[end] and (joined or (known[start] and not moved[link + 1])))
            found[end] |= joined
    for first, last in true_runs(found):
        lasting = time_s[last] - time_s[first] >= LASTING_POSES_S
        found[first : last + 1] = lasting and not (jump[first] or jump[last + 1])
    return found


def pose_weight(time_s: Floats, known: Flags) -> Floats:
    """Weight (n,) of each frame's pose, 0 to 1: lower shortly before and after the model lost the body.

    Such a pose is half hidden or half guessed. A loss is a gap between known poses well above the usual interval;
    further than ``UNCERTAIN_AROUND_LOSS_S`` from it the weight is 1.
    """
    weight = np.ones(len(time_s))
    rows = np.flatnonzero(known)
    interval_s = np.diff(time_s[rows])
    if not len(interval_s):
        return weight
    for pair in np.flatnonzero(interval_s > max(LOSS_INTERVALS * float(np.median(interval_s)), LEAST_LOSS_S)):
        for edge, side in ((rows[pair], -1), (rows[pair + 1], 1)):
            distance_s = side * (time_s - time_s[edge])
            near = (distance_s >= 0) & (distance_s < UNCERTAIN_AROUND_LOSS_S)
            weight[near] = np.minimum(
                weight[near],
                LEAST_POSE_WEIGHT + (1 - LEAST_POSE_WEIGHT) * np.square(distance_s[near] / UNCERTAIN_AROUND_LOSS_S),
            )
    return weight


def chain_cuts(
    time_s: Floats, discrepancy: Floats, known: Flags, moved: Flags, torso_px: Floats, *, limit: float, longest_s: float
) -> Flags:
    """Frames (n,) that are not connected to the frame before: in a long gap of poses or steps, or at a jump.

    A jump of the discrepancy by more than ``limit`` torsos is a scene cut, or another person. The cut lies at a missing
    step if there is one, else in the middle of a long gap, else at the first pose after the jump. A gap of steps longer
    than ``LEAST_LOSS_S`` is cut in its middle: nobody knows how far the body went, and both sides keep to their own
    poses. It is not cut where most of its frames have a known pose and the discrepancy changes by at most
    ``LEAST_OUTLIER_TORSOS``: then the poses show where the body went, and a cut would turn a little drift into a jump.
    """
    rows = np.flatnonzero(known)
    jumped = np.hypot(*np.diff(discrepancy[rows], axis=0).T) / torso_px[rows[1:]] > limit
    long = np.diff(time_s[rows]) > longest_s
    cut = np.zeros(len(discrepancy), dtype=bool)
    for pair in np.flatnonzero(jumped | long):
        first, last = rows[pair] + 1, rows[pair + 1]
        missing = np.flatnonzero(~moved[first : last + 1])
        if len(missing):
            cut[first + missing[0]] = True
        else:
            cut[(first + last + 1) // 2 if long[pair] else last] = True
    for first, last in true_runs(~moved):
        if first > 0 and last + 1 < len(discrepancy) and time_s[last] - time_s[first - 1] > LEAST_LOSS_S:
            before = _median_in_span(time_s[known], discrepancy[known], time_s[first - 1], -UNCERTAIN_AROUND_LOSS_S)
            after = _median_in_span(time_s[known], discrepancy[known], time_s[last], UNCERTAIN_AROUND_LOSS_S)
            is_drift = np.hypot(*(after - before)) <= LEAST_OUTLIER_TORSOS * torso_px[first]  # False where unknown
            cut[(first + last + 1) // 2] |= not is_drift or known[first : last + 1].mean() < 0.5
    return cut


def bridged_frames(time_s: Floats, known: Flags, moved: Flags, reach_s: float) -> Flags:
    """Unknown frames (n,) that an unbroken chain of steps connects to a known frame at most ``reach_s`` away."""
    near = np.zeros(len(time_s), dtype=bool)
    for order in (1, -1):
        last = -np.inf
        for row in range(len(time_s))[::order]:
            link = row if order == 1 else row + 1  # the step between this frame and the previous one of the loop
            if known[row]:
                last = time_s[row]
            elif link >= len(time_s) or not moved[link]:
                last = -np.inf
            near[row] |= abs(time_s[row] - last) <= reach_s
    return near & ~known


def step_error_px(steps: Steps) -> Floats:
    """Standard error (n,) of a step in px, from the misfit and number of its features; NaN without features."""
    agreeing = np.maximum(steps["features"] * steps["inlier_share"], 1.0)
    return np.asarray(1.4826 * steps["misfit_px"] / np.sqrt(agreeing))


def uncertain_steps(error_px: Floats, missing: Flags, torso_px: Floats) -> Flags:
    """Steps (n,) with a large standard error ``error_px`` (n,), and nearly as large ones beside these or missing steps.

    Where features are lost or found again, some of them lie on whatever hides the body.
    """
    bad = missing | (error_px > STEP_ERROR_LIMIT_TORSOS * torso_px)
    uncertain = missing | (error_px > NEAR_LIMIT_SHARE * STEP_ERROR_LIMIT_TORSOS * torso_px)
    for first, last in true_runs(uncertain):
        part = slice(first, last + 1)
        uncertain[part] = bad[part].any()
    return uncertain


def steps_at_rest(measured: Floats, pose_xy: Floats, torso_px: Floats) -> Flags:
    """Steps (n,) in which the features rest while the pose moves: they lie on the background.

    If the pose of a person who stands still jumps, the step is rejected too; the guess that replaces it also rests.
    """
    moved = np.hypot(*np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan)).T)
    rests = np.hypot(*measured.T) < REST_TORSOS * torso_px
    return np.asarray(rests & (moved > MOVED_RESOLUTIONS * POSE_RESOLUTION_TORSOS * torso_px))


def steps_confirmed_by_pose(step: Floats, guess: Floats, pose_xy: Floats, error_px: Floats, torso_px: Floats) -> Flags:
    """Steps (n,) that the pose supports more than the ``guess`` (n, 2) that would replace them.

    A leaping person is blurred: pose and step are each uncertain, but they do not agree by accident. A guess that
    differs from the step by less than its ``error_px`` (n,), or by less than the resolution of a pose, is as good.
    """
    pose = np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan))
    apart = np.hypot(*(step - guess).T)
    nearer = np.hypot(*(step - pose).T) < np.hypot(*(guess - pose).T)
    return np.asarray(nearer & (apart > np.maximum(POSE_RESOLUTION_TORSOS * torso_px, error_px)))


def steps_after_loss(steps: Steps) -> Flags:
    """Steps (n,) measured after the torso was lost: a step since the last pose is missing."""
    missing = np.isnan(steps.xy()).any(axis=1)
    lost = np.concatenate([[0], np.cumsum(missing)])  # the number of missing steps among the first k
    row = np.arange(len(steps))
    first = np.maximum(row - steps["carried_frames"].astype(np.int64), 0)
    return np.asarray(lost[row] > lost[first])


def step_spikes(time_s: Floats, step: Floats, pose_xy: Floats, torso_px: Floats) -> Flags:
    """Steps (n,) unlike their neighbours although the pose moves like these: the features lie on an arm or on a wall.

    The turning point of a short swing is unlike the median of its neighbours, but not unlike the mean of the nearest
    two.
    """
    rows = np.flatnonzero(np.isfinite(step).all(axis=1))
    found = np.zeros(len(step), dtype=bool)
    if len(rows) < 5:
        return found
    interval = _intervals_s(time_s)[rows, None]
    speed = step[rows] / interval
    around = median_filter(speed, size=(5, 1), mode="nearest") * interval
    padded = np.pad(speed, ((1, 1), (0, 0)), mode="edge")
    between = 0.5 * (padded[:-2] + padded[2:]) * interval
    deviation = np.minimum(*(np.hypot(*(step[rows] - place).T) for place in (around, between))) / torso_px[rows]
    limit = max(SPIKE_TORSOS, SPIKE_MEDIANS * float(np.median(deviation)))
    pose = np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan))[rows]
    pose_disagrees = np.hypot(*(step[rows] - pose).T) > np.hypot(*(around - pose).T)
    found[rows] = (deviation > limit) & (pose_disagrees | np.isnan(pose).any(axis=1))
    return found


def passing_runs(time_s: Floats, step: Floats, discrepancy: Floats, torso_px: Floats) -> Flags:
    """Steps (n,) in short runs with an abrupt start and end that the pose does not show: somebody passed in front.

    A bump of the camera is as abrupt, but the pose moves as well, and the discrepancy is unchanged afterwards. A person
    who hops ends where the hop began: then the poses in between decide.
    """
    rows = np.flatnonzero(np.isfinite(step).all(axis=1))
    found = np.zeros(len(step), dtype=bool)
    interval = _intervals_s(time_s)
    speed = step / interval[:, None]
    leaps = np.hypot(*np.diff(speed[rows], axis=0).T) * np.minimum(interval[rows[1:]], REFERENCE_INTERVAL_S)
    usual_px = float(np.median(leaps)) if len(leaps) else 0.0
    edges = np.flatnonzero(leaps > np.maximum(ABRUPT_TORSOS * torso_px[rows[1:]], ABRUPT_MEDIANS * usual_px)) + 1
    for start, end in pairwise(edges):
        first, after = rows[start], rows[end]
        if time_s[after] - time_s[first] > LONGEST_PASSING_S:
            continue
        run = rows[start:end]
        usual_speed = 0.5 * (speed[rows[start - 1]] + speed[after])
        extra_px = np.cumsum(step[run] - usual_speed * interval[run, None], axis=0)
        jump = _median_in_span(time_s, discrepancy, time_s[after], LONGEST_PASSING_S) - _median_in_span(
            time_s, discrepancy, time_s[first - 1], -LONGEST_PASSING_S
        )
        if np.hypot(*(jump + extra_px[-1])) + _median_spread(discrepancy[run] + extra_px) < np.hypot(
            *jump
        ) + _median_spread(discrepancy[run]):
            found[run] = True
    return found


def _median_spread(values: Floats) -> float:
    """Median distance of the finite values (n, 2) from their median; 0 without any."""
    there = values[np.isfinite(values).all(axis=1)]
    return float(np.median(np.hypot(*(there - np.median(there, axis=0)).T))) if len(there) else 0.0


def _intervals_s(time_s: Floats) -> Floats:
    """Seconds (n,) since the frame before; for the first frame, those until the next one."""
    step = np.diff(time_s)
    return np.asarray(np.maximum(np.concatenate([step[:1], step]), 1e-6))


def _median_in_span(time_s: Floats, values: Floats, from_s: float, span_s: float) -> Floats:
    """Median (2,) of the finite values (n, 2) in a span that starts or ends at ``from_s``; NaN without any."""
    low, high = sorted((from_s, from_s + span_s))
    there = values[(time_s >= low) & (time_s <= high) & np.isfinite(values).all(axis=1)]
    return np.asarray(np.median(there, axis=0)) if len(there) else np.full(2, np.nan)
