"""The path along which a clip's frames are moved: smoothed and locked, for any part of the picture."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conf.enums import Smoother
from conf.lock import LockConf, SmoothingConf
from tasks.errors import AnchorNotSeen
from tasks.maths import frame_times
from tasks.maths.anchor.gaps import AbsenceRule, longest_shot, settle_absent, settle_absent_in_shots
from tasks.maths.anchor.states import ABSENT, SEEN_STATES
from tasks.maths.arrays import Floats, Labels, equal_slices
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import affine, locking, smoothers, smoothing_limits, window
from tasks.maths.path.l1_path import l1_path
from tasks.maths.repeated_frames import first_showing
from tasks.maths.scene import auto_target
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import Columns, points_of, read_json, read_table
from tasks.records import Clip, Content, read_clip
from tasks.requests import PathRequest

WINDOW_FUNCTIONS: Final[dict[Smoother, Callable[..., Floats]]] = {
    Smoother.moving: smoothers.moving_average,
    Smoother.gaussian: smoothers.gaussian,
}


class Motion(NamedTuple):
    """How the frames of a clip move, before a part of the stabilized picture and its zoom are chosen."""

    clip: Clip
    pose: PoseTrack
    time_s: Floats
    state: Labels
    shots: list[slice]
    anchor_px: Floats  # (n, 2)
    offset_px: Floats  # (n, 2) to the target in the whole stabilized picture
    size_px: tuple[int, int]  # of the whole stabilized picture
    target_xy: Floats  # (n, 2)
    away: AbsenceRule
    scale: Floats  # (n,)
    roll_rad: Floats  # (n,) clockwise
    linear: Floats  # (n, 2, 2) scale and roll
    shows: NDArray[np.int64]  # (n,) the first frame with the same picture: itself unless it is repeated


class LockedPath(NamedTuple):
    """How the frames of a clip move in the stabilized picture, or in a part of it around the person."""

    motion: Motion
    size_px: window.Extent
    target_xy: Floats  # (n, 2)
    offset_px: Floats  # (n, 2)
    shift_px: Floats  # (n, 2) smoothed
    to_output: Floats  # (n, 2, 3) shift, scale and roll
    why: str | None  # reason for the target; None: it is the one that the offsets stage chose

    @property
    def main_target_xy(self) -> Floats:
        """The target (2,) of the shot that shows the anchor longest."""
        shots = self.motion.shots
        return np.asarray(self.target_xy[shots[longest_shot(seen_anchor(self.motion), shots)].start])


def read_motion(request: PathRequest[Content], offsets: Columns) -> Motion:
    """The movement of the frames, before a part of the stabilized picture is chosen."""
    pose = read_pose(request.subject.path("pose.parquet"))
    clip = read_clip(request.clip)
    frame = read_json(request.offsets.path("framing.json"))
    width, height = frame["output_size_px"]
    smoothing_limits.check_smoothing(request.settings, pose.frames, frame_times.mean_rate_hz(pose.time_s))
    away, state, pixel_aspect = AbsenceRule(**frame["away"]), offsets["state"], clip.pixel_aspect_value
    shots = equal_slices(offsets["shot"])
    scale, roll_rad = scale_and_roll_of_shots(
        pose, shots, state, lambda part, states: applied_scale_and_roll(part, request.lock, pixel_aspect, states, away)
    )
    shows = _shown_pictures(request, shots)
    scale, roll_rad = scale[shows], roll_rad[shows]
    return Motion(
        clip=clip,
        pose=pose,
        time_s=pose.time_s,
        state=state,
        shots=shots,
        anchor_px=points_of(offsets, "anchor"),
        offset_px=points_of(offsets, "offset"),
        size_px=(width, height),
        target_xy=np.array(frame["targets_px"])[offsets["shot"]],
        away=away,
        scale=scale,
        roll_rad=roll_rad,
        linear=affine.scale_and_turn(scale, roll_rad, pixel_aspect),
        shows=shows,
    )


def _shown_pictures(request: PathRequest[Content], shots: Sequence[slice]) -> NDArray[np.int64]:
    """For each frame (n,) the first one of its shot that shows the same picture."""
    if request.found is None:
        return np.arange(shots[-1].stop)
    repeated = read_table(request.found.path("repeated.parquet"))["repeated"]
    return np.concatenate([shot.start + first_showing(repeated[shot]) for shot in shots])


def path_around(request: PathRequest[Content], motion: Motion, output_px: window.Extent, zoom: float) -> LockedPath:
    """The path in the part of the stabilized picture, around the person, that ``zoom`` enlarges to ``output_px``."""
    shown = np.array(output_px) / zoom
    target_xy, offset_px, why = motion.target_xy, motion.offset_px, None
    away = motion.away
    if zoom != 1 or tuple(output_px) != motion.size_px:
        target_xy = (target_xy + 0.5) / motion.size_px * shown - 0.5
        if request.target:
            target_xy, why = targets_by_word(request.target, motion, output_px, zoom)
        rest_x, rest_y = (shown - motion.clip.size_px) / 2
        away = away._replace(rest_px=(float(rest_x), float(rest_y)))
        offset_px = settle_absent_in_shots(
            motion.time_s, target_xy - motion.anchor_px, motion.state, motion.shots, away, away.rest_px
        )
    lock, time_s, state = dead_zone_in_pixels(request.lock, motion.pose), motion.time_s, motion.state
    shift_px = np.concatenate(
        [
            locked_shift_px(offset_px[own], time_s[own], state[own], request.settings, lock, away)
            for own in (np.unique(motion.shows[shot]) for shot in motion.shots)
        ]
    )
    # Repeated frames show no motion: the path is made from the others, and each moves like the frame that it repeats.
    shift_px = shift_px[np.unique(motion.shows, return_inverse=True)[1]]
    to_output = affine.about_target(motion.linear, shift_px, target_xy)
    return LockedPath(motion, (float(shown[0]), float(shown[1])), target_xy, offset_px, shift_px, to_output, why)


def targets_by_word(word: str, motion: Motion, output_px: window.Extent, zoom: float) -> tuple[Floats, str]:
    """The target (n, 2) of each frame, chosen for its shot, and the reason for that of the main shot."""
    seen_px, shots, clip = seen_anchor(motion), motion.shots, motion.clip
    chosen = [
        auto_target.target_by_word(
            word, motion.pose.part(shot), seen_px[shot], clip.size_px, output_px, zoom, clip.pixel_aspect_value
        )
        for shot in shots
    ]
    places = (np.array([target.xy_px for target in chosen]) + 0.5) / zoom - 0.5
    lengths = [shot.stop - shot.start for shot in shots]
    return np.repeat(places, lengths, axis=0), chosen[longest_shot(seen_px, shots)].why


def seen_anchor(motion: Motion) -> Floats:
    """The anchor (n, 2); NaN in frames that do not show it."""
    return np.where(np.isin(motion.state, SEEN_STATES)[:, None], motion.anchor_px, np.nan)


def smooth_path(path: Floats, time_s: Floats, settings: SmoothingConf) -> Floats:
    """``path`` (n, 2) after the chosen smoother.

    A window in seconds covers that time, even where the frames are uneven.
    """
    match settings.kind:
        case Smoother.none:
            return smoothers.unsmoothed(path)
        case Smoother.butterworth:
            return smoothers.butterworth(path, time_s, cutoff_hz=settings.cutoff_hz, order=settings.order)
        case Smoother.kalman:
            return smoothers.kalman(path, time_s, cutoff_hz=settings.cutoff_hz)
        case Smoother.l1:
            return l1_path(path, time_s, budget_px=settings.budget_px)
    if smoothing_limits.usable_window_frames(settings, len(path), frame_times.mean_rate_hz(time_s)) == 1:
        return path.copy()
    grid_s = time_s if settings.window_s is None else frame_times.even_grid_s(time_s)
    even = frame_times.interpolate_at(grid_s, time_s, path)
    window = smoothing_limits.usable_window_frames(settings, len(grid_s), frame_times.mean_rate_hz(grid_s))
    if settings.kind is Smoother.savgol:
        smooth = smoothers.savgol(even, window_frames=window, order=settings.order)
    else:
        smooth = WINDOW_FUNCTIONS[settings.kind](even, window_frames=window)
    return frame_times.interpolate_at(time_s, grid_s, smooth)


def locked_shift_px(
    offset_px: Floats,
    time_s: Floats,
    states: Labels,
    settings: SmoothingConf,
    lock: LockConf,
    away: AbsenceRule,
) -> Floats:
    """The shifts (n, 2) to apply in one shot: smoothed, then dead zone, strength and speed limit of the lock.

    The path is smoothed separately on both sides of a cut between the subject and the original picture, so a cut stays
    a cut. The original picture is shown completely at any strength.
    """
    pieces = []
    for piece in locking.pieces_between_cuts(offset_px, states == ABSENT):
        smooth = smooth_path(offset_px[piece], time_s[piece], settings)
        pieces.append(locking.apply_dead_zone(smooth, time_s[piece], radius_px=lock.dead_zone_px))
    path = locking.apply_strength(np.concatenate(pieces), np.isin(states, SEEN_STATES), strength_xy=(lock.x, lock.y))
    if (lock.x, lock.y) != (1, 1):
        path = settle_absent(time_s, path, states, away, away.rest_px)
    if lock.max_speed_px_s is None:
        return path
    return locking.limit_speed(path, time_s, limit_px_s=lock.max_speed_px_s)


def dead_zone_in_pixels(lock: LockConf, pose: PoseTrack) -> LockConf:
    """The same lock, with a dead zone given as a share of the person's height converted to source pixels."""
    if lock.dead_zone == 0:
        return lock
    height_px = lock_metrics.person_height(lock_metrics.visible_boxes(pose.xy_px, pose.visibility))
    if not np.isfinite(height_px):
        fact = "no landmark is visible enough to measure the person's height"
        raise AnchorNotSeen(f"lock.dead_zone: {fact}; give lock.dead_zone_px instead")
    return replace(lock, dead_zone=0.0, dead_zone_px=lock.dead_zone * height_px)


