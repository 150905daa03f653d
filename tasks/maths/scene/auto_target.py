"""Where in the output the person is held by ``target=auto``: at the centre, moved only as far as needed.

It is moved for two reasons. What the source shows of the person stays in the output, the head before all else. And an
edge of the picture that cuts the person in the source is not pulled into the output.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import HIPS, LEFT_ANKLE, LEFT_KNEE, RIGHT_ANKLE, RIGHT_KNEE, SHOULDERS, PoseTrack
from tasks.maths.body.person_height import head_boxes
from tasks.maths.metrics.lock_metrics import shown_boxes, visible_boxes

Size = tuple[int, int]
Extent = tuple[float, float]  # width and height of a picture in scaled pixels
Range = tuple[float, float]

BEYOND: Final = 0.01  # of the picture's size: a landmark that lies farther outside is cut off
MOSTLY: Final = 0.5  # of the frames with a person: an edge that cuts them in more does so for good
HEAD_MARGIN_SHARE: Final = 0.01  # of the output's size: left free about a head, for what smoothing leaves
OUTLIERS: Final = 1.0  # percent of the frames on each side that do not count for the body
LEAST_MOVED_PX: Final = 0.5  # a limit that would move the target by less is not applied

LEGS: Final = (*HIPS, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE)
TRUNK: Final = (*SHOULDERS, *HIPS)
SIDES: Final = (("left", "right"), ("upper", "lower"))


@dataclass(frozen=True)
class ChosenTarget:
    """Where the person is held, in pixels of the output, and why, in a few words."""

    xy_px: tuple[float, float]
    why: str


def target_by_word(
    word: str,
    pose: PoseTrack,
    anchor_px: Floats,
    source_px: Size,
    output_px: Extent,
    zoom: float = 1.0,
    pixel_aspect: float = 1.0,
) -> ChosenTarget:
    """The target ``auto`` or ``natural`` in an output of ``output_px`` that shows the source enlarged by ``zoom``.

    ``anchor_px`` (n, 2) is the anchor in the source, NaN where it is not seen. ``pixel_aspect`` is a pixel's width /
    height.
    """

    def enlarged(points: Floats) -> Floats:
        return np.asarray((points + 0.5) * zoom - 0.5)

    enlarged_px = (source_px[0] * zoom, source_px[1] * zoom)
    if word == "natural":
        return ChosenTarget(natural_target(enlarged(anchor_px), enlarged_px, output_px), "")
    heads = head_boxes(pose.xy_px, pose.visibility, pixel_aspect)
    boxes = visible_boxes(pose.xy_px, pose.visibility)
    bodies = np.concatenate([np.fmin(boxes[:, :2], heads[:, :2]), np.fmax(boxes[:, 2:], heads[:, 2:])], axis=1)
    cut = cut_edges(pose.xy_px, heads, source_px)
    return choose_target(enlarged(anchor_px), enlarged(bodies), enlarged(heads), cut, enlarged_px, output_px)


def cut_edges(xy_px: Floats, heads: Floats, size_px: Size) -> Flags:
    """Whether the picture's left, upper, right and lower edge cuts the person, (n, 4), from landmarks (n, 33, 2)."""
    (width, height), trunk, legs = size_px, xy_px[:, list(TRUNK)], xy_px[:, list(LEGS)]
    left = (trunk[..., 0] < -BEYOND * width).any(axis=1)
    right = (trunk[..., 0] > (1 + BEYOND) * width).any(axis=1)
    upper = heads[:, 1] < -BEYOND * height
    lower = (legs[..., 1] > (1 + BEYOND) * height).any(axis=1)
    return np.stack([left, upper, right, lower], axis=1)


def choose_target(
    anchor_px: Floats, bodies: Floats, heads: Floats, cut: Flags, source_px: Extent, output_px: Extent
) -> ChosenTarget:
    """The target for an anchor path (n, 2) in the source, NaN where it is not seen.

    ``bodies`` and ``heads`` (n, 4) are boxes in the source, NaN where there is none, and ``cut`` (n, 4) says whether
    the left, upper, right or lower edge cuts the person.
    """
    centre = (np.array(output_px) - 1) / 2
    present = np.isfinite(anchor_px).all(axis=1) & np.isfinite(bodies).all(axis=1)
    if not present.any():
        return ChosenTarget((float(centre[0]), float(centre[1])), "")
    anchor, body, head = anchor_px[present], shown_boxes(bodies[present], source_px), heads[present]
    head = shown_boxes(head, source_px)
    often = cut[present].mean(axis=0) >= MOSTLY
    places, reasons = [], []
    for axis in (0, 1):
        sides, ends = [axis, axis + 2], (output_px[axis], source_px[axis])
        limits = (
            _body_range(anchor[:, axis], body[:, sides], often[sides], ends[0]),
            _edge_range(anchor[:, axis], cut[present][:, sides], often[sides], ends),
            _head_range(anchor[:, axis], head[:, sides], ends[0]),
        )
        at, why = _moved(float(centre[axis]), limits, SIDES[axis])
        places.append(float(np.clip(at, 0, ends[0] - 1)))
        reasons.append(why)
    return ChosenTarget((places[0], places[1]), _told(np.array(places) - centre, reasons))


