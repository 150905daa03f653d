"""The trajectory stage: from offsets to the transform of each frame, and the planned metrics of the lock."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from conf.enums import CropMode
from conf.lock import LockConf
from tasks.errors import AnchorNotSeen, SettingError
from tasks.locked_path import LockedPath, Motion, path_around, read_motion, seen_anchor, targets_by_word
from tasks.maths.anchor.gaps import longest_shot
from tasks.maths.anchor.states import ABSENT
from tasks.maths.arrays import Floats
from tasks.maths.body.person_height import head_boxes, standing_height_px
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import affine, framing, window
from tasks.maths.path.window import CropWindow
from tasks.maths.scene import auto_target, camera_path
from tasks.media.files.camera_file import read_camera
from tasks.media.files.tables import Columns, matrix_columns, read_table, write_json, write_table
from tasks.records import Content, Tick
from tasks.requests import PathRequest, RoomRequest, TrajectoryRequest

LEAST_CUT_SHARE: Final = 0.01  # of the frames: a person cut in fewer is not reported
LEAST_MORE: Final = 0.1  # of the output: another target that shows less than this more is not named
TRAJECTORY_FACTS: Final = (
    "lock_rms",
    "lock_std_x",
    "lock_std_y",
    "visible_area_mean",
    "visible_area_min",
    "subject_cut",
)


def plan_trajectory(request: TrajectoryRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``trajectory.parquet``, ``framing.json`` and ``metrics.json``; facts: the planned metrics of the summary.

    A frame is moved by ``dx_px, dy_px``, its smoothed offset, and then, if requested, scaled and rotated about the
    target. Smoothing the offsets smooths the anchor's path, since an offset is the target minus the path. The corner
    of a window, or of a canvas around the picture, is subtracted from all of these. Then all is enlarged by the zoom;
    ``to_output`` is the whole transform. ``SettingError`` for a smoother that the clip is too short or too slow for.
    """
    frames = read_table(request.clip.path("frames.parquet"))
    offsets = read_table(request.offsets.path("offsets.parquet"))
    motion = read_motion(request, offsets)
    path, view, notes = _shown(request, motion)
    clip, shift_px, target_xy = motion.clip, path.shift_px - view.corner_px, path.target_xy - view.corner_px
    to_output = view.enlarged(affine.about_target(motion.linear, shift_px, target_xy))
    target_xy = view.point(target_xy)
    offset_px = path.offset_px - view.corner_px
    offsets |= {"offset_x_px": offset_px[:, 0], "offset_y_px": offset_px[:, 1]}
    columns = _trajectory(frames, offsets, shift_px, motion.scale, motion.roll_rad, to_output)
    write_table(folder / "trajectory.parquet", columns)
    # the target, as a position in the source
    source_target_xy = (path.target_xy + 0.5) / path.size_px * np.array(clip.size_px) - 0.5
    write_json(folder / "framing.json", _framing(motion, view, target_xy, source_target_xy))
    looked = read_table(request.subject.path("motion.parquet"))["looked"]
    report = lock_metrics.planned_metrics(
        lock_metrics.FollowedSubject(motion.pose, looked, motion.anchor_px, motion.state, offsets["source"]),
        to_output,
        source=lock_metrics.Aim(clip.size_px, source_target_xy),
        output=lock_metrics.Aim(view.size_px, target_xy),
        shots=motion.shots,
        zoom=view.zoom,
    )
    report["planned"] |= _scene_metrics(request, motion, to_output, view)
    write_json(folder / "metrics.json", report)
    tick(len(shift_px))
    facts = {name: report["planned"][name] for name in TRAJECTORY_FACTS} | {"zoom": round(view.zoom, 6)}
    if path.why is not None:
        facts["target"] = path.why
    if request.crop.mode is CropMode.none and request.lock.height is None and view.size_px == motion.size_px:
        natural_area = _natural_area(path)
        if natural_area >= facts["visible_area_mean"] + LEAST_MORE:
            facts["natural_area"] = round(natural_area, 6)
    if request.window_px is not None:
        notes = [f"all videos of this run are {view.width}x{view.height} (crop.shared)", *notes]
    notes += _note_of_a_cut(request, path, view, report)
    return {**facts, **_scale_and_roll_facts(request.lock, motion.scale, motion.roll_rad), "notes": notes}


def _framing(motion: Motion, view: CropWindow, target_xy: Floats, source_target_xy: Floats) -> dict[str, Any]:
    """The size of the output, and the target of each shot and of the main one, from targets (n, 2) of the frames."""
    main = longest_shot(seen_anchor(motion), motion.shots)
    targets_px, source_targets_px = (xy[[shot.start for shot in motion.shots]] for xy in (target_xy, source_target_xy))
    return {
        "output_size_px": view.size_px,
        "target_px": targets_px[main],
        "targets_px": targets_px,
        "source_target_px": source_targets_px[main],
        "source_targets_px": source_targets_px,
        "zoom": view.zoom,
    }


