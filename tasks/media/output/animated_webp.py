"""Write a short animation as WebP, which browsers play without a video player."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.errors import OutputError
from tasks.media.output.output_file import write_error

_LAST_MS: Final = 100  # duration of the last picture; the others last until the next one
LARGEST_BYTES: Final = 500_000  # messengers take animated pictures of half a megabyte
QUALITIES: Final = (70, 50, 35, 20)  # of 100; the first whose file is small enough
_METHOD: Final = 2  # libwebp's trade-off between time (0) and size (6): 4 takes twice the time for 5 % less space


def write_webp(path: Path, pictures: Iterable[tuple[float, NDArray[np.uint8]]], most_bytes: int = LARGEST_BYTES) -> int:
    """Write ``pictures``, each with its start in seconds and RGB (h, w, 3), at least one, as an endless loop.

    The file has the best of ``QUALITIES`` with which it is no larger than ``most_bytes``; the last one where none is.
    Returns the number of pictures. All of them are in memory at once. ``OutputError`` if the file cannot be written.
    """
    starts_ms, images = [], []
    for start_s, rgb in pictures:
        starts_ms.append(round(start_s * 1000))
        images.append(Image.fromarray(rgb))
    durations_ms = [*np.diff(starts_ms).tolist(), _LAST_MS]
    content = b""
    for quality in QUALITIES:
        content = _encoded(images, durations_ms, quality)
        if len(content) <= most_bytes:
            break
    try:
        path.write_bytes(content)
    except OSError as error:
        raise write_error(path, error) from error
    return len(images)


def _encoded(images: list[Image.Image], durations_ms: list[int], quality: int) -> bytes:
    file = BytesIO()
    images[0].save(
        file,
        format="WEBP",
        save_all=True,
        append_images=images[1:],
        duration=durations_ms,
        loop=0,
        quality=quality,
        method=_METHOD,
    )
    return file.getvalue()


def check_written_webp(path: Path, pictures: int) -> None:
    """Decode all of ``path``. ``OutputError`` unless it holds exactly ``pictures``."""
    try:
        with Image.open(path, formats=["WEBP"]) as image:
            found = int(getattr(image, "n_frames", 1))
            for number in range(found):
                image.seek(number)
                image.load()
    except (OSError, EOFError) as error:
        raise OutputError(f"{path}: cannot be read back; run again ({error})") from error
    if found != pictures:
        raise OutputError(f"{path}: holds {found} pictures instead of {pictures}; run again")
