"""A written video, read back before anybody is given it."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from tasks.errors import OutputError, VideoError
from tasks.media.source import leave_out_looks, opened


def verify_video(path: Path, frames: int, pts: NDArray[np.int64] | None = None) -> None:
    """Open ``path``, decode all of it and count; with ``pts`` (ticks of the file's time base) compare the times.

    ``OutputError`` when the file does not hold exactly ``frames`` frames, shown at these times.
    """
    found: list[int] = []
    decoded = 0
    broken = ""
    try:
        with opened(path) as (container, stream):
            leave_out_looks(stream)
            stream.codec_context.thread_count = 1
            for packet in container.demux(stream):
                pictures = packet.decode()
                decoded += len(pictures)
                if packet.is_corrupt or any(picture.is_corrupt for picture in pictures):
                    broken = f" (frame {len(found)} is damaged)"
                if packet.size and not packet.is_discard:
                    found.append(packet.pts if packet.pts is not None else -1)
    except VideoError as error:
        raise OutputError(f"{path}: cannot be read back; run again ({error})") from error
    except (av.FFmpegError, OSError) as error:
        broken = f" ({error.strerror or error})"
    if len(found) != frames or decoded != frames or broken:
        held = min(len(found), decoded) if len(found) <= frames else len(found)
        raise OutputError(f"{path}: holds {held} frames instead of {frames}{broken}; run again")
    times = np.sort(np.array(found, dtype=np.int64))
    if pts is not None and not np.array_equal(times, pts):
        first = int(np.flatnonzero(times != pts)[0])
        raise OutputError(f"{path}: frame {first} is shown at tick {times[first]}, not {pts[first]}; run again")
