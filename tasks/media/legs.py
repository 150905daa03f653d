"""A second look at the legs, added to the mask of the whole body.

The network was made for people near the camera, from the hips up: of a whole body it now and then leaves out a raised
lower leg or a shoe, which it finds when it is shown the legs alone. Only what lies near the pose's legs is added.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths import motion
from tasks.maths.boxes import VISIBLE
from tasks.media.matte import model_to_source

Floats = NDArray[np.float64]
Probability = NDArray[np.float32]

BONES: Final = (*((joint, joint + 2) for joint in range(23, 31)), (27, 31), (28, 32))
"""Landmarks from hip to knee, ankle, heel and toes, in pairs, on both sides."""
NEAR: Final = 0.35  # of the torso's length, to each side of a bone


def seen_bones(visibility: Floats) -> list[tuple[int, int]]:
    """Those of ``BONES`` that are no guess, by the visibility (33,) of a frame's pose; none where it is NaN."""
    return [bone for bone in BONES if (visibility[list(bone)] >= VISIBLE).all()]


def add_legs(
    mask: Probability,
    edges_px: Floats,
    legs: Probability,
    legs_px: Floats,
    xy_px: Floats,
    bones: Sequence[tuple[int, int]],
) -> Probability:
    """``mask`` (h, w) over the box ``edges_px`` with what ``legs`` (h, w) over ``legs_px`` shows more of.

    ``xy_px`` (33, 2) is the pose of this frame, ``bones`` are those of it by which legs are.
    """
    wh = (mask.shape[1], mask.shape[0])
    from_source = motion.invert(model_to_source(edges_px, wh))
    at = np.rint(motion.apply(from_source, xy_px)).astype(int)
    torso_px = float(np.hypot(*(xy_px[11:13].mean(axis=0) - xy_px[23:25].mean(axis=0))))
    width = max(round(2 * NEAR * torso_px * float(np.sqrt(np.linalg.det(from_source[:, :2])))), 1)
    near = np.zeros(mask.shape, np.uint8)
    for first, last in bones:
        cv2.line(near, at[first].tolist(), at[last].tolist(), 1, width)
    matrix = motion.compose(from_source, model_to_source(legs_px, wh))
    shown = cv2.warpAffine(legs, matrix, wh, flags=cv2.INTER_LINEAR)
    return np.where(near > 0, np.maximum(mask, shown), mask)
