"""Repeated frames: found by how little the picture changes beside its neighbours, and pointing at what they repeat."""

import numpy as np
import pytest

from tasks.maths.repeated_frames import Changes, find_repeated, first_showing


def changes(frames: int, every: int, left: float = 0.0, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Changes of a moving picture in which every n-th frame is repeated, changed by the share ``left``; which are."""
    random = np.random.default_rng(seed)
    moving = random.uniform(1.5, 3.5, frames)
    repeated = np.arange(frames) % every == every - 1
    found = np.where(repeated, left * moving, moving)
    found[0], repeated[0] = np.nan, False
    return found[:, None], repeated


@pytest.mark.parametrize("every", [2, 3, 5, 6])
@pytest.mark.parametrize("left", [0.0, 0.05])
def test_repeated_frames_of_a_stretched_clip_are_found(every: int, left: float) -> None:
    found, repeated = changes(60, every, left)
    assert np.array_equal(find_repeated(found), repeated)


def test_regular_ones_are_found_even_where_they_were_encoded_badly() -> None:
    found, repeated = changes(60, 5, 0.2)
    assert np.array_equal(find_repeated(found), repeated)


def test_a_frame_between_that_changes_little_is_not_taken_for_one_of_the_regular_ones() -> None:
    found, repeated = changes(60, 5, 0.03)
    found[28] = 0.6  # one frame before a repeated one
    assert np.array_equal(find_repeated(found), repeated)


def test_an_ordinary_clip_and_a_still_one_repeat_nothing() -> None:
    for seed in range(20):
        assert not find_repeated(changes(80, 1000, seed=seed)[0]).any()
    assert not find_repeated(np.full((40, 1), 0.1)).any()
    for count in (1, 2):
        assert not find_repeated(np.array([[np.nan], [2.0]])[:count]).any()


def test_one_dropped_frame_is_found() -> None:
    found, _ = changes(60, 1000)
    found[30] = 0.01
    assert np.flatnonzero(find_repeated(found)).tolist() == [30]


def test_a_frame_between_two_flashes_is_not_repeated() -> None:
    found, _ = changes(60, 1000)
    found[[28, 29, 31, 32, 33]] = 30.0
    assert not find_repeated(found).any()


def test_a_person_who_moves_between_flashes_of_the_whole_picture_is_not_repeated() -> None:
    random, changes = np.random.default_rng(4), Changes()
    street = random.integers(60, 120, (216, 384), np.uint8)
    for number in range(60):
        picture = street + np.uint8(50 if 26 <= number <= 28 or 30 <= number <= 33 or number in (20, 36, 40) else 0)
        picture[100:150, 4 * number : 4 * number + 30] = 20
        changes.add(picture)
    assert not changes.repeated().any()


def test_a_repeated_frame_shows_the_first_with_its_picture() -> None:
    repeated = np.array([True, False, True, True, False])
    assert first_showing(repeated).tolist() == [0, 1, 1, 1, 4]


def test_the_pictures_of_a_stretched_clip_that_repeat_are_found() -> None:
    random, changes = np.random.default_rng(3), Changes()
    pictures = random.integers(0, 256, (40, 48, 32), np.uint8)
    for number in range(50):  # 24 Hz in 30 Hz
        changes.add(pictures[number - (number + 1) // 5])
    assert np.flatnonzero(changes.repeated()).tolist() == list(range(4, 50, 5))
