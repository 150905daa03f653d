"""Write a video with opacity: VP9 in WebM or ProRes 4444 in QuickTime."""

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, cast

import numpy as np
from av.codec.context import Flags
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.output.audio_clock import SoundSource
from tasks.media.output.output_file import OutputFile, PictureStream, tag_frame
from tasks.media.planes.layout import (
    BT709_MATRIX,
    FULL_RANGE,
    LIMITED_RANGE,
    Alpha,
    Planes,
    gray_as_yuv420,
    gray_planes_as_yuv420,
    nearest_layout,
    new_frame,
    with_finer_chroma,
)
from tasks.media.planes.warp import upsample_chroma

_ALPHA_PLANE = 3


@dataclass(frozen=True)
class AlphaCodec:
    """A container, and a codec that stores colour and opacity."""

    container: str  # FFmpeg's name
    encoder: str  # FFmpeg's name
    pixel_format: str
    depth: int  # bits per sample
    options: dict[str, str]
    threads: int
    only_limited_range: bool = False


ALPHA_CODECS: Final = {
    # auto-alt-ref=0: frames that are never shown would be missing in the stream of the opacity.
    "webm": AlphaCodec(
        "webm",
        "libvpx-vp9",
        "yuva420p",
        8,
        {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "5", "auto-alt-ref": "0"},
        4,
    ),
    # ProRes has no tag for the range.
    "mov": AlphaCodec(
        "mov", "prores_aw", "yuva444p10le", 10, {"profile": "4", "vendor": "apl0"}, 4, only_limited_range=True
    ),
}


def odd_width_fault(codec: str, size_px: tuple[int, int]) -> str:
    """A clause if ``codec`` of ``ALPHA_CODECS`` cannot store ``size_px`` because the width is odd; else empty."""
    if codec != "mov" or size_px[0] % 2 == 0:
        return ""
    return f"ProRes with opacity needs an even width, not {size_px[0]}x{size_px[1]}"


class AlphaWriter:
    """Writes one video with opacity. A context manager that leaves a complete file or, after an exception, none.

    ``codec`` is a key of ``ALPHA_CODECS``, and ``pictures`` describes what is given to ``write``. Every sound track of
    ``sound`` is copied. WebM rounds times to milliseconds.
    ``OutputError`` if the file cannot be written.
    """

    def __init__(self, path: Path, codec: str, pictures: PictureStream, *, sound: SoundSource | None = None) -> None:
        layout, color = pictures.layout, pictures.color
        self._layout, self._codec, self._time_base = layout, ALPHA_CODECS[codec], pictures.time_base
        if fault := odd_width_fault(codec, pictures.size_px):
            raise OutputError(f"{path}: {fault}; choose background.alpha=webm or png, or an even crop.size")
        self._finer = with_finer_chroma(layout, nearest_layout(self._codec.pixel_format.replace("yuva", "yuv")))
        self._chroma_location = color.chroma_location
        self._source_range = LIMITED_RANGE if layout.is_rgb else color.range
        narrowed = self._codec.only_limited_range and self._source_range == FULL_RANGE
        self._range = LIMITED_RANGE if narrowed else self._source_range
        options = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if codec == "mov" else {})
        self._file = OutputFile(path, self._codec.container, options)
        self.notes, self.written = self._file.notes, self._file.written
        if narrowed:
            self.notes.append("full range was written as limited range, as players expect of ProRes")
        added = self._file.container.add_stream(
            self._codec.encoder,
            rate=pictures.coded_rate,
            options=dict(self._codec.options),
        )
        self._stream = cast(VideoStream, added)
        context = self._stream.codec_context
        context.width, context.height = pictures.size_px
        context.pix_fmt, context.time_base = self._codec.pixel_format, pictures.time_base
        context.sample_aspect_ratio = pictures.pixel_aspect
        context.color_range, context.colorspace = self._range, BT709_MATRIX if layout.is_rgb else color.matrix
        context.color_primaries, context.color_trc = color.primaries, color.transfer
        context.flags |= Flags.bitexact | Flags.frame_duration
        context.thread_count = self._codec.threads
        self._file.copy_beside(sound)
        self._reformatter = VideoReformatter()
        self._delay_ticks: int | None = None

    def write(self, planes: Planes, alpha: Alpha, pts: int, duration: int) -> None:
        """Add one picture, shown from ``pts`` on for ``duration`` ticks.

        ``planes`` are straight (not premultiplied) colours; ``alpha`` (h, w) is the opacity, 0 to 1.
        """
        frame = self._coded_frame(planes)
        opacity = np.rint(alpha * ((1 << self._codec.depth) - 1)).astype(np.uint8 if self._codec.depth == 8 else "<u2")
        _fill_plane(frame, _ALPHA_PLANE, opacity)
        if self._delay_ticks is None:
            self._delay_ticks = self._file.start_delay(pts, self._time_base)
        pts += self._delay_ticks
        tag_frame(frame, self._stream, pts, duration, self._time_base)
        with self._file.writing():
            self._file.mux(self._stream.encode(frame), sound_until_s=pts * self._time_base)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.end(kind, self._finish)

    def _finish(self) -> None:
        self._file.mux(self._stream.encode(None), sound_until_s=None)

    def _coded_frame(self, planes: Planes) -> VideoFrame:
        """``planes`` in the encoder's pixel format; the opacity is not set yet."""
        size_px = (planes[0].shape[1], planes[0].shape[0])
        planes = upsample_chroma(planes, self._layout, self._finer, size_px, self._chroma_location)
        if self._layout.planes == 1:  # swscale always takes gray for full range, so gray becomes YUV first
            frame = new_frame(gray_planes_as_yuv420(planes[0], self._layout), gray_as_yuv420(self._layout))
        else:
            frame = new_frame(planes, self._finer)
        if self._layout.is_rgb:
            return self._reformatter.reformat(
                frame,
                format=self._codec.pixel_format,
                dst_colorspace=BT709_MATRIX,
                src_color_range="JPEG",
                dst_color_range="MPEG",
                threads=1,
            )
        source, coded = ("JPEG" if code == FULL_RANGE else "MPEG" for code in (self._source_range, self._range))
        return self._reformatter.reformat(
            frame, format=self._codec.pixel_format, src_color_range=source, dst_color_range=coded, threads=1
        )


def _fill_plane(frame: VideoFrame, number: int, samples: NDArray[Any]) -> None:
    plane = frame.planes[number]
    lines = np.frombuffer(plane, samples.dtype).reshape(-1, plane.line_size // samples.itemsize)  # type: ignore[call-overload]
    rows, columns = samples.shape
    lines[:rows, :columns] = samples
