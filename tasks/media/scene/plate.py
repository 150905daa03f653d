"""Clean plates: the background of a frame without the people, and as far beyond its edges as other frames saw it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.planes.layout import Planes
from tasks.media.planes.region import Region
from tasks.media.scene.exposure import Coarse, coarse, coarse_size
from tasks.media.scene.fill import smooth_fill
from tasks.media.scene.frame_store import small_luma, small_luma_size

FARTHEST: Final = 0.4  # of the picture's size: no plate reaches farther beyond its frame
EDGE_STEP_PX: Final = 8  # step in which a plate is widened, and pixels of the plate for one of ``seen``
SEEN_LEVEL: Final = 242  # of 255, of a place that the frames of each plate saw: above, it is the background there
LONE_LEVEL: Final = 248  # of a lone place: one frame alone saw it, and a limb may be there that its mask lost
HALF_LEVEL: Final = 127  # of 255: above it a pixel of a reduced or moved mask counts as set
LEAST_AGREEMENT_SHARE: Final = 0.6  # share of the coarse pixels in which the frames of a plate have to agree


@dataclass(frozen=True)
class Plate:
    """The background around one frame: complete planes over ``box``, in pixels of that frame."""

    frame: int
    size_px: tuple[int, int]  # of the frame
    box: Region
    planes: Planes
    # (h, w) of ``box``, ``EDGE_STEP_PX`` times smaller: 255 where a frame saw the place, ``LONE_LEVEL`` at lone places.
    seen: NDArray[np.uint8]
    agreement: float  # share of the coarse pixels in which the aligned frames agree
    parallax: bool  # whether near things moved differently from far ones between these frames

    @property
    def trusted(self) -> bool:
        """Whether the frames agree well enough to show the same scene."""
        return self.agreement >= LEAST_AGREEMENT_SHARE

    @cached_property
    def background(self) -> Planes:
        """The planes as they are shown and compared: lone places of the frame are filled like those that nobody saw."""
        lone = self.seen == LONE_LEVEL
        if not lone.any():
            return self.planes
        unsure = (lone | (self.seen <= SEEN_LEVEL)).view(np.uint8) * np.uint8(255)
        wide = cv2.resize(unsure, None, fx=EDGE_STEP_PX, fy=EDGE_STEP_PX, interpolation=cv2.INTER_LINEAR) > HALF_LEVEL
        (width, height), planes = self.size_px, []
        for plane in self.planes:
            step_x, step_y = (
                round(whole / part) for whole, part in zip(self.box.size_px, plane.shape[::-1], strict=True)
            )
            rows = slice(-self.box.y0 // step_y, -((self.box.y0 - height) // step_y))
            columns = slice(-self.box.x0 // step_x, -((self.box.x0 - width) // step_x))
            filled, missing = plane.copy(), np.ascontiguousarray(wide[::step_y, ::step_x][rows, columns])
            filled[rows, columns] = smooth_fill(plane[rows, columns], missing, step_x)
            planes.append(filled)
        return tuple(planes)

    @cached_property
    def small(self) -> NDArray[np.uint8]:
        """The luma (h, w), reduced in size: see ``parallax``."""
        return small_luma(self.planes[0], small_luma_size(self.box.size_px))

    @cached_property
    def coarse(self) -> Coarse:
        """The planes at coarse size: see ``exposure``."""
        return coarse(self.planes, coarse_size(self.box.size_px))
