"""A colour that is written to planes and decoded again is the same colour."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from tasks.media.planes.layout import nearest_layout, planes_to_rgb, tags_for_height
from tasks.media.planes.plane_color import plane_values
from tasks.records import ColorTags

COLORS = [(0, 0, 0), (255, 255, 255), (0, 177, 64), (250, 10, 30), (12, 34, 200), (128, 128, 128)]
FORMATS = ["yuv420p", "yuv422p10le", "yuv444p", "gbrp", "gbrp10le"]


@pytest.mark.parametrize(("name", "matrix", "span"), list(product(FORMATS, [1, 2, 5, 6, 7, 9], [0, 1, 2])))
def test_a_colour_survives_encoding_and_decoding(name: str, matrix: int, span: int) -> None:
    layout, tags = nearest_layout(name), ColorTags(range=span, matrix=matrix)
    limit = 3 if layout.depth > 8 and layout.chroma_shift[0] else 2  # the 10-bit tables of swscale are this coarse
    for size_px in ((64, 48), (32, 720)):
        for color in COLORS:
            values = plane_values(color, layout, tags, size_px[1])
            planes = [
                np.full(layout.plane_wh(index, size_px)[::-1], value, layout.dtype)
                for index, value in enumerate(values)
            ]
            shown = planes_to_rgb(planes, layout, tags)
            assert np.abs(shown.astype(int) - color).max() <= limit, (color, values)


@pytest.mark.parametrize(("gray", "color"), [("gray", "yuv420p"), ("gray10le", "yuv420p10le")])
def test_gray_is_the_luma_of_the_colour(gray: str, color: str) -> None:
    for rgb in COLORS:
        values = [plane_values(rgb, nearest_layout(name), ColorTags(range=1), 480) for name in (gray, color)]
        assert values[0] == values[1][:1]


@pytest.mark.parametrize(("name", "span"), list(product(["gray", "gray10le"], [0, 1, 2])))
def test_a_gray_survives_encoding_and_decoding_in_its_own_range(name: str, span: int) -> None:
    layout, tags = nearest_layout(name), ColorTags(range=span)
    for level in (0, 60, 128, 255):
        (value,) = plane_values((level, level, level), layout, tags, 47)
        shown = planes_to_rgb([np.full((47, 65), value, layout.dtype)], layout, tags)
        assert shown.shape == (47, 65, 3) and np.abs(shown.astype(int) - level).max() <= 2, (level, shown[0, 0])


def test_an_unspecified_matrix_is_named_if_a_new_height_would_change_it() -> None:
    unknown = ColorTags()
    assert tags_for_height(unknown, 1080, 720) == unknown
    assert tags_for_height(unknown, 1080, 540) == replace(unknown, matrix=1)
    assert tags_for_height(unknown, 480, 960) == replace(unknown, matrix=5)
    assert tags_for_height(replace(unknown, matrix=9), 1080, 540).matrix == 9