def _natural_area(path: LockedPath) -> float:
    """Mean share of the output that shows the frame with ``target=natural``; ``path`` of the whole picture, no zoom."""
    motion = path.motion
    natural_xy, _ = targets_by_word("natural", motion, motion.size_px, 1.0)
    held = motion.state != ABSENT  # without the person the picture rests, whatever the target
    to_output = path.to_output.copy()
    to_output[held, :, 2] += (natural_xy - path.target_xy)[held]
    return float(framing.visible_area(to_output, motion.clip.size_px, path.size_px).mean())


def _scene_metrics(
    request: TrajectoryRequest, motion: Motion, to_output: Floats, view: CropWindow
) -> dict[str, float | None]:
    """The share of heads that are cut, and the speeds of person and background, by the camera's measured motion."""
    source_px = motion.clip.size_px
    heads = head_boxes(motion.pose.xy_px, motion.pose.visibility, motion.clip.pixel_aspect_value)
    metrics = {"head_cut": auto_target.head_cut(heads, to_output, source_px, view.size_px)}
    if request.found is not None:
        camera, time_s = read_camera(request.found.path("camera.parquet"))
        metrics["background_speed"] = camera_path.background_speed(camera, to_output, time_s, source_px)
        metrics["ground_speed"] = view.zoom * camera_path.ground_speed(camera, seen_anchor(motion), time_s)
    return lock_metrics.rounded_metrics(metrics)


def _note_of_a_cut(
    request: TrajectoryRequest, path: LockedPath, view: CropWindow, report: Mapping[str, Any]
) -> list[str]:
    """A note if what is shown cuts off parts of the person that the source shows."""
    crop, height, (whole_width, whole_height) = request.crop, request.lock.height, path.motion.clip.size_px
    cut = report["planned"]["subject_cut"] or 0.0
    if (crop.mode is CropMode.none and height is None) or cut < LEAST_CUT_SHARE:
        return []
    width_px, height_px = (round(length) for length in view.shown_px)
    name = f"crop={crop.mode.value}" if height is None else f"lock.height={height:g}"
    left = f"{name} leaves {width_px}x{height_px} of {whole_width}x{whole_height}"
    fact = f"{left}, which cuts off a part of the person in {cut:.0%} of the frames"
    cure = "crop=follow with crop.size or crop.aspect follows the person, but shows a border"
    if height is not None:
        cure = "give a lower lock.height, or another target"
    elif crop.keep is not None:
        cure = "give a lower crop.keep, or another target"
    elif crop.mode is CropMode.follow:
        larger = "another crop.aspect" if crop.aspect is not None else "another shape with crop.output"
        cure = f"give {larger if crop.size is None else 'a larger crop.size'}, or another target"
    if request.window_px is not None and (own_px := _own_size(request, path.motion)) != view.size_px:
        alone = "crop.shared=false, or a run without the videos that have less room,"
        cure = f"{alone} allows up to {own_px[0]}x{own_px[1]} for this video; otherwise {cure}"
    return [f"{fact}; {cure}"]


def _own_size(request: PathRequest[Content], motion: Motion) -> tuple[int, int]:
    """Size of a crop that is not shared with other videos: by its border, or by its aspect."""
    crop, clip = request.crop, motion.clip
    if crop.mode is CropMode.auto:
        path = path_around(request, motion, motion.size_px, 1.0)
        return window.largest_covered_window(path.to_output, clip.size_px, path.main_target_xy).size_px
    if crop.keep is not None:
        return _kept(request, motion, crop.keep)[0]
    return window.stabilized_size(clip.size_px, crop, clip.pixel_aspect_value)


