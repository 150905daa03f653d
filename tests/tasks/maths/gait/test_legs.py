"""The legs of a walker are told apart where the model confuses them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.body.landmarks import LEFT_ANKLE, RIGHT_ANKLE, PoseTrack, exchange_sides
from tasks.maths.gait.legs import LEFT_LEG, LEGS, RIGHT_LEG, untangle
from tasks.maths.gait.side_view import side_views
from tasks.maths.gait.side_walks import exchanged_legs
from tests.support.drawn.walkers import WALKERS, drawn, modelled_pose, true_pose

STRIDE_HZ = 0.9
TIME_S = np.arange(300) / 30
LEAD = 1.3 * np.cos(2 * np.pi * STRIDE_HZ * TIME_S)


@pytest.mark.parametrize("seed", range(4))
def test_exchanged_frames_are_found(seed: int) -> None:
    random = np.random.default_rng(seed)
    exchanged = np.zeros(300, np.bool_)
    for first in random.integers(0, 295, 12):
        exchanged[first : first + 4] = True
    found = untangle(np.where(exchanged, -LEAD, LEAD), TIME_S, STRIDE_HZ)
    apart = np.abs(LEAD) > 0.2
    assert (found.exchanged == exchanged)[apart].mean() > 0.99


def test_a_stride_that_is_exchanged_as_a_whole_is_turned_back() -> None:
    lead = LEAD.copy()
    lead[120:153] *= -1
    found = untangle(lead, TIME_S, STRIDE_HZ)
    apart = np.abs(LEAD) > 0.2
    assert found.exchanged[120:153][apart[120:153]].all()
    assert not found.exchanged[:120][apart[:120]].any()


def test_two_sides_on_one_leg_are_false() -> None:
    lead = LEAD.copy()
    lead[131:136] = 0.0  # where the feet are farthest apart
    found = untangle(lead, TIME_S, STRIDE_HZ)
    assert found.false[131:136].all()
    assert not found.false[:125].any()


def test_a_slightly_wrong_stride_frequency_does_no_harm() -> None:
    found = untangle(LEAD, TIME_S, STRIDE_HZ * 1.03)
    assert not found.exchanged[np.abs(LEAD) > 0.2].any()


def wrong_way_round(pose: PoseTrack, truth: PoseTrack) -> NDArray[np.bool_]:
    """Frames (n,) whose ankles lie nearer to the other one's true place than to their own."""
    ankles, true_ankles = (one.xy_px[:, [LEFT_ANKLE, RIGHT_ANKLE]] for one in (pose, truth))
    own_px, other_px = (np.hypot(*(ankles - there).T).sum(axis=0) for there in (true_ankles, true_ankles[:, ::-1]))
    return np.asarray(other_px < own_px)


@pytest.mark.parametrize("walk", WALKERS, ids=str)
def test_the_legs_of_a_walker_are_put_right(walk: dict[str, Any]) -> None:
    walker = drawn(**walk)
    truth, pose = true_pose(walker), modelled_pose(walker)
    mended = replace(pose, xy_px=exchange_sides(pose.xy_px, exchanged_legs(pose), LEGS))
    ankles_px = truth.xy_px[:, LEFT_ANKLE] - truth.xy_px[:, RIGHT_ANKLE]
    apart = np.hypot(*ankles_px.T) > 0.3 * np.hypot(*ankles_px.T).max()
    assert wrong_way_round(pose, truth)[apart].mean() > 0.03
    assert wrong_way_round(mended, truth)[apart].mean() < 0.01
    assert not exchanged_legs(truth)[apart].any()


@pytest.mark.parametrize(
    ("walk", "frames"), [({"heading_deg": 90}, 240), ({"seconds": 0.6}, 18), ({}, 1)], ids=["nearer", "short", "one"]
)
def test_no_leg_is_moved_where_no_walk_is_seen_from_the_side(walk: dict[str, Any], frames: int) -> None:
    pose = modelled_pose(drawn(**walk)).part(slice(0, frames))
    assert not exchanged_legs(pose).any()


@pytest.mark.parametrize("stops_at", [150, 158, 166, 174])
def test_the_legs_of_a_walker_who_stops_are_left_alone(stops_at: int) -> None:
    truth = true_pose(drawn())
    stopped = truth.xy_px.copy()
    stopped[stops_at : stops_at + 25] = stopped[stops_at]
    assert any(part.exchanged[stops_at:].any() for part in side_views(replace(truth, xy_px=stopped)).parts)
    assert not exchanged_legs(replace(truth, xy_px=stopped))[stops_at : stops_at + 25].any()


def test_only_the_legs_of_the_given_frames_are_exchanged() -> None:
    values = np.arange(4 * 33 * 2, dtype=np.float64).reshape(4, 33, 2)
    once = exchange_sides(values, np.array([False, True, False, True]), LEGS)
    rest = np.setdiff1d(np.arange(33), LEGS)
    assert np.array_equal(once[1::2][:, LEFT_LEG], values[1::2][:, RIGHT_LEG])
    assert np.array_equal(once[1::2][:, RIGHT_LEG], values[1::2][:, LEFT_LEG])
    assert np.array_equal(once[:, rest], values[:, rest]) and np.array_equal(once[::2], values[::2])
