"""Kymographs: one line of pixels through the target over time. What stands still becomes a straight streak.

Two lines are followed, a row and a column, in the source and in the output. In the source they go through the anchor,
so each shows one axis alone: the row is never moved sideways, the column never up or down.
"""

from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.layout import PixelLayout, Planes, rgb_of
from tasks.records import ColorTags

Rgb = NDArray[np.uint8]
Line = NDArray[np.uint8]

AXES: Final = ("x", "y")  # of a row, of a column
COLUMNS: Final = 720  # of the picture: moments
LENGTH_PX: Final = 240  # that a line is made, so many samples high
BAND_PX: Final = 16  # of the picture that is converted for a line; fewer are more trouble for the converter
QUALITY: Final = 80


def line_through(planes: Planes, layout: PixelLayout, color: ColorTags, axis: str, at_px: float) -> Line:
    """The row (``x``) or column (``y``) of pixels at ``at_px``, or the nearest there is: ``(LENGTH_PX, 3)`` uint8."""
    across = 0 if axis == "x" else 1
    size = planes[0].shape[across]
    place = int(np.clip(round(at_px), 0, size - 1))
    first = max(0, min(place - BAND_PX // 2, size - BAND_PX)) // 2 * 2
    stop = min(first + BAND_PX + 1, size)  # one more, for ``first`` has become even
    shift = layout.chroma_shift[1 - across]
    parts = []
    for number, plane in enumerate(planes):
        by = shift if number else 0
        part = slice(first >> by, -(-stop >> by))
        parts.append(plane[part] if across == 0 else plane[:, part])
    band = rgb_of(parts, layout, color)
    line = band[place - first] if across == 0 else band[:, place - first]
    return np.asarray(cv2.resize(line[:, None], (1, LENGTH_PX), interpolation=cv2.INTER_AREA)[:, 0])


def write_kymograph(path: Path, lines: list[Line]) -> None:
    """Write the lines, each ``(LENGTH_PX, 3)``, as the columns of a JPEG; ``OutputError`` when it cannot be written."""
    picture = cv2.cvtColor(np.stack(lines, axis=1), cv2.COLOR_RGB2BGR)
    _, coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    try:
        path.write_bytes(coded.tobytes())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); check space and permissions") from error
