import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.maths.scene.camera_path import background_speed, chain, ground_speed, travel_px

SIZE_PX = (100, 50)


def pan(frames: int, step_px: float) -> NDArray[np.float64]:
    """Steps of a camera that pans to the right: the background moves to the left."""
    return affine.translation(np.tile([-step_px, 0.0], (frames, 1)))


def test_a_pan_adds_up_to_where_each_frame_lies_in_the_scene() -> None:
    path = chain(pan(5, 3.0), np.ones(5))
    np.testing.assert_allclose(travel_px(path, SIZE_PX)[:, 0], [0, 3, 6, 9, 12])


def test_a_background_point_is_found_in_another_frame() -> None:
    path = chain(pan(5, 3.0), np.ones(5))
    between = path.between(1, 4)
    assert between is not None
    np.testing.assert_allclose(affine.apply(between, np.array([20.0, 7.0])), [11.0, 7.0])


def test_frames_of_two_groups_are_never_aligned() -> None:
    path = chain(pan(6, 3.0), np.array([1, 1, 1, 0, 1, 1.0]))
    assert path.group.tolist() == [0, 0, 0, 1, 1, 1]
    assert path.between(2, 3) is None
    assert path.between(3, 5) is not None


def test_a_frame_alone_in_its_group_is_not_aligned() -> None:
    path = chain(pan(4, 3.0), np.array([1, 1, 0, 0.0]))
    assert path.aligned_share == 0.5


def test_a_still_picture_of_a_panning_camera_has_the_background_move() -> None:
    path = chain(pan(11, 3.0), np.ones(11))
    still = affine.translation(np.zeros((11, 2)))
    assert background_speed(path, still, np.arange(11) / 10, SIZE_PX) == pytest.approx(30.0)


def test_a_lock_that_undoes_the_pan_has_a_still_background() -> None:
    path = chain(pan(11, 3.0), np.ones(11))
    undone = affine.translation(np.stack([3.0 * np.arange(11), np.zeros(11)], axis=1))
    assert background_speed(path, undone, np.arange(11) / 10, SIZE_PX) == pytest.approx(0.0, abs=1e-9)


def test_a_walker_whom_the_camera_follows_moves_over_the_ground() -> None:
    path = chain(pan(11, 3.0), np.ones(11))
    anchor_px = np.full((11, 2), 25.0)
    anchor_px[4] = np.nan
    assert ground_speed(path, anchor_px, np.arange(11) / 10) == pytest.approx(30.0)
