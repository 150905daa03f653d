"""Kymographs: the right line of pixels, in the right colours, for any layout."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.planes.layout import PixelLayout, Planes, nearest_layout
from tasks.media.planes.plane_color import rgb_to_planes
from tasks.media.report.render_samples import (
    KYMOGRAPH_COLUMNS,
    KYMOGRAPH_HEIGHT_PX,
    KymographLine,
    line_through,
    write_kymograph,
)
from tasks.records import ColorTags
from tests.support.pictures import read_picture

TAGS = ColorTags(range=1, matrix=1)
RGB = nearest_layout("gbrp")


def stacked(lines: list[KymographLine]) -> Planes:
    """``lines`` as the columns of planes."""
    return tuple(np.stack(samples, axis=1) for samples in zip(*lines, strict=True))


def colours(tmp_path: Path, line: KymographLine, layout: PixelLayout) -> NDArray[np.int64]:
    """RGB of a kymograph that repeats one line."""
    write_kymograph(tmp_path / "line.jpg", stacked([line] * 16), layout, TAGS)
    picture = cv2.cvtColor(cv2.imread(str(tmp_path / "line.jpg")), cv2.COLOR_BGR2RGB)
    assert picture.shape == (KYMOGRAPH_HEIGHT_PX, 16, 3)
    return np.asarray(picture[:, 8].astype(np.int64))


@pytest.mark.parametrize("form", ["yuv420p", "yuv422p", "yuv444p", "yuv420p10le", "gbrp", "gray", "gray10le"])
@pytest.mark.parametrize("axis", ["x", "y"])
def test_a_line_has_the_colours_of_its_place(tmp_path: Path, form: str, axis: str) -> None:
    rgb = np.full((90, 160, 3), 40, np.uint8)
    rgb[60:70, :, :] = [200, 200, 200]  # a horizontal bar
    rgb[:, 100:110, :] = [120, 120, 120]  # a vertical bar
    if not form.startswith("gray"):
        rgb[60:70, :50] = [180, 60, 60]
    layout = nearest_layout(form)
    planes = rgb_to_planes(rgb, layout, TAGS, 90)
    on_bar = colours(tmp_path, line_through(planes, layout, axis, 65 if axis == "x" else 105), layout)
    off_bar = colours(tmp_path, line_through(planes, layout, axis, 20 if axis == "x" else 30), layout)
    near = 6  # JPEG
    own, other, across = (200, 120, 105 / 160) if axis == "x" else (120, 200, 65 / 90)
    crossing, beside = int(across * KYMOGRAPH_HEIGHT_PX), int(0.45 * KYMOGRAPH_HEIGHT_PX)
    assert np.abs(on_bar[beside] - (own if axis == "x" else 120)).max() <= near
    assert np.abs(off_bar[beside] - 40).max() <= near
    red = axis == "y" and not form.startswith("gray")  # the column at 30 crosses the coloured end of the horizontal bar
    assert np.abs(off_bar[crossing] - ([180, 60, 60] if red else 120 if axis == "x" else other)).max() <= 2 * near
    if axis == "x" and not form.startswith("gray"):
        assert np.abs(on_bar[KYMOGRAPH_HEIGHT_PX // 6] - [180, 60, 60]).max() <= 2 * near


@pytest.mark.parametrize("at_px", [-50.0, 0.0, 8.9, 1e6])
@pytest.mark.parametrize("size", [(9, 17), (2, 2), (1, 1)])
def test_places_outside_the_picture_and_tiny_pictures_give_the_nearest_line(
    tmp_path: Path, at_px: float, size: tuple[int, int]
) -> None:
    layout = nearest_layout("yuv420p")
    planes = rgb_to_planes(np.full((*size, 3), 90, np.uint8), layout, TAGS, 90)
    for axis in ("x", "y"):
        line = colours(tmp_path, line_through(planes, layout, axis, at_px), layout)
        assert np.abs(line - 90).max() <= 3


def test_time_runs_from_left_to_right(tmp_path: Path) -> None:
    levels = np.linspace(0, 255, KYMOGRAPH_COLUMNS).astype(np.uint8)
    write_kymograph(
        tmp_path / "k.jpg",
        stacked([(np.full(KYMOGRAPH_HEIGHT_PX, level, np.uint8),) * 3 for level in levels]),
        RGB,
        TAGS,
    )
    picture = read_picture(tmp_path / "k.jpg")
    assert picture.shape == (KYMOGRAPH_HEIGHT_PX, KYMOGRAPH_COLUMNS, 3)
    assert picture[10, 10, 0] < 20 < 230 < picture[10, -10, 0]


def test_a_missing_folder_is_an_output_error(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        write_kymograph(tmp_path / "no" / "k.jpg", stacked([(np.zeros(KYMOGRAPH_HEIGHT_PX, np.uint8),) * 3]), RGB, TAGS)
