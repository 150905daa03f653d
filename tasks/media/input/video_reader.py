"""Open a video file and decode its frames in order, with timestamps that always increase."""

from collections.abc import Container, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Final

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tasks.errors import VideoError
from tasks.media.input.damage import SuspectPackets
from tasks.records import Restart

# Local files only: a playlist or a script that names other files or addresses must not make FFmpeg fetch them.
_OPEN_OPTIONS = {"protocol_whitelist": "file"}
# A fixed number, not the machine's: what several threads make of a damaged packet depends on their number.
_THREADS = 2
# FFmpeg's names of the codecs in which every packet that is to be shown gives exactly one frame.
_ONE_FRAME_PER_PACKET = frozenset({"h264", "hevc"})
_STILL_PICTURE = Disposition.attached_pic | Disposition.timed_thumbnails
MOTION_PLACES: Final = (0.0, 1 / 3, 2 / 3)  # of the duration
MOTION_FRAMES: Final = 12  # at each of them
MOTION_WIDTH_PX, MOTION_HEIGHT_PX = 96, 54
STILL_SHARE: Final = 0.1  # of the motion of the track that moves most: less is the noise of a still picture
_FALLBACK_RATE_HZ = Fraction(25)
_FALLBACK_TIME_BASE_S = Fraction(1, 90_000)


@dataclass
class TimestampRepair:
    """Makes timestamps strictly increasing. All times are ticks of the stream's time base.

    - A missing timestamp continues by the duration of the frame before it. A missing first one becomes ``first_pts``.
    - A timestamp that repeats, or steps back by less than ``nominal_ticks``, becomes the one before plus one tick.
    - A timestamp that steps back further is a restarted clock. It and all later ones are shifted by ``shift_ticks``, so
      that time continues.
    """

    nominal_ticks: int
    shift_ticks: int = 0
    last_pts: int | None = None
    last_duration_ticks: int = 0
    first_pts: int = 0

    def next(self, stored_pts: int | None, duration_ticks: int) -> int:
        """The repaired timestamp of the next frame. A duration of 0 means unknown."""
        step_ticks = self.last_duration_ticks or self.nominal_ticks
        if self.last_pts is None:
            pts = self.first_pts if stored_pts is None else stored_pts
        elif stored_pts is None:
            pts = self.last_pts + step_ticks
        elif stored_pts + self.shift_ticks > self.last_pts:
            pts = stored_pts + self.shift_ticks
        elif self.last_pts - (stored_pts + self.shift_ticks) < self.nominal_ticks:
            pts = self.last_pts + 1
        else:
            pts = self.last_pts + step_ticks
            self.shift_ticks = pts - stored_pts
        self.last_pts, self.last_duration_ticks = pts, duration_ticks or 0
        return pts

    def end_pts(self) -> int:
        """When the last frame ends, by its own duration."""
        return (self.last_pts or 0) + (self.last_duration_ticks or self.nominal_ticks)


@dataclass
class DecodeStats:
    """What a pass over a file has found so far. It is complete when the iterator that fills it is exhausted."""

    packets: int = 0  # demuxed packets that are to be shown
    frames: int = 0  # frames yielded
    stop_reason: str = ""  # why decoding stopped before the end of the file; empty if it did not
    interlaced: int = 0  # interlaced ones among the frames
    first_dts: int | None = None  # of the first packet that has one
    timestamps: TimestampRepair = field(default_factory=lambda: TimestampRepair(1))
    restarts: list[Restart] = field(default_factory=list)
    # Byte offset in the file, by pts, of each packet that is to be shown and has given no frame yet; -1: not known.
    pending_packets: dict[int | None, int] = field(default_factory=dict)
    corrupt_pts: list[int] = field(default_factory=list)  # of packets that the demuxer flags as corrupt
    concealed_pts: list[int] = field(default_factory=list)  # of frames in which the decoder covered damage up

    def suspect_packets(self, container: InputContainer, stream: VideoStream) -> SuspectPackets:
        """The packets that may have lost a frame. None if a clock restarts: joined recordings look damaged there.

        A packet without a frame is only suspect in H.264 and H.265, where each packet shows one frame. VP9 and MPEG-4
        have packets that show nothing or repeat a frame. In AVI the times are made up, so they tell nothing.
        """
        if self.restarts:
            return SuspectPackets()
        counts = stream.codec_context.name in _ONE_FRAME_PER_PACKET and container.format.name != "avi"
        frameless = [pts for pts in self.pending_packets if pts is not None] if self.packets > self.frames else []
        return SuspectPackets(tuple(sorted(frameless)) if counts else (), tuple(sorted(self.corrupt_pts)))


