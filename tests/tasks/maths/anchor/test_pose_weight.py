"""Which poses are believed, one rule at a time."""

import numpy as np

from tasks.maths.anchor.pose_weight import LEAST_SURE, UNSURE_S, breaks, led, outliers, sureness

TIME_S = np.arange(90) / 30
SIZE = np.full(90, 100.0)


def test_poses_are_less_sure_the_nearer_a_loss() -> None:
    known = np.ones(90, dtype=bool)
    known[40:55] = False
    sure = sureness(TIME_S, known)
    assert sure[39] == sure[55] == LEAST_SURE
    assert (np.diff(sure[55:67]) >= 0).all() and (np.diff(sure[28:40]) <= 0).all()
    assert (sure[TIME_S[39] - UNSURE_S > TIME_S] == 1).all() and (sure[TIME_S[55] + UNSURE_S < TIME_S] == 1).all()


def test_poses_on_every_fifth_frame_and_one_that_is_missing_are_no_loss() -> None:
    known = np.arange(90) % 5 == 0
    known[30] = False
    assert (sureness(TIME_S, known) == 1).all()
    assert (sureness(TIME_S, np.zeros(90, dtype=bool)) == 1).all()


def test_a_pose_among_those_of_a_passer_by_is_none_of_the_subject() -> None:
    gap = np.zeros((90, 2))
    gap[40:49, 0] = np.linspace(60, -60, 9)  # the fifth one passes just where the subject is
    far, _ = outliers(TIME_S, gap, SIZE, 0.25)
    assert np.flatnonzero(far).tolist() == list(range(40, 49))


def test_poses_that_leave_where_steps_are_missing_are_followed_until_they_are_lost() -> None:
    gap = np.zeros((90, 2))
    gap[30:41, 1] = 8.0 * np.arange(11)  # a leap
    known, moved = gap[:, 1] == 0, np.ones(90, dtype=bool)
    known[41:50] = False
    gap[41:50] = np.nan
    moved[31] = False
    assert np.flatnonzero(led(TIME_S, gap, known, moved, SIZE, 0.25)).tolist() == list(range(31, 41))
    assert not led(TIME_S, gap, known, np.ones_like(moved), SIZE, 0.25).any()  # steps say that nobody leapt
    gap[41:50] = 0
    assert not led(TIME_S, gap, known, moved, SIZE, 0.25).any()  # the pose went along with somebody, and jumps back
    gap[34:50] = np.nan
    assert not led(TIME_S, gap, known, moved, SIZE, 0.25).any()  # too short to tell


def test_a_hole_of_steps_parts_the_chain_and_a_few_missing_ones_do_not() -> None:
    moved, known = np.ones(90, dtype=bool), np.ones(90, dtype=bool)
    moved[20:23] = False
    moved[50:62] = False
    parted = breaks(TIME_S, np.zeros((90, 2)), known, moved, SIZE, limit=0.25, longest_s=1.0)
    assert np.flatnonzero(parted).tolist() == [56]
