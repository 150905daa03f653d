"""Which point of the body is the anchor, and what stands in for it, without a jump, where it is not seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor import gaps
from tasks.maths.anchor.anchor import NOTHING, Anchor, hip_centre
from tasks.maths.body.landmarks import HEAD, NAMES, SHOULDERS, PoseTrack

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

EDGE: Final = 0.02  # of the picture's size: a landmark farther outside is the model's guess
SELDOM: Final = 0.34  # of the frames with a person: hips seen in fewer are mostly guesses at the picture's edge


@dataclass(frozen=True)
class Choice:
    """The anchor of a clip and, where the program chose the point, why."""

    anchor: Anchor
    point: str
    why: str


def inside(track: PoseTrack, size_px: tuple[int, int]) -> PoseTrack:
    """The same track with the visibility of landmarks outside the picture at 0: those are guesses, however sure."""
    limit = np.array(size_px, dtype=np.float64)
    low, high = -EDGE * limit, (1 + EDGE) * limit
    out = ((track.xy_px < low) | (track.xy_px > high)).any(axis=2)  # NaN compares as False
    return PoseTrack(track.time_s, track.xy_px, track.z, np.where(out, 0.0, track.visibility), track.presence)


def choose_anchor(
    track: PoseTrack,
    point: str,
    *,
    min_confidence: float,
    weighted: bool,
    landmarks: Mapping[str, float] | None = None,
    mask: Anchor | None = None,
) -> Choice:
    """The anchor for ``point``: hips, shoulders, torso, head, or auto; ``landmarks`` (name: weight) goes before it.

    auto is the hips, or the shoulders in a clip that shows the hips in less than a third of its frames; where its point
    is missing, the next of hips, shoulders, head and ``mask`` (the middle of the person's mask) that is seen stands in.
    The others are themselves only.
    """
    if landmarks:
        return Choice(mean_of(track, landmarks, "landmarks", min_confidence), "landmarks", "")
    hips = hip_centre(track, min_confidence=min_confidence, weighted=weighted)
    shoulders = mean_of(track, _even(SHOULDERS), "shoulders", min_confidence)
    if point == "hips":
        return Choice(hips, point, "")
    if point == "shoulders":
        return Choice(shoulders, point, "")
    head = mean_of(track, _even(HEAD), "head", min_confidence)
    if point == "head":
        return Choice(head, point, "")
    if point == "torso":
        middle = Anchor((hips.xy_px + shoulders.xy_px) / 2, (hips.confidence + shoulders.confidence) / 2, hips.source)
        seen = np.isfinite(middle.xy_px).all(axis=1)
        return Choice(Anchor(middle.xy_px, middle.confidence, np.where(seen, "torso", NOTHING)), point, "")
    return _by_itself(track, {"hips": hips, "shoulders": shoulders, "head": head} | ({"mask": mask} if mask else {}))


def _by_itself(track: PoseTrack, parts: Mapping[str, Anchor]) -> Choice:
    people = int(track.found.sum())
    counts = {name: int(np.isfinite(part.xy_px).all(axis=1).sum()) for name, part in parts.items()}
    if counts["hips"] >= max(1.0, SELDOM * people):
        return Choice(joined(track.time_s, list(parts.values())), "hips", "")
    first = next((name for name in parts if name != "hips" and counts[name]), "head")
    order = [first, *(name for name in parts if name not in (first, "hips")), "hips"]
    why = f"the hips are seen in {counts['hips']} of the {people} frames with a person: locked on the {first}"
    return Choice(joined(track.time_s, [parts[name] for name in order]), first, why)


def _even(points: Sequence[int]) -> dict[str, float]:
    return {NAMES[index]: 1.0 for index in points}


def mean_of(track: PoseTrack, landmarks: Mapping[str, float], name: str, min_confidence: float) -> Anchor:
    """The weighted mean of named landmarks, in the frames in which every one of them is seen."""
    rows = [NAMES.index(landmark) for landmark in landmarks]
    weight = np.array(list(landmarks.values()), dtype=np.float64)
    visibility = track.visibility[:, rows]
    points = track.xy_px[:, rows]
    seen = (np.isfinite(points).all(axis=2) & (visibility >= min_confidence)).all(axis=1)
    centre = np.einsum("k,nkj->nj", weight / weight.sum(), points)
    centre[~seen] = np.nan
    return Anchor(centre, np.where(seen, visibility.mean(axis=1), np.nan), np.where(seen, name, NOTHING))


def joined(time_s: Floats, anchors: Sequence[Anchor]) -> Anchor:
    """The first anchor where it is seen, elsewhere the next one plus the vector that leads from it to the first.

    That vector is learnt where both are seen and runs in a straight line over time between, as in ``hip_centre``; so
    nothing jumps where they change. One that is never seen together with what stands before it cannot stand in.
    """
    first = anchors[0]
    path, confidence, source = first.xy_px.copy(), first.confidence.copy(), first.source.astype(object)
    for other in anchors[1:]:
        have, can = np.isfinite(path).all(axis=1), np.isfinite(other.xy_px).all(axis=1)
        if not (have & can).any():
            continue
        vector, _ = gaps.fill(time_s, np.where((have & can)[:, None], path - other.xy_px, np.nan), interpolate=True)
        lent = can & ~have
        path[lent] = (other.xy_px + vector)[lent]
        confidence[lent] = other.confidence[lent]
        source[lent] = other.source[lent]
    return Anchor(path, confidence, source.astype(str))
