"""Video out: H.264 in MP4 with the source's timestamps, tags and sound; a whole file or none."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import av
import numpy as np
from av.codec.context import Flags
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tasks.errors import OutputError, VideoError
from tasks.media.layout import PixelLayout, fill, nearest, neutral
from tasks.media.sound import SoundCopy, TimedPacket
from tasks.media.source import Reading, opened, pictures
from tasks.records import ColorTags

_THREADS = 4  # fixed, not the machine's: x264's bytes depend on it
_LARGEST_TIMESCALE = 2**31 - 1
_LIMITED_RANGE, _BT709 = 1, 1

# Without it x264's choice of code by processor gave other bytes from run to run for the very same planes.
REPEATABLE = {"x264-params": "cpu-independent=1"}


class VideoSink:
    """Writes one MP4 of H.264: a context manager that leaves a whole file or, after an exception, none.

    ``size_px``, ``layout``, ``color`` and ``pixel_aspect`` describe the planes given to ``write``;
    ``time_base`` is the seconds per tick of their pts. Every sound track of the file ``sound`` comes along
    with its own timestamps. After the block, ``notes`` holds a sentence for each thing that did not arrive
    as it was. ``OutputError`` when the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        *,
        size_px: tuple[int, int],
        layout: PixelLayout,
        time_base: Fraction,
        rate: Fraction,
        color: ColorTags,
        pixel_aspect: Fraction,
        crf: int,
        preset: str,
        sound: Path | None = None,
    ) -> None:
        self.notes: list[str] = []
        self._path, self._layout, self._time_base = path, layout, time_base
        coded = coded_layout(layout)
        wh = coded_size(size_px, coded)
        self._note_changes(size_px, wh)
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        try:
            self._container = av.open(f"file:{path}", "w", format="mp4", container_options=options)
        except (av.FFmpegError, OSError) as error:
            raise unwritable(path, error) from error
        self._stream = self._container.add_stream(
            "libx264", rate=rate.limit_denominator(10**6), options={"crf": str(crf), "preset": preset, **REPEATABLE}
        )
        tags = replace(color, range=_LIMITED_RANGE, matrix=_BT709) if layout.is_rgb else color
        _describe(self._stream, wh, coded, time_base, tags, pixel_aspect)
        self._sound = SoundCopy(sound, self._container) if sound else None
        # Where a track begins is written in the movie's ticks: they must divide every track's.
        self._container.container_options.update(_timescales(self._container, time_base))
        self._sounds = self._sound.packets() if self._sound else iter(())
        self._next_sound: TimedPacket | None = None
        self._frame = VideoFrame(*wh, layout.name if layout.is_rgb else coded.name)
        for plane in range(layout.planes, coded.planes):
            neutral(self._frame, plane, coded)
        self._reformatter = VideoReformatter()
        self._first_dts: int | None = None
        self._start, self._end = 2**63, 0

    def write(self, planes: Sequence[NDArray[Any]], pts: int, duration: int) -> None:
        """Add one picture of ``size_px`` in ``layout``, shown from ``pts`` on for ``duration`` ticks.

        ``pts`` increase from call to call. The planes are copied before this returns. ``OutputError`` when
        the file cannot be written.
        """
        fill(self._frame, planes, self._layout)
        frame = self._coded()
        frame.pts, frame.duration, frame.time_base = pts, duration, self._time_base
        self._start, self._end = min(pts, self._start), pts + duration
        try:
            packets = self._stream.encode(frame)
            self._mux_sound(pts * self._time_base)
            self._mux(packets)
        except (av.FFmpegError, OSError) as error:
            raise unwritable(self._path, error) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        whole = False
        try:
            if kind is None:
                self._finish()
                whole = True
        finally:
            with suppress(av.FFmpegError, OSError):
                self._container.close()
            if self._sound:
                self._sound.close()
                self.notes.extend(self._sound.notes)
            if not whole:
                self._path.unlink(missing_ok=True)

    def _finish(self) -> None:
        try:
            packets = self._stream.encode(None)
            self._mux_sound(None)
            self._mux(packets[:-1])
            self._mux_last(packets[-1:])
            self._container.close()
        except (av.FFmpegError, OSError) as error:
            raise unwritable(self._path, error) from error

    def _mux(self, packets: list["Packet[VideoStream]"]) -> None:
        if packets and self._first_dts is None:
            self._first_dts = packets[0].dts
        self._container.mux(packets)

    def _mux_last(self, packets: list["Packet[VideoStream]"]) -> None:
        # An MP4 lasts as long as its samples in decoding order. The last of these is not the last one shown, so its
        # duration is made such that the sum is right.
        for packet in packets:
            if packet.dts is not None and self._first_dts is not None:
                packet.duration = max(1, self._end - self._start - (packet.dts - self._first_dts))
            self._container.mux(packet)

    def _mux_sound(self, until_s: Fraction | None) -> None:
        """Mux the sound up to a time, or all that is left: both go through the file side by side."""
        self._container.start_encoding()
        while True:
            self._next_sound = self._next_sound or next(self._sounds, None)
            if self._next_sound is None or (until_s is not None and self._next_sound[0] > until_s):
                return
            packet = self._next_sound[1]
            self._next_sound = None
            try:
                self._container.mux(packet)
            except (av.error.InvalidDataError, av.error.ArgumentError) as error:  # the packet's fault, not the disk's
                if self._sound is None:
                    raise
                self._sound.give_up(packet, error)

    def _coded(self) -> VideoFrame:
        if not self._layout.is_rgb:
            return self._frame
        return self._reformatter.reformat(
            self._frame,
            format=self._stream.pix_fmt,
            dst_colorspace=_BT709,
            src_color_range="JPEG",
            dst_color_range="MPEG",
            threads=1,
        )

    def _note_changes(self, size_px: tuple[int, int], wh: tuple[int, int]) -> None:
        if wh != size_px:
            odd = f"{size_px[0]}x{size_px[1]} is odd"
            self.notes.append(f"{odd}: its last column or row was repeated to {wh[0]}x{wh[1]}, as H.264 needs")
        if self._layout.is_rgb:
            self.notes.append("RGB was written as YUV 4:4:4 (BT.709), as players expect of H.264")


