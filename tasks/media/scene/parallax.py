"""Parallax: the shifts that remain between two aligned pictures, because near things move differently from far ones.

They are measured where the pictures overlap, and continue smoothly beyond the overlap: so a line that crosses the edge
of a frame goes on without a step.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np

from tasks.maths.arrays import Bytes, Flags, Floats, Singles
from tasks.maths.path import affine
from tasks.media.planes.chroma import plane_to_luma, sample_spacing
from tasks.media.planes.layout import PixelLayout, Plane
from tasks.media.planes.region import Region
from tasks.media.planes.shift import CV2_BORDERS, MIN_FRACTION_PX, at_most, shift_plane
from tasks.media.planes.warp import CV2_INTERPOLATIONS, warp_plane
from tasks.media.scene.fill import push_pull
from tasks.media.scene.frame_store import FrameStore, small_luma_size
from tasks.media.scene.people_mask import scaling

FIELD_STEP: Final = 4  # small pixels from one shift to the next
FIELD_SAMPLES: Final = 8  # samples of a plane between two at which the shifts are placed on it
EDGE_PX: Final = 4  # small pixels along the edge of an overlap that are not compared; fewer fill a drawn margin worse
MOST_SHIFT_PX: Final = 4.0  # small pixels; a longer shift is a mistake
SEEN_SHIFT_PX: Final = 0.125  # small pixels, 2 px of 1920: in moonwalk there are 0.02, in the jogger 1 to 2
STRIDE_PX: Final = 5  # from patch to patch that are compared; the preset's 4 takes 1.4 times as long
HALF_DETAIL: Final = 12.0  # levels a small pixel: slope of the brightness at which a shift counts half
UNLIKE_LEVELS: Final = 12.0  # levels by which moved pictures differ where a shift counts 0.6 times
SURE: Final = 0.25  # mean weight around a shift, from which on its neighbours do not change it
BLUR: Final = 3.0  # standard deviation, in shifts; a smaller one lets the border tremble (seen on the jogger)
LEAST_PX: Final = 16  # shorter side of an overlap in which shifts are looked for
LEAST_APART: Final = 1.0  # mean difference, in levels, below which pictures lie on one another
NEAREST_SHARE: Final = 0.75  # beyond an overlap, of the nearest shift inside; the rest is a smooth continuation
GAIN: Final = (0.05, 0.15)  # of the difference that the shifts take away: below they are not used, above in full
UNHIDDEN: Final = 250  # of 255, above which a place shows the background


class Grid:
    """The small pixels of a box around a frame, on which shifts are measured."""

    def __init__(self, box: Region, size_px: tuple[int, int]) -> None:
        self._size_px = size_px
        self.to_small = scaling(size_px, small_luma_size(size_px))
        first, last = affine.apply(self.to_small, np.array([box[:2], box[2:]], np.float64))
        corner = np.floor(first)
        columns, rows = (-(-(np.ceil(last) - corner + 1) // FIELD_STEP) * FIELD_STEP).astype(int).tolist()
        self.wh: tuple[int, int] = (columns, rows)
        self.to_grid = affine.compose(affine.translation(-corner), self.to_small)  # pixels of the frame -> small ones
        fields = (columns // FIELD_STEP, rows // FIELD_STEP)
        self.to_field = affine.compose(scaling(self.wh, fields), self.to_grid)  # pixels of the frame -> shifts

    def placed(self, picture: Bytes, to_frame: Floats) -> Bytes:
        """A ``picture`` (h, w) that ``to_frame`` (2, 3) brings onto the frame, on this grid; 0 where it ends."""
        return np.asarray(cv2.warpAffine(picture, affine.compose(self.to_grid, to_frame), self.wh))

    def placed_mask(self, mask: Bytes, to_frame: Floats) -> Bytes:
        """The same of a ``mask`` (h, w) that covers a frame of the clip, which ``to_frame`` brings onto this one."""
        to_whole = affine.invert(scaling(self._size_px, (mask.shape[1], mask.shape[0])))
        return self.placed(mask, affine.compose(to_frame, to_whole))

    def free(self, hidden: Bytes, to_frame: Floats) -> Flags:
        """Where a frame of the clip shows the background, as ``placed_mask``. ``hidden`` (h, w) is 255 on people."""
        return np.asarray(self.placed_mask(np.asarray(cv2.bitwise_not(hidden), np.uint8), to_frame) > UNHIDDEN)


@dataclass(frozen=True)
class Shifts:
    """For places of a frame: how far beside them another picture, moved onto the frame, shows the same."""

    grid: Grid
    field: Singles  # (rows, columns, 2) x and y in small pixels; one for ``FIELD_STEP`` small pixels

    @cached_property
    def drawn_out(self) -> Singles:
        """The field for each pixel of the grid."""
        return np.asarray(cv2.resize(self.field, self.grid.wh, interpolation=cv2.INTER_LINEAR), np.float32)

    def places(self, matrix: Floats, piece: Region, wh: tuple[int, int]) -> Singles:
        """Where (h, w, 2) a plane that ``matrix`` (2, 3) moves shows its ``wh`` samples over a ``piece``."""
        # A ring of places more than asked for: beyond the outermost ones nothing can be drawn out between two.
        few = (-(-wh[0] // FIELD_SAMPLES) + 2, -(-wh[1] // FIELD_SAMPLES) + 2)
        over, piece_px = (few[0] * FIELD_SAMPLES, few[1] * FIELD_SAMPLES), (piece[2] - piece[0], piece[3] - piece[1])
        to_frame = affine.compose(affine.translation(np.array(piece[:2], np.float64)), scaling(wh, piece_px))
        to_field = affine.compose(self.grid.to_field, affine.compose(to_frame, _TO_SAMPLES))
        flags, border = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, cv2.BORDER_REPLICATE
        shift = cv2.warpAffine(self.field, to_field, few, flags=flags, borderMode=border)
        shift *= (np.array(wh) / piece_px / self.grid.to_small[[0, 1], [0, 1]]).astype(np.float32)
        back = affine.invert(matrix)
        at = _places(cv2.transform(shift, back[:, :2]), affine.compose(back, _TO_SAMPLES))
        drawn_out = cv2.resize(at, over, interpolation=cv2.INTER_LINEAR)[FIELD_SAMPLES:, FIELD_SAMPLES:]
        return np.asarray(drawn_out[: wh[1], : wh[0]], np.float32)


def warp_shifted(
    planes: Sequence[Plane],
    layout: PixelLayout,
    matrix: Floats,
    shifts: Shifts | None,
    piece: Region,
    chroma_location: int,
    *,
    luma: str,
    border: str,
) -> list[Plane]:
    """The ``planes`` of a picture that ``matrix`` (2, 3) brings onto a frame, over a ``piece`` of it, and shifted.

    ``luma`` is the first plane's interpolation, that of the others is linear. ``border`` is a key of ``CV2_BORDERS``.
    """
    peak, size_px = (1 << layout.depth) - 1, (piece[2] - piece[0], piece[3] - piece[1])
    there = affine.compose(affine.translation(-np.array(piece[:2], np.float64)), matrix)
    turn_px = np.abs(matrix[:, :2] - np.eye(2)).max() * sum(planes[0].shape)  # of the farthest corner, at most
    slides = shifts is None and turn_px < MIN_FRACTION_PX
    moved: list[Plane] = []
    ways: dict[tuple[int, int], Floats] = {}  # planes with the same spacing share what follows from it
    at: dict[tuple[int, int], Singles] = {}
    for index, plane in enumerate(planes):
        spacing, wh = sample_spacing(layout, index), layout.plane_wh(index, size_px)
        interpolation = "linear" if index else luma
        if slides:  # exact for whole samples, and many times faster
            shift = (float(there[0, 2]) / spacing[0], float(there[1, 2]) / spacing[1])
            moved.append(shift_plane(plane, shift, wh, interpolation, border, peak))
            continue
        if spacing not in ways:
            to_luma = plane_to_luma(layout, index, chroma_location)
            ways[spacing] = affine.compose(affine.invert(to_luma), affine.compose(there, to_luma))
        in_plane = ways[spacing]
        if shifts is None:
            moved.append(warp_plane(plane, in_plane, wh, interpolation, border, peak))
            continue
        if spacing not in at:
            at[spacing] = shifts.places(in_plane, piece, wh)
        flags, mode = CV2_INTERPOLATIONS[interpolation], CV2_BORDERS[border]
        shown = cv2.remap(plane, at[spacing], None, flags, borderMode=mode)
        moved.append(np.asarray(shown if plane.dtype == np.uint8 else at_most(shown, peak)))
    return moved


def source_shifts(
    frame: int, sources: Sequence[tuple[int, Floats]], store: FrameStore, box: Region
) -> dict[int, Shifts | None]:
    """The shifts of each of a plate's ``sources``: frames with their matrices (2, 3) onto its ``frame``, nearest first.

    A source is compared with the frame and with all that the nearer sources show. So a line is not broken where one of
    them ends and the next one goes on.
    """
    grid, own, still = Grid(box, store.size_px), store.frames[frame], affine.translation(np.zeros(2))
    from_small = affine.invert(grid.to_small)
    mine, known = grid.placed(own.small, from_small), grid.free(own.hidden, still)
    found = {}
    for other, matrix in sources:
        stored = store.frames[other]
        its, shown = (
            grid.placed(stored.small, affine.compose(matrix, from_small)),
            grid.free(stored.hidden, matrix),
        )
        found[other] = shifts = measured_shifts(grid, mine, its, known & shown)
        fresh = shown & ~known
        np.copyto(mine, its if shifts is None else _moved(its, shifts.drawn_out), where=fresh)
        known |= fresh
    return found


def shows_parallax(shifts: Iterable[Shifts | None]) -> bool:
    """Whether some of the ``shifts`` are long enough to be seen."""
    return any(one is not None and float(np.abs(one.field).max()) >= SEEN_SHIFT_PX for one in shifts)


def plate_shifts(
    grid: Grid, mine: Bytes, free: Flags, looks: Sequence[tuple[Bytes, Flags]], weights: Sequence[float]
) -> list[Shifts | None]:
    """Of each plate of a frame: how far it lies beside the frame, of which ``mine`` is ``free`` of people.

    ``looks`` are the plates on the grid, and where they show what a frame saw. Where two turn into each other, by their
    ``weights``, each also gives way to the other, so that nothing is seen twice beyond the frame.
    """
    found = [measured_shifts(grid, mine, its, free) for its, _ in looks]
    if len(looks) != 2:
        return found
    first, second = (
        its if shifts is None else _moved(its, shifts.drawn_out) for (its, _), shifts in zip(looks, found, strict=True)
    )
    between = measured_shifts(grid, first, second, looks[0][1] & looks[1][1])
    if between is None:
        return found
    return [
        Shifts(grid, (0 if shifts is None else shifts.field) + np.float32(share) * between.field)
        for shifts, share in zip(found, (-weights[1], weights[0]), strict=True)
    ]


def measured_shifts(grid: Grid, mine: Bytes, its: Bytes, both: Flags) -> Shifts | None:
    """Where ``its`` shows what ``mine`` shows; all (h, w) on the grid. ``both``: where they show the background.

    None where no smooth shifts make the two more alike.
    """
    part = _part(both)
    if part is None:
        return None
    mine, inside = np.ascontiguousarray(mine[part]), np.ascontiguousarray(both[part])
    there = np.where(inside, its[part], mine)
    inner = cv2.erode(inside.view(np.uint8), np.ones((2 * EDGE_PX + 1,) * 2, np.uint8))
    flow, weight = _single_shifts(mine, there, inner)
    few = (mine.shape[1] // FIELD_STEP, mine.shape[0] // FIELD_STEP)
    total = [cv2.resize(cv2.multiply(one, weight), few, interpolation=cv2.INTER_AREA) for one in cv2.split(flow)]
    known = np.asarray(cv2.resize(weight, few, interpolation=cv2.INTER_AREA), np.float32)[..., None].repeat(2, axis=2)
    told, sure = np.zeros((2, grid.wh[1] // FIELD_STEP, grid.wh[0] // FIELD_STEP, 2), np.float32)
    compared = np.zeros(told.shape[:2], np.bool_)
    place = np.s_[part[0].start // FIELD_STEP :, part[1].start // FIELD_STEP :]
    told[place][: few[1], : few[0]] = cv2.merge(total) / np.maximum(known, np.float32(1e-6))
    sure[place][: few[1], : few[0]] = np.minimum(known / np.float32(SURE), 1)
    compared[place][: few[1], : few[0]] = cv2.resize(inner, few, interpolation=cv2.INTER_NEAREST) > 0
    if not compared.any():
        return None
    field = push_pull(told, sure)
    shifts = Shifts(grid, np.asarray(cv2.GaussianBlur(_drawn_on(field, compared), (0, 0), BLUR), np.float32))
    fitted = _moved(there, shifts.drawn_out[part])
    before, after = (cv2.mean(cv2.absdiff(mine, other), inner)[0] for other in (there, fitted))
    share = np.clip(((before - after) / max(before, LEAST_APART) - GAIN[0]) / (GAIN[1] - GAIN[0]), 0, 1)
    return Shifts(grid, shifts.field * np.float32(share)) if share > 0 else None


def _single_shifts(mine: Bytes, there: Bytes, inner: Bytes) -> tuple[Singles, Singles]:
    """The shift (h, w, 2) of each pixel by itself, by dense inverse search (Kroeger 2016), and its weight (h, w)."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    search.setFinestScale(0)
    search.setPatchStride(STRIDE_PX)
    flow = np.asarray(search.calc(mine, there, np.zeros((*mine.shape, 2), np.float32)), np.float32)
    weight = _detail(mine) * cv2.LUT(cv2.absdiff(mine, _moved(there, flow)), _LIKENESS) * inner
    weight[cv2.inRange(flow, (-MOST_SHIFT_PX,) * 2, (MOST_SHIFT_PX,) * 2) == 0] = 0
    return flow, np.asarray(weight, np.float32)


