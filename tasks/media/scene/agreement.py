"""The background at each place, from several aligned frames: the value on which most of them agree.

Something that is carried, a shadow, or a person who was not found is at one place in a few frames only: these are
outvoted.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Flags
from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.layout import PixelLayout, Plane

MOST_VOTES: Final = 3  # frames that give a value for a place
ALIKE: Final = 14  # levels of 8 bits by which two values may differ and still agree


class Votes:
    """The values that aligned frames have for the places of one rectangle of a plate."""

    def __init__(self, needed: Flags, layout: PixelLayout) -> None:
        self._layout, self._open = layout, needed.copy()  # where more values are needed
        self._count = np.zeros(needed.shape, np.uint8)
        self._spacing = [sample_spacing(layout, index) for index in range(layout.planes)]
        self._values = [
            np.zeros((MOST_VOTES, *needed[::step_y, ::step_x].shape), layout.dtype) for step_x, step_y in self._spacing
        ]

    def wanted(self, free: Flags) -> Flags:
        """The ``free`` places (h, w) of a frame, those that show the background, at which its values are needed."""
        return np.asarray(self._open & free)

    def add(self, planes: Sequence[Plane], wanted: Flags, corner_px: tuple[int, int]) -> None:
        """Add the values of a frame at the ``wanted`` places (h, w) of a part of the rectangle.

        The frame's ``planes`` cover the part, which begins at ``corner_px``: an even place (x, y) of the rectangle.
        """
        x, y = corner_px
        count = self._count[y:, x:][: wanted.shape[0], : wanted.shape[1]]
        for slot in range(MOST_VOTES):
            mask = (wanted & (count == slot)).view(np.uint8)  # OpenCV's compare refuses arrays of one pixel
            if not cv2.hasNonZero(mask):
                continue
            its = {step: np.ascontiguousarray(mask[:: step[1], :: step[0]]) for step in set(self._spacing)}
            for plane, values, step in zip(planes, self._values, self._spacing, strict=True):
                place = values[slot, y // step[1] :, x // step[0] :][: plane.shape[0], : plane.shape[1]]
                cv2.copyTo(plane, its[step], place)  # many times as fast as numpy's
        count += wanted
        still = self._open[y:, x:][: wanted.shape[0], : wanted.shape[1]]
        still &= count < MOST_VOTES

    def decided(self) -> tuple[list[Plane], Flags, Flags]:
        """The planes of the rectangle; where (h, w) they are known; and where only one frame shows what they show.

        Where they are not known their values mean nothing.
        """
        luma = self._values[0]
        near = luma if self._layout.depth == 8 else np.right_shift(luma, self._layout.depth - 8).astype(np.uint8)
        given = [self._count > slot for slot in range(MOST_VOTES)]
        support = [part.astype(np.uint8) for part in given]
        for second in range(MOST_VOTES):
            for first in range(second):
                alike = (cv2.absdiff(near[first], near[second]) <= ALIKE) & given[second]
                support[first] += alike
                support[second] += alike
        best, most = near[0].copy(), support[0]  # with equal support the nearest frame wins, which is the first
        for part, count in zip(near[1:], support[1:], strict=True):
            np.copyto(best, part, where=count > most)
            most = cv2.max(most, count)
        agree = [
            ((cv2.absdiff(part, best) <= ALIKE) & there).view(np.uint8) for part, there in zip(near, given, strict=True)
        ]
        planes = [self._mean(index, agree) for index in range(self._layout.planes)]
        return planes, given[0], given[0] & (most < 2)

    def _mean(self, index: int, agree: list[NDArray[np.uint8]]) -> Plane:
        """The mean of those values of a plane that agree."""
        (step_x, step_y), values = self._spacing[index], self._values[index]
        masks = [np.ascontiguousarray(mask[::step_y, ::step_x]) for mask in agree]
        total, weight = np.zeros(values.shape[1:], np.float32), np.zeros(values.shape[1:], np.float32)
        for part, mask in zip(values, masks, strict=True):
            cv2.accumulate(part, total, mask=mask)
            cv2.accumulate(mask, weight)
        kind = cv2.CV_8U if values.dtype == np.uint8 else cv2.CV_16U
        return np.asarray(cv2.divide(total, cv2.max(weight, 1.0), dtype=kind))
