"""A clip's frames as the networks want them: upright RGB with the time of each."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.media.frames import frames
from tasks.records import Clip


class RgbFrame(NamedTuple):
    """One frame."""

    number: int  # from 0
    time_s: float
    rgb: NDArray[np.uint8]  # (h, w, 3), C-contiguous


def rgb_frames(source: Path, clip: Clip) -> Iterator[RgbFrame]:
    """Every frame of ``clip`` in order; the file closes with the generator. ``VideoError`` as ``frames``."""
    for picture in frames(source, clip):
        yield RgbFrame(picture.index, float(picture.pts * clip.time_base), picture.rgb())
