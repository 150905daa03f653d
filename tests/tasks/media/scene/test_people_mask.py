import numpy as np

from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.planes.crop import small_size
from tasks.media.scene.people_mask import (
    SHADED,
    Standing,
    people_mask,
    with_shadows,
    without_shadows,
)


def body(x0: float, y0: float, x1: float, y1: float) -> Mask:
    return Mask(np.full((16, 16), 255, np.uint8), np.array([x0, y0, x1, y1], np.float32), MaskState.measured)


def test_everybody_is_in_it_and_a_little_around_them() -> None:
    small_px = small_size((1000, 500), 200)
    mask = people_mask([body(100, 100, 200, 300), body(600, 100, 700, 300)], (1000, 500), small_px)
    assert small_px == (200, 100)
    assert mask[40, 30] == 255
    assert mask[40, 130] == 255
    assert mask[40, 18] == 255
    assert mask[40, 80] == 0


def test_it_is_grown_more_below_the_feet() -> None:
    mask = people_mask([body(100, 100, 200, 300)], (1000, 500), (200, 100))
    rows = np.flatnonzero(mask[:, 30])
    assert 60 - rows[0] - 40 < rows[-1] - 60 + 1


def test_nobody_hides_nothing() -> None:
    assert not people_mask([], (1000, 500), (200, 100)).any()


def test_the_floor_around_the_feet_may_be_in_the_shade() -> None:
    small_px = (200, 100)
    hidden = people_mask([body(450, 100, 550, 300)], (1000, 500), small_px)
    shaded = with_shadows(hidden, [Standing(np.array([[470.0, 295.0], [530.0, 300.0]]), 200.0)], (1000, 500), small_px)
    assert shaded[62, 82] == shaded[66, 118] == SHADED
    assert not shaded[:50, :85].any()
    assert not shaded[60, :60].any()
    assert np.array_equal(without_shadows(shaded), hidden)


def test_feet_far_beyond_the_picture_throw_no_shadow_into_it() -> None:
    empty = np.zeros((100, 200), np.uint8)
    assert not with_shadows(empty, [Standing(np.array([[1e9, 300.0]]), 200.0)], (1000, 500), (200, 100)).any()
