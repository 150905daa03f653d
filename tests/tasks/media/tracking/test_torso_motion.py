"""Torso motion from pictures: known steps, arms, walls, scene cuts, blur, and a drawn walker."""

from fractions import Fraction

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.demo.walker import Walk, draw_walk, ground_truth
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import LANDMARK_COUNT, LANDMARK_NAMES
from tasks.maths.tracking.steps import Steps, steps_from_rows
from tasks.media.tracking.torso_motion import TorsoMotion

Luma = NDArray[np.uint8]
SIZE = 480, 360
SEEN = np.ones(LANDMARK_COUNT)
TORSO = {"shoulder": (0.0, -100.0), "hip": (0.0, 0.0), "elbow": (60.0, -50.0), "wrist": (80.0, -10.0)}


def texture(seed: int, shape: tuple[int, int] = (480, 640)) -> NDArray[np.float32]:
    noise = np.random.default_rng(seed).normal(size=shape).astype(np.float32)
    soft = cv2.GaussianBlur(noise, (0, 0), 2.0)
    return np.asarray(128 + 40 * soft / soft.std(), dtype=np.float32)


WALL, SHIRT = texture(1), texture(2)


def landmarks(hip_xy: tuple[float, float], wide: float = 40.0, arms: float = 1.0) -> Floats:
    """A person seen from the front with the centre of the hips at ``hip_xy``."""
    points = np.full((LANDMARK_COUNT, 2), hip_xy)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        for joint, (x, y) in TORSO.items():
            across = wide * sign if joint in ("shoulder", "hip") else arms * sign * x
            points[LANDMARK_NAMES.index(f"{side}_{joint}")] += [across, y]
    return points


