"""Video out with transparency: VP9 in WebM or ProRes 4444 in QuickTime; a whole file or none."""

from dataclasses import dataclass
from fractions import Fraction
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
from tasks.media.output.audio_clock import Sounding
from tasks.media.output.negative_times import ticks_later
from tasks.media.output.output_file import OutputFile
from tasks.media.planes.layout import (
    FULL_RANGE,
    Alpha,
    PixelLayout,
    Planes,
    gray_as_yuv420,
    gray_planes_as_yuv420,
    nearest_layout,
    new_frame,
    with_finer_chroma,
)
from tasks.media.planes.warp import upsample_chroma
from tasks.records import ColorTags

LIMITED_RANGE, BT709 = 1, 1


@dataclass(frozen=True)
class Coding:
    """A container with a codec for colours and opacity."""

    container: str
    codec: str
    pixel_format: str
    depth: int
    options: dict[str, str]
    threads: int
    only_limited: bool = False  # range of the samples: ProRes has no word for another one


CODINGS: Final = {
    # Frames that are never shown (alt-ref) would get lost from the stream of opacity.
    "webm": Coding(
        "webm",
        "libvpx-vp9",
        "yuva420p",
        8,
        {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "5", "auto-alt-ref": "0"},
        4,
    ),
    "mov": Coding("mov", "prores_aw", "yuva444p10le", 10, {"profile": "4", "vendor": "apl0"}, 4, only_limited=True),
}


def odd(coding: str, size_px: tuple[int, int]) -> str:
    """The sentence for pictures that ``coding`` does not take for their odd width; empty where it does."""
    if coding != "mov" or size_px[0] % 2 == 0:
        return ""
    return f"ProRes with opacity is not made of pictures of odd width, as {size_px[0]}x{size_px[1]}"


class AlphaSink:
    """Writes one video with opacity: a context manager that leaves a whole file or, after an exception, none.

    ``coding`` names one of ``CODINGS``; the rest is as for ``VideoSink``. WebM counts milliseconds: times are
    rounded to them. ``OutputError`` when the file cannot be written.
    """

    def __init__(
        self,
        path: Path,
        coding: str,
        *,
        size_px: tuple[int, int],
        layout: PixelLayout,
        time_base: Fraction,
        rate: Fraction,
        color: ColorTags,
        pixel_aspect: Fraction,
        sound: Sounding | None = None,
    ) -> None:
        self._layout, self._coding, self._time_base = layout, CODINGS[coding], time_base
        if fact := odd(coding, size_px):
            raise OutputError(f"{path}: {fact}; choose background.alpha=webm or png, or an even crop.size")
        self._finer = with_finer_chroma(layout, nearest_layout(self._coding.pixel_format.replace("yuva", "yuv")))
        self._chroma_location = color.chroma_location
        self._given_range = LIMITED_RANGE if layout.is_rgb else color.range
        narrowed = self._coding.only_limited and self._given_range == FULL_RANGE
        self._range = LIMITED_RANGE if narrowed else self._given_range
        options = {"fflags": "+bitexact"} | ({"movflags": "+faststart"} if coding == "mov" else {})
        self._file = OutputFile(path, self._coding.container, options)
        self.notes = self._file.notes
        if narrowed:
            self.notes.append("full range was written as limited range, as players expect of ProRes")
        added = self._file.container.add_stream(
            self._coding.codec, rate=rate.limit_denominator(10**6), options=dict(self._coding.options)
        )
        self._stream = cast(VideoStream, added)
        codec = self._stream.codec_context
        codec.width, codec.height = size_px
        codec.pix_fmt, codec.time_base = self._coding.pixel_format, time_base
        codec.sample_aspect_ratio = pixel_aspect
        codec.color_range, codec.colorspace = self._range, BT709 if layout.is_rgb else color.matrix
        codec.color_primaries, codec.color_trc = color.primaries, color.transfer
        codec.flags |= Flags.bitexact | Flags.frame_duration
        codec.thread_count = self._coding.threads
        self._file.carry_sound(sound)
        self._reformatter = VideoReformatter()
        self._later: int | None = None

    def write(self, planes: Planes, alpha: Alpha, pts: int, duration: int) -> None:
        """Add one picture, straight colours and opacity (h, w) 0..1, shown from ``pts`` on for ``duration`` ticks."""
        frame = self._coded(planes)
        opacity = np.rint(alpha * ((1 << self._coding.depth) - 1)).astype(
            np.uint8 if self._coding.depth == 8 else "<u2"
        )
        _fill_plane(frame, 3, opacity)
        if self._later is None:
            self._later = ticks_later(pts, self._time_base, self._file.sound, self.notes)
        pts += self._later
        frame.pts, frame.duration, frame.time_base = pts, duration, self._time_base
        codec = self._stream.codec_context  # ProRes keeps its tags in every picture
        frame.colorspace, frame.color_range = codec.colorspace, codec.color_range
        frame.color_primaries, frame.color_trc = codec.color_primaries, codec.color_trc
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

    def _coded(self, planes: Planes) -> VideoFrame:
        size_px = (planes[0].shape[1], planes[0].shape[0])
        planes = upsample_chroma(planes, self._layout, self._finer, size_px, self._chroma_location)
        if self._layout.planes == 1:  # swscale takes gray for full range, whatever it is told
            frame = new_frame(gray_planes_as_yuv420(planes[0], self._layout), gray_as_yuv420(self._layout))
        else:
            frame = new_frame(planes, self._finer)
        if self._layout.is_rgb:
            return self._reformatter.reformat(
                frame,
                format=self._coding.pixel_format,
                dst_colorspace=BT709,
                src_color_range="JPEG",
                dst_color_range="MPEG",
                threads=1,
            )
        given, coded = ("JPEG" if span == FULL_RANGE else "MPEG" for span in (self._given_range, self._range))
        return self._reformatter.reformat(
            frame, format=self._coding.pixel_format, src_color_range=given, dst_color_range=coded, threads=1
        )


def _fill_plane(frame: VideoFrame, number: int, samples: NDArray[Any]) -> None:
    plane = frame.planes[number]
    lines = np.frombuffer(plane, samples.dtype).reshape(-1, plane.line_size // samples.itemsize)  # type: ignore[call-overload]
    rows, columns = samples.shape
    lines[:rows, :columns] = samples
