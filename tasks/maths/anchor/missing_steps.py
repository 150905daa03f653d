"""What stands in for torso steps that are missing or not trusted.

A step between trusted ones is guessed from their speeds. The error of such a guess depends on the person: a fraction of
a px for somebody who walks evenly, more for somebody who turns. It is measured on the clip's own trusted steps: each is
guessed from the steps around it, as if it were missing. An uncertain measured step is joined with its guess, each
weighted by its variance: a hard limit would depend on noise.
"""

from typing import Final

import numpy as np
from scipy.ndimage import uniform_filter1d

from tasks.maths.anchor import gaps
from tasks.maths.anchor.crossover import HUBER_LIMIT_STDS, RAYLEIGH_MEDIAN_STDS, VALUE_SPAN_S, solve_drift
from tasks.maths.anchor.outliers import POSE_RESOLUTION_TORSOS
from tasks.maths.arrays import Flags, Floats, true_runs
from tasks.maths.frame_times import nearest_index, odd_frames_in

# Standard deviation of a step of the pose, in differences of two successive ones, if the pose has white noise.
DIFFERENCE_OF_STEPS_STDS: Final = (2 / 6) ** 0.5
# Motion of the poses above this frequency counts as noise. Tried on a filmed somersault without steps, against hips
# marked by eye in 22 frames: the anchor is off by 9.5 to 9.7 px rms with 6 to 8 Hz, and by 22 px without this limit. A
# drawn take-off of 150 px in 0.3 s is followed to 4 px with 5 or 6 Hz, and to 3 px with 7 Hz.
CALM_POSES_HZ: Final = 7.0
FEWEST_GUESSES: Final = 5  # of known steps: fewer do not show how far off a guess is


def fill_steps(time_s: Floats, pose_xy: Floats, step: Floats) -> Floats:
    """Steps (n, 2) without NaN.

    A missing step continues at the speed of its neighbours, or, if none is near, at the speed of the smoothed pose.
    """
    interval = np.diff(time_s, prepend=time_s[0])
    moved: Flags = np.all(np.isfinite(step), axis=1) & (interval > 0)
    if moved.any():
        speed = step[moved] / interval[moved, None]
        speed = np.stack([np.interp(time_s, time_s[moved], column) for column in speed.T], axis=1)
        far = np.abs(time_s - time_s[moved][nearest_index(time_s, time_s[moved])]) > VALUE_SPAN_S
    else:
        speed = np.zeros_like(step)
        far = np.ones(len(time_s), dtype=bool)
    if far.any() and np.isfinite(pose_xy).all(axis=1).any():
        width = odd_frames_in(time_s, 2 * VALUE_SPAN_S)
        pose = uniform_filter1d(gaps.fill_gaps(time_s, pose_xy, interpolate=True)[0], width, axis=0, mode="nearest")
        speed[far] = np.gradient(pose, time_s, axis=0)[far] if len(time_s) > 1 else 0.0
    filled = np.where(moved[:, None], step, speed * interval[:, None])
    filled[0] = 0.0
    return np.asarray(filled)


def calm_poses(time_s: Floats, pose_xy: Floats, guess: Floats, torso_px: Floats, outlier_torsos: float) -> Floats:
    """The poses (n, 2) without noise and without those that jump.

    Of their distance from the sum of the steps in ``guess`` (n, 2) only what is slower than ``CALM_POSES_HZ`` is kept.
    Poses further than ``outlier_torsos`` from the curve are left out, and it is found anew. It goes on through gaps in
    which nobody was seen for up to ``VALUE_SPAN_S``. In longer gaps, before the first pose and after the last one it is
    NaN.
    """
    known: Flags = np.all(np.isfinite(pose_xy), axis=1)
    if not known.any():
        return pose_xy
    hz, nowhere = np.full(len(time_s), CALM_POSES_HZ), np.zeros(len(time_s), dtype=bool)
    track = np.cumsum(guess, axis=0)
    calm, near = track, known
    for _ in range(2):
        weight = (near if near.any() else known).astype(np.float64)
        calm = track + solve_drift(time_s, pose_xy - track, weight, hz, cut=nowhere, torso_px=torso_px)
        near = np.asarray(np.hypot(*(pose_xy - calm).T) <= outlier_torsos * torso_px)  # False without a pose
    for first, last in true_runs(~known):
        at_end = first == 0 or last + 1 == len(time_s)
        if at_end or time_s[last + 1] - time_s[first - 1] > VALUE_SPAN_S + 1e-6:
            calm[first : last + 1] = np.nan
    return calm