def _moved(centre: float, limits: Sequence[Range], sides: tuple[str, str]) -> tuple[float, str]:
    """The place nearest to the centre within the limits, the last of which counts most, and what moved it there."""
    at, why = centre, ""
    for (low, high), reason in zip(limits, ("the person stays whole", "", "the head stays whole"), strict=True):
        moved = (low + high) / 2 if low > high else float(np.clip(at, low, high))
        if abs(moved - at) >= LEAST_MOVED_PX:
            edge = sides[int(moved > at)]
            why = reason or f"the {edge} edge, which cuts the person, stays outside"
            at = moved
    return at, why


def natural_target(anchor_px: Floats, source_px: Extent, output_px: Extent) -> tuple[float, float]:
    """X at the output's centre, y where the person is on the mean: so no strip stays without picture for ever.

    ``anchor_px`` is (n, 2), NaN where it is not seen; without any it is the centre.
    """
    x, y = ((length - 1) / 2 for length in output_px)
    seen_y = anchor_px[np.isfinite(anchor_px).all(axis=1), 1]
    if not len(seen_y):
        return x, y
    mean, room = float(seen_y.mean()), source_px[1] - output_px[1]
    return x, float(np.clip(np.clip(y, mean - max(room, 0), mean), 0, output_px[1] - 1))


def head_cut(heads: Floats, to_output: Floats, source_px: Size, output_px: Size) -> float:
    """Share of the frames with a head that the source shows in which the output shows less of it; NaN without one.

    ``heads`` is (n, 4), ``to_output`` (n, 2, 3). Less than a hundredth of the picture's height does not count.
    """
    shown = shown_boxes(heads, source_px)
    known = np.isfinite(shown).all(axis=1)
    if not known.any():
        return float("nan")
    corners = shown[known][:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    moved = np.einsum("nij,nkj->nki", to_output[known, :, :2], corners) + to_output[known, None, :, 2]
    free_px = BEYOND * output_px[1]
    low, high = -0.5 - free_px, np.array(output_px) - 0.5 + free_px
    return float(np.mean(~((moved >= low) & (moved <= high)).all(axis=(1, 2))))


def _body_range(anchor: Floats, edges: Floats, often: Flags, size: float) -> Range:
    """Targets at which the shown part of the person, from ``edges`` (n, 2), stays in the output."""
    known = np.isfinite(edges).all(axis=1)
    if not known.any():
        return -np.inf, np.inf
    before, after = anchor[known] - edges[known, 0], edges[known, 1] - anchor[known]
    low = -np.inf if often[0] else float(np.percentile(before, 100 - OUTLIERS)) - 0.5
    high = np.inf if often[1] else size - 0.5 - float(np.percentile(after, 100 - OUTLIERS))
    return low, high


def _edge_range(anchor: Floats, cut: Flags, often: Flags, ends: Extent) -> Range:
    """Targets at which edges that mostly cut the person stay outside; ``ends``: the output's and the source's size."""
    (size, source), low, high = ends, -np.inf, np.inf
    if often[0]:  # the source's first pixel stays at or before the output's
        high = float(anchor[cut[:, 0]].min())
    if often[1]:
        low = size - source + float(anchor[cut[:, 1]].max())
    return low, high


def _head_range(anchor: Floats, edges: Floats, size: float) -> Range:
    """Targets at which the shown part of the head stays in the output in every frame."""
    known = np.isfinite(edges).all(axis=1)
    if not known.any():
        return -np.inf, np.inf
    free = HEAD_MARGIN_SHARE * size
    low = float((anchor[known] - edges[known, 0]).max()) - 0.5 + free
    high = size - 0.5 - float((edges[known, 1] - anchor[known]).max()) - free
    return low, high


def _told(moved: Floats, reasons: list[str]) -> str:
    """What was chosen and why, in one short line; empty for the centre."""
    parts = []
    for axis, (before, after) in enumerate((("left of", "right of"), ("above", "below"))):
        if reasons[axis]:
            parts.append(
                f"{abs(moved[axis]):.0f} px {after if moved[axis] > 0 else before} the centre: {reasons[axis]}"
            )
    return "; ".join(parts)
