"""A part of a frame without its people: what the clean plates show there, as bright as the frame is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Floats
from tasks.maths.path import affine
from tasks.media.planes.chroma import plane_to_luma, sample_spacing
from tasks.media.planes.layout import PixelLayout, Plane, Planes
from tasks.media.planes.region import Region
from tasks.media.scene.exposure import Exposure, brighter, coarse, coarse_size, move_coarse, smooth_difference
from tasks.media.scene.frame_store import small_luma, small_luma_size
from tasks.media.scene.parallax import UNHIDDEN, Grid, Shifts, plate_shifts, warp_shifted
from tasks.media.scene.people_mask import scaling
from tasks.media.scene.plate import SEEN_LEVEL, Plate

HIDDEN_LEVEL: Final = 25  # of 255: a coarse pixel that is hidden by as much is not compared


@dataclass(frozen=True)
class PlacedPlate:
    """A plate and how it lies on a frame."""

    plate: Plate
    matrix: Floats  # (2, 3) pixels of the plate's frame -> pixels of this frame
    weight: float  # 0..1 among the plates of this frame

    @cached_property
    def from_plate(self) -> Floats:
        """(2, 3) samples of the plate's first plane -> pixels of this frame."""
        return affine.compose(self.matrix, affine.translation(np.array(self.plate.box[:2], np.float64)))

    @cached_property
    def from_seen(self) -> Floats:
        """(2, 3) pixels of what was seen -> pixels of this frame."""
        around, (rows, columns) = self.plate.box, self.plate.seen.shape
        return affine.compose(self.from_plate, affine.invert(scaling(around.size_px, (columns, rows))))


class Fit(NamedTuple):
    """How a plate differs from a frame that it fills."""

    exposure: Exposure
    shifts: Shifts | None