def scale_and_roll_of_shots(
    pose: PoseTrack,
    shots: Sequence[slice],
    states: Labels,
    settle: Callable[[PoseTrack, Labels], tuple[Floats, Floats]],
) -> tuple[Floats, Floats]:
    """Factor (n,) and rotation (n,) that ``settle`` gives for each shot: 1 and 0 where a shot shows no torso.

    ``AnchorNotSeen`` where no shot does.
    """
    parts, refusals = [], []
    for shot in shots:
        try:
            parts.append(settle(pose.part(shot), states[shot]))
        except AnchorNotSeen as refusal:
            refusals.append(refusal)
            frames = shot.stop - shot.start
            parts.append((np.ones(frames), np.zeros(frames)))
    if len(refusals) == len(parts):
        raise refusals[0]
    return np.concatenate([scale for scale, _ in parts]), np.concatenate([roll_rad for _, roll_rad in parts])


def applied_scale_and_roll(
    pose: PoseTrack, lock: LockConf, pixel_aspect: float, states: Labels, away: AbsenceRule
) -> tuple[Floats, Floats]:
    """Factor (n,) and clockwise rotation (n,) in radians that keep the subject's size and keep it upright in one shot.

    While the subject is absent they follow the same rule as the offsets.
    """
    scale, roll_rad = np.ones(pose.frames), np.zeros(pose.frames)
    if lock.scale:
        scale = locking.steadying_scale(pose, pixel_aspect=pixel_aspect)
    if lock.roll:
        roll_rad = -locking.torso_lean_rad(pose, pixel_aspect=pixel_aspect)
    settled = settle_absent(pose.time_s, np.stack([np.log(scale), roll_rad], axis=1), states, away, (0.0, 0.0))
    absent = states == ABSENT
    return np.where(absent, np.exp(settled[:, 0]), scale), np.where(absent, settled[:, 1], roll_rad)
