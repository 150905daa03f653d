"""Which places of the picture have not changed since they were searched."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.tracking.squares import Square
from tasks.maths.tracking.unchanged import CHANGED_LEVELS, MOST_SKIPS, Shown, UnchangedPlaces

SIZE_PX = (1280, 720)  # eight times the small picture
TILE = Square(640, 200, 264)
PERSON_PX = 57  # the smallest person that is searched for in the tile
NOISE = np.random.default_rng(1).integers(0, 256, (90, 160)).astype(np.uint8)
STREET = np.asarray(cv2.GaussianBlur(NOISE, (0, 0), 2), np.uint8)
Luma = NDArray[np.uint8]


def with_person(x_px: int, height_px: int = PERSON_PX, levels: int = 4 * CHANGED_LEVELS) -> Luma:
    """The street with somebody at (``x_px``, 300), a fourth as wide as high."""
    luma = STREET.copy()
    luma[300 // 8 : (300 + height_px) // 8, x_px // 8 : (x_px + height_px // 4) // 8 + 1] += np.uint8(levels)
    return luma


def skips(*pictures: Shown, place: Square | None = TILE) -> list[bool]:
    places = UnchangedPlaces()
    return [places.may_skip(place, shown) for shown in pictures]


def test_the_same_picture_is_left_out_a_few_times_and_then_searched_again() -> None:
    assert skips(*[Shown(SIZE_PX, STREET)] * (MOST_SKIPS + 3)) == [False, *[True] * MOST_SKIPS, False, True]


@pytest.mark.parametrize("place", [TILE, Square(0, 0, 720), None])
def test_a_place_in_which_somebody_appears_is_searched(place: Square | None) -> None:
    height_px = PERSON_PX if place == TILE else 200
    assert skips(Shown(SIZE_PX, STREET), Shown(SIZE_PX, with_person(700, height_px)), place=place) == [False, False]


def test_noise_and_who_appears_elsewhere_are_no_change() -> None:
    noise = np.random.default_rng(2).integers(-CHANGED_LEVELS // 2, CHANGED_LEVELS // 2, STREET.shape)
    noisy = (STREET + noise).astype(np.uint8)
    assert skips(Shown(SIZE_PX, STREET), Shown(SIZE_PX, noisy)) == [False, True]
    assert skips(Shown(SIZE_PX, STREET), Shown(SIZE_PX, with_person(300))) == [False, True]


def test_a_slow_change_is_compared_with_what_was_searched() -> None:
    slow = [Shown(SIZE_PX, STREET + np.uint8(level)) for level in (0, CHANGED_LEVELS // 2, CHANGED_LEVELS + 1)]
    assert skips(*slow) == [False, True, False]


def test_who_is_covered_is_no_change_and_what_was_never_seen_is_searched() -> None:
    box = (690.0, 290.0, 730.0, 370.0)
    street, covered, gone = Shown(SIZE_PX, STREET), Shown(SIZE_PX, with_person(700), [box]), with_person(700, levels=0)
    assert skips(street, covered, Shown(SIZE_PX, gone)) == [False, True, True]
    assert skips(covered, Shown(SIZE_PX, gone)) == [False, False]
    assert skips(street, covered, Shown(SIZE_PX, with_person(700))) == [False, True, False]


def test_a_picture_that_trembles_by_a_cell_is_no_change() -> None:
    moved = np.roll(NOISE, 1, axis=1)
    moved[:, 0] = NOISE[:, 0]  # what comes in at the edge was not there before
    assert skips(Shown(SIZE_PX, NOISE), Shown(SIZE_PX, moved), place=None) == [False, True]


def test_the_place_in_which_most_moves_comes_first_and_then_the_one_that_waits() -> None:
    near, wide, still = Square(640, 250, 160), Square(500, 100, 400), Square(0, 0, 264)
    places = UnchangedPlaces()
    for place in (near, wide, still):
        places.search(place, Shown(SIZE_PX, STREET))
    turns = []
    for frame in range(6):
        shown = Shown(SIZE_PX, with_person(660 + 16 * (frame % 2)))
        turn = places.most_moving([near, wide, still], shown)
        turns.append(turn)
        if turn is not None:
            places.search(turn, shown)
    assert turns[0] is None and turns[1] == near and set(turns[1:]) == {near, wide}


def test_the_limbs_of_who_is_covered_are_no_motion_and_what_moves_beyond_them_is() -> None:
    box, places = (690.0, 290.0, 730.0, 370.0), UnchangedPlaces()
    places.search(None, Shown(SIZE_PX, STREET))  # since then the tile waits
    for x_px in (700, 716, 724):  # at last beyond the box, by less than the limbs
        assert places.most_moving([TILE], Shown(SIZE_PX, with_person(x_px, 72), [box])) is None
    assert places.most_moving([TILE], Shown(SIZE_PX, with_person(760, 72), [box])) == TILE


def test_a_tile_beside_a_picture_of_a_few_pixels_has_no_share_that_moves() -> None:
    places, beside = UnchangedPlaces(), Square(0, -8, 4)
    with np.errstate(all="raise"):
        for level in (0, 200):
            shown = Shown((640, 7), np.full((2, 160), level, np.uint8))
            assert places.most_moving([beside], shown) is None
