"""The figures of the lock table, for motions whose figures are obvious."""

import numpy as np
import pytest

from tests.support.lock_figures import figures, within

TIME_S = np.arange(100) / 25
ALL = np.ones(100, dtype=bool)


def test_a_still_point_has_figures_of_zero_wherever_it_is() -> None:
    still = np.tile([7.0, -3.0], (100, 1))
    assert figures(still, TIME_S, ALL).row == ["0.00"] * 5


def test_each_figure_measures_what_its_name_says() -> None:
    place = np.zeros((100, 2))
    place[::2] = [1.0, 0.5]
    found = figures(place, TIME_S, ALL)
    assert (found.std_x, found.std_y) == pytest.approx((0.5, 0.25))
    assert (found.tremble, found.jump) == pytest.approx((np.hypot(1, 0.5), np.hypot(1, 0.5)))
    assert found.sway == pytest.approx(np.hypot(0.5, 0.25), abs=0.01)


def test_a_slow_drift_counts_as_deviation_but_not_as_sway() -> None:
    drift = (TIME_S**2)[:, None] * [1.0, 2.0]
    found = figures(drift, TIME_S, ALL)
    assert found.sway == pytest.approx(0, abs=1e-9)
    assert found.std_y == pytest.approx(2 * found.std_x) and found.std_x > 1


def test_frames_without_the_subject_are_not_counted() -> None:
    place = np.zeros((100, 2))
    place[40:60] = 500
    present = (np.arange(100) < 40) | (np.arange(100) >= 60)
    assert figures(place, TIME_S, present).row == ["0.00"] * 5


def test_a_point_below_the_picture_is_within_and_one_beside_it_is_not() -> None:
    assert within(np.array([[5.0, 900.0], [-1.0, 5.0], [100.0, 5.0]]), (100, 50)).tolist() == [True, False, False]
