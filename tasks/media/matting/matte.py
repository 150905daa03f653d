"""From a person mask to an alpha plane: smoothed in time, warped once, with a soft edge.

A mask is uint8, probability * 255, at the size of the model's picture. ``masks_file`` defines where it lies in the
source.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Floats
from tasks.maths.path import affine
from tasks.media.planes.layout import Alpha
from tasks.media.planes.region import Region

AGREEMENT_SIGMA: Final = 0.25  # difference at which a neighbour in time has weight 0.6; at twice this it has 0.14
PROBABILITY_RAMP: Final = (0.20, 0.55)  # below: not the person; above: the person. Low, so that limbs stay whole
MASK_BLUR_MODEL_PX: Final = 1.0  # standard deviation; smooths the steps of the network's mask
ALPHA_RAMP: Final = (0.45, 0.95)  # blurred mask at which alpha leaves 0 and reaches 1: a little inside the edge
REGION_MARGIN_MODEL_PX: Final = 4  # around the person, so that the old background's colour is visible there
GUIDE_STEP_PX: Final = 3  # the edge refinement samples every third pixel of its window
GUIDE_REACH_PX: Final = 3 * GUIDE_STEP_PX  # to each side
GUIDE_SIGMA_LEVELS: Final = 12.0  # standard deviation of brightness, of 255, within one surface


def _ramp(low: float, high: float) -> NDArray[np.float32]:
    """Smoothstep from 0 to 1 as a table over bytes. ``low`` and ``high`` are shares of 255."""
    t = np.clip((np.arange(256) / 255 - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


_STEPS: Final = range(-GUIDE_REACH_PX, GUIDE_REACH_PX + 1, GUIDE_STEP_PX)
_HALF_WINDOW: Final = [(right, down) for down in _STEPS for right in _STEPS if (down, right) > (0, 0)]  # of a pixel
_AGREEMENT: Final = np.exp(-0.5 * (np.arange(256) / 255 / AGREEMENT_SIGMA) ** 2).astype(np.float32)
_SOLID: Final = np.rint(255 * _ramp(*PROBABILITY_RAMP)).astype(np.uint8)
_OPACITY: Final = _ramp(*ALPHA_RAMP)
_LIKENESS: Final = np.exp(-0.5 * (np.arange(256) / GUIDE_SIGMA_LEVELS) ** 2).astype(np.float32)


def average_with_neighbours(mask: Bytes, neighbours: list[tuple[Bytes, Floats]]) -> Bytes:
    """``mask`` averaged with its neighbours in time, each given with the 2x3 matrix that maps it onto ``mask``.

    Neighbours on both sides cancel lag. Each pixel of a neighbour is weighted by its agreement with ``mask``. So
    flicker is averaged away, and a moving arm, where the masks disagree, stays in place.
    """
    if not neighbours:
        return mask
    size_px, shown, all_aligned = (mask.shape[1], mask.shape[0]), mask, []
    for other, matrix in neighbours:
        aligned = cv2.warpAffine(other, matrix, size_px, dst=mask.copy(), borderMode=cv2.BORDER_TRANSPARENT)
        shown = cv2.max(shown, aligned)
        all_aligned.append(aligned)
    x, y, across, down = cv2.boundingRect(shown)  # elsewhere all of them are 0, and so is their mean
    part = np.s_[y : y + down, x : x + across]
    averaged, here = np.zeros_like(mask), np.ascontiguousarray(mask[part])
    if across == 0:
        return averaged
    total = here.astype(np.float32)
    weights = np.ones(here.shape, np.float32)
    for aligned in all_aligned:
        there = np.ascontiguousarray(aligned[part])
        weight = cv2.LUT(cv2.absdiff(there, here), _AGREEMENT)
        cv2.add(total, cv2.multiply(weight, there, dtype=cv2.CV_32F), dst=total)
        cv2.add(weights, weight, dst=weights)
    averaged[part] = np.rint(total / weights)
    return averaged


def harden_mask(probability: Bytes) -> Bytes:
    """The mask with uncertain probabilities decided and its steps smoothed.

    It is 255 inside, 0 outside and about half on the edge.
    """
    return np.asarray(cv2.GaussianBlur(cv2.LUT(probability, _SOLID), (0, 0), MASK_BLUR_MODEL_PX), np.uint8)


def mask_region(mask: Bytes, model_to_output: Floats, size_px: tuple[int, int], grid: tuple[int, int]) -> Region:
    """The region of the output in which ``mask`` shows something, with a margin.

    It begins on the ``grid`` of chroma samples (luma pixels each). It is empty if nothing lies in the output.
    """
    left, top, width, height = cv2.boundingRect(mask)
    if width == 0:
        return Region(0, 0, 0, 0)
    columns, rows = (
        [start - REGION_MARGIN_MODEL_PX, start + length + REGION_MARGIN_MODEL_PX]
        for start, length in ((left, width), (top, height))
    )
    corners = affine.apply(model_to_output, np.array([[x, y] for x in columns for y in rows], np.float64))
    first, last = corners.min(axis=0), corners.max(axis=0)
    low = [max(int(np.floor(edge / step)) * step, 0) for edge, step in zip(first, grid, strict=True)]
    high = [
        min(int(np.ceil((edge + 1) / step)) * step, size) for edge, step, size in zip(last, grid, size_px, strict=True)
    ]
    return Region(low[0], low[1], high[0], high[1])


def warp_mask(mask: Bytes, model_to_output: Floats, region: Region) -> Bytes:
    """The mask over ``region`` of the output, in one resampling. It is 0 outside the mask's box."""
    matrix = model_to_output.copy()
    matrix[:, 2] -= region.x0, region.y0
    return np.asarray(cv2.warpAffine(mask, matrix, region.size_px, flags=cv2.INTER_LINEAR), np.uint8)


