"""Meetings of two people in the same clothes: who is who afterwards, who is seen in between, and what is not sure."""

from dataclasses import replace

import numpy as np

from tasks.maths.arrays import Flags
from tasks.maths.tracking.meetings import settle_meetings
from tasks.maths.tracking.subject_shots import identity_notes, identity_of
from tasks.maths.tracking.tracks import Track, concatenate_tracks
from tests.support.drawn.bodies import RATE_HZ, SIZE_PX, walk

# One walks to the right; the other, larger and lower, is slower and in front, and is overtaken.
BEHIND = (200.0, 5.0)  # x at frame 0, px a frame
FRONT = (500.0, 2.0)
TIME_S = np.arange(200) / RATE_HZ


def behind(first: int, last: int, origin: int) -> Track:
    return walk(first, last, origin=origin, start_x=BEHIND[0], speed_px=BEHIND[1])


def front(first: int, last: int, origin: int) -> Track:
    return walk(first, last, origin=origin, start_x=FRONT[0], speed_px=FRONT[1], torso_px=115.0, y=365.0)


def on_the_way(track: Track, way: tuple[float, float]) -> Flags:
    return np.asarray(np.abs(track.hip_xy[:, 0] - way[0] - way[1] * track.frames) < 1)


def taken_over() -> list[Track]:
    """The track of the one behind slides to the one in front while it hides her; she is found again later."""
    slid = replace(concatenate_tracks([behind(0, 75, 1), front(76, 199, 1)]), origin=np.full(200, 1))
    return [slid, front(0, 75, 2), behind(150, 199, 3)]


def test_a_track_that_slides_to_somebody_alike_is_given_back() -> None:
    people = settle_meetings(taken_over(), SIZE_PX[0])
    assert len(people) == 2
    hers = next(person for person in people if person.origin[0] == 1)
    his = next(person for person in people if person.origin[0] == 2)
    assert on_the_way(his, FRONT).all() and his.frames.tolist() == [*range(76), *range(76, 200)]
    seen = on_the_way(hers, BEHIND)
    assert seen.all() and hers.frames[-1] == 199 and hers.frames[0] == 0
    assert all(meeting.sure for meeting in (*his.met, *hers.met))


def test_the_time_behind_somebody_is_told_apart_from_not_being_found() -> None:
    people = settle_meetings(taken_over(), SIZE_PX[0])
    hers = next(person for person in people if person.origin[0] == 1)
    identity = identity_of([hers], TIME_S)
    assert identity.switches_s == [] and identity.hidden_frames == 200 - len(hers)
    (note,) = identity_notes(identity)
    assert note.startswith("hidden by somebody in similar clothes in ")
    his = next(person for person in people if person.origin[0] == 2)
    assert identity_notes(identity_of([his], TIME_S)) == []


def test_two_who_walk_side_by_side_and_are_both_followed_stay_as_they_are() -> None:
    pair = [walk(0, 199, start_x=100), walk(0, 199, start_x=200, torso_px=110.0, origin=2)]
    bound = [walk(0, 199, start_x=100, speed_px=4), walk(0, 199, start_x=400, speed_px=1.5, origin=2)]
    for tracks in (pair, bound):
        for before, after in zip(tracks, settle_meetings(tracks, SIZE_PX[0]), strict=True):
            assert after.frames.tolist() == before.frames.tolist() and not after.met


def test_two_tracks_that_swap_their_people_in_passing_are_swapped_back() -> None:
    swapped = [
        concatenate_tracks([walk(0, 60, start_x=300), walk(61, 120, start_x=780, speed_px=-4)]),
        concatenate_tracks([walk(0, 60, start_x=780, speed_px=-4), walk(61, 120, start_x=300)]),
    ]
    people = settle_meetings(swapped, SIZE_PX[0])
    assert all(len(set(np.sign(np.diff(person.hip_xy[:, 0])))) == 1 for person in people), "nobody turns round"
    assert all(person.met for person in people)


def test_people_in_other_clothes_are_left_alone() -> None:
    tracks = [walk(0, 120, start_x=300), walk(0, 120, start_x=780, speed_px=-4, colour=8, origin=2)]
    for before, after in zip(tracks, settle_meetings(tracks, SIZE_PX[0]), strict=True):
        assert after is before


def test_where_nothing_tells_them_apart_a_switch_is_counted_and_said() -> None:
    """Two of one size come together from both sides, and one stands there: it may be either."""
    one, two = walk(0, 60, start_x=360), walk(0, 60, start_x=920, speed_px=-4, origin=2)
    people = settle_meetings([one, two, walk(61, 199, start_x=640, speed_px=0, origin=3)], SIZE_PX[0])
    assert len(people) == 2 and not any(meeting.sure for person in people for meeting in person.met)
    went_on = max(people, key=len)
    assert len(identity_of([went_on], TIME_S).switches_s) == 1
    assert identity_notes(identity_of([went_on], TIME_S))[0].startswith("1 switch of the person: from ")
