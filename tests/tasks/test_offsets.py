"""The offsets stage on written poses: its tables, its timeline, its errors."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from conf.enums import AnchorMethod, AnchorPoint
from conf.lock import AnchorConf, CropConf
from tasks.errors import AnchorNotSeen, Interrupted, NobodyFound, SettingError
from tasks.maths.body.landmarks import LANDMARK_NAMES, PoseTrack
from tasks.maths.tracking.steps import Step
from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.files.tables import points_of, read_table
from tasks.offsets import measure_offsets
from tasks.requests import OffsetsRequest
from tasks.untrusted.corrections_file import Corrections
from tests.support.artifacts import artifact, clip_artifact, pose_artifact
from tests.support.drawn.paths import pose_track, straight_walk, uneven_times, without

SIZE = (640, 360)
COUNT = 24
TIME_S = 0.4 + uneven_times(COUNT)
HALF = np.array([9.0, 2.0])
CENTRE = np.array([319.5, 179.5])


def walker(**seen: Any) -> PoseTrack:
    middle = straight_walk(TIME_S)
    return pose_track(TIME_S, middle - HALF, middle + HALF, **seen)


def request(folder: Path, track: PoseTrack, **changes: Any) -> OffsetsRequest:
    clip, pose = clip_artifact(folder / "clip", track, SIZE), pose_artifact(folder / "pose", track)
    plain: dict[str, Any] = {"settings": AnchorConf(fusion=False), "target": "center", "crop": CropConf()}
    return OffsetsRequest(clip=clip, subject=pose, **{**plain, **changes})


def run(folder: Path, asked: OffsetsRequest) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """Facts, the columns of the table, and the parsed timeline."""
    out = folder / "out"
    out.mkdir()
    facts = measure_offsets(asked, out, lambda _: None)
    return facts, read_table(out / "offsets.parquet"), json.loads((out / "pose.json").read_text())


def test_the_offset_is_target_minus_hips(tmp_path: Path) -> None:
    _, table, _ = run(tmp_path, request(tmp_path, walker()))
    anchor = points_of(table, "anchor")
    offset = points_of(table, "offset")
    assert_allclose(anchor, straight_walk(TIME_S), atol=1e-4)  # landmarks are stored as float32
    assert_allclose(offset, CENTRE - anchor)
    assert table["frame"].tolist() == list(range(COUNT))
    assert_allclose(table["time_s"], TIME_S)
    assert set(table["state"]) == {"measured"}
    assert set(table["source"]) == {"hips"}


@pytest.mark.parametrize(
    ("target", "crop", "point"),
    [
        ([100, 50], None, [100, 50]),
        ([0.25, 0.5], None, [159.5, 179.5]),
        ("center", [200, 100], [99.5, 49.5]),
        ([20, 90], [200, 100], [20, 90]),
    ],
)
def test_the_target_is_a_point_of_the_output(
    tmp_path: Path, target: Any, crop: list[int] | None, point: list[float]
) -> None:
    asked = request(tmp_path, walker(), target=target, crop=CropConf(size=crop))
    _, table, _ = run(tmp_path, asked)
    assert_allclose(table["offset_x_px"] + table["anchor_x_px"], point[0])
    assert_allclose(table["offset_y_px"] + table["anchor_y_px"], point[1])
    framing = json.loads((tmp_path / "out" / "framing.json").read_text())
    middle = [(new - old) / 2 for new, old in zip(crop or SIZE, SIZE, strict=True)]
    away = {"rule": "hold", "ease_s": 0.5, "rest_px": middle}
    size_px = crop or list(SIZE)
    assert framing == {"output_size_px": size_px, "target_px": point, "targets_px": [point], "away": away}


def test_gaps_are_interpolated_over_time_and_the_ends_are_held(tmp_path: Path) -> None:
    gone = np.array([0, 1, 8, 9, 10, 11, 23])
    facts, table, _ = run(tmp_path, request(tmp_path, without(walker(), gone)))
    inside = slice(2, 23)
    assert_allclose(table["anchor_x_px"][inside], straight_walk(TIME_S)[inside, 0], atol=1e-4)
    assert table["anchor_x_px"][0] == table["anchor_x_px"][2]
    states = ["held"] * 2 + ["measured"] * 6 + ["interpolated"] * 4 + ["measured"] * 11 + ["held"]
    assert table["state"].tolist() == states
    assert table["source"][8] == "none"
    assert np.isnan(table["confidence"][8])
    assert facts["detection"] == pytest.approx(17 / 24, abs=1e-6)
    assert facts["interpolated"] == pytest.approx(4 / 24, abs=1e-6)
    assert facts["held"] == pytest.approx(3 / 24, abs=1e-6)
    assert facts["longest_gap"] == pytest.approx(TIME_S[12] - TIME_S[8], abs=1e-6)
    assert facts["sources"] == {"hips": 17, "none": 7}


def test_without_interpolation_the_last_point_is_held(tmp_path: Path) -> None:
    asked = request(tmp_path, without(walker(), slice(8, 12)), settings=AnchorConf(fusion=False, interpolate=False))
    _, table, _ = run(tmp_path, asked)
    assert set(table["anchor_x_px"][7:12]) == {table["anchor_x_px"][7]}
    assert set(table["state"][8:12]) == {"held"}


def test_weighted_hips_give_another_anchor(tmp_path: Path) -> None:
    track = walker(left_seen=0.9, right_seen=0.6)
    asked = request(tmp_path, track, settings=AnchorConf(fusion=False, method=AnchorMethod.weighted))
    _, table, _ = run(tmp_path, asked)
    assert_allclose(table["anchor_x_px"], straight_walk(TIME_S)[:, 0] - 9 * 0.3 / 1.5, atol=1e-4)
    assert_allclose(table["confidence"], 0.75)


def test_the_timeline_lists_every_frame_with_its_true_time(tmp_path: Path) -> None:
    _, table, timeline = run(tmp_path, request(tmp_path, without(walker(), slice(8, 12))))
    assert timeline["video_info"] == {"fps": 29.97003, "total_frames": COUNT, "width": 640, "height": 360}
    hips, points = timeline["hip_centers"], timeline["all_keypoints"]
    assert [row["frame"] for row in hips] == [row["frame"] for row in points] == list(range(COUNT))
    assert_allclose([row["timestamp"] for row in hips], TIME_S, atol=1e-6)
    assert_allclose([row["x"] for row in hips], table["anchor_x_px"], atol=0.00501)
    assert [row["state"] for row in hips] == table["state"].tolist()
    assert [row["frame"] for row in hips if row["confidence"] is None] == [8, 9, 10, 11]
    assert set(hips[0]) == {"frame", "timestamp", "x", "y", "confidence", "state"}
    assert [row["frame"] for row in points if not row["keypoints"]] == [8, 9, 10, 11]
    first = points[0]["keypoints"]
    assert tuple(point["name"] for point in first) == LANDMARK_NAMES
    hip = first[LANDMARK_NAMES.index("left_hip")]
    assert hip["x"] == pytest.approx(straight_walk(TIME_S)[0, 0] - 9, abs=0.006)
    assert hip["visibility"] == 0.9
    assert set(hip) == {"name", "x", "y", "visibility"}


def test_every_frame_reports_progress_once_and_an_interruption_passes_through(tmp_path: Path) -> None:
    asked, done = request(tmp_path, walker()), list[int]()
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    measure_offsets(asked, first, done.append)
    assert done == list(range(1, COUNT + 1))

    def stop(frames: int) -> None:
        if frames == 5:
            raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        measure_offsets(asked, second, stop)


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    asked = request(tmp_path, without(walker(), slice(8, 12)))
    written = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        measure_offsets(asked, folder, lambda _: None)
        written.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert written[0] == written[1]
    assert set(written[0]) == {"offsets.parquet", "framing.json", "pose.json"}


def test_a_clip_without_a_person_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NobodyFound, match=r"^no person found in 24 frames; "):
        run(tmp_path, request(tmp_path, without(walker(), slice(None))))


def test_requested_hips_that_are_never_seen_are_an_error(tmp_path: Path) -> None:
    track = without(walker(left_seen=0.2, right_seen=0.1), slice(0, 4))
    asked = request(tmp_path, track, settings=AnchorConf(point=AnchorPoint.hips))
    with pytest.raises(AnchorNotSeen, match=r"in 20 of 24 frames, but nothing for anchor\.point=hips") as caught:
        run(tmp_path, asked)
    assert "anchor.point=auto" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "cure"),
    [
        (AnchorConf(), "add anchor.masks=true, or lower anchor.min_confidence"),
        (AnchorConf(point=AnchorPoint.head), "use anchor.point=auto, or lower anchor.min_confidence"),
        (AnchorConf(landmarks={"nose": 1.0}), "leave anchor.landmarks out, or lower anchor.min_confidence"),
    ],
)
def test_the_cure_for_an_unseen_anchor_changes_the_result(tmp_path: Path, settings: AnchorConf, cure: str) -> None:
    track = walker()
    unseen = replace(track, visibility=np.full_like(track.visibility, 0.1))
    with pytest.raises(AnchorNotSeen) as caught:
        run(tmp_path, request(tmp_path, unseen, settings=settings))
    assert str(caught.value).endswith(f"; {cure}")


def test_without_hips_the_shoulders_are_locked_and_reported(tmp_path: Path) -> None:
    facts, table, _ = run(tmp_path, request(tmp_path, walker(left_seen=0.2, right_seen=0.1)))
    assert set(table["source"]) == {"shoulders"}
    assert facts["notes"] == ["the hips are seen in 0 of 24 frames with a person: locked on the shoulders"]


def test_a_target_outside_the_crop_is_refused_before_work(tmp_path: Path) -> None:
    asked = request(tmp_path, walker(), target=[300, 50], crop=CropConf(size=[200, 100]))
    with pytest.raises(SettingError, match="outside the output of 200x100"):
        run(tmp_path, asked)
    assert not list((tmp_path / "out").iterdir())


def stepping(true_px: NDArray[np.float64]) -> list[Step]:
    """The steps of features that follow a path (n, 2) exactly."""
    moves = np.diff(true_px, axis=0).tolist()
    same = [{f"{stem}d{axis}_px": by[axis == "y"] for stem in ("", "waist_", "hip_") for axis in "xy"} for by in moves]
    return [Step(), *(Step(**step, features=40, inlier_share=1.0) for step in same)]


def test_steps_remove_the_tremble_of_the_pose(tmp_path: Path) -> None:
    track = walker()
    noise = np.random.default_rng(3).normal(0, 2, (track.frames, 1, 2))
    noisy = replace(track, xy_px=track.xy_px + noise)
    truth = track.xy_px[:, [23, 24]].mean(axis=1)
    clip = clip_artifact(tmp_path / "clip", noisy, SIZE)
    pose = pose_artifact(tmp_path / "pose", noisy, stepping(truth))
    tremble_px = {}
    for fusion, reason in ((False, "pose alone"), (True, "cross-over")):
        (tmp_path / reason).mkdir()
        asked = OffsetsRequest(clip, pose, AnchorConf(fusion=fusion), "center", CropConf())
        facts, table, _ = run(tmp_path / reason, asked)
        error = points_of(table, "anchor") - truth
        tremble_px[fusion] = float(np.diff(error, axis=0).std())
        assert reason in facts["fusion"]
    assert tremble_px[True] < 0.3 * tremble_px[False]


def test_a_person_who_left_is_absent_and_has_no_hip_centre(tmp_path: Path) -> None:
    track = without(walker(), slice(10, COUNT))
    _, table, timeline = run(tmp_path, request(tmp_path, track, settings=AnchorConf(fusion=False, longest_gap_s=0.1)))
    assert set(table["state"][10:]) == {"absent"}
    assert timeline["hip_centers"][-1]["x"] is None


def test_masks_stand_in_for_a_hidden_trunk(tmp_path: Path) -> None:
    track = walker()
    visibility = track.visibility.copy()
    visibility[10:14] = 0.1
    track = PoseTrack(track.time_s, track.xy_px, track.z, visibility, track.presence)
    folder = tmp_path / "masks"
    folder.mkdir()
    with mask_writer(folder / "masks.npz") as writer:
        for hip in straight_walk(TIME_S):
            edges_px = np.array([*(hip - 20), hip[0] + 20, hip[1] + 60], np.float32)
            writer.write(Mask(np.full((40, 20), 255, np.uint8), edges_px, MaskState.measured))
    settings = AnchorConf(fusion=False, masks=True)
    facts, table, _ = run(tmp_path, request(tmp_path, track, settings=settings, masks=artifact("masks", folder)))
    assert facts["sources"] == {"hips": COUNT - 4, "mask": 4}
    assert_allclose(table["anchor_y_px"], straight_walk(TIME_S)[:, 1], atol=1e-3)


@pytest.mark.parametrize("fusion", [True, False])
def test_the_anchor_passes_through_the_points_that_a_user_gives(fusion: bool, tmp_path: Path) -> None:
    track = walker()
    (tmp_path / "plain").mkdir()
    before = run(tmp_path / "plain", request(tmp_path / "plain", track, settings=AnchorConf(fusion=fusion)))[1]
    given = ((6, before["anchor_x_px"][6] + 8, before["anchor_y_px"][6] - 5.0), (20, 300.25, 170.5))
    asked = request(tmp_path, track, settings=AnchorConf(fusion=fusion), corrections=Corrections(points=given))
    after = run(tmp_path, asked)[1]
    for frame, x_px, y_px in given:
        assert_allclose([after["anchor_x_px"][frame], after["anchor_y_px"][frame]], [x_px, y_px], atol=1e-9)
        assert after["source"][frame] == "hand"
        assert after["state"][frame] == "measured"
    moved = after["anchor_x_px"] - before["anchor_x_px"]
    assert abs(moved[13]) < 1  # far from both
    assert (moved[[5, 7]] > 1).all() == fusion  # the fused path adapts about the point


def test_nobody_is_there_where_a_user_says_so_however_short_it_is(tmp_path: Path) -> None:
    _, table, timeline = run(tmp_path, request(tmp_path, walker(), corrections=Corrections(absences=((4, 5), (9, 9)))))
    assert np.flatnonzero(table["state"] == "absent").tolist() == [4, 5, 9]
    assert timeline["hip_centers"][4]["x"] is None
    assert timeline["hip_centers"][6]["x"] is not None


def test_a_correction_behind_the_last_frame_is_refused(tmp_path: Path) -> None:
    asked = request(tmp_path, walker(), corrections=Corrections(points=((COUNT, 1.0, 2.0),)))
    with pytest.raises(SettingError, match=r"corrections: frame 24 is behind the last frame; give 0 to 23"):
        run(tmp_path, asked)


def test_nobody_in_all_frames_is_no_result(tmp_path: Path) -> None:
    asked = request(tmp_path, walker(), corrections=Corrections(absences=((0, COUNT - 1),)))
    with pytest.raises(AnchorNotSeen, match="nobody is there in any frame"):
        run(tmp_path, asked)
