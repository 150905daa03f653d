"""A clip's frames as the pose model and the feature tracker want them: upright RGB and 8-bit luma, with their times."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.input.frame_cache import frames_of
from tasks.media.input.frames import Picture
from tasks.media.planes.plane_color import tags_for_height
from tasks.records import Clip

LONGEST_PX: Final = 960  # the model sees a whole picture at 224 px and a body at 256: more costs and shows it nothing


class RgbFrame(NamedTuple):
    """One frame."""

    number: int  # from 0
    time_s: float
    rgb: NDArray[np.uint8]  # (h, w, 3), C-contiguous; a large picture is made smaller
    luma: NDArray[
        np.uint8
    ]  # (h, w), the source's own size and brightness; rows may have a stride, not to be written to

    def to_source(self, landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
        """Landmarks (33, 5) of ``rgb`` in source px; pixels are counted from the centre of the first one."""
        scale = self.scale_xyz
        moved = landmarks.copy()
        moved[:, :3] *= scale
        moved[:, :2] += (scale[:2] - 1) / 2
        return moved

    @property
    def scale_xyz(self) -> NDArray[np.float64]:
        """(3,) source pixels in one of ``rgb``; depth is on the scale of x."""
        across, down = (of / rgb for of, rgb in zip(self.luma.shape[::-1], self.rgb.shape[1::-1], strict=True))
        return np.array([across, down, across])


def rgb_frames(source: Path, clip: Clip, *, held_mb: int | None = None) -> Iterator[RgbFrame]:
    """Every frame of ``clip`` in order; the file closes with the generator. ``VideoError`` as ``frames``."""
    for picture in frames_of(source, clip, held_mb=held_mb):
        time_s = float(picture.pts * clip.time_base)
        yield RgbFrame(picture.index, time_s, small_rgb(picture), luma_of(picture))


def small_rgb(picture: Picture) -> NDArray[np.uint8]:
    """``(h, w, 3)`` of the picture, made smaller by the least whole number that leaves ``LONGEST_PX`` or less."""
    height, width = picture.planes[0].shape
    step = -(-max(width, height) // LONGEST_PX)
    if step == 1:
        return picture.rgb()
    size_px = max(width // step, 1), max(height // step, 1)
    planes = [
        cv2.resize(plane, picture.layout.plane_wh(number, size_px), interpolation=cv2.INTER_AREA)
        for number, plane in enumerate(picture.planes)
    ]
    return replace(picture, planes=tuple(planes), color=tags_for_height(picture.color, height, size_px[1])).rgb()


def luma_of(picture: Picture) -> NDArray[np.uint8]:
    """``(h, w)`` uint8: plane 0, cut to its highest 8 bits; of RGB pictures their gray."""
    if picture.layout.is_rgb:
        return np.asarray(cv2.cvtColor(picture.rgb(), cv2.COLOR_RGB2GRAY), np.uint8)
    luma = picture.luma
    return luma if luma.dtype == np.uint8 else (luma >> (picture.layout.depth - 8)).astype(np.uint8)
