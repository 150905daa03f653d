"""``camera.parquet``: how the camera moves against the background, one row for every frame of the clip.

Columns: ``frame`` int64, ``time_s``, ``group`` int64 (number of the group), ``to_scene_00`` ... ``to_scene_12`` (source
pixels of the frame to pixels of the first frame of its group), ``x_px`` and ``y_px`` (how far the frame's centre has
moved over the scene), ``confidence`` 0..1 and ``corners`` int64 (that agree with the motion since the frame before).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.scene.camera_path import CameraPath, travel_px
from tasks.media.files.tables import matrices_of, matrix_columns, read_table, write_table


def write_camera(
    path: Path, camera: CameraPath, corners: Sequence[int], time_s: Sequence[float], size_px: tuple[int, int]
) -> None:
    """Write the file; ``OutputError`` when it cannot be written."""
    travel = travel_px(camera, size_px)
    columns = {
        "frame": np.arange(camera.frames, dtype=np.int64),
        "time_s": np.array(time_s, np.float64),
        "group": camera.group,
        **matrix_columns("to_scene", camera.to_scene),
        "x_px": travel[:, 0],
        "y_px": travel[:, 1],
        "confidence": camera.confidence,
        "corners": np.array(corners, np.int64),
    }
    write_table(path, columns)


def read_camera(path: Path) -> tuple[CameraPath, Floats]:
    """The camera's path and the frames' times (n,); ``OutputError`` when the file is missing or damaged."""
    table = read_table(path)
    return CameraPath(table["group"], matrices_of(table, "to_scene"), table["confidence"]), table["time_s"]
