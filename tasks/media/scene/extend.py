"""Extend a frame for its border: without its people, and continued beyond its edges by what other frames saw."""

import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, TypeVar

import cv2
import numpy as np

from tasks.maths.arrays import Bytes, Flags, Floats
from tasks.maths.path import affine
from tasks.maths.scene.shown_parts import Rect, shown_parts
from tasks.media.planes.chroma import plane_to_luma, sample_spacing
from tasks.media.planes.compose import alpha_composite
from tasks.media.planes.layout import Alpha, PixelLayout, Plane, Planes
from tasks.media.planes.region import Region
from tasks.media.scene.clean_part import Fit, PlacedPlate, PlateFiller, frame_shifts, measured_exposures
from tasks.media.scene.exposure import Exposure
from tasks.media.scene.fill import smooth_fill
from tasks.media.scene.movers import with_movers
from tasks.media.scene.parallax import Shifts
from tasks.media.scene.people_mask import SHADED, scaling, without_shadows

SEAM_PX: Final = 6  # beyond the frame's edge: over this its mirror fades into what other frames saw
REACH_PX: Final = 8  # beyond a shown place of the output, as far as interpolation filters reach
CUT_SHARE: Final = 0.8  # of a box's area: two boxes replace it if they sum up to less, since each costs time of its own
HELD_FRAMES: Final = 8  # for which the fit of the plates is kept: outputs show the same frame at different times

Measured = TypeVar("Measured")
_Kept = OrderedDict[tuple[int, Region], Measured]


@dataclass(frozen=True)
class Extended:
    """The clean picture of a frame over ``box``, which holds the frame, in its pixels."""

    planes: Planes
    box: Region


