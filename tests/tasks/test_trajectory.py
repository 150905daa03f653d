"""The trajectory stage on written offsets: the applied shifts, the matrices, the metrics."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from conf.enums import Smoother
from conf.lock import CropConf, LockConf, SmoothingConf
from tasks.maths.anchor import gaps
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HIPS, PoseTrack
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import affine, framing, smoothers
from tasks.media.files.tables import read_table, write_json, write_table
from tasks.requests import TrajectoryRequest
from tasks.trajectory import plan_trajectory
from tests.support.artifacts import PTS_PER_S, artifact, clip_artifact, pose_artifact, write_still_camera
from tests.support.drawn.paths import even_times, pose_track, shaky_walk, without

SIZE = (640, 480)
COUNT = 60
HALF = np.array([9.0, 2.0])
AWAY = {"rule": "hold", "ease_s": 0.4, "rest_px": [0.0, 0.0]}


def walker(hips: Floats | None = None) -> PoseTrack:
    middle = shaky_walk(COUNT) if hips is None else hips
    return pose_track(even_times(COUNT), middle - HALF, middle + HALF)


def request(
    folder: Path,
    track: PoseTrack,
    smooth: SmoothingConf,
    *,
    target: Any = "center",
    crop: list[int] | None = None,
    lock: LockConf | None = None,
) -> TrajectoryRequest:
    clip, pose = clip_artifact(folder / "clip", track, SIZE), pose_artifact(folder / "pose", track)
    measured = folder / "offsets"
    measured.mkdir()
    size_px = framing.output_size(SIZE, crop)
    target_xy = framing.resolve_target(target, size_px)
    anchor, state = gaps.fill_gaps(track.time_s, track.xy_px[:, HIPS].mean(axis=1), interpolate=True)
    columns: dict[str, Any] = {"frame": np.arange(track.frames), "time_s": track.time_s, "state": state}
    columns |= {
        "shot": np.zeros(track.frames, np.int64),
        "source": np.full(track.frames, "hips"),
        "confidence": np.ones(track.frames),
    }
    for axis, name in enumerate("xy"):
        columns |= {f"anchor_{name}_px": anchor[:, axis], f"offset_{name}_px": target_xy[axis] - anchor[:, axis]}
    write_table(measured / "offsets.parquet", columns)
    write_json(measured / "framing.json", {"output_size_px": size_px, "targets_px": [target_xy], "away": AWAY})
    return TrajectoryRequest(clip, pose, artifact("offsets", measured), smooth, CropConf(size=crop), lock or LockConf())


def run(folder: Path, asked: TrajectoryRequest) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Facts, the columns of the table, and the metrics."""
    out = folder / "out"
    out.mkdir()
    facts = plan_trajectory(asked, out, lambda _: None)
    return facts, read_table(out / "trajectory.parquet"), json.loads((out / "metrics.json").read_text())


def points(table: dict[str, Any], name: str) -> Floats:
    return np.stack([table[name.format("x")], table[name.format("y")]], axis=1)


def matrices(table: dict[str, Any], name: str) -> Floats:
    columns = [table[f"{name}_{row}{column}"] for row in range(2) for column in range(3)]
    return np.asarray(np.stack(columns, axis=1).reshape(-1, 2, 3))


@pytest.mark.parametrize(
    ("kind", "smooth"),
    [
        (Smoother.moving, smoothers.moving_average),
        (Smoother.gaussian, smoothers.gaussian),
        (Smoother.none, smoothers.unsmoothed),
    ],
)
def test_a_frame_is_moved_by_its_smoothed_offset(tmp_path: Path, kind: Smoother, smooth: Any) -> None:
    _, table, _ = run(tmp_path, request(tmp_path, walker(), SmoothingConf(kind, 9)))
    offset, shift = points(table, "offset_{}_px"), points(table, "d{}_px")
    assert_array_equal(shift, smooth(offset, window_frames=9))
    assert np.array_equal(shift, offset) == (kind is Smoother.none)
    assert_allclose(offset, [319.5, 239.5] - points(table, "anchor_{}_px"))


