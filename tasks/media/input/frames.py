"""Frames as a stream: planes of the source's own pixel format, upright, in display order, with their
times.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tasks.errors import VideoError
from tasks.media.input.source import Reading, opened, pictures
from tasks.media.planes.layout import (
    PixelLayout,
    Planes,
    clip_layout,
    convert_frame,
    frame_planes,
    planes_to_rgb,
    turn_upright,
)
from tasks.records import Clip, ColorTags


@dataclass(frozen=True)
class Picture:
    """One upright frame.

    ``planes`` are 2-D arrays in FFmpeg's component order, read-only; their rows may have a stride. ``pts``
    and ``duration`` count ticks of the clip's time base. Keep a picture no longer than needed: its planes
    may lie in the decoder's memory.
    """

    index: int
    pts: int
    duration: int
    planes: Planes
    layout: PixelLayout
    color: ColorTags

    @property
    def luma(self) -> NDArray[Any]:
        """Plane 0: brightness, of YUV and gray pictures; ``ValueError`` for RGB, which has none."""
        if self.layout.is_rgb:
            raise ValueError(f"{self.layout.name} has no luma plane")
        return self.planes[0]

    def rgb(self) -> NDArray[np.uint8]:
        """``(h, w, 3)`` uint8, C-contiguous, by the clip's own range and matrix."""
        return planes_to_rgb(self.planes, self.layout, self.color)


def frames(source: Path, clip: Clip) -> Iterator[Picture]:
    """Exactly ``clip.frames`` pictures of ``source``, in order; the file closes with the generator.

    Needs memory for a few frames only. ``VideoError`` when the file gives fewer frames or another size than
    the clip says: it is not the file that was decoded.
    """
    layout = clip_layout(clip)
    with opened(source) as (container, stream):
        reading = Reading()
        times = _durations(pictures(container, stream, reading), clip)
        for index, (frame, duration) in enumerate(times):
            planes = frame_planes(convert_frame(frame, layout, clip.color), layout)
            planes = turn_upright(planes, clip.rotation_deg, clip.mirrored)
            if planes[0].shape != (clip.height_px, clip.width_px):
                raise _changed(source, f"its picture is {planes[0].shape[::-1]}, not {clip.size_px}")
            pts = frame.pts
            del frame
            yield Picture(index, pts or 0, duration, planes, layout, clip.color)
        if reading.frames < clip.frames:
            raise _changed(source, f"{reading.frames} frames came, not {clip.frames}")


def _durations(stream: Iterator[VideoFrame], clip: Clip) -> Iterator[tuple[VideoFrame, int]]:
    """Each of the clip's frames with the ticks until the next one; the last with those until the clip's
    end.
    """
    held: VideoFrame | None = None
    for count, frame in enumerate(stream, start=1):
        if held is not None:
            yield held, (frame.pts or 0) - (held.pts or 0)
        held = frame
        if count == clip.frames:
            yield held, max(1, clip.end_pts - (held.pts or 0))
            return


def _changed(source: Path, fact: str) -> VideoError:
    return VideoError(f"{source}: {fact}; it changed since it was decoded: run again")
