"""RGB for the models and luma for the feature tracker, from every pixel format."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from tasks.media.input.frames import Frame
from tasks.media.input.rgb_frames import RGB_LONGEST_PX, RgbFrame, downscaled_rgb, luma_8bit
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.media.planes.plane_color import rgb_to_planes
from tasks.records import ColorTags


def frame_of(layout: PixelLayout, *planes: NDArray[np.uint8] | NDArray[np.uint16]) -> Frame:
    return Frame(0, 0, 1, planes, layout, ColorTags())


RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)


def test_eight_bit_luma_is_returned_unchanged() -> None:
    gray = frame_of(PixelLayout("gray", 8, (0, 0), 1), RAMP)
    assert luma_8bit(gray) is gray.planes[0]


@pytest.mark.parametrize("depth", [10, 12])
def test_deeper_luma_keeps_its_highest_eight_bits(depth: int) -> None:
    deep = (RAMP.astype(np.uint16) << (depth - 8) | 1).astype(np.uint16)
    luma = luma_8bit(frame_of(PixelLayout(f"gray{depth}le", depth, (0, 0), 1), deep))
    assert luma.dtype == np.uint8
    assert_allclose(luma, RAMP)


def test_luma_of_rgb_is_its_gray() -> None:
    red = RAMP.copy()
    red[0, 0] = 255
    luma = luma_8bit(frame_of(PixelLayout("gbrp", 8, (0, 0), 3), RAMP, RAMP, red))
    assert luma[0, 0] == 76 and luma.dtype == np.uint8
    assert_allclose(luma.ravel()[1:], RAMP.ravel()[1:])


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p10le", "gbrp", "gray"])
@pytest.mark.parametrize("size", [(1920, 1088), (1082, 1921), (4001, 1001)])
def test_points_in_a_downscaled_frame_map_back_to_source_pixels(form: str, size: tuple[int, int]) -> None:
    width, height = size
    rgb = np.full((height, width, 3), 60, np.uint8)
    rgb[height // 4 : height // 2, width // 3 : width // 2] = 200
    whole = frame_of(nearest_layout(form), *rgb_to_planes(rgb, nearest_layout(form), ColorTags(), height))
    small = downscaled_rgb(whole)
    assert max(small.shape) <= RGB_LONGEST_PX < 2 * max(small.shape) and small.flags.c_contiguous
    rows, columns = np.nonzero(small[..., 1] > 130)
    centre = np.array([[columns.mean(), rows.mean(), 1.0, 0.9, 0.8]])
    at = RgbFrame(0, 0.0, small, luma_8bit(whole)).to_source(centre)[0]
    true = np.array([(width // 3 + width // 2 - 1) / 2, (height // 4 + height // 2 - 1) / 2])
    step = width / small.shape[1]
    assert np.abs(at[:2] - true).max() <= 0.51 * step and at[2] == step and at[3:].tolist() == [0.9, 0.8]
    assert abs(int(small[0, 0, 1]) - 60) <= 2 and abs(int(small[tuple(centre[0, 1::-1].astype(int))][1]) - 200) <= 2


def test_a_small_frame_is_not_scaled() -> None:
    planes = rgb_to_planes(np.full((54, RGB_LONGEST_PX, 3), 90, np.uint8), nearest_layout("yuv420p"), ColorTags(), 54)
    whole = frame_of(nearest_layout("yuv420p"), *planes)
    frame = RgbFrame(0, 0.0, downscaled_rgb(whole), luma_8bit(whole))
    assert frame.rgb.shape == (54, RGB_LONGEST_PX, 3)
    points = np.arange(10.0).reshape(2, 5)
    assert_allclose(frame.to_source(points), points)