def test_repeated_frames_carry_no_motion_and_are_moved_like_what_they_repeat(tmp_path: Path) -> None:
    shown = np.cumsum(np.arange(COUNT) % 5 != 4) - 1  # 24 Hz in 30 Hz: every fifth frame shows the picture before
    (tmp_path / "plain").mkdir()
    (tmp_path / "stretched").mkdir()
    smooth = SmoothingConf(Smoother.moving, 9)
    _, plain, before = run(tmp_path / "plain", request(tmp_path / "plain", walker(), smooth))
    asked = request(tmp_path / "stretched", walker(shaky_walk(COUNT)[shown]), smooth)
    (tmp_path / "found").mkdir()
    write_table(tmp_path / "found" / "repeated.parquet", {"repeated": np.arange(COUNT) % 5 == 4})
    write_still_camera(tmp_path / "found" / "camera.parquet", even_times(COUNT), SIZE)
    asked = replace(asked, found=artifact("pose", tmp_path / "found"))
    _, stretched, metrics = run(tmp_path / "stretched", asked)
    inner = slice(20, -20)  # the stretched clip shows fewer pictures
    shift, whole = points(stretched, "d{}_px"), points(plain, "d{}_px")
    assert_allclose(shift[inner], whole[shown][inner], atol=1e-9)
    assert_array_equal(shift[4::5], shift[3::5][: len(shift[4::5])])
    assert metrics["planned"]["lock_rms"] < 1.1 * before["planned"]["lock_rms"]


def test_the_speed_over_the_background_is_in_pixels_of_the_output(tmp_path: Path) -> None:
    (tmp_path / "found").mkdir()
    write_table(tmp_path / "found" / "repeated.parquet", {"repeated": np.zeros(COUNT, np.bool_)})
    write_still_camera(tmp_path / "found" / "camera.parquet", even_times(COUNT), SIZE)
    found, speeds_px_s = artifact("pose", tmp_path / "found"), []
    for name, output in (("plain", [320, 240]), ("zoomed", [960, 720])):
        (tmp_path / name).mkdir()
        asked = request(tmp_path / name, walker(), SmoothingConf(Smoother.none))
        crop = CropConf(size=[320, 240], output=output)
        speeds_px_s.append(run(tmp_path / name, replace(asked, found=found, crop=crop))[2]["planned"]["ground_speed"])
    assert speeds_px_s[0] > 0 and speeds_px_s[1] == pytest.approx(3 * speeds_px_s[0])


def test_every_row_has_frame_pts_and_state(tmp_path: Path) -> None:
    _, table, _ = run(tmp_path, request(tmp_path, without(walker(), slice(20, 30)), SmoothingConf()))
    assert table["frame"].tolist() == list(range(COUNT))
    assert_array_equal(table["pts"], np.round(even_times(COUNT) * PTS_PER_S))
    assert_allclose(table["time_s"], even_times(COUNT))
    assert set(table["state"][20:30]) == {"interpolated"}
    known = ["frame", "pts", "time_s", "shot", "anchor_x_px", "anchor_y_px", "state", "offset_x_px", "offset_y_px"]
    assert list(table)[:11] == [*known, "dx_px", "dy_px"]


def test_the_anchor_is_that_of_the_offsets_however_the_path_is_smoothed(tmp_path: Path) -> None:
    """Mattes are aligned by the anchor that the path has, and their key covers that of the offsets."""
    asked = request(tmp_path, without(walker(), slice(20, 30)), SmoothingConf(Smoother.gaussian, 9), crop=[320, 240])
    _, table, _ = run(tmp_path, asked)
    offsets = read_table(asked.offsets.path("offsets.parquet"))
    assert_array_equal(points(table, "anchor_{}_px"), points(offsets, "anchor_{}_px"))


def test_the_matrices_are_the_shift_and_its_inverse(tmp_path: Path) -> None:
    _, table, _ = run(tmp_path, request(tmp_path, walker(), SmoothingConf()))
    to_output, to_source = matrices(table, "to_output"), matrices(table, "to_source")
    assert_array_equal(to_output, affine.translation(points(table, "d{}_px")))
    assert_allclose(affine.compose(to_source, to_output), np.tile(np.eye(3)[:2], (COUNT, 1, 1)), atol=1e-12)


