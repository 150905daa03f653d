"""Linking people: crossings, occlusions, posters, and people who come and go."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.optimize import linear_sum_assignment

from tasks.maths.tracking.tracks import (
    Track,
    cheapest_columns,
    clothes_changes_s,
    jump_indices,
    link_cost,
    link_people,
    split_track,
)
from tests.support.drawn.bodies import SIZE_PX, figure, slide, walk


def frames_of(*tracks: Track) -> list[list[int]]:
    return [person.frames.tolist() for person in link_people(tracks, SIZE_PX, 0.0)]


def span(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


def test_one_track_is_one_complete_person() -> None:
    track = walk(0, 100, start_x=100)
    (person,) = link_people([track], SIZE_PX, 0.0)
    assert_array_equal(person.landmarks, track.landmarks)
    assert_array_equal(person.frames, track.frames)


def test_nobody_swaps_in_a_crossing_that_loses_both() -> None:
    right = [walk(0, 55, start_x=300), walk(66, 120, start_x=300, origin=3)]
    left = [walk(0, 55, start_x=780, speed_px=-4, colour=7, origin=2)]
    left += [walk(70, 120, start_x=780, speed_px=-4, colour=7, origin=4)]
    assert frames_of(*right, *left) == [span(0, 55) + span(66, 120), span(0, 55) + span(70, 120)]


def test_nobody_swaps_in_a_crossing_of_two_in_the_same_clothes() -> None:
    right = [walk(0, 55, start_x=300), walk(66, 120, start_x=300, origin=3)]
    left = [walk(0, 55, start_x=780, speed_px=-4, origin=2), walk(66, 120, start_x=780, speed_px=-4, origin=4)]
    people = link_people([*left, *right], SIZE_PX, 0.0)
    assert sum(map(len, people)) == sum(map(len, [*left, *right]))
    for person in people:
        assert len(set(np.sign(np.diff(person.hip_xy[:, 0])))) == 1, "nobody turns round"


def test_a_track_that_slides_to_another_person_is_split() -> None:
    man, woman = walk(0, 60, start_x=300), walk(61, 120, start_x=780, speed_px=-4, colour=7)
    lost_woman = walk(0, 50, start_x=780, speed_px=-4, colour=7, origin=2)
    found_man = walk(75, 120, start_x=300, origin=3)
    first, second = frames_of(slide(man, woman), lost_woman, found_man)
    assert {0, 50, 75, 120} <= set(first) and not set(first) & set(range(61, 75))
    assert {0, 50, 70, 120} <= set(second) and not set(second) & set(range(51, 61))


def test_a_person_behind_a_pole_stays_the_same_person() -> None:
    assert frames_of(walk(0, 40, start_x=300), walk(56, 100, start_x=300, origin=2)) == [span(0, 40) + span(56, 100)]


def test_a_person_who_leaves_and_returns_is_the_same_and_a_stranger_is_not() -> None:
    leaving = walk(0, 60, start_x=300, speed_px=-5)
    back = walk(150, 210, start_x=-750, speed_px=5, origin=2)
    assert len(frames_of(leaving, back)) == 1
    other = walk(150, 210, start_x=-750, speed_px=5, origin=2, colour=8)
    assert frames_of(leaving, other) == [span(0, 60), span(150, 210)]


def test_a_newcomer_at_the_edge_is_somebody_else() -> None:
    one, newcomer = walk(0, 100, start_x=400, speed_px=2), walk(40, 100, start_x=-155, colour=6, origin=2)
    assert frames_of(one, newcomer) == [span(0, 100), span(40, 100)]


@pytest.mark.parametrize(("start_x", "people"), [(500.0, 1), (60.0, 2)])
def test_a_person_who_appears_inside_the_picture_is_probably_known(start_x: float, people: int) -> None:
    """The clothes differ slightly: another light, or another person."""
    before = walk(0, 50, start_x=start_x, speed_px=0, colour=2)
    after = walk(65, 110, start_x=start_x, speed_px=0, colour=2, origin=2)
    other = walk(65, 110, start_x=start_x, speed_px=0, colour=7)
    after = replace(after, clothes=0.65 * after.clothes + 0.35 * other.clothes)
    assert len(frames_of(before, after)) == people


def test_nobody_crosses_the_picture_instantly() -> None:
    far = walk(53, 100, start_x=950, speed_px=0, origin=2)
    assert link_cost(walk(0, 50, start_x=100, speed_px=0), far) >= 1e6
    assert frames_of(walk(0, 50, start_x=100, speed_px=0), far) == [span(0, 50), span(53, 100)]


def test_a_jump_to_a_poster_and_back_is_removed() -> None:
    before, after = walk(0, 50, start_x=300), walk(59, 100, start_x=300)
    poster = walk(51, 58, start_x=1100, speed_px=0, stride=0, torso_px=60)
    jumping = slide(slide(before, poster), after)
    assert_array_equal(jump_indices(jumping), [51, 59])
    assert [len(piece) for piece in split_track(jumping)] == [51, 8, 42]
    assert frames_of(jumping)[0] == span(0, 50) + span(59, 100)


@pytest.mark.parametrize(("off_px", "jumps"), [(22.0, []), (60.0, [20])])
def test_a_small_person_who_passes_fast_does_not_jump_by_going_on(off_px: float, jumps: list[int]) -> None:
    """One of 0.08 of a picture of 3840x2160 went 27 px a frame; beside another one the pose was 22 px ahead."""
    fast = walk(0, 60, start_x=100, speed_px=27.0, torso_px=48.0)
    fast.landmarks[20:, :, 0] += off_px
    assert_array_equal(jump_indices(fast), jumps)


def test_flickers_are_ignored_unless_there_is_nothing_else() -> None:
    person, flicker = walk(0, 100, start_x=100), walk(30, 31, start_x=900, origin=2)
    assert frames_of(person, flicker, walk(50, 53, start_x=700, origin=3)) == [span(0, 100)]
    assert frames_of(flicker) == [[30, 31]]


def test_people_are_numbered_by_first_appearance() -> None:
    late, early = walk(30, 90, start_x=100, colour=1), walk(0, 60, start_x=900, speed_px=-1, colour=8, origin=2)
    assert [frames[0] for frames in frames_of(late, early)] == [0, 30]


def test_a_change_of_clothes_is_found_and_a_change_of_light_is_not() -> None:
    sliding = slide(walk(0, 44, start_x=300), walk(45, 90, start_x=300, colour=8))
    (change_s,) = clothes_changes_s(sliding)
    assert change_s == pytest.approx(44.5 / 30, abs=0.06)
    assert clothes_changes_s(walk(0, 90, start_x=300)) == []
    darker = walk(0, 90, start_x=300)
    worn = darker.clothes.copy()
    worn[45:, :, 0] = np.roll(worn[45:, :, 0], -2, axis=-1)  # lightness only
    assert clothes_changes_s(replace(darker, clothes=worn)) == []


def test_mirrored_people_are_the_same_people() -> None:
    tracks = [walk(0, 55, start_x=300), walk(66, 120, start_x=300, origin=2), walk(30, 120, start_x=1200, speed_px=-6)]
    mirrored = []
    for track in tracks:
        marks = track.landmarks.copy()
        marks[..., 0] = SIZE_PX[0] - 1 - marks[..., 0]
        mirrored.append(replace(track, landmarks=marks))
    assert frames_of(*tracks) == frames_of(*mirrored)


def test_a_single_sighting_is_a_person() -> None:
    alone = Track(
        np.array([4]), np.array([0.1]), figure((300, 300))[None], walk(0, 0, start_x=0).clothes, np.array([1])
    )
    assert frames_of(alone) == [[4]]


@pytest.mark.parametrize("rows", [1, 2, 7, 40])
def test_the_cheapest_columns_are_those_of_scipy(rows: int) -> None:
    random = np.random.default_rng(rows)
    cost = random.uniform(0, 6, (rows, 2 * rows))
    cost[random.random(cost.shape) < 0.4] = 1e6
    assert_array_equal(cheapest_columns(cost), linear_sum_assignment(cost)[1])
