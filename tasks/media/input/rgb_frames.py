"""Frames of a clip for the pose model and the feature tracker: upright RGB and 8-bit luma, with their times."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.square_pixels import box_to_square
from tasks.maths.tracking.squares import GRID_PX, Square
from tasks.media.input.frame_cache import cached_frames
from tasks.media.input.frames import Frame
from tasks.media.planes.crop import crop_rgb, reduced, small_size
from tasks.media.planes.layout import tags_for_height
from tasks.records import Clip

RGB_LONGEST_PX: Final = 960  # the models see a whole frame at 224 px and a body at 256 px: more shows them nothing new
SMALL_LONGEST_PX: Final = 160  # of the small luma: the smallest person that is searched for is some pixels high there
LUMA_LONGEST_PX: Final = 480  # of the reduced luma, for what the whole frame shows: its shot and the camera's motion


class RgbFrame:
    """One frame, of which the pose model looks at the whole or at parts: its index from 0, its time, its pixels.

    What is shown has square pixels. ``widening`` says how wide those of the source are (see
    ``tasks.maths.square_pixels``).
    """

    def __init__(self, index: int, time_s: float, frame: Frame, widening: float = 1.0) -> None:
        self.index = index
        self.time_s = time_s
        self.widening = widening
        self._frame = frame

    @property
    def concealed(self) -> bool:
        """Whether the decoder covered damage up in it."""
        return self._frame.concealed

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the frame in square pixels."""
        height, width = self._frame.planes[0].shape
        return round(width * self.widening), height

    @cached_property
    def luma(self) -> NDArray[np.uint8]:
        """(source h, source w), its pixels as stored; read-only, rows may have a stride."""
        return luma_8bit(self._frame)

    @cached_property
    def reduced_luma(self) -> NDArray[np.uint8]:
        """(h, w), at most ``LUMA_LONGEST_PX`` wide and high."""
        return reduced(self.luma, small_size(self.size_px, LUMA_LONGEST_PX))

    @property
    def small_luma(self) -> NDArray[np.uint8]:
        """(h, w), at most ``SMALL_LONGEST_PX`` wide and high: tells whether a part of the frame has changed."""
        return reduced(self.reduced_luma, small_size(self.size_px, SMALL_LONGEST_PX))

    @cached_property
    def _whole(self) -> NDArray[np.uint8]:
        return downscaled_rgb(self._frame, self.size_px)

    def whole(self) -> NDArray[np.uint8]:
        """(h, w, 3) C-contiguous RGB of the whole frame; a large one is downscaled."""
        return self._whole

    def part(self, square: Square, image_px: int) -> NDArray[np.uint8]:
        """(image_px, image_px, 3) C-contiguous RGB of a square; outside the frame its border pixels are repeated."""
        return crop_rgb(self._frame, self._source_edges(square), (image_px, image_px), full_chroma=False)

    def edges_px(self, square: Square) -> Floats:
        """(4,) x0, y0, x1, y1: outer edges of what ``part`` shows, in square pixels."""
        return box_to_square(self._source_edges(square), self.widening)

    def _source_edges(self, square: Square) -> Floats:
        """The edges (4,) of a square in pixels of the source, moved to the grid on which chroma is cut exactly."""
        if self.widening == 1:
            return square.edges_px
        x0, columns = (GRID_PX * round(px / self.widening / GRID_PX) for px in (square.x_px, square.side_px))
        _, y0, _, y1 = square.edges_px
        return np.array([x0 - 0.5, y0, x0 + max(columns, GRID_PX) - 0.5, y1])


def rgb_frames(
    source: Path, clip: Clip, *, cache_mb: int | None = None, confirm: NDArray[np.int64] | None = None
) -> Iterator[RgbFrame]:
    """Every frame of ``clip`` in order. The file closes with the generator.

    ``cache_mb`` as in ``cached_frames``; ``confirm`` and errors as in ``read_frames``.
    """
    for frame in cached_frames(source, clip, cache_mb=cache_mb, confirm=confirm):
        yield RgbFrame(frame.index, float(frame.pts * clip.time_base), frame, clip.widening)


def downscaled_rgb(frame: Frame, shown_px: tuple[int, int]) -> NDArray[np.uint8]:
    """``(h, w, 3)``: ``shown_px``, the frame's (width, height) in square pixels, by the smallest whole divisor.

    It makes both sides at most ``RGB_LONGEST_PX``.
    """
    height = frame.planes[0].shape[0]
    factor = -(-max(shown_px) // RGB_LONGEST_PX)
    size_px = max(shown_px[0] // factor, 1), max(shown_px[1] // factor, 1)
    if size_px == frame.planes[0].shape[::-1]:
        return frame.rgb()
    planes = [
        cv2.resize(plane, frame.layout.plane_wh(number, size_px), interpolation=cv2.INTER_AREA)
        for number, plane in enumerate(frame.planes)
    ]
    return replace(frame, planes=tuple(planes), color=tags_for_height(frame.color, height, size_px[1])).rgb()


def luma_8bit(frame: Frame) -> NDArray[np.uint8]:
    """``(h, w)`` uint8: the highest 8 bits of the luma plane. For RGB frames, their gray."""
    if frame.layout.is_rgb:
        return np.asarray(cv2.cvtColor(frame.rgb(), cv2.COLOR_RGB2GRAY), np.uint8)
    luma = frame.luma
    return luma if luma.dtype == np.uint8 else (luma >> (frame.layout.depth - 8)).astype(np.uint8)
