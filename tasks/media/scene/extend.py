"""A frame without its people, continued beyond its edges by what other frames saw: what a border is cut from."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Final, NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.path import affine
from tasks.maths.scene.shown_parts import Rect, shown_parts
from tasks.media.planes.chroma import plane_to_luma, sample_spacing
from tasks.media.planes.compose import alpha_composite
from tasks.media.planes.layout import PixelLayout, Plane, Planes
from tasks.media.scene.exposure import Exposure, brighter, coarse, coarse_size, move_coarse, smooth_difference
from tasks.media.scene.fill import smooth_fill
from tasks.media.scene.frame_store import small_luma, small_luma_size
from tasks.media.scene.parallax import UNHIDDEN, Grid, Shifts, plate_shifts, warp_shifted
from tasks.media.scene.people_mask import SHADED, scaling, without_shadows
from tasks.media.scene.plate import Box, Plate

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]
Flags = NDArray[np.bool_]

SEAM_PX: Final = 6  # beyond the frame's edge, over which its own mirror turns into what other frames saw
FILL_STEP_PX: Final = 4
HIDDEN_LEVEL: Final = 25  # of 255: a coarse pixel that is hidden by as much is not compared
HELD_FRAMES: Final = 8  # for which it is kept how plates fit: so many lie between the outputs that show them


@dataclass(frozen=True)
class PlacedPlate:
    """A plate and how it lies on a frame."""

    plate: Plate
    matrix: Floats  # (2, 3) pixels of the plate's frame -> pixels of this frame
    weight: float  # 0..1 among the plates of this frame


Measured = TypeVar("Measured")
_Kept = OrderedDict[tuple[int, Box], Measured]


class Fit(NamedTuple):
    """How a plate differs from a frame that it fills."""

    exposure: Exposure
    shifts: Shifts | None


@dataclass(frozen=True)
class Extended:
    """The clean picture of a frame over ``box``, which holds the frame, in its pixels."""

    planes: Planes
    box: Box


class Extender:
    """Extends the frames of one clip; several threads may use it at a time."""

    def __init__(self, layout: PixelLayout, size_px: tuple[int, int], chroma_location: int) -> None:
        self._layout, self._size_px, self._sited = layout, size_px, chroma_location
        self._exposures: _Kept[list[Exposure]] = OrderedDict()
        self._shifts: _Kept[list[Shifts | None]] = OrderedDict()
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

        ``to_output`` (2, 3) brings the frame there. ``hidden`` (h, w), of any size, is 255 where people are.
        ``plates``, whose weights sum to 1, fill what they hide, and, with ``beyond``, the margins; without a plate
        people are filled smoothly and there is no margin. What the output does not show may be anything.
        """
        box = self.box(plates) if beyond else Box(0, 0, *self._size_px)
        canvas = [
            np.empty(self._layout.plane_wh(index, box.size_px)[::-1], self._layout.dtype)
            for index in range(self._layout.planes)
        ]
        for index, plane in enumerate(planes):
            step_x, step_y = sample_spacing(self._layout, index)
            rows, columns = plane.shape
            canvas[index][-box.y0 // step_y :, -box.x0 // step_x :][:rows, :columns] = plane
        shown = shown_parts(Rect(*box), to_output, output_px)
        parts = self._people(hidden) if shown.mirrored else []
        people = [shown_part for part in parts for shown_part in self._mirrored(part, shown.mirrored)]
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
            self._without_people(canvas, hidden, filler, box, part)
        return Extended(tuple(canvas), box)

    def filler(
        self,
        frame: int,
        planes: Sequence[Plane],
        hidden: Bytes,
        plates: Sequence[PlacedPlate],
        box: Box,
        *,
        shifted: bool = True,
    ) -> "PlateFiller":
        """What fills places of a frame. How the plates fit is measured once, for all outputs that show the frame.

        Without ``shifted`` the plates are not moved by their parallax, whose measuring takes as long as a cut-out.
        """
        exposures = self._once(
            self._exposures,
            (frame, box),
            lambda: measured_exposures(planes, hidden, plates, box, self._size_px, self._layout.depth),
        )
        shifts: list[Shifts | None] = [None] * len(plates)
        if shifted:
            shifts = self._once(
                self._shifts, (frame, box), lambda: frame_shifts(planes[0], hidden, plates, box, self._size_px)
            )
        fits = [Fit(*pair) for pair in zip(exposures, shifts, strict=True)]
        return PlateFiller(plates, fits, box, self._layout, self._size_px, self._sited)

    def _once(self, kept: _Kept[Measured], place: tuple[int, Box], measure: Callable[[], Measured]) -> Measured:
        """What is kept of a frame, or else measured."""
        with self._lock:
            found = kept.get(place)
        if found is None:
            found = measure()
            with self._lock:
                kept[place] = found
                if len(kept) > HELD_FRAMES:
                    kept.popitem(last=False)
        return found

    def _write(self, canvas: list[Plane], box: Box, part: Box, values: Sequence[Plane]) -> None:
        for index, plane in enumerate(values):
            self._view(canvas, index, box, part)[...] = plane

    def _view(self, canvas: list[Plane], index: int, box: Box, part: Box) -> Plane:
        """The part of a plane of the canvas over ``box`` that lies over ``part``, which has even corners."""
        step_x, step_y = sample_spacing(self._layout, index)
        columns, rows = self._layout.plane_wh(index, part.size_px)
        return canvas[index][(part.y0 - box.y0) // step_y :, (part.x0 - box.x0) // step_x :][:rows, :columns]

    def _people(self, hidden: Bytes) -> list[Box]:
        """The parts of the frame, with even corners, in which people are."""
        to_frame = affine.invert(scaling(self._size_px, (hidden.shape[1], hidden.shape[0])))
        boxes = []
        for x, y, across, down in _rectangles(hidden):
            first, last = affine.apply(to_frame, np.array([[x - 1.5, y - 1.5], [x + across + 0.5, y + down + 0.5]]))
            x0, y0 = (max(int(edge) // 2 * 2, 0) for edge in first)
            x1, y1 = (min(int(edge) // 2 * 2 + 2, size) for edge, size in zip(last, self._size_px, strict=True))
            if x1 > x0 and y1 > y0:
                boxes.append(Box(x0, y0, x1, y1))
        return boxes

    def _mirrored(self, part: Box, mirrored: Sequence[Rect]) -> list[Box]:
        """What of a ``part`` of the frame is shown ``mirrored``: one box with even corners, or none."""
        meeting = [rect for rect in mirrored if Rect(*part).meets(rect)]
        if not meeting:
            return []
        x0, y0 = (2 * int(np.floor(min(edges) / 2)) for edges in list(zip(*meeting, strict=True))[:2])
        x1, y1 = (2 * int(np.ceil(max(edges) / 2)) for edges in list(zip(*meeting, strict=True))[2:])
        return [Box(max(part.x0, x0), max(part.y0, y0), min(part.x1, x1), min(part.y1, y1))]

    def box(self, plates: Sequence[PlacedPlate]) -> Box:
        """The part around the frame that the plates cover, between them by their weights; even pixels."""
        width, height = self._size_px
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
        return Box(x0, y0, width + right, height + bottom)

    def _margins(self, box: Box, shown: Rect) -> list[Box]:
        """The shown parts of the box beyond the frame, with even corners: they may hold its last row or column."""
        width, height = self._size_px
        right, bottom = width - width % 2, height - height % 2
        wide, high = box.x1 > width, box.y1 > height
        parts = [
            Box(box.x0, box.y0, box.x1, 0),
            Box(box.x0, bottom, box.x1, box.y1 if high else bottom),
            Box(box.x0, 0, 0, bottom),
            Box(right, 0, box.x1 if wide else right, bottom),
        ]
        x0, y0 = (int(np.floor(edge / 2)) * 2 for edge in shown[:2])
        x1, y1 = (int(np.ceil(edge / 2)) * 2 for edge in shown[2:])
        cut = [Box(max(p.x0, x0), max(p.y0, y0), min(p.x1, x1), min(p.y1, y1)) for p in parts]
        return [part for part in cut if part.x1 > part.x0 and part.y1 > part.y0]

    def _soften_seams(self, canvas: list[Plane], planes: Sequence[Plane], box: Box) -> None:
        """Let the frame's own mirror turn into the margins over a few pixels."""
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

    def _without_people(self, canvas: list[Plane], hidden: Bytes, filler: "PlateFiller", box: Box, part: Box) -> None:
        to_small = scaling(self._size_px, (hidden.shape[1], hidden.shape[0]))
        corner = affine.translation(np.array(part[:2], np.float64))
        for index, values in enumerate(filler.values(part)):
            view = self._view(canvas, index, box, part)
            from_view = affine.compose(corner, plane_to_luma(self._layout, index, self._sited))
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            alpha = cv2.warpAffine(hidden, affine.compose(to_small, from_view), view.shape[::-1], flags=flags)
            alpha_composite(view, values, np.minimum(np.asarray(alpha, np.float32) / np.float32(SHADED), 1))

    def _smooth(self, canvas: list[Plane], hidden: Bytes) -> None:
        """Fill what people hide from what lies around them, where no other frame can."""
        people = without_shadows(hidden)
        for index, plane in enumerate(canvas):
            step_x, _ = sample_spacing(self._layout, index)
            unknown = cv2.resize(people, plane.shape[::-1], interpolation=cv2.INTER_LINEAR) > 0
            canvas[index] = smooth_fill(plane, unknown, max(FILL_STEP_PX // step_x, 1))


class PlateFiller:
    """What the plates show at places of a frame, as bright as the frame is."""

    def __init__(
        self,
        plates: Sequence[PlacedPlate],
        fits: Sequence[Fit],
        box: Box,
        layout: PixelLayout,
        size_px: tuple[int, int],
        chroma_location: int,
    ) -> None:
        self._plates, self._fits, self._box = plates, fits, box
        self._layout, self._size_px, self._sited = layout, size_px, chroma_location

    def values(self, piece: Box) -> list[Plane]:
        """The planes of a part of the box, which has even corners."""
        return [self._plane(index, piece) for index in range(self._layout.planes)]

    def _plane(self, index: int, piece: Box) -> Plane:
        peak, wh = (1 << self._layout.depth) - 1, self._layout.plane_wh(index, piece.size_px)
        to_luma = plane_to_luma(self._layout, index, self._sited)
        to_piece = affine.translation(-np.array(piece[:2], np.float64))
        total, field = None, np.zeros(self._fits[0].exposure.shift.shape[:2], np.float32)
        for one, fit in zip(self._plates, self._fits, strict=True):
            from_plate = affine.translation(np.array(one.plate.box[:2], np.float64))
            matrix = affine.compose(to_piece, affine.compose(one.matrix, from_plate))
            in_plane = affine.compose(affine.invert(to_luma), affine.compose(matrix, to_luma))
            kernel = "linear" if index else "cubic"
            moved = warp_shifted(one.plate.planes[index], in_plane, fit.shifts, piece, wh, kernel, "reflect", peak)
            total = moved if total is None else cv2.addWeighted(total, 1 - one.weight, moved, one.weight, 0)
            field += np.float32(one.weight) * fit.exposure.shift[..., index]
        assert total is not None
        return brighter(total, field, piece, wh, self._box, self._size_px, peak)


def measured_exposures(
    planes: Sequence[Plane],
    hidden: Bytes,
    plates: Sequence[PlacedPlate],
    box: Box,
    size_px: tuple[int, int],
    depth: int,
) -> list[Exposure]:
    """How much brighter a frame is than each of the ``plates`` over ``box``, told where nobody hides it."""
    wh = coarse_size(size_px)
    mine, free = coarse(planes, wh), cv2.resize(hidden, wh, interpolation=cv2.INTER_AREA) < HIDDEN_LEVEL
    to_low = scaling(size_px, wh)
    corner = np.floor(affine.apply(to_low, np.array(box[:2], np.float64))).astype(int)
    last = np.ceil(affine.apply(to_low, np.array(box[2:], np.float64))).astype(int)
    columns, rows = last - corner + 1
    inside = np.s_[-corner[1] : wh[1] - corner[1], -corner[0] : wh[0] - corner[0]]
    both = np.zeros((rows, columns), np.float32)
    both[inside] = free
    exposures = []
    for one in plates:
        around = one.plate.box
        from_plate = affine.compose(
            affine.translation(np.array(around[:2], np.float64)),
            affine.invert(scaling(around.size_px, coarse_size(around.size_px))),
        )
        its = move_coarse(one.plate.coarse, affine.compose(to_low, affine.compose(one.matrix, from_plate)), wh)
        difference = np.zeros((rows, columns, mine.shape[2]), np.float32)
        difference[inside] = mine - its
        exposures.append(Exposure(*smooth_difference(difference, both, float(1 << depth))))
    return exposures


def frame_shifts(
    luma: Plane, hidden: Bytes, plates: Sequence[PlacedPlate], box: Box, size_px: tuple[int, int]
) -> list[Shifts | None]:
    """How far each of the ``plates`` lies beside a frame over ``box``; None where ``box`` ends with the frame."""
    if box == (0, 0, *size_px):
        return [None] * len(plates)
    grid, still, looks = Grid(box, size_px), affine.translation(np.zeros(2)), []
    mine = grid.placed(small_luma(luma, small_luma_size(size_px)), affine.invert(grid.to_small))
    for one in plates:
        around = one.plate.box
        to_frame = affine.compose(one.matrix, affine.translation(np.array(around[:2], np.float64)))
        its, seen = (
            grid.placed(part, affine.compose(to_frame, affine.invert(scaling(around.size_px, part.shape[::-1]))))
            for part in (one.plate.small, one.plate.seen)
        )
        looks.append((its, seen > UNHIDDEN))
    return plate_shifts(grid, mine, grid.free(hidden, still), looks, [one.weight for one in plates])


def _rectangles(hidden: Bytes) -> list[tuple[int, int, int, int]]:
    """x, y, width, height of the separate people of a small mask."""
    count, _, stats, _ = cv2.connectedComponentsWithStats(hidden)
    return [tuple(int(part) for part in stats[number, :4]) for number in range(1, count)]  # type: ignore[misc]