def open_container(path: Path) -> InputContainer:
    """Open any media file for reading. ``VideoError`` where no file can be read, ``av.FFmpegError`` if FFmpeg cannot.

    Bytes of text tags that are not valid UTF-8 are replaced: files may have tags in any encoding.
    """
    _require_file(path)  # a pipe that has taken its place would be waited for
    return av.open(f"file:{path}", options=_OPEN_OPTIONS, metadata_errors="replace")


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The container and its video stream, ready to decode. ``VideoError`` if the file is not a readable video."""
    try:
        container = open_container(path)
    except av.FFmpegError as error:
        fact = f"is not a video that can be read ({error.strerror})"
        raise VideoError(f"{path}: {fact}; give a video file such as .mp4 or .mov") from error
    with container:
        stream = _video_stream(path, container)
        with _threads_ended(stream):
            yield container, stream


@contextmanager
def _threads_ended(stream: VideoStream) -> Iterator[None]:
    """After the block the threads of the stream's decoder rest, so that it can be closed.

    PyAV closes a decoder with Python's lock held, and waits for its threads. One that logs then (see ``ffmpeg_log``)
    waits for that lock, and the program hangs. Here they end their work while the lock is free.
    """
    try:
        yield
    finally:
        stream.codec_context.flush_buffers()


def decode_frames(
    container: InputContainer,
    stream: VideoStream,
    stats: DecodeStats,
    *,
    threads: int = _THREADS,
    wanted: Container[int | None] | None = None,
) -> Iterator[VideoFrame]:
    """Decoded frames in display order with strictly increasing ``pts``. The findings go into ``stats``.

    With ``wanted``, stored timestamps, frames that no other one refers to are left out unless they have one of these.

    Decoding stops without an exception at the first packet that cannot be decoded, or where the frames change their
    size or pixel format; ``stats.stop_reason`` says which. Undecodable packets before the first frame are skipped.
    """
    decoder_threads(stream, threads)
    stats.timestamps = TimestampRepair(nominal_frame_ticks(stream), first_pts=_negative_start_pts(container, stream))
    shape: tuple[int, int, str] | None = None
    # AVI stores no presentation times. The ones that FFmpeg makes up jump to and fro where frames are decoded in
    # another order than they are shown. The decoding times of the frames, less their first delay, are the right ones.
    without_pts, delay_ticks = container.format.name == "avi", 0
    for frame in _decoded(container, stream, stats, wanted):
        frame_shape = (frame.width, frame.height, frame.format.name)
        if shape is not None and frame_shape != shape:
            stats.stop_reason = f"the picture changes from {_shape_text(shape)} to {_shape_text(frame_shape)}"
            return
        if shape is None:
            delay_ticks = (frame.dts or 0) - (stats.first_dts or 0)
        shape, stored_pts = frame_shape, frame.pts
        if without_pts:
            stored_pts = None if frame.dts is None else frame.dts - delay_ticks
        frame.pts = _repaired_pts(stored_pts, frame, stats)
        stats.frames += 1
        stats.interlaced += frame.interlaced_frame
        if frame.is_corrupt:
            stats.concealed_pts.append(frame.pts)
        yield frame


def decoder_threads(stream: VideoStream, threads: int = _THREADS) -> None:
    """Decode with that many threads; to be called before anything is decoded."""
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads


def skip_loop_filter(stream: VideoStream) -> None:
    """Decode without the deblocking filter: faster, for passes that do not look at the pixels.

    Every bit is still read, so damage is still found.
    """
    stream.codec_context.options["skip_loop_filter"] = "all"


def nominal_frame_ticks(stream: VideoStream) -> int:
    """Ticks of the stream's time base in one frame at its declared rate; at least 1."""
    rate_hz = stream.average_rate or stream.guessed_rate or _FALLBACK_RATE_HZ
    return max(1, round(1 / (rate_hz * stream_time_base(stream))))


def stream_time_base(stream: VideoStream) -> Fraction:
    """Seconds per tick of the stream's timestamps."""
    return stream.time_base or _FALLBACK_TIME_BASE_S


def _negative_start_pts(container: InputContainer, stream: VideoStream) -> int:
    """The start of a file that begins before zero, else 0: Matroska gives frames before zero no timestamps."""
    start_us = container.start_time
    return 0 if start_us is None else min(0, round(Fraction(start_us, 1_000_000) / stream_time_base(stream)))


