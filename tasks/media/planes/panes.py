"""Two pictures in one, beside each other or one above the other."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from tasks.media.planes.layout import PixelLayout, Plane, Planes, new_planes

WIDE_SCREEN: Final = 9 / 16  # height / width of a usual screen


@dataclass(frozen=True)
class Panes:
    """Sizes (width, height) of the two pictures of a comparison. All are even, with equal heights or equal widths."""

    first_px: tuple[int, int]
    second_px: tuple[int, int]
    vertical: bool  # the second picture is below the first, else to its right

    @property
    def size_px(self) -> tuple[int, int]:
        (width, height), (other_width, other_height) = self.first_px, self.second_px
        return (width, height + other_height) if self.vertical else (width + other_width, height)

    @property
    def second_corner_px(self) -> tuple[int, int]:
        return (0, self.first_px[1]) if self.vertical else (self.first_px[0], 0)


def panes_side_by_side(first_px: tuple[int, int], second_px: tuple[int, int], max_width: int) -> Panes:
    """Sizes beside each other: both as high as the higher picture, unless that is too wide or too large.

    Together they are at most ``max_width`` wide, and have at most as many pixels as a picture of 16:9 of that width.
    """
    height = float(max(first_px[1], second_px[1]))
    width = sum(size[0] * height / size[1] for size in (first_px, second_px))
    most_px = max_width**2 * WIDE_SCREEN
    height *= min(1.0, max_width / width, math.sqrt(most_px / (width * height)))
    columns = [round_down_to_even(size[0] * height / size[1]) for size in (first_px, second_px)]
    rows = round_down_to_even(height)
    return Panes((columns[0], rows), (columns[1], rows), vertical=False)


def panes_stacked(first_px: tuple[int, int], second_px: tuple[int, int], max_width: int) -> Panes:
    """Sizes one above the other: both as wide as the wider picture, but at most ``max_width``."""
    width = float(min(max(first_px[0], second_px[0]), max_width))
    rows = [round_down_to_even(size[1] * width / size[0]) for size in (first_px, second_px)]
    columns = round_down_to_even(width)
    return Panes((columns, rows[0]), (columns, rows[1]), vertical=True)


def round_down_to_even(length: float) -> int:
    """The largest even number of pixels that is at most ``length``, and at least 2."""
    return max(int(length / 2 + 1e-6) * 2, 2)


def join_panes(first: Sequence[Plane], second: Sequence[Plane], layout: PixelLayout, pairing: Panes) -> Planes:
    """New planes that show both pictures, each resized to its pane."""
    joined = new_planes(layout, pairing.size_px)
    for index, (canvas, one, other) in enumerate(zip(joined, first, second, strict=True)):
        wide, high = layout.plane_wh(index, pairing.first_px)
        _resize_into(one, canvas[:high, :wide])
        _resize_into(other, canvas[high:] if pairing.vertical else canvas[:, wide:])
    return joined


def _resize_into(plane: Plane, target: Plane) -> None:
    """Write ``plane``, resized by ``resize_plane``, into ``target``."""
    resized = resize_plane(plane, target.shape[::-1], target)
    if not np.may_share_memory(resized, target):
        target[:] = resized


def resize_plane(plane: Plane, size_px: tuple[int, int], target: Plane | None = None) -> Plane:
    """``plane`` resized to ``size_px``. If only an odd last row or column is too many, it is cut off instead.

    The result may be ``target``, an array of that size.
    """
    height, width = plane.shape
    if 0 <= width - size_px[0] <= 1 and 0 <= height - size_px[1] <= 1:
        return plane[: size_px[1], : size_px[0]]
    shrinks = size_px[0] <= width
    kernel = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(plane, size_px, dst=target, interpolation=kernel))
