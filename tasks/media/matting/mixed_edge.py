"""The soft edge of a person before a known background: a pixel's colour says how much of it is the person."""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Singles

Indices = NDArray[np.intp]

# Choices, where no reason stands beside them. Tried as those of ``plate_matte``: the edge is off by 0.02 px more with
# half of SOFT_PX, by 0.05 px more with double of TELLING_LEVELS, and by 0.02 px less with half of it. LEAST_CORE
# changes nothing.
LEAST_CORE: Final = 0.02  # share of such pixels nearby, from which their mean colour is known
SOFT_PX: Final = 0.9  # standard deviation of the edge where colours do not tell its width
SOFT_TAPS: Final = (5, 5)  # OpenCV's own choice, 7, gives the same with 8 bits, in twice the time
TELLING_LEVELS: Final = 30.0  # difference of person and background at which colours weigh as much as the softened edge


def mixed_edge(
    picture: list[Bytes], plate: list[Bytes], inside: Bytes, small: list[Bytes], told_apart: Singles, edge_px: int
) -> Bytes:
    """Opacity (h, w), * 255, of what is ``inside`` (h, w), 1 or 0, with an edge as wide as the colours tell.

    Where the person next to the edge has another colour than the background, a pixel's colour between the two says how
    much of it is the person. Elsewhere the edge is softened a little. ``small`` is the picture in the size of
    ``told_apart`` (h, w), which says how far the person nearby differs from the plate; ``edge_px`` is half the width.
    """
    level = inside * np.uint8(255)
    opacity = np.asarray(cv2.GaussianBlur(level, SOFT_TAPS, SOFT_PX), np.uint8)
    near = cv2.blur(level, (2 * edge_px + 1, 2 * edge_px + 1))  # rises over the edge: half on it
    here = np.flatnonzero(np.bitwise_and(cv2.inRange(near, 1.0, 254.0), 1).view(np.bool_))
    if not here.size:
        return opacity
    (high, wide), (low, narrow) = inside.shape, small[0].shape
    rows = here // wide
    columns = here - rows * wide
    solid = cv2.erode(inside, np.ones((edge_px, edge_px), np.uint8))
    core = cv2.resize(solid, (narrow, low), interpolation=cv2.INTER_AREA)
    size = 2 * max(round(2.5 * edge_px * low / high), 2) + 1
    at = _places(rows, columns, (high, wide), (low, narrow))
    places, weight = {inside.shape: here}, _mean_around(core, size).take(at)
    most = np.maximum(weight, np.float32(1e-3))
    way, length, changed = np.zeros((3, len(here)), np.float32)
    for shown, old, part in zip(picture, plate, small, strict=True):
        place = places.get(shown.shape)
        if place is None:  # of coloured planes, both have the same
            place = places[shown.shape] = _places(rows, columns, (high, wide), shown.shape)
        behind = old.take(place).astype(np.float32)
        mean = _mean_around(cv2.multiply(core, part), size).take(at) / most
        apart, change = mean - behind, shown.take(place) - behind
        way += change * apart
        length += apart * apart
        changed += change * change
    told = np.clip(way / np.maximum(length, 1), 0, 1)
    third = changed - told * (2 * way - told * length)  # squared difference from all that is between the two colours
    trust = length / (length + third + np.float32(TELLING_LEVELS**2)) * (weight > LEAST_CORE)
    mixed = opacity.take(here).astype(np.float32) / np.float32(255)
    trust *= np.where(told < mixed, told_apart.take(at), np.float32(1))
    mixed += trust * (told - mixed)
    rise = near.take(here) * np.float32(2 / 255)
    opacity.ravel()[here] = np.rint(np.clip(mixed, rise - 1, rise).clip(0, 1) * np.float32(255))
    return opacity


def _mean_around(values: Bytes, size: int) -> Singles:
    """The mean (h, w) over ``size`` pixels on each axis; OpenCV sums up bytes faster than floats."""
    return np.asarray(cv2.boxFilter(values, cv2.CV_32F, (size, size)), np.float32)


def _places(rows: Indices, columns: Indices, size: tuple[int, int], other: tuple[int, ...]) -> Indices:
    """Indices into a raveled array of shape ``other`` for pixels of one of shape ``size`` that shows the same."""
    first = np.arange(size[0]) * other[0] // size[0] * other[1]
    return np.asarray(first.take(rows) + (np.arange(size[1]) * other[1] // size[1]).take(columns))
