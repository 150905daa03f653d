"""A person's mask in pixels of the source or the output, and as run lengths in the format of the COCO data set."""

from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.media.files.masks_file import Mask

INSIDE = 127  # of 255


class RunLengths(NamedTuple):
    """The mask of a picture, in COCO's compressed run lengths."""

    counts: str
    box: Floats  # (4,) left, top, width, height from the picture's corner; zeros without a pixel
    area_px: int


def run_lengths(mask: Mask, size_px: tuple[int, int]) -> RunLengths:
    """The pixels of the source that are more likely the person than not; the mask is scaled linearly.

    Only the part of the picture that the mask covers is looked at.
    """
    part, corner = _covered_part(mask, size_px)
    return _runs(part > INSIDE, corner, size_px)


def mask_in_source(mask: Mask, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The mask (h, w) at the size of the source, scaled linearly, probability * 255; 0 where it covers nothing."""
    whole = np.zeros(size_px[::-1], np.uint8)
    part, (left, top) = _covered_part(mask, size_px)
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    return whole


def mask_in_output(
    mask: Mask, size_px: tuple[int, int], to_output: Floats, output_px: tuple[int, int]
) -> NDArray[np.uint8]:
    """The mask (h, w) at the size of the output, probability * 255, moved by ``to_output`` (2, 3).

    0 where it covers nothing, and beyond the source of size ``size_px``.
    """
    return np.asarray(cv2.warpAffine(mask_in_source(mask, size_px), to_output, output_px), np.uint8)


def _covered_part(mask: Mask, size_px: tuple[int, int]) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The part (h, w) of the picture that the mask covers, and its left upper pixel; empty where it covers none."""
    width, height = size_px
    x0, y0, x1, y1 = (float(edge) for edge in mask.edges_px)
    left, top = max(0, round(x0 + 0.5)), max(0, round(y0 + 0.5))
    right, bottom = min(width, round(x1 + 0.5)), min(height, round(y1 + 0.5))
    if right <= left or bottom <= top:
        return np.zeros((0, 0), np.uint8), (0, 0)
    rows, columns = mask.probability.shape
    scale_x, scale_y = (x1 - x0) / columns, (y1 - y0) / rows
    place = np.array([[scale_x, 0, x0 + scale_x / 2 - left], [0, scale_y, y0 + scale_y / 2 - top]])
    part = cv2.warpAffine(mask.probability, place, (right - left, bottom - top), borderMode=cv2.BORDER_REPLICATE)
    return part.astype(np.uint8, copy=False), (left, top)


def _runs(inside: NDArray[Any], corner: tuple[int, int], size_px: tuple[int, int]) -> RunLengths:
    """The run lengths of a picture whose part at ``corner`` is ``inside`` (h, w); columns go from top to bottom."""
    width, height = size_px
    if not inside.any():
        return RunLengths(compressed(np.array([width * height])), np.zeros(4), 0)
    edged = np.zeros((inside.shape[1], inside.shape[0] + 2), np.int8)
    edged[:, 1:-1] = inside.T
    column, row = np.nonzero(np.diff(edged, axis=1))  # a column's runs begin and end in it
    places = (column + corner[0]) * height + row + corner[1]
    starts, ends = places[::2], places[1::2]
    joined = ends[:-1] == starts[1:]  # a run that goes on at the top of the next column
    starts, ends = starts[np.append(True, ~joined)], ends[np.append(~joined, True)]
    bounds = np.stack([starts, ends], axis=1).ravel()
    bounds = bounds[bounds < width * height]  # a last run up to the corner needs no end
    counts = np.diff(np.concatenate([[0], bounds, [width * height]]))
    across, down = np.flatnonzero(inside.any(axis=0)), np.flatnonzero(inside.any(axis=1))
    box = [corner[0] + across[0], corner[1] + down[0], across[-1] - across[0] + 1, down[-1] - down[0] + 1]
    return RunLengths(compressed(counts), np.array(box, np.float64), int(inside.sum()))


def compressed(counts: NDArray[Any]) -> str:
    """COCO's text for run lengths (k,): differences to the last but one, in groups of five bits (``rleToString``)."""
    change = counts.astype(np.int64).copy()
    change[3:] -= counts[1:-2]
    letters = []
    for value in change.tolist():
        more = True
        while more:
            bits, value = value & 0x1F, value >> 5
            more = value != -1 if bits & 0x10 else value != 0
            letters.append(chr((bits | 0x20 if more else bits) + 48))
    return "".join(letters)
