"""Everything about a video file: what its header, its first frame and its frames' times tell."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tasks.errors import StillwalkError, VideoError, counted
from tasks.media.input.capture_rate import read_capture_rate
from tasks.media.input.damage import describe_concealed, describe_missing_frames, describe_truncation
from tasks.media.input.stream_tags import (
    read_color_tags,
    read_dolby_vision,
    read_hdr_tags,
    read_orientation,
    read_pixel_aspect,
    upright_size_px,
)
from tasks.media.input.video_reader import DecodeStats, decode_frames, open_video, skip_loop_filter, stream_time_base
from tasks.records import Clip, SoundTrack, Tick

_END_TOLERANCE_S = 0.5  # by which the duration in Matroska's statistics may exceed the end of the last frame
_END_TOLERANCE_FRAMES = 3  # or by so many frames, if they last longer
_COUNT_TOLERANCE_FRAMES = 2  # of a container without a table of its samples
_COUNT_TOLERANCE_SHARE = 20  # the same, as one part in so many
# Matroska's statistics are text tags; more digits than these are no number that a video can have.
_COUNT = re.compile(r"\d{1,15}")
_DURATION = re.compile(r"(\d{1,9}):(\d{1,9}):(\d{1,9}(?:\.\d{1,18})?)")


@dataclass(frozen=True)
class FrameTable:
    """One row (n,) per frame, in display order. Times are ticks of the clip's time base."""

    pts: NDArray[np.int64]
    duration: NDArray[np.int64]

    def columns(self, clip: Clip) -> dict[str, NDArray[Any]]:
        """The columns frame, pts, time_s and duration_s, each (n,)."""
        tick_s = clip.time_base
        return {
            "frame": np.arange(len(self.pts), dtype=np.int64),
            "pts": self.pts,
            "time_s": ticks_to_seconds(self.pts, tick_s),
            "duration_s": ticks_to_seconds(self.duration, tick_s),
        }


def ticks_to_seconds(ticks: NDArray[np.int64], tick_s: Fraction) -> NDArray[np.float64]:
    """``ticks`` (n,) in seconds (n,). Each value is rounded only once, to the nearest float."""
    return np.array([int(tick) * tick_s.numerator / tick_s.denominator for tick in ticks], dtype=np.float64)


def probe_shape(path: Path) -> tuple[tuple[int, int], Fraction]:
    """Upright ``(width, height)`` in pixels, and width / height of a pixel. Decodes one frame.

    ``VideoError`` as in ``scan_video``, and for whatever else goes wrong.
    """
    with _any_error_of(path), open_video(path) as (container, stream):
        stats = DecodeStats()
        for frame in decode_frames(container, stream, stats, threads=1):
            orientation = read_orientation(path, frame)
            return upright_size_px(frame, orientation), read_pixel_aspect(stream, orientation)
        raise _no_frame(path, stats)


def probe_length(path: Path) -> tuple[int, float]:
    """Number of frames and average rate in Hz as the header declares them; 0 means not declared. Decodes nothing.

    ``VideoError`` as in ``scan_video``, and for whatever else goes wrong.
    """
    with _any_error_of(path), open_video(path) as (container, stream):
        rate_hz = stream.average_rate
        return declared_frames(container, stream), float(rate_hz) if rate_hz else 0.0


def probe_matroska_s(path: Path) -> float:
    """How long a video in Matroska or WebM lasts, as its header says; 0 where it does not. Decodes nothing.

    Other containers have no such header, or declare frames (``probe_length``). ``VideoError`` as there.
    """
    with _any_error_of(path), open_video(path) as (container, stream):
        if "matroska" not in container.format.name:
            return 0.0
        end_s = _declared_end_s(stream) or (container.duration or 0) / 1_000_000
        return max(0.0, end_s - float((stream.start_time or 0) * stream_time_base(stream)))


