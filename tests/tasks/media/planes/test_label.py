"""Words on a picture: readable on any brightness, in their place, without colour."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.media.planes.label import label, stamp
from tasks.media.planes.layout import nearest


@pytest.mark.parametrize("ground", [16, 90, 235])
@pytest.mark.parametrize("name", ["yuv420p", "yuv420p10le", "gbrp"])
def test_a_word_stands_out_and_keeps_the_colour(ground: int, name: str) -> None:
    layout = nearest(name)
    unit = 1 << (layout.depth - 8)
    planes = [np.full(layout.plane_wh(i, (200, 80))[::-1], ground * unit, layout.dtype) for i in range(3)]
    word = label("stabilized", 12)
    stamp(planes, word, (20, 10), layout, [235 * unit] * 3, [16 * unit] * 3)
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
def test_capitals_are_as_high_as_asked(capital_px: float) -> None:
    rows = np.flatnonzero(label("OEH", capital_px).ink.max(axis=1) > 0.5)
    assert rows[-1] - rows[0] + 1 == pytest.approx(capital_px, rel=0.2, abs=2)


def test_what_does_not_fit_is_cut_off() -> None:
    planes = [np.full((45, 60), 100, np.uint8)]
    stamp(planes, label("stabilized", 20), (0, 0), nearest("gray"), [235], [16])
    assert planes[0].shape == (45, 60)
    assert (planes[0] != 100).any()
