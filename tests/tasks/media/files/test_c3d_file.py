"""C3D files, read back by ezc3d."""

from pathlib import Path
from typing import Any

import ezc3d
import numpy as np
import pytest

from tasks.errors import OutputError
from tasks.media.files.c3d_file import MOST_EVENTS, MOST_FRAMES, ContactMark, write_c3d

LABELS = [f"marker_{number}" for number in range(33)]


def places(frames: int) -> Any:
    random = np.random.default_rng(1).normal(0, 2, (frames, 33, 3))
    random[3:5, 7] = np.nan
    return random


def test_markers_rate_unit_and_events_come_back(tmp_path: Path) -> None:
    marks = [ContactMark("Left", "Foot Strike", 0.25), ContactMark("Right", "Foot Off", 61.5)]
    path, written = tmp_path / "a.c3d", places(50)
    write_c3d(path, LABELS, written, 29.97, "m", marks, "about")
    found = ezc3d.c3d(str(path))
    points, parameters = found["data"]["points"], found["parameters"]
    assert points.shape == (4, 33, 50)
    assert np.allclose(points[:3].transpose(2, 1, 0), written, atol=1e-6, equal_nan=True)
    assert parameters["POINT"]["LABELS"]["value"] == LABELS
    assert parameters["POINT"]["UNITS"]["value"] == ["m"]
    assert parameters["POINT"]["RATE"]["value"][0] == pytest.approx(29.97)
    assert parameters["EVENT"]["CONTEXTS"]["value"] == ["Left", "Right"]
    assert parameters["EVENT"]["LABELS"]["value"] == ["Foot Strike", "Foot Off"]
    assert np.allclose(parameters["EVENT"]["TIMES"]["value"], [[0.0, 1.0], [0.25, 1.5]])


def test_a_file_without_events_is_read(tmp_path: Path) -> None:
    write_c3d(tmp_path / "a.c3d", LABELS, places(10), 30.0, "px", [], "about")
    found = ezc3d.c3d(str(tmp_path / "a.c3d"))
    assert found["parameters"]["EVENT"]["USED"]["value"][0] == 0
    assert found["header"]["points"]["last_frame"] == 9


def test_more_events_than_a_parameter_holds_are_left_out(tmp_path: Path) -> None:
    marks = [ContactMark("Left", "Foot Strike", 0.1 * number) for number in range(MOST_EVENTS + 10)]
    write_c3d(tmp_path / "a.c3d", LABELS, places(10), 30.0, "px", marks, "about")
    assert len(ezc3d.c3d(str(tmp_path / "a.c3d"))["parameters"]["EVENT"]["LABELS"]["value"]) == MOST_EVENTS


def test_equal_markers_give_equal_bytes(tmp_path: Path) -> None:
    for name in "ab":
        write_c3d(tmp_path / name, LABELS, places(10), 30.0, "m", [], "about")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_too_many_frames_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="holds 65535 frames"):
        write_c3d(tmp_path / "a", ["a"], np.zeros((MOST_FRAMES + 1, 1, 3)), 30.0, "m", [], "about")