@contextmanager
def _any_error_of(path: Path) -> Iterator[None]:
    """Turn every error into ``VideoError``.

    Files are probed before any work, in one thread for all videos of a run: an unforeseen error in one file, such as a
    ``ValueError`` of PyAV, must not end the run.
    """
    try:
        yield
    except StillwalkError:
        raise
    except Exception as error:
        fact = f"{type(error).__name__}: {error}".splitlines()[0]
        raise VideoError(f"{path}: cannot be examined ({fact}); convert it to H.264 in an .mp4 file") from error


def scan_video(path: Path, digest: str, tick: Tick, *, strict: bool = False) -> tuple[Clip, FrameTable]:
    """Decode the whole file and return the clip and its frame table. ``tick`` gets the number of decoded frames.

    ``VideoError`` if the file is not a readable video, or has no video stream, or no frame can be decoded. With
    ``strict`` also if decoding stops before the end, or frames are missing or damaged in between.
    """
    with open_video(path) as (container, stream):
        skip_loop_filter(stream)
        stats = DecodeStats()
        pts: list[int] = []
        last_duration = 0
        first: VideoFrame | None = None
        for frame in decode_frames(container, stream, stats):
            first = first or frame
            pts.append(frame.pts or 0)
            last_duration = frame.duration or 0
            tick(stats.frames)
        if first is None:
            raise _no_frame(path, stats)
        all_pts = np.array(pts, dtype=np.int64)
        clip, table = describe_file(path, digest, container, stream, first, all_pts, last_duration, stats)
    if clip.broken and strict:
        cure = "repair it, or use decode.strict=false to take the frames before the damage"
        raise VideoError(f"{path}: {clip.broken}; {cure}")
    if clip.missing and strict:
        cure = "repair it, or use decode.strict=false to repeat the frame before instead"
        raise VideoError(f"{path}: {clip.missing}; {cure}")
    if stats.concealed_pts and strict:
        fact = describe_concealed(ticks_to_seconds(np.array(stats.concealed_pts), clip.time_base).tolist())
        raise VideoError(f"{path}: {fact}; repair it, or use decode.strict=false to take it as the decoder shows it")
    return clip, table


def trimmed(path: Path, clip: Clip, table: FrameTable, from_s: float, to_s: float | None) -> tuple[Clip, FrameTable]:
    """The part of a clip whose frames begin in ``[from_s, to_s)``, in seconds after its first frame; None: to its end.

    Times stay those of the file, and so does a constant rate; of a variable one it is the part's own. The last frame
    ends at ``to_s`` at the latest, unless the one before it lasts longer. ``VideoError`` where the part has no frame.
    """
    after_s = ticks_to_seconds(table.pts - table.pts[0], clip.time_base)
    tolerance_s = float(clip.time_base) / 2  # a time that is typed is rounded, and so is a tick
    within = (after_s >= from_s - tolerance_s) & (after_s < (np.inf if to_s is None else to_s) - tolerance_s)
    kept = np.flatnonzero(within)
    if not len(kept):
        asked = f"from {from_s:g} s to {'the end' if to_s is None else f'{to_s:g} s'}"
        fact = f"clip.from: the file lasts {clip.duration_s:.2f} s and has no frame {asked}"
        raise VideoError(f"{path}: {fact}; give a part of it")
    part = slice(int(kept[0]), int(kept[-1]) + 1)
    shorter = FrameTable(table.pts[part], table.duration[part].copy())
    if to_s is not None:  # where the clock of the file leaps, the frame behind the part may be years away
        until_end = round(Fraction(to_s) / clip.time_base) - int(table.pts[kept[-1]] - table.pts[0])
        shorter.duration[-1] = min(shorter.duration[-1], max(until_end, *shorter.duration[-2:-1], 1))
    rate_hz = clip.rate
    if clip.variable_rate and len(kept) < clip.frames:
        with open_video(path) as (_, stream):
            rate_hz, _ = measure_rate(shorter, clip.time_base, [stream.average_rate, stream.guessed_rate])
    start, end = int(shorter.pts[0]), int(shorter.pts[-1] + shorter.duration[-1])
    ends_with_file = part.stop == clip.frames
    cut = replace(
        clip,
        rate_hz=str(rate_hz),
        frames=len(kept),
        frames_declared=clip.frames_declared if len(kept) == clip.frames else len(kept),
        start_s=float(start * clip.time_base),
        duration_s=float((end - start) * clip.time_base),
        broken=clip.broken if ends_with_file else "",
        interlaced=min(clip.interlaced, len(kept)),
        skipped=part.start,
        skipped_after=clip.frames - part.stop,
        trimmed=len(kept) < clip.frames,
    )
    return cut, shorter


