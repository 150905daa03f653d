"""Export ``mot``: the joint angles as a motion file of OpenSim."""

from pathlib import Path
from typing import Any, Final

import numpy as np

from tasks.exports.gait.markers import read_track
from tasks.exports.requests import ExportRequest
from tasks.exports.text_files import write_text
from tasks.maths.arrays import Floats
from tasks.maths.gait.angles import joint_angles
from tasks.maths.gait.side_view import changes_distance, distance_reason, side_views
from tasks.records import Tick, read_clip

COLUMNS: Final = {  # OpenSim's coordinates, flexion positive; the trunk's lean is none of its models' coordinates
    "hip_flexion_r": "right_hip",
    "knee_angle_r": "right_knee",
    "ankle_angle_r": "right_ankle",
    "hip_flexion_l": "left_hip",
    "knee_angle_l": "left_knee",
    "ankle_angle_l": "left_ankle",
    "trunk_lean": "trunk_lean",
}


def write_mot(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``angles.mot``: one row for each frame in which the person is seen walking from the side, in degrees.

    There are none for somebody who comes nearer or goes away, whose ankles' angles are not known.

    OpenSim takes no empty cells, so the other frames are left out, and times may leap.
    """
    clip = read_clip(request.clip)
    track = read_track(request, clip)
    parts, why_not = side_views(track, clip.pixel_aspect_value)
    rows = [_rows(part.time_s, joint_angles(part)) for part in parts if not changes_distance(part)]
    why_not = why_not or distance_reason(parts)
    table = np.concatenate(rows) if rows else np.zeros((0, 1 + len(COLUMNS)))
    head = ["angles", "version=1", f"nRows={len(table)}", f"nColumns={table.shape[1]}", "inDegrees=yes", "endheader"]
    row_format = "\t".join(["%.6f"] * table.shape[1])
    lines = [row_format % tuple(row) for row in table.tolist()]
    write_text(folder / "angles.mot", "\n".join([*head, "\t".join(("time", *COLUMNS)), *lines]) + "\n")
    tick(track.frames)
    notes = [f"exports: mot has no rows, because {why_not}"] if why_not else []
    return {"frames": track.frames, "rows": len(table), "notes": notes}


def _rows(time_s: Floats, angles: dict[str, Floats]) -> Floats:
    return np.stack([time_s, *(angles[name] for name in COLUMNS.values())], axis=1)