def test_an_unsmoothed_lock_is_perfect_in_the_plan(tmp_path: Path) -> None:
    asked = request(tmp_path, walker(), SmoothingConf(Smoother.none), target=[100, 200])
    facts, table, report = run(tmp_path, asked)
    held = affine.apply(matrices(table, "to_output"), points(table, "anchor_{}_px"))
    assert_allclose(held, np.tile([100, 200], (COUNT, 1)), atol=1e-9)
    planned = report["planned"]
    for name in ("lock_rms", "lock_std_x", "lock_std_y", "lock_p95", "sway", "residual_accel"):
        assert planned[name] == pytest.approx(0, abs=1e-9), name
    assert planned["lock_gain_x"] == planned["lock_gain_y"] == pytest.approx(1)
    assert facts["lock_rms"] == 0


def test_a_crop_is_a_window_that_follows_the_subject(tmp_path: Path) -> None:
    """The subject stays at the window's centre. The window, well inside the picture, is fully covered."""
    asked = request(tmp_path, walker(), SmoothingConf(Smoother.none), crop=[200, 220])
    _, table, report = run(tmp_path, asked)
    held = affine.apply(matrices(table, "to_output"), points(table, "anchor_{}_px"))
    assert_allclose(held, np.tile([99.5, 109.5], (COUNT, 1)), atol=1e-9)
    assert report["planned"]["visible_area_min"] == 1
    framing = json.loads((tmp_path / "out" / "framing.json").read_text())
    assert (framing["output_size_px"], framing["target_px"]) == ([200, 220], [99.5, 109.5])


def test_the_metrics_describe_the_path(tmp_path: Path) -> None:
    track = without(walker(), slice(20, 30))
    facts, table, report = run(tmp_path, request(tmp_path, track, SmoothingConf(Smoother.moving, 9)))
    planned, before, target = report["planned"], report["before"], np.array([319.5, 239.5])
    anchor, shift = points(table, "anchor_{}_px"), points(table, "d{}_px")
    anchor[20:30] = np.nan
    seen = np.r_[0:20, 30:COUNT]
    away = np.hypot(*(anchor + shift - target)[seen].T)
    assert planned["lock_rms"] == pytest.approx(np.sqrt(np.mean(away**2)))
    assert planned["lock_rms_of_diagonal"] == pytest.approx(planned["lock_rms"] / 8, abs=1e-6)
    assert planned["lock_rms_of_height"] == pytest.approx(planned["lock_rms"] / 2, rel=1e-3)  # 200 px high
    assert before["lock_rms"] == pytest.approx(np.sqrt(np.mean(np.hypot(*(anchor - target)[seen].T) ** 2)))
    assert planned["lock_gain_x"] == pytest.approx(1 - planned["lock_std_x"] / before["lock_std_x"], abs=1e-5)
    assert planned["detection"] == planned["measured"] == pytest.approx(50 / 60, abs=1e-6)
    assert planned["interpolated"] == pytest.approx(10 / 60, abs=1e-6)
    assert planned["held"] == 0
    assert planned["longest_gap"] == pytest.approx(10 / 30, abs=1e-6)
    overlap = (1 - np.abs(shift) / SIZE).prod(axis=1)
    assert planned["visible_area_mean"] == pytest.approx(overlap.mean(), abs=1e-6)
    assert planned["visible_area_min"] == pytest.approx(overlap.min(), abs=1e-6)
    assert planned["camera_accel"] == pytest.approx(lock_metrics.rms_acceleration(shift), abs=1e-6)
    assert planned["anchor_switches"] == 0
    assert before["lock_rms"] > 10 * planned["lock_rms"]
    assert facts["lock_rms"] == planned["lock_rms"]


