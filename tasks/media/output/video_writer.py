"""Write a video: H.264, H.265 or AV1 in MP4, or ProRes in QuickTime, with the source's times, tags and sound."""

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
from tasks.media.output.audio_clock import SoundSource
from tasks.media.output.encoders import (
    Encoder,
    chosen_encoder,
    coded_layout,
    coded_pixel_format,
    coded_size_px,
    configure_encoder,
    conversion_notes,
    encoder_message,
    narrow_width_fault,
    open_encoder,
    player_note,
)
from tasks.media.output.output_file import OutputFile, PictureStream, tag_frame
from tasks.media.planes.layout import (
    BT709_MATRIX,
    FULL_RANGE,
    LIMITED_RANGE,
    PixelLayout,
    gray_as_yuv420,
    shared_frame,
    with_finer_chroma,
    write_neutral_chroma,
    write_planes,
)
from tasks.media.planes.warp import upsample_chroma
from tasks.records import NO_HDR, ColorTags, HdrTags

_MAX_TIMESCALE_HZ = 2**31 - 1
_NO_REORDERING_FRAMES = 2  # so few frames cannot be reordered


class VideoWriter:
    """Writes one video file. A context manager that leaves a complete file or, after an exception, none.

    - ``pictures`` describes what is given to ``write``.
    - ``codec`` is a key of ``ENCODERS``, or ``AUTO``; ``crf`` and ``preset`` are the encoder's own settings, and
      it works with ``threads`` and, with ``short_look_ahead``, in less memory.
    - Every sound track of ``sound`` is copied with its own timestamps.

    After the block, ``notes`` has a sentence for each thing that differs from the source, and ``written`` lists the
    packets for ``check_written_video``. ``OutputError`` if the encoder refuses its settings, or the file cannot be
    written.
    """

    def __init__(
        self,
        path: Path,
        pictures: PictureStream,
        *,
        crf: int | None,
        preset: str,
        threads: int = 1,
        sound: SoundSource | None = None,
        codec: str = "x264",
        hdr: HdrTags = NO_HDR,
        short_look_ahead: bool = False,
    ) -> None:
        size_px, layout, color, time_base = pictures.size_px, pictures.layout, pictures.color, pictures.time_base
        self._path, self._layout, self._time_base = path, layout, time_base
        encoder = chosen_encoder(codec, preset, layout, size_px)
        coded = coded_layout(layout, encoder)
        coded_px = coded_size_px(size_px, coded)
        if fault := narrow_width_fault(encoder, coded_px):
            raise OutputError(f"{path}: {fault}; choose encode=x264, or a larger crop.size")
        self._file = OutputFile(path, encoder.container, {"movflags": "+faststart", "fflags": "+bitexact"})
        self.notes, self.written = self._file.notes, self._file.written
        self.notes += conversion_notes(layout, coded, size_px, coded_px, encoder)
        self.notes += filter(None, [player_note(coded, encoder)])
        container = self._file.container
        ffmpeg_name = encoder.ffmpeg_name if coded.depth == 8 else encoder.ffmpeg_name_10_bit
        added = container.add_stream(ffmpeg_name, rate=pictures.coded_rate)
        self._stream = cast(VideoStream, added)
        tags = _coded_tags(color, layout, encoder)
        self._range, self._coded_range = _range_name(color), _range_name(tags)
        if self._range != self._coded_range and not layout.is_rgb:
            self.notes.append(f"full range was written as limited range, as players expect of {encoder.title}")
        pixel_format = coded_pixel_format(coded, encoder)
        _describe(self._stream, coded_px, pixel_format, time_base, tags, pictures.pixel_aspect)
        context = self._stream.codec_context
        self.notes += configure_encoder(context, encoder, crf, preset, hdr, threads, short_look_ahead=short_look_ahead)
        self._open(encoder, f"{coded_px[0]}x{coded_px[1]} {coded.name}, crf {crf}, preset {preset}")
        self._file.copy_beside(sound)
        container.container_options.update(_timescales(container, time_base))
        self._finer, self._chroma_location = with_finer_chroma(layout, coded), color.chroma_location
        self._frame = _new_frame(coded_px, layout, self._finer)
        self._reformatter = VideoReformatter()
        self._written = self._delay_ticks = 0
        self._first_dts: int | None = None
        self._start_pts, self._end_pts = 2**63, 0

    def write(self, planes: Sequence[NDArray[Any]], pts: int, duration: int) -> None:
        """Add one picture of ``size_px`` in ``layout``, shown from ``pts`` on for ``duration`` ticks.

        ``pts`` must increase from call to call. The encoder has its own copy of the planes before this returns.
        ``OutputError`` if the file cannot be written.
        """
        size_px = (planes[0].shape[1], planes[0].shape[0])
        planes = upsample_chroma(planes, self._layout, self._finer, size_px, self._chroma_location)
        shared = shared_frame(tuple(planes), self._finer)
        if shared is None or (shared.width, shared.height) != (self._frame.width, self._frame.height):
            shared = self._frame
            write_planes(shared, planes, self._finer)
        if not self._written:
            self._delay_ticks = self._file.start_delay(pts, self._time_base)
        self._written += 1
        pts += self._delay_ticks
        frame = self._coded_frame(shared)
        tag_frame(frame, self._stream, pts, duration, self._time_base)
        self._start_pts, self._end_pts = min(pts, self._start_pts), pts + duration
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
        if self._written <= _NO_REORDERING_FRAMES:  # x265 was seen to give them random decoding times
            for packet in packets:
                packet.dts = packet.pts
        if packets and self._first_dts is None:
            self._first_dts = packets[0].dts
        for packet in packets[-1:]:
            # The duration of an MP4 is the sum of its samples' durations in decoding order, so the last one is chosen
            # such that the sum is right. If it is also the last one shown, the edit list ends with its own duration.
            if packet.dts is not None and self._first_dts is not None:
                rest = self._end_pts - self._start_pts - (packet.dts - self._first_dts)
                packet.duration = max(1, rest, packet.duration or 0)
        self._file.mux(packets, sound_until_s=None)

    def _coded_frame(self, frame: VideoFrame) -> VideoFrame:
        """``frame`` in the encoder's pixel format."""
        if frame.format.name == self._stream.pix_fmt:
            return frame
        rgb = self._layout.is_rgb
        return self._reformatter.reformat(
            frame,
            format=self._stream.pix_fmt,
            dst_colorspace=BT709_MATRIX if rgb else None,
            src_color_range="JPEG" if rgb else self._range,
            dst_color_range="MPEG" if rgb else self._coded_range,
            interpolation="BICUBIC",
            threads=1,
        )

    def _open(self, encoder: Encoder, request: str) -> None:
        try:
            open_encoder(self._stream.codec_context)
        except (av.FFmpegError, ValueError) as error:
            self._file.end(type(error), self._finish)
            fact = f"{encoder.name} refuses to encode {request} ({encoder_message(error)})"
            raise OutputError(f"{self._path}: {fact}; choose other encode settings") from error


