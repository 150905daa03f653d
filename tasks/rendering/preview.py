"""The preview: a small moving picture of the stabilized video."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.media.output.animated_webp import check_written_webp, write_webp
from tasks.media.output.render_frame import Frames, Placement, edge_of
from tasks.media.planes.crop import small_rgb
from tasks.media.planes.layout import tags_for_height
from tasks.media.planes.tone_map import for_ordinary_screens
from tasks.media.report.contact_sheet import RgbPicture
from tasks.requests import RenderRequest

LONGEST_PX: Final = 320  # longer side
STEP_S: Final = 0.1  # between two pictures, on average
HALF_TICK_S: Final = 0.0005  # WebP counts time in ms
LONGEST_S: Final = 8.0  # a longer clip shows its middle


def render_preview(request: RenderRequest, placement: Placement, frames: Frames, folder: Path) -> dict[str, Any]:
    """Write ``preview.webp``; facts: size and how many pictures it has."""
    size_px = preview_size_px(placement.size_px, placement.clip.pixel_aspect_value)
    path = folder / request.output
    plays_ms = write_webp(path, small_pictures(request, placement, frames, size_px))
    pictures = check_written_webp(path, plays_ms)
    return {"pictures": pictures, "size_px": list(size_px), "bytes": path.stat().st_size}


def preview_size_px(size_px: tuple[int, int], pixel_aspect: float) -> tuple[int, int]:
    """Width and height of the preview: at most ``LONGEST_PX``, with square pixels."""
    width, height = size_px[0] * pixel_aspect, float(size_px[1])
    factor = min(LONGEST_PX / max(width, height), 1.0)
    return max(round(width * factor), 1), max(round(height * factor), 1)


def shown_frame(frame_s: NDArray[np.float64], at_s: float) -> int:
    """The last of the frames (n,) that begin no later than ``at_s``; the first where none does."""
    return max(int(np.searchsorted(frame_s, at_s + HALF_TICK_S, side="right")) - 1, 0)


def small_pictures(
    request: RenderRequest, placement: Placement, frames: Frames, size_px: tuple[int, int]
) -> Iterator[tuple[float, RgbPicture]]:
    """The pictures of the preview, at least one, each with its seconds since the preview's start."""
    edge = edge_of(request)
    first_s = placement.clip.start_s + max((placement.clip.duration_s - LONGEST_S) / 2, 0.0)
    first = shown_frame(placement.time_s, first_s)
    color = tags_for_height(placement.clip.color, placement.clip.height_px, placement.size_px[1])
    due_s = 0.0
    for frame in frames:
        picture = frame.picture
        # The first picture may begin before the shown part does.
        time_s = max(float(picture.pts * placement.clip.time_base) - first_s, 0.0)
        if time_s >= LONGEST_S:
            return
        if picture.index >= first and time_s >= due_s - HALF_TICK_S:
            due_s = max(due_s + STEP_S, time_s)
            output = replace(picture, planes=frame.moved(edge), color=color)
            yield time_s, for_ordinary_screens(small_rgb(output, size_px), color)
