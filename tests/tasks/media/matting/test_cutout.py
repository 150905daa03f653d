"""The cut-out person is where the person of the picture is, and nowhere else."""

from dataclasses import replace
from itertools import product

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.matting.cutout import (
    Cutout,
    CutoutSettings,
    blurred_background,
    cut_by_mask,
    cut_by_matte,
    draw_cutout,
    mix_whole,
    mix_whole_straight,
    transparent_planes,
    whole_shares,
)
from tasks.media.matting.missed_parts import sparse_planes
from tasks.media.matting.person_matte import CleanView, Matte, MatteMaker, Shown
from tasks.media.planes.chroma import plane_to_luma
from tasks.media.planes.compose import solid_planes
from tasks.media.planes.layout import PixelLayout, Planes, nearest_layout
from tasks.media.planes.region import Region, planes_over
from tasks.media.planes.warp import warp_planes
from tasks.media.scene.clean_part import CleanPart
from tests.tasks.media.matting.test_matte import RATE_HZ, centroid, disc

SIZE = (200, 160)
MODEL = (64, 64)
RADIUS_PX = 30.0
CENTRE = (100.0, 80.0)
STILL = affine.translation(np.zeros(2))


def picture(layout: PixelLayout, centre_xy: tuple[float, float]) -> Planes:
    """A bright disc before a dark ground, gray."""
    unit = 1 << (layout.depth - 8)
    luma = (40 + disc(SIZE, centre_xy, RADIUS_PX).astype(int) * 160 // 255) * unit
    chroma = [np.full(layout.plane_wh(index, SIZE)[::-1], 128 * unit) for index in range(1, layout.planes)]
    return tuple(plane.astype(layout.dtype) for plane in (luma, *chroma))


def mask_of(centre_xy: tuple[float, float], corner_xy: tuple[float, float] = (-45, -45), side_px: float = 90) -> Mask:
    """The disc as a model would see it in a box whose corner lies at ``corner_xy`` from its centre."""
    edges = np.array([centre_xy[0] + corner_xy[0], centre_xy[1] + corner_xy[1]] * 2, np.float32)
    edges[2:] += side_px
    scale = side_px / MODEL[0]
    at = (-corner_xy[0] / scale - 0.5, -corner_xy[1] / scale - 0.5)
    return Mask(disc(MODEL, at, RADIUS_PX / scale), edges, MaskState.measured)


def moved(shift_xy: tuple[float, float]) -> NDArray[np.float64]:
    return affine.translation(np.array(shift_xy))


def look(layout: PixelLayout, *, refine: bool = False, size_px: tuple[int, int] = SIZE) -> CutoutSettings:
    return CutoutSettings(layout, 0, size_px, "cubic", refine)


def cut_of(
    planes: Planes, mask: Mask, to_output: NDArray[np.float64], seen: CutoutSettings, clean: CleanView | None = None
) -> Cutout | None:
    """The cutout of a clip of one frame."""
    (matte,) = MatteMaker(seen.layout, RATE_HZ, refine=seen.refine).of_all([Shown(planes, mask, np.zeros(2), clean)])
    if matte is None:
        return cut_by_mask(planes, mask, to_output, seen)
    return cut_by_matte(planes, matte, to_output, seen)


def drawn(planes: Planes, mask: Mask, to_output: NDArray[np.float64], seen: CutoutSettings) -> Planes:
    """The person before a solid green."""
    unit = 1 << (seen.layout.depth - 8)
    canvas = solid_planes(seen.layout, seen.size_px, (16 * unit, 60 * unit, 60 * unit)[: seen.layout.planes])
    cut = cut_of(planes, mask, to_output, seen)
    if cut is not None:
        draw_cutout(cut, canvas, seen.layout)
    return canvas


@pytest.mark.parametrize(
    ("name", "refine"), list(product(["yuv420p", "yuv422p10le", "yuv444p", "gray"], [False, True]))
)
def test_a_disc_is_where_the_transform_puts_it(name: str, refine: bool) -> None:
    layout = nearest_layout(name)
    for centre, corner, shift in (
        ((100.0, 80.0), (-45, -45), (0.0, 0.0)),
        ((90.3, 84.6), (-50.5, -40.0), (12.4, -9.7)),
        ((70.0, 80.0), (-38.0, -44.5), (33.25, 4.5)),
    ):
        planes = drawn(picture(layout, centre), mask_of(centre, corner), moved(shift), look(layout, refine=refine))
        shown = planes[0].astype(np.float32) - planes[0][0, 0]
        x, y = centroid(shown)
        assert x == pytest.approx(centre[0] + shift[0], abs=0.3)
        assert y == pytest.approx(centre[1] + shift[1], abs=0.3)
        area = (shown > shown.max() / 2).sum()
        assert np.sqrt(area / np.pi) == pytest.approx(RADIUS_PX, abs=1.5)  # alpha starts a little inside the edge
        for plane in planes[1:]:
            x, y = centroid(np.abs(plane.astype(np.float32) - plane[0, 0]))
            step_x, step_y = SIZE[0] / plane.shape[1], SIZE[1] / plane.shape[0]
            assert x * step_x == pytest.approx(centre[0] + shift[0], abs=0.5)
            assert y * step_y + (step_y - 1) / 2 == pytest.approx(centre[1] + shift[1], abs=0.5)


@pytest.mark.parametrize(("name", "location"), [("yuv420p", 0), ("yuv420p", 2), ("yuv422p10le", 0), ("yuv444p", 0)])
def test_a_disc_turns_and_grows_with_the_picture(name: str, location: int) -> None:
    layout, centre = nearest_layout(name), (84.0, 71.0)
    matrix = affine.about_target(affine.scale_and_turn(1.2, 0.3), np.array([9.4, 6.2]), np.array([100.0, 80.0]))
    seen = replace(look(layout), chroma_location=location)
    planes = drawn(picture(layout, centre), mask_of(centre, (-50.5, -40.0)), matrix, seen)
    for index, plane in enumerate(planes):
        there = affine.apply(
            affine.invert(plane_to_luma(layout, index, location)), affine.apply(matrix, np.array(centre))
        )
        shown = np.abs(plane.astype(np.float32) - plane[0, 0])
        assert centroid(shown) == pytest.approx(tuple(there), abs=0.35)
        step_x, step_y = SIZE[0] / plane.shape[1], SIZE[1] / plane.shape[0]
        area = (shown > shown.max() / 2).sum() * step_x * step_y
        assert np.sqrt(area / np.pi) == pytest.approx(1.2 * RADIUS_PX, abs=1.8)


def test_nothing_shows_outside_the_box() -> None:
    layout = nearest_layout("yuv420p")
    full = Mask(
        np.full(MODEL[::-1], 255, np.uint8), np.array([50.5, 40.5, 120.5, 90.5], np.float32), MaskState.measured
    )
    planes = drawn(picture(layout, (100, 80)), full, moved((10.0, 4.0)), look(layout))
    inside = np.zeros(SIZE[::-1], bool)
    inside[44:97, 60:133] = True
    assert (planes[0][~inside] == 16).all()
    assert (planes[0][50:90, 68:125] >= 40).all()


@pytest.mark.parametrize("shift", [(60.5, 0.0), (-80.0, 33.3), (0.0, -90.0)])
def test_nothing_shows_outside_the_source_picture(shift: tuple[float, float]) -> None:
    layout = nearest_layout("yuv444p")
    full = Mask(np.full(MODEL[::-1], 255, np.uint8), np.array([-40, -30, 260, 200], np.float32), MaskState.measured)
    planes = drawn(picture(layout, (100, 80)), full, moved(shift), look(layout))
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    source_x, source_y = x - shift[0], y - shift[1]
    outside = (source_x <= -1) | (source_x >= SIZE[0]) | (source_y <= -1) | (source_y >= SIZE[1])
    assert outside.any()
    for plane, value in zip(planes, (16, 60, 60), strict=True):
        assert (plane[outside] == value).all()
        assert (plane[~outside] != value).any()


def test_a_person_outside_the_output_leaves_the_background_unchanged() -> None:
    layout = nearest_layout("yuv420p")
    planes = drawn(picture(layout, (100, 80)), mask_of((100, 80)), moved((900.0, 0.0)), look(layout, size_px=(65, 47)))
    assert planes[0].shape == (47, 65)
    assert all((plane == value).all() for plane, value in zip(planes, (16, 60, 60), strict=True))


def test_a_crop_of_odd_size_cuts_the_person() -> None:
    layout = nearest_layout("yuv420p")
    planes = drawn(
        picture(layout, (100, 80)), mask_of((100, 80)), moved((-70.0, -50.0)), look(layout, size_px=(61, 61))
    )
    assert [plane.shape for plane in planes] == [(61, 61), (31, 31), (31, 31)]
    assert planes[0][30, 30] == 200
    assert planes[1][15, 15] == 128


@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le"])
def test_the_whole_picture_fades_in_over_the_cut_out_person(name: str) -> None:
    layout = nearest_layout(name)
    source, canvas = picture(layout, (100, 80)), solid_planes(layout, SIZE, (16, 60, 60))
    for share in (0.25, 1.0):
        for plane, before, its in zip(mix_whole(canvas, source, share), canvas, source, strict=True):
            np.testing.assert_allclose(plane, before + share * (its.astype(float) - before), atol=0.51)
            assert plane.dtype == its.dtype


def test_straight_colours_fade_so_that_every_background_gives_the_same_picture() -> None:
    layout = nearest_layout("yuv444p")
    source, person = picture(layout, (100, 80)), solid_planes(layout, SIZE, (90, 100, 110))
    alpha = np.random.default_rng(1).random(SIZE[::-1]).astype(np.float32)
    planes, opacity = mix_whole_straight(person, alpha, source, 0.3, layout, 0)
    for index, level in enumerate((16, 60, 200)):
        over = alpha * person[index] + (1 - alpha) * level
        mixed = opacity * planes[index] + (1 - opacity) * level
        np.testing.assert_allclose(mixed, 0.7 * over + 0.3 * source[index], atol=0.51)


def test_whole_pictures_fade_over_the_frames_next_to_those_without_a_person() -> None:
    somebody = np.array([True, True, True, True, False, False, True, True, True])
    assert whole_shares(somebody, 3) == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1, 0.75, 0.5, 0.25])
    assert not whole_shares(np.ones(4, np.bool_), 3).any()
    assert whole_shares(np.zeros(4, np.bool_), 3) == pytest.approx(1)


