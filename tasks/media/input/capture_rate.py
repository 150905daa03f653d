"""The rate at which the camera took the frames of a slow-motion or time-lapse video, where a phone stored it.

Android cameras name it in the metadata item ``com.android.capture.fps``. Samsung's name it in the box ``smta`` of the
movie, as a recording mode (see SmtaAtomUtil of Android's Media3). Apple's slow motion keeps real times in the file, so
it needs no such number.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Final

from tasks.errors import VideoError

ANDROID_TAG: Final = "com.android.capture.fps"
HIGHEST_HZ: Final = 100_000  # more than any camera takes; a damaged file may say anything
SAMSUNG_MODES_HZ: Final = {12: 240, 13: 120}  # recording modes of slow motion
SAMSUNG_RATE_MODE: Final = 21  # the rate follows in a box of its own, srfr, as a 16.16 fixed-point number
LARGEST_MOVIE_BYTES: Final = 1 << 26  # of a moov box that is searched
_HEADER_BYTES: Final = 8


def read_capture_rate(path: Path, metadata: Mapping[str, str]) -> Fraction | None:
    """Frames a second that the camera took; None where the file does not say it. ``VideoError`` if it is unreadable.

    ``metadata`` is that of the container.
    """
    told = _plausible(metadata.get(ANDROID_TAG, ""))
    if told is not None or metadata.get("major_brand", "") == "":  # the boxes are those of MP4 and QuickTime
        return told
    try:
        with path.open("rb") as file:
            movie = _movie(file, path.stat().st_size)
    except OSError as error:
        raise VideoError(f"{path}: cannot be read ({error.strerror}); copy it again") from error
    rate_hz = _samsung_rate(movie)
    return None if rate_hz is None else _plausible(str(rate_hz))


def _plausible(text: str) -> Fraction | None:
    try:
        rate_hz = float(text)
    except ValueError:
        return None
    if not math.isfinite(rate_hz) or not 0 < rate_hz <= HIGHEST_HZ:
        return None
    return Fraction(rate_hz).limit_denominator(1001)


def _movie(file: BinaryIO, size_bytes: int) -> bytes:
    """The content of the box ``moov``; empty where there is none, or one that is too large."""
    offset = 0
    while offset + _HEADER_BYTES <= size_bytes:
        file.seek(offset)
        header = file.read(16)
        length, start = int.from_bytes(header[:4]), _HEADER_BYTES
        if length == 1:  # the length follows, in eight bytes
            length, start = int.from_bytes(header[8:]), 16
        if length < start:
            return b""
        if header[4:8] == b"moov":
            file.seek(offset + start)
            return file.read(length - start) if length <= LARGEST_MOVIE_BYTES else b""
        offset += length
    return b""


def _box(content: bytes, name: bytes) -> bytes:
    """The content of the first box of that name directly in ``content``; empty where there is none."""
    offset = 0
    while offset + _HEADER_BYTES <= len(content):
        length = int.from_bytes(content[offset : offset + 4])
        if length < _HEADER_BYTES:
            return b""
        if content[offset + 4 : offset + 8] == name:
            return content[offset + _HEADER_BYTES : offset + length]
        offset += length
    return b""


def _samsung_rate(movie: bytes) -> float | None:
    """The rate that Samsung's box names: ``moov/udta/smta``, with four bytes of version and flags, and ``saut`` in it.

    ``saut`` has the author in four bytes, and two pairs of bytes, a key and a value; key 0 is the recording mode.
    """
    inside = _box(_box(movie, b"udta"), b"smta")[4:]
    modes = _box(inside, b"saut")[4:8]
    pairs = dict(zip(modes[::2], modes[1::2], strict=False))
    mode = pairs.get(0)
    if mode == SAMSUNG_RATE_MODE:
        fixed = _box(inside, b"srfr")[:4]
        return int.from_bytes(fixed) / 65536 if len(fixed) == 4 else None
    return SAMSUNG_MODES_HZ.get(mode) if mode is not None else None
