"""A picture as a smaller JPEG, with Pillow: OpenCV would take 26 MB of the head's memory for it."""

import io
from pathlib import Path
from typing import Final

from PIL import Image

SHRINK_FACTOR: Final = 0.85  # of the size, from one attempt to the next
QUALITY: Final = 80  # of 100
LEAST_PX: Final = 8  # shorter side: a smaller picture shows nothing


def jpeg_within(path: Path, max_bytes: int) -> bytes:
    """The picture at ``path`` as a JPEG of at most ``max_bytes``, as large as possible. Empty if it cannot be read."""
    try:
        with Image.open(path) as file:
            picture = file.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):  # as Pillow says it of damaged files
        return b""
    while min(picture.size) >= LEAST_PX:
        coded = io.BytesIO()
        picture.save(coded, "JPEG", quality=QUALITY)
        if coded.tell() <= max_bytes:
            return coded.getvalue()
        width, height = (round(SHRINK_FACTOR * side) for side in picture.size)
        picture = picture.resize((width, height), Image.Resampling.BOX)
    return b""