def plate_of(layout: PixelLayout, seen: bool = True) -> CleanView:
    """What a clean plate shows of ``picture``: the dark ground."""

    def clean(box: Region, step_px: int = 1) -> CleanPart:
        planes = sparse_planes(planes_over(picture(layout, (-500, -500)), box, layout), layout, step_px)
        return CleanPart(box, planes, np.full(box.size_px[::-1], seen)[::step_px, ::step_px])

    return clean


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "yuv444p", "gray"])
@pytest.mark.parametrize("off_px", [2.0, -2.0])
def test_with_a_plate_a_mask_of_the_wrong_size_cuts_the_disc_all_the_same(name: str, off_px: float) -> None:
    layout, centre, shift = nearest_layout(name), (90.3, 84.6), (12.4, -9.7)
    mask = mask_of(centre)
    wrong = mask._replace(probability=disc(MODEL, (31.5, 31.5), (RADIUS_PX + off_px) * MODEL[0] / 90))
    cut = cut_of(picture(layout, centre), wrong, moved(shift), look(layout), plate_of(layout))
    assert cut is not None
    x, y = centroid(cut.opacity[0])
    assert (x + cut.region.x0, y + cut.region.y0) == pytest.approx(
        (centre[0] + shift[0], centre[1] + shift[1]), abs=0.2
    )
    assert np.sqrt(cut.opacity[0].sum() / np.pi) == pytest.approx(RADIUS_PX, abs=0.25)


