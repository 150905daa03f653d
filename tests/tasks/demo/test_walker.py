"""The drawn walker: reproducible frames, true joints and masks, found by the real models."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.demo.shapes import Layer, capsule
from tasks.demo.walker import Walk, camera_shake, draw_walk, ground_truth, walk_camera
from tasks.errors import SettingError
from tasks.maths.body.landmarks import HIPS, LANDMARK_NAMES, LEFT_SHOULDER, RIGHT_SHOULDER, SHOULDERS
from tasks.models.pose import open_pose_estimator
from tasks.models.selfie import open_selfie_segmenter
from tasks.models.sources import model_files

SMALL = Walk(size_px=(320, 180), seconds=1.0)
SAMPLED = 60  # frames of the default walk shown to the models: every third


@pytest.fixture(scope="module")
def frames() -> list[Any]:
    walk = Walk()
    return list(draw_walk(replace(walk, fps=walk.fps * SAMPLED / walk.frames)))


def test_the_same_walk_gives_the_same_bytes() -> None:
    for first, second in zip(draw_walk(SMALL), draw_walk(replace(SMALL)), strict=True):
        for number in range(3):
            np.testing.assert_array_equal(first[number], second[number])


def test_frames_masks_and_joints_have_the_documented_shapes() -> None:
    walker = replace(SMALL, fps=Fraction(24000, 1001), seconds=2.0)
    drawn = list(draw_walk(walker))
    assert len(drawn) == walker.frames == 48
    for rgb, mask, joints in drawn:
        assert rgb.shape == (180, 320, 3)
        assert rgb.dtype == mask.dtype == np.uint8
        assert mask.shape == (180, 320)
        assert joints.shape == (33, 2)
    np.testing.assert_array_equal(np.stack([joints for *_, joints in drawn]), ground_truth(walker).joints_xy_px)


def test_another_seed_gives_another_clip() -> None:
    one, other = next(draw_walk(SMALL)), next(draw_walk(replace(SMALL, seed=2)))
    assert np.mean(one[0] != other[0]) > 0.3


def test_doubling_the_rate_keeps_the_path_in_seconds() -> None:
    known, doubled = ground_truth(Walk()), ground_truth(Walk(fps=Fraction(60)))
    np.testing.assert_allclose(doubled.joints_xy_px[::2], known.joints_xy_px, atol=1e-9)


def test_doubling_the_size_doubles_the_path() -> None:
    known, larger = ground_truth(Walk()), ground_truth(Walk(size_px=(1920, 1080)))
    np.testing.assert_allclose(larger.joints_xy_px + 0.5, 2 * (known.joints_xy_px + 0.5), atol=1e-6)


def test_the_walker_has_the_given_speed() -> None:
    walker = Walk(seconds=20, follow=0.0, shake_px=0.0)
    x = ground_truth(walker).hip_center_xy_px[:, 0]
    pace = np.polyfit(ground_truth(walker).time_s, x, 1)[0]
    assert pace == pytest.approx(walker.speed * 960, rel=0.005)


def test_a_walk_to_the_left_mirrors_one_to_the_right() -> None:
    right, left = (ground_truth(Walk(speed=speed, shake_px=0.0)).hip_center_xy_px for speed in (0.2, -0.2))
    np.testing.assert_allclose(right[:, 0] + left[:, 0], 959, atol=1.5)  # except for the sway
    np.testing.assert_allclose(right[:, 1], left[:, 1], atol=1)


def test_the_camera_keeps_a_long_walk_in_the_picture() -> None:
    x = ground_truth(Walk(seconds=60)).hip_center_xy_px[:, 0]
    assert 100 < x.min() < x.max() < 860


def test_shake_has_the_given_rms() -> None:
    walker = Walk(seconds=120, shake_px=3.0)
    moved = camera_shake(walk_camera(walker), ground_truth(walker).time_s)
    np.testing.assert_allclose(np.sqrt(np.mean(moved**2, axis=0)), 3.0, rtol=0.05)


def test_joints_lie_inside_the_mask(frames: list[Any]) -> None:
    for _, mask, joints in frames:
        for name, (x, y) in zip(LANDMARK_NAMES, joints, strict=True):
            if not np.isnan(x) and name not in {"left_ear", "right_ear"}:
                assert mask[round(y), round(x)] > 127, name


def test_the_mask_contains_only_the_person(frames: list[Any]) -> None:
    _, mask, joints = frames[30]
    rows, columns = np.nonzero(mask)
    height = np.ptp(rows)
    assert 0.85 * Walk().height_px < height < 1.02 * Walk().height_px
    assert abs(np.nanmean(joints[:, 0]) - columns.mean()) < 0.1 * height
    assert 0.10 < np.mean(mask > 127) / (np.ptp(columns) * height / mask.size) < 0.7


@pytest.mark.parametrize("step_px", [0.1, 0.25, 0.5, 0.9])
def test_shapes_are_exact_to_a_fraction_of_a_pixel(step_px: float) -> None:
    centers = []
    for shift in (0.0, step_px):
        layer = Layer(np.zeros((60, 60, 3), np.float32), np.zeros((60, 60), np.float32), (0, 0))
        capsule(layer, (20.3 + shift, 15.1), (34.7 + shift, 42.2), (9.0, 5.0), (200, 100, 50), bulge=1.0)
        columns = layer.alpha.sum(axis=0)
        centers.append(columns @ np.arange(60) / columns.sum())
    assert centers[1] - centers[0] == pytest.approx(step_px, abs=0.01)


def torso_step(before: Any, after: Any) -> NDArray[np.float64] | None:
    """Median motion of corners on the shirt between hips and chest, without the arms. None if too few are visible."""
    (old, mask, joints), (new, _, _) = before, after
    gray, later = (cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY) for rgb in (old, new))
    hips, neck = joints[list(HIPS)].mean(axis=0), joints[list(SHOULDERS)].mean(axis=0)
    torso = float(np.hypot(*(neck - hips)))
    region = np.zeros_like(gray)
    ends = [tuple(int(v) for v in np.rint(hips + share * (neck - hips))) for share in (0.15, 0.6)]
    cv2.line(region, ends[0], ends[1], 255, round(0.40 * torso))
    for side in ("left", "right"):
        arm = [joints[LANDMARK_NAMES.index(f"{side}_{name}")] for name in ("shoulder", "elbow", "wrist", "index")]
        cv2.polylines(region, [np.rint(arm).astype(np.int32)], False, 0, round(0.29 * torso))
    region[mask < 200] = 0
    found = cv2.goodFeaturesToTrack(gray, 80, 0.01, 3, mask=region)
    if found is None or len(found) < 8:
        return None
    tracked, fine, _ = cv2.calcOpticalFlowPyrLK(gray, later, found, np.empty(0, np.float32), winSize=(13, 13))
    back, _, _ = cv2.calcOpticalFlowPyrLK(later, gray, tracked, np.empty(0, np.float32), winSize=(13, 13))
    good = (fine[:, 0] == 1) & (np.abs(back - found).max(axis=(1, 2)) < 0.3)
    return np.asarray(np.median((tracked - found)[good, 0], axis=0), np.float64) if good.sum() >= 8 else None


def test_the_shirt_moves_with_the_hips() -> None:
    walker = Walk(seconds=3)
    hips = ground_truth(walker).hip_center_xy_px
    errors: list[NDArray[np.float64]] = []
    before: Any = None
    for number, after in enumerate(draw_walk(walker)):
        step = torso_step(before, after) if before else None
        if step is not None:
            errors.append(step - (hips[number] - hips[number - 1]))
        before = after
    assert len(errors) > 30
    assert np.sqrt(np.mean(np.square(errors), axis=0)).max() < 0.15


def test_mediapipe_finds_the_walker_in_every_frame(frames: list[Any]) -> None:
    known = ground_truth(Walk())
    errors = []
    with open_pose_estimator(model_files("full", None), device="cpu") as (estimate, _):
        for number, (rgb, _, _) in enumerate(frames):
            person = estimate(rgb, number / 10)
            assert person is not None, number
            assert person.landmarks[list(HIPS), 3].min() > 0.9, number
            errors.append(person.landmarks[list(HIPS), :2].mean(axis=0) - known.hip_center_xy_px[3 * number])
    assert np.std(errors, axis=0).max() < 3.2
    assert np.abs(np.mean(errors, axis=0)).max() < 10


def test_the_selfie_model_finds_the_true_mask(frames: list[Any]) -> None:
    overlaps = []
    with open_selfie_segmenter(model_files("general", None), device="cpu") as (segment, _):
        for rgb, mask, _ in frames[::6]:
            rows, columns = np.nonzero(mask)
            margin = round(0.15 * np.ptp(rows))
            part = (
                slice(max(rows.min() - margin, 0), rows.max() + margin),
                slice(max(columns.min() - margin, 0), columns.max() + margin),
            )
            crop, true = np.ascontiguousarray(rgb[part]), mask[part] > 127
            likely = segment(cv2.resize(crop, (256, 256), interpolation=cv2.INTER_AREA))
            assert likely is not None
            seen = cv2.resize(likely, true.shape[::-1]) > 0.5
            overlaps.append((seen & true).sum() / (seen | true).sum())
    assert np.mean(overlaps) > 0.85


def hidden_share(walker: Walk) -> Iterator[float]:
    """Hidden share of the mask in each frame, relative to the same walk with nothing in front."""
    plain = replace(walker, pole_s=0.0, crossing=False)
    for (_, hidden, _), (_, whole, _) in zip(draw_walk(walker), draw_walk(plain), strict=True):
        yield 1 - hidden.sum() / whole.sum()


def test_a_post_hides_the_hips_for_the_given_time() -> None:
    walker = Walk(size_px=(480, 270), seconds=2.0, pole_s=0.5)
    behind = [
        mask[round(y), round(x)] < 128
        for (_, mask, _), (x, y) in zip(draw_walk(walker), ground_truth(walker).hip_center_xy_px, strict=True)
    ]
    assert sum(behind) / 30 == pytest.approx(0.5, abs=0.1)


def test_a_second_person_hides_the_first_and_is_not_in_the_mask() -> None:
    shares = list(hidden_share(Walk(size_px=(480, 270), seconds=3.0, crossing=True)))
    assert shares[0] == 0
    assert shares[-1] == 0
    assert max(shares) > 0.4


def test_the_walker_leaves_and_comes_back() -> None:
    walker = Walk(size_px=(320, 180), seconds=9.0, away_s=2.0)
    seen = np.array([mask.any() for _, mask, _ in draw_walk(walker)])
    assert seen[0]
    assert seen[-1]
    gone = np.flatnonzero(~seen)
    assert np.all(np.diff(gone) == 1)
    assert len(gone) / 30 == pytest.approx(2.0, abs=1.0)


def test_hips_can_be_below_the_picture() -> None:
    walker = Walk(person=1.2, cut_above_hips=True)
    known = ground_truth(walker)
    assert known.hip_center_xy_px[:, 1].min() > 540
    assert known.joints_xy_px[:, [LEFT_SHOULDER, RIGHT_SHOULDER], 1].max() < 500


def test_approaching_makes_the_walker_larger() -> None:
    known = ground_truth(Walk(heading_deg=90, speed=0.1))
    assert known.height_px[-1] > 1.3 * known.height_px[0]
    assert np.ptp(ground_truth(Walk()).height_px) < 0.02 * Walk().height_px


@pytest.mark.parametrize(
    "wrong", [{"size_px": (321, 180)}, {"seconds": 0.0}, {"speed": 0.0}, {"fps": Fraction(0)}, {"person": 9.0}]
)
def test_an_invalid_walk_is_an_error(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match="drawn walker"):
        Walk(**wrong)
