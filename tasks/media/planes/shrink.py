"""A picture made small enough to be sent inside a page."""

from pathlib import Path
from typing import Final

import cv2

FACTOR: Final = 0.85  # of the size, from one try to the next
QUALITY: Final = 80


def shrunk(path: Path, most_bytes: int) -> bytes:
    """The picture at ``path`` as a JPEG of at most ``most_bytes``, as large as that allows; empty if unreadable."""
    picture = cv2.imread(str(path), cv2.IMREAD_COLOR)
    while picture is not None and min(picture.shape[:2]) >= 8:
        coded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1].tobytes()
        if len(coded) <= most_bytes:
            return bytes(coded)
        picture = cv2.resize(picture, None, fx=FACTOR, fy=FACTOR, interpolation=cv2.INTER_AREA)
    return b""