def test_with_a_plate_the_edge_keeps_nothing_of_the_old_background() -> None:
    layout = nearest_layout("yuv444p")
    cut = cut_of(picture(layout, CENTRE), mask_of(CENTRE), STILL, look(layout), plate_of(layout))
    colours, alpha = transparent_planes(cut, layout, SIZE, (16, 128, 128))
    assert np.abs(colours[0][alpha > 0.2].astype(int) - 200).max() < 25


def test_where_no_frame_saw_the_background_the_mask_decides() -> None:
    layout = nearest_layout("yuv420p")
    mask = mask_of(CENTRE)._replace(probability=disc(MODEL, (31.5, 31.5), (RADIUS_PX - 4) * MODEL[0] / 90))
    cut = cut_of(picture(layout, CENTRE), mask, STILL, look(layout), plate_of(layout, seen=False))
    alone = cut_of(picture(layout, CENTRE), mask, STILL, look(layout))
    assert cut is not None and alone is not None
    assert cut.opacity[0].sum() == pytest.approx(alone.opacity[0].sum(), rel=0.01)


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "gray"])
def test_the_blurred_background_does_not_contain_the_person(name: str) -> None:
    layout = nearest_layout(name)
    unit = 1 << (layout.depth - 8)
    planes = picture(layout, CENTRE)
    cut = cut_of(planes, mask_of(CENTRE), STILL, look(layout))
    behind = blurred_background(planes, cut, layout, 8.0, [16 * unit, 128 * unit, 128 * unit][: layout.planes])
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    away = np.hypot(x - CENTRE[0], y - CENTRE[1]) > 34
    assert np.abs(behind[0][away].astype(int) - 40 * unit).max() <= 6 * unit
    alone = blurred_background(planes, None, layout, 8.0, [16 * unit] * layout.planes)
    assert alone[0][away].max() > 80 * unit


