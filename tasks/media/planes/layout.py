"""Planar pixel layouts, and conversion between video frames and arrays of their planes.

A picture is a tuple of planes, one array (h, w) each. Chroma planes may be smaller than luma.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, Final

import cv2
import numpy as np
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from numpy.typing import NDArray

from tasks.records import Clip, ColorTags

Plane = NDArray[Any]
Planes = tuple[Plane, ...]
Alpha = NDArray[np.float32]  # (h, w) opacity, 0..1
_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
LIMITED_RANGE: Final = 1  # AVCOL_RANGE_MPEG
FULL_RANGE: Final = 2  # AVCOL_RANGE_JPEG
BT709_MATRIX: Final = 1  # AVCOL_SPC_BT709
UNSPECIFIED_MATRIX: Final = 2  # AVCOL_SPC_UNSPECIFIED
CHROMA_LEFT: Final = 1  # AVCHROMA_LOC_LEFT
CHROMA_OFFSETS: Final = {1: (0, 1), 2: (1, 1), 3: (0, 0), 4: (1, 0), 5: (0, 2), 6: (1, 2)}
"""By AVChromaLocation: the offset (right, down) of a chroma sample from the first luma sample, in half luma pixels."""
_of_thread = threading.local()  # holds one ``VideoReformatter`` a thread


@dataclass(frozen=True)
class PixelLayout:
    """A planar pixel format."""

    name: str  # FFmpeg's name
    depth: int  # bits a sample: 8 or 10
    chroma_shift: tuple[int, int]  # log2 of the chroma subsampling, (x, y)
    planes: int  # number of planes

    @property
    def is_rgb(self) -> bool:
        """Whether the planes are green, blue and red instead of luma and chroma."""
        return self.name.startswith("gbr")

    @property
    def dtype(self) -> type[np.uint8] | type[np.uint16]:
        return np.uint8 if self.depth == 8 else np.uint16

    def plane_wh(self, plane: int, size_px: tuple[int, int]) -> tuple[int, int]:
        """``(width, height)`` of plane number ``plane`` in a picture of ``size_px``. Odd sizes round up."""
        if plane == 0:
            return size_px
        shift_x, shift_y = self.chroma_shift
        return -(-size_px[0] >> shift_x), -(-size_px[1] >> shift_y)


def clip_layout(clip: Clip) -> PixelLayout:
    """The layout in which the upright pictures of ``clip`` are processed.

    It is the stored layout if that is planar YUV, RGB or gray of 8 or 10 bits. Otherwise it is the nearest one:
    semi-planar and packed YUV become planar, palettes and packed RGB become ``gbrp``, more than 10 bits become 10,
    4:1:0 becomes 4:2:0, and 4:1:1 becomes 4:2:2. Alpha is dropped. A quarter turn of 4:2:2 gives 4:4:4.
    """
    return nearest_layout(clip.pixel_format, quarter_turned=clip.rotation_deg % 180 == 90)


def nearest_layout(pixel_format: str, *, quarter_turned: bool = False) -> PixelLayout:
    """The layout for the stored format ``pixel_format``, by the rules of ``clip_layout``."""
    form = VideoFormat(pixel_format, 64, 64)
    depth = 8 if max(part.bits for part in form.components) <= 8 else 10
    suffix = "" if depth == 8 else "10le"
    if form.is_rgb or form.has_palette or form.is_bayer:
        return PixelLayout(f"gbrp{suffix}", depth, (0, 0), 3)
    if len(form.components) < 3:
        return PixelLayout(f"gray{suffix}", depth, (0, 0), 1)
    shift_x, shift_y = int(form.chroma_width(64) < 64), int(form.chroma_height(64) < 64)
    if shift_x != shift_y and (shift_y or quarter_turned):
        shift_x = shift_y = 0
    ratio = {(1, 1): "420", (1, 0): "422", (0, 0): "444"}[shift_x, shift_y]
    return PixelLayout(f"yuv{ratio}p{suffix}", depth, (shift_x, shift_y), 3)


def stores_alpha(pixel_format: str) -> bool:
    """Whether a stored format has an alpha channel. No layout keeps it."""
    return any(part.is_alpha for part in VideoFormat(pixel_format, 64, 64).components)


def with_finer_chroma(layout: PixelLayout, coded: PixelLayout) -> PixelLayout:
    """``layout`` with the chroma sampling of ``coded`` if that is finer, else ``layout``. The depth stays the same."""
    finer = layout.planes == 3 and not layout.is_rgb and coded.chroma_shift < layout.chroma_shift
    name = f"{coded.name.removesuffix('10le')}{'' if layout.depth == 8 else '10le'}"
    return replace(layout, name=name, chroma_shift=coded.chroma_shift) if finer else layout


def convert_frame(frame: VideoFrame, layout: PixelLayout, color: ColorTags) -> VideoFrame:
    """``frame`` in ``layout``. It is ``frame`` itself if its samples already have that layout."""
    # yuvj420p is an old name for yuv420p of full range. Its samples need no conversion.
    if frame.format.name.replace("yuvj", "yuv") == layout.name:
        return frame
    span = "JPEG" if color.range == FULL_RANGE else "MPEG"
    if frame.format.is_rgb or frame.format.has_palette:
        return _converter().reformat(frame, format=layout.name, threads=1)
    return _converter().reformat(
        frame,
        format=layout.name,
        src_color_range=span,
        dst_color_range=span,
        interpolation="BICUBIC",
        threads=1,
    )


def frame_planes(frame: VideoFrame, layout: PixelLayout) -> Planes:
    """Read-only arrays that share the frame's memory, without its line padding."""
    views = []
    for number in range(layout.planes):
        plane = frame.planes[number]
        width, height = layout.plane_wh(number, (frame.width, frame.height))
        lines = np.frombuffer(plane, layout.dtype)  # type: ignore[call-overload]
        view = lines.reshape(-1, plane.line_size // lines.itemsize)[:height, :width]
        view.flags.writeable = False
        views.append(view)
    return tuple(views)


def turn_upright(planes: Planes, degrees: int, *, mirrored: bool) -> Planes:
    """``planes`` turned clockwise by ``degrees``, a multiple of 90, then mirrored left-right if ``mirrored``.

    No sample changes its value.
    """
    if degrees:
        planes = tuple(cv2.rotate(plane, _TURNS[degrees]) for plane in planes)
    if mirrored:
        planes = tuple(np.ascontiguousarray(plane[:, ::-1]) for plane in planes)
    return planes


def new_planes(layout: PixelLayout, size_px: tuple[int, int]) -> Planes:
    """Planes with any samples, one behind the other in memory: see ``shared_frame``."""
    shapes = [layout.plane_wh(index, size_px)[::-1] for index in range(layout.planes)]
    ends = list(accumulate(rows * columns for rows, columns in shapes))
    memory = np.empty(ends[-1], layout.dtype)
    begins = [0, *ends[:-1]]
    return tuple(memory[begin:end].reshape(shape) for begin, end, shape in zip(begins, ends, shapes, strict=True))


def shared_frame(planes: Planes, layout: PixelLayout) -> VideoFrame | None:
    """A frame that shares the memory of ``planes``, where all of them are ``new_planes`` of one picture.

    None for other planes, other layouts than 8 bits of 4:2:0, odd widths, and heights that are no multiple of 4: PyAV
    takes no others.
    """
    memory, (height, width) = planes[0].base, planes[0].shape
    if layout.name != "yuv420p" or height % 4 or width % 2 or not isinstance(memory, np.ndarray):
        return None
    starts = accumulate((plane.size for plane in planes), initial=memory.ctypes.data)
    behind = all(
        plane.base is memory and plane.flags.c_contiguous and plane.ctypes.data == start
        for plane, start in zip(planes, starts, strict=False)
    )
    if not behind or memory.ndim != 1 or memory.size != height * width * 3 // 2:
        return None
    return VideoFrame.from_numpy_buffer(memory.reshape(height * 3 // 2, width), format=layout.name)


def new_frame(planes: Sequence[NDArray[Any]], layout: PixelLayout) -> VideoFrame:
    """A new frame that holds a copy of ``planes``."""
    height, width = planes[0].shape
    frame = VideoFrame(width, height, layout.name)
    write_planes(frame, planes, layout)
    return frame


def write_planes(frame: VideoFrame, planes: Sequence[NDArray[Any]], layout: PixelLayout) -> None:
    """Copy ``planes`` into ``frame``. Where the frame is larger, the last column and row are repeated."""
    for number, source in enumerate(planes):
        plane = frame.planes[number]
        lines = np.frombuffer(plane, layout.dtype)  # type: ignore[call-overload]
        target = lines.reshape(-1, plane.line_size // lines.itemsize)
        width, height = layout.plane_wh(number, (frame.width, frame.height))
        rows, columns = source.shape
        target[:rows, :columns] = source
        target[:rows, columns:width] = source[:, -1:]
        target[rows:height, :width] = target[rows - 1, :width]


def write_neutral_chroma(frame: VideoFrame, number: int, layout: PixelLayout) -> None:
    """Fill chroma plane ``number`` of ``frame`` with the value of no colour."""
    samples = np.frombuffer(frame.planes[number], layout.dtype)  # type: ignore[call-overload]
    samples[:] = 1 << layout.depth - 1


def gray_as_yuv420(layout: PixelLayout) -> PixelLayout:
    """The 4:2:0 layout that has the depth of the gray ``layout``."""
    return nearest_layout(layout.name.replace("gray", "yuv420p"))


def gray_planes_as_yuv420(luma: NDArray[Any], layout: PixelLayout) -> Planes:
    """The planes of ``gray_as_yuv420(layout)`` that show the gray plane ``luma``."""
    width, height = gray_as_yuv420(layout).plane_wh(1, (luma.shape[1], luma.shape[0]))
    chroma = np.full((height, width), 1 << layout.depth - 1, layout.dtype)
    return luma, chroma, chroma


def planes_to_rgb(planes: Sequence[NDArray[Any]], layout: PixelLayout, color: ColorTags) -> NDArray[np.uint8]:
    """C-contiguous RGB (h, w, 3), uint8, of ``planes``, converted with the range and matrix of ``color``.

    Without a matrix tag, BT.709 is assumed from 720 rows up and BT.601 below, as players do.
    """
    if layout.planes == 1:  # swscale always treats gray as full range, so convert it as YUV without colour
        planes, layout = gray_planes_as_yuv420(planes[0], layout), gray_as_yuv420(layout)
    frame = new_frame(planes, layout)
    if layout.is_rgb:
        converted = _converter().reformat(frame, format="rgb24", threads=1)
    else:
        span = "JPEG" if color.range == FULL_RANGE else "MPEG"
        converted = _converter().reformat(
            frame,
            format="rgb24",
            src_colorspace=swscale_matrix(color.matrix, frame.height),
            src_color_range=span,
            dst_color_range="JPEG",
            threads=1,
        )
    plane = converted.planes[0]
    lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)  # type: ignore[call-overload]
    packed = lines[: frame.height, : 3 * frame.width].reshape(frame.height, frame.width, 3)
    return np.ascontiguousarray(packed)


def _converter() -> VideoReformatter:
    # One converter a thread: to set up a conversion costs as much as to convert a picture.
    if not hasattr(_of_thread, "converter"):
        _of_thread.converter = VideoReformatter()
    converter: VideoReformatter = _of_thread.converter
    return converter


def swscale_matrix(matrix: int, height: int) -> int:
    """The code in swscale of the YUV matrix with the FFmpeg tag ``matrix`` (AVColorSpace).

    ``height`` in px decides what an unspecified matrix means.
    """
    known = {1: 1, 4: 4, 5: 5, 6: 5, 7: 7, 9: 9, 10: 9}
    return known.get(matrix, 1 if height >= 720 else 5)


def tags_for_height(color: ColorTags, source_height_px: int, height_px: int) -> ColorTags:
    """Tags for a picture of ``height_px`` rows made from one of ``source_height_px`` rows.

    An unspecified matrix is named if the new height would change its meaning.
    """
    meant, assumed = (swscale_matrix(color.matrix, height) for height in (source_height_px, height_px))
    return color if color.matrix != UNSPECIFIED_MATRIX or meant == assumed else replace(color, matrix=meant)
