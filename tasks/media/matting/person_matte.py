"""The person's matte in each frame of a clip: the opacity in source pixels, and the background behind its edge.

It depends on the masks, the clean plates and the pictures, not on how a frame is moved.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.media.files.masks_file import Mask, MaskState
from tasks.media.matting.matte import (
    GUIDE_REACH_PX,
    average_with_neighbours,
    harden_mask,
    mask_to_alpha,
    refine_edge,
    warp_mask,
)
from tasks.media.matting.missed_parts import (
    MissedParts,
    box_around,
    find_missed_parts,
    sparse_planes,
    step_for,
)
from tasks.media.matting.plate_matte import Compared, PlateMatte, compared_size
from tasks.media.planes.crop import box_to_source
from tasks.media.planes.layout import PixelLayout, Plane, Planes
from tasks.media.planes.region import Region, planes_over
from tasks.media.scene.clean_part import CleanPart
from tasks.media.scene.people_mask import scaling
from tasks.media.scene.plate import HALF_LEVEL

LEAST_LEVEL: Final = 20  # of 255; lower probabilities count as nothing
UNDONE_SHARE: Final = 0.02  # of the part's height: how far the mask's edge may lie from the matte's edge
BOX_MARGIN: Final = 0.05  # of the person's height: of the part that is compared with the plate


class Matte(NamedTuple):
    """The person in a frame over ``box`` of it, which has even corners but for the picture's right and lower edges.

    Opacity has 8 bits, as it is stored: rendered from the cache or computed anew, a picture is the same.
    """

    box: Region
    opacity: NDArray[np.uint8]  # (h, w) in luma pixels, * 255
    behind: Planes  # the background there
    at_edge: bool = False  # ``behind`` is known near the edge only: see ``mattes_file``


class CleanView(Protocol):
    """The background of a frame over a ``box`` of it, at every ``step_px``-th pixel; None where none is trusted."""

    def __call__(self, box: Region, step_px: int = 1) -> CleanPart | None: ...


@dataclass(frozen=True)
class Shown:
    """A frame with its person's mask, as ``MatteMaker`` takes it."""

    planes: Planes
    mask: Mask
    anchor_xy: Floats  # (2,) in source px
    clean: CleanView | None = None


@dataclass(frozen=True)
class _ComparedFrame:
    """A frame that was compared with its plate."""

    shown: Shown
    part: CleanPart
    compared: Compared
    missed: MissedParts | None


