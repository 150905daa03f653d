"""The trajectory stage: from offsets to the transform of each frame, and the planned metrics of the lock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conf.enums import CropMode, Smoother
from conf.lock import CropConf, LockConf, SmoothingConf
from tasks.errors import AnchorNotSeen
from tasks.maths import frame_times
from tasks.maths.anchor.gaps import AbsenceRule, settle_absent
from tasks.maths.anchor.states import ABSENT, SEEN_STATES
from tasks.maths.arrays import Floats, Labels, equal_slices
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import affine, locking, smoothers, smoothing_limits, window
from tasks.maths.path.l1_path import l1_path
from tasks.maths.scene import auto_target, camera_path
from tasks.media.files.camera_file import read_camera
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_json, read_table, write_json, write_table
from tasks.records import Clip, Tick
from tasks.requests import RoomRequest, TrajectoryRequest

Columns = Mapping[str, NDArray[Any]]

WINDOW_FUNCTIONS: Final[dict[Smoother, Callable[..., Floats]]] = {
    Smoother.moving: smoothers.moving_average,
    Smoother.gaussian: smoothers.gaussian,
}
LEAST_CUT_SHARE: Final = 0.01  # of the frames: a person cut in fewer is not reported
TRAJECTORY_FACTS: Final = (
    "lock_rms",
    "lock_std_x",
    "lock_std_y",
    "visible_area_mean",
    "visible_area_min",
    "subject_cut",
)


class LockedPath(NamedTuple):
    """How the frames of a clip move in the stabilized picture, before a window is cut from it."""

    clip: Clip
    size_px: tuple[int, int]
    target_xy: Floats
    shift_px: Floats  # (n, 2)
    scale: Floats  # (n,)
    roll_rad: Floats  # (n,) clockwise
    linear: Floats  # (n, 2, 2) scale and roll
    to_output: Floats  # (n, 2, 3) shift, scale and roll


def plan_trajectory(request: TrajectoryRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``trajectory.parquet``, ``framing.json`` and ``metrics.json``; facts: the planned metrics of the summary.

    A frame is moved by ``dx_px, dy_px``, its smoothed offset, and then, if requested, scaled and rotated about the
    target. ``to_output`` is the whole transform. Smoothing the offsets smooths the anchor's path, since an offset is
    the target minus the path. The corner of a window, or of a canvas around the picture, is subtracted from all of
    these. ``SettingError`` for a smoother that the clip is too short or too slow for.
    """
    frames = read_table(request.clip.path("frames.parquet"))
    offsets = read_table(request.offsets.path("offsets.parquet"))
    pose = read_pose(request.pose.path("pose.parquet"))
    path = _path(request, offsets, pose)
    view = window.choose_window(
        request.crop, path.to_output, path.clip.size_px, path.size_px, path.target_xy, request.window_px
    )
    shift_px, target_xy = path.shift_px - view.corner_px, path.target_xy - view.corner_px
    (width, height), clip = view.size_px, path.clip
    to_output = affine.about_target(path.linear, shift_px, target_xy)
    for axis, corner_px in (("offset_x_px", view.x), ("offset_y_px", view.y)):
        offsets[axis] = offsets[axis] - corner_px
    columns = _trajectory(frames, offsets, shift_px, path.scale, path.roll_rad, to_output)
    write_table(folder / "trajectory.parquet", columns)
    # the target, as a position in the source
    source_target_xy = (path.target_xy + 0.5) / path.size_px * np.array(clip.size_px) - 0.5
    framing_record = {"output_size_px": view.size_px, "target_px": target_xy, "source_target_px": source_target_xy}
    write_json(folder / "framing.json", framing_record)
    anchor_px, state, source = _points(offsets, "anchor"), offsets["state"], offsets["source"]
    looked = read_table(request.pose.path("motion.parquet"))["looked"]
    report = lock_metrics.planned_metrics(
        pose,
        looked,
        anchor_px,
        state,
        source,
        to_output,
        target_xy,
        source_target_xy,
        clip.size_px,
        (width, height),
        equal_slices(offsets["shot"]),
    )
    report["planned"] |= _scene_metrics(request, pose, anchor_px, state, path, to_output, (width, height))
    write_json(folder / "metrics.json", report)
    tick(len(shift_px))
    facts = {name: report["planned"][name] for name in TRAJECTORY_FACTS}
    shared_note = (
        [f"all videos of this run are {width}x{height} (crop.shared)"] if request.window_px is not None else []
    )
    notes = [*shared_note, *_note_of_a_cut(request, path, (width, height), report)]
    return {**facts, **_scale_and_roll_facts(request.lock, path.scale, path.roll_rad), "notes": notes}


def _scene_metrics(
    request: TrajectoryRequest,
    pose: PoseTrack,
    anchor_px: Floats,
    states: Labels,
    path: LockedPath,
    to_output: Floats,
    output_px: tuple[int, int],
) -> dict[str, float | None]:
    """Heads that are cut, and how fast person and background move, by the camera's measured motion."""
    heads = auto_target.head_boxes(pose.xy_px, pose.visibility)
    metrics = {"head_cut": auto_target.head_cut(heads, to_output, path.clip.size_px, output_px)}
    if request.found is not None:
        camera, time_s = read_camera(request.found.path("camera.parquet"))
        seen_px = np.where(np.isin(states, SEEN_STATES)[:, None], anchor_px, np.nan)
        metrics["background_speed"] = camera_path.background_speed(camera, to_output, time_s, path.clip.size_px)
        metrics["ground_speed"] = camera_path.ground_speed(camera, seen_px, time_s)
    return lock_metrics.rounded_metrics(metrics)


