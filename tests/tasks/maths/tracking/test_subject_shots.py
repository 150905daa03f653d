"""Who is followed where a user has said it."""

import numpy as np
import pytest

from tasks.errors import ChoiceNotFound
from tasks.maths.body.landmarks import LANDMARK_COUNT
from tasks.maths.tracking.subject_shots import follow_by_hand
from tasks.maths.tracking.tracks import Track

SHOT = np.repeat([0, 1], 10)  # a scene cut before frame 10


def track(frames: range, origin: int) -> Track:
    count = len(frames)
    numbers = np.array(frames, np.int64)
    landmarks = np.zeros((count, LANDMARK_COUNT, 5))
    return Track(numbers, numbers / 30, landmarks, np.full((count, 2, 3, 10), np.nan), np.full(count, origin))


EVERYBODY = [track(range(20), 1), track(range(4, 18), 2), track(range(5), 3)]


def followed(*people: tuple[int, int]) -> list[tuple[int, int, int]]:
    """First and last frame, and the track, of each piece."""
    pieces = [EVERYBODY[0].where(SHOT == 0), EVERYBODY[0].where(SHOT == 1)]
    found = follow_by_hand(pieces, EVERYBODY, people, SHOT)
    return [(int(piece.frames[0]), int(piece.frames[-1]), int(piece.origin[0])) for piece in found]


def test_from_a_frame_on_the_named_person_is_followed_and_no_piece_crosses_a_cut() -> None:
    assert followed() == [(0, 9, 1), (10, 19, 1)]
    assert followed((6, 2)) == [(0, 5, 1), (6, 9, 2), (10, 17, 2)]
    assert followed((0, 2), (12, 1)) == [(4, 9, 2), (10, 11, 2), (12, 19, 1)]


def test_a_person_who_is_never_seen_there_is_refused() -> None:
    with pytest.raises(ChoiceNotFound, match="the person is never seen from that frame on"):
        follow_by_hand([], EVERYBODY, [(10, 3)], SHOT)
