"""A small moving picture that a browser plays by itself: animated WebP."""

import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import av
import numpy as np
from av.codec.context import Flags
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.output.output_file import write_error

Rgb = NDArray[np.uint8]

TICKS_S: Final = Fraction(1, 1000)
LAST_TICKS: Final = 100  # how long the last picture is shown; the others, until the next one
STILL: Final = (b"VP8 ", b"VP8L")
QUALITY: Final = "70"  # of 100


def write_webp(path: Path, pictures: Iterator[tuple[float, Rgb]], size_px: tuple[int, int]) -> int:
    """Write ``pictures`` (seconds from the first, RGB of ``size_px``) in an endless loop.

    Gives their number. ``OutputError`` when the file cannot be written.
    """
    count = 0
    try:
        with av.open(f"file:{path}", "w", format="webp", options={"loop": "0"}) as container:
            options = {"quality": QUALITY, "compression_level": "4"}
            stream = container.add_stream("libwebp_anim", rate=10, options=options)
            stream.width, stream.height = size_px
            stream.pix_fmt = "bgra"
            stream.codec_context.time_base = TICKS_S
            stream.codec_context.flags |= Flags.bitexact | Flags.frame_duration
            for start_s, rgb in pictures:
                bgra = np.dstack([rgb[..., ::-1], np.full(rgb.shape[:2], 255, np.uint8)])
                frame = VideoFrame.from_ndarray(np.ascontiguousarray(bgra), format="bgra")
                frame.pts, frame.time_base = round(start_s / TICKS_S), TICKS_S
                frame.duration = LAST_TICKS
                container.mux(stream.encode(frame))
                count += 1
            container.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as error:
        raise write_error(path, error) from error
    return count


def check_written_webp(path: Path, pictures: int) -> None:
    """``OutputError`` when the file does not hold exactly ``pictures``; read by its chunks (RIFF)."""
    content = path.read_bytes()
    names = [name for name, _ in chunks(content)]
    frames = names.count(b"ANMF") or sum(name in STILL for name in names)  # one picture is no animation
    whole = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    if not whole or int.from_bytes(content[4:8], "little") + 8 != len(content) or frames != pictures:
        raise OutputError(f"{path}: holds {frames} pictures instead of {pictures}; run again")


def chunks(content: bytes) -> Iterator[tuple[bytes, Any]]:
    """Name and bytes of each chunk of a RIFF file."""
    at = 12
    while at + 8 <= len(content):
        (length,) = struct.unpack("<I", content[at + 4 : at + 8])
        yield content[at : at + 4], content[at + 8 : at + 8 + length]
        at += 8 + length + length % 2