def find_room(request: RoomRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``room.json``: the size of the largest window that ``crop=auto`` or ``crop.keep`` allows; facts: the same.

    ``SettingError`` as for ``plan_trajectory``.
    """
    offsets = read_table(request.offsets.path("offsets.parquet"))
    motion = read_motion(request, offsets)
    room = {"size_px": _own_size(request, motion)}
    write_json(folder / "room.json", room)
    tick(len(motion.time_s))
    return {"size_px": list(room["size_px"])}


def _shown(request: TrajectoryRequest, motion: Motion) -> tuple[LockedPath, CropWindow, list[str]]:
    """The path, the part of the stabilized picture that is shown, with its zoom, and notes for the user."""
    crop, clip, notes = request.crop, motion.clip, list[str]()
    if crop.mode not in (CropMode.none, CropMode.follow):
        path = path_around(request, motion, motion.size_px, 1.0)
        view = window.choose_window(
            crop, path.to_output, clip.size_px, motion.size_px, path.main_target_xy, request.window_px
        )
        return path, view, notes
    output_px = motion.size_px if crop.output is None else (crop.output[0], crop.output[1])
    zoom = window.zoom_to(motion.size_px, output_px)
    if request.lock.height is not None:
        zoom, notes = _zoom_to_height(request.lock.height, motion, output_px[1])
    elif crop.keep is not None and request.window_px is not None:
        output_px = request.window_px
    elif crop.keep is not None:
        output_px, zoom = _kept(request, motion, crop.keep)
    view = CropWindow(0, 0, output_px[0], output_px[1], zoom)
    return path_around(request, motion, output_px, zoom), view, notes


def _zoom_to_height(share: float, motion: Motion, output_height_px: int) -> tuple[float, list[str]]:
    """The zoom that gives the person ``share`` of the output's height, and a note where that is uncertain."""
    clip = motion.clip
    height_px, whole = standing_height_px(motion.pose, motion.scale, clip.height_px, clip.pixel_aspect_value)
    if not np.isfinite(height_px):
        fact = "no frame shows the trunk, by which the person's height is known"
        raise AnchorNotSeen(f"lock.height: {fact}; leave it out, or give crop.size instead")
    unsure = "lock.height: few frames show head and feet; the person's height was estimated from the trunk"
    return share * output_height_px / height_px, [] if whole else [unsure]


def _kept(request: PathRequest[Content], motion: Motion, keep: float) -> tuple[tuple[int, int], float]:
    """Size of the output, and the zoom, of the largest part around the person that keeps ``keep`` own picture."""
    (whole_width, whole_height), given = motion.size_px, request.crop.output
    whole_zoom = 1.0 if given is None else window.zoom_to(motion.size_px, (given[0], given[1]))

    def own_at(part: float) -> float:
        if given is not None:
            return _own_share(request, motion, (given[0], given[1]), whole_zoom / part)
        return _own_share(request, motion, (whole_width * part, whole_height * part), 1.0)

    least = window.SMALLEST_SIDE_PX / min(motion.size_px)
    part = window.largest_share(own_at, keep, least)
    if part is None:
        most = max(own_at(some) for some in np.geomspace(least, 1, 50).tolist())
        fact = f"no window around the person shows {keep:.0%} own picture; the most is {most:.1%}"
        raise SettingError(f"crop.keep: {fact}; give {np.floor(100 * most) / 100:g} or less, or another target")
    if given is not None:
        zoom = whole_zoom / part
        unscaled = _even(given[0] / zoom, given[1] / given[0]) == (given[0], given[1]) and own_at(whole_zoom) >= keep
        return (given[0], given[1]), 1.0 if unscaled else zoom
    even_px = _even(whole_width * part, whole_height / whole_width)
    while _own_share(request, motion, even_px, 1.0) < keep and min(even_px) > window.SMALLEST_SIDE_PX:
        even_px = _even(even_px[0] - 2, whole_height / whole_width)
    return even_px, 1.0


def _even(width: float, ratio: float) -> tuple[int, int]:
    """Even numbers that are at most ``width`` and ``ratio`` times that number."""
    even = int(width / 2 + window.COVER_TOLERANCE_PX) * 2
    return even, int(even * ratio / 2 + window.COVER_TOLERANCE_PX) * 2


def _own_share(request: PathRequest[Content], motion: Motion, output_px: window.Extent, zoom: float) -> float:
    """Mean share of own picture in the part around the person that ``zoom`` enlarges to ``output_px``."""
    path = path_around(request, motion, output_px, zoom)
    return float(framing.visible_area(path.to_output, motion.clip.size_px, path.size_px).mean())


def _trajectory(
    frames: Columns, offsets: Columns, shift_px: Floats, scale: Floats, roll_rad: Floats, to_output: Floats
) -> dict[str, Any]:
    """The columns of ``trajectory.parquet``."""
    copied = ("shot", "anchor_x_px", "anchor_y_px", "state", "offset_x_px", "offset_y_px")
    return {
        **{name: frames[name] for name in ("frame", "pts", "time_s")},
        **{name: offsets[name] for name in copied},
        "dx_px": shift_px[:, 0],
        "dy_px": shift_px[:, 1],
        "scale": scale,
        "roll_deg": np.rad2deg(roll_rad),
        **matrix_columns("to_output", to_output),
        **matrix_columns("to_source", affine.invert(to_output)),
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
