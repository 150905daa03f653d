"""Stage: a small moving picture of the stabilized video, to be seen at a glance."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.media.output.animated_webp import check_written_webp, write_webp
from tasks.media.output.render_frame import Edge, Plan, read_plan, scenes
from tasks.media.planes.plane_color import tags_for_height
from tasks.media.report.contact_sheet import RgbPicture, shrink_picture
from tasks.records import Tick
from tasks.render_requests import PreviewRequest

WIDEST_PX: Final = 320
STEP_S: Final = 0.1  # between two pictures, on the whole
HALF_TICK_S: Final = 0.0005
LONGEST_S: Final = 8.0  # of a longer clip, its middle


def render_preview(request: PreviewRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``preview.webp``; facts: size and how many pictures it has."""
    plan = read_plan(request.clip, request.trajectory)
    size_px = small_size(plan.size_px, float(Fraction(plan.clip.pixel_aspect)))
    path = folder / request.output
    count = write_webp(path, small_pictures(request, plan, size_px, tick))
    check_written_webp(path, count)
    return {"pictures": count, "size_px": list(size_px), "bytes": path.stat().st_size}


def small_size(size_px: tuple[int, int], pixel_aspect: float) -> tuple[int, int]:
    """At most ``WIDEST_PX`` wide, with square pixels."""
    width, height = size_px[0] * pixel_aspect, float(size_px[1])
    factor = min(WIDEST_PX / width, 1.0)
    return max(round(width * factor), 1), max(round(height * factor), 1)


def shown_frame(frame_s: NDArray[np.float64], at_s: float) -> int:
    """The last of the frames (n,) that begin no later than ``at_s``; the first where none does."""
    return max(int(np.searchsorted(frame_s, at_s + HALF_TICK_S, side="right")) - 1, 0)


def small_pictures(
    request: PreviewRequest, plan: Plan, size_px: tuple[int, int], tick: Tick
) -> Iterator[tuple[float, RgbPicture]]:
    """Seconds from the first one, and the picture, of those that are shown: always one at least."""
    edge = Edge(request.border.mode.value, tuple(request.border.color), request.render.interpolation.value)
    first_s = plan.clip.start_s + max((plan.clip.duration_s - LONGEST_S) / 2, 0.0)
    first = shown_frame(plan.time_s, first_s)
    color = tags_for_height(plan.clip.color, plan.clip.height_px, plan.size_px[1])
    due_s = 0.0
    for scene in scenes(request.source, plan, held_mb=request.held_mb, shared=request.shared):
        picture = scene.picture
        time_s = max(float(picture.pts * plan.clip.time_base) - first_s, 0.0)  # the first one is shown since before
        if time_s >= LONGEST_S:
            return
        if picture.index >= first and time_s >= due_s - HALF_TICK_S:
            due_s = max(due_s + STEP_S, time_s)
            output = replace(picture, planes=scene.moved(edge), color=color)
            yield time_s, shrink_picture(output.rgb(), size_px)
        tick(picture.index + 1)
