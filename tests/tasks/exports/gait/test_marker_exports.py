"""The exports for motion laboratories: units, rate, labels, events and gaps, read by other programs' readers."""

import csv
from dataclasses import replace
from pathlib import Path
from typing import Any

import ezc3d
import numpy as np
import pandas as pd
import pytest

from conf.exports import ScaleConf
from tasks.errors import SettingError
from tasks.exports.gait.c3d import write_c3d
from tasks.exports.gait.mot import write_mot
from tasks.exports.gait.trc import write_trc
from tasks.exports.requests import ExportRequest
from tasks.maths.body.landmarks import LANDMARK_NAMES, PoseTrack
from tasks.maths.body.person_height import limb_height_px
from tasks.maths.gait.figures import measured_gait
from tests.support.artifacts import clip_artifact, pose_artifact
from tests.support.drawn.paths import without
from tests.support.drawn.walkers import drawn, modelled_pose, true_pose

SIZE_PX = (640, 360)
HEIGHT_M = 1.8


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def request(folder: Path, export: str, pose: PoseTrack, scale: ScaleConf | None = None) -> ExportRequest:
    clip = clip_artifact(folder / "decode", pose, SIZE_PX)
    return ExportRequest(export=export, clip=clip, subject=pose_artifact(folder / "subject", pose), scale=scale)


def read_trc(path: Path) -> tuple[dict[str, str], list[str], pd.DataFrame]:
    """Header, labels and rows, by the description of the format in OpenSim's documentation."""
    lines = path.read_text().split("\n")
    assert lines[0].split("\t")[:3] == ["PathFileType", "4", "(X/Y/Z)"]
    header = dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True))
    labels = [name for name in lines[3].split("\t")[2:] if name]
    axes = lines[4].split("\t")[2:]
    assert axes == [f"{axis}{number + 1}" for number in range(len(labels)) for axis in "XYZ"]
    assert lines[5] == ""
    rows = list(csv.reader(lines[6:-1], delimiter="\t"))
    return (
        header,
        labels,
        pd.DataFrame([[float(cell or "nan") for cell in row] for row in rows], columns=["frame", "time", *axes]),
    )


def test_a_trc_in_metres_has_the_height_that_was_given(tmp_path: Path, out: Path) -> None:
    pose = true_pose(drawn(seconds=3))
    facts = write_trc(request(tmp_path, "trc", pose, ScaleConf(height_m=HEIGHT_M)), out, lambda _: None)
    header, labels, rows = read_trc(out / "pose.trc")
    assert labels == list(LANDMARK_NAMES)
    assert (header["Units"], header["NumFrames"], header["NumMarkers"]) == ("m", "90", "33")
    assert float(header["DataRate"]) == pytest.approx(30)
    assert np.allclose(rows["time"], pose.time_s, atol=1e-6)
    heel = rows[f"Y{LANDMARK_NAMES.index('right_heel') + 1}"].min()
    assert rows["Y1"].mean() - heel == pytest.approx(HEIGHT_M * 0.93, rel=0.05)  # from the sole to the nose
    assert facts["notes"] == []


def test_without_a_scale_a_trc_is_in_pixels_and_says_so(tmp_path: Path, out: Path) -> None:
    pose = true_pose(drawn(seconds=1))
    facts = write_trc(request(tmp_path, "trc", pose, ScaleConf()), out, lambda _: None)
    header, _, rows = read_trc(out / "pose.trc")
    assert header["Units"] == "px"
    assert "give scale.height_m" in facts["notes"][0]
    assert np.allclose(rows["X24"], pose.xy_px[:, 23, 0] + 0.5, atol=1e-3)
    assert np.allclose(rows["Y24"], SIZE_PX[1] - 0.5 - pose.xy_px[:, 23, 1], atol=1e-3)


def test_frames_without_a_person_are_empty_cells(tmp_path: Path, out: Path) -> None:
    pose = without(true_pose(drawn(seconds=1)), slice(5, 9))
    write_trc(request(tmp_path, "trc", pose), out, lambda _: None)
    rows = read_trc(out / "pose.trc")[2]
    assert rows["X24"].isna().to_numpy().nonzero()[0].tolist() == [5, 6, 7, 8]


