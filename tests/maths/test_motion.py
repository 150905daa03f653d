"""2x3 matrices against 3x3 ones."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tasks.maths import motion

MATRICES = np.random.default_rng(1).normal(size=(2, 5, 2, 3))
POINTS = np.random.default_rng(2).normal(size=(5, 2))
LAST_ROW = np.tile([[[0.0, 0.0, 1.0]]], (5, 1, 1))


def test_translation_moves_every_point_by_its_own_shift() -> None:
    shifts = np.array([[3.0, -4.0], [0.25, 0.0]])
    moved = motion.apply(motion.translation(shifts), np.array([[1.0, 1.0], [2.0, 2.0]]))
    assert_array_equal(moved, np.array([[4, -3], [2.25, 2]]))


def test_compose_does_the_first_one_first() -> None:
    second, first = (np.concatenate([m, LAST_ROW], axis=1) for m in MATRICES)
    assert_allclose(motion.compose(MATRICES[0], MATRICES[1]), (second @ first)[:, :2])


def test_invert_is_the_inverse_of_the_whole_matrix() -> None:
    whole = np.concatenate([MATRICES[0], LAST_ROW], axis=1)
    assert_allclose(motion.invert(MATRICES[0]), np.linalg.inv(whole)[:, :2], atol=1e-12)


def test_apply_keeps_nan_where_it_is() -> None:
    points = POINTS.copy()
    points[3] = np.nan
    moved = motion.apply(MATRICES[0], points)
    assert np.flatnonzero(np.isnan(moved).any(axis=1)).tolist() == [3]


def test_a_singular_matrix_is_refused() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        motion.invert(np.zeros((1, 2, 3)))
