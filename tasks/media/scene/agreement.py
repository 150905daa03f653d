"""A background value from several aligned frames: the one that most of them agree on, not the nearest one's.

What is carried, a shadow or somebody who was not found stands at one place in a few frames only: these are outvoted.
"""

from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.layout import PixelLayout, Plane

Flags = NDArray[np.bool_]

MOST: Final = 3  # frames that are heard at a place
ALIKE: Final = 14  # levels of 8 bits by which two values may differ and still agree


class Votes:
    """The values that aligned frames have for the places of one rectangle of a plate."""

    def __init__(self, needed: Flags, layout: PixelLayout) -> None:
        self._layout, self._needed = layout, needed
        height, width = needed.shape
        self._count = np.zeros((height, width), np.uint8)
        self._steps = [sample_spacing(layout, index) for index in range(layout.planes)]
        self._values = [
            np.zeros((MOST, -(-height // step_y), -(-width // step_x)), layout.dtype) for step_x, step_y in self._steps
        ]

    def wanted(self, free: Flags) -> Flags:
        """The places (h, w) at which a frame that shows those that are ``free`` is still to be heard."""
        return np.asarray(self._needed & free & (self._count < MOST))

    def add(self, planes: list[Plane], wanted: Flags, corner_px: tuple[int, int]) -> None:
        """Hear a frame at the ``wanted`` places (h, w) of a part of the rectangle, which its ``planes`` cover.

        The part begins at ``corner_px``, which is even.
        """
        x, y = corner_px
        count = self._count[y:, x:][: wanted.shape[0], : wanted.shape[1]]
        for plane, values, (step_x, step_y) in zip(planes, self._values, self._steps, strict=True):
            rows, columns = np.nonzero(wanted[::step_y, ::step_x])
            slot = count[::step_y, ::step_x][rows, columns]
            values[slot, rows + y // step_y, columns + x // step_x] = plane[rows, columns]
        count[wanted] += 1

    def decided(self) -> tuple[list[Plane], Flags]:
        """The planes of the rectangle, and where (h, w) a value is known; elsewhere the planes hold no meaning."""
        luma = self._values[0]
        near = luma if self._layout.depth == 8 else np.right_shift(luma, self._layout.depth - 8).astype(np.uint8)
        heard = np.arange(MOST)[:, None, None] < self._count[None]
        support = np.zeros((MOST, *self._count.shape), np.uint8)
        for first in range(MOST):
            support[first] += heard[first]
            for second in range(first):
                alike = (cv2.absdiff(near[first], near[second]) <= ALIKE) & heard[first]
                support[first] += alike
                support[second] += alike
        chosen = support.argmax(axis=0)  # of equals the first: the nearest frame
        best = np.take_along_axis(near, chosen[None], axis=0)[0]
        agree = np.stack([(cv2.absdiff(part, best) <= ALIKE) for part in near]) & heard
        planes = []
        for values, (step_x, step_y) in zip(self._values, self._steps, strict=True):
            weight = agree[:, ::step_y, ::step_x].astype(np.float32)
            total = (values * weight).sum(axis=0)
            planes.append(np.rint(total / np.maximum(weight.sum(axis=0), 1)).astype(values.dtype))
        return planes, np.asarray(self._count > 0)
