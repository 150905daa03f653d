"""Which measurements are not believed, one rule at a time."""

from dataclasses import replace

import numpy as np

from tasks.maths.doubt import LEAST_SURE, UNSURE_S, adrift, breaks, glimpses, outliers, sureness
from tasks.maths.steps import Step, gather

TIME_S = np.arange(90) / 30
SIZE = np.full(90, 100.0)


def test_a_torso_that_was_lost_on_the_way_is_found_again_by_a_pose_alone() -> None:
    good = Step(dx_px=1.0, dy_px=0.0, features=40)
    rows = [good] * 4 + [replace(good, carried_frames=k) for k in range(1, 4)] + [Step(carried_frames=4)]
    rows += [replace(good, carried_frames=k) for k in (5, 6)] + [good]
    assert adrift(gather(rows)).tolist() == [False] * 8 + [True] * 2 + [False]


def test_who_hops_is_told_from_a_glimpse_by_the_poses_on_the_way() -> None:
    step = np.zeros((90, 2))
    step[40:48, 1] = [-10, -8, -5, -2, 1, 4, 7, 8]  # up, and nearly down again
    gap = np.zeros((90, 2))
    gap[:40, 1] = -4  # a pose that is off before it does not make the hop a glimpse
    assert not glimpses(TIME_S, step, gap, SIZE).any()
    gap = -np.cumsum(step, axis=0)  # but a pose that stands still does
    assert np.flatnonzero(glimpses(TIME_S, step, gap, SIZE)).tolist() == list(range(40, 48))


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


def test_a_hole_of_steps_parts_the_chain_and_a_few_missing_ones_do_not() -> None:
    moved, known = np.ones(90, dtype=bool), np.ones(90, dtype=bool)
    moved[20:23] = False
    moved[50:62] = False
    parted = breaks(TIME_S, np.zeros((90, 2)), known, moved, SIZE, limit=0.25, longest_s=1.0)
    assert np.flatnonzero(parted).tolist() == [56]
