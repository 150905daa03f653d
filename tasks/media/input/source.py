"""Opening a video file and reading its frames in order, with timestamps that can be relied on."""

import math
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tasks.errors import VideoError
from tasks.media.input.lost_frames import Unshown
from tasks.media.input.timestamps import Timing
from tasks.records import Restart

# Local files only: a playlist or a script that names other files or addresses must not fetch them.
_OPTIONS = {"protocol_whitelist": "file"}
# Fixed, not the machine's: with several, what is made of a damaged packet depends on their number.
_THREADS = 2
_ONE_EACH = frozenset({"h264", "hevc"})  # by FFmpeg's names: a picture that is to be shown for each packet
_NOT_A_PICTURE = Disposition.attached_pic | Disposition.timed_thumbnails


@dataclass(frozen=True)
class Turn:
    """How the stored picture becomes upright: turned clockwise, in degrees, then perhaps mirrored
    left-right.
    """

    degrees: int = 0
    mirrored: bool = False


@dataclass
class Reading:
    """What a pass over a file has learned so far; complete when the iterator that fills it is exhausted."""

    packets: int = 0  # demuxed, with data that is to be shown
    frames: int = 0  # yielded
    ended_by: str = ""  # why it stopped before the end of the file; empty when it did not
    interlaced: int = 0  # of those
    first_dts: int | None = None  # of the first packet that tells one
    timing: Timing = field(default_factory=lambda: Timing(1))
    restarts: list[Restart] = field(default_factory=list)
    # In the file, of packets that are to be shown and gave no frame yet, by their pts; -1 where that is not known.
    places: dict[int | None, int] = field(default_factory=dict)
    marked: list[int] = field(default_factory=list)  # pts of packets that the container knows to be damaged

    def unshown(self, container: InputContainer, stream: VideoStream) -> Unshown:
        """What may have left a hole; nothing where a clock starts again, as joined recordings look damaged there.

        Silent packets of H.264 and H.265 only: each shows a picture, but in AVI, whose times are made up. VP9 and
        MPEG-4 have some that show none, or the one before.
        """
        if self.restarts:
            return Unshown()
        told = stream.codec_context.name in _ONE_EACH and container.format.name != "avi" and self.packets > self.frames
        silent = [pts for pts in self.places if pts is not None] if told else []
        return Unshown(tuple(sorted(silent)), tuple(sorted(self.marked)))


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """The file and its video stream, ready to decode; ``VideoError`` with the fact and the cure otherwise."""
    _require_file(path)
    try:
        container = av.open(f"file:{path}", options=_OPTIONS)
    except av.FFmpegError as error:
        fact = f"is not a video that can be read ({error.strerror})"
        raise VideoError(f"{path}: {fact}; give a video file such as .mp4 or .mov") from error
    with container:
        yield container, _video_stream(path, container)


def pictures(
    container: InputContainer, stream: VideoStream, reading: Reading, *, threads: int = _THREADS
) -> Iterator[VideoFrame]:
    """Decoded frames in display order, ``pts`` strictly increasing; what was learned goes into ``reading``.

    Stops without an exception at the first packet that cannot be decoded, or where the picture changes its
    size or pixel format: ``reading.ended_by`` says which. Undecodable packets before the first frame are
    skipped.
    """
    stream.thread_type = "AUTO"
    stream.codec_context.thread_count = threads
    reading.timing = Timing(nominal_ticks(stream), first=_first_ticks(container, stream))
    shape: tuple[int, int, str] | None = None
    # AVI tells no time to show a picture at. What FFmpeg makes up steps to and fro where pictures are decoded in
    # another order than they are shown in; the times of decoding, as they come with the frames, are the pictures'.
    made_up, later = container.format.name == "avi", 0
    for frame in _decoded(container, stream, reading):
        seen = (frame.width, frame.height, frame.format.name)
        if shape is not None and seen != shape:
            reading.ended_by = f"the picture changes from {_shape_text(shape)} to {_shape_text(seen)}"
            return
        if shape is None:
            later = (frame.dts or 0) - (reading.first_dts or 0)
        shape, told = seen, frame.pts
        if made_up:
            told = None if frame.dts is None else frame.dts - later
        frame.pts = _repaired(told, frame, reading)
        reading.frames += 1
        reading.interlaced += frame.interlaced_frame
        yield frame


