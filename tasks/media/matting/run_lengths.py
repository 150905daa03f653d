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


class Extent(NamedTuple):
    """Where the pixels of a mask that belong to the person lie."""

    left: int
    top: int
    width: int
    height: int
    area_px: int  # 0: there is none, and all is 0


def extent(mask: NDArray[np.uint8]) -> Extent:
    """The extent of the pixels of ``mask`` (h, w) above one half, 127 of 255."""
    inside = cv2.compare(mask, INSIDE, cv2.CMP_GT)
    left, top, width, height = cv2.boundingRect(inside)
    return Extent(left, top, width, height, cv2.countNonZero(inside))


def run_lengths(mask: Mask, size_px: tuple[int, int]) -> RunLengths:
    """The pixels of the source that are more likely the person than not; the mask is scaled linearly.

    Only the part of the picture in which there can be such pixels is looked at.
    """
    left, top, width, height, _ = extent(mask.probability)
    rows, columns = mask.probability.shape
    # A pixel between two of the mask's can be inside if one of them is.
    x0, y0, x1, y1 = max(left - 1, 0), max(top - 1, 0), min(left + width + 1, columns), min(top + height + 1, rows)
    low, high = mask.edges_px[:2].astype(np.float64), mask.edges_px[2:].astype(np.float64)
    cell = (high - low) / (columns, rows)
    # Turned over, since the runs go down the columns: that is cheap as long as the mask is small.
    edges_px = np.concatenate([(low + cell * [x0, y0])[::-1], (low + cell * [x1, y1])[::-1]])
    part, (first_row, first_column) = _covered_part(mask.probability[y0:y1, x0:x1].T, edges_px, size_px[::-1])
    return _runs(part, (first_column, first_row), size_px)


def mask_in_source(mask: Mask, size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The mask (h, w) at the size of the source, scaled linearly, probability * 255; 0 where it covers nothing."""
    whole = np.zeros(size_px[::-1], np.uint8)
    part, (left, top) = _covered_part(mask.probability, mask.edges_px, size_px)
    whole[top : top + part.shape[0], left : left + part.shape[1]] = part
    return whole


def mask_in_output(
    mask: Mask, size_px: tuple[int, int], to_output: Floats, output_px: tuple[int, int]
) -> NDArray[np.uint8]:
    """The mask (h, w) at the size of the output, probability * 255, moved by ``to_output`` (2, 3).

    0 where it covers nothing, and beyond the source of size ``size_px``.
    """
    return np.asarray(cv2.warpAffine(mask_in_source(mask, size_px), to_output, output_px), np.uint8)


def _covered_part(
    probability: NDArray[np.uint8], edges_px: NDArray[Any], size_px: tuple[int, int]
) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """The part (h, w) of the picture that a mask covers, and its left upper pixel; empty where it covers none."""
    width, height = size_px
    x0, y0, x1, y1 = (float(edge) for edge in edges_px)
    left, top = max(0, round(x0 + 0.5)), max(0, round(y0 + 0.5))
    right, bottom = min(width, round(x1 + 0.5)), min(height, round(y1 + 0.5))
    if right <= left or bottom <= top:
        return np.zeros((0, 0), np.uint8), (0, 0)
    rows, columns = probability.shape
    scale_x, scale_y = (x1 - x0) / columns, (y1 - y0) / rows
    place = np.array([[scale_x, 0, x0 + scale_x / 2 - left], [0, scale_y, y0 + scale_y / 2 - top]])
    part = cv2.warpAffine(probability, place, (right - left, bottom - top), borderMode=cv2.BORDER_REPLICATE)
    return part.astype(np.uint8, copy=False), (left, top)


def _runs(part: NDArray[np.uint8], corner: tuple[int, int], size_px: tuple[int, int]) -> RunLengths:
    """The run lengths of a picture of ``size_px``, of which ``part`` (columns, rows) has the probabilities.

    ``corner``: its first column and row.
    """
    width, height = size_px
    columns, rows = part.shape
    edged = np.zeros((columns, rows + 2), np.bool_)
    edged[:, 1:-1] = part > INSIDE
    flat = edged.ravel()
    bounds = np.flatnonzero(flat[1:] != flat[:-1])  # a column's runs begin and end in it
    if not len(bounds):
        return RunLengths(compressed(np.array([width * height])), np.zeros(4), 0)
    column, row = np.divmod(bounds, rows + 2)
    places = (column + corner[0]) * height + row + corner[1]
    starts, ends = places[::2], places[1::2]
    area_px = int((ends - starts).sum())
    joined = ends[:-1] == starts[1:]  # a run that goes on at the top of the next column
    starts, ends = starts[np.append(True, ~joined)], ends[np.append(~joined, True)]
    bounds = np.stack([starts, ends], axis=1).ravel()
    bounds = bounds[bounds < width * height]  # a last run up to the corner needs no end
    counts = np.diff(np.concatenate([[0], bounds, [width * height]]))
    top, end = row[::2].min(), row[1::2].max()
    box = [corner[0] + column[0], corner[1] + top, column[-1] - column[0] + 1, end - top]
    return RunLengths(compressed(counts), np.array(box, np.float64), area_px)


def compressed(counts: NDArray[Any]) -> str:
    """COCO's text for run lengths (k,): differences to the last but one, in groups of five bits (``rleToString``)."""
    left = counts.astype(np.int64)
    left[3:] -= counts[1:-2]
    letters, wanted, more = [], [], np.ones(len(left), np.bool_)
    while more.any():
        wanted.append(more)
        bits, left = left & 0x1F, left >> 5
        more = more & np.where(bits & 0x10, left != -1, left != 0)
        letters.append((np.where(more, bits | 0x20, bits) + 48).astype(np.uint8))
    return np.stack(letters, axis=1)[np.stack(wanted, axis=1)].tobytes().decode("ascii")