def runs_confirmed_by_pose(
    measured: Floats, guess: Floats, pose_xy: Floats, *, uncertain: Flags, error_px: Floats, torso_px: Floats
) -> Flags:
    """Steps (n,) in runs of ``uncertain`` (n,) ones that the poses support, as a run, more than the ``guess`` (n, 2).

    In a leap a single step differs from its guess by less than the resolution of a pose, but a few of them together
    differ by more. Each step of such a run has poses at both ends, and agrees with them. The sum of the run is nearer
    to the poses than that of the guess: the squared distances differ by more than the squared resolution of a pose,
    and than the squared errors ``error_px`` (n,) of the steps together.
    """
    pose = np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan))
    resolution_px = POSE_RESOLUTION_TORSOS * torso_px
    confirmed = np.zeros(len(measured), dtype=bool)
    for first, last in true_runs(uncertain & (np.hypot(*(measured - pose).T) <= resolution_px)):  # False for NaN
        run = slice(first, last + 1)
        off, guess_off = (np.square((steps[run] - pose[run]).sum(axis=0)).sum() for steps in (measured, guess))
        confirmed[run] = guess_off - off > max(resolution_px[first] ** 2, np.square(error_px[run]).sum())
    return confirmed


def join_uncertain_steps(time_s: Floats, step: Floats, measured: Floats, error_px: Floats, guess: Floats) -> Floats:
    """The ``guess`` (n, 2), moved towards ``measured`` (n, 2) as far as the errors of both say.

    ``step`` (n, 2) are the trusted steps, NaN elsewhere. ``measured`` is NaN where nothing was measured, or where more
    than noise speaks against it. Then the guess alone counts for the whole run of steps that are not trusted: what
    hides the body may lead features away before and after, too. ``error_px`` (n,) is the measured steps' error.
    """
    trusted: Flags = np.all(np.isfinite(step), axis=1)
    joined = guess.copy()
    for first, last in true_runs(~trusted):
        run = slice(first, last + 1)
        if np.isfinite(measured[run]).all():
            guessed = guess_error_px(time_s, step, last + 1 - first) ** 2
            both = np.maximum(guessed + np.square(error_px[run]), 1e-12)
            away = measured[run] - guess[run]
            limit = np.minimum(1.0, HUBER_LIMIT_STDS * np.sqrt(both) / np.maximum(np.hypot(*away.T), 1e-12))
            joined[run] += (guessed / both * limit)[:, None] * away
    return joined