def picture(hip_xy: tuple[float, float], *, lean_rad: float = 0.0, size: float = 1.0) -> Luma:
    """A patterned torso in front of a patterned wall at rest. The torso turns about the hips."""
    across, along = 46.0, 112.0
    turn = size * np.array([[np.cos(lean_rad), -np.sin(lean_rad)], [np.sin(lean_rad), np.cos(lean_rad)]])
    to_picture = np.column_stack([turn, np.array(hip_xy) - turn @ [300.0, 300.0]]).astype(np.float32)
    shirt = cv2.warpAffine(SHIRT, to_picture, SIZE, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    box = np.zeros(SHIRT.shape, np.float32)
    box[round(300 - along) : 316, round(300 - across) : round(300 + across)] = 1.0
    mask = cv2.warpAffine(box, to_picture, SIZE)
    mixed = mask * shirt + (1 - mask) * WALL[: SIZE[1], : SIZE[0]]
    return np.asarray(np.clip(mixed, 0, 255), dtype=np.uint8)


def one_step(first: Luma, second: Luma, points: Floats, points_after: Floats | None) -> Steps:
    motion = TorsoMotion()
    return steps_from_rows([motion.step(first, points, SEEN), motion.step(second, points_after, SEEN)])


@pytest.mark.parametrize("by", [(0.0, 0.0), (0.3125, -0.59375), (5.25, 2.5), (-14.5, 6.0)])
def test_a_step_is_measured_to_a_twentieth_of_a_pixel(by: tuple[float, float]) -> None:
    start, end = (240.0, 220.0), (240.0 + by[0], 220.0 + by[1])
    steps = one_step(picture(start), picture(end), landmarks(start), landmarks((end[0] + 1.5, end[1] - 1.5)))
    assert np.isnan(steps.xy()[0]).all()
    for stem in ("", "waist_", "hip_"):
        np.testing.assert_allclose(steps.xy(stem)[1], by, atol=0.05)
    assert steps["features"][1] > 20


@pytest.mark.parametrize("aspect", [2.0, 0.5])
def test_a_step_is_the_same_with_other_pixels(aspect: float) -> None:
    """The pictures stored with pixels that are ``aspect`` times as wide as high: its own shape is tracked."""
    by, points = np.array([5.25, 2.5]), landmarks((240.0, 220.0))
    wide = np.array([aspect, 1.0])
    size_px = round(SIZE[0] / aspect), SIZE[1]
    first, second = (
        np.asarray(cv2.resize(picture(place), size_px, interpolation=cv2.INTER_AREA), np.uint8)
        for place in ((240.0, 220.0), (240.0 + by[0], 220.0 + by[1]))
    )
    motion, stored = TorsoMotion(aspect), (points + 0.5) / wide - 0.5
    steps = steps_from_rows([motion.step(first, stored, SEEN), motion.step(second, stored + by / wide, SEEN)])
    for stem in ("", "waist_", "hip_"):
        np.testing.assert_allclose(steps.xy(stem)[1] * wide, by, atol=0.1)
    assert steps["features"][1] == pytest.approx(
        one_step(picture((240.0, 220.0)), picture((240.0 + by[0], 220.0 + by[1])), points, points + by)["features"][1],
        rel=0.4,
    )


def test_lean_and_growth_are_not_measured_as_a_step() -> None:
    start = (240.0, 220.0)
    second = picture(start, lean_rad=0.03, size=1.02)
    steps = one_step(picture(start), second, landmarks(start), landmarks(start))
    np.testing.assert_allclose(steps.xy("hip_")[1], 0, atol=0.12)
    assert steps["rotation_rad"][1] == pytest.approx(0.03, abs=0.003)
    assert steps["growth"][1] == pytest.approx(0.02, abs=0.003)
    assert np.hypot(*steps.xy()[1]) > 0.8


def test_a_large_picture_gives_the_same_step_at_its_scale() -> None:
    pictures = [
        cv2.resize(picture((240.0 + x, 220.0)), None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC) for x in (0, 4)
    ]
    points = [3 * (landmarks((240.0 + x, 220.0)) + 0.5) - 0.5 for x in (0, 4)]
    steps = one_step(np.asarray(pictures[0], np.uint8), np.asarray(pictures[1], np.uint8), points[0], points[1])
    np.testing.assert_allclose(steps.xy()[1], [12, 0], atol=0.15)


def test_a_small_picture_gives_the_same_step_at_its_scale() -> None:
    """A torso of 40 px. Without enlargement a feature's window would be nearly half as long."""
    scale = 0.4
    pictures = [
        cv2.resize(picture((240.0 + x, 220.0)), None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) for x in (0, 4)
    ]
    points = [scale * (landmarks((240.0 + x, 220.0)) + 0.5) - 0.5 for x in (0, 4)]
    steps = one_step(np.asarray(pictures[0], np.uint8), np.asarray(pictures[1], np.uint8), points[0], points[1])
    np.testing.assert_allclose(steps.xy("hip_")[1], [1.6, 0], atol=0.03)
    assert steps["features"][1] > 50


def test_an_arm_that_swings_in_front_does_not_change_the_step() -> None:
    start, end = (240.0, 220.0), (243.0, 219.0)
    first, second = picture(start), picture(end)
    arm = texture(9)[:90, :26]
    first[125:215, 225:251], second[125:215, 213:239] = arm, arm
    points, after = landmarks(start, arms=0.0), landmarks(end, arms=0.0)
    for name, x in (("left_elbow", -2.0), ("left_wrist", -2.0)):
        points[LANDMARK_NAMES.index(name), 0] += x
        after[LANDMARK_NAMES.index(name), 0] += x - 15
    steps = one_step(first, second, points, after)
    np.testing.assert_allclose(steps.xy()[1], [3, -1], atol=0.1)


def test_motion_blur_adds_little_error() -> None:
    start, end = (240.0, 220.0), (252.0, 220.0)
    blur = np.full((1, 9), 1 / 9, np.float32)
    pictures = [np.asarray(cv2.filter2D(picture(at), -1, blur), np.uint8) for at in (start, end)]
    steps = one_step(pictures[0], pictures[1], landmarks(start), landmarks((end[0] + 2, end[1])))
    np.testing.assert_allclose(steps.xy()[1], [12, 0], atol=0.15)


def test_a_scene_cut_gives_no_step_or_a_low_agreement() -> None:
    start = (240.0, 220.0)
    other = np.asarray(texture(33)[: SIZE[1], : SIZE[0]].clip(0, 255), np.uint8)
    steps = one_step(picture(start), other, landmarks(start), landmarks((150.0, 250.0)))
    assert np.isnan(steps["dx_px"][1]) or steps["misfit_px"][1] > 2.0 or steps["features"][1] < 10


def test_without_a_pose_the_torso_moves_by_its_own_steps() -> None:
    motion = TorsoMotion()
    rows = [motion.step(picture((200.0, 220.0)), landmarks((200.0, 220.0)), SEEN)]
    rows += [motion.step(picture((200.0 + 4 * k, 220.0 - k)), None, None) for k in range(1, 12)]
    steps = steps_from_rows(rows)
    np.testing.assert_allclose(steps.xy()[1:], np.tile([4.0, -1.0], (11, 1)), atol=0.06)
    np.testing.assert_array_equal(steps.columns["carried_frames"], [0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])


def test_no_person_or_one_outside_the_picture_gives_no_step() -> None:
    motion = TorsoMotion()
    nobody, outside = np.full((LANDMARK_COUNT, 2), np.nan), landmarks((-300.0, 220.0))
    blank = picture((240.0, 220.0))
    steps = steps_from_rows([motion.step(blank, points, SEEN) for points in (nobody, nobody, outside, outside)])
    assert np.isnan(steps.xy()).all()
    assert (steps["features"] == 0).all()


def mirrored(whole: Luma, edge: int) -> Luma:
    """A picture with a mirrored border right of column ``edge``."""
    shown = whole[:, :edge]
    return np.asarray(cv2.copyMakeBorder(shown, 0, 0, 0, SIZE[0] - edge, cv2.BORDER_REFLECT_101), np.uint8)


def test_a_mirrored_torso_in_the_border_is_not_measured() -> None:
    start = (240.0, 220.0)
    whole, points = picture(start), landmarks(start, arms=0.0)
    corners = [np.array([[0.0, 0], [edge, 0], [edge, SIZE[1]], [0, SIZE[1]]]) for edge in (226, 224)]
    seen = TorsoMotion()
    first, second = (mirrored(whole, edge) for edge in (226, 224))
    drawn = points - [4.0, 0]  # pulled along by the mirror image, which moves twice as far as the edge
    steps = steps_from_rows([seen.step(first, points, SEEN, corners[0]), seen.step(second, drawn, SEEN, corners[1])])
    np.testing.assert_allclose(steps.xy()[1], 0, atol=0.05)
    assert steps["features"][1] > 5
    assert one_step(first, second, points, drawn).xy()[1][0] < -1


def test_a_plain_shirt_gives_no_step() -> None:
    grey = np.full((SIZE[1], SIZE[0]), 90, np.uint8)
    start = (240.0, 220.0)
    assert np.isnan(one_step(grey, grey, landmarks(start), landmarks(start)).xy()).all()


def test_equal_pictures_give_equal_steps() -> None:
    pair = picture((240.0, 220.0)), picture((243.3, 221.0))
    points = landmarks((240.0, 220.0)), landmarks((243.0, 221.0))
    first, second = (one_step(*pair, *points) for _ in range(2))
    for name, column in first.columns.items():
        np.testing.assert_array_equal(column, second.columns[name])


def test_a_drawn_walker_is_followed_despite_swinging_arms_and_a_moving_scene() -> None:
    walker = Walk(seconds=1.2, fps=Fraction(30), seed=3)
    known = ground_truth(walker)
    motion = TorsoMotion()
    rows = []
    for rgb, _, joints in draw_walk(walker):
        points = np.where(np.isfinite(joints), joints, joints[LANDMARK_NAMES.index("left_hip")])
        rows.append(motion.step(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8), points, SEEN))
    left = np.hypot(*(steps_from_rows(rows).xy()[1:] - np.diff(known.hip_center_xy_px, axis=0)).T)
    assert np.isfinite(left).mean() > 0.95
    assert np.nanmedian(left) < 0.15
    assert np.nanmean(left < 0.6) > 0.95
