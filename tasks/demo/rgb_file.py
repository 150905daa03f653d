"""RGB pictures into an H.264 file that every player shows in the same colours."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from tasks.media.output.audio_clock import Sounding
from tasks.media.output.video_writer import VideoSink
from tasks.media.planes.layout import nearest, planes_of
from tasks.records import ColorTags

_BT709_LIMITED: Final = ColorTags(range=1, primaries=1, transfer=1, matrix=1, chroma_location=1)


def write_rgb(
    path: Path, pictures: Iterable[NDArray[np.uint8]], *, size_px: tuple[int, int], rate: Fraction, sound: Path
) -> None:
    """Write pictures (h, w, 3) at a constant rate as yuv420p, BT.709 limited, with the tracks of ``sound``.

    ``OutputError`` when ``path`` cannot be written.
    """
    layout, reformatter = nearest("yuv420p"), VideoReformatter()
    sink = VideoSink(
        path,
        size_px=size_px,
        layout=layout,
        time_base=Fraction(1, rate.numerator),
        rate=rate,
        color=_BT709_LIMITED,
        pixel_aspect=Fraction(1),
        crf=16,
        preset="veryfast",
        sound=Sounding(sound),
    )
    with sink:
        for number, rgb in enumerate(pictures):
            frame = reformatter.reformat(
                VideoFrame.from_ndarray(rgb, format="rgb24"),
                format=layout.name,
                dst_colorspace=Colorspace.ITU709,
                src_color_range=ColorRange.JPEG,
                dst_color_range=ColorRange.MPEG,
                interpolation="BICUBIC",
                threads=1,
            )
            sink.write(planes_of(frame, layout), number * rate.denominator, rate.denominator)
