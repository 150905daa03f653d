"""Build a clean plate: fill what people hide in a frame, and what lies beyond its edges, from other frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from tasks.maths.arrays import Bytes, Flags, Floats
from tasks.maths.path import affine
from tasks.maths.path.outline import outline_px
from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.compose import alpha_composite
from tasks.media.planes.layout import Alpha, PixelLayout, Plane, Planes
from tasks.media.planes.region import Region, planes_over
from tasks.media.scene.agreement import Votes
from tasks.media.scene.exposure import Exposure, brighter, coarse_size, move_coarse, smooth_difference
from tasks.media.scene.fill import smooth_fill
from tasks.media.scene.frame_store import FrameStore, StoredFrame
from tasks.media.scene.movers import without_movers
from tasks.media.scene.parallax import UNHIDDEN, Shifts, shows_parallax, source_shifts, warp_shifted
from tasks.media.scene.people_mask import scaling, without_shadows
from tasks.media.scene.plate import (
    EDGE_STEP_PX,
    FARTHEST,
    HALF_LEVEL,
    LEAST_AGREEMENT_SHARE,
    LONE_LEVEL,
    SEEN_LEVEL,
    Plate,
)

PIECE_PX: Final = 600_000  # pixels that are voted on at a time
WHOLE_LINE: Final = 0.97  # share of a line at the edge that other frames must have seen
FEATHER_PX: Final = 9  # over which a plate fades into the mirror beyond what was seen: a step would show
SHADE_FEATHER: Final = 0.03  # of the longer side: over this a shadow that stays fades into the clear floor
FREE_STEP_PX: Final = 4  # resolution of where a frame shows the background
LEAST_WANTED: Final = 0.004  # share of a piece: for fewer pixels no frame is moved
UNHIDDEN_SHARE: Final = 0.9  # share of a coarse pixel that nobody hides, above which it is compared
_MIRROR_SHARE: Final = (1 - np.arange(256) / 255).astype(np.float32)


@dataclass(frozen=True)
class _Sources:
    """The frames that a plate over ``box`` is filled from, the nearest first, and how each of them fits it."""

    placed: Sequence[tuple[int, Floats]]  # with the matrix (2, 3) onto the plate's frame
    exposures: dict[int, Exposure]
    shifts: dict[int, Shifts | None]
    store: FrameStore
    box: Region
    chroma_location: int

    def moved(self, frame: int, matrix: Floats, part: Region) -> list[Plane]:
        """The planes of a frame as they lie over ``part``, as bright as the plate."""
        layout, peak, moves = self.store.layout, (1 << self.store.layout.depth) - 1, (part, self.chroma_location)
        planes, shifts = self.store.planes(frame), self.shifts[frame]
        moved = warp_shifted(planes, layout, matrix, shifts, *moves, luma="linear", border="replicate")
        return brighter(moved, self.exposures[frame].shift, part, self.box, self.store.size_px, peak)


def build_plate(frame: int, sources: Sequence[tuple[int, Floats]], store: FrameStore, chroma_location: int) -> Plate:
    """The plate of ``frame`` from ``sources``: frames of the ``store`` with the matrix (2, 3) of each onto ``frame``.

    The nearest come first. Where the frames do not agree, the plate ends at the frame's edges.
    """
    layout, size_px = store.layout, store.size_px
    box = _box(sources, size_px)
    exposures = _exposures(frame, sources, store, box)
    agreement = float(np.mean([exposure.agreement for exposure in exposures.values()])) if exposures else 0.0
    if agreement < LEAST_AGREEMENT_SHARE:
        box = Region(0, 0, *size_px)
        exposures = _exposures(frame, sources, store, box)
    else:
        store = without_movers(frame, sources, exposures, store, box)
    own = store.frames[frame]
    canvas = [np.zeros(layout.plane_wh(index, box.size_px)[::-1], layout.dtype) for index in range(layout.planes)]
    for index, plane in enumerate(store.planes(frame)):
        step_x, step_y = sample_spacing(layout, index)
        rows, columns = plane.shape
        top, left = -box.y0 // step_y, -box.x0 // step_x
        canvas[index][top : top + rows, left : left + columns] = plane
    known = _own_part(own.hidden, box, size_px)
    shifts = source_shifts(frame, sources, store, box)
    aligned = _Sources(sources, exposures, shifts, store, box, chroma_location)
    for piece in _pieces(known):
        _fill_piece(canvas, known, piece, aligned, lambda one: one.free_of_shadows)
    # A place that was seen only in the shade is shown so inside the frame; beyond it the mirror looks better.
    sure = _own_part(without_shadows(own.hidden, limbs=True), box, size_px)
    _feather_shade(canvas, known & sure, sure & ~known, store.planes(frame), box, layout)
    known |= sure
    inside = np.zeros_like(known)
    inside[-box.y0 : size_px[1] - box.y0, -box.x0 : size_px[0] - box.x0] = True
    for piece in _pieces(known | ~inside):
        _fill_piece(canvas, known, piece, aligned, lambda one: one.free_of_limbs)
    # Where a limb may be lost in every frame, a border shows only what two of them show.
    mine, lone = _own_part(without_shadows(own.hidden), box, size_px), np.zeros_like(known)
    for piece in _pieces(known | ~inside):
        _fill_piece(canvas, known, piece, aligned, lambda one: one.free_of_people, mine=mine, lone=lone)
    return _completed(frame, canvas, known, lone, box, store, agreement, parallax=shows_parallax(shifts.values()))


def _exposures(
    frame: int, sources: Sequence[tuple[int, Floats]], store: FrameStore, box: Region
) -> dict[int, Exposure]:
    """The exposure of each source, by its frame: what is added to make it as bright as the plate around it.

    The nearest come first. A source is compared with the frame and with the nearer sources, as far as they reach: so no
    step is seen where one ends and the next one continues.
    """
    layout, own = store.layout, store.frames[frame]
    to_low = scaling(store.size_px, coarse_size(store.size_px))
    corner = np.floor(affine.apply(to_low, np.array([box.x0, box.y0], np.float64))).astype(int)
    last = np.ceil(affine.apply(to_low, np.array([box.x1, box.y1], np.float64))).astype(int)
    coarse_px = (int(last[0] - corner[0] + 1), int(last[1] - corner[1] + 1))
    place = affine.compose(affine.translation(-corner.astype(np.float64)), to_low)
    to_corner = affine.translation(-corner.astype(np.float64))
    known = np.asarray(cv2.warpAffine(own.low_free, to_corner, coarse_px) > UNHIDDEN_SHARE)
    mine = move_coarse(own.low, to_corner, coarse_px)
    peak = float(1 << layout.depth)
    found = {}
    for other, matrix in sources:
        stored = store.frames[other]
        there = affine.compose(place, affine.compose(matrix, affine.invert(to_low)))
        free = cv2.warpAffine(stored.low_free, there, coarse_px)
        shown = np.asarray(free > UNHIDDEN_SHARE)
        moved = move_coarse(stored.low, there, coarse_px)
        found[other] = Exposure(*smooth_difference(mine - moved, (shown & known).astype(np.float32), peak))
        fresh = shown & ~known
        mine[fresh] = (moved + found[other].shift)[fresh]
        known |= shown
    return found


def _box(sources: Sequence[tuple[int, Floats]], size_px: tuple[int, int]) -> Region:
    """What the sources saw, in even pixels, no farther beyond the frame than ``FARTHEST``."""
    corners = [outline_px(size_px), *(affine.apply(matrix, outline_px(size_px)) for _, matrix in sources)]
    reach = np.array(size_px) * FARTHEST
    low = np.maximum(np.min(corners, axis=(0, 1)), -reach)
    high = np.minimum(np.max(corners, axis=(0, 1)), np.array(size_px) + reach)
    x0, y0 = (min(2 * int(np.ceil(edge / 2)), 0) for edge in low)
    x1, y1 = (max(size, size % 2 + 2 * int((edge - size % 2) // 2)) for edge, size in zip(high, size_px, strict=True))
    return Region(x0, y0, x1, y1)


def _own_part(hidden: Bytes, box: Region, size_px: tuple[int, int]) -> Flags:
    """Where (h, w) in the box the frame itself shows the background."""
    known = np.zeros(box.size_px[::-1], np.bool_)
    hidden = cv2.resize(hidden, size_px, interpolation=cv2.INTER_LINEAR)
    known[-box.y0 : size_px[1] - box.y0, -box.x0 : size_px[0] - box.x0] = hidden == 0
    return known


def _feather_shade(
    canvas: list[Plane], clear: Flags, shaded: Flags, own: Planes, box: Region, layout: PixelLayout
) -> None:
    """Blend what is ``shaded`` (h, w) in the plate's ``own`` frame softly into what was found ``clear`` (h, w).

    Nobody hides the frame in either of them.
    """
    high, wide = own[0].shape
    frame = np.s_[-box.y0 : high - box.y0, -box.x0 : wide - box.x0]
    x, y, across, down = cv2.boundingRect(np.ascontiguousarray(shaded[frame]).view(np.uint8))
    if across == 0:
        return
    reach = max(round(SHADE_FEATHER * max(high, wide)) // 2 * 2, 2)
    x0, y0 = max((x - reach) // 2 * 2, 0), max((y - reach) // 2 * 2, 0)
    part = np.s_[y0 : y + down + reach, x0 : x + across + reach]
    shade = cv2.dilate(shaded[frame][part].view(np.uint8) * np.uint8(255), np.ones((reach, reach), np.uint8))
    share = cv2.blur(shade, (reach, reach)).astype(np.float32) / np.float32(255)
    share[~clear[frame][part]] = 0
    for index, plane in enumerate(own):
        step_x, step_y = sample_spacing(layout, index)
        top, left = (y0 - box.y0) // step_y, (x0 - box.x0) // step_x
        few = share[::step_y, ::step_x]
        mine = plane[y0 // step_y :, x0 // step_x :][: few.shape[0], : few.shape[1]]
        alpha_composite(canvas[index][top:, left:][: few.shape[0], : few.shape[1]], mine, few)


def _pieces(known: Flags) -> list[Region]:
    """Rectangles of the box, with even corners, that hold all that is unknown, none too large."""
    unknown = np.asarray(~known, np.uint8)
    height, width = known.shape
    pieces = []
    rows = max(2 * (PIECE_PX // max(width, 1) // 2), 2)
    for top in range(0, height, rows):
        band = unknown[top : top + rows]
        # Unknown columns that lie apart (the margins left and right, a person) are separate pieces.
        columns = np.flatnonzero(band.any(axis=0))
        for run in np.split(columns, np.flatnonzero(np.diff(columns) > 64) + 1) if len(columns) else []:
            left, right = int(run[0]) // 2 * 2, min(-(-(int(run[-1]) + 1) // 2) * 2, width)
            lines = np.flatnonzero(band[:, left:right].any(axis=1))
            first, last = int(lines[0]) // 2 * 2, min(-(-(int(lines[-1]) + 1) // 2) * 2, len(band))
            pieces.append(Region(left, top + first, right, top + last))
    return pieces


def _fill_piece(
    canvas: list[Plane],
    known: Flags,
    piece: Region,
    aligned: _Sources,
    free: Callable[[StoredFrame], Bytes],
    *,
    mine: Flags | None = None,
    lone: Flags | None = None,
) -> None:
    """Vote on what is unknown in one ``piece`` of the canvas, and write it there.

    ``free`` gives where a frame shows the background. With ``mine`` (h, w) the canvas has a vote there too. In
    ``lone`` (h, w) is noted where only one vote speaks for what is written.
    """
    window, store, box = np.s_[piece.y0 : piece.y1, piece.x0 : piece.x1], aligned.store, aligned.box
    votes = Votes(~known[window], store.layout)
    in_frame = Region(box.x0 + piece.x0, box.y0 + piece.y0, box.x0 + piece.x1, box.y0 + piece.y1)
    if mine is not None:
        votes.add(planes_over(canvas, piece, store.layout), votes.wanted(mine[window]), (0, 0))
    for other, matrix in aligned.placed:
        wanted = votes.wanted(_free(free(store.frames[other]), matrix, in_frame, store.size_px))
        part = _around(wanted)
        if part is None:
            continue
        placed = Region(in_frame.x0 + part.x0, in_frame.y0 + part.y0, in_frame.x0 + part.x1, in_frame.y0 + part.y1)
        votes.add(
            aligned.moved(other, matrix, placed), wanted[part.y0 : part.y1, part.x0 : part.x1], (part.x0, part.y0)
        )
    planes, found, single = votes.decided()
    fresh = (found & ~known[window]).view(np.uint8)
    for index, (place, values) in enumerate(zip(planes_over(canvas, piece, store.layout), planes, strict=True)):
        step_x, step_y = sample_spacing(store.layout, index)
        cv2.copyTo(values, np.ascontiguousarray(fresh[::step_y, ::step_x]), place)
    if lone is not None:
        lone[window] |= single & ~known[window]
    known[window] |= found


def _around(wanted: Flags) -> Region | None:
    """The part of a piece, with even corners, that holds all that is wanted; None where nearly nothing is."""
    x, y, across, down = cv2.boundingRect(wanted.view(np.uint8))
    if across == 0 or np.count_nonzero(wanted) < LEAST_WANTED * wanted.size:
        return None
    x1, y1 = (min(-(-end // 2) * 2, size) for end, size in zip((x + across, y + down), wanted.shape[::-1], strict=True))
    return Region(x // 2 * 2, y // 2 * 2, x1, y1)


def _free(free: Bytes, matrix: Floats, part: Region, size_px: tuple[int, int]) -> Flags:
    """Where (h, w) in ``part`` a frame that ``matrix`` moves there shows the background, away from its edges.

    ``free`` (h, w), small, is 255 where the frame does. Every ``FREE_STEP_PX``-th pixel is computed, and enlarged.
    """
    few = (-(-part.size_px[0] // FREE_STEP_PX), -(-part.size_px[1] // FREE_STEP_PX))
    over = (few[0] * FREE_STEP_PX, few[1] * FREE_STEP_PX)
    there = affine.compose(affine.translation(-np.array(part[:2], np.float64)), matrix)
    in_frame = affine.invert(scaling(size_px, (free.shape[1], free.shape[0])))
    to_few = affine.compose(scaling(over, few), affine.compose(there, in_frame))
    moved = cv2.warpAffine(free, to_few, few, flags=cv2.INTER_LINEAR)
    drawn_out = cv2.resize(moved, over, interpolation=cv2.INTER_LINEAR)[: part.size_px[1], : part.size_px[0]]
    return np.asarray(drawn_out > UNHIDDEN)


def _completed(
    frame: int,
    canvas: list[Plane],
    known: Flags,
    lone: Flags,
    box: Region,
    store: FrameStore,
    agreement: float,
    *,
    parallax: bool,
) -> Plate:
    """The plate, with what nobody saw filled: smoothly within the part that was seen, mirrored beyond it."""
    whole = _whole_part(known, box, store.size_px)
    beyond = None if whole == (0, 0, *box.size_px) else _unseen_beyond(known, whole)
    planes = []
    for index, plane in enumerate(canvas):
        step_x, step_y = sample_spacing(store.layout, index)
        inner = np.s_[whole.y0 // step_y : -(-whole.y1 // step_y), whole.x0 // step_x : -(-whole.x1 // step_x)]
        missing = ~known[::step_y, ::step_x][inner]
        filled = smooth_fill(plane[inner], missing, step_x)
        if beyond is None:
            planes.append(filled)
            continue
        rows, columns = plane.shape
        top, left = inner[0].start, inner[1].start
        bottom, right = rows - top - filled.shape[0], columns - left - filled.shape[1]
        mirrored = cv2.copyMakeBorder(filled, top, bottom, left, right, cv2.BORDER_REFLECT_101)
        plane[inner] = filled
        alpha_composite(plane, mirrored, beyond[::step_y, ::step_x])
        planes.append(plane)
    small_px = (-(-known.shape[1] // EDGE_STEP_PX), -(-known.shape[0] // EDGE_STEP_PX))
    seen, doubt = (
        cv2.resize(flags.view(np.uint8) * np.uint8(255), small_px, interpolation=cv2.INTER_AREA)
        for flags in (known, lone)
    )
    seen[seen == LONE_LEVEL] += 1
    seen[(doubt > HALF_LEVEL) & (seen > SEEN_LEVEL)] = LONE_LEVEL
    return Plate(frame, store.size_px, box, tuple(planes), np.asarray(seen, np.uint8), agreement, parallax)


def _unseen_beyond(known: Flags, whole: Region) -> Alpha:
    """Share (h, w) of the mirror at each place: 0 inside ``whole``, rising to 1 where nothing was seen."""
    firm = cv2.erode(known.view(np.uint8) * np.uint8(255), np.ones((FEATHER_PX, FEATHER_PX), np.uint8))
    soft = cv2.blur(firm, (FEATHER_PX, FEATHER_PX))
    soft[whole.y0 : whole.y1, whole.x0 : whole.x1] = 255
    return np.asarray(cv2.LUT(soft, _MIRROR_SHARE))


def _whole_part(known: Flags, box: Region, size_px: tuple[int, int]) -> Region:
    """The frame, widened on each side as far as whole lines were seen there; in pixels of the canvas."""
    x0, y0, x1, y1 = -box.x0, -box.y0, size_px[0] - box.x0, size_px[1] - box.y0
    height, width = known.shape
    step, moved = EDGE_STEP_PX, True
    while moved:
        moved = False
        if x0 >= step and known[y0:y1, x0 - step : x0].mean() >= WHOLE_LINE:
            x0, moved = x0 - step, True
        if x1 + step <= width and known[y0:y1, x1 : x1 + step].mean() >= WHOLE_LINE:
            x1, moved = x1 + step, True
        if y0 >= step and known[y0 - step : y0, x0:x1].mean() >= WHOLE_LINE:
            y0, moved = y0 - step, True
        if y1 + step <= height and known[y1 : y1 + step, x0:x1].mean() >= WHOLE_LINE:
            y1, moved = y1 + step, True
    return Region(x0, y0, x1, y1)
