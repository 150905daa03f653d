"""What moves before the background and is in no mask: people whom nobody follows, cars, animals, a shoe of the runner.

It is told from small pictures. Where most of the aligned frames show the same and one shows something else, something
hides the background in that one. A place on which the frames do not agree (leaves, water) is left as it is, and so is
what stands still most of the time.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from tasks.maths.arrays import Bytes, Flags, Floats
from tasks.maths.path import affine
from tasks.media.planes.layout import Plane
from tasks.media.planes.region import Region
from tasks.media.scene.clean_part import HIDDEN_LEVEL, PlacedPlate
from tasks.media.scene.exposure import Exposure, coarse_size
from tasks.media.scene.frame_store import FrameStore, small_luma, small_luma_size
from tasks.media.scene.parallax import Grid
from tasks.media.scene.people_mask import MAY_HIDE, scaling, without_shadows
from tasks.media.scene.plate import HALF_LEVEL, SEEN_LEVEL

DIFFERS: Final = 20  # levels: a place that differs from the background by as much shows something else
RIM_DIFFERS: Final = 8  # levels: the same for the rim of such a place
LEAST_PX: Final = 3  # small pixels that differ: fewer are noise
MOST_SHARE: Final = 0.2  # of a picture: if more differs, the light changed or the camera moved
GROWN_PX: Final = 2  # small pixels by which movers are grown
# Where people are as near, in small pixels, in so many of the frames, nothing is told. The shadow of a runner on a
# treadmill lies on the same wall in most frames, and the wall that it leaves free in one looked like a mover.
BESIDE_PX: Final = 5
BESIDE_SHARE: Final = 0.9
STEADY_LEVELS: Final = 10  # from the median, within which frames agree
STEADY_SHARE: Final = 0.6  # of the frames that show a place: as many have to agree on it
LEAST_FRAMES: Final = 4  # that have to agree on it
_AROUND: Final = np.ones((3, 3), np.uint8)
_GROWN: Final = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * GROWN_PX + 1,) * 2)
_BESIDE: Final = np.ones((2 * BESIDE_PX + 1,) * 2, np.uint8)


def without_movers(
    frame: int, sources: Sequence[tuple[int, Floats]], exposures: dict[int, Exposure], store: FrameStore, box: Region
) -> FrameStore:
    """The ``store`` with ``MAY_HIDE`` where something moves in the plate's ``frame`` or in one of its ``sources``.

    ``sources`` are as in ``build_plate``, with the exposure of each over ``box``. So such a place is filled from frames
    that show the background, and shows what it did if there are none.
    """
    grid, placed = Grid(box, store.size_px), [(frame, affine.translation(np.zeros(2))), *sources]
    from_small = affine.invert(grid.to_small)
    looks, clear, sure = [], [], []  # a shadow, or who may stand at the edge, is no evidence of the background
    beside = np.zeros(grid.wh[::-1], np.float32)
    for other, matrix in placed:
        stored = store.frames[other]
        look = grid.placed(stored.small, affine.compose(matrix, from_small))
        if other in exposures:
            look = _brighter(look, exposures[other], box, grid.to_grid, store.size_px, store.layout.depth)
        looks.append(look)
        clear.append(grid.free(stored.hidden, matrix))
        people = without_shadows(stored.hidden, limbs=True)
        sure.append(grid.free(people, matrix))
        near = grid.placed_mask(people, matrix) > HALF_LEVEL
        beside += cv2.dilate(near.view(np.uint8), _BESIDE)
    background, steady = _background(np.stack(looks), np.stack(clear))
    steady &= beside < BESIDE_SHARE * len(placed)
    frames = dict(store.frames)
    for (other, matrix), look, shown in zip(placed, looks, sure, strict=True):
        found = moving(unlike(look, background), shown & steady)
        if found is not None:
            to_found = affine.compose(grid.to_grid, matrix)
            hidden = _hidden_too(frames[other].hidden, found, to_found, store.size_px)
            frames[other] = replace(frames[other], hidden=hidden)
    return replace(store, frames=frames)


def with_movers(
    luma: Plane,
    hidden: Bytes,
    plates: Sequence[PlacedPlate],
    exposures: Sequence[Exposure],
    box: Region,
    size_px: tuple[int, int],
    depth: int,
) -> Bytes:
    """``hidden`` (h, w) of a frame, also where something moves in it: where its ``luma`` differs from all ``plates``.

    The plates have the ``exposures`` over ``box``. If near things moved apart in one, or if it is not trusted, nothing
    is compared. Nor is anything where a shadow may lie: there the plates are shown anyway.
    """
    if any(one.plate.parallax or not one.plate.trusted for one in plates):
        return hidden
    wh = small_luma_size(size_px)
    to_small, mine = scaling(size_px, wh), small_luma(luma, wh)
    compared = np.asarray(cv2.resize(hidden, wh, interpolation=cv2.INTER_AREA) < HIDDEN_LEVEL)
    levels = np.full(mine.shape, 255, np.uint8)
    for one, exposure in zip(plates, exposures, strict=True):
        rows, columns = one.plate.small.shape
        from_small = affine.compose(one.from_plate, affine.invert(scaling(one.plate.box.size_px, (columns, rows))))
        its = cv2.warpAffine(one.plate.small, affine.compose(to_small, from_small), wh, borderMode=cv2.BORDER_REPLICATE)
        its = _brighter(np.asarray(its, np.uint8), exposure, box, to_small, size_px, depth)
        levels = np.asarray(cv2.min(levels, unlike(mine, its)), np.uint8)
        seen = cv2.warpAffine(
            one.plate.seen, affine.compose(to_small, one.from_seen), wh, borderMode=cv2.BORDER_REPLICATE
        )
        compared &= seen > SEEN_LEVEL
    found = moving(levels, compared)
    return hidden if found is None else _hidden_too(hidden, found, to_small, size_px)


def unlike(look: Bytes, background: Bytes) -> Bytes:
    """By how many levels (h, w) a picture differs from all that the ``background`` shows at a place and next to it.

    So edges that lie a little beside each other do not count.
    """
    above = cv2.subtract(look, cv2.dilate(background, _AROUND))
    return np.asarray(cv2.max(above, cv2.subtract(cv2.erode(background, _AROUND), look)), np.uint8)


def moving(levels: Bytes, compared: Flags) -> Bytes | None:
    """255 (h, w) where something moves, a little grown; None where nothing does.

    ``levels`` (h, w) is how much a small picture differs from its background, told where it is ``compared`` (h, w).
    """
    differs = np.where(compared, levels, np.uint8(0))
    sure = differs >= DIFFERS
    if np.count_nonzero(sure) < LEAST_PX:
        return None
    count, parts = cv2.connectedComponents((differs >= RIM_DIFFERS).view(np.uint8))
    counts = np.bincount(parts[sure], minlength=count) >= LEAST_PX
    found = counts[parts]
    if not found.any() or np.count_nonzero(found) > MOST_SHARE * np.count_nonzero(compared):
        return None
    return np.asarray(cv2.dilate(found.view(np.uint8) * np.uint8(255), _GROWN), np.uint8)


def _background(looks: Bytes, free: Flags) -> tuple[Bytes, Flags]:
    """The median (h, w) of what the ``looks`` (n, h, w) show where they are ``free`` (n, h, w).

    Also where (h, w) they agree on it.
    """
    count = np.count_nonzero(free, axis=0)
    ordered = np.sort(np.where(free, looks, np.uint8(255)), axis=0)
    middle = np.take_along_axis(ordered, np.maximum(count - 1, 0)[None] // 2, axis=0)[0]
    agree = np.zeros(count.shape, np.int64)
    for look, shown in zip(looks, free, strict=True):
        agree += (cv2.absdiff(look, middle) <= STEADY_LEVELS) & shown
    return middle, (agree >= LEAST_FRAMES) & (agree >= STEADY_SHARE * count)


def _brighter(
    look: Bytes, exposure: Exposure, box: Region, to_look: Floats, size_px: tuple[int, int], depth: int
) -> Bytes:
    """A small luma (h, w), to which ``to_look`` brings a frame of ``size_px``, with an exposure over ``box``."""
    to_coarse = scaling(size_px, coarse_size(size_px))
    corner = np.floor(affine.apply(to_coarse, np.array(box[:2], np.float64)))
    from_field = affine.compose(affine.invert(to_coarse), affine.translation(corner))
    levels = np.ascontiguousarray(exposure.shift[..., 0]) / np.float32(1 << (depth - 8))
    wh = (look.shape[1], look.shape[0])
    shift = cv2.warpAffine(levels, affine.compose(to_look, from_field), wh, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.add(look, shift, dtype=cv2.CV_8U))


def _hidden_too(hidden: Bytes, found: Bytes, to_found: Floats, size_px: tuple[int, int]) -> Bytes:
    """``hidden`` (h, w), at least ``MAY_HIDE`` where something was ``found``; ``to_found`` brings the frame there."""
    wh = (hidden.shape[1], hidden.shape[0])
    to_hidden = affine.compose(scaling(size_px, wh), affine.invert(to_found))
    moved = cv2.warpAffine(found, to_hidden, wh, flags=cv2.INTER_LINEAR)
    return np.asarray(cv2.max(hidden, cv2.threshold(moved, HALF_LEVEL, MAY_HIDE, cv2.THRESH_BINARY)[1]), np.uint8)
