"""Stage: from offsets to the motion that render applies, and how good the lock is by plan."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from conf.schema import Smoother
from tasks.maths import framing, gaps, metrics, motion, smoothing
from tasks.maths.landmarks import PoseTrack
from tasks.media.pose_file import read_pose
from tasks.media.tables import read_json, read_table, write_json, write_table
from tasks.records import Clip, Tick
from tasks.requests import TrajectoryRequest

Floats = NDArray[np.float64]
Columns = Mapping[str, NDArray[Any]]

SMOOTHERS: Final[dict[Smoother, Callable[..., Floats]]] = {
    Smoother.moving: smoothing.moving_average,
    Smoother.gaussian: smoothing.gaussian,
    Smoother.none: smoothing.unsmoothed,
}


def plan_trajectory(request: TrajectoryRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``trajectory.parquet``, ``framing.json`` and ``metrics.json``; facts: the planned metrics of the summary.

    A frame is moved by ``dx_px, dy_px``: its smoothed offset. Smoothing the offsets is smoothing the anchor's path,
    since target minus path is all that an offset is.
    """
    clip = Clip.from_json(read_json(request.clip.path("clip.json")))
    frames = read_table(request.clip.path("frames.parquet"))
    offsets = read_table(request.offsets.path("offsets.parquet"))
    frame = read_json(request.offsets.path("framing.json"))
    offset_px = _points(offsets, "offset")
    shift_px = SMOOTHERS[request.settings.kind](offset_px, window_frames=request.settings.window)
    to_output = motion.translation(shift_px)
    write_table(folder / "trajectory.parquet", _trajectory(frames, offsets, shift_px, to_output))
    write_json(folder / "framing.json", frame)
    pose = read_pose(request.pose.path("pose.parquet"))
    report = _report(clip, pose, offsets, to_output, frame)
    write_json(folder / "metrics.json", report)
    tick(len(offset_px))
    planned = report["planned"]
    names = ("lock_rms", "lock_std_x", "lock_std_y", "visible_area_mean", "visible_area_min", "subject_cut")
    return {name: planned[name] for name in names}


def _trajectory(frames: Columns, offsets: Columns, shift_px: Floats, to_output: Floats) -> dict[str, Any]:
    to_source = motion.invert(to_output)
    kept = ("anchor_x_px", "anchor_y_px", "state", "offset_x_px", "offset_y_px")
    matrices = {
        f"{name}_{row}{column}": matrix[:, row, column]
        for name, matrix in (("to_output", to_output), ("to_source", to_source))
        for row in range(2)
        for column in range(3)
    }
    return {
        **{name: frames[name] for name in ("frame", "pts", "time_s")},
        **{name: offsets[name] for name in kept},
        "dx_px": shift_px[:, 0],
        "dy_px": shift_px[:, 1],
        **matrices,
    }


def _report(
    clip: Clip, pose: PoseTrack, offsets: Columns, to_output: Floats, frame: Mapping[str, Any]
) -> dict[str, Any]:
    """Metrics of the plan, and the same of the picture as it was, measured anchors only.

    Before, the target is the point at the same fractions of the source: the same point, unless the output is cropped.
    """
    size_px: framing.Size = (int(frame["output_size_px"][0]), int(frame["output_size_px"][1]))
    target_xy = np.array(frame["target_px"])
    source_target_xy = (target_xy + 0.5) / size_px * clip.size_px - 0.5
    time_s, states = offsets["time_s"], offsets["state"]
    anchor = np.where((states == gaps.MEASURED)[:, None], _points(offsets, "anchor"), np.nan)
    locked = motion.apply(to_output, anchor)
    boxes = metrics.visible_boxes(pose.xy_px, pose.visibility)
    height_px = metrics.person_height(boxes)
    gain_x, gain_y = metrics.lock_gain(locked, anchor)
    covered = framing.visible_area(to_output, clip.size_px, size_px)
    switches, jump_px = metrics.anchor_switches(anchor, offsets["source"])
    shift_px = to_output[..., 2]
    coverage = metrics.coverage(time_s, pose.found, states)
    planned = {
        **metrics.lock(locked, time_s, target_xy, size_px, height_px),
        "lock_gain_x": float(gain_x),
        "lock_gain_y": float(gain_y),
        "visible_area_mean": float(covered.mean()),
        "visible_area_min": float(covered.min()),
        "subject_cut": metrics.subject_cut(boxes, to_output, size_px),
        "camera_accel": metrics.acceleration(shift_px),
        "background_speed": metrics.speed(shift_px, time_s),
        **coverage,
        "anchor_switches": switches,
        "anchor_switch_jump": jump_px,
    }
    still = motion.translation(np.zeros_like(anchor))
    before = {
        **metrics.lock(anchor, time_s, source_target_xy, clip.size_px, height_px),
        "subject_cut": metrics.subject_cut(boxes, still, clip.size_px),
    }
    return {"planned": _rounded(planned), "before": _rounded(before), "units": metrics.UNITS}


def _rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    """Six decimals, beyond which sums may differ with the number of threads; None for what cannot be told."""
    return {name: round(value, 6) if np.isfinite(value) else None for name, value in values.items()}


def _points(columns: Columns, name: str) -> Floats:
    return np.stack([columns[f"{name}_x_px"], columns[f"{name}_y_px"]], axis=1)
