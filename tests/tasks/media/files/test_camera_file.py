"""The camera's path survives the disk."""

from pathlib import Path

import numpy as np

from tasks.maths.path import affine
from tasks.maths.scene.camera_path import CameraPath
from tasks.media.files.camera_file import read_camera, write_camera


def test_the_cameras_path_survives_the_disk(tmp_path: Path) -> None:
    to_scene = affine.translation(np.array([[0.0, 0.0], [2.5, -1.0], [0.0, 0.0]]))
    path = CameraPath(np.array([0, 0, 1]), to_scene, np.array([1, 0.7, 1.0]))
    write_camera(tmp_path / "camera.parquet", path, [0, 40, 12], [0.0, 0.04, 0.08], (100, 50))
    again, time_s = read_camera(tmp_path / "camera.parquet")
    assert np.array_equal(again.to_scene, to_scene)
    assert again.group.tolist() == [0, 0, 1]
    assert again.confidence.tolist() == [1, 0.7, 1]
    assert time_s.tolist() == [0, 0.04, 0.08]
