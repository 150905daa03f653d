import numpy as np

from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.scene.people_mask import people_mask, small_size


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
