"""Kymographs: the right line of pixels, in the right colours, whatever the layout of the picture."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from tasks.errors import OutputError
from tasks.media.kymograph import COLUMNS, LENGTH_PX, line_through, write_kymograph
from tasks.media.layout import nearest
from tasks.media.plane_color import planes_of_rgb
from tasks.records import ColorTags

TAGS = ColorTags(range=1, matrix=1)


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "gbrp", "gray", "gray10le"])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_line_has_the_colours_of_its_place(form: str, axis: str) -> None:
    rgb = np.full((90, 160, 3), 40, np.uint8)
    rgb[60:70, :, :] = [200, 200, 200]  # a level bar
    rgb[:, 100:110, :] = [120, 120, 120]  # an upright bar
    layout = nearest(form)
    planes = planes_of_rgb(rgb, layout, TAGS, 90)
    on_bar = line_through(planes, layout, TAGS, axis, 65 if axis == "x" else 105)
    off_bar = line_through(planes, layout, TAGS, axis, 20 if axis == "x" else 30)
    assert on_bar.shape == off_bar.shape == (LENGTH_PX, 3)
    near = 3
    own, other, across = (200, 120, 105 / 160) if axis == "x" else (120, 200, 65 / 90)
    crossing, beside = int(across * LENGTH_PX), LENGTH_PX // 4
    assert np.abs(on_bar[beside].astype(int) - (own if axis == "x" else 120)).max() <= near
    assert np.abs(off_bar[beside].astype(int) - 40).max() <= near
    assert np.abs(off_bar[crossing].astype(int) - (120 if axis == "x" else other)).max() <= near


@pytest.mark.parametrize("at_px", [-50.0, 0.0, 8.9, 1e6])
@pytest.mark.parametrize("size", [(9, 17), (2, 2), (1, 1)])
def test_places_beyond_the_picture_and_tiny_pictures_give_the_nearest_line(at_px: float, size: tuple[int, int]) -> None:
    layout = nearest("yuv420p")
    planes = planes_of_rgb(np.full((*size, 3), 90, np.uint8), layout, TAGS, 90)
    for axis in ("x", "y"):
        line = line_through(planes, layout, TAGS, axis, at_px)
        assert np.abs(line.astype(int) - 90).max() <= 3


def test_moments_go_from_left_to_right(tmp_path: Path) -> None:
    lines = [np.full((LENGTH_PX, 3), level, np.uint8) for level in np.linspace(0, 255, COLUMNS).astype(np.uint8)]
    write_kymograph(tmp_path / "k.jpg", lines)
    picture = cv2.imread(str(tmp_path / "k.jpg"))
    assert picture.shape == (LENGTH_PX, COLUMNS, 3)
    assert picture[10, 10, 0] < 20 < 230 < picture[10, -10, 0]


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_kymograph(tmp_path / "no" / "k.jpg", [np.zeros((LENGTH_PX, 3), np.uint8)])
