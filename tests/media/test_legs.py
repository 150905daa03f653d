"""What a second look at the legs adds to a mask, and what it must not."""

import numpy as np
from numpy.testing import assert_array_equal

from tasks.media.legs import BONES, add_legs, seen_bones

BODY = np.array([-0.5, -0.5, 127.5, 255.5])  # edges of a box of 128x256 px, on a raster of 64x64
LEGS = np.array([-0.5, 127.5, 127.5, 255.5])
ALL = np.ones((64, 64), np.float32)
NOTHING = np.zeros((64, 64), np.float32)


def upright() -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Shoulders at row 60, hips at 120, one leg straight down at column 64, the other raised to the left."""
    xy = np.full((33, 2), 64.0)
    xy[11:13, 1], xy[23:25, 1] = 60, 120
    xy[[25, 27, 29, 31]] = [[64, 160], [64, 230], [64, 240], [70, 240]]
    xy[[26, 28, 30, 32]] = [[60, 160], [20, 160], [10, 160], [10, 170]]
    return xy


def test_what_lies_near_a_leg_is_added_and_nothing_else() -> None:
    bones = seen_bones(np.ones(33))
    assert len(bones) == len(BONES)
    mask = add_legs(NOTHING, BODY, ALL, LEGS, upright(), bones)
    assert mask[57, 32] > 0.99  # the foot on the ground, column 64 and row 230 of the picture
    assert mask[40, 10] > 0.99  # the raised one, column 20 and row 160
    assert mask[57, 10] == 0  # what the network sees beside them
    assert mask[15, 32] == 0  # above the second look


def test_nothing_is_taken_away() -> None:
    rng = np.random.default_rng(1)
    before = rng.random((64, 64), np.float32)
    after = add_legs(before, BODY, rng.random((64, 64), np.float32), LEGS, upright(), list(BONES))
    assert (after >= before).all()
    assert_array_equal(add_legs(before, BODY, NOTHING, LEGS, upright(), list(BONES)), before)


def test_legs_that_are_a_guess_are_not_looked_for() -> None:
    visibility = np.ones(33)
    visibility[26] = 0.1  # a knee: neither thigh nor shin of that side
    assert (24, 26) not in seen_bones(visibility) and (26, 28) not in seen_bones(visibility)
    assert seen_bones(np.full(33, np.nan)) == []
