"""The sub-pixel anchor: pose says where the body is, the torso's features say how it moved; one solve joins them.

With S the sum of the feature steps, the anchor is S + c, where c minimises

    integral of  w (pose - S - c)^2  +  (2 pi f)^-4 (c'')^2  dt,

a low-pass without lag on the gap between pose and features: half of the gap is followed at the cross-over f, a steady
drift wholly. One banded system (five diagonals). Times are the frames' own, so a variable rate is no special case.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter1d

from tasks.maths.anchor import gaps
from tasks.maths.anchor.crossover import VALUE_SPAN_S, Crossover, PoseError, choose_crossover, solve_drift
from tasks.maths.anchor.gaps import bridge_gaps
from tasks.maths.anchor.outliers import (
    WHOLE_TORSO_SHARE,
    bridged_frames,
    chain_cuts,
    odd_frames_in,
    passing_runs,
    pose_outliers,
    pose_weight,
    poses_across_missing_steps,
    step_error_px,
    step_spikes,
    steps_after_loss,
    steps_confirmed_by_pose,
    uncertain_steps,
)
from tasks.maths.anchor.states import BRIDGED, INTERPOLATED
from tasks.maths.arrays import Flags, Floats, true_runs
from tasks.maths.frame_times import nearest_index, plausible_times_s
from tasks.maths.tracking.steps import Steps

STREAM_NAMES: Final = {"waist_": "the waist", "hip_": "the hips", "": "all features"}
STREAM_SWITCH_RATIO: Final = 0.6  # another stream must promise an error below this share of the first one's
LEAST_CONFIDENCE: Final = 0.05


@dataclass(frozen=True)
class FusionSettings:
    """Settings of the fusion; shares are of the torso's length."""

    crossover_hz: float | None = None  # None: chosen by the clip, frame by frame
    slowest_hz: float = 0.15
    fastest_hz: float = 2.0
    window_s: float = 5.0  # of time that a choice is made from
    trust_s: float = 1.0  # features carry the anchor so long without a pose
    outlier: float = 0.25  # a pose farther off its surroundings is another person, or a poster
    streams: tuple[str, ...] = ("waist_", "hip_")  # of steps, to choose from, the first one preferred
    pose_error: PoseError = field(default_factory=PoseError)


@dataclass(frozen=True)
class FusedAnchor:
    """The anchor of n frames, without NaN, and how it came about."""

    xy_px: Floats  # (n, 2) source pixels
    state: NDArray[np.str_]  # (n,) measured, bridged, interpolated or held
    crossover_hz: Floats  # (n,)
    reason: str
    rejected: int  # poses taken for outliers


def fuse(
    time_s: Floats,
    pose_xy: Floats,
    confidence: Floats,
    steps: Steps,
    torso_px: Floats,
    *,
    stride_hz: Floats | None = None,
    settings: FusionSettings | None = None,
) -> FusedAnchor:
    """Join poses (n, 2), NaN where missing, with the torso's steps.

    ``confidence`` (n,) weighs the poses, ``torso_px`` (n,) is the torso's length (NaN allowed), ``stride_hz`` (n,) the
    gait's frequency, NaN where nobody strides (None: nowhere). ``time_s`` (n,) must increase. ``ValueError`` when no
    pose is finite.
    """
    settings = settings or FusionSettings()
    time_s = plausible_times_s(time_s)
    stride = np.full(len(time_s), np.nan) if stride_hz is None else stride_hz
    torso = steady_torso_px(time_s, torso_px)
    plans = [_fit_stream(stem, time_s, pose_xy, steps, torso_px, stride, settings) for stem in settings.streams]
    best = min(
        plans, key=lambda plan: plan.choice.risk * (STREAM_SWITCH_RATIO if plan.stem == settings.streams[0] else 1.0)
    )
    gap = pose_xy - best.track
    weight = np.where(best.known, np.clip(np.nan_to_num(confidence), LEAST_CONFIDENCE, 1.0) ** 2, 0.0)
    drift = solve_drift(time_s, gap, weight * best.sure, best.choice.hz, cut=best.cut, size=torso)
    path = best.track + drift
    trusted = best.known | bridged_frames(time_s, best.known, best.moved, settings.trust_s)
    path[~trusted] = np.nan
    filled, state = gaps.fill_gaps(time_s, path, interpolate=True)
    filled = bridge_gaps(time_s, filled, state == INTERPOLATED, stride, settings.trust_s)
    state = np.where(trusted & ~best.known, BRIDGED, state)
    seen = np.isfinite(pose_xy).all(axis=1)
    return FusedAnchor(filled, state, best.choice.hz, crossover_reason(best, settings), int((seen & ~best.known).sum()))


@dataclass(frozen=True)
class _StreamFit:
    """One stream of steps made ready: its sum, which poses are believed, where the chain is cut, the cross-over."""

    stem: str
    track: Floats  # (n, 2) sum of the steps
    moved: Flags  # (n,) a step was measured
    known: Flags  # (n,) a pose is there and believed
    sure: Floats  # (n,) how much, 0 to 1
    cut: Flags  # (n,) nothing leads from the frame before to this one
    choice: Crossover


