"""What a video file is, learned by decoding it once from end to end."""

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tasks.errors import VideoError
from tasks.media.input.chroma_location import chroma_location, turned
from tasks.media.input.hdr import hdr_tags
from tasks.media.input.lost_frames import lost_frames
from tasks.media.input.source import Reading, Turn, leave_out_looks, opened, pictures, time_base, turn_of, upright_size
from tasks.media.input.truncated import torn_end
from tasks.media.planes.layout import nearest_layout
from tasks.records import Clip, ColorTags, SoundTrack, Tick

_FULL_RANGE = 2
_SLACK_S = 0.5  # that Matroska's statistics may exceed the last frame by


@dataclass(frozen=True)
class FrameTable:
    """One row a frame, in display order; times in ticks of the clip's time base."""

    pts: NDArray[np.int64]
    duration: NDArray[np.int64]
    key: NDArray[np.bool_]

    def columns(self, clip: Clip) -> dict[str, NDArray[Any]]:
        """frame, pts, time_s, duration_s, key."""
        tick_s = clip.time_base
        return {
            "frame": np.arange(len(self.pts), dtype=np.int64),
            "pts": self.pts,
            "time_s": seconds(self.pts, tick_s),
            "duration_s": seconds(self.duration, tick_s),
            "key": self.key,
        }


def seconds(ticks: NDArray[np.int64], tick_s: Fraction) -> NDArray[np.float64]:
    """``ticks`` in seconds, each correctly rounded once."""
    return np.array([int(tick) * tick_s.numerator / tick_s.denominator for tick in ticks], dtype=np.float64)


def probe_shape(path: Path) -> tuple[tuple[int, int], Fraction]:
    """Upright ``(width, height)`` in pixels and a pixel's width / height, from the first frame; errors as ``scan``."""
    with opened(path) as (container, stream):
        reading = Reading()
        for frame in pictures(container, stream, reading, threads=1):
            turn = turn_of(path, frame)
            return upright_size(frame, turn), _pixel_aspect(stream, turn)
        raise _no_frame(path, reading)


def probe_length(path: Path) -> tuple[int, float]:
    """Frames and average rate in Hz as the header tells them, 0 where it does not; ``VideoError`` as in ``scan``."""
    with opened(path) as (container, stream):
        rate = stream.average_rate
        return declared_frames(container, stream), float(rate) if rate else 0.0


def scan(path: Path, digest: str, tick: Tick, *, strict: bool = False) -> tuple[Clip, FrameTable]:
    """Decode the whole file: the clip and its frame table. ``tick`` is called with the number of frames done.

    ``VideoError`` when the path is no readable video file, has no video stream or no frame that decodes; with
    ``strict`` also when it breaks before its end, or frames are missing within.
    """
    with opened(path) as (container, stream):
        leave_out_looks(stream)
        reading = Reading()
        pts, durations, keys = [], [], []
        first: VideoFrame | None = None
        for frame in pictures(container, stream, reading):
            first = first or frame
            pts.append(frame.pts or 0)
            durations.append(frame.duration or 0)
            keys.append(bool(frame.key_frame))
            tick(reading.frames)
        if first is None:
            raise _no_frame(path, reading)
        broken = _broken(path, container, stream, reading)
        if broken and strict:
            cure = "repair it, or use decode.strict=false to take the frames before the damage"
            raise VideoError(f"{path}: {broken}; {cure}")
        times = np.array(pts, dtype=np.int64)
        missing = lost_frames(times, reading.unshown(container, stream), time_base(stream))
        if missing and strict:
            cure = "repair it, or use decode.strict=false to have the frame before stay instead"
            raise VideoError(f"{path}: {missing}; {cure}")
        lengths = _durations(times, durations[-1], container, stream, reading)
        table = FrameTable(times, lengths, np.array(keys))
        return _clip(path, digest, container, stream, first, table, reading, (broken, missing)), table


def _clip(
    path: Path,
    digest: str,
    container: InputContainer,
    stream: VideoStream,
    first: VideoFrame,
    table: FrameTable,
    reading: Reading,
    damage: tuple[str, str],
) -> Clip:
    turn, tick_s = turn_of(path, first), time_base(stream)
    width, height = upright_size(first, turn)
    rate, variable = measured_rate(table, tick_s, [stream.average_rate, stream.guessed_rate])
    start, end = int(table.pts[0]), int(table.pts[-1] + table.duration[-1])
    return Clip(
        digest=digest,
        width_px=width,
        height_px=height,
        rotation_deg=turn.degrees,
        mirrored=turn.mirrored,
        pixel_aspect=str(_pixel_aspect(stream, turn)),
        rate_hz=str(rate),
        time_base_s=str(tick_s),
        variable_rate=variable,
        frames=len(table.pts),
        frames_declared=declared_frames(container, stream),
        start_s=float(start * tick_s),
        duration_s=float((end - start) * tick_s),
        codec=stream.codec_context.name,
        pixel_format=first.format.name,
        color=_color(container, stream, first, turn),
        sound=tuple(_sound(container)),
        broken=damage[0],
        missing=damage[1],
        hdr=hdr_tags(first),
        restarts=tuple(reading.restarts),
        interlaced=reading.interlaced,
    )


