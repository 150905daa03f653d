"""Export ``keypoints``: the landmarks in source and in output pixels, in one table."""

from pathlib import Path
from typing import Any

import numpy as np

from tasks.exports.requests import ExportRequest
from tasks.maths.body.landmarks import LANDMARK_COUNT, LANDMARK_NAMES
from tasks.maths.path import affine
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import matrices_of, read_table, write_table
from tasks.records import Tick


def write_keypoints(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``keypoints.parquet``: 33 rows for each frame.

    Columns: ``frame``, ``time_s``, ``landmark``, ``x_px`` and ``y_px`` (source), ``x_output_px`` and ``y_output_px``,
    ``visibility``, ``presence``. NaN where the person was not found.
    """
    pose = read_pose(request.pose_file)
    path = read_table(request.file(request.trajectory, "trajectory.parquet"))
    moved = affine.apply(matrices_of(path, "to_output")[:, None], pose.xy_px)
    columns = {
        "frame": np.repeat(np.arange(pose.frames), LANDMARK_COUNT),
        "time_s": np.repeat(pose.time_s, LANDMARK_COUNT),
        "landmark": np.tile(np.array(LANDMARK_NAMES), pose.frames),
    }
    for name, values in (("", pose.xy_px), ("output_", moved)):
        columns |= {f"{axis}_{name}px": values[..., place].ravel() for place, axis in enumerate("xy")}
    columns |= {"visibility": pose.visibility.ravel(), "presence": pose.presence.ravel()}
    write_table(folder / "keypoints.parquet", columns)
    tick(pose.frames)
    return {"frames": pose.frames}
