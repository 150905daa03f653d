"""Frames set aside on disk while clean plates are made of them: memory does not grow with their number."""

from dataclasses import dataclass, field
from functools import cached_property
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import writing
from tasks.maths.arrays import Bytes
from tasks.media.input.frames import Frame
from tasks.media.planes.crop import small_size
from tasks.media.planes.layout import PixelLayout, Plane, Planes
from tasks.media.scene.exposure import Coarse, coarse, coarse_size
from tasks.media.scene.people_mask import without_shadows

# Longer side of the small pictures that are compared in detail; 240 fills no margin better.
SMALL_LONGEST_PX: Final = 120


def small_luma_size(size_px: tuple[int, int]) -> tuple[int, int]:
    """(width, height) of the small luma of a frame."""
    return small_size(size_px, SMALL_LONGEST_PX)


def small_luma(plane: Plane, wh: tuple[int, int]) -> Bytes:
    """A luma plane of 8 or 10 bits at the size ``wh``, in 8 bits.

    It is halved as long as that is exact: OpenCV does that ten times as fast as any other reduction.
    """
    while plane.shape[0] % 2 == plane.shape[1] % 2 == 0 and plane.shape[1] >= 2 * wh[0] and plane.shape[0] >= 2 * wh[1]:
        half_px = (plane.shape[1] // 2, plane.shape[0] // 2)
        plane = np.asarray(cv2.resize(plane, half_px, interpolation=cv2.INTER_AREA))
    small = cv2.resize(plane, wh, interpolation=cv2.INTER_AREA)
    return np.asarray(small if plane.dtype == np.uint8 else np.right_shift(small, 2), np.uint8)


@dataclass(frozen=True)
class StoredFrame:
    """A frame that was set aside."""

    path: Path
    hidden: Bytes  # (h, w) of the small picture: 255 where people hide the background
    low: Coarse  # (h, w, planes)
    small: Bytes  # (h, w) luma of ``small_luma_size``
    low_free: NDArray[np.float32]  # (h, w) share of each coarse pixel that nobody hides

    @cached_property
    def free_of_people(self) -> Bytes:
        """(h, w) of the small picture: 255 where nobody hides the background, else 0."""
        return np.asarray(cv2.bitwise_not(without_shadows(self.hidden)), np.uint8)

    @cached_property
    def free_of_limbs(self) -> Bytes:
        """The same, and 0 also where a limb may be lost."""
        return np.asarray(cv2.bitwise_not(without_shadows(self.hidden, limbs=True)), np.uint8)

    @cached_property
    def free_of_shadows(self) -> Bytes:
        """255 where no shadow may be either; the surer it is that a person hides a place, the less, down to 0."""
        return np.asarray(cv2.bitwise_not(self.hidden), np.uint8)


@dataclass
class FrameStore:
    """Frames of one clip by their number."""

    folder: Path
    layout: PixelLayout
    size_px: tuple[int, int]
    frames: dict[int, StoredFrame] = field(default_factory=dict)

    def put(self, picture: Frame, hidden: Bytes) -> None:
        """Set a frame aside; ``OutputError`` when the disk is full."""
        path = self.folder / f"frame_{picture.index:08d}.raw"
        with writing(path), path.open("wb") as file:
            for plane in picture.planes:
                file.write(np.ascontiguousarray(plane).data)
        low_px = coarse_size(self.size_px)
        low = coarse(picture.planes, low_px)
        free = (hidden == 0).astype(np.float32)
        low_free = np.asarray(cv2.resize(free, low_px, interpolation=cv2.INTER_AREA), np.float32)
        small = small_luma(picture.planes[0], small_luma_size(self.size_px))
        self.frames[picture.index] = StoredFrame(path, hidden, low, small, low_free)

    def planes(self, frame: int) -> Planes:
        """The planes of a frame that was set aside."""
        with self.frames[frame].path.open("rb") as file:  # mapped, not read: parts are asked for, again and again
            mapped = mmap(file.fileno(), 0, access=ACCESS_READ)  # numpy.memmap takes ten times as long to open it
        whole = np.frombuffer(mapped, self.layout.dtype)
        planes, start = [], 0
        for index in range(self.layout.planes):
            width, height = self.layout.plane_wh(index, self.size_px)
            planes.append(whole[start : start + width * height].reshape(height, width))
            start += width * height
        return tuple(planes)

    def drop(self, frame: int) -> None:
        """Forget a frame."""
        self.frames.pop(frame).path.unlink(missing_ok=True)
