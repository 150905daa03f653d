"""Kymographs: one line of pixels through the target over time. What stands still becomes a straight streak.

Two lines are followed, a row and a column, in the source and in the output. In the source they go through the anchor,
so each shows one axis alone: the row is never moved sideways, the column never up or down. Lines are kept in the
picture's own samples and become colours together, for converting each by itself costs as much as a picture.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.planes.layout import PixelLayout, Planes, nearest, rgb_of
from tasks.records import ColorTags

Line = tuple[NDArray[Any], ...]
"""Samples of each plane along one line, ``(LENGTH_PX,)`` each, in the layout's dtype."""

AXES: Final = ("x", "y")  # of a row, of a column
COLUMNS: Final = 720  # of the picture: moments
LENGTH_PX: Final = 240  # that a line is made, so many samples high
QUALITY: Final = 80


def line_through(planes: Planes, layout: PixelLayout, axis: str, at_px: float) -> Line:
    """The row (``x``) or column (``y``) of a picture at ``at_px``, or the nearest there is."""
    across = 0 if axis == "x" else 1
    place = int(np.clip(round(at_px), 0, planes[0].shape[across] - 1))
    line = []
    for number, plane in enumerate(planes):
        own = place >> layout.chroma_shift[1 - across] if number else place
        samples = np.ascontiguousarray(plane[own] if across == 0 else plane[:, own])
        line.append(cv2.resize(samples[:, None], (1, LENGTH_PX), interpolation=cv2.INTER_AREA)[:, 0])
    return tuple(line)


def write_kymograph(path: Path, lines: Sequence[Line], layout: PixelLayout, color: ColorTags) -> None:
    """Write lines of ``layout``, tagged ``color``, as the columns of a JPEG; ``OutputError`` when it cannot be."""
    planes = tuple(np.stack(samples, axis=1) for samples in zip(*lines, strict=True))
    whole = nearest(f"yuv444p{'' if layout.depth == 8 else '10le'}") if any(layout.chroma_shift) else layout
    _, coded = cv2.imencode(
        ".jpg", cv2.cvtColor(rgb_of(planes, whole, color), cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY]
    )
    try:
        path.write_bytes(coded.tobytes())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); check space and permissions") from error
