"""Video out: H.264, H.265 or AV1 in MP4 with the source's timestamps, tags and sound; a whole file or none."""

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

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
from tasks.media.chroma import as_fine, finer_chroma
from tasks.media.codecs import (
    Codec,
    changes,
    codec_of,
    coded_layout,
    coded_size,
    open_encoder,
    prepare,
    reason_of,
    stored_format,
)
from tasks.media.layout import PixelLayout, fill, gray_with_chroma, neutral
from tasks.media.sound import SoundCopy, TimedPacket
from tasks.media.source import Reading, opened, pictures
from tasks.media.zero import ticks_later
from tasks.records import NO_HDR, ColorTags, HdrTags

_LARGEST_TIMESCALE = 2**31 - 1
_LIMITED_RANGE, _FULL_RANGE, _BT709 = 1, 2, 1


class VideoSink:
    """Writes one MP4: a context manager that leaves a whole file or, after an exception, none.

    ``size_px``, ``layout``, ``color`` and ``pixel_aspect`` describe the planes given to ``write``;
    ``time_base`` is the seconds per tick of their pts. Every sound track of the file ``sound`` comes along
    with its own timestamps. ``codec`` is a name in ``CODECS``; ``crf`` and ``preset`` are as its encoder
    means them. After the block, ``notes`` holds a sentence for each thing that did not arrive as it was.
    ``OutputError`` when the encoder refuses, or the file cannot be written.
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
        crf: int | None,
        preset: str,
        sound: Path | None = None,
        codec: str = "x264",
        hdr: HdrTags = NO_HDR,
    ) -> None:
        self._path, self._layout, self._time_base = path, layout, time_base
        encoding = codec_of(codec, preset)
        coded = coded_layout(layout, encoding)
        wh = coded_size(size_px, coded)
        self.notes = changes(layout, coded, size_px, wh, encoding)
        options = {"movflags": "+faststart", "fflags": "+bitexact"}
        try:
            self._container = av.open(f"file:{path}", "w", format=encoding.container, container_options=options)
        except (av.FFmpegError, OSError) as error:
            raise unwritable(path, error) from error
        encoder = encoding.encoder if coded.depth == 8 else encoding.encoder_10
        self._stream = cast(VideoStream, self._container.add_stream(encoder, rate=rate.limit_denominator(10**6)))
        tags = replace(color, range=_LIMITED_RANGE, matrix=_BT709) if layout.is_rgb else color
        self._span = self._coded_span = "JPEG" if color.range == _FULL_RANGE else "MPEG"
        if encoding.only_limited and tags.range == _FULL_RANGE:
            tags, self._coded_span = replace(tags, range=_LIMITED_RANGE), "MPEG"
            self.notes.append(f"full range was written as limited range, as players expect of {encoding.title}")
        _describe(self._stream, wh, stored_format(coded, encoding), time_base, tags, pixel_aspect)
        self.notes += prepare(self._stream.codec_context, encoding, crf, preset, hdr)
        self._open(encoding, f"{wh[0]}x{wh[1]} {coded.name}, crf {crf}, preset {preset}")
        self._sound = SoundCopy(sound, self._container, encoding.container) if sound else None
        # Where a track begins is written in the movie's ticks: they must divide every track's.
        self._container.container_options.update(_timescales(self._container, time_base))
        self._sounds = self._sound.packets() if self._sound else iter(())
        self._next_sound: TimedPacket | None = None
        self._finer, self._chroma_location = as_fine(layout, coded), color.chroma_location
        held = gray_with_chroma(layout) if layout.planes == 1 else self._finer
        self._frame = VideoFrame(*wh, held.name)
        for plane in range(layout.planes, held.planes):
            neutral(self._frame, plane, held)
        self._reformatter = VideoReformatter()
        self._written = self._later = 0
        self._first_dts: int | None = None
        self._start, self._end = 2**63, 0

    def write(self, planes: Sequence[NDArray[Any]], pts: int, duration: int) -> None:
        """Add one picture of ``size_px`` in ``layout``, shown from ``pts`` on for ``duration`` ticks.

        ``pts`` increase from call to call. The planes are copied before this returns. ``OutputError`` when
        the file cannot be written.
        """
        size_px = (planes[0].shape[1], planes[0].shape[0])
        planes = finer_chroma(planes, self._layout, self._finer, size_px, self._chroma_location)
        fill(self._frame, planes, self._finer)
        if not self._written:
            self._later = ticks_later(pts, self._time_base, self._sound, self.notes)
        self._written += 1
        pts += self._later
        frame = self._coded()
        codec = self._stream.codec_context  # ProRes keeps its tags in every picture
        frame.colorspace, frame.color_range = codec.colorspace, codec.color_range
        frame.color_primaries, frame.color_trc = codec.color_primaries, codec.color_trc
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
            if self._written <= 2:  # too few for any order but their own; x265 was seen to leave it to chance
                for packet in packets:
                    packet.dts = packet.pts
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
        """The frame in the format that the encoder takes."""
        if self._frame.format.name == self._stream.pix_fmt:
            return self._frame
        rgb = self._layout.is_rgb
        return self._reformatter.reformat(
            self._frame,
            format=self._stream.pix_fmt,
            dst_colorspace=_BT709 if rgb else None,
            src_color_range="JPEG" if rgb else self._span,
            dst_color_range="MPEG" if rgb else self._coded_span,
            interpolation="BICUBIC",
            threads=1,
        )

    def _open(self, codec: Codec, asked: str) -> None:
        try:
            open_encoder(self._stream.codec_context)
        except (av.FFmpegError, ValueError) as error:
            self._container.close()
            self._path.unlink(missing_ok=True)
            fact = f"{codec.name} refuses to encode {asked} ({reason_of(error)})"
            raise OutputError(f"{self._path}: {fact}; choose other encode settings") from error


def verify_video(path: Path, frames: int, pts: NDArray[np.int64] | None = None) -> None:
    """Open ``path``, decode all of it and count; with ``pts`` (ticks of the file's time base) compare the times.

    ``OutputError`` when it does not hold exactly ``frames`` frames, shown at these times.
    """
    reading = Reading()
    try:
        with opened(path) as (container, stream):
            # Every bit is read; only what makes the picture nicer is left out, as nobody looks at it.
            stream.codec_context.options["skip_loop_filter"] = "all"
            found = np.array([frame.pts for frame in pictures(container, stream, reading, threads=1)], dtype=np.int64)
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
    pixel_format: str,
    time_base: Fraction,
    color: ColorTags,
    pixel_aspect: Fraction,
) -> None:
    codec = stream.codec_context
    codec.width, codec.height = wh
    codec.pix_fmt = pixel_format
    codec.time_base = time_base
    codec.sample_aspect_ratio = pixel_aspect
    codec.color_range, codec.colorspace = color.range, color.matrix
    codec.color_primaries, codec.color_trc = color.primaries, color.transfer
    codec.options["chroma_sample_location"] = str(color.chroma_location)
    codec.flags |= Flags.bitexact | Flags.frame_duration


def _timescales(container: OutputContainer, time_base: Fraction) -> dict[str, str]:
    rates = [stream.codec_context.sample_rate or 1 for stream in container.streams.audio]
    movie = math.lcm(time_base.denominator, *rates)
    scales = {"video_track_timescale": str(time_base.denominator)}
    if movie <= _LARGEST_TIMESCALE:
        scales["movie_timescale"] = str(movie)
    return scales