def _part(both: Flags) -> tuple[slice, slice] | None:
    """The part of a grid, in whole ``FIELD_STEP``, that holds all of ``both``; None where it is too small."""
    x, y, across, down = cv2.boundingRect(both.view(np.uint8))
    rows, columns = (
        slice(first // FIELD_STEP * FIELD_STEP, -(-(first + length) // FIELD_STEP) * FIELD_STEP)
        for first, length in ((y, down), (x, across))
    )
    return (rows, columns) if min(across, down) >= LEAST_PX else None


def _drawn_on(field: Singles, inside: Flags) -> Singles:
    """``field`` (h, w, 2) where it is ``inside`` (h, w); elsewhere between itself and that of the nearest place inside.

    The nearest place alone carries a line on better, and trembles more from frame to frame.
    """
    outside, every = (~inside).view(np.uint8), cv2.DIST_LABEL_PIXEL
    _, nearest = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=every)
    of_label = np.zeros((int(nearest.max()) + 1, 2), np.float32)
    of_label[nearest[inside]] = field[inside]
    return np.asarray(field + np.float32(NEAREST_SHARE) * (of_label[nearest] - field), np.float32)


def _detail(picture: Bytes) -> Singles:
    """How well (h, w), 0..1, a shift can be told from the slope of the brightness."""
    slopes = [cv2.Sobel(picture, cv2.CV_32F, *axis, scale=0.25) for axis in ((1, 0), (0, 1))]
    square = np.square(slopes[0]) + np.square(slopes[1])
    return np.asarray(square / (square + np.float32(HALF_DETAIL**2)), np.float32)