def _repaired(told: int | None, frame: VideoFrame, reading: Reading) -> int:
    place, shift = reading.places.pop(frame.pts, -1), reading.timing.shift
    pts = reading.timing.next(told, frame.duration)
    if told is not None and reading.timing.shift != shift:
        reading.restarts.append(Restart(place, told, pts))
    return pts


def leave_out_looks(stream: VideoStream) -> None:
    """Have pictures decoded without what only makes them nicer: for passes that look at none of them.

    Every bit is read all the same, and what is damaged is found as before.
    """
    stream.codec_context.options["skip_loop_filter"] = "all"


def nominal_ticks(stream: VideoStream) -> int:
    """Ticks of the stream's time base in one frame at its declared rate; at least 1."""
    rate = stream.average_rate or stream.guessed_rate or Fraction(25)
    return max(1, round(1 / (rate * time_base(stream))))


def _first_ticks(container: InputContainer, stream: VideoStream) -> int:
    """Where a file begins that begins before zero: of its pictures before zero, Matroska's times are not told."""
    began_us = container.start_time
    return 0 if began_us is None else min(0, round(Fraction(began_us, 1_000_000) / time_base(stream)))


def time_base(stream: VideoStream) -> Fraction:
    """Seconds per tick of the stream's timestamps."""
    return stream.time_base or Fraction(1, 90_000)


def turn_of(path: Path, frame: VideoFrame) -> Turn:
    """The turn its display matrix asks for; ``VideoError`` when that is not a multiple of 90 degrees."""
    data: Any = frame.side_data.get("DISPLAYMATRIX")
    return Turn() if data is None else _turn(path, struct.unpack("=9i", bytes(data)))


def upright_size(frame: VideoFrame, turn: Turn) -> tuple[int, int]:
    """``(width, height)`` in pixels of the upright picture."""
    return (frame.height, frame.width) if turn.degrees % 180 else (frame.width, frame.height)


def _turn(path: Path, matrix: tuple[int, ...]) -> Turn:
    # x' = a x + c y, y' = b x + d y (libavutil/display.h); the mirroring comes last.
    a, b, _, c, d = matrix[:5]
    mirrored = a * d - b * c < 0
    angle = math.degrees(math.atan2(b, -a if mirrored else a))
    quarters = round(angle / 90)
    if abs(angle - 90 * quarters) > 1:
        fact = f"asks to be shown turned by {angle:.0f} degrees"
        raise VideoError(f"{path}: {fact}; re-encode it turned by a multiple of 90")
    return Turn(quarters * 90 % 360, mirrored)


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
        raise VideoError(f"{path}: is a still picture; give a video file such as .mp4 or .mov")
    found = [stream for stream in container.streams.video if not stream.disposition & _NOT_A_PICTURE]
    if not found:
        kinds = ", ".join(sorted({stream.type for stream in container.streams})) or "nothing"
        raise VideoError(f"{path}: has no video stream (only {kinds}); give a file with moving pictures")
    best = next((stream for stream in found if stream.disposition & Disposition.default), found[0])
    if best.codec_context is None:
        raise VideoError(f"{path}: its video codec is unknown; convert it to H.264")
    return best


def _decoded(container: InputContainer, stream: VideoStream, reading: Reading) -> Iterator[VideoFrame]:
    # A packet at a time: the error of one must not lose the frames of those before it.
    started = False
    try:
        for packet in container.demux(stream):
            reading.first_dts = packet.dts if reading.first_dts is None else reading.first_dts
            _note(packet, reading)
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
        reading.ended_by = error.strerror or str(error)


def _note(packet: "Packet[VideoStream]", reading: Reading) -> None:
    if packet.size and not packet.is_discard:
        reading.packets += 1
        reading.places[packet.pts] = -1 if packet.pos is None else packet.pos
    if packet.is_corrupt and packet.pts is not None:
        reading.marked.append(packet.pts)


def _shape_text(shape: tuple[int, int, str]) -> str:
    return f"{shape[0]}x{shape[1]} {shape[2]}"
