"""Find parts of a person that the masks miss, such as a leg that swings back, by comparison with the clean plate.

Every few pixels are compared, as far from the mask as the models looked. A part has to touch the person and to differ
from the plate. It may not look like a shadow, which is darker in the same hue, nor like light where the plate has a
shadow, nor like something that only the plate shows. Constants were measured on the six sample clips with a person: on
a treadmill, on a stage, in a laboratory, in a gym with a moving camera, outdoors against the sun, sitting.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np

from tasks.maths.arrays import Bytes, Flags
from tasks.maths.path import affine
from tasks.media.matting.joined_limbs import DIFFERS_CHROMA, DIFFERS_LUMA, limbs_between
from tasks.media.planes.chroma import sample_spacing
from tasks.media.planes.layout import PixelLayout, Plane, Planes
from tasks.media.planes.region import Region
from tasks.media.scene.clean_part import CleanPart
from tasks.media.scene.people_mask import scaling

# Heights are those of the part of the picture that is compared, unless another is named.
COMPARED_ROWS: Final = 100  # about as many rows of the person's box are compared
AROUND: Final = (0.3, 0.1)  # of the height of the person's box: how far beyond it parts are looked for, x and y
LIGHTER_CHROMA: Final = 8.0  # the same: a lighter place that differs by less may lie in the shade in the plate
SHADES: Final = (0.2, 2.5)  # times the plate's brightness, between which light and shadow may explain a difference
PALER: Final = 0.5  # times a shadow's brightness (as a share of the plate's): its colour is at least as strong
DEEPER: Final = 1.2  # times the strength of the plate's colour: a shadow's is at most as strong
BLACK: Final = 16.0  # level of black
LEAST_BRIGHT: Final = 4.0  # levels added to brightness, so that noise in the dark makes no large ratio
HALF_SEEN: Final = 30  # of 255: probability from which a place is the person's though it looks like a shadow
NOISY_LEVELS: Final = 8.0  # median difference outside the mask, from which the plate is not trusted here
REACH: Final = 0.032  # of the height: up to here from the mask's edge the plate decides anyway
LEAST_PART: Final = 0.006  # of the person's area: the smallest part, its thin pieces left out
MOST_PART: Final = 0.3  # the same: the largest part
MOST_ELSE: Final = 0.4  # of the person's area: where more than that differs, the background moves
GAP: Final = 0.014  # of the height: between pieces of one part; twice that may lie between it and the person
UNSEEN_REACH: Final = 0.14  # the same: how far a place that no other frame saw may link a part with the person
UNSEEN_TIMES: Final = 2.0  # times these levels, by which a place differs that no other frame saw: its plate is a guess
LIKE_CHROMA: Final = 7.0  # levels: a place that no other frame saw goes on from a part whose colour differs by less
RECENT: Final = 0.05  # of the height: how far a part moves from frame to frame, beside the person
SHADOW_RIM: Final = 0.6  # share of a part's rim that looks like a shadow, from which the part is a shadow too
CONTRAST: Final = 2.0  # a part stands out from its surroundings by at least this times as much as the plate does there
LEAST_CONTRAST: Final = 1.7  # and by at least this, in ``DIFFERS_LUMA`` and ``DIFFERS_CHROMA``, all planes together
LEAST_APART: Final = 0.01  # of the person's area: a piece of the mask that lies apart and is as large is joined
RIM_PX: Final = 2  # on each side of a part's edge: there its colours are compared with those beside it
MARGIN: Final = 3  # around a part, in what is compared
_SQUARE: Final = np.ones((3, 3), np.uint8)


class RecentParts(NamedTuple):
    """Such parts of the frame before, moved with the person."""

    cores: Bytes  # (h, w), not 0 there
    chroma: tuple[Bytes, Bytes]  # (h, w) both planes


class MissedParts(NamedTuple):
    """What belongs to the person beside the mask."""

    parts: Bytes  # (h, w), 255 there, with a soft edge: one pixel for ``step_px`` source pixels of ``box`` on each axis
    cores: Bytes  # (h, w), 255 there, without what joins them with the person
    chroma: tuple[Bytes, Bytes]  # (h, w) both planes of what is compared
    box: Region
    step_px: int

    def box_with(self, box: Region) -> Region:
        """``box`` together with all of it and a margin, with even corners."""
        x, y, across, down = cv2.boundingRect(self.parts)
        step, around = self.step_px, self.box
        return Region(
            min(box.x0, max(around.x0 + (x - MARGIN) * step, around.x0)),
            min(box.y0, max(around.y0 + (y - MARGIN) * step, around.y0)),
            max(box.x1, min(around.x0 + (x + across + MARGIN) * step, around.x1)),
            max(box.y1, min(around.y0 + (y + down + MARGIN) * step, around.y1)),
        )

    def over(self, box: Region, wh: tuple[int, int]) -> Bytes:
        """All of it over another ``box``, (h, w) of size ``wh``; at its edge between 0 and 255."""
        return self._moved(self.parts, box, wh)

    def as_recent(self, box: Region, wh: tuple[int, int]) -> RecentParts:
        """The parts over another ``box``, in arrays (h, w) of size ``wh``."""
        u, v = self.chroma
        return RecentParts(self._moved(self.cores, box, wh), (self._moved(u, box, wh), self._moved(v, box, wh)))

    def _moved(self, plane: Bytes, box: Region, wh: tuple[int, int]) -> Bytes:
        corner = affine.translation(np.array(self.box[:2], np.float64) - box[:2])
        matrix = affine.compose(corner, np.diag([self.step_px, self.step_px, 1.0])[:2])
        return np.asarray(cv2.warpAffine(plane, affine.compose(scaling(box.size_px, wh), matrix), wh), np.uint8)


def step_for(box: Region) -> int:
    """Source pixels between two that are compared, an even number, for a person in ``box``."""
    return max(2 * round((box.y1 - box.y0) / (2 * COMPARED_ROWS)), 2)


def box_around(box: Region, edges_px: Sequence[float], size_px: tuple[int, int]) -> Region:
    """Where parts of the person in ``box`` are looked for: around it, within what a model was shown (``edges_px``)."""
    high = box.y1 - box.y0
    low, last = [], []
    for axis in (0, 1):
        reach, (start, end) = round(AROUND[axis] * high), (box[axis], box[axis + 2])
        low.append(min(start, max(start - reach, int(edges_px[axis]), 0)) // 2 * 2)
        last.append(max(end, min((end + reach) // 2 * 2, int(edges_px[axis + 2]) // 2 * 2, size_px[axis])))
    return Region(low[0], low[1], last[0], last[1])


def sparse_planes(planes: Sequence[Plane], layout: PixelLayout, step_px: int) -> Planes:
    """Each plane's sample at every ``step_px``-th luma pixel, an even number; 1 leaves the planes as they are."""
    if step_px == 1:
        return tuple(planes)
    few = []
    for index, plane in enumerate(planes):
        across, down = sample_spacing(layout, index)
        few.append(plane[:: step_px // down, :: step_px // across])
    return tuple(few)


def find_missed_parts(
    picture: Sequence[Plane],
    clean: CleanPart,
    prior: Bytes,
    step_px: int,
    layout: PixelLayout,
    width_px: int,
    recent: RecentParts | None = None,
) -> MissedParts | None:
    """What the mask ``prior`` (h, w), probability * 255, misses; None if nothing.

    ``picture`` and ``clean`` are arrays (h, w) of every ``step_px``-th pixel of ``clean.box``, in a picture that is
    ``width_px`` wide. What goes on beyond the box, to the left or right, is taken for somebody else. Near the
    ``recent`` ones of the frame before, a part may lie where no other frame saw the background.
    """
    if layout.planes < 3:
        return None  # without colours a shadow is not told from a part
    shown, plate = (_luma_and_chroma(planes, layout) for planes in (picture, clean.planes))
    comparison = _compared(shown, plate, clean.seen, prior, recent=recent is not None)
    if comparison is None:
        return None
    parts = np.zeros_like(prior)
    count, number, stats, _ = cv2.connectedComponentsWithStats(_grown(comparison.differs, round(GAP * len(prior))))
    for piece in range(1, count):
        x, y, across, down = stats[piece, :4]
        if (x == 0 and clean.box.x0 > 0) or (x + across == prior.shape[1] and clean.box.x1 < width_px - 1):
            continue
        near = np.s_[max(y - RIM_PX, 0) : y + down + RIM_PX, max(x - RIM_PX, 0) : x + across + RIM_PX]
        part = (number[near] == piece) & (comparison.differs[near] > 0)
        if comparison.belongs(part, near):
            parts[near][part] = 255
    _add_unseen(comparison, parts, recent)
    if not parts.any() and len(comparison.pieces) == 1:
        return None
    cores, limbs = parts.copy(), limbs_between(shown, plate, clean.seen, comparison.inside, comparison.pieces)
    count, number, stats, _ = cv2.connectedComponentsWithStats(parts)
    for piece in range(1, count):
        if stats[piece, cv2.CC_STAT_AREA] >= LEAST_PART * comparison.area:
            limbs.join(parts, number == piece)
    for apart in comparison.pieces[1:]:
        limbs.join(parts, apart)
    if not parts.any():
        return None
    soft = np.asarray(cv2.blur(parts, (3, 3)), np.uint8)
    return MissedParts(soft, cores, (shown[1], shown[2]), clean.box, step_px)


class _Comparison(NamedTuple):
    """A picture beside its plate, of every few pixels. Arrays are (h, w)."""

    picture: list[Bytes]  # without the finest noise
    plate: list[Bytes]
    inside: Bytes  # 1 in the mask
    pieces: list[Flags]  # of the mask, the largest first; small ones are left out
    seen: Flags
    differs: Bytes  # 1 outside the mask where neither shadow nor light explains it
    unseen: Bytes  # 1 outside the mask where no other frame saw the background, and the picture differs even more
    thick: Flags  # the same, away from the mask's edge, without lines
    shaded: Flags  # where shadow or light would explain that it differs
    touches: Bytes  # 1 next to the person
    area: int  # of the person

    def belongs(self, part: Flags, near: tuple[slice, slice]) -> bool:
        """Whether a ``part`` of the window ``near`` is one of the person's."""
        if not LEAST_PART <= np.count_nonzero(part & self.thick[near]) / self.area <= MOST_PART:
            return False
        if not np.any(part & (self.touches[near] > 0)):
            return False
        around = (_grown(part.view(np.uint8), RIM_PX) > 0) & ~part & (self.inside[near] == 0)
        if np.count_nonzero(around & self.shaded[near]) > SHADOW_RIM * np.count_nonzero(around):
            return False
        rim = part & (cv2.erode(part.view(np.uint8), np.ones((2 * RIM_PX + 1,) * 2, np.uint8)) == 0)
        around &= self.differs[near] == 0
        if not around.any():
            return False
        shown, plate = (
            sum(
                abs(float(plane[near][rim].mean()) - float(plane[near][around].mean())) / levels
                for plane, levels in zip(planes, (DIFFERS_LUMA, DIFFERS_CHROMA, DIFFERS_CHROMA), strict=True)
            )
            for planes in (self.picture, self.plate)
        )
        return shown > max(CONTRAST * plate, LEAST_CONTRAST)


def _add_unseen(comparison: _Comparison, parts: Bytes, recent: RecentParts | None) -> None:
    """Add to ``parts`` (h, w) what goes on from them, or ``recent`` ones, where no other frame saw the background.

    It has the colour that they have there.
    """
    u, v = comparison.picture[1:]
    reach = max(round(RECENT * len(parts)), RIM_PX + 1)
    known = [(parts.copy(), (u, v), RIM_PX)] if parts.any() else []
    if recent is not None:
        known.append((recent.cores, recent.chroma, reach))
    if not known:
        return
    count, number, stats, _ = cv2.connectedComponentsWithStats(comparison.unseen)
    for piece in range(1, count):
        x, y, across, down, size = stats[piece]
        near = np.s_[max(y - reach, 0) : y + down + reach, max(x - reach, 0) : x + across + reach]
        part = number[near] == piece
        for cores, chroma, away in known:
            theirs = (cores[near] > 0) & (_grown(part.view(np.uint8), away) > 0)
            if size > MOST_PART * comparison.area or not theirs.any():
                continue
            pairs = zip((u, v), chroma, strict=True)
            apart = sum(abs(float(own[near][part].mean()) - float(its[near][theirs].mean())) for own, its in pairs)
            if apart < LIKE_CHROMA and (away == RIM_PX or comparison.belongs(part, near)):
                parts[near][part] = 255
                break


def _luma_and_chroma(planes: Sequence[Plane], layout: PixelLayout) -> list[Bytes]:
    """Three planes (h, w) of 8 bits, without the finest noise."""
    few = [plane if layout.depth == 8 else np.right_shift(plane, layout.depth - 8).astype(np.uint8) for plane in planes]
    if layout.is_rgb:
        green, blue, red = few
        few = list(cv2.split(cv2.cvtColor(cv2.merge([red, green, blue]), cv2.COLOR_RGB2YUV)))
    return [np.asarray(cv2.blur(plane, (3, 3)), np.uint8) for plane in few]


def _compared(shown: list[Bytes], plate: list[Bytes], seen: Flags, prior: Bytes, *, recent: bool) -> _Comparison | None:
    """Compare a picture with its plate; None where nothing is missed, or too much differs.

    With ``recent`` a part may also lie where no other frame saw the background.
    """
    inside = cv2.threshold(prior, 127, 1, cv2.THRESH_BINARY)[1]
    area = cv2.countNonZero(inside)
    off = [_beside(*pair) for pair in zip(shown, plate, strict=True)]
    apart = (off[0] > DIFFERS_LUMA) | (cv2.add(off[1], off[2]) > DIFFERS_CHROMA)
    apart &= seen & (inside == 0)
    count, number, stats, _ = cv2.connectedComponentsWithStats(inside)
    hidden = (off[0] > UNSEEN_TIMES * DIFFERS_LUMA) | (cv2.add(off[1], off[2]) > UNSEEN_TIMES * DIFFERS_CHROMA)
    hidden &= ~seen & (inside == 0)
    some = apart | hidden if recent else apart
    if area == 0 or (np.count_nonzero(some) < LEAST_PART * area and count == 2):
        return None
    shaded = np.zeros_like(apart)
    at = np.flatnonzero(apart & (prior < HALF_SEEN))
    shaded.flat[at] = _like_shade([plane.take(at) for plane in shown], [plane.take(at) for plane in plate])
    differs = _without_lines((apart & ~shaded).view(np.uint8), 2)
    guessed = _without_lines(hidden.view(np.uint8), 2)
    without = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 3)
    near = max(REACH * len(prior), 1.5)
    thick = (_without_lines(differs | guessed | inside, 3) > 0) & (without > near)
    most, beyond = np.count_nonzero(thick & seen) / area, seen & (without > near)
    least = np.count_nonzero(thick) / area if recent else most
    if (least < LEAST_PART and count == 2) or most > MOST_ELSE or not beyond.any():
        return None
    if np.median(cv2.absdiff(shown[0], plate[0])[beyond]) > NOISY_LEVELS:
        return None
    areas = stats[1:, cv2.CC_STAT_AREA]
    largest = 1 + int(np.argmax(areas))
    pieces = [number == largest]
    pieces += [number == at for at in 1 + np.flatnonzero(areas >= LEAST_APART * area) if at != largest]
    unseen = ~seen & (without <= UNSEEN_REACH * len(prior))
    _, number = cv2.connectedComponents(inside | unseen.view(np.uint8))
    held = np.zeros(int(number.max()) + 1, np.uint8)
    held[number[inside > 0]] = 1
    touches = _grown(held[number], round(2 * GAP * len(prior)))
    return _Comparison(shown, plate, inside, pieces, seen, differs, guessed, thick, shaded, touches, area)


def _beside(shown: Bytes, plate: Bytes) -> Bytes:
    """How far (h, w) a plane is from all that the plate shows next to a pixel: small shifts count for nothing."""
    more, less = cv2.subtract(shown, cv2.dilate(plate, _SQUARE)), cv2.subtract(cv2.erode(plate, _SQUARE), shown)
    return np.asarray(cv2.max(more, less), np.uint8)


def _like_shade(shown: Sequence[Bytes], plate: Sequence[Bytes]) -> Flags:
    """Which pixels (k,) may differ from the plate by light and shadow alone; luma and chroma of each.

    A shadow keeps the hue, and the colour may become as pale as the place becomes dark, and a bit paler.
    """
    luma, plate_luma = (np.maximum(planes[0].astype(np.float32) - BLACK, 0) + LEAST_BRIGHT for planes in (shown, plate))
    u, v, plate_u, plate_v = (plane.astype(np.float32) - 128 for plane in (*shown[1:], *plate[1:]))
    bright = luma / plate_luma
    share = (u * plate_u + v * plate_v) / np.maximum(plate_u * plate_u + plate_v * plate_v, 1)
    share = np.clip(share, np.minimum(bright, 1) * PALER, DEEPER)
    changed = np.abs(u - plate_u) + np.abs(v - plate_v)
    hue = np.minimum(np.abs(u - share * plate_u) + np.abs(v - share * plate_v), changed)
    alike = np.where(bright < 1, hue < DIFFERS_CHROMA, changed < LIGHTER_CHROMA)
    return np.asarray(alike & (bright > SHADES[0]) & (bright < SHADES[1]))


def _without_lines(flags: Bytes, wide: int) -> Bytes:
    """``flags`` (h, w), 1 or 0, without what is narrower than ``wide``."""
    kernel, last = np.ones((wide, wide), np.uint8), wide - 1
    return np.asarray(cv2.dilate(cv2.erode(flags, kernel, anchor=(last, last)), kernel, anchor=(0, 0)), np.uint8)


def _grown(flags: Bytes, reach: int) -> Bytes:
    return np.asarray(cv2.dilate(flags, np.ones((2 * reach + 1,) * 2, np.uint8)), np.uint8)
