"""Gaps: filled over time, bridged like the body would move, and absences."""

from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from tasks.maths.anchor import gaps
from tasks.maths.anchor.gaps import AbsenceRule, bridge_gaps, mark_absent, settle_absent
from tasks.maths.anchor.states import ABSENT, HELD, INTERPOLATED, MEASURED
from tests.support.drawn.paths import straight_walk, uneven_times

NAN = np.nan
TIME_S = np.array([0.0, 0.1, 0.5, 0.6, 0.7, 2.0])
PATH = np.array([[NAN, NAN], [10, 0], [NAN, NAN], [NAN, NAN], [40, 60], [NAN, NAN]])
NO_GAIT = np.full(60, np.nan)
EVEN_TIME_S = np.arange(100) / 25
REST_PX = (0.0, 0.0)


def test_a_gap_is_interpolated_over_time_and_the_ends_are_held() -> None:
    filled, state = gaps.fill_gaps(TIME_S, PATH, interpolate=True)
    assert_allclose(filled, [[10, 0], [10, 0], [30, 40], [35, 50], [40, 60], [40, 60]])
    assert state.tolist() == ["held", "measured", "interpolated", "interpolated", "measured", "held"]


def test_without_interpolation_the_last_value_is_held() -> None:
    filled, state = gaps.fill_gaps(TIME_S, PATH, interpolate=False)
    assert_allclose(filled, [[10, 0], [10, 0], [10, 0], [10, 0], [40, 60], [40, 60]])
    assert state.tolist() == ["held", "measured", "held", "held", "measured", "held"]


def test_an_even_walk_in_uneven_frames_is_restored_inside_a_gap() -> None:
    time_s = uneven_times(80)
    path = straight_walk(time_s)
    path[np.random.default_rng(1).permutation(np.arange(1, 79))[:50]] = NAN
    filled, state = gaps.fill_gaps(time_s, path, interpolate=True)
    assert_allclose(filled, straight_walk(time_s), atol=1e-9)
    assert (state == INTERPOLATED).sum() == 50


def test_a_path_without_gaps_is_unchanged() -> None:
    path = straight_walk(uneven_times(9))
    filled, state = gaps.fill_gaps(uneven_times(9), path, interpolate=True)
    assert_array_equal(filled, path)
    assert set(state) == {MEASURED}


def test_a_point_with_one_missing_coordinate_is_missing() -> None:
    _, state = gaps.fill_gaps(np.arange(3.0), np.array([[1, 1], [2, NAN], [3, 3]]), interpolate=True)
    assert state[1] == INTERPOLATED


def test_the_input_is_not_modified() -> None:
    path = PATH.copy()
    gaps.fill_gaps(TIME_S, path, interpolate=True)
    assert_array_equal(path, PATH)


def test_a_path_without_measurements_is_refused() -> None:
    with pytest.raises(ValueError, match="no frame is measured"):
        gaps.fill_gaps(np.arange(3.0), np.full((3, 2), NAN), interpolate=True)


def test_a_gap_is_bridged_with_the_speeds_at_its_ends() -> None:
    time_s = np.arange(60) / 30
    arc = np.column_stack([90 * time_s, 200 * (time_s - 1) ** 2])
    guessed = (np.arange(60) > 20) & (np.arange(60) < 35)
    straight = np.where(guessed[:, None], 0.0, arc)
    made = bridge_gaps(time_s, straight, guessed, NO_GAIT, 1.0)
    np.testing.assert_allclose(made, arc, atol=4.0)  # a straight line is off by 12.5
    np.testing.assert_array_equal(bridge_gaps(time_s, straight, guessed, NO_GAIT, 0.4), straight)
    at_an_end = np.arange(60) < 20
    np.testing.assert_array_equal(bridge_gaps(time_s, straight, at_an_end, NO_GAIT, 1.0), straight)


@pytest.mark.parametrize("stride_hz", [0.8, 1.1])
@pytest.mark.parametrize("first", [140, 146, 152])
def test_a_person_who_walks_behind_a_post_keeps_walking_there(stride_hz: float, first: int) -> None:
    """Half a second, at any phase of the gait. A cubic with the speeds at its ends is off by 10 to 19 px."""
    time_s = np.arange(300) / 30
    turn = 2 * np.pi * stride_hz * time_s
    walk = np.stack([60 * time_s + 3 * np.sin(turn), 200 + 2 * time_s + 8 * np.cos(2 * turn)], axis=1)
    guessed = np.zeros(300, dtype=bool)
    guessed[first : first + 15] = True
    broken = np.where(guessed[:, None], 0.0, walk)
    made = bridge_gaps(time_s, broken, guessed, np.full(300, stride_hz), 1.0)
    np.testing.assert_allclose(made, walk, atol=0.5)
    by_speeds = bridge_gaps(time_s, broken, guessed, np.full(300, np.nan), 1.0)
    assert np.abs(by_speeds - walk).max() > 8


