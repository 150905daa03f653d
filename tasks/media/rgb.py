"""A clip's frames as the networks and the feature tracker want them: upright RGB and 8-bit luma, with their times."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.frames import Picture
from tasks.media.held import frames_of
from tasks.records import Clip


class RgbFrame(NamedTuple):
    """One frame."""

    number: int  # from 0
    time_s: float
    rgb: NDArray[np.uint8]  # (h, w, 3), C-contiguous
    luma: NDArray[np.uint8]  # (h, w), the source's own brightness; rows may have a stride, not to be written to


def rgb_frames(source: Path, clip: Clip, *, held_mb: int | None = None) -> Iterator[RgbFrame]:
    """Every frame of ``clip`` in order; the file closes with the generator. ``VideoError`` as ``frames``."""
    for picture in frames_of(source, clip, held_mb=held_mb):
        rgb = picture.rgb()
        yield RgbFrame(picture.index, float(picture.pts * clip.time_base), rgb, luma_of(picture, rgb))


def luma_of(picture: Picture, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``(h, w)`` uint8: plane 0, cut to its highest 8 bits; of RGB pictures the gray of ``rgb``."""
    if picture.layout.is_rgb:
        return np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)
    luma = picture.luma
    return luma if luma.dtype == np.uint8 else (luma >> (picture.layout.depth - 8)).astype(np.uint8)
