"""What nobody saw: known values spread smoothly over the unknown (push-pull, Gortler et al. 1996)."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.planes.layout import Plane

Weights = NDArray[np.float32]

LEAST: Final = 1e-3  # weight below which a value is not known


def push_pull(values: NDArray[np.float32], known: Weights) -> NDArray[np.float32]:
    """``values`` (h, w) where ``known`` (h, w) is 1, elsewhere a smooth continuation; where all is unknown, 0."""
    totals, weights = [values * known], [known]
    while min(totals[-1].shape) > 1:
        size_px = tuple(-(-length // 2) for length in totals[-1].shape[::-1])
        for levels in (totals, weights):
            levels.append(np.asarray(cv2.resize(levels[-1], size_px, interpolation=cv2.INTER_AREA), np.float32))
    filled = totals[-1] / np.maximum(weights[-1], LEAST)
    for total, weight in zip(totals[-2::-1], weights[-2::-1], strict=True):
        above = cv2.resize(filled, total.shape[::-1], interpolation=cv2.INTER_LINEAR)
        share = np.minimum(weight, 1)
        filled = share * (total / np.maximum(weight, LEAST)) + (1 - share) * above
    return np.asarray(filled, np.float32)


def smooth_fill(plane: Plane, unknown: NDArray[np.bool_], step: int) -> Plane:
    """``plane`` (h, w) with ``unknown`` (h, w) filled from what lies around it, seen ``step`` times smaller.

    The plane itself where nothing is unknown.
    """
    if not unknown.any():
        return plane
    height, width = plane.shape
    small_px = (-(-width // step), -(-height // step))
    share = cv2.resize((~unknown).astype(np.float32), small_px, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(np.where(unknown, 0, plane).astype(np.float32), small_px, interpolation=cv2.INTER_AREA)
    small = push_pull(sums / np.maximum(share, LEAST), np.asarray(share, np.float32))
    wide = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    filled = np.where(unknown, np.rint(wide).clip(small.min(), small.max()), plane)
    return np.asarray(filled.astype(plane.dtype))
