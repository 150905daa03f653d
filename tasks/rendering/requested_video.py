"""Write the video that a request asks for, as the request says: encoder, sound, and how the file is read back."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from conf.enums import WrittenCheck
from conf.render import EncodeConf
from tasks.media.output.render_frame import Pair, Placement, write_video
from tasks.requests import RenderRequest


def write_requested(
    request: RenderRequest, placement: Placement, size_px: tuple[int, int], pairs: Iterator[Pair], folder: Path
) -> dict[str, Any]:
    """Write the request's video into ``folder``; facts: frames, size and notes."""
    encoding = request.encode or EncodeConf()
    path, full = folder / request.output, request.render.check is WrittenCheck.full
    return write_video(path, placement, size_px, pairs, encoding=encoding, sound=request.source, every_frame=full)