def test_what_the_sources_edge_cuts_off_is_not_the_outputs_fault(tmp_path: Path) -> None:
    hips = np.stack([np.linspace(600, 639, COUNT), np.full(COUNT, 240.0)], axis=1)  # the right hip is 9 px further
    _, _, report = run(tmp_path, request(tmp_path, walker(hips), SmoothingConf()))
    assert (hips[:, 0] + 9 > 639.5).any()
    assert report["planned"]["subject_cut"] == 0
    assert "subject_cut" not in report["before"]


def test_every_metric_has_a_unit(tmp_path: Path) -> None:
    _, _, report = run(tmp_path, request(tmp_path, walker(), SmoothingConf()))
    assert set(report) == {"planned", "before", "units"}
    assert set(report["planned"]) | {"ground_speed"} == set(report["units"])  # which needs the camera's motion
    assert set(report["before"]) < set(report["planned"])


def test_smoothing_trades_lock_for_a_calmer_camera(tmp_path: Path) -> None:
    planned = []
    for window in (1, 5, 15):
        folder = tmp_path / str(window)
        folder.mkdir()
        asked = request(folder, walker(), SmoothingConf(Smoother.moving, window))
        planned.append(run(folder, asked)[2]["planned"])
    assert planned[0]["lock_rms"] < planned[1]["lock_rms"] < planned[2]["lock_rms"]
    assert planned[0]["camera_accel"] > planned[1]["camera_accel"] > planned[2]["camera_accel"]


def test_a_subject_at_the_target_gives_the_identity(tmp_path: Path) -> None:
    still = walker(np.tile([319.5, 239.5], (COUNT, 1)))
    _, table, report = run(tmp_path, request(tmp_path, still, SmoothingConf()))
    assert_allclose(matrices(table, "to_output"), np.tile(np.eye(3)[:2], (COUNT, 1, 1)), atol=1e-12)
    assert report["planned"]["visible_area_min"] == 1
    assert report["planned"]["lock_gain_x"] is None


def test_how_much_the_natural_target_shows_is_what_a_run_with_it_shows(tmp_path: Path) -> None:
    hips = shaky_walk(COUNT) + np.array([0.0, 100.0])
    facts, _, _ = run(tmp_path, request(tmp_path, walker(hips), SmoothingConf()))
    assert facts["natural_area"] > facts["visible_area_mean"] + 0.1
    folder = tmp_path / "natural"
    folder.mkdir()
    natural_xy = (319.5, float(hips[:, 1].mean()))
    made, _, _ = run(folder, request(folder, walker(hips), SmoothingConf(), target=natural_xy))
    assert made["visible_area_mean"] == pytest.approx(facts["natural_area"], abs=1e-6)


def test_a_target_that_shows_hardly_more_is_not_named(tmp_path: Path) -> None:
    hips = shaky_walk(COUNT)
    hips[:, 1] += 250 - hips[:, 1].mean()  # the target is at 239.5
    facts, _, _ = run(tmp_path, request(tmp_path, walker(hips), SmoothingConf()))
    assert "natural_area" not in facts


def test_a_part_of_the_picture_names_no_other_target(tmp_path: Path) -> None:
    facts, _, _ = run(tmp_path, request(tmp_path, walker(), SmoothingConf(), crop=[320, 240]))
    assert "natural_area" not in facts


def test_a_clip_of_one_frame_works(tmp_path: Path) -> None:
    hips = np.array([[300.0, 200.0]])
    track = pose_track(np.array([0.0]), hips - HALF, hips + HALF)
    _, table, report = run(tmp_path, request(tmp_path, track, SmoothingConf()))
    assert table["dx_px"].tolist() == [pytest.approx(19.5)]
    assert report["planned"]["residual_accel"] is None


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    asked = request(tmp_path, walker(), SmoothingConf())
    written = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        plan_trajectory(asked, folder, lambda _: None)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"trajectory.parquet", "framing.json", "metrics.json"}


def test_another_smoothing_loads_no_scipy() -> None:
    """It would take a quarter of a second, of which no step of a usual run needs anything."""
    modules = "tasks.trajectory, tasks.render, tasks.rendering.videos, tasks.rendering.preview, tasks.rendering.charts"
    code = f"import sys, {modules}; sys.exit('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=False).returncode == 0