class MatteMaker:
    """Makes the matte of each frame of one clip, by comparison with the clean plates."""

    def __init__(self, layout: PixelLayout, rate_hz: float, *, refine: bool) -> None:
        self._layout, self._refine = layout, refine
        self._matte = PlateMatte(layout, rate_hz)
        self._recent: tuple[MissedParts, Floats] | None = None  # of the frame before, and its anchor

    def of_all(self, frames: Iterable[Shown | None]) -> Iterator[Matte | None]:
        """The matte of each frame, reading one frame ahead. A frame without a person is given as None.

        The matte is None where the frame is, or where no plate is trusted.
        """
        compared = (None if shown is None else self._compare(shown) for shown in frames)
        before: _ComparedFrame | None = None
        for now, after in _with_next(compared):
            yield None if now is None else self._matte_of(now, before, after)
            before = now

    def _compare(self, shown: Shown) -> _ComparedFrame | None:
        """What the frame shows against its plate; None where no plate is trusted."""
        planes, mask = shown.planes, shown.mask
        box = mask_box(mask, (planes[0].shape[1], planes[0].shape[0]))
        if shown.clean is None or box is None:
            return None
        missed = self._missed_parts(shown, shown.clean, box)
        self._recent = None if missed is None else (missed, shown.anchor_xy)
        part = shown.clean(box if missed is None else missed.box_with(box))
        if part is None:
            return None
        to_box = affine.compose(affine.translation(-np.array(part.box[:2], np.float64)), mask_to_source(mask))
        wh = compared_size(part.box)
        prior = warp_mask(mask.probability, affine.compose(scaling(part.box.size_px, wh), to_box), Region(0, 0, *wh))
        picture = planes_over(planes, part.box, self._layout)
        return _ComparedFrame(shown, part, self._matte.compare(picture, part, prior, missed), missed)

    def _missed_parts(self, shown: Shown, clean: CleanView, box: Region) -> MissedParts | None:
        """The parts of the person in ``box`` that the mask lacks, found by the clean plate; None if there are none."""
        size_px, step_px = (shown.planes[0].shape[1], shown.planes[0].shape[0]), step_for(box)
        wide = box_around(box, shown.mask.edges_px.tolist(), size_px)
        few = clean(wide, step_px)
        if few is None:
            return None
        wh = (few.seen.shape[1], few.seen.shape[0])
        to_wide = affine.compose(affine.translation(-np.array(wide[:2], np.float64)), mask_to_source(shown.mask))
        to_few = affine.compose(np.diag([1 / step_px, 1 / step_px, 1.0])[:2], to_wide)
        prior = warp_mask(shown.mask.probability, to_few, Region(0, 0, *wh))
        picture = sparse_planes(planes_over(shown.planes, wide, self._layout), self._layout, step_px)
        recent = None
        if self._recent is not None:
            before, anchor_xy = self._recent
            x, y = np.rint(shown.anchor_xy - anchor_xy).astype(int).tolist()
            recent = before.as_recent(Region(wide.x0 - x, wide.y0 - y, wide.x1 - x, wide.y1 - y), wh)
        return find_missed_parts(picture, few, prior, step_px, self._layout, size_px[0], recent)

    def _matte_of(self, frame: _ComparedFrame, before: _ComparedFrame | None, after: _ComparedFrame | None) -> Matte:
        clean, shown = frame.part, frame.shown
        picture = planes_over(shown.planes, clean.box, self._layout)
        near = [
            (other.compared, shown.anchor_xy - other.shown.anchor_xy) for other in (before, after) if other is not None
        ]
        opacity = self._matte.opacity(picture, clean, frame.compared, near)
        if not clean.seen.all():
            self._by_mask(frame, picture[0], opacity)
        return Matte(clean.box, opacity, clean.planes)

    def _by_mask(self, frame: _ComparedFrame, luma: Plane, opacity: NDArray[np.uint8]) -> None:
        """Set the ``opacity`` (h, w), * 255, by the mask alone where no other frame saw the background.

        Even there the mask decides only near the edge of the matte: parts that it adds or lacks farther away do not
        count.
        """
        shown, box, unseen = frame.shown, frame.part.box, ~frame.part.seen
        reach = max(round(UNDONE_SHARE * box.size_px[1]), 3)
        part = _around(unseen, max(reach, GUIDE_REACH_PX))
        inside, around = cv2.compare(opacity[part], HALF_LEVEL, cv2.CMP_GT), np.ones([2 * reach + 1] * 2, np.uint8)
        least, most = cv2.erode(inside, around), cv2.dilate(inside, around)
        by_mask = unseen[part] & (least != most)
        np.copyto(opacity[part], least, where=unseen[part])
        if not by_mask.any():
            return
        near = _around(by_mask, GUIDE_REACH_PX)  # the edge is aligned by what lies around it
        x0, y0 = part[1].start + near[1].start, part[0].start + near[0].start
        rows, columns = by_mask[near].shape
        to_box = affine.compose(affine.translation(-np.array(box[:2], np.float64)), mask_to_source(shown.mask))
        edge = warp_mask(harden_mask(shown.mask.probability), to_box, Region(x0, y0, x0 + columns, y0 + rows))
        if frame.missed is not None:
            its = Region(box.x0 + x0, box.y0 + y0, box.x0 + x0 + columns, box.y0 + y0 + rows)
            joined = frame.missed.over(its, its.size_px)
            edge = np.asarray(cv2.add(edge, joined), np.uint8)  # where the two meet, each is soft
        alpha = mask_to_alpha(aligned_edge(edge, luma[part][near], self._layout) if self._refine else edge)
        np.copyto(opacity[part][near], cv2.convertScaleAbs(alpha, alpha=255), where=by_mask[near])