def _coded_tags(color: ColorTags, layout: PixelLayout, encoder: Encoder) -> ColorTags:
    """The colour tags of what ``encoder`` is given: RGB becomes YUV of BT.709, and some store limited range only."""
    if layout.is_rgb:
        return replace(color, range=LIMITED_RANGE, matrix=BT709_MATRIX)
    if encoder.only_limited_range and color.range == FULL_RANGE:
        return replace(color, range=LIMITED_RANGE)
    return color


def _range_name(color: ColorTags) -> str:
    """FFmpeg's name of the range of the samples."""
    return "JPEG" if color.range == FULL_RANGE else "MPEG"


def _new_frame(size_px: tuple[int, int], layout: PixelLayout, finer: PixelLayout) -> VideoFrame:
    """A frame for planes in ``finer``, the layout with finer chroma; one for gray planes has neutral chroma."""
    own = gray_as_yuv420(layout) if layout.planes == 1 else finer
    frame = VideoFrame(*size_px, own.name)
    for plane in range(layout.planes, own.planes):
        write_neutral_chroma(frame, plane, own)
    return frame


def _describe(
    stream: VideoStream,
    size_px: tuple[int, int],
    pixel_format: str,
    time_base: Fraction,
    color: ColorTags,
    pixel_aspect: Fraction,
) -> None:
    codec = stream.codec_context
    codec.width, codec.height = size_px
    codec.pix_fmt = pixel_format
    codec.time_base = time_base
    codec.sample_aspect_ratio = pixel_aspect
    codec.color_range, codec.colorspace = color.range, color.matrix
    codec.color_primaries, codec.color_trc = color.primaries, color.transfer
    codec.options["chroma_sample_location"] = str(color.chroma_location)
    codec.flags |= Flags.bitexact | Flags.frame_duration


def _timescales(container: OutputContainer, time_base: Fraction) -> dict[str, str]:
    # The begin of a track is stored in ticks of the movie's timescale: it must be a multiple of every track's.
    rates_hz = [stream.codec_context.sample_rate or 1 for stream in container.streams.audio]
    movie_hz = math.lcm(time_base.denominator, *rates_hz)
    scales = {"video_track_timescale": str(time_base.denominator)}
    if movie_hz <= _MAX_TIMESCALE_HZ:
        scales["movie_timescale"] = str(movie_hz)
    return scales
