"""A contact sheet: a few frames of a clip, the original above the output."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import writing
from tasks.media.input.frames import Frame
from tasks.media.planes.crop import small_rgb

RgbPicture = NDArray[np.uint8]
THUMBNAIL_WIDTH_PX: Final = 240
GAP_PX: Final = 4
CONTACT_SHEET_MAX_BYTES: Final = 200_000


def contact_frames(frames: int, count: int = 6) -> tuple[int, ...]:
    """Indices of up to ``count`` frames, in the middles of equally long parts of the clip."""
    count = min(count, frames)
    return tuple(int((part + 0.5) * frames / count) for part in range(count))


def thumbnail(shown: Frame, pixel_aspect: float) -> RgbPicture:
    """RGB (h, w, 3) of a picture, ``THUMBNAIL_WIDTH_PX`` wide, with square pixels.

    ``pixel_aspect`` is width / height of its pixels. It is reduced first: converting all of a picture of 1920x1088 took
    16 MB more for a moment, for each video.
    """
    height, width = shown.planes[0].shape
    size_px = (THUMBNAIL_WIDTH_PX, max(round(height * THUMBNAIL_WIDTH_PX / (width * pixel_aspect)), 1))
    return small_rgb(shown, size_px)


def write_contact_sheet(path: Path, columns: list[tuple[RgbPicture, RgbPicture]]) -> None:
    """Write a JPEG of at most ``CONTACT_SHEET_MAX_BYTES``: one column a pair, the first picture above the second.

    ``OutputError`` if ``path`` cannot be written.
    """
    rows = [join_row([pair[index] for pair in columns]) for index in range(2)]
    gap = np.full((GAP_PX, rows[0].shape[1], 3), 255, np.uint8)
    sheet = cv2.cvtColor(np.vstack([rows[0], gap, rows[1]]), cv2.COLOR_RGB2BGR)
    for quality in range(88, 0, -8):
        _, coded = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if coded.size <= CONTACT_SHEET_MAX_BYTES:
            break
    with writing(path):
        path.write_bytes(coded.tobytes())


def join_row(pictures: list[RgbPicture]) -> RgbPicture:
    """Pictures of equal height beside each other, with white gaps."""
    gap = np.full((pictures[0].shape[0], GAP_PX, 3), 255, np.uint8)
    parts: list[NDArray[Any]] = [part for picture in pictures for part in (gap, picture)]
    return np.hstack(parts[1:])
