"""A contact sheet: a few frames of a clip at a glance, the original above what became of it."""

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import OutputError

Rgb = NDArray[np.uint8]
THUMBNAIL_WIDTH_PX: Final = 240
GAP_PX: Final = 4
LARGEST_BYTES: Final = 200_000
FACTOR: Final = 0.85  # of the size, from one try to the next
QUALITY: Final = 80


def sheet_frames(frames: int, count: int = 6) -> tuple[int, ...]:
    """Indices of up to ``count`` frames in the middles of equally long parts of the clip."""
    count = min(count, frames)
    return tuple(int((part + 0.5) * frames / count) for part in range(count))


def thumbnail(rgb: Rgb, pixel_aspect: float) -> Rgb:
    """``rgb`` (h, w, 3) of pixels of width / height ``pixel_aspect``, ``THUMBNAIL_WIDTH_PX`` wide, of square ones."""
    height, width = rgb.shape[:2]
    return scaled(rgb, (THUMBNAIL_WIDTH_PX, max(round(height * THUMBNAIL_WIDTH_PX / (width * pixel_aspect)), 1)))


def scaled(rgb: Rgb, size_px: tuple[int, int]) -> Rgb:
    """``rgb`` (h, w, 3) made smaller."""
    return np.asarray(cv2.resize(rgb, size_px, interpolation=cv2.INTER_AREA))


def write_contact(path: Path, columns: list[tuple[Rgb, Rgb]]) -> None:
    """Write a JPEG of at most ``LARGEST_BYTES``: a column for each pair, its first picture above its second."""
    rows = [row_of([pair[index] for pair in columns]) for index in range(2)]
    gap = np.full((GAP_PX, rows[0].shape[1], 3), 255, np.uint8)
    sheet = cv2.cvtColor(np.vstack([rows[0], gap, rows[1]]), cv2.COLOR_RGB2BGR)
    for quality in range(88, 0, -8):
        _, coded = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality])
        if coded.size <= LARGEST_BYTES:
            break
    try:
        path.write_bytes(coded.tobytes())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); check space and permissions") from error


def row_of(pictures: list[Rgb]) -> Rgb:
    """Pictures of one height beside each other, white between them."""
    gap = np.full((pictures[0].shape[0], GAP_PX, 3), 255, np.uint8)
    parts: list[NDArray[Any]] = [part for picture in pictures for part in (gap, picture)]
    return np.hstack(parts[1:])


def shrunk(path: Path, most_bytes: int) -> bytes:
    """The picture at ``path`` as a JPEG of at most ``most_bytes``, as large as that allows; empty if unreadable."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    while picture is not None and min(picture.shape[:2]) >= 8:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        if len(coded) <= most_bytes:
            return bytes(coded)
        picture = cv2.resize(picture, None, fx=FACTOR, fy=FACTOR, interpolation=cv2.INTER_AREA)
    return b""
