"""The soft edge: as wide as colours tell, and no wider than asked."""

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes
from tasks.media.matting.mixed_edge import mixed_edge

SIDE, EDGE_PX = 64, 3


def edge_of(picture: Bytes, plate: Bytes) -> NDArray[np.float32]:
    """Opacity of a person who fills the columns from 32 on."""
    inside = np.zeros((SIDE, SIDE), np.uint8)
    inside[:, 32:] = 1
    opacity = mixed_edge([picture], [plate], inside, [picture], np.ones((SIDE, SIDE), np.float32), EDGE_PX)
    return opacity.astype(np.float32) / np.float32(255)


def test_a_pixel_is_as_opaque_as_its_colour_says() -> None:
    plate, picture = np.full((SIDE, SIDE), 60, np.uint8), np.full((SIDE, SIDE), 60, np.uint8)
    picture[:, 32:], picture[:, 31] = 200, 102  # 0.3 of the person
    alpha = edge_of(picture, plate)
    assert abs(float(alpha[:, 31].mean()) - 0.3) < 0.07
    assert (alpha[:, 33:] > 0.95).all()
    assert (alpha[:, :30] < 0.05).all()


def test_where_both_have_one_colour_the_edge_is_soft_and_narrow() -> None:
    alike = np.full((SIDE, SIDE), 60, np.uint8)
    alpha = edge_of(alike, alike)
    assert 0.5 < alpha[8, 32] < 1
    assert 0 < alpha[8, 31] < 0.5
    assert not alpha[:, : 32 - EDGE_PX - 1].any()
    assert (alpha[:, 32 + EDGE_PX + 1 :] == 1).all()