def coded_layout(layout: PixelLayout) -> PixelLayout:
    """What H.264 stores for ``layout``: RGB becomes YUV 4:4:4 and gray 4:2:0, for the sake of players."""
    suffix = "" if layout.depth == 8 else "10le"
    if layout.is_rgb:
        return nearest(f"yuv444p{suffix}")
    return nearest(f"yuv420p{suffix}") if layout.planes == 1 else layout


def coded_size(size_px: tuple[int, int], coded: PixelLayout) -> tuple[int, int]:
    """``size_px`` rounded up to whole chroma samples."""
    (width, height), (shift_x, shift_y) = size_px, coded.chroma_shift
    return -(-width >> shift_x) << shift_x, -(-height >> shift_y) << shift_y


def verify_video(path: Path, frames: int, pts: NDArray[np.int64] | None = None) -> None:
    """Open ``path``, decode all of it and count; with ``pts`` (ticks of the file's time base) compare the times.

    ``OutputError`` when it does not hold exactly ``frames`` frames, shown at these times.
    """
    reading = Reading()
    try:
        with opened(path) as (container, stream):
            found = np.array([frame.pts for frame in pictures(container, stream, reading)], dtype=np.int64)
    except VideoError as error:
        raise OutputError(f"{path}: cannot be read back; run again ({error})") from error
    if len(found) != frames or reading.ended_by:
        why = f" ({reading.ended_by})" if reading.ended_by else ""
        raise OutputError(f"{path}: holds {len(found)} frames instead of {frames}{why}; run again")
    if pts is not None and not np.array_equal(found, pts):
        first = int(np.flatnonzero(found != pts)[0])
        raise OutputError(f"{path}: frame {first} is shown at tick {found[first]}, not {pts[first]}; run again")


def unwritable(path: Path, error: av.FFmpegError | OSError) -> OutputError:
    """The error for a file that could not be written, with its cure."""
    fact = error.strerror or str(error)
    return OutputError(f"{path}: cannot be written ({fact}); free space there or choose another output_dir")


def _describe(
    stream: VideoStream,
    wh: tuple[int, int],
    coded: PixelLayout,
    time_base: Fraction,
    color: ColorTags,
    pixel_aspect: Fraction,
) -> None:
    codec = stream.codec_context
    codec.width, codec.height = wh
    codec.pix_fmt = coded.name
    codec.time_base = time_base
    codec.sample_aspect_ratio = pixel_aspect
    codec.color_range, codec.colorspace = color.range, color.matrix
    codec.color_primaries, codec.color_trc = color.primaries, color.transfer
    codec.options["chroma_sample_location"] = str(color.chroma_location)
    codec.flags |= Flags.bitexact | Flags.frame_duration
    # Of slices, not frames: with frame threads x264 was seen to make other bytes once in a thousand runs.
    codec.thread_type = "SLICE"
    codec.thread_count = _THREADS


def _timescales(container: OutputContainer, time_base: Fraction) -> dict[str, str]:
    rates = [stream.codec_context.sample_rate or 1 for stream in container.streams.audio]
    movie = math.lcm(time_base.denominator, *rates)
    scales = {"video_track_timescale": str(time_base.denominator)}
    if movie <= _LARGEST_TIMESCALE:
        scales["movie_timescale"] = str(movie)
    return scales
