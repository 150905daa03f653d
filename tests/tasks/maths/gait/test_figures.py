"""Events and figures of the gait against the contacts of drawn walkers."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tasks.demo.walker import subject_gait
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.gait.events import GaitEvent, Side
from tasks.maths.gait.figures import gait_of_events, measured_gait
from tests.support.drawn.walkers import WALKERS, drawn, event_errors_s, modelled_pose, true_events, true_pose

FRAME_S = 1 / 30


def test_of_all_events_95_per_cent_lie_within_a_frame() -> None:
    errors_s = []
    for walk in WALKERS:
        walker = drawn(**walk)
        found = measured_gait(modelled_pose(walker)).events
        inside = [one for one in true_events(walker) if 0.2 < one.time_s < walker.seconds - 0.4]
        assert len(found) >= 0.9 * len(inside), walk
        errors_s.append(event_errors_s(found, walker))
    pooled_s = np.abs(np.concatenate(errors_s))
    assert np.mean(pooled_s <= FRAME_S) >= 0.95
    assert pooled_s.max() < 4 * FRAME_S


@pytest.mark.parametrize("walk", WALKERS, ids=str)
def test_the_cadence_is_within_two_per_cent(walk: dict[str, Any]) -> None:
    walker = drawn(**walk)
    gait = measured_gait(modelled_pose(walker))
    assert gait.why_not == ""
    cadence = gait.figures["cadence_steps_per_min"]
    assert cadence.mean == pytest.approx(60 * subject_gait(walker).cadence_hz, rel=0.02)
    assert cadence.count == len(gait.strides) >= 5


def test_double_support_and_symmetry_are_those_of_the_walker() -> None:
    even = measured_gait(true_pose(drawn(seconds=10))).figures
    assert even["double_support_percent"].mean == pytest.approx(24, abs=3)
    assert even["symmetry_step_percent"].mean == pytest.approx(0, abs=2)
    limping = measured_gait(true_pose(drawn(seconds=10, limp=0.7))).figures
    assert limping["symmetry_step_percent"].mean == pytest.approx(2 * 100 * (0.556 - 0.444), abs=6)
    assert limping["left_step_s"].mean > limping["right_step_s"].mean


@pytest.mark.parametrize(
    ("walk", "reason"),
    [
        ({"heading_deg": 90}, "towards the camera"),
        ({"seconds": 2.5}, "only 1 whole stride could be measured; 3 are needed"),
        ({"seconds": 0.6}, "no regular steps were found"),
    ],
)
def test_where_the_method_does_not_apply_there_is_a_reason_and_no_figure(walk: dict[str, Any], reason: str) -> None:
    gait = measured_gait(true_pose(drawn(**walk)))
    assert reason in gait.why_not
    assert gait.figures == {}


def test_nobody_has_no_gait() -> None:
    pose = true_pose(drawn(seconds=3))
    nobody = np.full_like(pose.xy_px, np.nan)
    gait = measured_gait(replace(pose, xy_px=nobody, z=nobody[..., 0], visibility=nobody[..., 0]))
    assert (gait.events, gait.figures) == ([], {})
    assert gait.why_not


def test_poses_that_are_too_far_apart_are_told() -> None:
    pose = true_pose(drawn(seconds=6))
    xy_px = np.full_like(pose.xy_px, np.nan)
    xy_px[::6] = pose.xy_px[::6]
    assert measured_gait(replace(pose, xy_px=xy_px)).why_not.startswith("the poses are 0.20 s apart")


def test_walking_backwards_is_told() -> None:
    pose = true_pose(drawn(seconds=10))
    backwards = PoseTrack(pose.time_s, pose.xy_px[::-1], pose.z, pose.visibility, pose.presence)
    gait = measured_gait(backwards)
    assert "walks backwards" in gait.why_not
    assert (gait.events, gait.figures) == ([], {})


def running_events(strides: int) -> list[GaitEvent]:
    """The events of so many strides of each leg; the foot stands for 43 % of each."""
    sides: tuple[tuple[Side, float], ...] = (("left", 0.0), ("right", 0.35))
    return sorted(
        event
        for number in range(strides + 1)
        for side, lag_s in sides
        for event in (
            GaitEvent(0.7 * number + lag_s, side, "heel strike"),
            GaitEvent(0.7 * number + lag_s + 0.3, side, "toe off"),
        )
    )


def test_running_is_told_by_the_short_stance() -> None:
    gait = gait_of_events(running_events(7), [], "")
    assert "runs" in gait.why_not
    assert (gait.events, gait.strides, gait.figures) == ([], [], {})


def test_too_few_strides_do_not_tell_a_run() -> None:
    gait = gait_of_events(running_events(1), [], "")
    assert gait.why_not == "only 2 whole strides could be measured; 3 are needed"
    assert (gait.events, gait.strides, gait.figures) == ([], [], {})


def test_feet_that_strike_together_are_no_run() -> None:
    """Poses that take one leg for the other: the first 2 s of a real walk were called a run."""
    sides: tuple[tuple[Side, float, float], ...] = (("left", 0.0, 0.16), ("right", 0.06, 0.22))
    events = [
        event
        for number in range(5)
        for side, strike_s, off_s in sides
        for event in (
            GaitEvent(0.5 * number + strike_s, side, "heel strike"),
            GaitEvent(0.5 * number + off_s, side, "toe off"),
        )
    ]
    gait = gait_of_events(sorted(events), [], "")
    assert gait.why_not == "only 0 whole strides could be measured; 3 are needed"
    assert gait.figures == {}


def test_a_stop_at_the_end_of_a_walk_is_no_stride() -> None:
    walk = [event for event in true_events(drawn(seconds=8)) if event.time_s < 6]
    strike = max(event for event in walk if event.kind == "heel strike")
    foot, other = strike.side, "right" if strike.side == "left" else "left"
    off = next(event for event in walk if event.side == other and event.time_s > strike.time_s)
    before = [event for event in walk if event.time_s <= off.time_s]
    stop = [  # the other foot strikes only after this one has left the ground, as when somebody turns
        GaitEvent(strike.time_s + 0.8, foot, "toe off"),
        GaitEvent(strike.time_s + 1.1, "left" if other == "left" else "right", "heel strike"),
        GaitEvent(strike.time_s + 1.3, foot, "heel strike"),
    ]
    kept, whole = gait_of_events(before + stop, [], ""), gait_of_events(before, [], "")
    assert len(kept.strides) == len(whole.strides) >= 5
    assert kept.figures["symmetry_step_percent"].mean == pytest.approx(0, abs=1)


def test_times_of_the_file_need_not_begin_at_zero() -> None:
    pose = true_pose(drawn())
    later = replace(pose, time_s=pose.time_s + 100)
    before, after = (measured_gait(one).events for one in (pose, later))
    assert [round(one.time_s + 100, 2) for one in before] == [round(one.time_s, 2) for one in after]


def test_a_wide_pixel_changes_no_event() -> None:
    pose = true_pose(drawn())
    narrow = replace(pose, xy_px=pose.xy_px * np.array([0.5, 1.0]))
    plain, wide = measured_gait(pose).events, measured_gait(narrow, pixel_aspect=2.0).events
    assert np.allclose([one.time_s for one in plain], [one.time_s for one in wide], atol=1e-3)
