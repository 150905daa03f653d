"""The pose model's own mask of the person: stored with each pose, and used to correct the selfie model's mask.

The selfie network was trained on people near the camera, from the hips up. On a whole body it misses raised legs and
takes trees for people. The pose model's mask shows one whole person, with a coarser edge.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats, Probability
from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.planes.crop import box_to_source, crop_and_resize

STORED_SIZE_PX: Final = (256, 256)  # width and height: the network's own size, which covers more than the body
MIN_BODY_LEVEL: Final = 12  # of 255; lower values count as nothing


def crop_body_mask(mask: NDArray[np.uint8], edges_px: Floats) -> Mask:
    """The part of ``mask`` (h, w) that holds the body. ``mask`` covers the box ``edges_px`` (4,) in source px."""
    height, width = mask.shape
    x, y, across, down = cv2.boundingRect(cv2.compare(mask, MIN_BODY_LEVEL, cv2.CMP_GE))
    if across == 0:
        x, y, across, down = 0, 0, width, height
    edges = np.array([x, y, x + across, y + down], np.float64)
    low, high = edges_px[:2], edges_px[2:]
    scale_xy = (high - low) / (width, height)
    in_source = edges * [*scale_xy, *scale_xy] + [*low, *low]
    return Mask(crop_and_resize(mask, edges - 0.5, STORED_SIZE_PX), in_source.astype(np.float32), MaskState.measured)


def resample_body_mask(body: Mask, edges_px: Floats, size_px: tuple[int, int]) -> Probability:
    """The body's probability (h, w), 0..1, over the box ``edges_px`` in source px, at size ``size_px``."""
    height, width = body.probability.shape
    matrix = affine.compose(
        affine.invert(box_to_source(edges_px, size_px)), box_to_source(body.edges_px, (width, height))
    )
    moved = cv2.warpAffine(body.probability, matrix, size_px, flags=cv2.INTER_LINEAR)
    return np.asarray(moved / np.float32(255), np.float32)


def fuse_probabilities(shown: Probability, body: Probability) -> Probability:
    """``shown`` (h, w) of the selfie model, pulled towards ``body`` (h, w) where the pose model is certain."""
    sure = np.abs(2 * body - 1)
    return np.asarray(shown + sure * (body - shown), np.float32)
