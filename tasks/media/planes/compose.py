"""Compose pictures plane by plane: a person over a background, or two pictures side by side."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.planes.layout import Alpha, PixelLayout, Plane, Planes

LOCAL_MEAN_RADIUS_SHARE: Final = 0.03  # radius of the local mean colours at an edge, as a share of the picture's height
LOCAL_MEAN_REDUCTION: Final = 4  # the local means are computed on a picture this many times smaller
MIN_MEAN_WEIGHT: Final = 1e-4  # keeps a weighted mean defined where all weights are 0
MIN_VISIBLE_ALPHA: Final = 1 / 1024  # a smaller opacity changes no 8-bit value by half a level


def composite_foreground(
    canvas: Plane, plane: Plane, alpha: Alpha, peak: int, *, straight: bool = False, behind: Plane | None = None
) -> None:
    """Draw the person of ``plane`` (h, w) at opacity ``alpha`` into ``canvas``, without the old background.

    All arrays have the same shape; ``peak`` is the largest sample value. Where a pixel shows both person and
    background, the person's own value is estimated by blur fusion (Forte 2021): take the means of person and background
    around the pixel, weighted by alpha, and correct them by the value of the pixel. ``behind`` is the background where
    it is known. With ``straight`` the canvas takes that value unmixed wherever alpha is not 0, for a later composition.
    """
    _copy_opaque(canvas, plane, alpha)
    edge = translucent_pixels(alpha)
    if edge[0].size == 0:
        return
    means = local_mean_colors(plane, alpha)
    mine = _enlarged(next(means), edge)
    old = _enlarged(next(means), edge) if behind is None else behind[edge].astype(np.float32)
    share, shown = alpha[edge], plane[edge].astype(np.float32)
    own = mine + share * (shown - share * mine - (1 - share) * old)
    below = canvas[edge].astype(np.float32)
    mixed = own if straight else below + share * (own - below)
    canvas[edge] = np.rint(mixed).clip(0, peak).astype(canvas.dtype)


def alpha_composite(canvas: Plane, plane: Plane, alpha: Alpha) -> None:
    """Mix ``plane`` (h, w) at opacity ``alpha`` into ``canvas`` of the same shape."""
    _copy_opaque(canvas, plane, alpha)
    edge = translucent_pixels(alpha)
    below = canvas[edge].astype(np.float32)
    canvas[edge] = np.rint(below + alpha[edge] * (plane[edge] - below)).astype(canvas.dtype)


def _copy_opaque(canvas: Plane, plane: Plane, alpha: Alpha) -> None:
    # Not by numpy's copyto, which takes eight times as long; compared by numpy, as OpenCV refuses arrays of one pixel.
    cv2.copyTo(plane, (alpha > 1 - MIN_VISIBLE_ALPHA).view(np.uint8), canvas)


def translucent_pixels(alpha: Alpha) -> tuple[NDArray[np.intp], ...]:
    """Rows and columns at which ``alpha`` (h, w) is neither 0 nor 1 at 8-bit precision."""
    # OpenCV is many times faster here than comparisons in numpy.
    found = cv2.findNonZero(cv2.inRange(alpha, MIN_VISIBLE_ALPHA, 1 - MIN_VISIBLE_ALPHA))
    if found is None:
        return (np.zeros(0, np.intp), np.zeros(0, np.intp))
    columns, rows = found.reshape(-1, 2).T.astype(np.intp)
    return (rows, columns)


def local_mean_colors(plane: Plane, alpha: Alpha) -> Iterator[NDArray[np.float32]]:
    """Mean values of the person, then of the background, around each pixel: ``LOCAL_MEAN_REDUCTION`` times smaller.

    Each is computed when it is asked for.
    """
    height, width = plane.shape
    small_px = (-(-width // LOCAL_MEAN_REDUCTION), -(-height // LOCAL_MEAN_REDUCTION))
    small, share = (cv2.resize(part, small_px, interpolation=cv2.INTER_AREA) for part in (plane, alpha))
    values = small.astype(np.float32)
    reach = 2 * max(round(small_px[1] * LOCAL_MEAN_RADIUS_SHARE), 2) + 1
    for part in (share, 1 - share):
        # The fourth power gives mixed pixels little weight. Far from any weight the mean is the pixel's own value.
        weight = np.square(np.square(part)) + MIN_MEAN_WEIGHT
        yield cv2.blur(values * weight, (reach, reach)) / cv2.blur(weight, (reach, reach))


def _enlarged(small: NDArray[np.float32], at: tuple[NDArray[np.intp], ...]) -> NDArray[np.float32]:
    """The values of a picture of ``local_mean_colors`` at pixels (rows, columns) of the full size."""
    rows, columns = (places // LOCAL_MEAN_REDUCTION for places in at)
    return np.asarray(small.take(rows * small.shape[1] + columns), np.float32)


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
    """Sizes beside each other: both as high as the higher picture, unless that is wider than ``max_width``."""
    height = float(max(first_px[1], second_px[1]))
    width = sum(size[0] * height / size[1] for size in (first_px, second_px))
    height *= min(1.0, max_width / width)
    columns = [round_down_to_even(size[0] * height / size[1]) for size in (first_px, second_px)]
    rows = round_down_to_even(height)
    return Panes((columns[0], rows), (columns[1], rows), False)


def panes_stacked(first_px: tuple[int, int], second_px: tuple[int, int], max_width: int) -> Panes:
    """Sizes one above the other: both as wide as the wider picture, but at most ``max_width``."""
    width = float(min(max(first_px[0], second_px[0]), max_width))
    rows = [round_down_to_even(size[1] * width / size[0]) for size in (first_px, second_px)]
    return Panes((round_down_to_even(width), rows[0]), (round_down_to_even(width), rows[1]), True)


def round_down_to_even(length: float) -> int:
    """The largest even number of pixels that is at most ``length``, and at least 2."""
    return max(int(length / 2 + 1e-6) * 2, 2)


def join_panes(first: Sequence[Plane], second: Sequence[Plane], layout: PixelLayout, pairing: Panes) -> Planes:
    """New planes that show both pictures, each resized to its pane."""
    stack = np.vstack if pairing.vertical else np.hstack
    joined = []
    for index, pair in enumerate(zip(first, second, strict=True)):
        places = (layout.plane_wh(index, size) for size in (pairing.first_px, pairing.second_px))
        joined.append(stack([resize_plane(plane, place) for plane, place in zip(pair, places, strict=True)]))
    return tuple(joined)


def resize_plane(plane: Plane, size_px: tuple[int, int]) -> Plane:
    """``plane`` resized to ``size_px``. If only an odd last row or column is too many, it is cut off instead."""
    height, width = plane.shape
    if 0 <= width - size_px[0] <= 1 and 0 <= height - size_px[1] <= 1:
        return plane[: size_px[1], : size_px[0]]
    shrinks = size_px[0] <= width
    return np.asarray(cv2.resize(plane, size_px, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC))


def solid_planes(layout: PixelLayout, size_px: tuple[int, int], values: Sequence[int]) -> Planes:
    """New planes of one colour, given as one value a plane."""
    sizes = [layout.plane_wh(index, size_px) for index in range(layout.planes)]
    return tuple(np.full(size[::-1], value, layout.dtype) for size, value in zip(sizes, values, strict=True))
