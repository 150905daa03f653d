"""Which steps are not believed, one rule at a time."""

from dataclasses import replace

import numpy as np

from tasks.maths.doubt import adrift, glimpses
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
