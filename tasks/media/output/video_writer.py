"""Video out: H.264, H.265 or AV1 in MP4 with the source's timestamps, tags and sound; a whole file or none."""

import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import av
from av.codec.context import Flags
from av.container import OutputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.output.audio_clock import Sounding
from tasks.media.output.codecs import (
    Codec,
    changes,
    codec_of,
    coded_layout,
    coded_size,
    open_encoder,
    prepare,
    reason_of,
    stored_format,
    too_narrow,
)
from tasks.media.output.negative_times import ticks_later
from tasks.media.output.output_file import OutputFile
from tasks.media.planes.layout import (
    FULL_RANGE,
    PixelLayout,
    gray_as_yuv420,
    with_finer_chroma,
    write_neutral_chroma,
    write_planes,
)
from tasks.media.planes.warp import upsample_chroma
from tasks.records import NO_HDR, ColorTags, HdrTags

_LARGEST_TIMESCALE = 2**31 - 1
_LIMITED_RANGE, _BT709 = 1, 1


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
        sound: Sounding | None = None,
        codec: str = "x264",
        hdr: HdrTags = NO_HDR,
    ) -> None:
        self._path, self._layout, self._time_base = path, layout, time_base
        encoding = codec_of(codec, preset)
        coded = coded_layout(layout, encoding)
        wh = coded_size(size_px, coded)
        if fact := too_narrow(encoding, wh):
            raise OutputError(f"{path}: {fact}; choose encode=x264, or a larger crop.size")
        self._file = OutputFile(path, encoding.container, {"movflags": "+faststart", "fflags": "+bitexact"})
        self.notes = self._file.notes
        self.notes += changes(layout, coded, size_px, wh, encoding)
        container = self._file.container
        encoder = encoding.encoder if coded.depth == 8 else encoding.encoder_10
        self._stream = cast(VideoStream, container.add_stream(encoder, rate=rate.limit_denominator(10**6)))
        tags = replace(color, range=_LIMITED_RANGE, matrix=_BT709) if layout.is_rgb else color
        self._span = self._coded_span = "JPEG" if color.range == FULL_RANGE else "MPEG"
        if encoding.only_limited and tags.range == FULL_RANGE:
            tags, self._coded_span = replace(tags, range=_LIMITED_RANGE), "MPEG"
            self.notes.append(f"full range was written as limited range, as players expect of {encoding.title}")
        _describe(self._stream, wh, stored_format(coded, encoding), time_base, tags, pixel_aspect)
        self.notes += prepare(self._stream.codec_context, encoding, crf, preset, hdr)
        self._open(encoding, f"{wh[0]}x{wh[1]} {coded.name}, crf {crf}, preset {preset}")
        self._file.carry_sound(sound)
        # Where a track begins is written in the movie's ticks: they must divide every track's.
        container.container_options.update(_timescales(container, time_base))
        self._finer, self._chroma_location = with_finer_chroma(layout, coded), color.chroma_location
        held = gray_as_yuv420(layout) if layout.planes == 1 else self._finer
        self._frame = VideoFrame(*wh, held.name)
        for plane in range(layout.planes, held.planes):
            write_neutral_chroma(self._frame, plane, held)
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
        planes = upsample_chroma(planes, self._layout, self._finer, size_px, self._chroma_location)
        write_planes(self._frame, planes, self._finer)
        if not self._written:
            self._later = ticks_later(pts, self._time_base, self._file.sound, self.notes)
        self._written += 1
        pts += self._later
        frame = self._coded()
        codec = self._stream.codec_context  # ProRes keeps its tags in every picture
        frame.colorspace, frame.color_range = codec.colorspace, codec.color_range
        frame.color_primaries, frame.color_trc = codec.color_primaries, codec.color_trc
        frame.pts, frame.duration, frame.time_base = pts, duration, self._time_base
        self._start, self._end = min(pts, self._start), pts + duration
        with self._file.writing():
            packets = self._stream.encode(frame)
            if packets and self._first_dts is None:
                self._first_dts = packets[0].dts
            self._file.mux(packets, sound_until_s=pts * self._time_base)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.end(kind, self._finish)

    def _finish(self) -> None:
        packets = self._stream.encode(None)
        if self._written <= 2:  # too few for any order but their own; x265 was seen to leave it to chance
            for packet in packets:
                packet.dts = packet.pts
        if packets and self._first_dts is None:
            self._first_dts = packets[0].dts
        for packet in packets[-1:]:
            # An MP4 lasts as long as its samples in decoding order, so the last one's duration is made such that the
            # sum is right. Where it is the last one shown too, its own duration is what the edit list ends with.
            if packet.dts is not None and self._first_dts is not None:
                rest = self._end - self._start - (packet.dts - self._first_dts)
                packet.duration = max(1, rest, packet.duration or 0)
        self._file.mux(packets, sound_until_s=None)

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
            self._file.end(type(error), self._finish)
            fact = f"{codec.name} refuses to encode {asked} ({reason_of(error)})"
            raise OutputError(f"{self._path}: {fact}; choose other encode settings") from error


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
