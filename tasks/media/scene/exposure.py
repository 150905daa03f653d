"""Differences of brightness between aligned pictures: coarse, smooth fields that hide the seams between them."""

from typing import Any, Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.media.scene.fill import push_pull
from tasks.media.scene.people_mask import scaling

Coarse = NDArray[np.float32]
Corners = tuple[int, int, int, int]

STEP_PX: Final = 32  # luma pixels in one coarse pixel
SAMPLES: Final = 8  # of a plane, on each axis, that a coarse pixel is the mean of, at least
MOST_SHIFT: Final = 0.15  # of the range of values: a larger difference of brightness is no difference of exposure
AGREES: Final = 0.07  # of the range: two pictures whose coarse pixels differ by less show the same
LEAST_SHIFT: Final = 0.75  # levels: a smaller difference of brightness is not seen
LEAST_COARSE: Final = 6  # coarse pixels without which brightness is not compared
BLUR: Final = 1.5  # standard deviation, in coarse pixels, of the differences of brightness


class Exposure(NamedTuple):
    """How much brighter one picture is than another, coarsely, over the whole of a box."""

    shift: tuple[Coarse, ...]  # (h, w) to be added, one a plane
    agreement: float  # share of the coarse pixels that differ by no more than that


def coarse_size(size_px: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the coarse picture of one of ``size_px``."""
    return max(round(size_px[0] / STEP_PX), 1), max(round(size_px[1] / STEP_PX), 1)


def coarse(plane: NDArray[Any], wh: tuple[int, int]) -> Coarse:
    """``plane`` (h, w) at the size of a coarse picture, from a part of its samples."""
    skip = max(min(plane.shape[1] // wh[0], plane.shape[0] // wh[1]) // SAMPLES, 1)
    return np.asarray(cv2.resize(plane[::skip, ::skip], wh, interpolation=cv2.INTER_AREA), np.float32)


def smooth_difference(difference: Coarse, both: Coarse, peak: float) -> tuple[Coarse, float]:
    """A smooth field that follows ``difference`` (h, w) where ``both`` (h, w) is 1, and how much of it is explained."""
    if both.sum() < LEAST_COARSE:
        return np.zeros_like(difference), 0.0
    middle = float(np.median(difference[both > 0]))
    middle = float(np.clip(middle, -MOST_SHIFT * peak, MOST_SHIFT * peak))
    rest = difference - middle
    like = both * (np.abs(rest) < AGREES * peak)
    smooth = cv2.GaussianBlur(push_pull(rest, np.asarray(like, np.float32)), (0, 0), BLUR)
    return np.asarray(middle + smooth, np.float32), float(like.sum() / both.sum())


def brighter(
    values: NDArray[Any],
    field: Coarse,
    piece: Corners,
    wh: tuple[int, int],
    box: Corners,
    size_px: tuple[int, int],
    peak: int,
) -> NDArray[Any]:
    """The plane ``values`` of ``wh`` over ``piece``, made brighter by the coarse ``field`` over ``box``.

    Both are x0, y0, x1, y1 in pixels of a frame of ``size_px``; results are held to 0..``peak``.
    """
    if np.abs(field).max() < LEAST_SHIFT:
        return values
    to_low = scaling(size_px, coarse_size(size_px))
    corner = np.floor(affine.apply(to_low, np.array(box[:2], np.float64)))
    from_piece = affine.compose(
        affine.translation(np.array(piece[:2], np.float64)),
        affine.invert(scaling((piece[2] - piece[0], piece[3] - piece[1]), wh)),
    )
    to_coarse = affine.compose(affine.translation(-corner), affine.compose(to_low, from_piece))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    shift = cv2.warpAffine(field, to_coarse, wh, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    if values.dtype == np.uint8:
        return np.asarray(cv2.add(values, shift, dtype=cv2.CV_8U))
    return np.asarray(cv2.min(cv2.add(values, shift, dtype=cv2.CV_16U), float(peak)))
