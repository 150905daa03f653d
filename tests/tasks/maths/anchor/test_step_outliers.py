"""Which steps are not believed, one rule at a time."""

from dataclasses import replace

import numpy as np

from tasks.maths.anchor.step_outliers import UNSURE, adrift, glimpses, unsure, witnessed
from tasks.maths.tracking.steps import Step, gather

TIME_S = np.arange(90) / 30
SIZE = np.full(90, 100.0)


def test_doubt_reaches_from_a_step_to_those_beside_it_that_are_hardly_better() -> None:
    error = np.full(90, 0.2)
    error[[10, 30, 31, 50]] = 0.9 * UNSURE * 100  # good enough alone, beside a bad one, and beside a missing one
    error[32], error[51] = 1.1 * UNSURE * 100, np.nan
    assert np.flatnonzero(unsure(error, np.isnan(error), SIZE)).tolist() == [30, 31, 32, 50, 51]


def test_a_doubtful_step_is_kept_where_the_pose_made_it_too() -> None:
    leap, guess = np.zeros((90, 2)), np.zeros((90, 2))
    leap[40:44, 1] = 20
    off = np.full((90, 2), 3.0)
    poses = np.cumsum(leap, axis=0)
    error = np.ones(90)
    assert np.flatnonzero(witnessed(leap + off, guess, poses, error, SIZE)).tolist() == [40, 41, 42, 43]
    assert not witnessed(leap, guess, np.zeros((90, 2)), error, SIZE).any()  # the pose stood still
    assert not witnessed(leap, guess, poses, 25 * error, SIZE).any()  # the guess is as good
    assert not witnessed(0.1 * leap, guess, 0.1 * poses, error, SIZE).any()  # and so it is here


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
