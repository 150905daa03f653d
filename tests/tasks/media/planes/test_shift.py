"""Shifted planes: whole shifts are exact, fractions agree with a picture given by a formula."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.planes import shift as shift_module
from tasks.media.planes.layout import PixelLayout
from tasks.media.planes.shift import FILTER_TAPS, crop_window, shift_planes

LAYOUTS = {
    "yuv420p": PixelLayout("yuv420p", 8, (1, 1), 3),
    "yuv422p": PixelLayout("yuv422p", 8, (1, 0), 3),
    "yuv444p": PixelLayout("yuv444p", 8, (0, 0), 3),
    "yuv420p10le": PixelLayout("yuv420p10le", 10, (1, 1), 3),
    "gray": PixelLayout("gray", 8, (0, 0), 1),
    "gbrp10le": PixelLayout("gbrp10le", 10, (0, 0), 3),
}
SIZES = [(64, 48), (37, 29)]
NAMES = sorted(FILTER_TAPS)


def noise(layout: PixelLayout, size_px: tuple[int, int], seed: int = 0) -> list[NDArray[np.uint16]]:
    draw = np.random.default_rng(seed)
    sizes = [layout.plane_wh(index, size_px)[::-1] for index in range(layout.planes)]
    return [draw.integers(0, 1 << layout.depth, size).astype(layout.dtype) for size in sizes]


def waves(x: NDArray[np.float64], y: NDArray[np.float64], period_px: float) -> NDArray[np.float64]:
    """A band-limited pattern with known values between the pixels."""
    return np.asarray(
        128 + 50 * np.sin(2 * np.pi * x / period_px + 1) + 40 * np.cos(2 * np.pi * (x + 2 * y) / (2 * period_px))
    )


def grid(size_px: tuple[int, int], step: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    x, y = np.meshgrid(np.arange(size_px[0]) * step, np.arange(size_px[1]) * step)
    return x.astype(float), y.astype(float)


@pytest.mark.parametrize(("name", "size_px", "interpolation"), list(product(LAYOUTS, SIZES, NAMES)))
def test_a_zero_shift_returns_the_same_pixels(name: str, size_px: tuple[int, int], interpolation: str) -> None:
    planes = noise(LAYOUTS[name], size_px)
    moved = shift_planes(planes, LAYOUTS[name], (0.0, 0.0), size_px, interpolation=interpolation)
    for plane, same in zip(planes, moved, strict=True):
        np.testing.assert_array_equal(plane, same)
        assert same.dtype == plane.dtype


@pytest.mark.parametrize(("name", "interpolation"), list(product(["gray", "gbrp10le"], NAMES)))
def test_a_picture_that_is_filtered_in_bands_is_the_same(
    monkeypatch: pytest.MonkeyPatch, name: str, interpolation: str
) -> None:
    planes, pictures = noise(LAYOUTS[name], (64, 48)), []
    for samples in (1 << 18, 7 * 64, 1):  # all at once, some rows at a time, one row at a time
        monkeypatch.setattr(shift_module, "BAND_SAMPLES", samples)
        pictures.append(shift_planes(planes, LAYOUTS[name], (1.3, -2.6), (64, 48), interpolation=interpolation))
    for first, *others in zip(*pictures, strict=True):
        for other in others:
            np.testing.assert_array_equal(first, other)


@pytest.mark.parametrize("name", LAYOUTS)
def test_whole_shifts_are_copies(name: str) -> None:
    planes = noise(LAYOUTS[name], (64, 48))
    moved = shift_planes(planes, LAYOUTS[name], (6.0, -4.0), (64, 48))
    for plane, result in zip(planes, moved, strict=True):
        right, up = 6 * plane.shape[1] // 64, 4 * plane.shape[0] // 48
        np.testing.assert_array_equal(result[: -up or None, right:], plane[up:, : plane.shape[1] - right])
        np.testing.assert_array_equal(result[: -up or None, :right], plane[up:, right:0:-1])


@pytest.mark.parametrize("interpolation", NAMES)
def test_a_fractional_shift_agrees_with_the_formula(interpolation: str) -> None:
    limit = {"linear": 4.0, "cubic": 0.9, "lanczos": 0.75}[interpolation]  # grey levels; rounding alone is 0.5
    x, y = grid((80, 60))
    plane = np.rint(waves(x, y, 12)).astype(np.uint8)
    for shift in ((0.5, 0.25), (3.3, -2.8), (-7.75, 0.0), (0.0, 0.4)):
        (moved,) = shift_planes([plane], LAYOUTS["gray"], shift, (80, 60), interpolation=interpolation)
        truth = waves(x - shift[0], y - shift[1], 12)
        inner = np.s_[12:-12, 14:-14]
        assert np.abs(moved - truth)[inner].max() < limit + 0.5


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p", "yuv420p10le"])
def test_chroma_moves_with_luma(name: str) -> None:
    layout = LAYOUTS[name]
    unit = 1 << (layout.depth - 8)
    shift, size_px = (5.3, -3.6), (160, 120)

    def picture(dx: float, dy: float) -> list[NDArray[np.float64]]:
        planes = []
        for index in range(3):
            width, height = layout.plane_wh(index, size_px)
            x, y = np.meshgrid(
                np.arange(width) * (size_px[0] // width) - dx, np.arange(height) * (size_px[1] // height) - dy
            )
            planes.append(unit * waves(x, y, 30))
        return planes

    planes = [np.rint(plane).astype(layout.dtype) for plane in picture(0, 0)]
    moved = shift_planes(planes, layout, shift, size_px)
    for result, truth in zip(moved, picture(*shift), strict=True):
        assert np.abs(result - truth)[12:-12, 12:-12].max() < 1.6 * unit


@pytest.mark.parametrize(("interpolation", "name"), list(product(NAMES, ["yuv420p", "gbrp10le"])))
def test_a_mirrored_picture_gives_the_mirrored_result(interpolation: str, name: str) -> None:
    layout = LAYOUTS[name]
    planes = noise(layout, (64, 48))
    there = shift_planes(planes, layout, (9.3, -4.7), (64, 48), interpolation=interpolation)
    flipped = [np.ascontiguousarray(plane[:, ::-1]) for plane in planes]
    back = shift_planes(flipped, layout, (-9.3, -4.7), (64, 48), interpolation=interpolation)
    for one, other in zip(there, back, strict=True):
        assert np.abs(one.astype(int) - other[:, ::-1]).max() <= 1  # another order of summation may round differently


def test_a_shift_and_its_inverse_nearly_restore_the_picture() -> None:
    x, y = grid((96, 80))
    plane = np.rint(waves(x, y, 12)).astype(np.uint8)
    (there,) = shift_planes([plane], LAYOUTS["gray"], (4.4, -3.7), (96, 80))
    (back,) = shift_planes([there], LAYOUTS["gray"], (-4.4, 3.7), (96, 80))
    assert np.abs(back.astype(int) - plane)[10:-10, 10:-10].max() <= 3


@pytest.mark.parametrize("shift", [(1000.0, 0.0), (-100_000.25, 7.5), (0.4, 333.0), (1e6, -1e6)])
def test_far_outside_only_the_border_shows(shift: tuple[float, float]) -> None:
    planes = noise(LAYOUTS["yuv420p"], (64, 48))
    for plane, value in zip(planes, (16, 100, 200), strict=True):
        inner = plane[1:-1, 1:-1].copy()
        plane[:] = value
        plane[1:-1, 1:-1] = inner
    moved = shift_planes(planes, LAYOUTS["yuv420p"], shift, (64, 48), border="replicate")
    assert [plane.shape for plane in moved] == [(48, 64), (24, 32), (24, 32)]
    for plane, value in zip(moved, (16, 100, 200), strict=True):
        assert (plane == value).all()


@pytest.mark.parametrize("start", [-500, -64, -1, 1, 63, 64, 1000])
def test_the_mirrored_border_repeats(start: int) -> None:
    (plane,) = noise(LAYOUTS["gray"], (64, 48))
    (moved,) = shift_planes([plane], LAYOUTS["gray"], (float(start), 0.0), (64, 48))
    at = np.abs((np.arange(64) - start + 63) % 126 - 63)  # a triangle wave of period 2 * 63
    np.testing.assert_array_equal(moved, plane[:, at])


def test_the_mirrored_border_is_continuous() -> None:
    x, y = grid((64, 48))
    plane = np.rint(waves(x, y, 40)).astype(np.uint8)
    steepest = np.abs(np.diff(plane.astype(int), axis=1)).max()
    (moved,) = shift_planes([plane], LAYOUTS["gray"], (40.5, 0.0), (64, 48))
    assert np.abs(np.diff(moved.astype(int), axis=1)).max() <= steepest + 1


def test_a_smaller_output_is_a_window_of_the_result() -> None:
    (plane,) = noise(LAYOUTS["gray"], (64, 48))
    (window,) = shift_planes([plane], LAYOUTS["gray"], (-20.0, -10.0), (16, 12))
    np.testing.assert_array_equal(window, plane[10:22, 20:36])


@pytest.mark.parametrize(("name", "interpolation"), list(product(["gray", "gbrp10le"], NAMES)))
def test_values_stay_within_the_depth(name: str, interpolation: str) -> None:
    layout = LAYOUTS[name]
    peak = (1 << layout.depth) - 1
    checks = ((np.indices((48, 64)).sum(axis=0) // 5) % 2 * peak).astype(layout.dtype)
    moved = shift_planes([checks] * layout.planes, layout, (0.5, 0.5), (64, 48), interpolation=interpolation)
    assert moved[0].min() >= 0
    assert moved[0].max() <= peak
    assert (moved[0] == peak).any()  # overshoot of the longer kernels is clipped at the peak, it does not wrap
    assert (moved[0] == 0).any()


def test_rows_in_several_bands_are_filtered_as_in_one() -> None:
    layout = LAYOUTS["gbrp10le"]
    planes = noise(layout, (40, 200))  # more rows than one band
    tall = shift_planes(planes, layout, (0.3, 0.6), (40, 200), interpolation="lanczos")
    part = shift_planes([plane[50:110] for plane in planes], layout, (0.3, 0.6), (40, 60), interpolation="lanczos")
    np.testing.assert_array_equal(tall[0][58:102], part[0][8:52])


@pytest.mark.parametrize("shift", [(6.0, -4.0), (300.0, 0.0), (-300.0, -200.0), (2.5, 3.25)])
def test_a_replicated_border_repeats_the_edge_at_any_distance(shift: tuple[float, float]) -> None:
    layout = LAYOUTS["yuv420p"]
    planes = noise(layout, (64, 48))
    moved = shift_planes(planes, layout, shift, (64, 48), interpolation="linear", border="replicate")
    for index, (plane, result) in enumerate(zip(planes, moved, strict=True)):
        step = 1 if index == 0 else 2
        rows, columns = plane.shape
        x, y = np.meshgrid(np.arange(columns) - shift[0] / step, np.arange(rows) - shift[1] / step)
        x, y = x.clip(0, columns - 1), y.clip(0, rows - 1)
        left, top = np.floor(x).astype(int), np.floor(y).astype(int)
        right, below = np.minimum(left + 1, columns - 1), np.minimum(top + 1, rows - 1)
        part_x, part_y = x - left, y - top
        upper = plane[top, left] * (1 - part_x) + plane[top, right] * part_x
        lower = plane[below, left] * (1 - part_x) + plane[below, right] * part_x
        assert np.abs(result - (upper * (1 - part_y) + lower * part_y)).max() <= 1.01


@pytest.mark.parametrize("interpolation", FILTER_TAPS)
@pytest.mark.parametrize("name", ["gray", "gbrp10le"])
def test_a_part_moves_as_the_whole_does(name: str, interpolation: str) -> None:
    """Byte for byte: which outputs are asked for decides what is moved, and must not change a byte."""
    draw, layout = np.random.default_rng(0), LAYOUTS[name]
    for number in range(40):
        high, wide = draw.integers(60, 300, 2).tolist()
        planes = noise(layout, (wide, high))
        x, y = (draw.uniform(-60, 60, 2).round(0 if number % 8 == 0 else 9)).tolist()
        whole = shift_planes(planes, layout, (x, y), (wide, high), interpolation=interpolation)
        left, top = draw.integers(0, 40, 2).tolist()
        across, down = draw.integers(1, 20, 2).tolist()
        part = shift_planes(planes, layout, (x - left, y - top), (across, down), interpolation=interpolation)
        for mine, its in zip(part, whole, strict=True):
            np.testing.assert_array_equal(mine, its[top : top + down, left : left + across])


@pytest.mark.parametrize("border", ["reflect", "replicate", "nothing"])
def test_every_window_shows_the_plane_continued_on_all_sides(border: str) -> None:
    (plane,) = noise(LAYOUTS["gray"], (9, 7))
    beyond = np.pad(plane, 60, mode="reflect" if border == "reflect" else "edge")
    whole = np.pad(plane, 60) if border == "nothing" else beyond
    for x, y in product(range(-30, 30, 7), range(-30, 30, 6)):
        for wide, high in ((1, 1), (5, 20), (23, 4)):
            shown = crop_window(plane, (x, y), (wide, high), border)
            np.testing.assert_array_equal(shown, whole[60 + y : 60 + y + high, 60 + x : 60 + x + wide])
