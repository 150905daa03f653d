"""Compose pictures plane by plane: a person over a background."""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.planes.layout import Alpha, PixelLayout, Plane, Planes, new_planes

LOCAL_MEAN_RADIUS_SHARE: Final = 0.03  # radius of the local mean colours at an edge, as a share of the picture's height
LOCAL_MEAN_REDUCTION: Final = 4  # the local means are computed on a picture this many times smaller; a power of 2
MIN_MEAN_WEIGHT: Final = 1e-4  # keeps a weighted mean defined where all weights are 0
OPAQUE_LEVEL: Final = 255  # of an opacity in 8 bits
SHARE_OF_LEVEL: Final = (np.arange(256) / OPAQUE_LEVEL).astype(np.float32)
MIN_VISIBLE_ALPHA: Final = 1 / 1024  # a smaller opacity changes no 8-bit value by half a level

Levels = NDArray[np.uint8]  # (h, w) opacity, * 255


class SoftEdge:
    """An opacity (h, w), uint8, * 255, and where it mixes: found once for all planes that have it."""

    def __init__(self, level: Levels) -> None:
        self.level = np.ascontiguousarray(level)

    @cached_property
    def opaque(self) -> Levels:
        """1 where it hides what lies behind, else 0."""
        return np.asarray(self.level == OPAQUE_LEVEL).view(np.uint8)  # by numpy, as OpenCV refuses arrays of one pixel

    @cached_property
    def places(self) -> NDArray[np.intp]:
        """Indices into the raveled array at which it is neither 0 nor 1."""
        return _flat_places(cv2.inRange(self.level, 1, OPAQUE_LEVEL - 1))

    @cached_property
    def rows_and_columns(self) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """The same places as indices of a plane that may be a view."""
        return np.divmod(self.places, self.level.shape[1])

    @cached_property
    def share(self) -> NDArray[np.float32]:
        """The opacity at ``places``, 0..1."""
        return SHARE_OF_LEVEL.take(self.level.take(self.places))

    def means(self, plane: Plane, *, of_person: bool) -> NDArray[np.float32]:
        """The mean value of the person, or of the background, around each of ``places`` of ``plane`` (h, w)."""
        weight, around = self._of_person if of_person else self._of_background
        reach, at = self._reach, self._small_places
        return np.asarray((cv2.blur(_quarter(plane) * weight, (reach, reach)) / around).take(at), np.float32)

    @cached_property
    def _small(self) -> NDArray[np.float32]:
        return _quarter(self.level) * np.float32(1 / OPAQUE_LEVEL)

    @cached_property
    def _small_places(self) -> NDArray[np.intp]:
        rows, columns = self.rows_and_columns
        return np.asarray(rows // LOCAL_MEAN_REDUCTION * self._small.shape[1] + columns // LOCAL_MEAN_REDUCTION)

    @property
    def _reach(self) -> int:
        return 2 * max(round(len(self._small) * LOCAL_MEAN_RADIUS_SHARE), 2) + 1

    @cached_property
    def _of_person(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._weights(self._small)

    @cached_property
    def _of_background(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return self._weights(1 - self._small)

    def _weights(self, share: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The weights of the samples of a reduced plane, and their sums over the part around each."""
        # The fourth power gives mixed pixels little weight. Far from any weight the mean is the pixel's own value.
        weight = np.square(np.square(share)) + np.float32(MIN_MEAN_WEIGHT)
        return weight, np.asarray(cv2.blur(weight, (self._reach, self._reach)), np.float32)


def soft_edges(levels: Sequence[Levels]) -> list[SoftEdge]:
    """The edge of each plane; planes with the very same array share it."""
    found = {id(level): SoftEdge(level) for level in levels}
    return [found[id(level)] for level in levels]


def composite_foreground(
    canvas: Plane, plane: Plane, edge: SoftEdge, peak: int, *, straight: bool = False, behind: Plane | None = None
) -> None:
    """Draw the person of ``plane`` (h, w) at the opacity of ``edge`` into ``canvas``, without the old background.

    All arrays have the same shape; ``peak`` is the largest sample value. Where a pixel shows both person and
    background, the person's own value is estimated by blur fusion (Forte 2021): take the means of person and background
    around the pixel, weighted by alpha, and correct them by the value of the pixel. ``behind`` is the background where
    it is known. With ``straight`` the canvas takes that value unmixed wherever alpha is not 0, for a later composition.
    """
    _copy_opaque(canvas, plane, edge.opaque)
    at, share = edge.places, edge.share
    if at.size == 0:
        return
    mine = edge.means(plane, of_person=True)
    old = edge.means(plane, of_person=False) if behind is None else behind.take(at).astype(np.float32)
    shown = plane.take(at).astype(np.float32)
    own = mine + share * (shown - share * mine - (1 - share) * old)
    below = canvas[edge.rows_and_columns].astype(np.float32)
    mixed = own if straight else below + share * (own - below)
    canvas[edge.rows_and_columns] = np.rint(mixed).clip(0, peak).astype(canvas.dtype)


def alpha_composite(canvas: Plane, plane: Plane, alpha: Alpha) -> None:
    """Mix ``plane`` (h, w) at opacity ``alpha`` into ``canvas`` of the same shape."""
    _copy_opaque(canvas, plane, (alpha > 1 - MIN_VISIBLE_ALPHA).view(np.uint8))
    at = np.divmod(_flat_places(cv2.inRange(alpha, MIN_VISIBLE_ALPHA, 1 - MIN_VISIBLE_ALPHA)), alpha.shape[1])
    below = canvas[at].astype(np.float32)
    canvas[at] = np.rint(below + alpha[at] * (plane[at] - below)).astype(canvas.dtype)


def _copy_opaque(canvas: Plane, plane: Plane, opaque: Levels) -> None:
    cv2.copyTo(plane, opaque, canvas)  # not by numpy's copyto, which takes eight times as long


def _flat_places(found: Levels) -> NDArray[np.intp]:
    """Indices into the raveled array at which ``found`` is 255, not 0."""
    # inRange is many times faster than comparisons in numpy, and flatnonzero takes a third of findNonZero's time.
    return np.flatnonzero(np.bitwise_and(found, 1).view(np.bool_))


def _quarter(plane: Plane) -> NDArray[np.float32]:
    """``plane`` with 1 / ``LOCAL_MEAN_REDUCTION`` of its rows and columns, rounded up; each sample is a mean."""
    rows, columns = (-length % LOCAL_MEAN_REDUCTION for length in plane.shape)
    small = cv2.copyMakeBorder(plane, 0, rows, 0, columns, cv2.BORDER_REPLICATE) if rows or columns else plane
    for _ in range(LOCAL_MEAN_REDUCTION.bit_length() - 1):  # by two, which OpenCV does in a fraction of the time
        small = cv2.resize(small, (small.shape[1] // 2, small.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32)


def solid_planes(layout: PixelLayout, size_px: tuple[int, int], values: Sequence[int]) -> Planes:
    """New planes of one colour, given as one value a plane."""
    planes = new_planes(layout, size_px)
    for plane, value in zip(planes, values, strict=True):
        plane.fill(value)
    return planes