class PlateFiller:
    """What the plates show at places of a frame, as bright as the frame is."""

    def __init__(
        self,
        plates: Sequence[PlacedPlate],
        fits: Sequence[Fit],
        box: Region,
        layout: PixelLayout,
        size_px: tuple[int, int],
        chroma_location: int,
    ) -> None:
        self._plates, self._fits, self._box = plates, fits, box
        self._layout, self._size_px, self._sited = layout, size_px, chroma_location

    def values(self, piece: Region, *, luma: str = "cubic") -> list[Plane]:
        """The planes of a part of the box, which has even corners; ``luma`` is how that plane is interpolated."""

        def moved(one: PlacedPlate, fit: Fit) -> list[Plane]:
            moves = (one.from_plate, fit.shifts, piece, self._sited)
            return warp_shifted(one.plate.background, self._layout, *moves, luma=luma, border="reflect")

        return self._mixed(moved, piece)

    def sparse(self, piece: Region, step_px: int) -> list[Plane]:
        """The same at every ``step_px``-th luma pixel, an even number: all planes have one size. No parallax counts."""
        layout, to_piece = self._layout, affine.translation(-np.array(piece[:2], np.float64))
        wh = -(-piece.size_px[0] // step_px), -(-piece.size_px[1] // step_px)
        spacings = [sample_spacing(layout, index) for index in range(layout.planes)]
        places: dict[tuple[int, int], tuple[Floats, Floats]] = {}  # planes with the same spacing share them
        for index, spacing in enumerate(spacings):
            if spacing not in places:
                to_luma = plane_to_luma(layout, index, self._sited)
                to_few = np.diag([*np.array(spacing) / step_px, 1.0])[:2]
                places[spacing] = to_luma, affine.compose(to_few, affine.compose(affine.invert(to_luma), to_piece))

        def moved(one: PlacedPlate, _: Fit) -> list[Plane]:
            matrices = {
                spacing: affine.compose(to_few, affine.compose(one.from_plate, to_luma))
                for spacing, (to_luma, to_few) in places.items()
            }
            planes = zip(one.plate.background, spacings, strict=True)
            return [cv2.warpAffine(plane, matrices[spacing], wh) for plane, spacing in planes]

        return self._mixed(moved, piece)

    def _mixed(self, moved: Callable[[PlacedPlate, Fit], list[Plane]], piece: Region) -> list[Plane]:
        """The planes over ``piece`` to which each plate is ``moved``, mixed by weight and as bright as the frame is."""
        peak, field = (1 << self._layout.depth) - 1, np.zeros(self._fits[0].exposure.shift.shape, np.float32)
        total: list[Plane] = []
        for one, fit in zip(self._plates, self._fits, strict=True):
            mine = moved(one, fit)
            mixed = zip(total, mine, strict=True)
            total = [cv2.addWeighted(old, 1 - one.weight, new, one.weight, 0) for old, new in mixed] if total else mine
            field += np.float32(one.weight) * fit.exposure.shift
        return brighter(total, field, piece, self._box, self._size_px, peak)


def measured_exposures(
    planes: Sequence[Plane],
    hidden: Bytes,
    plates: Sequence[PlacedPlate],
    box: Region,
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
        size = one.plate.box.size_px
        from_coarse = affine.compose(one.from_plate, affine.invert(scaling(size, coarse_size(size))))
        its = move_coarse(one.plate.coarse, affine.compose(to_low, from_coarse), wh)
        difference = np.zeros((rows, columns, mine.shape[2]), np.float32)
        difference[inside] = mine - its
        exposures.append(Exposure(*smooth_difference(difference, both, float(1 << depth))))
    return exposures


def frame_shifts(
    luma: Plane, hidden: Bytes, plates: Sequence[PlacedPlate], box: Region, size_px: tuple[int, int]
) -> list[Shifts | None]:
    """How far each of the ``plates`` lies beside a frame over ``box``; None where it is not to be moved.

    That is so where ``box`` ends with the frame, and where no plate is made of frames that parallax moved apart.
    """
    if box == (0, 0, *size_px) or not any(one.plate.parallax for one in plates):
        return [None] * len(plates)
    grid, still, looks = Grid(box, size_px), affine.translation(np.zeros(2)), []
    mine = grid.placed(small_luma(luma, small_luma_size(size_px)), affine.invert(grid.to_small))
    for one in plates:
        size = one.plate.box.size_px
        its, seen = (
            grid.placed(part, affine.compose(one.from_plate, affine.invert(scaling(size, part.shape[::-1]))))
            for part in (one.plate.small, one.plate.seen)
        )
        looks.append((its, seen > UNHIDDEN))
    return plate_shifts(grid, mine, grid.free(hidden, still), looks, [one.weight for one in plates])


class CleanPart(NamedTuple):
    """The background of a frame over ``box``."""

    box: Region  # with even corners, except at the picture's right and lower edges
    planes: Planes
    seen: NDArray[np.bool_]  # (h, w) in luma pixels: where a frame saw the place; elsewhere the planes are a guess


def clean_part(filler: PlateFiller, plates: Sequence[PlacedPlate], box: Region) -> CleanPart:
    """The background of a frame over ``box``, which lies in it: what its ``plates`` show, by their ``filler``."""
    return CleanPart(box, tuple(filler.values(box, luma="linear")), _seen(plates, box))


def sparse_clean_part(filler: PlateFiller, plates: Sequence[PlacedPlate], box: Region, step_px: int) -> CleanPart:
    """The same at every ``step_px``-th luma pixel, an even number: all arrays have one size."""
    return CleanPart(box, tuple(filler.sparse(box, step_px)), _seen(plates, box, step_px))


def _seen(plates: Sequence[PlacedPlate], box: Region, step_px: int = 1) -> NDArray[np.bool_]:
    width, height = (-(-size // step_px) for size in box.size_px)
    seen = np.full((height, width), 255, np.uint8)
    to_few = np.diag([1 / step_px, 1 / step_px, 1.0])[:2]
    to_box = affine.compose(to_few, affine.translation(-np.array(box[:2], np.float64)))
    for placed in plates:
        matrix = affine.compose(to_box, placed.from_seen)
        if not _all_seen(placed.plate.seen, affine.invert(matrix), (width, height)):
            cv2.min(seen, cv2.warpAffine(placed.plate.seen, matrix, (width, height)), dst=seen)
    return np.asarray(seen > SEEN_LEVEL)


def _all_seen(seen: Bytes, from_part: Floats, wh: tuple[int, int]) -> bool:
    """Whether a part of ``wh`` shows nothing but what was ``seen`` (h, w), to which ``from_part`` (2, 3) leads."""
    last = np.array(wh, np.float64) - 1
    at = affine.apply(from_part, np.array([[0.0, 0.0], [last[0], 0.0], [0.0, last[1]], last]))
    first, end = np.floor(at.min(axis=0)).astype(int), np.ceil(at.max(axis=0)).astype(int) + 1
    if first.min() < 0 or (end > seen.shape[::-1]).any():
        return False  # beyond its edges nothing was seen
    return bool(seen[first[1] : end[1], first[0] : end[0]].min() > SEEN_LEVEL)