def _note_of_a_cut(
    request: TrajectoryRequest, path: LockedPath, size_px: tuple[int, int], report: Mapping[str, Any]
) -> list[str]:
    """A note if the crop cuts the person in clearly more frames than the source does."""
    crop, (width, height), (whole_width, whole_height) = request.crop, size_px, path.clip.size_px
    cut, cut_before = (report[when]["subject_cut"] for when in ("planned", "before"))
    if crop.mode is CropMode.none or cut - cut_before < LEAST_CUT_SHARE:
        return []
    left = f"crop={crop.mode.value} leaves {width}x{height} of {whole_width}x{whole_height}"
    fact = f"{left}, which cuts the person in {cut:.0%} of the frames ({cut_before:.0%} in the source)"
    cure = "crop=follow with crop.size or crop.aspect follows the person, but shows a border"
    if crop.mode is CropMode.follow:
        cure = f"give {'a larger crop.size' if crop.aspect is None else 'another crop.aspect'}, or another target"
    if request.window_px is not None and (own_px := _own_size(crop, path)) != size_px:
        alone = "crop.shared=false, or a run without the videos that have less room,"
        cure = f"{alone} allows up to {own_px[0]}x{own_px[1]} for this video; otherwise {cure}"
    return [f"{fact}; {cure}"]


def _own_size(crop: CropConf, path: LockedPath) -> tuple[int, int]:
    """Size of an auto crop, or of a crop by aspect, that is not shared with other videos."""
    if crop.mode is CropMode.auto:
        return window.largest_covered_window(path.to_output, path.clip.size_px, path.target_xy).size_px
    return window.stabilized_size(path.clip.size_px, crop, float(Fraction(path.clip.pixel_aspect)))


def find_room(request: RoomRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``room.json``: the size of the largest window that every frame covers; facts: the same.

    ``SettingError`` as for ``plan_trajectory``.
    """
    offsets = read_table(request.offsets.path("offsets.parquet"))
    path = _path(request, offsets, read_pose(request.pose.path("pose.parquet")))
    room = {"size_px": window.largest_covered_window(path.to_output, path.clip.size_px, path.target_xy).size_px}
    write_json(folder / "room.json", room)
    tick(len(path.shift_px))
    return {"size_px": list(room["size_px"])}


def _path(request: TrajectoryRequest | RoomRequest, offsets: Columns, pose: PoseTrack) -> LockedPath:
    """The movement of the frames, before a window is cut from the stabilized picture."""
    clip = Clip.from_json(read_json(request.clip.path("clip.json")))
    frame = read_json(request.offsets.path("framing.json"))
    target_xy, (width, height) = np.array(frame["target_px"]), frame["output_size_px"]
    smoothing_limits.check_smoothing(request.settings, pose.frames, frame_times.mean_rate_hz(pose.time_s))
    lock, away, state = dead_zone_in_pixels(request.lock, pose), AbsenceRule(**frame["away"]), offsets["state"]
    shots, aspect = equal_slices(offsets["shot"]), float(Fraction(clip.pixel_aspect))
    offset_px, time_s, settings = _points(offsets, "offset"), pose.time_s, request.settings
    shift_px = np.concatenate(
        [locked_shift_px(offset_px[shot], time_s[shot], state[shot], settings, lock, away) for shot in shots]
    )
    scale, roll_rad = scale_and_roll_of_shots(
        pose, shots, state, lambda part, states: applied_scale_and_roll(part, request.lock, aspect, states, away)
    )
    linear = affine.scale_and_turn(scale, roll_rad, aspect)
    to_output = affine.about_target(linear, shift_px, target_xy)
    return LockedPath(clip, (width, height), target_xy, shift_px, scale, roll_rad, linear, to_output)


def smooth_path(path: Floats, time_s: Floats, settings: SmoothingConf) -> Floats:
    """``path`` (n, 2) after the chosen smoother. A window in seconds is a window of time, however uneven the frames
    are.
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


def _trajectory(
    frames: Columns, offsets: Columns, shift_px: Floats, scale: Floats, roll_rad: Floats, to_output: Floats
) -> dict[str, Any]:
    """The columns of ``trajectory.parquet``."""
    to_source = affine.invert(to_output)
    copied = ("shot", "anchor_x_px", "anchor_y_px", "state", "offset_x_px", "offset_y_px")
    matrices = {
        f"{name}_{row}{column}": matrix[:, row, column]
        for name, matrix in (("to_output", to_output), ("to_source", to_source))
        for row in range(2)
        for column in range(3)
    }
    return {
        **{name: frames[name] for name in ("frame", "pts", "time_s")},
        **{name: offsets[name] for name in copied},
        "dx_px": shift_px[:, 0],
        "dy_px": shift_px[:, 1],
        "scale": scale,
        "roll_deg": np.rad2deg(roll_rad),
        **matrices,
    }


def _scale_and_roll_facts(lock: LockConf, scale: Floats, roll_rad: Floats) -> dict[str, float]:
    """The ranges of scale and roll, for the summary."""
    facts: dict[str, float] = {}
    if lock.scale:
        facts |= {"scale_min": round(float(scale.min()), 6), "scale_max": round(float(scale.max()), 6)}
    if lock.roll:
        turn_deg = np.rad2deg(roll_rad)
        facts |= {"roll_min_deg": round(float(turn_deg.min()), 6), "roll_max_deg": round(float(turn_deg.max()), 6)}
    return facts


def _points(columns: Columns, name: str) -> Floats:
    """Points (n, 2) from the columns ``{name}_x_px`` and ``{name}_y_px``."""
    return np.stack([columns[f"{name}_x_px"], columns[f"{name}_y_px"]], axis=1)
