"""Pictures put together, plane by plane: a person over a plain colour, two pictures side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.layout import PixelLayout, Planes
from tasks.media.matte import Alpha

Plane = NDArray[Any]

EDGE_SHARE: Final = 0.03  # of the picture's height: how far the colours at an edge are looked for
REDUCTION: Final = 4  # those colours are averaged on a picture this many times smaller
PURITY: Final = 4  # power of the weights of those averages: pixels that show both count little
TINY: Final = 1e-4


def draw_over(canvas: Plane, plane: Plane, alpha: Alpha, peak: int) -> None:
    """Draw ``plane`` (h, w) at opacity ``alpha`` into ``canvas`` of the same shape, its old background left behind.

    Where a pixel shows both, the person's own value is estimated by blur fusion (Forte 2021): the means of person and
    background around it, weighted by alpha, corrected by what the pixel itself shows.
    """
    np.copyto(canvas, plane, where=alpha >= 1)
    edge = np.nonzero((alpha > 0) & (alpha < 1))
    if edge[0].size == 0:
        return
    mine, old = (near[edge[0] // REDUCTION, edge[1] // REDUCTION] for near in colours_near(plane, alpha))
    share, shown = alpha[edge], plane[edge].astype(np.float32)
    own = mine + share * (shown - share * mine - (1 - share) * old)
    below = canvas[edge].astype(np.float32)
    canvas[edge] = np.rint(below + share * (own - below)).clip(0, peak).astype(canvas.dtype)


def colours_near(plane: Plane, alpha: Alpha) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean value of the person and of the background around each pixel, both reduced ``REDUCTION`` times."""
    height, width = plane.shape
    small_px = (-(-width // REDUCTION), -(-height // REDUCTION))
    small, share = (cv2.resize(part, small_px, interpolation=cv2.INTER_AREA) for part in (plane, alpha))
    values = small.astype(np.float32)
    reach = 2 * max(round(small_px[1] * EDGE_SHARE), 2) + 1
    means = []
    for part in (share, 1 - share):
        weight = part**PURITY + TINY  # where nothing pure is near, the pixel's own value
        means.append(cv2.blur(values * weight, (reach, reach)) / cv2.blur(weight, (reach, reach)))
    return means[0], means[1]


@dataclass(frozen=True)
class SideBySide:
    """Sizes (width, height) of the two pictures of a comparison, equally high, all even."""

    left_px: tuple[int, int]
    right_px: tuple[int, int]

    @property
    def size_px(self) -> tuple[int, int]:
        return self.left_px[0] + self.right_px[0], self.left_px[1]


def side_by_side(left_px: tuple[int, int], right_px: tuple[int, int], max_width: int) -> SideBySide:
    """Sizes at which both fit: as high as the higher one, unless that is wider than ``max_width``."""
    height = float(max(left_px[1], right_px[1]))
    width = sum(size[0] * height / size[1] for size in (left_px, right_px))
    height *= min(1.0, max_width / width)
    rows = max(int(height / 2 + 1e-6) * 2, 2)
    columns = [max(int(size[0] * height / size[1] / 2 + 1e-6) * 2, 2) for size in (left_px, right_px)]
    return SideBySide((columns[0], rows), (columns[1], rows))


def join(left: Sequence[Plane], right: Sequence[Plane], layout: PixelLayout, sizes: SideBySide) -> Planes:
    """Planes of both pictures in one, each scaled to its place."""
    joined = []
    for index, pair in enumerate(zip(left, right, strict=True)):
        places = (layout.plane_wh(index, size) for size in (sizes.left_px, sizes.right_px))
        joined.append(np.hstack([scale(plane, place) for plane, place in zip(pair, places, strict=True)]))
    return tuple(joined)


def scale(plane: Plane, size_px: tuple[int, int]) -> Plane:
    """``plane`` at another size; an odd last row or column is dropped rather than resampled for."""
    height, width = plane.shape
    if 0 <= width - size_px[0] <= 1 and 0 <= height - size_px[1] <= 1:
        return plane[: size_px[1], : size_px[0]]
    shrinks = size_px[0] <= width
    return np.asarray(cv2.resize(plane, size_px, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))


def plain(layout: PixelLayout, size_px: tuple[int, int], values: Sequence[int]) -> Planes:
    """New planes of one plain colour, one value each."""
    sizes = [layout.plane_wh(index, size_px) for index in range(layout.planes)]
    return tuple(np.full(size[::-1], value, layout.dtype) for size, value in zip(sizes, values, strict=True))
