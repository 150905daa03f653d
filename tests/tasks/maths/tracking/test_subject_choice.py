"""The choice of one of several people, by rule and by point."""

import pytest

from tasks.errors import ChoiceNotFound, NobodyFound
from tasks.maths.tracking.subject_choice import (
    PersonFacts,
    choose_person,
    least_seen_s,
    person_at,
    person_facts,
    require_person,
)
from tasks.maths.tracking.tracks import Track, concatenate_tracks
from tests.support.drawn.bodies import RATE_HZ, SIZE_PX, walk

FRAMES = 120
TIME_S = walk(0, FRAMES - 1, start_x=0).time_s + 5.0  # a clip that does not start at 0


def late(track: Track) -> Track:
    return Track(track.frames, track.time_s + 5.0, track.landmarks, track.clothes, track.origin)


WALKER = late(walk(0, 119, start_x=300))
STANDING = late(walk(10, 119, start_x=640, speed_px=0, stride=0.1))
NEAR = late(walk(40, 110, start_x=100, torso_px=160, colour=5))
POSTER = late(walk(0, 119, start_x=640, speed_px=0, stride=0.0, torso_px=170))
PASSER = late(walk(50, 60, start_x=640, torso_px=220))


def people(*tracks: Track) -> list[PersonFacts]:
    return [person_facts(number, track, FRAMES, SIZE_PX, 5.0) for number, track in enumerate(tracks, start=1)]


def test_the_facts_of_a_person_are_those_of_the_sightings() -> None:
    (person,) = people(NEAR)
    assert (person.frames, person.share) == (71, round(71 / 120, 4))
    assert (person.first_s, person.last_s) == (round(40 / RATE_HZ, 3), round(110 / RATE_HZ, 3))
    assert person.height_px == pytest.approx(3.0 * 160)
    assert not person.doubt and person.swing == pytest.approx(0.43, abs=0.07)
    assert people(POSTER)[0].doubt == "rigid"


@pytest.mark.parametrize(
    ("rule", "tracks", "chosen"),
    [
        ("auto", (STANDING, WALKER), 2),
        ("auto", (NEAR, WALKER), 2),
        ("auto", (POSTER, WALKER), 2),
        ("auto", (PASSER, WALKER), 2),
        ("auto", (POSTER,), 1),
        ("largest", (WALKER, NEAR, STANDING), 2),
        ("largest", (POSTER, PASSER, WALKER), 3),
        ("centre", (WALKER, STANDING, NEAR), 2),
        ("first", (WALKER, STANDING), 1),
        ("first", (POSTER, STANDING), 2),
    ],
)
def test_each_rule_chooses_another_person(rule: str, tracks: tuple[Track, ...], chosen: int) -> None:
    choice = choose_person(people(*tracks), rule)
    assert choice.person == chosen
    assert choice.why.startswith(f"person {chosen} ") and "\n" not in choice.why
    assert len(tracks) == 1 or all(f"person {n}: " in choice.why for n in range(1, len(tracks) + 1) if n != chosen)


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ("largest", "person 2 is the largest, 300 px high; person 1: 200 px"),
        ("centre", "person 1 is closest to the centre, 0.10 half diagonals away; person 2: 0.40"),
        ("first", "person 2 is seen first, at 0.20 s; person 1: 0.50 s"),
    ],
)
def test_each_rule_tells_the_fact_that_it_looks_at(rule: str, why: str) -> None:
    here = PersonFacts(1, 90, 0.9, 0.5, 3.0, 200.0, 0.1, 0.9, 0.2, "")
    near = PersonFacts(2, 90, 0.9, 0.2, 3.0, 300.0, 0.4, 0.9, 0.2, "")
    assert choose_person([here, near], rule).why == why


def test_people_who_are_not_considered_are_named() -> None:
    why = choose_person(people(POSTER, PASSER, WALKER), "largest").why
    assert (
        "person 1: not considered (moves as one rigid piece" in why
        and "person 2: not considered (is seen too briefly)" in why
    )


def test_who_is_seen_for_less_than_asked_is_in_doubt() -> None:
    assert person_facts(1, PASSER, FRAMES, SIZE_PX, 5.0, least_s=0.5).doubt == "brief"
    assert not person_facts(1, PASSER, FRAMES, SIZE_PX, 5.0, least_s=0.3).doubt
    assert least_seen_s(0.5, 10.0) == 0.5 and least_seen_s(0.5, 0.6) == 0.3


def test_a_clip_with_nobody_but_a_picture_says_how_to_choose_it_all_the_same() -> None:
    require_person(people(POSTER, WALKER), FRAMES)
    place = r"choose it with subject=1$"
    with pytest.raises(NobodyFound, match=f"in 120 of 120 frames moves as one rigid piece.*{place}"):
        require_person(people(POSTER), FRAMES)


def test_the_point_that_names_a_person_lies_in_the_picture_and_on_the_person() -> None:
    low = late(walk(0, 119, start_x=300))
    low.landmarks[..., 1] += SIZE_PX[1] - 330  # the hips lie below the picture
    (person,) = people(low)
    assert 0 <= person.x_px < SIZE_PX[0] and 0 <= person.y_px < SIZE_PX[1]
    assert person_at([WALKER, low], (person.x_px, person.y_px), person.at_s, TIME_S) == 1


@pytest.mark.parametrize(
    ("xy_px", "at_s", "index"),
    [((424, 350), 1.0, 0), ((640, 200), 1.0, 1), ((680, 350), None, 1), ((640, 350), 2.8, 1), ((300, 400), 0.0, 0)],
)
def test_a_point_chooses_the_person_there(xy_px: tuple[float, float], at_s: float | None, index: int) -> None:
    assert person_at([WALKER, STANDING], xy_px, at_s, TIME_S) == index


def test_without_a_time_a_point_chooses_the_first_person_there() -> None:
    crossing = late(walk(0, 119, start_x=0, speed_px=8))
    assert person_at([WALKER, crossing], (420, 350), None, TIME_S) == 0
    assert person_at([crossing, WALKER], (60, 350), None, TIME_S) == 0


@pytest.mark.parametrize(
    ("xy_px", "at_s", "sentence"),
    [
        ((30, 30), 1.0, r"nobody is at \[30,30\] px at 1 s; the nearest is person 1 .* \[420,350\] px at 1\.00 s"),
        ((1270, 30), None, r"nobody is at \[1270,30\] px at any time; the nearest is person 1 .* at 3\.97 s"),
        ((640, 350), 9.0, r"subject\.at_s: 9 s is after the end of the clip; give 0 to 3\.97"),
    ],
)
def test_a_point_without_a_person_names_the_nearest_person(
    xy_px: tuple[float, float], at_s: float, sentence: str
) -> None:
    with pytest.raises(ChoiceNotFound, match=sentence) as caught:
        person_at([WALKER, STANDING], xy_px, at_s, TIME_S)
    assert "\n" not in str(caught.value)


def test_two_short_tracks_one_after_the_other_are_seen_no_longer_than_each() -> None:
    whole, halves = walk(0, 16, start_x=300), [walk(0, 8, start_x=300), walk(9, 16, start_x=300, origin=2)]
    least_s = (len(whole) - 1.5) / RATE_HZ
    seen = [
        person_facts(1, track, len(whole), SIZE_PX, 0.0, least_s=least_s).doubt
        for track in (whole, concatenate_tracks(halves))
    ]
    assert seen == ["", "brief"]
