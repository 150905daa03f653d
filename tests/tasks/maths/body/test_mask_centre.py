"""The middle of a mask, in the picture's pixels."""

import numpy as np
import pytest

from tasks.maths.body.mask_centre import mask_centre

EDGES_PX = np.array([99.5, 49.5, 299.5, 149.5], np.float32)  # two pixels of the picture for one of the mask


def block(first_column: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
    values = np.full((50, 100), 20, np.uint8)
    values[10:30, first_column : first_column + 11] = 250
    return values


def test_the_centroid_lies_in_source_pixels() -> None:
    anchor = mask_centre([(block(20), EDGES_PX, True), (block(21), EDGES_PX, True)])
    assert anchor.xy_px[0].tolist() == pytest.approx([99.5 + 2 * 25.5, 49.5 + 2 * 20])
    assert (anchor.xy_px[1] - anchor.xy_px[0]).tolist() == pytest.approx([2, 0])
    assert set(anchor.source) == {"mask"}


def test_a_mask_of_nobody_and_one_not_to_be_believed_say_nothing() -> None:
    empty = np.full((50, 100), 100, np.uint8)
    anchor = mask_centre([(empty, EDGES_PX, True), (block(20), EDGES_PX, False)])
    assert np.isnan(anchor.xy_px).all() and np.isnan(anchor.confidence).all()
    assert set(anchor.source) == {"none"}
