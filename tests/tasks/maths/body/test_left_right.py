"""Exchanged sides are found and put back, and turning round is left alone."""

import numpy as np
from numpy.testing import assert_array_equal

from tasks.maths.body.landmarks import HIPS, LEFT_ANKLE, NAMES, RIGHT_ANKLE, SHOULDERS
from tasks.maths.body.left_right import MIRRORED, exchanges, unswapped
from tests.support.bodies import walk

TRACK = walk(0, 89, start_x=200)


def exchanged(first: int, last: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    wrong = np.zeros(len(TRACK), np.bool_)
    wrong[first : last + 1] = True
    return unswapped(TRACK.landmarks, wrong)


def test_every_landmark_has_its_other_side() -> None:
    assert_array_equal(MIRRORED[MIRRORED], np.arange(len(NAMES)))
    assert MIRRORED[0] == 0 and MIRRORED[LEFT_ANKLE] == RIGHT_ANKLE
    assert NAMES[MIRRORED[NAMES.index("mouth_left")]] == "mouth_right"


def test_an_exchange_is_put_back() -> None:
    marks = exchanged(30, 36)
    wrong = exchanges(TRACK.time_s, marks)
    assert_array_equal(np.flatnonzero(wrong), np.arange(30, 37))
    assert_array_equal(unswapped(marks, wrong), TRACK.landmarks)


def test_two_exchanges_are_both_put_back() -> None:
    marks = np.where((np.arange(90) < 50)[:, None, None], exchanged(20, 22), exchanged(60, 75))
    assert_array_equal(np.flatnonzero(exchanges(TRACK.time_s, marks)), [20, 21, 22, *range(60, 76)])


def test_a_walk_has_none_and_a_lasting_one_is_the_model_correcting_itself() -> None:
    assert not exchanges(TRACK.time_s, TRACK.landmarks).any()
    assert not exchanges(TRACK.time_s, exchanged(40, 89)).any()
    assert not exchanges(TRACK.time_s, exchanged(20, 70)).any()


def test_seen_from_the_side_nothing_can_be_told() -> None:
    marks = exchanged(30, 36)
    middle = marks[:, :, 0].mean(axis=1, keepdims=True)
    marks[:, :, 0] = middle + 0.2 * (marks[:, :, 0] - middle)
    assert not exchanges(TRACK.time_s, marks).any()


def test_turning_round_is_no_exchange() -> None:
    turn = np.cos(np.linspace(0, np.pi, 60))[:, None]
    marks = TRACK.landmarks[:60].copy()
    middle = marks[:, :, 0].mean(axis=1, keepdims=True)
    marks[:, :, 0] = middle + (marks[:, :, 0] - middle) * turn
    assert not exchanges(TRACK.time_s[:60], marks).any()


def test_hips_alone_are_not_enough() -> None:
    marks = TRACK.landmarks.copy()
    marks[30:35, list(HIPS)] = marks[30:35, list(HIPS[::-1])]
    assert not exchanges(TRACK.time_s, marks).any()
    marks[30:35, list(SHOULDERS)] = marks[30:35, list(SHOULDERS[::-1])]
    assert_array_equal(np.flatnonzero(exchanges(TRACK.time_s, marks)), np.arange(30, 35))
