"""Crop a box out of a picture."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.maths.body.person_box import whole_picture_box
from tasks.media.input.frames import Frame
from tasks.media.planes.crop import crop_and_resize, crop_rgb, reduced, small_rgb, small_size
from tasks.media.planes.layout import nearest_layout
from tasks.media.planes.plane_color import rgb_to_planes
from tasks.records import ColorTags

PICTURE = np.arange(40 * 60 * 3, dtype=np.uint8).reshape(40, 60, 3)


def test_the_whole_picture_at_its_own_size_is_unchanged() -> None:
    assert np.array_equal(crop_and_resize(PICTURE, whole_picture_box((60, 40)), (60, 40)), PICTURE)


def test_a_box_inside_the_picture_gives_its_pixels() -> None:
    assert np.array_equal(crop_and_resize(PICTURE, np.array([9.5, 4.5, 29.5, 14.5]), (20, 10)), PICTURE[5:15, 10:30])


@pytest.mark.parametrize(
    "edges", [(-10.5, -5.5, 9.5, 4.5), (49.5, 29.5, 69.5, 44.5), (-20.5, -20.5, 79.5, 59.5), (99.5, 4.5, 120.5, 14.5)]
)
def test_border_pixels_are_repeated_outside_the_picture(edges: tuple[float, ...]) -> None:
    x0, y0, x1, y1 = (round(edge + 0.5) for edge in edges)
    rows, columns = np.arange(y0, y1).clip(0, 39), np.arange(x0, x1).clip(0, 59)
    assert np.array_equal(crop_and_resize(PICTURE, np.array(edges), (x1 - x0, y1 - y0)), PICTURE[rows][:, columns])


def test_a_shrunken_picture_has_the_means_of_its_pixels() -> None:
    small = crop_and_resize(PICTURE, whole_picture_box((60, 40)), (30, 20))
    mean = PICTURE.reshape(20, 2, 30, 2, 3).astype(float).mean(axis=(1, 3))
    assert np.abs(small - mean).max() <= 1


def test_float_pictures_stay_float() -> None:
    mask = np.full((40, 60), 0.25, np.float32)
    part = crop_and_resize(mask, np.array([-5.5, -0.5, 20.5, 30.5]), (16, 8))
    assert part.dtype == np.float32
    assert_allclose(part, np.full((8, 16), 0.25), rtol=1e-6)


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p10le", "yuv420p10le", "gbrp", "gray", "gray10le"])
@pytest.mark.parametrize(("span", "full_chroma"), [(1, True), (2, True), (1, False)])
@pytest.mark.parametrize(
    "edges",
    [(99.5, 59.5, 399.5, 659.5), (-20.5, -9.5, 200.5, 300.5), (700.5, 500.5, 900.5, 760.5), (3.5, 3.5, 4.5, 4.5)],
)
def test_a_crop_of_the_planes_shows_the_crop_of_the_picture(
    form: str, span: int, full_chroma: bool, edges: tuple[float, ...]
) -> None:
    columns, rows = np.meshgrid(np.linspace(0, 1, 801), np.linspace(0, 1, 723))
    rgb = np.stack([40 + 150 * columns, 60 + 130 * rows, 200 - 120 * columns], axis=-1).astype(np.uint8)
    layout, color = nearest_layout(form), ColorTags(range=span)
    picture = Frame(0, 0, 1, rgb_to_planes(rgb, layout, color, 723), layout, color)
    part = crop_rgb(picture, np.array(edges), (128, 96), full_chroma=full_chroma)
    assert part.shape == (96, 128, 3) and part.flags.c_contiguous
    assert np.abs(part.astype(int) - crop_and_resize(picture.rgb(), np.array(edges), (128, 96))).max() <= (
        4 if full_chroma else 6
    )


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p10le", "yuv420p10le", "gbrp", "gray", "gray10le"])
@pytest.mark.parametrize(("size_px", "detail"), [((1280, 720), 20), ((1281, 723), 0)])  # odd: moved by half a sample
def test_a_picture_that_is_reduced_by_halves_first_looks_as_without(
    form: str, size_px: tuple[int, int], detail: float
) -> None:
    columns, rows = np.meshgrid(np.linspace(0, 1, size_px[0]), np.linspace(0, 1, size_px[1]))
    fine = detail * np.sin(400 * columns) * np.sin(300 * rows)
    rgb = np.stack([60 + 120 * columns + fine, 60 + 130 * rows - fine, 200 - 120 * columns], axis=-1).astype(np.uint8)
    layout, color = nearest_layout(form), ColorTags(range=1)
    picture = Frame(0, 0, 1, rgb_to_planes(rgb, layout, color, 723), layout, color)
    small = small_rgb(picture, (240, 135)).astype(int)
    assert np.abs(small - crop_rgb(picture, whole_picture_box(size_px), (240, 135))).max() <= 3


def test_a_reduced_picture_has_the_means_of_what_it_shows() -> None:
    ramp = np.add.outer(np.arange(103), np.arange(201)).clip(0, 255).astype(np.uint8)
    small = reduced(ramp, small_size((201, 103), 32))
    columns, rows = ((np.arange(count) + 0.5) * size / count - 0.5 for count, size in ((32, 201), (16, 103)))
    assert small.shape == (16, 32)
    assert np.abs(small - np.add.outer(rows, columns).clip(0, 255))[:, :24].max() <= 4
    assert reduced(small, (32, 16)) is small
