"""Landmarks survive the disk."""

import csv
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.errors import OutputError
from tasks.maths.body.landmarks import LANDMARK_NAMES, PoseTrack
from tasks.media.files.pose_file import pose_writer, read_pose, write_pose
from tasks.media.files.tables import read_table, write_table


def made(frames: int = 1100) -> PoseTrack:
    """More frames than one chunk; nobody in the sixth."""
    random = np.random.default_rng(3)
    values = random.normal(500, 200, (frames, 33, 5))
    values[5] = np.nan
    return PoseTrack(np.arange(frames) / 29.97, values[..., :2], *np.moveaxis(values[..., 2:], -1, 0))


def test_landmarks_are_read_as_they_were_written(tmp_path: Path) -> None:
    track = made()
    write_pose(tmp_path / "pose.parquet", tmp_path / "pose.csv", track)
    found = read_pose(tmp_path / "pose.parquet")
    assert np.array_equal(found.time_s, track.time_s)
    for name in ("xy_px", "z", "visibility", "presence"):
        assert_allclose(getattr(found, name), getattr(track, name), rtol=1e-6)
    assert found.found.sum() == track.frames - 1


def test_the_table_is_tidy_and_lists_every_landmark_of_every_frame(tmp_path: Path) -> None:
    write_pose(tmp_path / "pose.parquet", tmp_path / "pose.csv", made())
    table = read_table(tmp_path / "pose.parquet")
    names = ["frame", "time_s", "landmark", "x_px", "y_px", "z", "visibility", "presence"]
    assert list(table) == names
    assert np.array_equal(table["frame"], np.repeat(np.arange(1100), 33))
    assert table["landmark"].tolist() == list(LANDMARK_NAMES) * 1100
    with (tmp_path / "pose.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 1100 * 33
    assert list(rows[0]) == names
    assert rows[5 * 33 + 1]["x_px"] == "" and rows[5 * 33 + 1]["landmark"] == LANDMARK_NAMES[1]
    assert_allclose([float(row["x_px"]) for row in rows[:33]], table["x_px"][:33], rtol=1e-6)


def test_equal_landmarks_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_pose(tmp_path / f"{name}.parquet", tmp_path / f"{name}.csv", made(40))
    for kind in ("parquet", "csv"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_missing_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"PAR1 not")
    write_table(tmp_path / "foreign", {"frame": np.arange(33)})
    for name in ("missing", "broken", "foreign"):
        with pytest.raises(OutputError, match=f"{name}: cannot be read"):
            read_pose(tmp_path / name)


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match="cannot be written"),
        pose_writer(tmp_path / "no" / "pose.parquet", tmp_path / "no" / "pose.csv"),
    ):
        pass
