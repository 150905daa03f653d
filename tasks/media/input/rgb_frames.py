"""Frames of a clip for the pose model and the feature tracker: upright RGB and 8-bit luma, with their times."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.input.frame_cache import cached_frames
from tasks.media.input.frames import Frame
from tasks.media.planes.layout import tags_for_height
from tasks.records import Clip

RGB_LONGEST_PX: Final = 960  # the models see a whole frame at 224 px and a body at 256 px: more shows them nothing new


@dataclass(frozen=True)
class RgbFrame:
    """One frame: its index from 0, its time, and its pixels."""

    index: int
    time_s: float
    rgb: NDArray[np.uint8]  # (h, w, 3), C-contiguous; downscaled if the frame is large
    luma: NDArray[np.uint8]  # (source h, source w); read-only, rows may have a stride

    def to_source(self, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks (33, 5) in pixels of ``rgb`` -> the same in source px. ``(0, 0)`` is the first pixel's centre."""
        scale = self.scale_xyz
        moved = landmarks.copy()
        moved[:, :3] *= scale
        moved[:, :2] += (scale[:2] - 1) / 2
        return moved

    @property
    def scale_xyz(self) -> NDArray[np.float64]:
        """(3,) source pixels per pixel of ``rgb``. Depth has the scale of x."""
        x, y = (of / rgb for of, rgb in zip(self.luma.shape[::-1], self.rgb.shape[1::-1], strict=True))
        return np.array([x, y, x])


def rgb_frames(source: Path, clip: Clip, *, cache_mb: int | None = None) -> Iterator[RgbFrame]:
    """Every frame of ``clip`` in order. The file closes with the generator.

    ``cache_mb`` as in ``cached_frames``; ``VideoError`` as in ``read_frames``.
    """
    for frame in cached_frames(source, clip, cache_mb=cache_mb):
        time_s = float(frame.pts * clip.time_base)
        yield RgbFrame(frame.index, time_s, downscaled_rgb(frame), luma_8bit(frame))


def downscaled_rgb(frame: Frame) -> NDArray[np.uint8]:
    """``(h, w, 3)``, reduced by the smallest whole factor that makes both sides at most ``RGB_LONGEST_PX``."""
    height, width = frame.planes[0].shape
    factor = -(-max(width, height) // RGB_LONGEST_PX)
    if factor == 1:
        return frame.rgb()
    size_px = max(width // factor, 1), max(height // factor, 1)
    planes = [
        cv2.resize(plane, frame.layout.plane_wh(number, size_px), interpolation=cv2.INTER_AREA)
        for number, plane in enumerate(frame.planes)
    ]
    return replace(frame, planes=tuple(planes), color=tags_for_height(frame.color, height, size_px[1])).rgb()


def luma_8bit(frame: Frame) -> NDArray[np.uint8]:
    """``(h, w)`` uint8: the highest 8 bits of the luma plane. For RGB frames, their gray."""
    if frame.layout.is_rgb:
        return np.asarray(cv2.cvtColor(frame.rgb(), cv2.COLOR_RGB2GRAY), np.uint8)
    luma = frame.luma
    return luma if luma.dtype == np.uint8 else (luma >> (frame.layout.depth - 8)).astype(np.uint8)
