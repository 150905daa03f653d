from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.anchor.away import Away, mark_absent, rest
from tasks.maths.anchor.states import ABSENT, HELD, INTERPOLATED, MEASURED

TIME_S = np.arange(100) / 25
REST_PX = (0.0, 0.0)


def states(first: int, last: int, name: str) -> NDArray[Any]:
    state = np.full(100, MEASURED, dtype="<U12")
    state[first : last + 1] = name
    return state


def settled(rule: str, first: int = 30, last: int = 69) -> NDArray[Any]:
    offset_px = np.stack([np.where(np.arange(100) < 50, 80.0, -40.0), np.full(100, 10.0)], axis=1)
    state = states(first, last, ABSENT)
    return rest(TIME_S, offset_px, state, Away(rule, 0.4, REST_PX), REST_PX)


@pytest.mark.parametrize(("frames", "absent"), [(23, False), (25, True)])
def test_only_a_gap_longer_than_the_limit_is_an_absence(frames: int, absent: bool) -> None:
    marked = mark_absent(TIME_S, states(30, 30 + frames - 1, INTERPOLATED), longest_gap_s=1.0)
    assert (marked[30] == ABSENT) is absent


def test_measured_and_bridged_frames_are_never_absent() -> None:
    marked = mark_absent(TIME_S, states(10, 90, "bridged"), longest_gap_s=0.1)
    assert ABSENT not in marked


def test_an_absence_reversed_in_time_is_the_same_absence() -> None:
    state = states(0, 40, HELD)
    forward = mark_absent(TIME_S, state, 1.0)
    backward = mark_absent(TIME_S, state[::-1], 1.0)[::-1]
    assert (forward == backward).all()


@pytest.mark.parametrize("rule", ["hold", "ease", "cut"])
def test_frames_in_which_the_person_is_there_are_left_alone(rule: str) -> None:
    path = settled(rule)
    assert (path[:30] == [80, 10]).all()
    assert (path[70:] == [-40, 10]).all()


def test_hold_stays_and_glides_to_the_return_without_a_jump() -> None:
    path = settled("hold")
    assert (path[30:58] == [80, 10]).all()
    assert np.abs(np.diff(path[:, 0])).max() < 120 * 1.6 / 10  # the cubic's top speed over 0.4 s


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


def test_a_glide_reversed_in_time_is_the_glide_back() -> None:
    offset_px = np.full((100, 2), 50.0)
    state = states(30, 69, ABSENT)
    path = rest(TIME_S, offset_px, state, Away("ease", 0.4, REST_PX), REST_PX)
    assert path == pytest.approx(path[::-1])