def _moved(picture: Bytes, flow: Singles) -> Bytes:
    """Each pixel (h, w) shows what ``picture`` shows ``flow`` (h, w, 2) beside it."""
    at = _places(flow, _STILL)
    moved = cv2.remap(picture, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(moved, np.uint8)


def _places(shift: Singles, matrix: Floats) -> Singles:
    """The place (h, w, 2) that lies ``shift`` (h, w, 2) beside that to which ``matrix`` (2, 3) brings each pixel."""
    high, wide = shift.shape[:2]
    rows, columns = np.arange(high, dtype=np.float32)[:, None], np.arange(wide, dtype=np.float32)
    of_columns, of_rows, corner = matrix.T.astype(np.float32)
    axes = [shift[..., axis] + (of_columns[axis] * columns + corner[axis]) + of_rows[axis] * rows for axis in (0, 1)]
    return np.asarray(cv2.merge(axes), np.float32)


_TO_SAMPLES: Final = affine.compose(  # places of ``Shifts.places`` -> samples
    affine.translation(np.full(2, -float(FIELD_SAMPLES))), scaling((1, 1), (FIELD_SAMPLES, FIELD_SAMPLES))
)
_STILL: Final = affine.translation(np.zeros(2))
_LIKENESS: Final = np.exp(-0.5 * (np.arange(256) / UNLIKE_LEVELS) ** 2).astype(np.float32)
