"""The fused anchor: the pose says where the body is, the torso steps say how it moved, and one solve joins them.

With S the sum of the torso steps, the anchor is S + c. The drift c minimises

    integral of  w (pose - S - c)^2  +  (2 pi f)^-4 (c'')^2  dt,

a low-pass without lag on the discrepancy pose - S. At the cross-over frequency f half of it is followed; a steady drift
is followed completely. The solve is one banded system with five diagonals.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from tasks.maths.anchor import gaps
from tasks.maths.anchor.crossover import (
    VALUE_SPAN_S,
    Crossover,
    PoseError,
    choose_crossover,
    crossover_reason,
    solve_drift,
)
from tasks.maths.anchor.missing_steps import (
    calm_poses,
    fill_steps,
    join_uncertain_steps,
    poses_elsewhere,
    runs_confirmed_by_pose,
    steps_by_pose,
)
from tasks.maths.anchor.outliers import (
    GUESSED_POSE_WEIGHT,
    WHOLE_TORSO_SHARE,
    bridged_frames,
    chain_cuts,
    off_torso,
    outliers_between_gaps,
    passing_runs,
    pose_weight,
    poses_across_missing_steps,
    step_error_px,
    step_spikes,
    steps_after_loss,
    steps_at_rest,
    steps_confirmed_by_pose,
    uncertain_steps,
)
from tasks.maths.anchor.states import BRIDGED, INTERPOLATED
from tasks.maths.arrays import Flags, Floats, Labels, true_runs
from tasks.maths.frame_times import odd_frames_in, plausible_times_s
from tasks.maths.tracking.steps import Steps

STREAM_NAMES: Final = {"waist_": "the waist", "hip_": "the hips", "": "all features"}
# Expected mean square errors of the other stream, as shares of the preferred one's: above the first only the preferred
# stream counts, below the second only the other. Between them both count: a choice would hang on noise.
STREAM_SHARES: Final = (0.9, 0.5)
# Torso lengths squared, per axis, added to the other one: its swing with the gait, which the spectra do not show. Of
# three drawn walkers on level ground the hips' steps hold the hips to 1.1 px rms more than those of the waist.
UNSEEN_SWING_MSE: Final = 5e-5
LEAST_CONFIDENCE: Final = 0.05  # a pose with less counts as one with this, so that every pose has some weight
GIVEN_WEIGHT: Final = 1e9  # of a point that a user gives: stronger than the bending of any path


@dataclass(frozen=True)
class FusionSettings:
    """Settings of the fusion; "torsos" are torso lengths. Where no reason stands beside a value, it is a choice.

    Tried as those of ``crossover``, on the walkers level, limp, turn, away, pole and crossing: the sway changes by 0.12
    px at most. Only that of the turning walker grows by 0.5 px with half of ``slowest_hz``, and by 0.4 with double.
    """

    crossover_hz: float | None = None  # None: chosen from the clip, for each frame
    slowest_hz: float = 0.15
    fastest_hz: float = 2.0
    window_s: float = 5.0  # length of the windows that the choice is based on
    longest_bridge_s: float = 1.0  # features alone carry the anchor for at most this time
    outlier_torsos: float = 0.25  # torsos: a pose further from the poses around it is another person, or a poster
    streams: tuple[str, ...] = ("waist_", "hip_")  # of steps: one, or two, the preferred one first
    pose_error: PoseError = field(default_factory=PoseError)


@dataclass(frozen=True)
class FusedAnchor:
    """The anchor of n frames, without NaN, and how it was found."""

    xy_px: Floats  # (n, 2) source pixels
    state: Labels  # (n,) measured, bridged, interpolated or held
    crossover_hz: Floats  # (n,)
    reason: str  # the cross-over and why, in one sentence
    rejected: int  # number of poses rejected as outliers


def fuse(
    time_s: Floats,
    pose_xy: Floats,
    confidence: Floats,
    steps: Steps,
    torso_px: Floats,
    *,
    stride_hz: Floats | None = None,
    given: Flags | None = None,
    guessed: Flags | None = None,
    settings: FusionSettings | None = None,
) -> FusedAnchor:
    """The path of the anchor, from poses (n, 2), NaN where missing, and torso steps.

    ``confidence`` (n,) weights the poses. ``torso_px`` (n,) is the torso length, NaN allowed. ``stride_hz`` (n,) is the
    stride frequency, NaN without a gait (None: nowhere). The anchor passes exactly through the poses in ``given`` (n,).
    The poses in ``guessed`` (n,) are partly guesses, for example where the edge cuts the body. They count little where
    the steps connect them to other poses: such frames are bridged, like those without a pose. ``time_s`` (n,) must
    increase. ``ValueError`` when no pose is finite.
    """
    settings = settings or FusionSettings()
    time_s = plausible_times_s(time_s)
    stride = np.full(len(time_s), np.nan) if stride_hz is None else stride_hz
    torso = steady_torso_px(time_s, torso_px)
    fixed = np.zeros(len(time_s), np.bool_) if given is None else given
    seen_xy = np.where(fixed[:, None], np.nan, pose_xy)  # what a user says is no evidence of the pose's error
    seen_xy = seen_xy if np.isfinite(seen_xy).all(axis=1).any() else pose_xy
    unsure = np.zeros(len(time_s), np.bool_) if guessed is None else guessed & ~fixed
    best = _best_fit(
        settings.streams,
        steps,
        lambda measured: _fit_steps(measured, time_s, seen_xy, steps, torso_px, stride, unsure, settings),
    )
    path, hz = _joined(best, time_s, pose_xy, confidence, fixed, torso, settings)
    has_pose = best.has_pose | fixed
    by_steps = bridged_frames(time_s, has_pose, best.has_step, settings.longest_bridge_s)
    path[~(has_pose | by_steps)] = np.nan
    filled, state = gaps.fill_gaps(time_s, path, interpolate=True)
    filled = gaps.bridge_gaps(time_s, filled, state == INTERPOLATED, stride, settings.longest_bridge_s)
    state = np.where(by_steps | best.guessed, np.where(by_steps & best.by_poses, INTERPOLATED, BRIDGED), state)
    seen = np.isfinite(pose_xy).all(axis=1)
    reason = crossover_reason(best.crossover, best.name, settings.crossover_hz)
    return FusedAnchor(filled, state, hz, reason, int((seen & ~has_pose).sum()))


@dataclass(frozen=True)
class _StepsFit:
    """The steps of one stream, or of two: their sum, the accepted poses, the cuts and the cross-over."""

    pose_xy: Floats  # (n, 2) px; where steps were made from poses, without jumps and noise
    steps_sum: Floats  # (n, 2) sum of the steps, px
    has_step: Flags  # (n,) a step was measured, or made from poses
    by_poses: Flags  # (n,) the step to the frame, or the one from it, was made from poses
    has_pose: Flags  # (n,) there is a pose, and it is accepted
    guessed: Flags  # (n,) the pose is partly a guess, and the steps connect the frame to one with a better pose
    weight: Floats  # (n,) weight of the pose, 0 to 1
    cut: Flags  # (n,) the frame is not connected to the frame before
    crossover: Crossover
    name: str = ""  # of the steps


def _joined(
    fit: _StepsFit,
    time_s: Floats,
    pose_xy: Floats,
    confidence: Floats,
    fixed: Flags,
    torso: Floats,
    settings: FusionSettings,
) -> tuple[Floats, Floats]:
    """The sum of the steps plus the drift, (n, 2) px, and the cross-overs (n,) with which the drift was solved.

    The path goes through the poses in ``fixed`` (n,). It is also defined where nothing is known nearby.
    """
    discrepancy = np.where(fixed[:, None], pose_xy, fit.pose_xy) - fit.steps_sum
    weight = np.where(fit.has_pose, np.clip(np.nan_to_num(confidence), LEAST_CONFIDENCE, 1.0) ** 2, 0.0) * fit.weight
    weight = np.where(fixed, GIVEN_WEIGHT, weight)
    hz = fit.crossover.hz
    drift = solve_drift(time_s, discrepancy, weight, hz, cut=fit.cut, torso_px=torso)
    if settings.crossover_hz is None:
        off = off_torso(time_s, discrepancy - drift, fit.has_pose & ~fit.guessed, torso)
        if off.any():  # the steps led the anchor away: there it follows the poses
            hz = np.where(off, settings.fastest_hz, hz)
            drift = solve_drift(time_s, discrepancy, weight, hz, cut=fit.cut, torso_px=torso)
    path = fit.steps_sum + drift
    path[fixed] = pose_xy[fixed]  # without the rounding of the solve
    return path, hz


def _best_fit(streams: Sequence[str], steps: Steps, fit: Callable[[Floats], _StepsFit]) -> _StepsFit:
    """The fit of the preferred stream, of the other one, or of both together, by their expected errors."""
    fits = [replace(fit(steps.xy(stem)), name=STREAM_NAMES[stem]) for stem in streams]
    if len(fits) == 1:
        return fits[0]
    first, other = fits
    share = other_share(first.crossover.expected_mse, other.crossover.expected_mse)
    if share in (0.0, 1.0):
        return other if share else first
    both = (1 - share) * steps.xy(streams[0]) + share * steps.xy(streams[1])
    return replace(fit(both), name=f"{first.name} and ({100 * share:.0f} %) {other.name}")


def other_share(preferred_mse: float, other_mse: float) -> float:
    """Weight of the other stream, 0 to 1, by the expected mean square errors of both in torso lengths squared."""
    if not (np.isfinite(preferred_mse) and preferred_mse > 0):
        return 0.0
    ratio = (other_mse + UNSEEN_SWING_MSE) / preferred_mse
    return float(np.interp(np.log(ratio), np.log(STREAM_SHARES[::-1]), [1.0, 0.0]))


def _fit_steps(
    measured: Floats,
    time_s: Floats,
    pose_xy: Floats,
    steps: Steps,
    torso_px: Floats,
    stride: Floats,
    unsure: Flags,
    settings: FusionSettings,
) -> _StepsFit:
    """Prepare ``measured`` steps (n, 2): reject steps and poses, cut the chain, and choose the cross-over.

    Where the steps connect the poses in ``unsure`` (n,) to other poses, they count little, and not for the choice of
    the cross-over. Elsewhere they count fully, because steps alone drift.
    """
    torso = steady_torso_px(time_s, torso_px)
    trusted = _trusted_steps(steps, measured, time_s, pose_xy, torso, settings.outlier_torsos)
    track, pose_xy = np.cumsum(trusted.filled_px, axis=0), trusted.pose_xy
    moved: Flags = np.all(np.isfinite(trusted.step_px), axis=1)
    accepted = _accepted_poses(time_s, pose_xy - track, moved, torso_px, torso, settings)
    known, rejoined = accepted.known, accepted.rejoined
    guessed = unsure & bridged_frames(time_s, known & ~unsure, moved, settings.longest_bridge_s)
    weight = np.where(rejoined, 1.0, pose_weight(time_s, known)) * np.where(guessed, GUESSED_POSE_WEIGHT, 1.0)
    certain = known & (weight == 1) & ~rejoined
    choice = _chosen_crossover(time_s, accepted, certain if certain.any() else known, torso, stride, settings)
    if settings.crossover_hz is None:
        choice = replace(choice, hz=_raise_without_steps(time_s, moved, choice.hz, settings))
    return _StepsFit(pose_xy, track, moved, trusted.by_poses, known, guessed, weight, accepted.cut, choice)


class _AcceptedPoses(NamedTuple):
    """Which poses are no outliers, and where the chain of steps between them is cut."""

    known: Flags  # (n,) there is a pose, and it is accepted
    rejoined: Flags  # (n,) accepted by ``poses_across_missing_steps``
    clipped: Floats  # (n, 2) px; the discrepancy, with its largest deviations limited
    cut: Flags  # (n,) the frame is not connected to the frame before


def _accepted_poses(
    time_s: Floats, discrepancy: Floats, moved: Flags, torso_px: Floats, torso: Floats, settings: FusionSettings
) -> _AcceptedPoses:
    """Reject outliers by the ``discrepancy`` (n, 2) px: each pose minus the sum of the steps.

    ``moved`` (n,) says where there is a step. ``torso`` (n,) is the steady length. ``ValueError`` without any pose.
    """
    seen: Flags = np.all(np.isfinite(discrepancy), axis=1)
    if not seen.any():
        raise ValueError("no frame has a pose: there is nothing to join the steps to")
    full_length = torso_px > WHOLE_TORSO_SHARE * torso
    limit, longest_s = settings.outlier_torsos, settings.longest_bridge_s
    outlier, clipped = outliers_between_gaps(time_s, discrepancy, full_length, torso, limit, longest_s)
    whole = np.where(full_length[:, None], discrepancy, np.nan)
    rejoined = poses_across_missing_steps(time_s, whole, seen & ~outlier, moved, torso, limit)
    known = seen & (rejoined | ~outlier)
    known = known if known.any() else seen  # where every pose is far from all others, none is an outlier
    cut = chain_cuts(time_s, discrepancy, known, moved, torso, limit=limit, longest_s=longest_s)
    return _AcceptedPoses(known, rejoined, clipped, cut)


def _chosen_crossover(
    time_s: Floats, accepted: _AcceptedPoses, certain: Flags, torso: Floats, stride: Floats, settings: FusionSettings
) -> Crossover:
    """The cross-over: as set, or chosen within the range of the settings, by the poses in ``certain`` (n,)."""
    filled = gaps.fill_gaps(time_s, np.where(certain[:, None], accepted.clipped, np.nan), interpolate=True)[0]
    change = np.diff(filled, axis=0, prepend=filled[:1])
    change[_in_cut_interval(accepted.known, accepted.cut)] = 0.0
    hz = settings.crossover_hz
    return choose_crossover(
        time_s,
        np.cumsum(change / torso[:, None], axis=0),
        stride,
        slowest_hz=settings.slowest_hz if hz is None else hz,
        fastest_hz=settings.fastest_hz if hz is None else hz,
        window_s=settings.window_s,
        pose_error=settings.pose_error,
    )


class _TrustedSteps(NamedTuple):
    """The steps of one stream that are not rejected, and the poses that some of them were made from."""

    step_px: Floats  # (n, 2) NaN where missing or rejected
    filled_px: Floats  # (n, 2) the same with all gaps filled
    pose_xy: Floats  # (n, 2) px; where steps were made from poses, the smoothed pose, NaN where it is far from the pose
    by_poses: Flags  # (n,) the step to the frame, or the one from it, was made from poses


def _trusted_steps(
    steps: Steps, measured: Floats, time_s: Floats, pose_xy: Floats, torso: Floats, outlier_torsos: float
) -> _TrustedSteps:
    """The ``measured`` steps (n, 2) that are accepted, and what stands in for the others."""
    error = step_error_px(steps)
    after_loss = steps_after_loss(steps)
    measured = np.where(steps_at_rest(measured, pose_xy, torso)[:, None], np.nan, measured)
    uncertain = uncertain_steps(error, np.any(np.isnan(measured), axis=1), torso) | after_loss
    step = np.where(uncertain[:, None], np.nan, measured)
    guess = fill_steps(time_s, pose_xy, step)
    calm_xy = calm_poses(time_s, pose_xy, guess, torso, outlier_torsos)
    confirmed = steps_confirmed_by_pose(measured, guess, calm_xy, error, torso)
    confirmed |= runs_confirmed_by_pose(measured, guess, pose_xy, uncertain=uncertain, error_px=error, torso_px=torso)
    confirmed &= ~after_loss
    step = np.where(confirmed[:, None], measured, step)
    # The checks run one after the other: each compares a step with those that the earlier checks accepted.
    step = np.where(step_spikes(time_s, step, pose_xy, torso)[:, None], np.nan, step)
    discrepancy = pose_xy - np.cumsum(fill_steps(time_s, pose_xy, step), axis=0)
    step = np.where(passing_runs(time_s, step, discrepancy, torso)[:, None], np.nan, step)
    missing: Flags = np.any(np.isnan(measured), axis=1)
    guess = fill_steps(time_s, pose_xy, step)
    elsewhere = poses_elsewhere(step, guess, pose_xy, missing=missing, torso_px=torso, limit_torsos=outlier_torsos)
    made = steps_by_pose(time_s, step, guess, calm_xy, missing=missing, torso_px=torso, elsewhere=elsewhere)
    new = np.asarray(np.isnan(step).any(axis=1) & np.isfinite(made).all(axis=1))
    by_poses = new | np.append(new[1:], False)
    near = np.asarray(np.hypot(*(pose_xy - calm_xy).T) <= outlier_torsos * torso)  # False without a pose
    pose_xy = np.where(by_poses[:, None], np.where(near[:, None], calm_xy, np.nan), pose_xy)
    filled = fill_steps(time_s, pose_xy, made)
    noisy = uncertain & ~confirmed & ~after_loss
    joined = join_uncertain_steps(time_s, made, np.where(noisy[:, None], measured, np.nan), error, filled)
    return _TrustedSteps(made, joined, pose_xy, by_poses)


def _in_cut_interval(known: Flags, cut: Flags) -> Flags:
    """Frames (n,) after a known frame, up to the next known one, if the chain is cut in between."""
    part: NDArray[np.int64] = np.cumsum(known) - known  # the number of known frames before each frame
    return np.isin(part, part[cut])


def _raise_without_steps(time_s: Floats, moved: Flags, hz: Floats, settings: FusionSettings) -> Floats:
    """Cross-overs (n,) raised where steps are missing: somewhat in a short gap, to the fastest one in a longer gap."""
    raised = np.maximum(hz, np.where(moved, 0.0, np.sqrt(settings.slowest_hz * settings.fastest_hz)))
    for first, last in true_runs(~moved):
        if time_s[min(last + 1, len(hz) - 1)] - time_s[max(first - 1, 0)] > VALUE_SPAN_S:
            raised[first : last + 1] = settings.fastest_hz
    return np.asarray(raised)


def steady_torso_px(time_s: Floats, torso_px: Floats) -> Floats:
    """Torso length (n,) without gaps, breathing or gait swing: the median over one second."""
    known = np.isfinite(torso_px) & (torso_px > 0)
    if not known.any():
        return np.ones(len(time_s))
    size = np.interp(time_s, time_s[known], torso_px[known])
    return np.asarray(median_filter(size, size=odd_frames_in(time_s, 1.0), mode="nearest"))