def test_colours_are_unmixed_and_far_from_the_person_black() -> None:
    layout = nearest_layout("yuv420p")
    planes = picture(layout, CENTRE)
    cut = cut_of(planes, mask_of(CENTRE), STILL, look(layout))
    colours, alpha = transparent_planes(cut, layout, SIZE, (16, 128, 128))
    assert alpha.shape == SIZE[::-1]
    assert (alpha.min(), alpha.max()) == (0, 1)
    shows = alpha > 0.05
    assert np.median(np.abs(colours[0][shows].astype(int) - 200)) == 0
    assert np.abs(colours[0][shows].astype(int) - 200).max() < 60  # an unmixed edge; mixed it would be 40
    assert (colours[0][:30] == 16).all()
    assert not alpha[:30].any()


def test_without_a_person_everything_is_transparent() -> None:
    colours, alpha = transparent_planes(None, nearest_layout("yuv420p"), SIZE, (16, 128, 128))
    assert not alpha.any()
    assert [plane.max() for plane in colours] == [16, 128, 128]


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le"])
@pytest.mark.parametrize(("left_px", "shift_xy"), [(60, (12.4, -9.7)), (60, (3.0, 0.5)), (2, (70.3, 0.2))])
def test_a_person_out_of_the_moved_picture_is_the_one_that_is_moved_alone(
    name: str, left_px: int, shift_xy: tuple[float, float]
) -> None:
    layout, to_output = nearest_layout(name), moved(shift_xy)
    planes = noisy(layout)
    box = Region(left_px, 50, left_px + 80, 120)
    opacity = np.asarray(cv2.GaussianBlur(disc(box.size_px, (40, 35), 20), (0, 0), 2), np.uint8)
    behind = tuple(np.zeros(layout.plane_wh(index, box.size_px)[::-1], layout.dtype) for index in range(layout.planes))
    matte = Matte(box, opacity, behind)
    whole = warp_planes(planes, layout, to_output, SIZE)
    alone, taken = (cut_by_matte(planes, matte, to_output, look(layout), beside) for beside in (None, whole))
    assert alone is not None
    assert taken is not None
    assert alone.region == taken.region
    for plane, other in zip(alone.planes, taken.planes, strict=True):
        np.testing.assert_array_equal(plane, other)
    assert any(np.shares_memory(taken.planes[0], plane) for plane in whole) is (left_px == 60)  # not near the edge


def noisy(layout: PixelLayout) -> Planes:
    """A picture of noise."""
    draw = np.random.default_rng(0)
    sizes = [layout.plane_wh(index, SIZE)[::-1] for index in range(layout.planes)]
    return tuple(draw.integers(0, 1 << layout.depth, size).astype(layout.dtype) for size in sizes)
