"""What nobody saw: known values spread smoothly over the unknown (push-pull, Gortler et al. 1996)."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.planes.layout import Plane

Weights = NDArray[np.float32]

FILL_STEP_PX: Final = 4  # luma pixels in one of the small picture that is filled: a smooth filling needs no more detail
AROUND: Final = 0.3  # of the unknown part's length: how far around it known values are asked for
LEAST: Final = 1e-3  # weight below which a value is not known


def push_pull(values: NDArray[np.float32], known: Weights) -> NDArray[np.float32]:
    """``values`` where ``known`` is 1, elsewhere a smooth continuation; where all is unknown, 0.

    Both are (h, w), or (h, w, n): n pictures that are filled each for itself.
    """
    totals, weights = [values * known], [known]
    while min(totals[-1].shape[:2]) > 1:
        size_px = (-(-totals[-1].shape[1] // 2), -(-totals[-1].shape[0] // 2))
        for levels in (totals, weights):
            small = cv2.resize(levels[-1], size_px, interpolation=cv2.INTER_AREA)
            levels.append(np.asarray(small, np.float32).reshape(*size_px[::-1], *values.shape[2:]))
    filled = totals[-1] / np.maximum(weights[-1], LEAST)
    for total, weight in zip(totals[-2::-1], weights[-2::-1], strict=True):
        above = cv2.resize(filled, total.shape[1::-1], interpolation=cv2.INTER_LINEAR).reshape(total.shape)
        share = np.minimum(weight, 1)
        filled = share * (total / np.maximum(weight, LEAST)) + (1 - share) * above
    return np.asarray(filled, np.float32)


def smooth_fill(plane: Plane, unknown: NDArray[np.bool_], sample_px: int) -> Plane:
    """``plane`` (h, w) with ``unknown`` (h, w) filled from what lies around it; itself where nothing is unknown.

    Where nearly all is unknown there is nothing to continue: it becomes the mean of the plane.
    ``sample_px`` is the distance between two samples of the plane, in luma pixels.
    """
    if not unknown.any():
        return plane
    if np.count_nonzero(unknown) > (1 - LEAST) * unknown.size:
        return np.where(unknown, np.rint(plane.mean()).astype(plane.dtype), plane)
    step = max(FILL_STEP_PX // sample_px, 1)
    filled, near = plane.copy(), _surroundings(unknown, step)
    filled[near] = _filled(plane[near], unknown[near], step)
    return filled


def _surroundings(unknown: NDArray[np.bool_], step: int) -> tuple[slice, slice]:
    """The part of a plane that holds all that is unknown, and what lies around it."""
    x, y, width, height = cv2.boundingRect(unknown.view(np.uint8))
    reach = round(AROUND * max(width, height)) + 2 * step
    return slice(max(y - reach, 0), y + height + reach), slice(max(x - reach, 0), x + width + reach)


def _filled(plane: Plane, unknown: NDArray[np.bool_], step: int) -> Plane:
    """The same for a part of a plane; what is filled is computed ``step`` times smaller."""
    height, width = plane.shape
    small_px = (-(-width // step), -(-height // step))
    known = np.asarray(~unknown, np.float32)
    share = cv2.resize(known, small_px, interpolation=cv2.INTER_AREA)
    sums = cv2.resize(cv2.multiply(known, plane, dtype=cv2.CV_32F), small_px, interpolation=cv2.INTER_AREA)
    small = push_pull(sums / np.maximum(share, LEAST), np.asarray(share, np.float32))
    wide = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)
    filled = plane.copy()
    filled[unknown] = np.rint(wide[unknown]).clip(small.min(), small.max())
    return filled