class Extender:
    """Extends the frames of one clip; several threads may use it at a time."""

    def __init__(self, layout: PixelLayout, size_px: tuple[int, int], chroma_location: int) -> None:
        self._layout, self._size_px, self._sited = layout, size_px, chroma_location
        self._exposures: _Kept[list[Exposure]] = OrderedDict()
        self._shifts: _Kept[list[Shifts | None]] = OrderedDict()
        self._movers: _Kept[Bytes] = OrderedDict()
        self._lock = Lock()

    def extend(
        self,
        frame: int,
        planes: Sequence[Plane],
        hidden: Bytes,
        plates: Sequence[PlacedPlate],
        to_output: Floats,
        output_px: tuple[int, int],
        *,
        beyond: bool,
    ) -> Extended:
        """The clean picture of a ``frame`` of the clip, as far as an output of ``output_px`` shows it beyond its edges.

        ``to_output`` (2, 3) maps the frame to the output. ``hidden`` (h, w), of any size, is 255 where people are.
        ``plates``, whose weights sum to 1, fill what people hide, and, with ``beyond``, the margins. Without a plate
        people are filled smoothly, and there is no margin. Places that the output does not show are undefined.
        """
        box = self.box(plates) if beyond else Region(0, 0, *self._size_px)
        shown = shown_parts(Rect(*box), to_output, output_px)
        # Without a plate people are filled from everything around them, so the whole frame is needed.
        copied = shown.mirrored if plates else (Rect(0, 0, *self._size_px),)
        canvas = self._canvas(planes, box, to_output, copied)
        covered = self._with_movers(frame, planes, hidden, plates, box) if shown.mirrored and plates else hidden
        parts = self._people(covered) if shown.mirrored else []
        in_mirror = [shown_part for part in parts for shown_part in self._mirrored(part, shown.mirrored)]
        people = [tight for part in in_mirror for tight in hidden_boxes(covered, part, self._size_px)]
        if not plates:
            if people:
                self._smooth(canvas, hidden)
            return Extended(tuple(canvas), box)
        margins = self._margins(box, shown.whole)
        if not margins and not people:
            return Extended(tuple(canvas), box)
        filler = self.filler(frame, planes, hidden, plates, box)
        for margin in margins:
            self._write(canvas, box, margin, filler.values(margin))
        if margins:
            self._soften_seams(canvas, planes, box)
        for part in people:
            self._without_people(canvas, covered, filler, box, part)
        return Extended(tuple(canvas), box)

    def _canvas(self, planes: Sequence[Plane], box: Region, to_output: Floats, mirrored: Sequence[Rect]) -> list[Plane]:
        """Planes of ``box`` that hold what an output needs of the frame: its edges, and what is shown ``mirrored``."""
        width, height = self._size_px
        near = math.ceil((SEAM_PX + REACH_PX) / min(float(affine.length_scale(to_output)), 1.0))
        needed = [
            Rect(0, 0, width, near),
            Rect(0, height - near, width, height),
            Rect(0, near, near, height - near),
            Rect(width - near, near, width, height - near),
            *mirrored,
        ]
        layout, canvas = self._layout, []
        for index, plane in enumerate(planes):
            step_x, step_y = sample_spacing(layout, index)
            # Zeros, not what the memory held: the same input gives the same bytes whatever is used of them.
            whole = np.zeros(layout.plane_wh(index, box.size_px)[::-1], layout.dtype)
            own = whole[-box.y0 // step_y :, -box.x0 // step_x :][: plane.shape[0], : plane.shape[1]]
            for rect in needed:
                x0, x1 = max(math.floor(rect.x0 / step_x), 0), math.ceil(rect.x1 / step_x)
                y0, y1 = max(math.floor(rect.y0 / step_y), 0), math.ceil(rect.y1 / step_y)
                own[y0:y1, x0:x1] = plane[y0:y1, x0:x1]
            canvas.append(whole)
        return canvas

    def filler(
        self,
        frame: int,
        planes: Sequence[Plane],
        hidden: Bytes,
        plates: Sequence[PlacedPlate],
        box: Region,
        *,
        parallax: bool = True,
    ) -> "PlateFiller":
        """The filler of a frame. The fit of the plates is measured once for all outputs that show the frame.

        Without ``parallax``, for a cut-out, the plates are not moved by it: to measure it takes as long as a cut-out.
        """
        exposures = self._exposures_of(frame, planes, hidden, plates, box)
        shifts: list[Shifts | None] = [None] * len(plates)
        if parallax:
            shifts = self._once(
                self._shifts, (frame, box), lambda: frame_shifts(planes[0], hidden, plates, box, self._size_px)
            )
        fits = [Fit(*pair) for pair in zip(exposures, shifts, strict=True)]
        return PlateFiller(plates, fits, box, self._layout, self._size_px, self._sited)

    def _exposures_of(
        self, frame: int, planes: Sequence[Plane], hidden: Bytes, plates: Sequence[PlacedPlate], box: Region
    ) -> list[Exposure]:
        """The exposure of each plate over ``box``, measured once."""
        return self._once(
            self._exposures,
            (frame, box),
            lambda: measured_exposures(planes, hidden, plates, box, self._size_px, self._layout.depth),
        )

    def _with_movers(
        self, frame: int, planes: Sequence[Plane], hidden: Bytes, plates: Sequence[PlacedPlate], box: Region
    ) -> Bytes:
        """``hidden`` (h, w), and where something moves that is in no mask; found once."""

        def measured() -> Bytes:
            exposures = self._exposures_of(frame, planes, hidden, plates, box)
            return with_movers(planes[0], hidden, plates, exposures, box, self._size_px, self._layout.depth)

        return self._once(self._movers, (frame, box), measured)

    def _once(self, kept: _Kept[Measured], place: tuple[int, Region], measure: Callable[[], Measured]) -> Measured:
        """What is ``kept`` for a frame and box; it is measured if it is not kept yet."""
        with self._lock:
            found = kept.get(place)
        if found is None:
            found = measure()
            with self._lock:
                kept[place] = found
                if len(kept) > HELD_FRAMES:
                    kept.popitem(last=False)
        return found

    def _write(self, canvas: list[Plane], box: Region, part: Region, values: Sequence[Plane]) -> None:
        for index, plane in enumerate(values):
            self._view(canvas, index, box, part)[...] = plane

    def _view(self, canvas: list[Plane], index: int, box: Region, part: Region) -> Plane:
        """The part of a plane of the canvas over ``box`` that lies over ``part``, which has even corners."""
        step_x, step_y = sample_spacing(self._layout, index)
        columns, rows = self._layout.plane_wh(index, part.size_px)
        return canvas[index][(part.y0 - box.y0) // step_y :, (part.x0 - box.x0) // step_x :][:rows, :columns]

    def _people(self, hidden: Bytes) -> list[Region]:
        """The parts of the frame, with even corners, in which people are."""
        to_frame = affine.invert(scaling(self._size_px, (hidden.shape[1], hidden.shape[0])))
        boxes = []
        for x, y, across, down in _rectangles(hidden):
            first, last = affine.apply(to_frame, np.array([[x - 1.5, y - 1.5], [x + across + 0.5, y + down + 0.5]]))
            x0, y0 = (max(int(edge) // 2 * 2, 0) for edge in first)
            x1, y1 = (min(int(edge) // 2 * 2 + 2, size) for edge, size in zip(last, self._size_px, strict=True))
            if x1 > x0 and y1 > y0:
                boxes.append(Region(x0, y0, x1, y1))
        return boxes

    def _mirrored(self, part: Region, mirrored: Sequence[Rect]) -> list[Region]:
        """The box, with even corners, of what is shown ``mirrored`` of a ``part`` of the frame; empty if nothing is."""
        meeting = [rect for rect in mirrored if Rect(*part).meets(rect)]
        if not meeting:
            return []
        x0, y0 = (2 * int(np.floor(min(edges) / 2)) for edges in list(zip(*meeting, strict=True))[:2])
        x1, y1 = (2 * int(np.ceil(max(edges) / 2)) for edges in list(zip(*meeting, strict=True))[2:])
        return [Region(max(part.x0, x0), max(part.y0, y0), min(part.x1, x1), min(part.y1, y1))]

    def box(self, plates: Sequence[PlacedPlate]) -> Region:
        """The area that the plates cover around the frame, in even pixels: the mean of their areas by their weights.

        Without a plate it is the frame.
        """
        width, height = self._size_px
        if not plates:
            return Region(0, 0, width, height)
        edges = np.zeros(4)
        for placed in plates:
            x0, y0, x1, y1 = placed.plate.box
            corners = np.array([[x0, y0], [x1 - 1, y0], [x1 - 1, y1 - 1], [x0, y1 - 1]], np.float64)
            at = affine.apply(placed.matrix, corners)
            low = np.minimum([max(at[0, 0], at[3, 0]), max(at[0, 1], at[1, 1])], 0)
            high = np.maximum([min(at[1, 0], at[2, 0]) + 1, min(at[2, 1], at[3, 1]) + 1], self._size_px)
            edges += placed.weight * np.concatenate([low, high])
        x0, y0 = (2 * int(np.ceil(edge / 2 - 1e-6)) for edge in edges[:2])
        right, bottom = (2 * int((edge + 1e-6) / 2) for edge in edges[2:] - self._size_px)
        return Region(x0, y0, width + right, height + bottom)

    def _margins(self, box: Region, shown: Rect) -> list[Region]:
        """The shown parts of the box beyond the frame, with even corners: they may hold its last row or column."""
        width, height = self._size_px
        right, bottom = width - width % 2, height - height % 2
        wide, high = box.x1 > width, box.y1 > height
        parts = [
            Region(box.x0, box.y0, box.x1, 0),
            Region(box.x0, bottom, box.x1, box.y1 if high else bottom),
            Region(box.x0, 0, 0, bottom),
            Region(right, 0, box.x1 if wide else right, bottom),
        ]
        x0, y0 = (int(np.floor(edge / 2)) * 2 for edge in shown[:2])
        x1, y1 = (int(np.ceil(edge / 2)) * 2 for edge in shown[2:])
        cut = [Region(max(p.x0, x0), max(p.y0, y0), min(p.x1, x1), min(p.y1, y1)) for p in parts]
        return [part for part in cut if part.x1 > part.x0 and part.y1 > part.y0]

    def _soften_seams(self, canvas: list[Plane], planes: Sequence[Plane], box: Region) -> None:
        """Blend the frame's own mirror into the margins over ``SEAM_PX``."""
        for index, plane in enumerate(planes):
            step_x, step_y = sample_spacing(self._layout, index)
            rows, columns = plane.shape
            top, left = -box.y0 // step_y, -box.x0 // step_x
            whole = canvas[index]
            for view, begin, length, reach in (
                (whole[top : top + rows], left, columns, max(SEAM_PX // step_x, 1)),
                (whole.T[left : left + columns], top, rows, max(SEAM_PX // step_y, 1)),
            ):
                end = begin + length
                for away in range(1, min(reach, length - 1) + 1):
                    share = away / (reach + 1)
                    for at, mirror in ((begin - away, begin + away), (end - 1 + away, end - 1 - away)):
                        if 0 <= at < view.shape[1]:
                            own = view[:, mirror].astype(np.float32)
                            view[:, at] = np.rint(own + share * (view[:, at] - own))

    def _without_people(
        self, canvas: list[Plane], hidden: Bytes, filler: PlateFiller, box: Region, part: Region
    ) -> None:
        to_small = scaling(self._size_px, (hidden.shape[1], hidden.shape[0]))
        corner = affine.translation(np.array(part[:2], np.float64))
        shares: dict[tuple[int, int], Alpha] = {}  # planes with the same spacing share them
        for index, values in enumerate(filler.values(part)):
            view, spacing = self._view(canvas, index, box, part), sample_spacing(self._layout, index)
            if spacing not in shares:
                from_view = affine.compose(corner, plane_to_luma(self._layout, index, self._sited))
                flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
                to_hidden, edge = affine.compose(to_small, from_view), cv2.BORDER_REPLICATE
                there = cv2.warpAffine(hidden, to_hidden, view.shape[::-1], flags=flags, borderMode=edge)
                shares[spacing] = np.asarray(cv2.LUT(there, _PLATE_SHARE))
            alpha_composite(view, values, shares[spacing])

    def _smooth(self, canvas: list[Plane], hidden: Bytes) -> None:
        """Fill what people hide from its surroundings; for frames without a plate."""
        people = without_shadows(hidden)
        for index, plane in enumerate(canvas):
            step_x, _ = sample_spacing(self._layout, index)
            unknown = cv2.resize(people, plane.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0
            canvas[index] = smooth_fill(plane, unknown, step_x)


def _rectangles(hidden: Bytes) -> list[tuple[int, int, int, int]]:
    """x, y, width, height of the separate people of a small mask."""
    contours, _ = cv2.findContours(hidden, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    return [tuple(int(part) for part in cv2.boundingRect(contour)) for contour in contours]  # type: ignore[misc]


def hidden_boxes(hidden: Bytes, part: Region, size_px: tuple[int, int]) -> list[Region]:
    """The boxes of what is ``hidden`` (h, w) in a ``part`` of a picture: none, one, or two if these are much smaller.

    A body is high and the shadows at its feet are wide: then two are smaller. Corners inside the part are even.
    """
    to_small = scaling(size_px, (hidden.shape[1], hidden.shape[0]))
    first, last = affine.apply(to_small, np.array([part[:2], part[2:]], np.float64))
    (left, top), (right, bottom) = (
        np.clip(np.floor(edge).astype(int) + more, 0, hidden.shape[::-1]).tolist()
        for edge, more in ((first, -1), (last, 3))
    )
    x, y, across, down = cv2.boundingRect(hidden[top:bottom, left:right])
    if across == 0:
        return []
    # Places between two rows of the mask take their values from both.
    people = cv2.dilate(hidden[top + y : top + y + down, left + x : left + x + across], np.ones((3, 1), np.uint8)) > 0
    from_people = affine.invert(to_small)
    from_people = affine.compose(from_people, affine.translation(np.array([left + x, top + y], np.float64)))
    cut, tight = _best_cut(people), []
    for start, end in ((0, cut), (cut, down)) if cut else ((0, down),):
        columns = np.flatnonzero(people[start:end].any(axis=0))
        rows = (start - 0.5 if start else -1.5, end - 0.5 if end < down else end + 0.5)
        (x0, y0), (x1, y1) = affine.apply(
            from_people, np.array([[columns[0] - 1.5, rows[0]], [columns[-1] + 1.5, rows[1]]])
        ).tolist()
        box = Region(math.floor(x0 / 2) * 2, round(y0 / 2) * 2, math.ceil(x1 / 2) * 2, round(y1 / 2) * 2)
        tight.append(Region(max(box.x0, part.x0), max(box.y0, part.y0), min(box.x1, part.x1), min(box.y1, part.y1)))
    return [box for box in tight if box.x1 > box.x0 and box.y1 > box.y0]


def _best_cut(people: Flags) -> int:
    """The row at which two boxes that hold all ``people`` (h, w) are smallest; 0 where one is nearly as small."""
    high, wide = people.shape
    some = people.any(axis=1)
    left, right = np.where(some, people.argmax(axis=1), wide), np.where(some, wide - people[:, ::-1].argmax(axis=1), 0)
    above, below = (
        (np.maximum.accumulate(right[order]) - np.minimum.accumulate(left[order]))[order].clip(0)
        for order in (np.s_[:], np.s_[::-1])
    )
    rows = np.arange(1, high)
    areas = rows * above[:-1] + (high - rows) * below[1:]
    return int(rows[areas.argmin()]) if high > 1 and areas.min() < CUT_SHARE * high * wide else 0


_PLATE_SHARE: Final = np.minimum(np.arange(256, dtype=np.float32) / np.float32(SHADED), 1)  # by how much is hidden
