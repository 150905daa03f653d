"""Planes under a similarity, compared with a picture given by a formula."""

from itertools import product
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.media.planes.chroma import plane_to_luma
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.media.planes.shift import shift_planes
from tasks.media.planes.warp import warp_planes

LAYOUTS = {name: nearest_layout(name) for name in ("gray", "yuv420p", "yuv422p", "yuv444p", "gbrp", "yuv420p10le")}
SIZE = (160, 120)
CENTRE = np.array([79.5, 59.5])
TURN = affine.about_target(affine.scale_and_turn(1.1, np.deg2rad(7.0)), np.array([3.3, -2.4]), CENTRE)


def waves(x: Floats, y: Floats) -> Floats:
    return np.asarray(128 + 55 * np.sin(x / 6 + 1) + 50 * np.cos(y / 7 + x / 25))


def picture(layout: PixelLayout, to_output: Floats, location: int = 0, size_px: tuple[int, int] = SIZE) -> list[Floats]:
    """Each plane of the waves moved by ``to_output``, sampled at its own sample positions."""
    back = affine.invert(to_output)
    planes = []
    for index in range(layout.planes):
        width, height = layout.plane_wh(index, size_px)
        column, row = np.meshgrid(np.arange(width, dtype=float), np.arange(height, dtype=float))
        at = affine.apply(plane_to_luma(layout, index, location), np.stack([column, row], axis=-1))
        source = affine.apply(back, at)
        planes.append((1 << (layout.depth - 8)) * waves(source[..., 0], source[..., 1]))
    return planes


STILL = np.eye(3)[:2]


def stored(layout: PixelLayout, location: int = 0) -> list[NDArray[Any]]:
    return [np.rint(plane).astype(layout.dtype) for plane in picture(layout, STILL, location)]


@pytest.mark.parametrize(("name", "location"), [*product(LAYOUTS, [0]), *product(["yuv420p"], [1, 2, 3, 4, 5, 6])])
def test_every_plane_turns_with_the_picture(name: str, location: int) -> None:
    """A wrong chroma location would be an error of up to one luma pixel, about ten levels."""
    layout = LAYOUTS[name]
    moved = warp_planes(stored(layout, location), layout, TURN, SIZE, chroma_location=location)
    for plane, truth in zip(moved, picture(layout, TURN, location), strict=True):
        assert plane.dtype == layout.dtype
        unit = 1 << (layout.depth - 8)
        assert np.abs(plane - truth)[14:-14, 14:-14].max() < 2.5 * unit


def test_a_wrong_chroma_location_is_detected() -> None:
    layout = LAYOUTS["yuv420p"]
    half = affine.about_target(affine.scale_and_turn(1.0, np.pi), np.zeros(2), CENTRE)
    moved = warp_planes(stored(layout, 2), layout, half, SIZE, chroma_location=3)[1]
    assert np.abs(moved - picture(layout, half, 2)[1])[14:-14, 14:-14].max() > 5


@pytest.mark.parametrize("interpolation", ["linear", "cubic", "lanczos"])
def test_every_interpolation_agrees_with_the_formula(interpolation: str) -> None:
    limit = {"linear": 4.0, "cubic": 2.5, "lanczos": 2.5}[interpolation]
    (moved,) = warp_planes(stored(LAYOUTS["gray"]), LAYOUTS["gray"], TURN, SIZE, interpolation=interpolation)
    assert np.abs(moved - picture(LAYOUTS["gray"], TURN)[0])[14:-14, 14:-14].max() < limit


@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize("border", ["reflect", "replicate"])
def test_a_translation_equals_shift_planes(name: str, border: str) -> None:
    layout = LAYOUTS[name]
    planes = stored(layout)
    for shift in ((6.0, -4.0), (5.3, -3.6)):
        warped = warp_planes(planes, layout, affine.translation(np.array(shift)), (96, 80), border=border)
        for one, other in zip(warped, shift_planes(planes, layout, shift, (96, 80), border=border), strict=True):
            np.testing.assert_array_equal(one, other)


