"""Somebody in front of the person is told apart by the clothes, and taken out of the mask."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.matting.other_people import OtherPeople, frame_share
from tests.tasks.media.matting.test_matte import RATE_HZ

SIDE = 128
EDGES = np.array([-0.5, -0.5, SIDE - 0.5, SIDE - 0.5], np.float32)
GRAY, BLUE, ORANGE = (120, 120, 120), (40, 70, 160), (210, 110, 50)


def block(x: int, width: int = 40) -> Bytes:
    """The mask of a body whose left edge lies at ``x``."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[20:120, max(x, 0) : max(x + width, 0)] = 255
    return mask


def measured(levels: Bytes) -> Mask:
    return Mask(levels, EDGES, MaskState.measured)


def picture(own: Bytes, other: Bytes, clothes: tuple[int, int, int] = ORANGE) -> Bytes:
    """The person in blue, and somebody else in front."""
    rgb = np.full((SIDE, SIDE, 3), GRAY, np.uint8)
    rgb[own > 0] = BLUE
    rgb[other > 0] = clothes
    return rgb


def meeting(clothes: tuple[int, int, int], frames: int = 12, rate_hz: float = RATE_HZ) -> OtherPeople:
    """Two people who have been seen apart for some frames."""
    people = OtherPeople(rate_hz)
    own, other = block(10), block(80)
    for _ in range(frames):
        alone = people.without(measured(own), picture(own, other, clothes), measured(own), [measured(other)])
        np.testing.assert_array_equal(alone.probability, own)
    return people


def test_somebody_in_front_is_taken_out_though_both_networks_see_one_shape() -> None:
    people, own, other = meeting(ORANGE), block(40), block(65)
    both = measured(np.maximum(own, other))
    alone = people.without(both, picture(own, other), both, [measured(other)]).probability
    assert (alone[24:116, 44:60] > 200).all(), "what is seen of the person stays"
    assert (alone[24:116, 70:102] < 60).all()


def test_in_a_frame_in_which_nobody_is_told_apart_the_clothes_decide() -> None:
    people, own, other = meeting(ORANGE), block(40), block(65)
    both = measured(np.maximum(own, other))
    alone = people.without(both, picture(own, other), None, []).probability
    assert (alone[24:116, 44:60] > 200).all()
    assert (alone[24:116, 70:102] < 60).all()


def test_with_the_same_clothes_the_mask_stays_where_the_person_usually_is() -> None:
    people, own, other = meeting(BLUE), block(10), block(40)
    both = measured(np.maximum(own, other))
    alone = people.without(both, picture(own, other, BLUE), both, [measured(other)]).probability
    assert (alone[24:116, 12:48] > 200).all()
    assert (alone[24:116, 60:] < 60).all(), "there the person never was: somebody else is"


def test_somebody_who_is_never_seen_beside_the_person_may_be_the_person() -> None:
    """A body that turns over is found as somebody else."""
    people, own = meeting(ORANGE), block(10)
    for _ in range(30):
        people.without(measured(own), picture(own, block(-60)), measured(own), [])
    turned = measured(block(50))
    assert people.without(turned, picture(block(50), block(-60), BLUE), None, [turned]) is turned


def test_what_only_the_others_mask_shows_comes_back_where_it_wears_the_persons_clothes() -> None:
    people, own, other = meeting(ORANGE), block(10), block(45)
    half, both = own.copy(), measured(np.maximum(own, other))
    half[:70] = 0
    alone = people.without(measured(half), picture(own, other), None, [both]).probability
    assert (alone[30:110, 14:40] > 200).all()
    assert (alone[24:116, 54:82] < 60).all()


def test_nobody_near_changes_nothing() -> None:
    own = measured(block(40))
    people = OtherPeople(RATE_HZ)
    for _ in range(30):
        assert people.without(own, picture(block(40), block(-60)), own, []) is own


def test_an_arm_that_the_others_mask_misses_is_taken_out_by_its_colour() -> None:
    people, own, other, arm = meeting(ORANGE), block(10), block(80), np.zeros((SIDE, SIDE), np.uint8)
    arm[60:70, 40:80] = 255
    both = measured(np.maximum(own, arm))
    alone = people.without(both, picture(own, np.maximum(other, arm)), both, [measured(other)]).probability
    assert (alone[61:69, 60:76] < 60).all()
    np.testing.assert_array_equal(alone[:55], own[:55])


@pytest.mark.parametrize("rate_hz", [24.0, 30.0, 120.0])
def test_somebody_who_is_no_longer_found_is_taken_out_for_two_thirds_of_a_second(rate_hz: float) -> None:
    frames = round(0.6 * max(rate_hz, RATE_HZ))
    people, own, other = meeting(ORANGE, rate_hz=rate_hz), block(40), block(65)
    both = measured(np.maximum(own, other))
    people.without(both, picture(own, other), both, [measured(other)])
    for _ in range(frames):
        alone = people.without(both, picture(own, other), None, []).probability
    assert (alone[24:116, 70:102] < 60).all()
    for _ in range(frames):
        alone = people.without(both, picture(own, other), None, []).probability
    np.testing.assert_array_equal(alone, both.probability)


@pytest.mark.parametrize("rate_hz", [30.0, 120.0])
def test_the_clothes_of_two_thin_people_are_known_after_a_third_of_a_second(rate_hz: float) -> None:
    people, own, other = OtherPeople(rate_hz), block(10, 2), block(80, 2)
    known = []
    for _ in range(round(0.4 * rate_hz)):
        mask = measured(own)
        known.append(people.without(mask, picture(own, other), mask, [measured(other)]) is not mask)
    assert not any(known[: round(0.2 * rate_hz)]) and known[-1]


def test_where_the_person_used_to_be_is_forgotten_as_fast_in_seconds_at_120_hz() -> None:
    def shown(rate_hz: float, times: int) -> NDArray[np.float64]:
        people = meeting(BLUE, rate_hz=rate_hz, frames=12 * times)
        own, other = block(50, 30), block(10, 30)
        both = measured(np.maximum(own, other))
        for _ in range(10 * times):
            people.without(measured(own), picture(own, block(-60)), measured(own), [])
        alone = people.without(both, picture(own, other, BLUE), measured(own), [measured(other)])
        return alone.probability[24:116, 14:36].astype(np.float64)

    usual, fast, as_before = shown(RATE_HZ, 1), shown(4 * RATE_HZ, 4), shown(RATE_HZ, 4)
    assert np.abs(fast - usual).mean() < 0.05 * np.abs(as_before - usual).mean()


def test_up_to_30_hz_every_frame_counts_whole_and_beyond_all_of_a_second_count_the_same() -> None:
    assert [frame_share(rate_hz) for rate_hz in (10.0, 24.0, 29.97, 30.0)] == [1.0] * 4
    assert [rate_hz * frame_share(rate_hz) for rate_hz in (60.0, 120.0, 240.0)] == [30.0] * 3
