"""2x3 matrices compared with 3x3 matrices."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tasks.maths.path import affine

MATRICES = np.random.default_rng(1).normal(size=(2, 5, 2, 3))
POINTS = np.random.default_rng(2).normal(size=(5, 2))
LAST_ROW = np.tile([[[0.0, 0.0, 1.0]]], (5, 1, 1))


def test_translation_moves_every_point_by_its_own_shift() -> None:
    shifts = np.array([[3.0, -4.0], [0.25, 0.0]])
    moved = affine.apply(affine.translation(shifts), np.array([[1.0, 1.0], [2.0, 2.0]]))
    assert_array_equal(moved, np.array([[4, -3], [2.25, 2]]))


def test_compose_applies_the_first_map_first() -> None:
    second, first = (np.concatenate([m, LAST_ROW], axis=1) for m in MATRICES)
    assert_allclose(affine.compose(MATRICES[0], MATRICES[1]), (second @ first)[:, :2])


def test_invert_gives_the_inverse_of_the_full_matrix() -> None:
    whole = np.concatenate([MATRICES[0], LAST_ROW], axis=1)
    assert_allclose(affine.invert(MATRICES[0]), np.linalg.inv(whole)[:, :2], atol=1e-12)


def test_apply_keeps_nan() -> None:
    points = POINTS.copy()
    points[3] = np.nan
    moved = affine.apply(MATRICES[0], points)
    assert np.flatnonzero(np.isnan(moved).any(axis=1)).tolist() == [3]


def test_a_singular_matrix_is_refused() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        affine.invert(np.zeros((1, 2, 3)))


def test_length_scale_is_the_factor_of_lengths() -> None:
    turned = affine.scale_and_turn(np.array([1.0, 0.5, 2.0]), np.array([0.0, 1.0, -2.0]))
    assert_allclose(affine.length_scale(np.concatenate([turned, np.ones((3, 2, 1))], axis=2)), [1, 0.5, 2])


def test_a_positive_turn_is_clockwise_on_the_screen() -> None:
    quarter = affine.scale_and_turn(1.0, np.pi / 2)
    assert_allclose(quarter @ np.array([0.0, -1.0]), [1, 0], atol=1e-12)  # up becomes right; y points down


def test_a_turn_on_wide_pixels_is_a_turn_on_the_screen() -> None:
    shown = np.diag([2.0, 1.0])  # a pixel twice as wide as high
    stored = affine.scale_and_turn(1.5, 0.3, pixel_aspect=2.0)
    assert_allclose(shown @ stored @ np.linalg.inv(shown), affine.scale_and_turn(1.5, 0.3))


def test_a_point_shifted_to_the_target_stays_there() -> None:
    rng = np.random.default_rng(4)
    anchor, target = rng.uniform(0, 600, (20, 2)), np.array([310.0, 170.0])
    linear = affine.scale_and_turn(rng.uniform(0.5, 2, 20), rng.uniform(-1, 1, 20))
    matrix = affine.about_target(linear, target - anchor, target)
    assert_allclose(affine.apply(matrix, anchor), np.tile(target, (20, 1)), atol=1e-9)
    assert_array_equal(matrix[..., :2], linear)


def test_without_scale_and_turn_the_map_is_exactly_the_translation() -> None:
    shifts = np.random.default_rng(5).uniform(-300, 300, (50, 2))
    linear = affine.scale_and_turn(np.ones(50), np.zeros(50))
    assert_array_equal(affine.about_target(linear, shifts, np.array([319.5, 179.5])), affine.translation(shifts))
