"""Samples that a render keeps of its pictures for the report: a contact sheet and four kymographs.

A kymograph shows one line of pixels over time. What stands still becomes a straight streak. A row and a column are
sampled, in the source and in the output. In the source they go through the anchor, so that each shows one axis alone:
the row never moves sideways, the column never up or down. Lines are kept as plane samples and converted to RGB
together, because to convert one line costs as much as a whole picture.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import writing
from tasks.maths.metrics.decimation import frames_at_equal_times
from tasks.media.output.render_frame import Edge, FrameOutput, Pair, Placement, RenderFrame
from tasks.media.planes.layout import PixelLayout, Planes, nearest_layout, planes_to_rgb, tags_for_height
from tasks.media.planes.tone_map import for_ordinary_screens
from tasks.media.report.contact_sheet import RgbPicture, contact_frames, thumbnail, write_contact_sheet
from tasks.records import ColorTags

Made = TypeVar("Made")
KymographLine = tuple[NDArray[Any], ...]
"""Samples of each plane along one line, ``(KYMOGRAPH_HEIGHT_PX,)`` each, in the layout's dtype."""
KYMOGRAPHS: Final = tuple(
    (when, axis) for when in ("before", "after") for axis in ("x", "y")
)  # "x": a row; "y": a column
KYMOGRAPH_COLUMNS: Final = 720  # moments in time
KYMOGRAPH_HEIGHT_PX: Final = 240  # samples along a line, after resizing
KYMOGRAPH_QUALITY: Final = 80  # of the JPEG


class RenderSamples:
    """Samples pictures and their outputs as they pass, and writes the contact sheet and the kymographs.

    ``edge`` is the border of an output that shows the moved picture: those with the same one share what is sampled of a
    frame. None for an output with a background of its own.
    """

    def __init__(self, placement: Placement, edge: Edge | None) -> None:
        self._placement, self._edge = placement, edge
        self._sheet_frames = contact_frames(placement.clip.frames)
        self._sheet: list[tuple[RgbPicture, RgbPicture]] = []
        end_s = placement.clip.start_s + placement.clip.duration_s
        self._moments = frames_at_equal_times(placement.time_s, end_s, KYMOGRAPH_COLUMNS)
        layout = placement.layout
        shape = (layout.planes, KYMOGRAPH_HEIGHT_PX, KYMOGRAPH_COLUMNS)
        # One array each: many small ones take three times the memory.
        self._kymographs = {name: np.zeros(shape, layout.dtype) for name in KYMOGRAPHS}

    def sampled(self, outputs: Iterator[FrameOutput]) -> Iterator[Pair]:
        """The pictures and planes of ``outputs``, unchanged; samples are taken on the way."""
        for frame, planes in outputs:
            index = frame.picture.index
            if index in self._sheet_frames:
                self._sheet.append(self._sample(thumbnails, frame, planes))
            first, end = np.searchsorted(self._moments, [index, index + 1]).tolist()
            if first < end:
                for name, line in zip(KYMOGRAPHS, self._sample(lines, frame, planes), strict=True):
                    for plane, samples in zip(self._kymographs[name], line, strict=True):
                        plane[:, first:end] = samples[:, None]
            yield frame.picture, planes

    def _sample(self, take: Callable[[RenderFrame, Planes], Made], frame: RenderFrame, planes: Planes) -> Made:
        return take(frame, planes) if self._edge is None else frame.once(OfMoved(take, self._edge))

    def write(self, folder: Path) -> None:
        """Write ``contact.jpg`` and ``kymograph_before_x.jpg``, ``_before_y``, ``_after_x``, ``_after_y``."""
        write_contact_sheet(folder / "contact.jpg", self._sheet)
        color = tags_for_height(self._placement.clip.color, self._placement.clip.height_px, KYMOGRAPH_HEIGHT_PX)
        for (when, axis), kymograph in self._kymographs.items():
            write_kymograph(folder / f"kymograph_{when}_{axis}.jpg", tuple(kymograph), self._placement.layout, color)


@dataclass(frozen=True)
class OfMoved(Generic[Made]):
    """What ``take`` gives for a frame that stands in an output with the border ``edge``."""

    take: Callable[[RenderFrame, Planes], Made]
    edge: Edge

    def __call__(self, frame: RenderFrame) -> Made:
        return self.take(frame, frame.moved(self.edge))


def thumbnails(frame: RenderFrame, planes: Planes) -> tuple[RgbPicture, RgbPicture]:
    """The small pictures of a frame: as it is, and as its output of these ``planes`` is."""
    picture, placement = frame.picture, frame.placement
    pixel_aspect = placement.clip.pixel_aspect_value
    color = tags_for_height(picture.color, placement.clip.height_px, placement.size_px[1])
    output = replace(picture, planes=planes, color=color)
    before, after = (
        for_ordinary_screens(thumbnail(shown, pixel_aspect), placement.clip.color) for shown in (picture, output)
    )
    return before, after


def lines(frame: RenderFrame, planes: Planes) -> list[KymographLine]:
    """The lines of a frame and of its output of these ``planes``, one for each of ``KYMOGRAPHS``."""
    placement, index = frame.placement, frame.picture.index
    places = {
        "before": (frame.picture.planes, placement.anchor_xy[index]),
        "after": (planes, placement.target_xy[index]),
    }
    found = []
    for when, axis in KYMOGRAPHS:
        shown, (x_px, y_px) = places[when]
        found.append(line_through(shown, placement.layout, axis, float(y_px if axis == "x" else x_px)))
    return found


def line_through(planes: Planes, layout: PixelLayout, axis: str, at_px: float) -> KymographLine:
    """The row (``x``) or column (``y``) of a picture nearest to ``at_px``."""
    across = 0 if axis == "x" else 1
    place = int(np.clip(round(at_px), 0, planes[0].shape[across] - 1))
    line = []
    for number, plane in enumerate(planes):
        own = place >> layout.chroma_shift[1 - across] if number else place
        samples = np.ascontiguousarray(plane[own] if across == 0 else plane[:, own])
        line.append(cv2.resize(samples[:, None], (1, KYMOGRAPH_HEIGHT_PX), interpolation=cv2.INTER_AREA)[:, 0])
    return tuple(line)


def write_kymograph(path: Path, planes: Planes, layout: PixelLayout, color: ColorTags) -> None:
    """Write ``planes``, each (KYMOGRAPH_HEIGHT_PX, moments), of ``layout`` with the tags ``color`` as a JPEG.

    ``OutputError`` if ``path`` cannot be written.
    """
    whole = nearest_layout(f"yuv444p{'' if layout.depth == 8 else '10le'}") if any(layout.chroma_shift) else layout
    _, coded = cv2.imencode(
        ".jpg",
        cv2.cvtColor(for_ordinary_screens(planes_to_rgb(planes, whole, color), color), cv2.COLOR_RGB2BGR),
        [cv2.IMWRITE_JPEG_QUALITY, KYMOGRAPH_QUALITY],
    )
    with writing(path):
        path.write_bytes(coded.tobytes())
