"""A part that the mask misses is joined with the person where a limb would be."""

import numpy as np

from tasks.maths.arrays import Bytes, Flags
from tasks.media.matting.joined_limbs import limbs_between

SHAPE = (100, 60)
GRAY = np.full(SHAPE, 128, np.uint8)


def standing(shoe: Flags, *, limb: Flags | None = None) -> tuple[Bytes, Flags]:
    """What joins a ``shoe`` with a body beside it, before a background that only the ``limb`` differs from; the body.

    The body is as high as the picture, and broad down to the knee.
    """
    body = np.zeros(SHAPE, np.bool_)
    body[5:70, 10:30] = True
    body[70:95, 10:18] = True
    luma = GRAY.copy()
    luma[shoe] = 220
    if limb is not None:
        luma[limb] = 200
    limbs = limbs_between([luma, GRAY, GRAY], [GRAY] * 3, np.zeros(SHAPE, np.bool_), body.view(np.uint8), [body])
    parts = shoe.view(np.uint8) * np.uint8(255)
    limbs.join(parts, shoe)
    return parts, body


def box(first_row: int, last_row: int, first: int, last: int) -> Flags:
    flags = np.zeros(SHAPE, np.bool_)
    flags[first_row:last_row, first:last] = True
    return flags


def test_a_raised_foot_hangs_from_the_knee_and_not_from_the_other_leg_beside_it() -> None:
    parts, _ = standing(box(74, 88, 23, 31))
    assert parts[70:74, 20:28].any()
    assert not parts[82:90, 18:22].any()


def test_a_part_beside_the_body_is_joined_straight() -> None:
    parts, body = standing(box(30, 40, 40, 48))
    rows = np.flatnonzero(parts[:, 34])
    assert rows.min() >= 28 and rows.max() <= 42
    assert not (parts[body] > 0).any()


def test_the_limb_leads_over_what_differs_from_the_plate() -> None:
    """An arm leads down to the hand, though the body is as near straight beside it."""
    arm = np.zeros(SHAPE, np.bool_)
    for step in range(16):
        arm[14 + step : 22 + step, 30 + step : 33 + step] = True
    parts, _ = standing(box(32, 40, 46, 54), limb=arm)
    assert parts[20:24, 34].any()
    assert not parts[36:40, 34].any()


def test_no_slit_is_left_between_a_part_and_the_body() -> None:
    parts, _ = standing(box(40, 50, 31, 39))
    assert parts[41:49, 30].min() == 255


def test_a_foot_at_the_end_of_a_leg_needs_no_limb() -> None:
    shoe = box(66, 80, 30, 38)
    parts, _ = standing(shoe)
    assert np.count_nonzero(parts) - np.count_nonzero(shoe) < 12