def _around(flags: NDArray[np.bool_], reach_px: int) -> tuple[slice, slice]:
    """The part of an array that holds all ``flags`` (h, w), and ``reach_px`` around them."""
    x, y, across, down = cv2.boundingRect(flags.view(np.uint8))
    return (
        slice(max(y - reach_px, 0), y + down + reach_px),
        slice(max(x - reach_px, 0), x + across + reach_px),
    )


def _with_next(
    frames: Iterator[_ComparedFrame | None],
) -> Iterator[tuple[_ComparedFrame | None, _ComparedFrame | None]]:
    """Each frame with the one after it, None behind the last."""
    first = True
    now: _ComparedFrame | None = None
    for following in frames:
        if not first:
            yield now, following
        now, first = following, False
    if not first:
        yield now, None


def aligned_edge(edge: NDArray[np.uint8], luma: Plane, layout: PixelLayout) -> NDArray[np.uint8]:
    """A hardened mask with its edge aligned with that of the picture's first plane."""
    return refine_edge(edge, (luma >> (layout.depth - 8)).astype(np.uint8))


def smooth_masks_in_time(masks: Iterator[Mask], anchor_xy: Floats) -> Iterator[Mask]:
    """The same masks, each averaged with the frame before and after it, aligned by the anchor (n, 2) in source px.

    Frames without a person neither contribute nor change.
    """
    before: Mask | None = None
    now = next(masks, None)
    index = 0
    while now is not None:
        after = next(masks, None)
        near = [(other, index + step) for other, step in ((before, -1), (after, 1)) if other is not None]
        neighbours = [
            (other.probability, mask_to_mask(other, now, anchor_xy[index] - anchor_xy[at]))
            for other, at in near
            if MaskState.nobody not in (now.state, other.state)
        ]
        yield now._replace(probability=average_with_neighbours(now.probability, neighbours))
        before, now, index = now, after, index + 1


def mask_to_mask(other: Mask, now: Mask, step_xy: Floats) -> Floats:
    """2x3 matrix from the pixels of ``other`` to those of ``now``, for a body that moved by ``step_xy`` source px."""
    (of_x, _, x), (_, of_y, y) = mask_to_source(other).tolist()
    (scale_x, _, its_x), (_, scale_y, its_y) = mask_to_source(now).tolist()  # upright boxes need no general inverse
    step_x, step_y = step_xy.tolist()
    return np.array(
        [[of_x / scale_x, 0.0, (x + step_x - its_x) / scale_x], [0.0, of_y / scale_y, (y + step_y - its_y) / scale_y]]
    )


def mask_to_source(mask: Mask) -> Floats:
    """2x3 matrix from the mask's pixels to the source's."""
    height, width = mask.probability.shape
    return box_to_source(mask.edges_px, (width, height))


def mask_box(mask: Mask, size_px: tuple[int, int]) -> Region | None:
    """The part of a picture of ``size_px`` around the person of ``mask``, with even corners; None if there is none."""
    x, y, across, down = cv2.boundingRect(cv2.compare(mask.probability, LEAST_LEVEL, cv2.CMP_GE))
    if across == 0:
        return None
    corners = np.array([[x - 0.5, y - 0.5], [x + across - 0.5, y + down - 0.5]])
    low, high = affine.apply(mask_to_source(mask), corners)
    margin = BOX_MARGIN * (high[1] - low[1])
    x0, y0 = (max(int((edge - margin) // 2) * 2, 0) for edge in low)
    x1, y1 = (min(-int(-(edge + margin) // 2) * 2, size) for edge, size in zip(high, size_px, strict=True))
    return Region(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None
