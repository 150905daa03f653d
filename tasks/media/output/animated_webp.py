"""Write a short animation as WebP, which browsers play without a video player."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Final

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
    Returns how long it plays, in ms. The pictures wait in a file without a name beside ``path``: 80 pictures of 320x180
    would take 18 MB of memory while other videos are encoded. ``OutputError`` if a file cannot be written.
    """
    starts_ms, size_px = [], (0, 0)
    with ExitStack() as stack:
        with _file_errors(path):
            # Without a buffer: to close one that could not be written raises again, and hides the first error.
            waiting = stack.enter_context(TemporaryFile(dir=path.parent, buffering=0))
        for start_s, rgb in pictures:
            starts_ms.append(round(start_s * 1000))
            size_px = rgb.shape[1], rgb.shape[0]
            with _file_errors(path):
                left = memoryview(rgb.tobytes())
                while left:  # a disk that gets full takes a part
                    left = left[waiting.write(left) :]
        durations_ms = [*np.diff(starts_ms).tolist(), _LAST_MS]
        content = b""
        for quality in QUALITIES:
            content = _encoded(_Pictures(waiting, size_px, len(starts_ms)), durations_ms, quality)
            if len(content) <= most_bytes:
                break
    with _file_errors(path):
        path.write_bytes(content)
    return sum(durations_ms)


@contextmanager
def _file_errors(path: Path) -> Iterator[None]:
    """``OutputError`` where the block cannot write."""
    try:
        yield
    except OSError as error:
        raise write_error(path, error) from error


class _Pictures(Image.Image):
    """The pictures in a file, RGB of one size, as an image of several frames; one of them is in memory."""

    def __init__(self, file: IO[bytes], size_px: tuple[int, int], count: int) -> None:
        super().__init__()
        self._mode, self._size = "RGB", size_px
        self.n_frames = count
        self._file, self._number = file, 0
        self.seek(0)

    def seek(self, frame: int) -> None:
        """Have the frame of that number, from 0 on."""
        width, height = self._size
        self._file.seek(frame * 3 * width * height)
        self.im = Image.frombytes("RGB", self._size, self._file.read(3 * width * height)).im
        self._number = frame

    def tell(self) -> int:
        """The number of the frame that is in memory."""
        return self._number


def _encoded(pictures: _Pictures, durations_ms: list[int], quality: int) -> bytes:
    file = BytesIO()
    pictures.save(
        file,
        format="WEBP",
        save_all=True,
        duration=durations_ms,
        loop=0,
        quality=quality,
        method=_METHOD,
    )
    return file.getvalue()


def check_written_webp(path: Path, plays_ms: int) -> int:
    """Decode all of ``path`` and return its number of pictures. ``OutputError`` unless they play for ``plays_ms``.

    Their number may be less than that of the pictures given: libwebp joins those that hardly differ to one, which is
    shown as long as they were. Where none differs it writes a still picture, which has no time.
    """
    found_ms = 0
    try:
        with Image.open(path, formats=["WEBP"]) as image:
            pictures = int(getattr(image, "n_frames", 1))
            for number in range(pictures):
                image.seek(number)
                image.load()
                found_ms += int(image.info.get("duration", 0))
    except (OSError, EOFError) as error:
        raise OutputError(f"{path}: cannot be read back; run again ({error})") from error
    if pictures > 1 and found_ms != plays_ms:
        raise OutputError(f"{path}: plays for {found_ms} ms instead of {plays_ms} ms; run again")
    return pictures
