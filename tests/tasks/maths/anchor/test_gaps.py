"""Gaps are bridged in time, not in frames, and every frame says what was done."""

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tasks.maths.anchor import gaps
from tasks.maths.anchor.states import INTERPOLATED, MEASURED
from tests.support.paths import straight_walk, uneven_times

NAN = np.nan
TIME_S = np.array([0.0, 0.1, 0.5, 0.6, 0.7, 2.0])
PATH = np.array([[NAN, NAN], [10, 0], [NAN, NAN], [NAN, NAN], [40, 60], [NAN, NAN]])


def test_a_gap_is_a_straight_line_in_time_and_the_ends_are_carried() -> None:
    filled, state = gaps.fill(TIME_S, PATH, interpolate=True)
    assert_allclose(filled, [[10, 0], [10, 0], [30, 40], [35, 50], [40, 60], [40, 60]])
    assert state.tolist() == ["held", "measured", "interpolated", "interpolated", "measured", "held"]


def test_without_interpolation_the_last_one_is_held() -> None:
    filled, state = gaps.fill(TIME_S, PATH, interpolate=False)
    assert_allclose(filled, [[10, 0], [10, 0], [10, 0], [10, 0], [40, 60], [40, 60]])
    assert state.tolist() == ["held", "measured", "held", "held", "measured", "held"]


def test_an_even_walk_in_uneven_frames_is_restored_inside() -> None:
    time_s = uneven_times(80)
    path = straight_walk(time_s)
    path[np.random.default_rng(1).permutation(np.arange(1, 79))[:50]] = NAN
    filled, state = gaps.fill(time_s, path, interpolate=True)
    assert_allclose(filled, straight_walk(time_s), atol=1e-9)
    assert (state == INTERPOLATED).sum() == 50


def test_a_path_without_gaps_is_left_as_it_is() -> None:
    path = straight_walk(uneven_times(9))
    filled, state = gaps.fill(uneven_times(9), path, interpolate=True)
    assert_array_equal(filled, path)
    assert set(state) == {MEASURED}


def test_half_a_point_is_no_point() -> None:
    _, state = gaps.fill(np.arange(3.0), np.array([[1, 1], [2, NAN], [3, 3]]), interpolate=True)
    assert state[1] == INTERPOLATED


def test_the_input_is_left_alone() -> None:
    path = PATH.copy()
    gaps.fill(TIME_S, path, interpolate=True)
    assert_array_equal(path, PATH)


def test_nothing_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="no frame is measured"):
        gaps.fill(np.arange(3.0), np.full((3, 2), NAN), interpolate=True)
