"""The pose model's mask: stored around the body, resampled over a box, fused with the selfie mask."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.maths.body.person_box import whole_picture_box
from tasks.media.files.masks_file import MaskState
from tasks.media.matting.body_mask import (
    MIN_BODY_LEVEL,
    STORED_SIZE_PX,
    crop_body_mask,
    fuse_probabilities,
    resample_body_mask,
)


@pytest.mark.parametrize("scale", [(1.0, 1.0), (2.0, 2.0), (3.0, 2.5)])
def test_a_stored_body_returns_to_its_place_in_the_source(scale: tuple[float, float]) -> None:
    mask = np.zeros((120, 160), np.uint8)
    mask[20:100, 50:80] = 255
    body = crop_body_mask(mask, whole_picture_box((round(160 * scale[0]), round(120 * scale[1]))))
    assert body.probability.shape == STORED_SIZE_PX[::-1] and body.state is MaskState.measured
    assert_allclose(body.edges_px, np.array([50, 20, 80, 100]) * [*scale, *scale] - 0.5)
    size = (round(160 * scale[0]), round(120 * scale[1]))
    back = resample_body_mask(body, whole_picture_box(size), (160, 120))
    assert back.dtype == np.float32
    assert np.abs(back * 255 - mask)[15:105:5, 45:85:5].max() <= 128, "half a pixel at the edge"
    assert np.abs(back[22:98, 52:78] - 1).max() < 0.01 and back[:, :48].max() == back[:18].max() == 0


def test_the_edge_of_the_picture_is_not_an_edge_of_the_body() -> None:
    mask = np.zeros((120, 160), np.uint8)
    mask[:, 130:] = 200
    back = resample_body_mask(
        crop_body_mask(mask, whole_picture_box((160, 120))), np.array([119.5, -0.5, 159.5, 119.5]), (40, 120)
    )
    assert_allclose(back[:, 12:39], 200 / 255, atol=0.01)


def test_a_mask_without_a_body_is_stored_as_empty() -> None:
    body = crop_body_mask(np.full((120, 160), MIN_BODY_LEVEL - 1, np.uint8), whole_picture_box((160, 120)))
    assert_allclose(body.edges_px, whole_picture_box((160, 120)))
    assert resample_body_mask(body, whole_picture_box((160, 120)), (32, 32)).max() < 0.05


def test_the_body_mask_decides_only_where_it_is_certain() -> None:
    shown = np.array([[0.0, 1.0, 0.3, 0.9, 0.2]], np.float32)
    body = np.array([[1.0, 0.0, 0.5, 0.75, 0.25]], np.float32)
    result = fuse_probabilities(shown, body)
    assert result.dtype == np.float32
    assert_allclose(result, [[1.0, 0.0, 0.3, 0.825, 0.225]], atol=1e-6)