def _repaired_pts(stored_pts: int | None, frame: VideoFrame, stats: DecodeStats) -> int:
    position, shift_ticks = stats.pending_packets.pop(frame.pts, -1), stats.timestamps.shift_ticks
    pts = stats.timestamps.next(stored_pts, frame.duration)
    if stored_pts is not None and stats.timestamps.shift_ticks != shift_ticks:
        stats.restarts.append(Restart(position, stored_pts, pts))
    return pts


def _require_file(path: Path) -> None:
    try:
        status = path.stat()
        if path.is_dir():
            raise VideoError(f"{path}: is a folder; name a video in it, or a pattern such as '{path}/*.mp4'")
        if not path.is_file():
            raise VideoError(f"{path}: is not a regular file; give a video file")
        if status.st_size == 0:
            raise VideoError(f"{path}: is empty (0 bytes); copy or download it again")
        with path.open("rb"):
            pass
    except FileNotFoundError as error:
        raise VideoError(f"{path}: no such file; check the name") from error
    except OSError as error:
        raise VideoError(f"{path}: cannot be opened ({error.strerror}); check its permissions") from error


def _video_stream(path: Path, container: InputContainer) -> VideoStream:
    kind = container.format.name
    if kind == "tty":
        raise VideoError(f"{path}: is a text file; give a video file such as .mp4 or .mov")
    if kind.endswith("_pipe") or kind == "image2":
        raise VideoError(f"{path}: is a picture, not a video; give an .mp4 or .mov (convert an animated picture)")
    moving = [stream for stream in container.streams.video if not stream.disposition & _STILL_PICTURE]
    if not moving:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise VideoError(f"{path}: has no video stream (only {kinds}); give a file with moving pictures")
    known = [stream for stream in moving if stream.codec_context is not None]
    if not known:
        raise VideoError(f"{path}: its video codec is unknown; convert it to H.264")
    known.sort(key=lambda stream: not stream.disposition & Disposition.default)  # stable: else the first one
    if len(known) == 1:
        return known[0]
    status = path.stat()
    chosen = _moving_track(path, status.st_size, status.st_mtime_ns, tuple(stream.index for stream in known))
    return next(stream for stream in known if stream.index == chosen)


@lru_cache
def _moving_track(path: Path, size_bytes: int, mtime_ns: int, tracks: tuple[int, ...]) -> int:
    """Of several video tracks the first one that moves, by its stream index; ``tracks`` are in order of preference.

    A second track may be a title, a slide or a thumbnail. The size and time of the file belong to the cache's key.
    """
    motions = {track: _motion(path, track) for track in tracks}
    least = STILL_SHARE * max(motions.values())
    return next(track for track in tracks if motions[track] >= least)


def _motion(path: Path, track: int) -> float:
    """How much the pictures of a track change: the largest mean difference of luma, in levels, among a few."""
    motion = 0.0
    with suppress(av.FFmpegError, ValueError), open_container(path) as container:
        stream = container.streams[track]
        if not isinstance(stream, VideoStream):
            return motion
        with _threads_ended(stream):
            duration_us = container.duration or 0
            for part in MOTION_PLACES:
                if part:
                    container.seek(round(part * duration_us))
                first: NDArray[np.float64] | None = None
                for frame, _ in zip(container.decode(stream), range(MOTION_FRAMES), strict=False):
                    small = frame.to_ndarray(format="gray", width=MOTION_WIDTH_PX, height=MOTION_HEIGHT_PX)
                    luma = small.astype(np.float64)
                    first = luma if first is None else first
                    motion = max(motion, float(np.abs(luma - first).mean()))
    return motion


def _decoded(
    container: InputContainer, stream: VideoStream, stats: DecodeStats, wanted: Container[int | None] | None
) -> Iterator[VideoFrame]:
    # One packet at a time: an error in one packet must not lose the frames of the packets before it.
    started = False
    try:
        for packet in container.demux(stream):
            stats.first_dts = packet.dts if stats.first_dts is None else stats.first_dts
            _count_packet(packet, stats)
            if wanted is not None:
                stream.codec_context.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
            try:
                frames = packet.decode()
            except av.FFmpegError:
                if started or packet.size == 0:
                    raise
                continue
            for frame in frames:
                started = True
                yield frame
    except av.FFmpegError as error:
        stats.stop_reason = error.strerror or str(error)


def _count_packet(packet: "Packet[VideoStream]", stats: DecodeStats) -> None:
    if packet.size and not packet.is_discard:
        stats.packets += 1
        stats.pending_packets[packet.pts] = -1 if packet.pos is None else packet.pos
    if packet.is_corrupt and packet.pts is not None:
        stats.corrupt_pts.append(packet.pts)


def _shape_text(shape: tuple[int, int, str]) -> str:
    return f"{shape[0]}x{shape[1]} {shape[2]}"