def _fit_stream(
    stem: str,
    time_s: Floats,
    pose_xy: Floats,
    steps: Steps,
    torso_px: Floats,
    stride: Floats,
    settings: FusionSettings,
) -> _StreamFit:
    torso = steady_torso_px(time_s, torso_px)
    step = _trusted_steps(steps, stem, time_s, pose_xy, torso)
    track = np.cumsum(fill_steps(time_s, pose_xy, step), axis=0)
    moved = np.isfinite(step).all(axis=1)
    gap = pose_xy - track
    seen = np.isfinite(gap).all(axis=1)
    if not seen.any():
        raise ValueError("no frame has a pose: there is nothing to join the steps to")
    far, tame = pose_outliers(time_s, gap, torso, settings.outlier)
    whole = torso_px > WHOLE_TORSO_SHARE * torso
    free = poses_across_missing_steps(
        time_s, np.where(whole[:, None], gap, np.nan), seen & ~far, moved, torso, settings.outlier
    )
    known = seen & (free | ~far)
    known = known if known.any() else seen  # where each is far from all the others, none is an outlier
    cut = chain_cuts(time_s, gap, known, moved, torso, limit=settings.outlier, longest_s=settings.trust_s)
    hz = settings.crossover_hz
    sure = np.where(free, 1.0, pose_weight(time_s, known))
    best = known & (sure == 1) & ~free
    best = best if best.any() else known
    telling = gaps.fill_gaps(time_s, np.where(best[:, None], tame, np.nan), interpolate=True)[0]
    change = np.diff(telling, axis=0, prepend=telling[:1])
    change[_in_cut_interval(known, cut)] = 0.0
    choice = choose_crossover(
        time_s,
        np.cumsum(change / torso[:, None], axis=0),
        stride,
        slowest_hz=settings.slowest_hz if hz is None else hz,
        fastest_hz=settings.fastest_hz if hz is None else hz,
        window_s=settings.window_s,
        pose_error=settings.pose_error,
    )
    if hz is None:
        choice = replace(choice, hz=_raise_without_steps(time_s, moved, choice.hz, settings))
    return _StreamFit(stem, track, moved, known, sure, cut, choice)


def _trusted_steps(steps: Steps, stem: str, time_s: Floats, pose_xy: Floats, torso: Floats) -> Floats:
    """The stem's steps (n, 2), NaN where they are missing or not to be believed."""
    measured = steps.xy(stem)
    error = step_error_px(steps)
    lost = steps_after_loss(steps)
    doubtful = uncertain_steps(error, np.isnan(measured).any(axis=1), torso) | lost
    step = np.where(doubtful[:, None], np.nan, measured)
    told = steps_confirmed_by_pose(measured, fill_steps(time_s, pose_xy, step), pose_xy, error, torso) & ~lost
    step = np.where(told[:, None], measured, step)
    # one after the other: a step is compared with believed ones only
    step = np.where(step_spikes(time_s, step, pose_xy, torso)[:, None], np.nan, step)
    gap = pose_xy - np.cumsum(fill_steps(time_s, pose_xy, step), axis=0)
    return np.asarray(np.where(passing_runs(time_s, step, gap, torso)[:, None], np.nan, step))


def _in_cut_interval(known: Flags, cut: Flags) -> Flags:
    """Frames (n,) after a known one up to the next known one, where the chain is cut in between."""
    part: NDArray[np.int64] = np.cumsum(known) - known  # the number of known frames before each frame
    return np.isin(part, part[cut])


def _raise_without_steps(time_s: Floats, moved: Flags, hz: Floats, settings: FusionSettings) -> Floats:
    """Cross-overs (n,) raised where steps are missing: somewhat where they can be guessed, wholly in a longer hole."""
    raised = np.maximum(hz, np.where(moved, 0.0, np.sqrt(settings.slowest_hz * settings.fastest_hz)))
    for first, last in true_runs(~moved):
        if time_s[min(last + 1, len(hz) - 1)] - time_s[max(first - 1, 0)] > VALUE_SPAN_S:
            raised[first : last + 1] = settings.fastest_hz
    return np.asarray(raised)


def fill_steps(time_s: Floats, pose_xy: Floats, step: Floats) -> Floats:
    """Steps (n, 2) without NaN: a missing one goes on at the speed of its neighbours, or, for want of any, as the
    smoothed pose does.
    """
    interval = np.diff(time_s, prepend=time_s[0])
    moved = np.isfinite(step).all(axis=1) & (interval > 0)
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


def steady_torso_px(time_s: Floats, torso_px: Floats) -> Floats:
    """Torso length (n,) without gaps and without a breath's or a stride's swing: the median of a second."""
    known = np.isfinite(torso_px) & (torso_px > 0)
    if not known.any():
        return np.ones(len(time_s))
    size = np.interp(time_s, time_s[known], torso_px[known])
    return np.asarray(median_filter(size, size=odd_frames_in(time_s, 1.0), mode="nearest"))


def crossover_reason(plan: _StreamFit, settings: FusionSettings) -> str:
    """Why the cross-over is what it is, in a sentence with numbers."""
    choice = plan.choice
    if settings.crossover_hz is not None:
        return f"cross-over {settings.crossover_hz:g} Hz as set"
    low, middle, high = np.percentile(choice.hz, [5, 50, 95])
    chosen = f"cross-over {middle:.2f} Hz ({low:.2f} to {high:.2f}), steps of {STREAM_NAMES[plan.stem]}"
    if choice.windows == 0:
        return f"{chosen}: the clip is too short to choose by"
    gait = f"a stride of {choice.stride_hz:.2f} Hz" if np.isfinite(choice.stride_hz) else "no gait"
    return (
        f"{chosen}: with {gait}, {100 * choice.drift:.1f} % of the torso's length of pose minus steps is drift "
        f"of the features, {100 * choice.error:.1f} % error of the pose; {100 * choice.risk**0.5:.1f} % should be left"
    )
