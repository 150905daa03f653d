"""A pose that slides from one body to another beside it is told by the torso, which does not move so."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.body.landmarks import ARMS, SHOULDERS
from tasks.maths.tracking.shot_people import link_shots
from tasks.maths.tracking.slides import shows_two_heads, slide_moments_s, split_slides, with_slips
from tasks.maths.tracking.steps import Step, steps_from_rows
from tasks.maths.tracking.subject_shots import identity_of
from tasks.maths.tracking.tracks import Meeting, Track, concatenate_tracks
from tests.support.drawn.bodies import RATE_HZ, SIZE_PX, figure, walk

FRAMES, SLIDE = 120, 60
APART_PX = 80.0  # between two people of 100 px torso length
TIME_S = np.arange(FRAMES) / RATE_HZ
SHOT = np.zeros(FRAMES, np.int64)


def sliding(by_px: float, speed_px: float = 4.0) -> Track:
    """A track that goes over to a body ``by_px`` beside its own within four frames; both move alike."""
    track = walk(0, FRAMES - 1, start_x=300, speed_px=speed_px)
    marks = track.landmarks.copy()
    marks[..., 0] += by_px * np.clip((np.arange(FRAMES) - SLIDE) / 4, 0, 1)[:, None]
    step = steps_from_rows([Step(), *[Step(dx_px=speed_px, dy_px=0.0)] * (FRAMES - 1)])
    return with_slips([replace(track, landmarks=marks)], {1: (np.arange(FRAMES), step)})[0]


def beside(first: int, last: int, colour: int = 2, origin: int = 2) -> Track:
    track = walk(first, last, start_x=300 + APART_PX, origin=origin, colour=colour)
    return replace(track, slip_xy=np.zeros((len(track), 2)))


def people(*tracks: Track) -> list[Track]:
    return link_shots(tracks, SHOT, TIME_S, SIZE_PX)


@pytest.mark.parametrize("speed_px", [4.0, 0.0])
def test_the_hips_slip_where_the_pose_leaves_the_torso(speed_px: float) -> None:
    (moment_s,) = slide_moments_s(sliding(APART_PX, speed_px))
    assert moment_s == pytest.approx((SLIDE + 2) / RATE_HZ, abs=0.1)
    assert slide_moments_s(sliding(15.0, speed_px)) == []


def test_a_step_that_is_not_known_is_no_slip() -> None:
    nothing = steps_from_rows([Step()] * FRAMES)
    track = walk(0, FRAMES - 1, start_x=300)
    for frames, steps in ((np.arange(FRAMES), nothing), (np.arange(0), steps_from_rows([]))):
        (one,) = with_slips([track], {1: (frames, steps)})
        assert one.slip_xy is not None and not one.slip_xy.any()


def test_a_slide_beside_somebody_alike_is_split_and_counted_as_a_switch() -> None:
    """The other one was seen at the start, is lost, and is seen again where the track goes over to."""
    found = people(sliding(APART_PX), beside(0, 20))
    assert len(found) == 2
    for person in found:
        (switch_s,) = [met.to_s for met in person.met if not met.sure and met.from_s > 1.0]
        assert switch_s == pytest.approx((SLIDE + 2) / RATE_HZ, abs=0.15)
    first = next(person for person in found if person.origin[0] == 1)
    assert identity_of([first], TIME_S).switches_s and first.frames[-1] < SLIDE + 4


@pytest.mark.parametrize(
    "other", [None, beside(0, 20, colour=9), beside(0, 1)], ids=["alone", "other clothes", "brief"]
)
def test_without_somebody_alike_beside_a_slip_is_none(other: Track | None) -> None:
    """A somersault slips too. Two sightings of somebody may be a mistake."""
    found = people(*[track for track in (sliding(APART_PX), other) if track is not None])
    first = next(person for person in found if person.origin[0] == 1)
    assert first.frames.tolist() == list(range(FRAMES)) and not first.met


def test_a_slide_in_a_meeting_that_is_settled_is_not_counted_again() -> None:
    met = (Meeting(1.5, 2.5, sure=True),)
    (only,) = split_slides([replace(sliding(APART_PX), met=met)], [sliding(APART_PX), beside(0, 20)])
    assert only.met == met and len(only) == FRAMES


def test_who_is_lost_beside_somebody_alike_may_be_the_other_one_afterwards() -> None:
    still = np.zeros((FRAMES, 2))
    track = replace(walk(0, FRAMES - 1, start_x=300), slip_xy=still)
    again = track.where(TIME_S > 2.0)
    lost = concatenate_tracks([track.where(TIME_S < 1.0), replace(again, origin=np.full(len(again), 3))])
    (hers,) = [person for person in people(lost, beside(0, 25)) if person.origin[0] == 1]
    (meeting,) = hers.met
    assert not meeting.sure and (meeting.from_s, meeting.to_s) == pytest.approx((29 / 30, 61 / 30))
    assert identity_of([hers], TIME_S).switches_s == [pytest.approx(61 / 30, abs=1e-3)]
    (alone,) = people(lost)
    assert not alone.met
    (whole,) = [person for person in people(track, beside(0, 25)) if person.origin[0] == 1]
    assert not whole.met, "never lost"
    behind = track.where((TIME_S < 1.0) | (TIME_S > 2.0))
    (same,) = [person for person in people(behind, beside(0, 25)) if person.origin[0] == 1]
    assert [met.sure for met in same.met] == [True], "followed on by one track"
    hidden = identity_of([same], TIME_S)
    assert hidden.switches_s == [] and hidden.hidden_frames == FRAMES - len(behind)


def mask(heads_x: list[float], torso_px: float = 100.0) -> NDArray[np.uint8]:
    """A mask over 400 x 400 source px of a body whose shoulders are at (200, 200), with heads at ``heads_x``."""
    y, x = np.mgrid[0:200, 0:200] * 2.0
    shown = (y > 200) & (np.abs(x - np.mean(heads_x)) < 0.3 * torso_px + np.ptp(heads_x) / 2)
    for head_x in heads_x:
        shown |= np.hypot(x - head_x, y - (200 - 0.3 * torso_px)) < 0.2 * torso_px
    return np.where(shown, 255, 0).astype(np.uint8)


EDGES_PX = np.array([-0.5, -0.5, 399.5, 399.5])
UPRIGHT = figure((200.0, 300.0), 100.0)


def test_a_mask_of_two_who_stand_side_by_side_has_two_heads() -> None:
    assert shows_two_heads(mask([180.0, 240.0]), EDGES_PX, UPRIGHT)
    assert not shows_two_heads(mask([200.0]), EDGES_PX, UPRIGHT)
    assert not shows_two_heads(mask([195.0, 215.0]), EDGES_PX, UPRIGHT), "one head before the other"
    assert not shows_two_heads(np.zeros((2, 2), np.uint8), EDGES_PX, UPRIGHT), "no mask"
    beneath = UPRIGHT.copy()
    beneath[:, 1] += 1000
    assert not shows_two_heads(mask([180.0, 240.0]), EDGES_PX, beneath), "the mask ends below the head"


def test_of_somebody_who_turns_over_no_head_is_told_from_an_arm() -> None:
    lying = UPRIGHT.copy()
    lying[:, :2] = UPRIGHT[:, 1::-1]
    assert not shows_two_heads(mask([180.0, 240.0]), EDGES_PX, lying)


def test_with_an_arm_beside_the_head_no_second_head_is_told() -> None:
    raised = UPRIGHT.copy()
    raised[ARMS[-1], :2] = UPRIGHT[0, :2] + (60, 0)
    assert not shows_two_heads(mask([180.0, 240.0]), EDGES_PX, raised)


@pytest.mark.parametrize(
    ("first", "last", "told"), [(SLIDE - 12, SLIDE - 8, True), (0, 20, False), (SLIDE, SLIDE + 1, False)]
)
def test_a_slide_about_which_the_mask_has_two_heads_is_counted_as_a_switch(first: int, last: int, told: bool) -> None:
    """The model never saw two people at once; their heads are too early, or too few, in the other cases."""
    heads = (np.arange(FRAMES) >= first) & (np.arange(FRAMES) <= last)
    (only,) = people(replace(sliding(APART_PX), two_heads=heads))
    assert [round(at_s, 1) for at_s in identity_of([only], TIME_S).switches_s] == [2.1] * told
    over = replace(sliding(APART_PX), two_heads=heads)
    over.landmarks[SLIDE + 5, list(SHOULDERS), 1] += 200.0
    (turned,) = people(over)
    assert not turned.met and len(turned) == FRAMES, "a somersault"


@pytest.mark.parametrize(("rate", "parts"), [(1, 2), (4, 1)])
def test_two_heads_count_by_the_time_for_which_they_are_shown(rate: int, parts: int) -> None:
    """Five frames at 30 Hz are long enough; at 120 Hz an arm beside the head is seen as long."""
    track = sliding(APART_PX)
    heads = np.abs(np.arange(FRAMES) - SLIDE + 10) <= 2
    assert len(split_slides([replace(track, time_s=track.time_s / rate, two_heads=heads)], [])) == parts
