"""Frames of a clip as a stream: upright planes in the source's own pixel format, in display order, with their times."""

from collections import deque
from collections.abc import Generator, Iterator, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from tasks.errors import TableNotConfirmed, VideoError, counted
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
    clip's time base. ``concealed``: the decoder covered damage up in it; frames that refer to it may show that too.
    """

    index: int
    pts: int
    duration: int
    planes: Planes
    layout: PixelLayout
    color: ColorTags
    concealed: bool = False

    @property
    def luma(self) -> NDArray[Any]:
        """Plane 0 (h, w) of a YUV or gray frame. ``ValueError`` for RGB, which has no luma plane."""
        if self.layout.is_rgb:
            raise ValueError(f"{self.layout.name} has no luma plane")
        return self.planes[0]

    def rgb(self) -> NDArray[np.uint8]:
        """``(h, w, 3)`` uint8, C-contiguous, converted by the clip's own range and matrix."""
        return planes_to_rgb(self.planes, self.layout, self.color)


def read_frames(source: Path, clip: Clip, *, confirm: NDArray[np.int64] | None = None) -> Iterator[Frame]:
    """Exactly ``clip.frames`` frames of ``source``, in order, behind the first ``clip.skipped`` ones of the file.

    The file closes with the generator. Only a few frames are in memory at a time. ``VideoError`` if the file has fewer
    frames, or frames of another size, than the clip says: then it is not the file that was scanned.

    With ``confirm`` (n,), the times of the clip's table: ``TableNotConfirmed`` at the first frame that is not the
    table's, or behind the last one if the file has more, or is damaged. A clip whose table can only have been made by
    decoding, as one that is a part of its file, is not compared.
    """
    layout = clip_layout(clip)
    if not _may_be_from_packets(clip):
        confirm = None
    with open_video(source) as (container, stream):
        stats = DecodeStats()
        decoded = decode_frames(container, stream, stats)
        if confirm is not None:
            decoded = _confirmed(source, decoded, stats, confirm)
        timed = _with_durations(decoded, clip)
        for index, (frame, duration) in enumerate(timed):
            planes, pts, concealed = _upright(source, clip, layout, frame), frame.pts, frame.is_corrupt
            del frame
            yield Frame(index, pts or 0, duration, planes, layout, clip.color, concealed)
        if confirm is not None:
            deque(decoded, maxlen=0)  # to the end of the file; that no frame is missing, their number says
        if stats.frames < clip.skipped + clip.frames:
            raise _changed(source, f"it has {counted(stats.frames, 'frame')}, not {clip.skipped + clip.frames}")


def read_chosen_frames(
    source: Path, clip: Clip, pts: NDArray[np.int64], chosen: Sequence[int]
) -> Generator[Frame, None, None]:
    """The frames of ``read_frames`` with the numbers ``chosen``, in order. ``pts`` (n,) has all frames' times.

    In H.264 the frames that no other one refers to are decoded only where they are chosen; that saves up to half of the
    time. Frames of other codecs, of damaged files, and of files whose stored times are not those of the clip are all
    decoded.
    """
    index_at, left = {int(pts[index]): index for index in chosen}, deque(chosen)
    if _skips_safely(source, clip, index_at.keys()):
        for frame in _read_at(source, clip, index_at, pts):
            if frame.index != left[0]:
                break  # one did not come: the rest is looked for among all
            yield frame
            left.popleft()
            if not left:
                return
    rest = set(left)
    yield from (frame for frame in read_frames(source, clip) if frame.index in rest)


def _read_at(source: Path, clip: Clip, index_at: dict[int, int], pts: NDArray[np.int64]) -> Iterator[Frame]:
    """The frames at the timestamps of ``index_at``, without decoding those that neither they nor others refer to."""
    layout = clip_layout(clip)
    with open_video(source) as (container, stream):
        for frame in decode_frames(container, stream, DecodeStats(), wanted=index_at):
            at = frame.pts or 0
            index = index_at.get(at)
            if index is None:
                continue
            planes = _upright(source, clip, layout, frame)
            del frame
            end = int(pts[index + 1]) if index + 1 < len(pts) else max(at + 1, clip.end_pts)
            yield Frame(index, at, end - at, planes, layout, clip.color)


def _skips_safely(source: Path, clip: Clip, wanted: Set[int]) -> bool:
    """Whether frames can be left out, and those that are ``wanted``, timestamps, are still found by them."""
    if clip.codec != "h264" or clip.broken or clip.missing or clip.restarts or clip.interlaced:
        return False
    with open_video(source) as (container, stream):
        stored = [packet.pts for packet in container.demux(stream) if packet.size]
    return len(set(stored)) == len(stored) and wanted <= set(stored)


def _upright(source: Path, clip: Clip, layout: PixelLayout, frame: VideoFrame) -> Planes:
    """The planes of a decoded frame as the picture is meant to be seen; ``VideoError`` for one of another size."""
    planes = frame_planes(convert_frame(frame, layout, clip.color), layout)
    planes = turn_upright(planes, clip.rotation_deg, mirrored=clip.mirrored)
    if planes[0].shape != (clip.height_px, clip.width_px):
        raise _changed(source, f"its picture is {planes[0].shape[::-1]}, not {clip.size_px}")
    return planes


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


def _may_be_from_packets(clip: Clip) -> bool:
    """Whether the table may have been made without decoding all: see ``tasks.media.input.packet_table``."""
    return not (clip.trimmed or clip.broken or clip.missing or clip.restarts or clip.interlaced)


def _confirmed(
    source: Path, decoded: Iterator[VideoFrame], stats: DecodeStats, pts: NDArray[np.int64]
) -> Iterator[VideoFrame]:
    """The decoded frames, as long as they are those at ``pts`` (n,); ``TableNotConfirmed`` where they are not."""
    for frame in decoded:
        number = stats.frames - 1
        if number >= len(pts):
            raise _not_confirmed(source, f"has more than {counted(len(pts), 'frame')}")
        if frame.pts != pts[number] or stats.restarts:
            raise _not_confirmed(source, f"frame {number} is shown at another time")
        if frame.interlaced_frame:
            raise _not_confirmed(source, f"frame {number} is interlaced")
        yield frame
    if stats.frames < len(pts) or stats.stop_reason:
        fact = f"{stats.frames} of {counted(len(pts), 'frame')} could be decoded"
        raise _not_confirmed(source, f"{fact}: {stats.stop_reason}" if stats.stop_reason else fact)


def _not_confirmed(source: Path, fact: str) -> TableNotConfirmed:
    return TableNotConfirmed(
        f"{source}: {fact}; its packets do not tell that, so it is decoded for its table of frames"
    )


def _changed(source: Path, fact: str) -> VideoError:
    return VideoError(f"{source}: {fact}; it changed since it was decoded: run again")
