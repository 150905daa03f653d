"""Before what a person is set: an unsharp scene without the person's glow, or nothing."""

import numpy as np
import pytest

from tasks.maths.path import affine
from tasks.media.matting.background import on_nothing, out_of_focus
from tasks.media.matting.cutout import Look, cut_out
from tasks.media.planes.layout import nearest
from tests.tasks.media.matting.test_cutout import SIZE, mask_of, picture

CENTRE = (100.0, 80.0)
STILL = affine.translation(np.zeros(2))


@pytest.mark.parametrize("name", ["yuv420p", "yuv422p10le", "gray"])
def test_the_scene_is_blurred_as_if_nobody_were_there(name: str) -> None:
    layout = nearest(name)
    unit = 1 << (layout.depth - 8)
    planes = picture(layout, CENTRE)
    cut = cut_out(planes, mask_of(CENTRE), STILL, Look(layout, 0, SIZE, "cubic", False))
    behind = out_of_focus(planes, cut, layout, 8.0, [16 * unit, 128 * unit, 128 * unit][: layout.planes])
    y, x = np.mgrid[: SIZE[1], : SIZE[0]]
    away = np.hypot(x - CENTRE[0], y - CENTRE[1]) > 34
    assert np.abs(behind[0][away].astype(int) - 40 * unit).max() <= 6 * unit
    alone = out_of_focus(planes, None, layout, 8.0, [16 * unit] * layout.planes)
    assert alone[0][away].max() > 80 * unit


def test_colours_are_straight_and_far_away_there_is_black() -> None:
    layout = nearest("yuv420p")
    planes = picture(layout, CENTRE)
    cut = cut_out(planes, mask_of(CENTRE), STILL, Look(layout, 0, SIZE, "cubic", False))
    colours, alpha = on_nothing(cut, layout, SIZE, (16, 128, 128))
    assert alpha.shape == SIZE[::-1]
    assert (alpha.min(), alpha.max()) == (0, 1)
    shows = alpha > 0.05
    assert np.median(np.abs(colours[0][shows].astype(int) - 200)) == 0
    assert np.abs(colours[0][shows].astype(int) - 200).max() < 60  # an unmixed edge; mixed it would be 40
    assert (colours[0][:30] == 16).all()
    assert not alpha[:30].any()


def test_nobody_is_clear_all_over() -> None:
    colours, alpha = on_nothing(None, nearest("yuv420p"), SIZE, (16, 128, 128))
    assert not alpha.any()
    assert [plane.max() for plane in colours] == [16, 128, 128]
