import cv2
import numpy as np
import pytest

from tasks.maths.path import affine
from tasks.maths.scene.camera_path import CameraPath, chain, travel_px
from tasks.media.scene.camera_motion import CameraMotion
from tests.support.drawn.scenery import SIZE_PX, Scenery, panning, texture


def measured(scenery: Scenery) -> CameraPath:
    motion = CameraMotion(SIZE_PX)
    nobody = np.zeros(motion.small_px[::-1], np.uint8)
    steps = []
    for index in range(len(scenery.corners_px)):
        people = nobody
        if scenery.walker_x_px is not None:
            people = nobody.copy()
            x = int(scenery.walker_x_px[index])
            people[56:156, max(x - 6, 0) : max(x + 36, 0)] = 255
        steps.append(motion.step(scenery.frame(index).luma, people))
    return chain(np.array([step.matrix for step in steps]), np.array([step.confidence for step in steps]))


def test_a_pan_is_measured_to_a_tenth_of_a_pixel() -> None:
    scenery = panning(25, 3)
    travel = travel_px(measured(scenery), SIZE_PX)
    np.testing.assert_allclose(travel, scenery.corners_px - scenery.corners_px[0], atol=0.1)


def test_a_still_camera_does_not_move_at_all() -> None:
    scenery = panning(10, 0, walker_x_px=20.0 + 8 * np.arange(10))
    assert np.array_equal(measured(scenery).to_scene, affine.translation(np.zeros((10, 2))))


def test_who_walks_with_the_camera_does_not_carry_the_background_along() -> None:
    scenery = panning(20, 4, walker_x_px=np.full(20, 150.0))
    travel = travel_px(measured(scenery), SIZE_PX)
    np.testing.assert_allclose(travel[-1], [76, 0], atol=0.2)


@pytest.mark.parametrize("step_px", [0, 2])
def test_before_a_plain_wall_with_a_few_sockets_all_frames_are_aligned(step_px: int) -> None:
    frames, random = 30, np.random.default_rng(5)
    wide = 200 + (texture(480, 300).astype(np.float64) - 125) / 10  # a wall's grain is far weaker than its sockets
    for x, y in ((150, 120), (230, 130), (300, 190)):
        wide[y : y + 8, x : x + 8] = 60
    corners_px = np.array([[60 + step_px * index, 60] for index in range(frames)])
    motion = CameraMotion(SIZE_PX)
    steps = []
    for x, y in corners_px:
        luma = wide[y : y + SIZE_PX[1], x : x + SIZE_PX[0]] + random.normal(0, 0.5, SIZE_PX[::-1])
        steps.append(motion.step(np.rint(luma).astype(np.uint8), np.zeros(SIZE_PX[::-1], np.uint8)))
    path = chain(np.array([step.matrix for step in steps]), np.array([step.confidence for step in steps]))
    assert not path.group.any()
    np.testing.assert_allclose(travel_px(path, SIZE_PX), corners_px - corners_px[0], atol=0.3)


def test_a_cut_begins_a_new_group() -> None:
    first, second = panning(8, 3), panning(8, 3)
    other = Scenery(texture(second.wide.shape[1], second.wide.shape[0], seed=99), second.corners_px)
    motion = CameraMotion(SIZE_PX)
    nobody = np.zeros(motion.small_px[::-1], np.uint8)
    lumas = [scenery.frame(index).luma for scenery in (first, other) for index in range(8)]
    steps = [motion.step(luma, nobody) for luma in lumas]
    path = chain(np.array([step.matrix for step in steps]), np.array([step.confidence for step in steps]))
    assert path.group.tolist() == [0] * 8 + [1] * 8


def test_a_picture_without_corners_is_not_aligned() -> None:
    motion = CameraMotion(SIZE_PX)
    nobody = np.zeros(motion.small_px[::-1], np.uint8)
    flat = np.full(SIZE_PX[::-1], 90, np.uint8)
    assert [motion.step(flat, nobody).confidence for _ in range(3)] == [0, 0, 0]


def test_a_zoom_is_measured_as_a_similarity() -> None:
    wide = texture(640, 360)
    motion = CameraMotion(SIZE_PX)
    nobody = np.zeros(motion.small_px[::-1], np.uint8)
    factors = 1.01 ** np.arange(8)
    steps = []
    for factor in factors:
        matrix = affine.about_target(factor * np.eye(2), np.array([-160.0, -90.0]), np.array([159.5, 89.5]))

        steps.append(motion.step(cv2.warpAffine(wide, matrix, SIZE_PX), nobody))
    path = chain(np.array([step.matrix for step in steps]), np.array([step.confidence for step in steps]))
    assert abs(1 / affine.length_scale(path.to_scene[-1]) - factors[-1]) < 0.002