def test_uneven_frames_get_an_even_rate(tmp_path: Path, out: Path) -> None:
    pose = true_pose(drawn(seconds=2))
    uneven = replace(pose, time_s=np.cumsum(np.where(np.arange(60) % 2, 0.02, 0.05)))
    facts = write_trc(request(tmp_path, "trc", uneven), out, lambda _: None)
    rows = read_trc(out / "pose.trc")[2]
    assert np.ptp(np.diff(rows["time"])) < 2e-6
    assert "even rate" in facts["notes"][0]


def test_a_c3d_has_the_events_of_the_gait_from_its_first_frame(tmp_path: Path, out: Path) -> None:
    pose = modelled_pose(drawn(seconds=6))
    pose = replace(pose, time_s=pose.time_s + 5)
    write_c3d(request(tmp_path, "c3d", pose, ScaleConf(px_per_m=120)), out, lambda _: None)
    found = ezc3d.c3d(str(out / "pose.c3d"))
    gait = measured_gait(pose)
    times = found["parameters"]["EVENT"]["TIMES"]["value"]
    assert np.allclose(60 * times[0] + times[1], [event.time_s - 5 for event in gait.events], atol=1e-4)
    assert set(found["parameters"]["EVENT"]["LABELS"]["value"]) == {"Foot Strike", "Foot Off"}
    assert found["parameters"]["POINT"]["UNITS"]["value"] == ["m"]
    hip = LANDMARK_NAMES.index("left_hip")
    assert np.allclose(found["data"]["points"][0, hip], (pose.xy_px[:, hip, 0] + 0.5) / 120, atol=1e-4)


def test_a_mot_has_opensims_columns_and_one_row_a_frame(tmp_path: Path, out: Path) -> None:
    write_mot(request(tmp_path, "mot", modelled_pose(drawn(seconds=6))), out, lambda _: None)
    head, _, body = (out / "angles.mot").read_text().partition("endheader\n")
    facts = dict(line.split("=") for line in head.splitlines() if "=" in line)
    (out / "rows.tsv").write_text(body)
    rows = pd.read_csv(out / "rows.tsv", sep="\t")
    assert facts == {"version": "1", "nRows": str(len(rows)), "nColumns": str(rows.shape[1]), "inDegrees": "yes"}
    assert list(rows.columns)[:4] == ["time", "hip_flexion_r", "knee_angle_r", "ankle_angle_r"]
    assert len(rows) == 180
    assert not rows.isna().any(axis=None)


def test_a_mot_of_a_walk_towards_the_camera_has_no_rows_and_says_why(tmp_path: Path, out: Path) -> None:
    facts = write_mot(request(tmp_path, "mot", true_pose(drawn(heading_deg=90))), out, lambda _: None)
    assert "nRows=0" in (out / "angles.mot").read_text()
    assert "towards the camera" in facts["notes"][0]


@pytest.mark.parametrize("heading_deg", [0, 30])
def test_the_height_of_a_drawn_walker_is_measured(heading_deg: float) -> None:
    walker = drawn(seconds=4, heading_deg=heading_deg)
    assert limb_height_px(true_pose(walker)) == pytest.approx(walker.height_px, rel=0.06)


@pytest.mark.parametrize(
    ("scale", "sentence"),
    [
        ({"height_m": 0}, r"scale\.height_m: 0 m is no height of a person; give 0\.3 to 2\.8"),
        ({"height_m": 175}, r"scale\.height_m: 175 m is no height"),
        ({"px_per_m": 0}, r"scale\.px_per_m: 0 is no scale"),
        ({"height_m": 1.7, "px_per_m": 100}, r"scale\.px_per_m: scale\.height_m is given too"),
    ],
)
def test_a_scale_that_cannot_be_is_refused(scale: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingError, match=sentence):
        ScaleConf(**scale)
