"""A written video, read back before anybody is given it."""

from pathlib import Path

import av

from tasks.errors import OutputError, VideoError
from tasks.media.input.source import leave_out_looks, opened


def verify_video(path: Path, frames: int) -> None:
    """Open ``path``, decode all of it and count; ``OutputError`` when it does not hold exactly ``frames`` frames."""
    found = decoded = 0
    broken = ""
    try:
        with opened(path) as (container, stream):
            leave_out_looks(stream)
            stream.codec_context.thread_count = 1
            for packet in container.demux(stream):
                pictures = packet.decode()
                decoded += len(pictures)
                if packet.is_corrupt or any(picture.is_corrupt for picture in pictures):
                    broken = f" (frame {found} is damaged)"
                found += packet.size > 0 and not packet.is_discard
    except VideoError as error:
        raise OutputError(f"{path}: cannot be read back; run again ({error})") from error
    except (av.FFmpegError, OSError) as error:
        broken = f" ({error.strerror or error})"
    if found != frames or decoded != frames or broken:
        held = min(found, decoded) if found <= frames else found
        raise OutputError(f"{path}: holds {held} frames instead of {frames}{broken}; run again")
