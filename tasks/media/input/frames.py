"""Frames of a clip as a stream: upright planes in the source's own pixel format, in display order, with their times."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tasks.errors import VideoError, counted
from tasks.media.input.video_reader import DecodeStats, decode_frames, open_video
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
class Frame:
    """One upright frame.

    ``planes`` are 2-D arrays in FFmpeg's component order. They are read-only, their rows may have a stride, and they
    may lie in the decoder's memory: do not keep a frame longer than needed. ``pts`` and ``duration`` are ticks of the
    clip's time base.
    """

    index: int
    pts: int
    duration: int
    planes: Planes
    layout: PixelLayout
    color: ColorTags

    @property
    def luma(self) -> NDArray[Any]:
        """Plane 0 (h, w) of a YUV or gray frame. ``ValueError`` for RGB, which has no luma plane."""
        if self.layout.is_rgb:
            raise ValueError(f"{self.layout.name} has no luma plane")
        return self.planes[0]

    def rgb(self) -> NDArray[np.uint8]:
        """``(h, w, 3)`` uint8, C-contiguous, converted by the clip's own range and matrix."""
        return planes_to_rgb(self.planes, self.layout, self.color)


def read_frames(source: Path, clip: Clip) -> Iterator[Frame]:
    """Exactly ``clip.frames`` frames of ``source``, in order, behind the first ``clip.skipped`` ones of the file.

    The file closes with the generator. Only a few frames are in memory at a time. ``VideoError`` if the file has fewer
    frames, or frames of another size, than the clip says: then it is not the file that was scanned.
    """
    layout = clip_layout(clip)
    with open_video(source) as (container, stream):
        stats = DecodeStats()
        timed = _with_durations(decode_frames(container, stream, stats), clip)
        for index, (frame, duration) in enumerate(timed):
            planes = frame_planes(convert_frame(frame, layout, clip.color), layout)
            planes = turn_upright(planes, clip.rotation_deg, clip.mirrored)
            if planes[0].shape != (clip.height_px, clip.width_px):
                raise _changed(source, f"its picture is {planes[0].shape[::-1]}, not {clip.size_px}")
            pts = frame.pts
            del frame
            yield Frame(index, pts or 0, duration, planes, layout, clip.color)
        if stats.frames < clip.skipped + clip.frames:
            raise _changed(source, f"it has {counted(stats.frames, 'frame')}, not {clip.skipped + clip.frames}")


def _with_durations(decoded: Iterator[VideoFrame], clip: Clip) -> Iterator[tuple[VideoFrame, int]]:
    """Each of the clip's frames with its duration in ticks: until the next frame, or until the clip's end."""
    previous: VideoFrame | None = None
    for count, frame in enumerate(decoded, start=1 - clip.skipped):
        if count < 1:  # before the part that is used
            continue
        if previous is not None:
            yield previous, (frame.pts or 0) - (previous.pts or 0)
        previous = frame
        if count == clip.frames:
            yield previous, max(1, clip.end_pts - (previous.pts or 0))
            return


def _changed(source: Path, fact: str) -> VideoError:
    return VideoError(f"{source}: {fact}; it changed since it was decoded: run again")
