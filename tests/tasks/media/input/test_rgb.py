"""Brightness for the feature tracker, whatever the picture is stored as."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from tasks.media.input.frames import Picture
from tasks.media.input.rgb import LONGEST_PX, RgbFrame, luma_of, small_rgb
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.media.planes.plane_color import rgb_to_planes
from tasks.records import ColorTags


def picture(layout: PixelLayout, *planes: NDArray[np.uint8] | NDArray[np.uint16]) -> Picture:
    return Picture(0, 0, 1, planes, layout, ColorTags())


RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_eight_bits_are_handed_on_as_they_are() -> None:
    gray = picture(PixelLayout("gray", 8, (0, 0), 1), RAMP)
    assert luma_of(gray) is gray.planes[0]


@pytest.mark.parametrize("depth", [10, 12])
def test_more_bits_lose_their_lowest(depth: int) -> None:
    deep = (RAMP.astype(np.uint16) << (depth - 8) | 1).astype(np.uint16)
    luma = luma_of(picture(PixelLayout(f"gray{depth}le", depth, (0, 0), 1), deep))
    assert luma.dtype == np.uint8
    assert_allclose(luma, RAMP)


def test_rgb_becomes_gray() -> None:
    red = RAMP.copy()
    red[0, 0] = 255
    luma = luma_of(picture(PixelLayout("gbrp", 8, (0, 0), 3), RAMP, RAMP, red))
    assert luma[0, 0] == 76 and luma.dtype == np.uint8
    assert_allclose(luma.ravel()[1:], RAMP.ravel()[1:])


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p10le", "gbrp", "gray"])
@pytest.mark.parametrize("size", [(1920, 1088), (1082, 1921), (4001, 1001)])
def test_a_large_picture_is_made_small_and_its_points_go_back_to_their_places(form: str, size: tuple[int, int]) -> None:
    width, height = size
    rgb = np.full((height, width, 3), 60, np.uint8)
    rgb[height // 4 : height // 2, width // 3 : width // 2] = 200
    whole = picture(nearest_layout(form), *rgb_to_planes(rgb, nearest_layout(form), ColorTags(), height))
    small = small_rgb(whole)
    assert max(small.shape) <= LONGEST_PX < 2 * max(small.shape) and small.flags.c_contiguous
    rows, columns = np.nonzero(small[..., 1] > 130)
    centre = np.array([[columns.mean(), rows.mean(), 1.0, 0.9, 0.8]])
    at = RgbFrame(0, 0.0, small, luma_of(whole)).to_source(centre)[0]
    true = np.array([(width // 3 + width // 2 - 1) / 2, (height // 4 + height // 2 - 1) / 2])
    step = width / small.shape[1]
    assert np.abs(at[:2] - true).max() <= 0.51 * step and at[2] == step and at[3:].tolist() == [0.9, 0.8]
    assert abs(int(small[0, 0, 1]) - 60) <= 2 and abs(int(small[tuple(centre[0, 1::-1].astype(int))][1]) - 200) <= 2


def test_a_small_picture_stays_as_it_is() -> None:
    planes = rgb_to_planes(np.full((54, LONGEST_PX, 3), 90, np.uint8), nearest_layout("yuv420p"), ColorTags(), 54)
    whole = picture(nearest_layout("yuv420p"), *planes)
    frame = RgbFrame(0, 0.0, small_rgb(whole), luma_of(whole))
    assert frame.rgb.shape == (54, LONGEST_PX, 3)
    points = np.arange(10.0).reshape(2, 5)
    assert_allclose(frame.to_source(points), points)
