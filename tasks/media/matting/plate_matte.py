"""Opacity of a person from the difference between a picture and its clean plate, near the edge of the mask.

The mask says roughly where the person is. How much the person and the background differ from the plate is learned on
both sides of the mask's edge. Where the difference separates them, it decides; elsewhere the mask decides.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Singles
from tasks.maths.path import affine
from tasks.media.matting.missed_parts import MissedParts
from tasks.media.matting.mixed_edge import mixed_edge
from tasks.media.matting.other_people import frame_share
from tasks.media.matting.plate_differences import FEET_ROWS, MOST_EVIDENCE, PlateDifferences, difference_places
from tasks.media.planes.layout import PixelLayout, Plane
from tasks.media.planes.region import Region
from tasks.media.scene.clean_part import CleanPart
from tasks.media.scene.people_mask import scaling

# Where no source stands beside a value, it is a choice. Half and double of each, but for DECIDED, FAR_LEVELS and
# those of the flow and of small persons, were tried alone on the first walker of ``tests.benchmarks.cutouts``: IoU
# 0.974, edge 0.40 px. They become 0.970 and 0.49 px with half of COMPARED_ROWS, 0.970 and 0.46 px with double of
# LIKE_LEVELS, 0.972 and 0.43 px with half of REACH, and 0.975 and 0.38 px with half of LIKE_LEVELS or of MOST_PRIOR.
# All others change them by 0.001 and 0.04 px at most. No filmed person was tried.
COMPARED_ROWS: Final = 400  # about as many rows of a person are compared; taller people are reduced
REACH: Final = 0.035  # of the part's height: how far from the mask's edge the plate may decide
LEAST_REACH_PX: Final = 3.0  # the same for a small person
RING: Final = 2.5  # times that distance: the background is learned up to there
SHADOW: Final = 0.6  # of the background's brightness, that a shadow under the feet leaves at least
SHADOW_HUE: Final = 6  # levels by which it may change a colour difference
MOST_PRIOR: Final = 2.0  # natural logarithm of odds, of the mask: networks are too sure at edges
SURELY: Final = 200  # of 255, of what the mask missed, from which it is the person's
POSSIBLY: Final = 20  # the same, from which the plate decides
EVIDENCE_BLUR_PX: Final = 1.2  # standard deviation: single pixels are noise
NEIGHBOUR_WEIGHT: Final = 1.2  # of the frames before and after, whose odds are held to those of a mask
CONTRADICTED: Final = 2.1  # logarithm of odds of both neighbours that overrules a mask that is sure
MOVED_LEVELS: Final = 20.0  # difference of brightness between neighbours at which one counts 0.6 times
FLOW_STEP_PX: Final = 2  # the motion from frame to frame is looked for on every second pixel
LEAST_FLOW_PX: Final = 24  # shortest side of the picture on which motion is looked for
DECIDED: Final = 8.0  # logarithm of odds beyond the reach of the plate
LEAST_PIECE: Final = 0.02  # of the largest piece; smaller ones are no part of a person
CORE_SHARE: Final = 0.9  # of the reach: depth in the mask from which a colour counts as the person's
FAR_LEVELS: Final = 255.0  # difference from the person's colours where none of them is near
LIKE_LEVELS: Final = 8.0  # difference at which two colours are told apart by half
DIRECTIONS: Final = 12  # in which the person's colours are looked up, near and far
CORE_EVIDENCE: Final = 1.0  # logarithm of odds, by the plate: inside the mask such a colour counts as the person's too
EDGE_SHARE: Final = 0.006  # of the part's height: half width of the edge in which pixels may be mixed
LEAST_EDGE_PX: Final = 3  # the same for a small person


class _Small(NamedTuple):
    """A part of a picture and its plate, reduced in size and to 8 bits: planes (h, w)."""

    picture: list[Bytes]
    plate: list[Bytes]


class Compared(NamedTuple):
    """A frame compared with its plate, reduced in size."""

    small: _Small
    odds: Singles  # (h, w) logarithm of the odds that a pixel is the person's, by mask and plate
    depth: Singles  # (h, w) to be added to them, for the distance from the mask's edge
    far: NDArray[np.int8]  # (h, w) 1 deep in the mask, -1 far outside, 0 near its edge
    told_apart: Singles  # (h, w) see ``_told_apart``
    box: Region


# A frame next to this one, and (2,) how far the person moved since, px.
Neighbour = tuple[Compared, NDArray[np.float64]]


def compared_size(box: Region) -> tuple[int, int]:
    """(width, height) in which the part of a frame over ``box`` is compared with its plate."""
    wide, high = box.size_px
    step = max(round(high / COMPARED_ROWS), 1)
    return -(-wide // step), -(-high // step)


class PlateMatte:
    """Finds the opacity of the person in each frame of a clip, in order."""

    def __init__(self, layout: PixelLayout, rate_hz: float) -> None:
        self._layout = layout
        self._learned = PlateDifferences(frame_share(rate_hz))

    def compare(
        self, picture: Sequence[Plane], clean: CleanPart, prior: Bytes, missed: MissedParts | None = None
    ) -> Compared:
        """What a frame shows against its plate, over ``clean.box``; asked for each frame, in order.

        ``picture`` has the frame's planes there, ``prior`` (h, w) of ``compared_size`` the person's probability * 255.
        What the mask ``missed`` counts as the person. At the soft edge of that the plate alone decides.
        """
        wh = compared_size(clean.box)
        small = _Small(*(_reduced(planes, self._layout.depth, wh) for planes in (picture, clean.planes)))
        seen = np.asarray(cv2.resize(clean.seen.view(np.uint8), wh, interpolation=cv2.INTER_NEAREST) > 0)
        reach = max(REACH * wh[1], LEAST_REACH_PX)
        shown = (prior > 127).astype(np.uint8)
        within, without = (cv2.distanceTransform(part, cv2.DIST_L2, 3) for part in (shown, 1 - shown))
        place = difference_places(small.picture, small.plate)
        joined = np.zeros(wh[::-1], np.uint8) if missed is None else missed.over(clean.box, wh)
        beside = joined > POSSIBLY
        self._learned.learn(
            place, (within > reach) & seen, (without > reach) & (without <= RING * reach) & seen & ~beside
        )
        evidence = self._learned.evidence(place)
        _without_shadow(evidence, small, shown, max(round(reach), 1))
        core = (within > CORE_SHARE * reach) | ((evidence > CORE_EVIDENCE) & (within > 0) & seen)
        told_apart = _told_apart(small, core.astype(np.uint8), reach)
        against = cv2.multiply(cv2.min(evidence, 0.0), told_apart)
        evidence = np.asarray(cv2.add(cv2.max(evidence, 0.0), against), np.float32)
        if not seen.all():
            evidence[~seen] = 0
        depth = np.minimum(np.maximum(within, without) / np.float32(reach), 1)  # the mask is surer away from its edge
        known = np.asarray(cv2.LUT(prior, _PRIOR), np.float32)
        odds: Singles = known + cv2.GaussianBlur(evidence, (0, 0), EVIDENCE_BLUR_PX)
        far = (within > reach).astype(np.int8) - (without > reach)
        depth *= known
        if missed is not None:
            beside &= shown == 0
            odds[beside] -= known[beside]
            odds[joined > SURELY] += MOST_EVIDENCE
            depth[beside] = 0
            far[beside] = 0
        return Compared(small, odds, depth, far, told_apart, clean.box)

    def opacity(self, picture: Sequence[Plane], clean: CleanPart, now: Compared, near: Sequence[Neighbour]) -> Bytes:
        """Opacity (h, w), * 255, over ``clean.box``; it means something where ``clean.seen`` is true.

        ``near`` are the frames before and after. What shows in this one alone, or lacks in it alone, is undone where
        the plate does not speak for it.
        """
        high, wide = picture[0].shape
        odds = _decided(now, [_moved_odds(there, now, step_px) for there, step_px in near])
        inside = (cv2.resize(odds, (wide, high), interpolation=cv2.INTER_LINEAR) > 0).view(np.uint8)
        edge_px = max(round(EDGE_SHARE * high), LEAST_EDGE_PX)
        full = [_eight_bits(plane, self._layout.depth) for plane in picture]
        behind = [_eight_bits(plane, self._layout.depth) for plane in clean.planes]
        return mixed_edge(full, behind, inside, now.small.picture, now.told_apart, edge_px)


def _moved_odds(there: Compared, now: Compared, step_px: NDArray[np.float64]) -> Singles:
    """What a neighbour adds to the odds (h, w) of ``now``, moved by the optical flow: each arm and leg by itself.

    It fades to 0 where the two pictures still differ, since something else shows there.
    """
    from_there, from_now = (
        affine.compose(
            affine.translation(np.array(part.box[:2], np.float64)),
            affine.invert(scaling(part.box.size_px, (part.odds.shape[1], part.odds.shape[0]))),
        )
        for part in (there, now)
    )
    to_there = affine.compose(affine.invert(from_there), affine.compose(affine.translation(-step_px), from_now))
    picture, before = now.small.picture[0], there.small.picture[0]
    at = _places_in_neighbour(picture, before, to_there)
    moved, shows = (
        cv2.remap(plane, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE) for plane in (there.odds, before)
    )
    np.clip(moved, -MOST_PRIOR, MOST_PRIOR, out=moved)
    return np.asarray(cv2.multiply(moved, cv2.LUT(cv2.absdiff(shows, picture), _ALIKE_WEIGHT)), np.float32)


def _places_in_neighbour(picture: Bytes, neighbour: Bytes, to_neighbour: NDArray[np.float64]) -> Singles:
    """Where (h, w, 2), x and y, each pixel of a ``picture`` (h, w) lies in its ``neighbour``.

    ``to_neighbour`` (2, 3) holds the body; dense inverse search (Kroeger 2016) finds how its parts move beside that.
    """
    high, wide = picture.shape
    few = np.ascontiguousarray(picture[::FLOW_STEP_PX, ::FLOW_STEP_PX])
    wh, step = few.shape[::-1], float(FLOW_STEP_PX)
    flags, spread = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, np.diag([step, step, 1.0])[:2]
    flow, to_held = np.zeros((*few.shape, 2), np.float32), affine.compose(to_neighbour, spread)
    if min(few.shape) >= LEAST_FLOW_PX:  # of a smaller person no limb is told apart
        held = cv2.warpAffine(neighbour, to_held, wh, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
        search.setFinestScale(1)
        flow = np.asarray(search.calc(few, held, flow), np.float32)
    rows, columns = np.arange(wh[1], dtype=np.float32)[:, None], np.arange(wh[0], dtype=np.float32)
    off = np.float32((step - 1) / (2 * step))  # between the middles of enlarged pixels and of those that were compared
    flow[..., 0] += columns + off
    flow[..., 1] += rows + off
    at = cv2.transform(flow, to_held.astype(np.float32))
    enlarged = cv2.resize(at, (wh[0] * FLOW_STEP_PX, wh[1] * FLOW_STEP_PX), interpolation=cv2.INTER_LINEAR)
    return np.asarray(enlarged[:high, :wide], np.float32)


def _decided(now: Compared, near: Sequence[Singles]) -> Singles:
    """The odds (h, w) of a frame together with those of its neighbours, without separate small pieces."""
    odds, far = now.odds + now.depth, now.far
    if len(near) == 2:  # both may contradict what the mask is sure of
        against, beside = cv2.max(*near) < -CONTRADICTED, cv2.min(*near) > CONTRADICTED
        contradicted = (against & (now.depth > 0)) | (beside & (now.depth < 0))
        odds[contradicted] = now.odds[contradicted]
        far = np.where(contradicted, 0, far)
    for there in near:
        odds += there
    odds[far > 0] = DECIDED
    odds[far < 0] = -DECIDED
    count, number = cv2.connectedComponents((odds > 0).view(np.uint8), ltype=cv2.CV_16U)
    if count > 2:  # few frames have such pieces, and to count every piece's pixels takes longer than to find it
        sizes = np.bincount(number.ravel(), minlength=count)
        small_piece = sizes < LEAST_PIECE * sizes[1:].max()
        odds[small_piece[number]] = -DECIDED
    return odds


def _told_apart(small: _Small, core: Bytes, reach: float) -> Singles:
    """How far (h, w), 0..1, the person nearby, ``core`` (h, w) 1 or 0, differs from the plate; 1 where nobody is near.

    What looks like the plate may still be the person where something of the person nearby looks like it too.
    """
    picture, plate = ([np.ascontiguousarray(plane[::2, ::2]) for plane in planes] for planes in small)
    shape, core = core.shape, core[::2, ::2]
    radius = max(round(reach / 2), 1)
    rows, columns = core.shape
    beside, *around = [
        cv2.copyMakeBorder(plane, radius, radius, radius, radius, cv2.BORDER_CONSTANT, value=0)
        for plane in (core, *picture)
    ]
    away_from_core = np.where(beside == 0, np.float32(FAR_LEVELS**2), np.float32(0))
    least = np.full(core.shape, FAR_LEVELS**2, np.float32)
    for number, (right, down) in enumerate(_WAYS):
        away = radius if number % 2 else radius / 2
        x, y = radius + round(away * right), radius + round(away * down)
        there = np.s_[y : y + rows, x : x + columns]
        apart = away_from_core[there].copy()
        for its, here in zip(around, plate, strict=True):
            cv2.accumulateSquare(cv2.absdiff(its[there], here), apart)  # beside the core it is far, or farther
        cv2.min(least, apart, dst=least)
    told = least / (least + np.float32(LIKE_LEVELS**2))
    return np.asarray(cv2.resize(told, shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def _without_shadow(evidence: Singles, small: _Small, shown: Bytes, reach_px: int) -> None:
    """Take back what speaks for the person (h, w) under the feet of what is ``shown`` (h, w), where a shadow may lie.

    A shadow is the background, darker by a part and of the same colour.
    """
    first = round(FEET_ROWS[0] * len(shown))
    if first == len(shown):
        return  # a person of one row has no feet
    rows, body = np.s_[first:], shown[max(first - reach_px, 0) :]
    up = np.ones((reach_px + 1, 1), np.uint8)
    under = cv2.dilate(body, up, anchor=(0, reach_px))[-len(shown[rows]) :] > shown[rows]
    pairs = [(now[rows], plate[rows]) for now, plate in zip(small.picture, small.plate, strict=True)]
    (light, before), *colours = pairs
    shaded = under & (light < before) & (light > SHADOW * before)
    for now, plate in colours:
        shaded &= cv2.absdiff(now, plate) <= SHADOW_HUE
    part = evidence[rows]
    part[shaded] = np.minimum(part[shaded], 0)


def _eight_bits(plane: Plane, depth: int) -> Bytes:
    return plane if depth == 8 else np.right_shift(plane, depth - 8).astype(np.uint8)


def _reduced(planes: Sequence[Plane], depth: int, wh: tuple[int, int]) -> list[Bytes]:
    """The planes in 8 bits and at one size, without the finest noise."""
    parts = []
    for plane in planes:
        part = _eight_bits(plane, depth)
        if part.shape == wh[::-1]:
            part = np.asarray(cv2.blur(part, (3, 3)), np.uint8)
        shrinks = part.shape[0] > wh[1]
        parts.append(
            np.asarray(cv2.resize(part, wh, interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR), np.uint8)
        )
    return parts


def _priors() -> Singles:
    share = np.clip(np.arange(256) / 255, 1e-3, 1 - 1e-3)
    return np.asarray(np.clip(np.log(share / (1 - share)), -MOST_PRIOR, MOST_PRIOR), np.float32)


_WAYS: Final = [
    (float(np.cos(angle)), float(np.sin(angle))) for angle in 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
]
_ALIKE_WEIGHT: Final = np.float32(NEIGHBOUR_WEIGHT) * np.exp(-0.5 * (np.arange(256) / MOVED_LEVELS) ** 2).astype(
    np.float32
)
_PRIOR: Final = _priors()
