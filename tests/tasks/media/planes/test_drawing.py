"""Lines, dots and labels on planes: right place, right colour, nothing else changed."""

from itertools import product
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.planes.drawing import Brush, draw_label, finite_runs, make_label
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tests.tasks.media.matting.test_matte import centroid

SIZES = [(160, 120), (161, 121)]


def flat(layout: PixelLayout, size_px: tuple[int, int]) -> tuple[NDArray[Any], ...]:
    return tuple(np.full(layout.plane_wh(i, size_px)[::-1], 100, layout.dtype) for i in range(layout.planes))


@pytest.mark.parametrize(("name", "size_px"), list(product(["yuv420p", "yuv422p10le", "yuv444p", "gray"], SIZES)))
def test_a_dot_is_at_its_place_in_every_plane(name: str, size_px: tuple[int, int]) -> None:
    layout = nearest_layout(name)
    planes = flat(layout, size_px)
    Brush(layout, size_px).dots(planes, np.array([[70.25, 41.5]]), (220, 30, 180), 9.0)
    for index, (plane, value) in enumerate(zip(planes, (220, 30, 180), strict=False)):
        drawn = np.abs(plane.astype(np.float32) - 100)
        step_x, step_y = (1 << layout.chroma_shift[0], 1 << layout.chroma_shift[1]) if index else (1, 1)
        x, y = centroid(drawn)
        assert (x + 0.5) * step_x - 0.5 == pytest.approx(70.25, abs=0.6)
        assert (y + 0.5) * step_y - 0.5 == pytest.approx(41.5, abs=0.6)
        assert drawn.max() == abs(value - 100)
        assert drawn.sum() * step_x * step_y / abs(value - 100) == pytest.approx(np.pi * 81, rel=0.15)


@pytest.mark.parametrize("aspect", [2.0, 4 / 3, 0.5])
def test_dots_and_letters_keep_their_shape_with_other_pixels(aspect: float) -> None:
    layout = nearest_layout("gray")
    brush = Brush(layout, (160, 120), aspect)
    (plane,) = planes = flat(layout, (160, 120))
    brush.dots(planes, np.array([[80.0, 60.0]]), (255,), 20.0)
    brush.rings(planes, np.array([[80.0, 60.0]]), (255,), 25.0, 1)
    rows, columns = np.nonzero(plane > 180)
    assert np.ptp(rows) == pytest.approx(50, abs=3)
    assert np.ptp(columns) == pytest.approx(50 / aspect, abs=3)
    usual, word = make_label("stabilized", 12), make_label("stabilized", 12, aspect)
    assert word.ink.shape[0] == usual.ink.shape[0]
    assert word.ink.shape[1] == pytest.approx(usual.ink.shape[1] / aspect, abs=1)


def test_a_line_runs_from_end_to_end_and_breaks_at_nan() -> None:
    layout = nearest_layout("gray")
    (plane,) = planes = flat(layout, (160, 120))
    line = np.array([[20.0, 60], [60, 60], [np.nan, np.nan], [100, 60], [140, 60]])
    Brush(layout, (160, 120)).lines(planes, [line], (200,), 3)
    assert (plane[60, 22:59] == 200).all()
    assert (plane[60, 102:139] == 200).all()
    assert (plane[60, 66:95] == 100).all()
    assert (plane[:55] == 100).all()


def test_points_outside_the_picture_are_not_drawn() -> None:
    layout = nearest_layout("yuv420p")
    planes = flat(layout, (160, 120))
    brush = Brush(layout, (160, 120))
    for point in ([-50.0, 20], [300, 60], [80, -40], [80, 500], [1e9, 1e9], [np.nan, 3]):
        brush.dots(planes, np.array([point]), (255, 0, 0), 5.0)
        brush.rings(planes, np.array([point]), (255, 0, 0), 5.0, 2)
    assert all((plane == 100).all() for plane in planes)
    brush.lines(planes, [np.array([[-500.0, 60], [700, 60]])], (255, 0, 0), 1)
    assert (planes[0][60] > 180).all()


def test_a_drawing_leaves_no_trace_in_the_next() -> None:
    layout = nearest_layout("gray")
    brush = Brush(layout, (160, 120))
    brush.dots(flat(layout, (160, 120)), np.array([[40.0, 40]]), (255,), 20.0)
    (plane,) = planes = flat(layout, (160, 120))
    brush.dots(planes, np.array([[60.0, 40]]), (255,), 4.0)
    assert (plane[:, :54] == 100).all()


def test_runs_contain_only_finite_points() -> None:
    points = np.array([[np.nan, 0], [1, 1], [2, 2], [3, np.nan], [4, 4]])
    assert [run.tolist() for run in finite_runs(points)] == [[[1, 1], [2, 2]], [[4, 4]]]
    assert finite_runs(np.full((3, 2), np.nan)) == []
    assert finite_runs(np.zeros((0, 2))) == []


@pytest.mark.parametrize("ground", [16, 90, 235])
@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le", "gbrp"])
def test_a_label_is_readable_and_keeps_the_colours_behind_it(ground: int, name: str) -> None:
    layout = nearest_layout(name)
    unit = 1 << (layout.depth - 8)
    planes = [np.full(layout.plane_wh(i, (200, 80))[::-1], ground * unit, layout.dtype) for i in range(3)]
    word = make_label("stabilized", 12)
    draw_label(planes, word, (20, 10), layout, [235 * unit] * 3, [16 * unit] * 3)
    rows, columns = word.ink.shape
    part: NDArray[Any] = planes[0][10 : 10 + rows, 20 : 20 + columns]
    ink = word.ink > 0.95
    around = (word.ink < 0.05) & (word.shade > 0.3)
    assert ink.any()
    assert part[ink].min() > 220 * unit
    assert part[ink].mean() - part[around].mean() > 60 * unit
    outside = np.ones(planes[0].shape, bool)
    outside[10 : 10 + rows, 20 : 20 + columns] = False
    assert (planes[0][outside] == ground * unit).all()
    for plane in planes[1:]:
        assert layout.is_rgb or (plane == ground * unit).all()


@pytest.mark.parametrize("capital_px", [8.0, 15.5, 40.0])
def test_capitals_have_the_given_height(capital_px: float) -> None:
    rows = np.flatnonzero(make_label("OEH", capital_px).ink.max(axis=1) > 0.5)
    assert rows[-1] - rows[0] + 1 == pytest.approx(capital_px, rel=0.2, abs=2)


def test_a_label_that_does_not_fit_is_cut_off() -> None:
    planes = [np.full((45, 60), 100, np.uint8)]
    draw_label(planes, make_label("stabilized", 20), (0, 0), nearest_layout("gray"), [235], [16])
    assert planes[0].shape == (45, 60)
    assert (planes[0] != 100).any()