def measured_rate(table: FrameTable, tick_s: Fraction, declared: list[Fraction | None]) -> tuple[Fraction, bool]:
    """Exact average frame rate in Hz, and whether the intervals vary.

    A declared rate that every timestamp keeps to within one tick is the rate: the ticks of a coarse clock
    cannot tell 30000/1001 from 30. Otherwise the rate is frames over duration, and the clip varies unless
    that one fits.
    """
    start, end = int(table.pts[0]), int(table.pts[-1] + table.duration[-1])
    mean = len(table.pts) / ((end - start) * tick_s)
    for rate in [*declared, mean]:
        if rate and _keeps_to(table.pts - start, rate * tick_s):
            return rate, False
    return mean, True


def _keeps_to(ticks: NDArray[np.int64], frames_per_tick: Fraction) -> bool:
    frames, per_ticks = frames_per_tick.numerator, frames_per_tick.denominator
    return all(abs(tick * frames - index * per_ticks) <= frames for index, tick in enumerate(ticks.tolist()))


def declared_frames(container: InputContainer, stream: VideoStream) -> int:
    """Frames the container promises; 0 when it does not say. What an edit list leaves out does not count."""
    if stream.frames and _counts_exactly(container):
        return sum(not entry.is_discard for entry in stream.index_entries) or stream.frames
    told = stream.metadata.get("NUMBER_OF_FRAMES", "")  # Matroska's statistics
    return stream.frames or (int(told) if told.isdecimal() else 0)


def _durations(
    pts: NDArray[np.int64], last_duration: int, container: InputContainer, stream: VideoStream, reading: Reading
) -> NDArray[np.int64]:
    # A frame lasts until the next one: what the packets say is true in decoding order only. For the same reason
    # the last frame lasts until the end of its track, where the container knows that.
    until_end = (stream.start_time or 0) + (stream.duration or 0) - int(pts[-1])
    known = _counts_exactly(container) and not reading.ended_by and not reading.timing.shift
    last = until_end if known and until_end > 0 else last_duration or reading.timing.nominal
    return np.append(np.diff(pts), last).astype(np.int64)


def _counts_exactly(container: InputContainer) -> bool:
    # MP4 and MOV have a table of their samples; in other containers counts and lengths are known to be off by a few.
    return "mp4" in container.format.name


def _broken(path: Path, container: InputContainer, stream: VideoStream, reading: Reading) -> str:
    """What ended the frames before the file's own account of them, in a sentence; empty when nothing did."""
    promised = declared_frames(container, stream)
    slack = 0 if _counts_exactly(container) else max(2, promised // 20)
    why = reading.ended_by
    if not why and reading.packets < promised - slack:
        why = "the file ends early"
    if not why and (told_s := _told_seconds(stream)):
        end_s = float(reading.timing.end() * time_base(stream))
        if end_s < told_s - max(_SLACK_S, 3 * float(reading.timing.nominal * time_base(stream))):
            why = f"the file ends at {end_s:.2f} s of {told_s:.2f} s"
    if not (why := why or torn_end(path, container.format.name)):
        return ""
    of = f" of {promised}" if promised > reading.frames else ""
    return f"{reading.frames}{of} frames could be decoded: {why}"


def _told_seconds(stream: VideoStream) -> float:
    """When the stream should end by Matroska's statistics, in seconds; 0 when it has none."""
    told = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    return 3600 * int(told[1]) + 60 * int(told[2]) + float(told[3]) if told else 0.0


def _no_frame(path: Path, reading: Reading) -> VideoError:
    fact = f"none of its {reading.packets} video packets could be decoded" if reading.packets else "has no frames"
    return VideoError(f"{path}: {fact}; copy or download it again, or convert it to H.264")


def _pixel_aspect(stream: VideoStream, turn: Turn) -> Fraction:
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return 1 / aspect if turn.degrees % 180 else aspect


def _color(container: InputContainer, stream: VideoStream, frame: VideoFrame, turn: Turn) -> ColorTags:
    place = chroma_location(container, stream.index)
    # FFmpeg's rule: the old yuvj formats are of full range, and gray, with opacity or in bits too, unless it is tagged.
    name = frame.format.name
    untagged_full = not frame.color_range and (name.startswith("yuvj") or nearest_layout(name).planes == 1)
    return ColorTags(
        range=_FULL_RANGE if untagged_full else int(frame.color_range),
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        matrix=int(frame.colorspace),
        chroma_location=turned(place, turn.degrees, turn.mirrored),
    )


def _sound(container: InputContainer) -> list[SoundTrack]:
    return [
        SoundTrack(
            index=stream.index,
            codec=stream.codec_context.name if stream.codec_context else "unknown",
            rate_hz=stream.codec_context.sample_rate if stream.codec_context else 0,
            channels=stream.codec_context.channels if stream.codec_context else 0,
        )
        for stream in container.streams.audio
    ]