def refine_edge(probability: Bytes, guide: Bytes) -> Bytes:
    """Joint bilateral filter (Petschnigg et al. 2004) over a sparse window.

    Each pixel becomes the mean of nearby pixels that are about as bright in ``guide``. Both arrays are (h, w), uint8.
    Edges of the mask move to edges of the picture within the window.
    """
    reach = GUIDE_REACH_PX
    height, width = guide.shape
    wide_guide, wide = (
        cv2.copyMakeBorder(plane, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
        for plane in (guide, probability.astype(np.float32))
    )
    total, weights = wide[reach : reach + height, reach : reach + width].copy(), np.ones(guide.shape, np.float32)
    for right, down in _HALF_WINDOW:
        # Two pixels are as like for the one as for the other: the weight of each pair is looked up once.
        left, columns = min(-right, 0), width + abs(right)
        first = np.s_[reach - down : reach + height, reach + left : reach + left + columns]
        second = np.s_[reach : reach + height + down, reach + left + right : reach + left + right + columns]
        nearness = np.exp(-0.5 * (right**2 + down**2) / (reach / 1.5) ** 2)
        likeness = cv2.absdiff(wide_guide[first], wide_guide[second])
        weight = cv2.LUT(likeness, _LIKENESS * np.float32(nearness))
        for x, y, sign in ((-left, down, 1), (-left - right, 0, -1)):
            mine = weight[y : y + height, x : x + width]
            there = np.s_[reach + sign * down :, reach + sign * right :]
            cv2.accumulate(mine, weights)
            cv2.accumulateProduct(mine, wide[there][:height, :width], total)
    return np.asarray(np.rint(total / weights), np.uint8)


def mask_to_alpha(edge: Bytes) -> Alpha:
    """Opacity (h, w), float32, 0..1, of a mask from ``harden_mask``. The soft edge lies inside, off the background."""
    return np.asarray(cv2.LUT(edge, _OPACITY))
