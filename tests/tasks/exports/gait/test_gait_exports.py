"""The exports of the gait: files that other programs read, and a reason instead of figures."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from conf.enums import ClipTime
from conf.exports import ScaleConf
from tasks.demo.walker import subject_gait
from tasks.exports.gait.angles import write_angles
from tasks.exports.gait.events import write_events
from tasks.exports.gait.mot import write_mot
from tasks.exports.requests import ExportRequest
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.gait.angles import ANGLE_NAMES
from tests.support.artifacts import artifact, clip_artifact, pose_artifact, write_still_camera
from tests.support.drawn.walkers import drawn, modelled_pose, true_pose

SIZE_PX = (640, 360)


def request(folder: Path, export: str, pose: PoseTrack, **more: Any) -> ExportRequest:
    """Of a camera that stands still."""
    folder.mkdir(parents=True, exist_ok=True)
    clip = clip_artifact(folder / "decode", pose, SIZE_PX)
    subject, found = pose_artifact(folder / "subject", pose), folder / "pose"
    found.mkdir()
    write_still_camera(found / "camera.parquet", pose.time_s, SIZE_PX)
    return ExportRequest(export=export, clip=clip, subject=subject, found=artifact("pose", found), **more)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out"


def test_events_are_a_table_of_contacts_and_the_figures(tmp_path: Path, out: Path) -> None:
    walker = drawn()
    ticks: list[int] = []
    facts = write_events(request(tmp_path, "events", modelled_pose(walker)), out, ticks.append)
    table = pd.read_csv(out / "events.csv")
    assert list(table.columns) == ["time_s", "frame", "side", "event"]
    assert set(table["event"]) == {"heel strike", "toe off"}
    assert table["time_s"].is_monotonic_increasing
    assert np.abs(table["frame"] / 30 - table["time_s"]).max() <= 0.5 / 30 + 1e-3
    found = json.loads((out / "events.json").read_text())
    assert found["applies"] is True
    assert found["figures"]["cadence_steps_per_min"]["count"] == len(found["strides"]) == facts["strides"]
    assert ticks == [240]


def test_angles_are_a_row_a_frame_and_a_mean_over_the_stride(tmp_path: Path, out: Path) -> None:
    write_angles(request(tmp_path, "angles", modelled_pose(drawn())), out, lambda _: None)
    table = pd.read_csv(out / "angles.csv")
    assert list(table.columns) == ["frame", "time_s", *(f"{name}_deg" for name in ANGLE_NAMES)]
    assert len(table) == 240
    assert table["right_knee_deg"].notna().mean() > 0.9
    cycles = json.loads((out / "angles.json").read_text())["cycles"]
    assert set(cycles) == set(ANGLE_NAMES)
    assert len(cycles["right_knee"]["mean_deg"]) == 101


@pytest.mark.parametrize(("export", "write"), [("events", write_events), ("angles", write_angles)])
def test_a_walk_towards_the_camera_gives_a_reason_and_no_figures(
    export: str, write: Any, tmp_path: Path, out: Path
) -> None:
    facts = write(request(tmp_path, export, true_pose(drawn(heading_deg=90))), out, lambda _: None)
    found = json.loads((out / f"{export}.json").read_text())
    assert found["applies"] is False
    assert "towards the camera" in found["why_not"]
    assert not (found.get("figures") or found.get("cycles"))
    assert facts["notes"] == [f"exports: {export} has no figures, because {found['why_not']}"]
    assert pd.read_csv(out / f"{export}.csv").dropna(thresh=3).empty


def test_a_scale_gives_speed_and_steps_in_metres(tmp_path: Path, out: Path) -> None:
    walker = drawn(follow=0, speed=0.1)
    scaled = request(tmp_path, "events", modelled_pose(walker), scale=ScaleConf(height_m=1.75))
    facts = write_events(scaled, out, lambda _: None)
    found = json.loads((out / "events.json").read_text())
    speed = found["figures"]["speed_m_per_s"]
    assert speed["mean"] == pytest.approx(1.75 * subject_gait(walker).speed, rel=0.06)
    assert 0.04 * speed["mean"] < speed["uncertainty"] < 0.1 * speed["mean"]
    assert found["figures"]["background_speed_m_per_s"]["mean"] == pytest.approx(speed["mean"], rel=0.06)
    assert found["figures"]["left_step_length_m"]["mean"] == pytest.approx(1.75 * subject_gait(walker).step, rel=0.08)
    assert facts["notes"] == []


@pytest.mark.parametrize(("rate_hz", "way"), [(0.08, "comes nearer"), (-0.08, "goes away")])
def test_somebody_who_comes_nearer_has_no_lengths_but_times(
    rate_hz: float, way: str, tmp_path: Path, out: Path
) -> None:
    pose = modelled_pose(drawn(seconds=6))
    grown = np.exp(rate_hz * (pose.time_s - pose.time_s.mean()))
    pose = replace(pose, xy_px=pose.xy_px * grown[:, None, None])
    facts = write_events(request(tmp_path, "events", pose), out, lambda _: None)
    found = json.loads((out / "events.json").read_text())
    assert way in found["lengths_why_not"] and way in facts["notes"][0]
    assert "cadence_steps_per_min" in found["figures"]
    assert not [name for name in found["figures"] if "length" in name or "speed" in name]
    facts = write_angles(request(tmp_path / "angles", "angles", pose), out, lambda _: None)
    assert "none of the ankles" in facts["notes"][0]
    table = pd.read_csv(out / "angles.csv")
    assert table.left_ankle_deg.isna().all() and table.left_knee_deg.notna().any()
    assert {"left_hip", "left_knee"} <= set(json.loads((out / "angles.json").read_text())["cycles"])
    facts = write_mot(request(tmp_path / "mot", "mot", pose), out, lambda _: None)
    assert facts["rows"] == 0 and way in facts["notes"][0]


def test_a_camera_that_travels_along_is_told(tmp_path: Path, out: Path) -> None:
    facts = write_events(request(tmp_path, "events", modelled_pose(drawn())), out, lambda _: None)
    (note,) = facts["notes"]
    assert "px/s over the background" in note


def slow_motion(folder: Path, time: ClipTime) -> dict[str, Any]:
    """The figures of a walk that was filmed at 240 frames a second and is played at 30."""
    pose = modelled_pose(drawn(rate_hz=240, seconds=5, seed=4))
    played = replace(pose, time_s=8 * pose.time_s)
    asked = request(folder, "events", played, time=time)
    path = folder / "decode" / "clip.json"
    path.write_text(path.read_text().replace('"capture_rate_hz": ""', '"capture_rate_hz": "240000/1001"'))
    (folder / "out").mkdir()
    write_events(asked, folder / "out", lambda _: None)
    return dict(json.loads((folder / "out" / "events.json").read_text()))


def test_figures_of_slow_motion_are_in_real_seconds(tmp_path: Path) -> None:
    found = slow_motion(tmp_path / "real", ClipTime.real)
    gait = subject_gait(drawn(rate_hz=240, seconds=5, seed=4))
    assert found["slowed"] == pytest.approx(8)
    assert found["figures"]["cadence_steps_per_min"]["mean"] == pytest.approx(60 * gait.cadence_hz, rel=0.02)
    assert slow_motion(tmp_path / "played", ClipTime.played)["applies"] is False  # nobody steps so slowly


def test_equal_poses_give_equal_bytes(tmp_path: Path) -> None:
    pose = modelled_pose(drawn())
    for number in (1, 2):
        made = tmp_path / f"out{number}"
        made.mkdir()
        write_events(request(tmp_path / str(number), "events", pose), made, lambda _: None)
    for name in ("events.csv", "events.json"):
        assert (tmp_path / "out1" / name).read_bytes() == (tmp_path / "out2" / name).read_bytes()
