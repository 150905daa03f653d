"""Brightness for the feature tracker, whatever the picture is stored as."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from tasks.media.frames import Picture
from tasks.media.layout import PixelLayout
from tasks.media.rgb import luma_of
from tasks.records import ColorTags


def picture(layout: PixelLayout, *planes: NDArray[np.uint8] | NDArray[np.uint16]) -> Picture:
    return Picture(0, 0, 1, planes, layout, ColorTags())


RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_eight_bits_are_handed_on_as_they_are() -> None:
    gray = picture(PixelLayout("gray", 8, (0, 0), 1), RAMP)
    assert luma_of(gray, gray.rgb()) is gray.planes[0]


@pytest.mark.parametrize("depth", [10, 12])
def test_more_bits_lose_their_lowest(depth: int) -> None:
    deep = (RAMP.astype(np.uint16) << (depth - 8) | 1).astype(np.uint16)
    luma = luma_of(picture(PixelLayout(f"gray{depth}le", depth, (0, 0), 1), deep), np.zeros((16, 16, 3), np.uint8))
    assert luma.dtype == np.uint8
    assert_allclose(luma, RAMP)


def test_rgb_becomes_gray() -> None:
    rgb = np.stack([RAMP, RAMP, RAMP], axis=-1)
    rgb[0, 0] = (255, 0, 0)
    luma = luma_of(picture(PixelLayout("gbrp", 8, (0, 0), 3), RAMP, RAMP, RAMP), rgb)
    assert luma[0, 0] == 76 and luma.dtype == np.uint8
    assert_allclose(luma.ravel()[1:], RAMP.ravel()[1:])