def describe_file(
    path: Path,
    digest: str,
    container: InputContainer,
    stream: VideoStream,
    first: VideoFrame,
    pts: NDArray[np.int64],
    last_duration: int,
    stats: DecodeStats,
) -> tuple[Clip, FrameTable]:
    """The clip and its table, by its first frame, the times of its frames (n,) and what reading it has found.

    ``last_duration`` is the last frame's own, in ticks; 0: unknown. ``VideoError`` for an orientation that has no name.
    """
    broken = _describe_early_end(path, container, stream, stats)
    missing = describe_missing_frames(pts, stats.suspect_packets(container, stream), stream_time_base(stream))
    table = FrameTable(pts, _durations(pts, last_duration, container, stream, stats))
    orientation, tick_s = read_orientation(path, first), stream_time_base(stream)
    width_px, height_px = upright_size_px(first, orientation)
    rate_hz, variable = measure_rate(table, tick_s, [stream.average_rate, stream.guessed_rate])
    start, end = int(table.pts[0]), int(table.pts[-1] + table.duration[-1])
    clip = Clip(
        digest=digest,
        width_px=width_px,
        height_px=height_px,
        rotation_deg=orientation.rotation_deg,
        mirrored=orientation.mirrored,
        pixel_aspect=str(read_pixel_aspect(stream, orientation)),
        rate_hz=str(rate_hz),
        time_base_s=str(tick_s),
        variable_rate=variable,
        frames=len(table.pts),
        frames_declared=declared_frames(container, stream),
        start_s=float(start * tick_s),
        duration_s=float((end - start) * tick_s),
        codec=stream.codec_context.name,
        pixel_format=first.format.name,
        color=read_color_tags(container, stream, first, orientation),
        sound=tuple(_sound_tracks(container)),
        broken=broken,
        missing=missing,
        hdr=read_hdr_tags(first),
        restarts=tuple(stats.restarts),
        interlaced=stats.interlaced,
        capture_rate_hz=str(read_capture_rate(path, container.metadata) or ""),
        dolby_vision=read_dolby_vision(container, stream.index),
        stores_opacity=stream.metadata.get("alpha_mode") == "1" or stream.metadata.get("ALPHA_MODE") == "1",
    )
    return clip, table


def measure_rate(table: FrameTable, tick_s: Fraction, declared_hz: list[Fraction | None]) -> tuple[Fraction, bool]:
    """The exact average frame rate in Hz, and whether the frame intervals vary.

    A declared rate that fits every timestamp to within one tick is taken as it is: the ticks of a coarse clock cannot
    distinguish 30000/1001 from 30. Otherwise the rate is frames / duration, and the clip varies unless that one fits.
    """
    start, end = int(table.pts[0]), int(table.pts[-1] + table.duration[-1])
    mean_hz = len(table.pts) / ((end - start) * tick_s)
    for rate_hz in [*declared_hz, mean_hz]:
        if rate_hz and _fits_rate(table.pts - start, rate_hz * tick_s):
            return rate_hz, False
    return mean_hz, True


