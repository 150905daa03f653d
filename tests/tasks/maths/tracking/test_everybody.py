"""Everybody by number: which number somebody has, where they are, and what to type for the others."""

from dataclasses import replace

import numpy as np

from conf.input import SubjectConf
from tasks.maths.tracking.everybody import NUMBERED_SEEN_S, choice_texts, number_people, place_text
from tasks.maths.tracking.subject_choice import PersonFacts
from tasks.maths.tracking.tracks import Track
from tests.support.drawn.bodies import SIZE_PX, walk

FRAMES = 120
TIME_S = walk(0, FRAMES - 1, start_x=0).time_s
CLIP_S = float(TIME_S[-1])
POSTER = walk(0, 119, start_x=640, speed_px=0, stride=0.0, torso_px=170, origin=1)
EARLY = walk(0, 119, start_x=200, speed_px=0, stride=0.4, origin=2)
LATE = walk(30, 119, start_x=1100, speed_px=0, stride=0.4, origin=3, colour=5, torso_px=60)
GLIMPSE = walk(0, 11, start_x=900, speed_px=0, stride=0.4, origin=4, colour=7)


def numbered(*tracks: Track, min_seen_s: float = 0.5) -> tuple[list[Track], list[PersonFacts]]:
    return number_people(tracks, np.zeros(FRAMES, np.int64), SIZE_PX, TIME_S, np.ones(FRAMES, bool), min_seen_s)


def test_people_have_the_first_numbers_in_order_of_appearance_and_pictures_the_last() -> None:
    everybody, people = numbered(POSTER, GLIMPSE, LATE, EARLY)
    assert [int(track.origin[0]) for track in everybody[:2]] == [2, 3]
    assert [one.person for one in people] == [1, 2, 3, 4]
    assert [bool(one.doubt) for one in people] == [False, False, True, True]


def test_the_numbers_do_not_depend_on_a_setting_nor_on_the_order_of_the_tracks() -> None:
    origins = [
        [int(track.origin[0]) for track in numbered(*tracks, min_seen_s=least_s)[0]]
        for tracks in ((POSTER, EARLY, LATE, GLIMPSE), (GLIMPSE, LATE, EARLY, POSTER))
        for least_s in (0.0, 0.5, 3.5)
    ]
    assert origins[0] == origins[1] == origins[2] and origins[3] == origins[4] == origins[5]
    assert origins[0][:2] == origins[3][:2] == [2, 3]


def test_who_is_seen_at_every_look_is_not_seen_briefly_however_rare_the_looks_are() -> None:
    looked = np.arange(FRAMES) % 30 == 0  # once in a second
    rare = EARLY.where(looked[EARLY.frames])
    for looks, doubt in ((looked, ""), (np.ones(FRAMES, bool), "brief")):
        _, (person,) = number_people([rare], np.zeros(FRAMES, np.int64), SIZE_PX, TIME_S, looks, 0.5)
        assert person.doubt == doubt


def test_a_place_says_where_and_when() -> None:
    _, people = numbered(EARLY, LATE)
    assert place_text(people[0], people, SIZE_PX, CLIP_S) == "at the left, in front"
    assert place_text(people[1], people, SIZE_PX, CLIP_S) == "at the right, farther back, from 1.0 to 4.0 s"
    alone = replace(people[0], x_px=640.0)
    assert place_text(alone, [alone], SIZE_PX, CLIP_S) == "in the middle"
    for start_x, speed_px, words in ((200, 6, "from left to right"), (1000, -6, "from right to left")):
        _, crossing = numbered(walk(0, 119, start_x=start_x, speed_px=speed_px))
        assert place_text(crossing[0], crossing, SIZE_PX, CLIP_S) == words


def test_for_each_other_person_there_is_a_setting_to_type() -> None:
    _, people = numbered(POSTER, EARLY, LATE)
    followed, others = choice_texts(people, 2, SIZE_PX, CLIP_S)
    assert followed.startswith("person 2 of 2, at the right")
    assert others == "subject=1 for person 1, at the left, in front"
    assert choice_texts(people[:1], 1, SIZE_PX, CLIP_S) == ("", "")
    crowd = [replace(people[0], person=number) for number in range(1, 8)]
    _, others = choice_texts(crowd, 1, SIZE_PX, CLIP_S)
    assert [f"subject={number} " in others for number in range(1, 8)] == [False, True, True, True, False, False, False]
    assert others.endswith("; 3 more are in the report")


def test_the_numbers_are_those_of_the_default_least_time() -> None:
    assert SubjectConf().min_seen_s == NUMBERED_SEEN_S
