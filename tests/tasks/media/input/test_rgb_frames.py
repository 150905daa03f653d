"""RGB for the models and luma for the feature tracker, from every pixel format."""

import cv2
import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray

from tasks.maths.tracking.squares import Square, from_image, into_image
from tasks.media.input.frames import Frame
from tasks.media.input.rgb_frames import RGB_LONGEST_PX, RgbFrame, luma_8bit
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
def test_a_large_picture_is_made_smaller_as_a_whole(form: str, size: tuple[int, int]) -> None:
    frame = rgb_frame(rectangle(size), form)
    small = frame.whole()
    assert frame.size_px == size and small is frame.whole()
    assert max(small.shape) <= RGB_LONGEST_PX < 2 * max(small.shape) and small.flags.c_contiguous
    assert np.abs(bright_middle(small, size[0] / small.shape[1]) - rectangle_middle(size)).max() <= 0.51 * (
        size[0] / small.shape[1]
    )


def test_a_small_picture_stays_as_it_is() -> None:
    frame = rgb_frame(np.full((54, RGB_LONGEST_PX, 3), 90, np.uint8), "yuv420p")
    assert frame.whole().shape == (54, RGB_LONGEST_PX, 3)


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p10le", "gbrp", "gray"])
@pytest.mark.parametrize("square", [Square(200, 100, 400), Square(300, 200, 140), Square(-60, -40, 700)])
def test_a_part_shows_its_square_and_points_go_back_to_their_places(form: str, square: Square) -> None:
    image = rgb_frame(rectangle((960, 540)), form).part(square, 256)
    assert image.shape == (256, 256, 3) and image.flags.c_contiguous
    rows, columns = np.nonzero(image[..., 1] > 130)
    found = np.array([[columns.mean(), rows.mean(), 1.0, 0.9, 0.8]])
    x, y, side = square
    low, high = np.array([320, 135]), np.array([479, 269])
    clipped = np.clip([low, high], [x, y], [x + side - 1, y + side - 1]).mean(axis=0)
    at = from_image(found, square.edges_px, 256)
    assert np.abs(at[0, :2] - clipped).max() <= max(side / 256, 1.0)
    assert at[0, 3:].tolist() == [0.9, 0.8]
    assert_allclose(into_image(at, square.edges_px, 256)[:, :2], found[:, :2])


@pytest.mark.parametrize("aspect", [2.0, 64 / 45, 4 / 3, 16 / 15, 8 / 9, 0.5])
@pytest.mark.parametrize("form", ["yuv420p", "gbrp"])
def test_a_frame_of_other_pixels_is_shown_in_its_own_shape(form: str, aspect: float) -> None:
    rgb = cv2.resize(rectangle((960, 540)), (round(960 / aspect), 540), interpolation=cv2.INTER_AREA)
    frame, square = rgb_frame(rgb, form, aspect), Square(302, 104, 200)
    assert frame.size_px == (960, 540)
    assert frame.whole().shape == (540, 960, 3)
    assert frame.reduced_luma.shape == (270, 480)
    assert np.abs(frame.whole().astype(int) - rectangle((960, 540))).mean() < 2
    edges_px = frame.edges_px(square)
    assert np.abs(edges_px - square.edges_px).max() <= 2 * aspect
    rows, columns = np.nonzero(frame.part(square, 256)[..., 1] > 130)
    corners = np.array([[columns.min() - 0.5, rows.min() - 0.5], [columns.max() + 0.5, rows.max() + 0.5]])
    place = from_image(np.hstack([corners, np.zeros((2, 3))]), edges_px, 256)[:, :2]
    assert np.abs(place - [[319.5, 134.5], [479.5, 269.5]]).max() <= max(1.0, aspect)


def rectangle(size: tuple[int, int]) -> NDArray[np.uint8]:
    """A dark picture with a light rectangle."""
    width, height = size
    rgb = np.full((height, width, 3), 60, np.uint8)
    rgb[height // 4 : height // 2, width // 3 : width // 2] = 200
    return rgb


def rectangle_middle(size: tuple[int, int]) -> NDArray[np.float64]:
    width, height = size
    return np.array([(width // 3 + width // 2 - 1) / 2, (height // 4 + height // 2 - 1) / 2])


def bright_middle(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.float64]:
    """The middle of the light rectangle, in pixels ``scale`` times as fine."""
    rows, columns = np.nonzero(rgb[..., 1] > 130)
    return (np.array([columns.mean(), rows.mean()]) + 0.5) * scale - 0.5


def rgb_frame(rgb: NDArray[np.uint8], form: str, widening: float = 1.0) -> RgbFrame:
    layout = nearest_layout(form)
    return RgbFrame(0, 0.0, frame_of(layout, *rgb_to_planes(rgb, layout, ColorTags(), rgb.shape[0])), widening)
