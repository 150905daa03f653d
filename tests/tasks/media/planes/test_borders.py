"""Borders of the output and the blur of a masked picture."""

import numpy as np
import pytest

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.media.matting.cutout import blurred_background
from tasks.media.planes.borders import BORDER_BLUR_SHARE, BORDER_BRIGHTNESS, blur_border, masked_blur
from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.layout import nearest_layout
from tasks.media.planes.shift import shift_planes
from tasks.media.planes.warp import warp_planes

SIZE = (160, 120)
BLACK = (16, 128, 128)


@pytest.mark.parametrize(("name", "unit"), [("yuv420p", 1), ("yuv444p", 1), ("yuv420p10le", 4)])
def test_the_border_of_a_flat_picture_is_dimmed_and_its_inside_unchanged(name: str, unit: int) -> None:
    layout = nearest_layout(name)
    values, black = [value * unit for value in (180, 90, 150)], [value * unit for value in BLACK]
    planes = tuple(
        np.full(layout.plane_wh(index, SIZE)[::-1], value, layout.dtype) for index, value in enumerate(values)
    )
    matrix = affine.translation(np.array([40.0, -30.0]))
    moved = shift_planes(planes, layout, (40.0, -30.0), SIZE, border="replicate")
    shown = blur_border(moved, planes, layout, matrix, black, 0)
    for plane, value, dark in zip(shown, values, black, strict=True):
        rows, columns = plane.shape
        assert plane.dtype == layout.dtype
        assert (plane[: rows * 3 // 4 - 1, columns // 4 + 1 :] == value).all()
        dim = dark + BORDER_BRIGHTNESS * (value - dark)
        assert np.abs(plane[:, : columns // 4 - 1] - dim).max() <= 1
        assert np.abs(plane[rows * 3 // 4 + 1 :] - dim).max() <= 1


def test_a_covered_output_is_unchanged() -> None:
    layout = nearest_layout("yuv420p")
    planes = tuple(np.zeros(layout.plane_wh(index, SIZE)[::-1], np.uint8) for index in range(3))
    moved = warp_planes(planes, layout, affine.translation(np.array([-20.0, -20.0])), (100, 80))
    assert blur_border(moved, planes, layout, affine.translation(np.array([-20.0, -20.0])), BLACK, 0) is moved


def test_the_border_of_a_turned_picture_is_smooth() -> None:
    layout = nearest_layout("gray")
    checks = ((np.indices(SIZE[::-1]).sum(axis=0) // 4) % 2 * 200 + 20).astype(np.uint8)
    matrix = affine.about_target(affine.scale_and_turn(0.5, 0.5), np.zeros(2), np.array([79.5, 59.5]))
    moved = warp_planes([checks], layout, matrix, SIZE, border="replicate")
    (shown,) = blur_border(moved, [checks], layout, matrix, (0,), 0)
    assert np.ptp(shown[:20, :20]) < 12
    assert np.ptp(shown[50:70, 70:90]) > 100


def test_pixels_without_weight_do_not_show_through() -> None:
    plane = np.full((120, 160), 60, np.uint8)
    plane[40:80, 60:100] = 250
    weight = np.ones(plane.shape, np.float32)
    weight[38:82, 58:102] = 0
    behind = masked_blur(plane, (12.0, 12.0), weight, 16)
    outside = weight > 0
    assert np.abs(behind[outside].astype(int) - 60).max() <= 1
    plain = masked_blur(plane, (12.0, 12.0), np.ones(plane.shape, np.float32), 16)
    assert plain[outside].max() > 90


def test_the_result_is_empty_where_no_pixel_has_weight() -> None:
    plane = np.full((60, 80), 700, np.uint16)
    assert (masked_blur(plane, (5.0, 5.0), np.zeros(plane.shape, np.float32), 64) == 64).all()


@pytest.mark.parametrize("sigma_px", [1.0, 6.0, 40.0])
def test_a_blur_keeps_the_mean_and_reduces_the_variance(sigma_px: float) -> None:
    plane = np.random.default_rng(5).integers(0, 256, (120, 160), dtype=np.uint8)
    blurred = masked_blur(plane, (sigma_px, sigma_px), np.ones(plane.shape, np.float32), 16)
    assert blurred.mean() == pytest.approx(plane.mean(), abs=2.5)
    assert blurred.std() < plane.std() / sigma_px


def width_px(line: Floats, step: int) -> float:
    """Width of a blurred edge in luma pixels: two standard deviations."""
    share = (line - line.min()) / np.ptp(line)
    return float(np.interp(0.841, share, np.arange(len(share))) - np.interp(0.159, share, np.arange(len(share)))) * step


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p", "yuv444p"])
@pytest.mark.parametrize("across", [True, False])
def test_chroma_is_blurred_as_far_as_luma_along_both_axes(name: str, across: bool) -> None:
    layout, (width, height) = nearest_layout(name), (640, 480)
    planes = []
    for index in range(3):
        wide, high = layout.plane_wh(index, (width, height))
        edge = np.repeat([60, 200], [wide // 2 if across else high // 2] * 2).astype(np.uint8)
        planes.append(np.tile(edge, (high, 1)) if across else np.tile(edge[:, None], (1, wide)))
    behind = blurred_background(tuple(planes), None, layout, 20.0, BLACK)
    matrix = affine.translation(np.array([0.0, height - 1.0] if across else [width - 1.0, 0.0]))
    moved = warp_planes(planes, layout, matrix, (width, height), border="replicate")
    beyond = blur_border(moved, planes, layout, matrix, (0, 0, 0), 0)
    for shown, sigma_px in ((behind, 20.0), (beyond, BORDER_BLUR_SHARE * height)):
        for index, plane in enumerate(shown):
            line = plane[plane.shape[0] // 2] if across else plane[:, plane.shape[1] // 2]
            step = sample_spacing(layout, index)[0 if across else 1]
            assert width_px(line.astype(float), step) == pytest.approx(2 * sigma_px, rel=0.12)