def test_a_bridge_meets_the_known_path_at_both_ends() -> None:
    """A camera was pushed while nobody was seen: the path after the gap is displaced."""
    time_s = np.arange(200) / 25
    walk = np.stack([50 * time_s, 100 + 6 * np.cos(2 * np.pi * 2 * time_s)], axis=1)
    walk[110:] += [12.0, -9.0]
    guessed = np.zeros(200, dtype=bool)
    guessed[100:110] = True
    made = bridge_gaps(time_s, np.where(guessed[:, None], np.nan, walk), guessed, np.full(200, 1.0), 1.0)
    steps = np.abs(np.diff(made, axis=0))
    assert (steps[99:110].max(axis=0) < steps[:99].max(axis=0) + 2.5).all()
    np.testing.assert_array_equal(made[~guessed], walk[~guessed])


def states(first: int, last: int, name: str) -> NDArray[Any]:
    state = np.full(100, MEASURED, dtype="<U12")
    state[first : last + 1] = name
    return state


def settled(rule: str, first: int = 30, last: int = 69) -> NDArray[Any]:
    offset_px = np.stack([np.where(np.arange(100) < 50, 80.0, -40.0), np.full(100, 10.0)], axis=1)
    state = states(first, last, ABSENT)
    return settle_absent(EVEN_TIME_S, offset_px, state, AbsenceRule(rule, 0.4, REST_PX), REST_PX)


@pytest.mark.parametrize(("frames", "absent"), [(23, False), (25, True)])
def test_only_a_gap_longer_than_the_limit_is_an_absence(frames: int, absent: bool) -> None:
    marked = mark_absent(EVEN_TIME_S, states(30, 30 + frames - 1, INTERPOLATED), longest_gap_s=1.0)
    assert (marked[30] == ABSENT) is absent


def test_measured_and_bridged_frames_are_never_absent() -> None:
    marked = mark_absent(EVEN_TIME_S, states(10, 90, "bridged"), longest_gap_s=0.1)
    assert ABSENT not in marked


def test_an_absence_reversed_in_time_is_the_same_absence() -> None:
    state = states(0, 40, HELD)
    forward = mark_absent(EVEN_TIME_S, state, 1.0)
    backward = mark_absent(EVEN_TIME_S, state[::-1], 1.0)[::-1]
    assert (forward == backward).all()


@pytest.mark.parametrize("rule", ["hold", "ease", "cut"])
def test_frames_with_the_person_are_unchanged(rule: str) -> None:
    path = settled(rule)
    assert (path[:30] == [80, 10]).all()
    assert (path[70:] == [-40, 10]).all()


def test_hold_stays_and_moves_to_the_return_without_a_jump() -> None:
    path = settled("hold")
    assert (path[30:58] == [80, 10]).all()
    assert np.abs(np.diff(path[:, 0])).max() < 120 * 1.6 / 10  # the highest speed of the cubic over 0.4 s


def test_ease_comes_to_rest_at_the_original_picture_and_back() -> None:
    path = settled("ease")
    assert path[50] == pytest.approx([0, 0])
    assert np.abs(np.diff(path[:, 0])).max() < 80 * 1.6 / 10


def test_ease_from_the_start_begins_at_the_original_picture() -> None:
    path = settled("ease", first=0, last=40)
    assert path[0] == pytest.approx([0, 0])
    assert path[41] == pytest.approx([80, 10])


def test_cut_shows_the_original_picture_at_once() -> None:
    assert (settled("cut")[30:70] == 0).all()


def test_a_reversed_transition_is_the_transition_back() -> None:
    offset_px = np.full((100, 2), 50.0)
    state = states(30, 69, ABSENT)
    path = settle_absent(EVEN_TIME_S, offset_px, state, AbsenceRule("ease", 0.4, REST_PX), REST_PX)
    assert path == pytest.approx(path[::-1])