def _fits_rate(ticks: NDArray[np.int64], frames_per_tick: Fraction) -> bool:
    frames, per_ticks = frames_per_tick.numerator, frames_per_tick.denominator
    return all(abs(tick * frames - index * per_ticks) <= frames for index, tick in enumerate(ticks.tolist()))


def declared_frames(container: InputContainer, stream: VideoStream) -> int:
    """Number of frames that the container declares, without those that an edit list hides; 0 if it declares none."""
    if stream.frames and _has_sample_table(container):
        return sum(not entry.is_discard for entry in stream.index_entries) or stream.frames
    declared = stream.metadata.get("NUMBER_OF_FRAMES", "")  # Matroska's statistics
    return stream.frames or (int(declared) if _COUNT.fullmatch(declared) else 0)


def _durations(
    pts: NDArray[np.int64], last_duration: int, container: InputContainer, stream: VideoStream, stats: DecodeStats
) -> NDArray[np.int64]:
    # A frame lasts until the next one: the durations in the packets hold in decoding order only. For the same reason
    # the last frame lasts until the end of its track, if the container knows that.
    until_track_end = (stream.start_time or 0) + (stream.duration or 0) - int(pts[-1])
    end_known = _has_sample_table(container) and not stats.stop_reason and not stats.timestamps.shift_ticks
    last = until_track_end if end_known and until_track_end > 0 else last_duration or stats.timestamps.nominal_ticks
    return np.append(np.diff(pts), last).astype(np.int64)


def _has_sample_table(container: InputContainer) -> bool:
    # MP4 and MOV have a table of their samples. In other containers, counts and durations are known to be off by a few.
    return "mp4" in container.format.name


def _describe_early_end(path: Path, container: InputContainer, stream: VideoStream, stats: DecodeStats) -> str:
    """A sentence if the frames end earlier than the file itself declares; else empty."""
    declared = declared_frames(container, stream)
    inexact = max(_COUNT_TOLERANCE_FRAMES, declared // _COUNT_TOLERANCE_SHARE)
    reason = stats.stop_reason
    if not reason and stats.packets < declared - (0 if _has_sample_table(container) else inexact):
        reason = "the file ends early"
    if not reason and (declared_s := _declared_end_s(stream)):
        tick_s = stream_time_base(stream)
        end_s = float(stats.timestamps.end_pts() * tick_s)
        tolerance_s = max(_END_TOLERANCE_S, _END_TOLERANCE_FRAMES * float(stats.timestamps.nominal_ticks * tick_s))
        if end_s < declared_s - tolerance_s:
            reason = f"the file ends at {end_s:.2f} s of {declared_s:.2f} s"
    if not (reason := reason or describe_truncation(path, container.format.name)):
        return ""
    found = counted(stats.frames, "frame")
    part = f"{stats.frames} of {counted(declared, 'frame')}" if declared > stats.frames else found
    return f"{part} could be decoded: {reason}"


def _declared_end_s(stream: VideoStream) -> float:
    """When the stream should end by Matroska's statistics, in seconds; 0 if there are none."""
    declared = _DURATION.fullmatch(stream.metadata.get("DURATION", ""))
    return 3600 * int(declared[1]) + 60 * int(declared[2]) + float(declared[3]) if declared else 0.0


def _no_frame(path: Path, stats: DecodeStats) -> VideoError:
    packets = counted(stats.packets, "video packet")
    fact = f"it has {packets}, and none could be decoded" if stats.packets else "it has no frames"
    return VideoError(f"{path}: {fact}; copy or download it again, or convert it to H.264")


def _sound_tracks(container: InputContainer) -> list[SoundTrack]:
    return [
        SoundTrack(
            index=stream.index,
            codec=stream.codec_context.name if stream.codec_context else "unknown",
            rate_hz=stream.codec_context.sample_rate if stream.codec_context else 0,
            channels=stream.codec_context.channels if stream.codec_context else 0,
        )
        for stream in container.streams.audio
    ]