def test_outside_the_source_its_edge_is_repeated_or_mirrored() -> None:
    layout = LAYOUTS["yuv420p"]
    small = affine.about_target(affine.scale_and_turn(0.5, 0.0), np.zeros(2), CENTRE)
    edge = warp_planes(stored(layout), layout, small, SIZE, border="replicate")
    mirrored = warp_planes(stored(layout), layout, small, SIZE)
    for plane, other in zip(edge, mirrored, strict=True):
        rows = plane.shape[0]
        above = plane[: rows // 4 - 3].astype(int)
        assert np.ptp(above, axis=0).max() <= 1
        assert np.ptp(other[: rows // 4 - 3], axis=0).max() > 20


def test_values_stay_within_the_depth() -> None:
    layout = LAYOUTS["yuv420p10le"]
    checks = [((np.indices(plane.shape).sum(axis=0) // 5) % 2 * 1023).astype(np.uint16) for plane in stored(layout)]
    for interpolation in ("cubic", "lanczos"):
        moved = warp_planes(checks, layout, TURN, SIZE, interpolation=interpolation)
        assert moved[0].min() == 0
        assert moved[0].max() == 1023


def test_reduced_fine_texture_becomes_grey_without_aliasing() -> None:
    layout = LAYOUTS["gray"]
    lines = np.tile(np.array([0, 255], np.uint8), (120, 80))
    factor = 0.4
    small = affine.about_target(affine.scale_and_turn(factor, 0.0), np.zeros(2), CENTRE)
    (moved,) = warp_planes([lines], layout, small, SIZE)
    plain = cv2.warpAffine(lines, small, SIZE, flags=cv2.INTER_CUBIC)
    inner = np.s_[45:75, 55:105]
    assert moved[inner].std() < 0.6 * plain[inner].std()


def test_read_only_planes_are_accepted() -> None:
    planes = stored(LAYOUTS["yuv420p"])
    for plane in planes:
        plane.flags.writeable = False
    before = [plane.copy() for plane in planes]
    warp_planes(planes, LAYOUTS["yuv420p"], TURN, SIZE)
    for plane, kept in zip(planes, before, strict=True):
        np.testing.assert_array_equal(plane, kept)


def test_a_replicated_border_repeats_the_edge() -> None:
    layout = LAYOUTS["yuv420p"]
    small = affine.about_target(affine.scale_and_turn(0.5, 0.0), np.zeros(2), CENTRE)
    for plane in warp_planes(stored(layout), layout, small, SIZE, border="replicate"):
        rows, columns = plane.shape
        assert (np.ptp(plane[: rows // 4 - 3], axis=0) == 0).all()
        assert (np.ptp(plane[:, : columns // 4 - 3], axis=1) == 0).all()


def texture(size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """Edges of every direction and fine detail."""
    y, x = np.mgrid[: size_px[1], : size_px[0]].astype(float)
    rings = np.cos(np.hypot(x - size_px[0] / 2, y - size_px[1] / 2) ** 1.6 / 12)
    noise = np.random.default_rng(4).normal(0, 0.4, rings.shape)
    return np.asarray(np.clip(127 + 70 * np.sign(rings) + 40 * noise, 0, 255), np.uint8)


@pytest.mark.parametrize("factor", [0.75, 0.5, 1 / 3, 0.2])
def test_a_reduced_picture_is_as_sharp_as_a_good_reduction(factor: float) -> None:
    source = texture((360, 300))
    wide, high = round(360 * factor), round(300 * factor)
    scaling = np.array([[factor, 0, (factor - 1) / 2], [0, factor, (factor - 1) / 2]])
    (moved,) = warp_planes([source], LAYOUTS["gray"], scaling, (wide, high))
    known = np.asarray(Image.fromarray(source).resize((wide, high), Image.Resampling.LANCZOS)).astype(float)
    inner = np.s_[6:-6, 6:-6]
    error = np.sqrt(np.mean((moved[inner] - known[inner]) ** 2))
    blurred = cv2.GaussianBlur(source, (0, 0), (1 / factor - 1) / 2)
    (soft,) = warp_planes([blurred], LAYOUTS["gray"], scaling, (wide, high), interpolation="linear")
    assert error < 0.5 * np.sqrt(np.mean((soft[inner] - known[inner]) ** 2))


@pytest.mark.parametrize("factor", [0.35, 0.8, 1.7, 3.0])
def test_a_point_lands_where_the_matrix_says_within_a_tenth_of_a_pixel(factor: float) -> None:
    layout, target = LAYOUTS["yuv420p"], np.array([60.3, 41.8])
    for place in np.random.default_rng(7).uniform([40, 30], [120, 90], (6, 2)):
        y, x = np.mgrid[:120, :160].astype(float)
        spot = 40 + 180 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * 4.0**2))
        planes = [spot.round().astype(np.uint8), *(np.full((60, 80), 128, np.uint8) for _ in range(2))]
        to_output = np.column_stack([np.eye(2) * factor, target - factor * place])
        moved = warp_planes(planes, layout, to_output, (120, 84), border="replicate")[0].astype(float)
        weight = np.clip(moved - 60, 0, None)
        rows, columns = np.indices(weight.shape)
        centre = np.array([(columns * weight).sum(), (rows * weight).sum()]) / weight.sum()
        assert np.abs(centre - target).max() < 0.1


@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le"])
def test_a_part_of_two_pixels_has_planes_of_its_size(name: str) -> None:
    layout = LAYOUTS[name]
    planes = [np.rint(plane).astype(layout.dtype) for plane in picture(layout, affine.translation(np.zeros(2)))]
    whole = warp_planes(planes, layout, TURN, SIZE)
    part = warp_planes(planes, layout, affine.compose(affine.translation(np.array([-40.0, -30.0])), TURN), (2, 2))
    for index, (few, plane) in enumerate(zip(part, whole, strict=True)):
        columns, rows = layout.plane_wh(index, (2, 2))
        x, y = 40 * columns // 2, 30 * rows // 2
        np.testing.assert_array_equal(few, plane[y : y + rows, x : x + columns])