def steps_by_pose(
    time_s: Floats,
    step: Floats,
    guess: Floats,
    pose_xy: Floats,
    *,
    missing: Flags,
    torso_px: Floats,
    elsewhere: Flags,
) -> Floats:
    """Steps (n, 2): the trusted ``step``, or the pose's step joined with the ``guess``, where the pose counts more.

    Other steps stay NaN, and so does a run without any ``missing`` (n,) measurement. A guess between two trusted steps
    is off by at most the change of speed between them: so the poses of somebody who walks on behind a post do not
    count, and those of somebody who jumps do. A pose's step is off by the resolution of a pose, or more where the poses
    of the run tremble. Both are weighted by their variances. In ``elsewhere`` (n,), see ``poses_elsewhere``, only the
    poses count.
    """
    trusted: Flags = np.all(np.isfinite(step), axis=1)
    interval = np.maximum(np.diff(time_s, prepend=time_s[0]), 1e-6)
    pose = np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan))
    joined = step.copy()
    for first, last in true_runs(~trusted):
        before, after = first - 1, last + 1
        if before < 1 or after >= len(step) or not missing[first:after].any():
            continue
        run, (start, end) = slice(first, after), step[[before, after]] / interval[[before, after], None]
        guessed = np.square(np.hypot(*(end - start)) * interval[run])
        tremble = np.hypot(*np.diff(pose[run], axis=0).T)
        tremble = tremble[np.isfinite(tremble)]
        least_px = DIFFERENCE_OF_STEPS_STDS * float(np.median(tremble)) if len(tremble) else np.inf
        share = guessed / (guessed + np.square(np.maximum(POSE_RESOLUTION_TORSOS * torso_px[run], least_px)))
        share = np.where(elsewhere[run], 1.0, share)
        by_pose = guess[run] + share[:, None] * (pose[run] - guess[run])
        joined[run] = np.where((share > 0.5)[:, None], by_pose, np.nan)
    return joined


def poses_elsewhere(
    step: Floats, guess: Floats, pose_xy: Floats, *, missing: Flags, torso_px: Floats, limit_torsos: float
) -> Flags:
    """Steps (n,) in runs without trusted ``step`` (n, 2) in which the poses (n, 2) go elsewhere than the ``guess``.

    Somebody who leaps may be as fast before as after: the speeds do not show the leap, but the poses do. They count
    where they are more than ``limit_torsos`` from the guess in most frames of a run, are seen in all of them, and go
    there and back without a jump: a pose that slides to somebody who passes in front jumps back. Only runs with a
    ``missing`` (n,) measurement count.
    """
    found = np.zeros(len(step), dtype=bool)
    trusted: Flags = np.all(np.isfinite(step), axis=1)
    pose = np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan))
    jump = np.zeros(len(step))  # how far a step lies outside of what is between its neighbours
    middle, apart = 0.5 * (pose[:-2] + pose[2:]), 0.5 * np.hypot(*(pose[2:] - pose[:-2]).T)
    jump[1:-1] = np.hypot(*(pose[1:-1] - middle).T) - apart
    for first, last in true_runs(~trusted):
        before, after = first - 1, last + 1
        if before < 1 or after + 1 >= len(step) or not missing[first:after].any():
            continue
        away = np.hypot(*np.cumsum(pose[first:after] - guess[first:after], axis=0).T) / torso_px[first:after]
        steady = (jump[before : after + 1] <= limit_torsos * torso_px[before : after + 1]).all()  # False for NaN
        found[first:after] = steady and np.median(away) > limit_torsos
    return found


def guess_error_px(time_s: Floats, step: Floats, missing: int) -> float:
    """Standard error per axis of the guess in the middle of ``missing`` steps between two known ones.

    It is measured on the known steps (n, 2), in px. Where too few runs of them are long enough, it is that of fewer
    missing steps; 0 where even these cannot be measured.
    """
    interval = np.maximum(np.diff(time_s, prepend=time_s[0]), 1e-6)
    speed = step / interval[:, None]
    known: Flags = np.all(np.isfinite(step), axis=1)
    known[0] = False
    for length in range(min(missing, len(step) - 2), 0, -1):
        run = np.convolve(known, np.ones(length + 2), mode="valid") == length + 2
        before = np.flatnonzero(run)
        if len(before) < FEWEST_GUESSES:
            continue
        middle, after = before + (length + 1) // 2, before + length + 1
        way = ((time_s[middle] - time_s[before]) / (time_s[after] - time_s[before]))[:, None]
        off = (speed[middle] - (1 - way) * speed[before] - way * speed[after]) * interval[middle, None]
        return float(np.median(np.hypot(*off.T))) / RAYLEIGH_MEDIAN_STDS
    return 0.0
