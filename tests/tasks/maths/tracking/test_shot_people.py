"""People across scene cuts: matched where that is sure, else somebody is chosen anew."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.landmarks import LEFT_ANKLE, LEFT_KNEE, RIGHT_ANKLE, RIGHT_KNEE
from tasks.maths.tracking.shot_people import link_shots
from tasks.maths.tracking.subject_shots import follow_through_shots, shot_notes
from tasks.maths.tracking.tracks import Track
from tests.support.drawn.bodies import RATE_HZ, SIZE_PX, walk

FRAMES = 200
CUT = 100
TIME_S = np.arange(FRAMES) / RATE_HZ
SHOT: NDArray[np.int64] = np.repeat([0, 1], [CUT, FRAMES - CUT])


def people(*tracks: Track) -> list[tuple[int, int]]:
    """First and last frame of each person."""
    return [(int(one.frames[0]), int(one.frames[-1])) for one in link_shots(tracks, SHOT, TIME_S, SIZE_PX)]


def short_legged(track: Track) -> Track:
    marks = track.landmarks.copy()
    for joint, share in ((LEFT_KNEE, 0.4), (RIGHT_KNEE, 0.4), (LEFT_ANKLE, 0.8), (RIGHT_ANKLE, 0.8)):
        marks[:, joint, 1] = marks[:, 23, 1] + share * 100
    return replace(track, landmarks=marks)


def test_the_same_clothes_after_a_cut_are_the_same_person_wherever_and_however_large() -> None:
    before, after = walk(0, 99, start_x=100), walk(100, 199, start_x=700, torso_px=60.0, origin=2)
    assert people(before, after) == [(0, 199)]


def test_other_clothes_or_other_legs_after_a_cut_are_somebody_else() -> None:
    before = walk(0, 99, start_x=100)
    assert people(before, walk(100, 199, start_x=100, colour=8, origin=2)) == [(0, 99), (100, 199)]
    assert people(before, short_legged(walk(100, 199, start_x=100, origin=2))) == [(0, 99), (100, 199)]


def test_of_two_who_look_alike_neither_is_surely_the_one_before_the_cut() -> None:
    before = walk(0, 99, start_x=100)
    two = walk(100, 199, start_x=-300, origin=2), walk(100, 199, start_x=900, speed_px=-4, origin=3)
    assert people(before, *two) == [(0, 99), (100, 199), (100, 199)]


def test_nobody_is_linked_by_place_across_a_cut() -> None:
    """Without the cut, the place alone would link these two, whose clothes differ slightly."""
    before, other = walk(0, 99, start_x=100), walk(100, 199, start_x=100, colour=7, origin=2)
    mixed = replace(other, clothes=0.6 * walk(100, 199, start_x=100).clothes + 0.4 * other.clothes)
    assert people(before, mixed) == [(0, 99), (100, 199)]


def followed(*tracks: Track, rule: str | None = "auto") -> tuple[list[int], list[str]]:
    """Who is followed in each shot, and what is said of it, where person 1 is chosen."""
    everybody = link_shots(tracks, SHOT, TIME_S, SIZE_PX)
    looked = np.ones(len(TIME_S), bool)
    pieces, shots = follow_through_shots(everybody, 1, SHOT, TIME_S, SIZE_PX, looked, rule=rule, min_seen_s=0.5)
    assert sum(map(len, pieces)) == sum(shot.frames for shot in shots)
    return [shot.person for shot in shots], shot_notes(shots, 1)


def test_the_same_person_is_followed_after_a_cut_without_a_word() -> None:
    assert followed(walk(0, 99, start_x=100), walk(100, 199, start_x=700, origin=2)) == ([1, 1], [])


def test_somebody_is_chosen_anew_where_nobody_is_surely_the_same_and_that_is_said() -> None:
    stranger = walk(100, 199, start_x=300, colour=8, origin=2)
    numbers, (note,) = followed(walk(0, 99, start_x=100), stranger)
    assert numbers == [1, 2]
    assert note == "after a scene cut nobody is surely person 1: followed instead is person 2 from 3.33 s on"


def test_nobody_else_is_followed_where_a_certain_person_was_asked_for() -> None:
    stranger = walk(100, 199, start_x=300, colour=8, origin=2)
    assert followed(walk(0, 99, start_x=100), stranger, rule=None) == ([1, 0], [])


def test_what_is_no_person_is_not_chosen_anew() -> None:
    poster = walk(100, 199, start_x=900, speed_px=0, stride=0, colour=8, origin=2)
    assert followed(walk(0, 99, start_x=100), poster) == ([1, 0], [])
