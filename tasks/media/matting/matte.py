"""From a network's person probability to an alpha plane: steadied over time, placed once, softly edged.

A mask is uint8, probability * 255, at model size; ``masks_file`` says where it lies in the source.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.planes.layout import Alpha
from tasks.media.planes.warp import Region

ByteMask = NDArray[np.uint8]
Matrix = NDArray[np.float64]
AGREEMENT_SIGMA: Final = 0.25  # a neighbour's probability that differs by this much counts 0.6, by twice this 0.14
PROBABILITY_RAMP: Final = (
    0.20,
    0.55,
)  # probability at which a pixel is surely not, and surely the person's: limbs stay whole
MASK_BLUR_MODEL_PX: Final = 1.0  # model pixels: smooths the network's steps
ALPHA_RAMP: Final = (0.45, 0.95)  # of the blurred mask, at which alpha leaves 0 and reaches 1: a little inside the step
REGION_MARGIN_MODEL_PX: Final = 4  # model pixels about the person in which the old background's colour is seen
GUIDE_STEP_PX: Final = 3  # refinement looks at every third pixel of its window
GUIDE_RADIUS_STEPS: Final = 3  # steps on each side
GUIDE_SIGMA_LEVELS: Final = 12.0  # standard deviation of brightness, of 255, that belongs to one surface


def _ramp(low: float, high: float) -> NDArray[np.float32]:
    """Smooth step from 0 to 1 over bytes, ``low`` and ``high`` being shares of 255."""
    t = np.clip((np.arange(256) / 255 - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


_AGREEMENT: Final = np.exp(-0.5 * (np.arange(256) / 255 / AGREEMENT_SIGMA) ** 2).astype(np.float32)
_SOLID: Final = np.rint(255 * _ramp(*PROBABILITY_RAMP)).astype(np.uint8)
_OPACITY: Final = _ramp(*ALPHA_RAMP)
_LIKENESS: Final = np.exp(-0.5 * (np.arange(256) / GUIDE_SIGMA_LEVELS) ** 2).astype(np.float32)


def average_with_neighbours(mask: ByteMask, neighbours: list[tuple[ByteMask, Matrix]]) -> ByteMask:
    """``mask`` averaged with its neighbours in time, each with the 2x3 matrix that brings it onto ``mask``.

    Neighbours on both sides cancel lag. A neighbour counts, pixel by pixel, as far as it agrees: flicker is averaged
    away, and a moving arm, on which they disagree, stays where it is.
    """
    if not neighbours:
        return mask
    total = mask.astype(np.float32)
    weights = np.ones(mask.shape, np.float32)
    size_px = mask.shape[1], mask.shape[0]
    for other, matrix in neighbours:
        aligned = cv2.warpAffine(other, matrix, size_px, dst=mask.copy(), borderMode=cv2.BORDER_TRANSPARENT)
        weight = cv2.LUT(cv2.absdiff(aligned, mask), _AGREEMENT)
        total += weight * aligned
        weights += weight
    return np.asarray(np.rint(total / weights), np.uint8)


def harden_mask(probability: ByteMask) -> ByteMask:
    """The mask with doubt decided and its steps smoothed: 255 inside, 0 outside, half on the edge."""
    return np.asarray(cv2.GaussianBlur(cv2.LUT(probability, _SOLID), (0, 0), MASK_BLUR_MODEL_PX), np.uint8)


def mask_region(mask: ByteMask, model_to_output: Matrix, size_px: tuple[int, int], grid: tuple[int, int]) -> Region:
    """Region of the output in which ``mask`` shows something and a little around it.

    It begins on the ``grid`` of chroma samples (luma pixels each); empty where nothing lies in the output.
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


def warp_mask(mask: ByteMask, model_to_output: Matrix, region: Region) -> ByteMask:
    """The mask over ``region`` of the output, 0 outside its box; one resampling."""
    matrix = model_to_output.copy()
    matrix[:, 2] -= region.x0, region.y0
    return np.asarray(cv2.warpAffine(mask, matrix, region.size_px, flags=cv2.INTER_LINEAR), np.uint8)


def refine_edge(probability: ByteMask, guide: ByteMask) -> ByteMask:
    """Joint bilateral filter: each pixel becomes the mean of those near it that are as bright in ``guide``.

    Petschnigg et al. 2004, over a sparse window. Both arrays are (h, w) uint8; edges of the mask move to edges of the
    picture that lie within the window.
    """
    reach = GUIDE_RADIUS_STEPS * GUIDE_STEP_PX
    height, width = guide.shape
    wide_guide, wide = (
        cv2.copyMakeBorder(plane, reach, reach, reach, reach, cv2.BORDER_REPLICATE) for plane in (guide, probability)
    )
    total, weights = np.zeros(guide.shape, np.float32), np.zeros(guide.shape, np.float32)
    steps = range(0, 2 * reach + 1, GUIDE_STEP_PX)
    for top, left in ((top, left) for top in steps for left in steps):
        window = np.s_[top : top + height, left : left + width]
        nearness = np.exp(-0.5 * ((top - reach) ** 2 + (left - reach) ** 2) / (reach / 1.5) ** 2)
        weight = cv2.LUT(cv2.absdiff(wide_guide[window], guide), _LIKENESS * np.float32(nearness))
        cv2.accumulate(weight, weights)
        cv2.accumulateProduct(weight, wide[window].astype(np.float32), total)
    return np.asarray(np.rint(total / weights), np.uint8)


def mask_to_alpha(edge: ByteMask) -> Alpha:
    """Opacity (h, w), float32, 0..1, of a mask from ``harden_mask``. The soft edge lies inside, off the background."""
    return np.asarray(cv2.LUT(edge, _OPACITY))
