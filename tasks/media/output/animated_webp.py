"""Write a short animation as WebP, which browsers play without a video player."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tasks.errors import OutputError
from tasks.media.output.output_file import write_error

_LAST_MS: Final = 100  # duration of the last picture; the others last until the next one
_QUALITY: Final = 70  # of 100
_METHOD: Final = 4  # libwebp's trade-off between time (0) and size (6)


def write_webp(path: Path, pictures: Iterable[tuple[float, NDArray[np.uint8]]]) -> int:
    """Write ``pictures``, each with its start in seconds and RGB (h, w, 3), at least one, as an endless loop.

    Returns their number. All of them are in memory at once. ``OutputError`` if the file cannot be written.
    """
    starts_ms, images = [], []
    for start_s, rgb in pictures:
        starts_ms.append(round(start_s * 1000))
        images.append(Image.fromarray(rgb))
    durations_ms = [*np.diff(starts_ms).tolist(), _LAST_MS]
    try:
        images[0].save(
            path,
            format="WEBP",
            save_all=True,
            append_images=images[1:],
            duration=durations_ms,
            loop=0,
            quality=_QUALITY,
            method=_METHOD,
        )
    except OSError as error:
        raise write_error(path, error) from error
    return len(images)


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
