"""Run lengths of masks, read back by the COCO data set's own library."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.matting.run_lengths import compressed, run_lengths

SIZE_PX = (64, 48)
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # of pycocotools 2.0.11


def decoded(mask: Mask, size_px: tuple[int, int] = SIZE_PX) -> NDArray[np.uint8]:
    runs = run_lengths(mask, size_px)
    found: NDArray[np.uint8] = coco_mask.decode({"size": [size_px[1], size_px[0]], "counts": runs.counts})
    assert int(found.sum()) == runs.area_px
    if runs.area_px:
        rows, columns = np.nonzero(found)
        low = columns.min(), rows.min()
        assert runs.box.tolist() == [*low, columns.max() - low[0] + 1, rows.max() - low[1] + 1]
    return found


def made(probability: NDArray[np.uint8], edges_px: list[float]) -> Mask:
    return Mask(probability, np.array(edges_px, np.float32), MaskState.measured)


@pytest.mark.parametrize("seed", range(5))
def test_a_mask_of_the_whole_picture_comes_back(seed: int) -> None:
    random = np.random.default_rng(seed).integers(0, 2, (48, 64)).astype(np.uint8) * 255
    assert np.array_equal(decoded(made(random, [-0.5, -0.5, 63.5, 47.5])), random > 127)


def test_a_mask_in_a_box_lies_where_the_box_is() -> None:
    found = decoded(made(np.full((4, 4), 255, np.uint8), [9.5, 19.5, 29.5, 39.5]))
    rows, columns = np.nonzero(found)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (10, 29, 20, 39)


def test_a_box_beyond_the_picture_is_cut_off() -> None:
    found = decoded(made(np.full((4, 4), 255, np.uint8), [-20.5, 29.5, 19.5, 69.5]))
    assert found[30:, :20].all()
    assert found.sum() == 18 * 20


def test_runs_that_reach_from_column_to_column_are_joined() -> None:
    full = np.full((48, 64), 255, np.uint8)
    assert decoded(made(full, [-0.5, -0.5, 63.5, 47.5])).all()
    assert run_lengths(made(full, [-0.5, -0.5, 63.5, 47.5]), SIZE_PX).counts == compressed(np.array([0, 64 * 48]))


@pytest.mark.parametrize("edges_px", [[-0.5, -0.5, 63.5, 47.5], [99.5, 0.5, 120.5, 10.5]])
def test_a_mask_of_nobody_or_outside_is_empty(edges_px: list[float]) -> None:
    value = 0 if edges_px[0] < 0 else 255
    assert not decoded(made(np.full((4, 4), value, np.uint8), edges_px)).any()
