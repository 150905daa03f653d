"""The anchor: the one point of the body that is held still. It is found in each frame, from landmarks or the mask."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.errors import counted
from tasks.maths.anchor import gaps
from tasks.maths.arrays import Flags, Floats, Labels, true_runs
from tasks.maths.body.landmarks import (
    FACE,
    HIPS,
    LANDMARK_COUNT,
    LANDMARK_NAMES,
    LEFT_HIP,
    RIGHT_HIP,
    SHOULDERS,
    PoseTrack,
    torso_length_px,
)
from tasks.maths.frame_times import odd_frames_in

SOURCE_HIPS: Final = "hips"
SOURCE_LEFT_HIP: Final = "left_hip"
SOURCE_RIGHT_HIP: Final = "right_hip"
SOURCE_MASK: Final = "mask"
SOURCE_HAND: Final = "hand"  # given by the user, as a correction
SOURCE_NONE: Final = "none"
OUTSIDE_MARGIN_OF_PICTURE: Final = 0.02  # share of the picture's size: a landmark further outside is the model's guess
TRUNK_AND_LEGS: Final = (*SHOULDERS, *range(LEFT_HIP, LANDMARK_COUNT))
# Of a body that a side of the picture cuts, the model moves what it cannot see into the picture, and the rest with it.
# Torso 100 px: of ten drawn walkers the hips are off by 5 to 10 px rms there, 3 px elsewhere. Of a filmed one they are
# off by 24 px where the edge cuts the torso, and by 20 px where it cuts a leg. 0.25 torsos include all these frames.
SIDE_MARGIN_TORSOS: Final = 0.25
USUAL_TORSO_S: Final = 1.0  # over which the median length of the torso is taken
# A torso that is longer than the person's by this factor, and became so from one pose to the next, is a mistake. In the
# somersault of ``tests.benchmarks.somersault``, begun at five times, right poses that are so long grew by up to 1.10 in
# one frame (1.18 in the mirrored clip), and wrong ones by 1.25 and 1.39. With 1.15 the anchor of the mirrored clip is
# off by 28 px instead of 12, with 1.25 that of one of the five by 35 px instead of 12.
STRETCHED_SHARE: Final = 1.2
LEAST_HIPS_SHARE: Final = 0.5  # share of the frames with a person: hips seen in fewer are mostly guesses
MASK_PERSON_LEVEL: Final = 128  # of 255: pixels from this probability on belong to the person
FEWEST_MASK_PIXELS: Final = 12  # a mask with fewer pixels shows nobody
MASK_CONFIDENCE: Final = 0.3  # as a visibility: low, since limbs swing in a mask and its edges flicker


@dataclass(frozen=True)
class Anchor:
    """The anchor of n frames in source pixels; NaN where it was not seen."""

    xy_px: Floats  # (n, 2)
    confidence: Floats  # (n,) mean visibility of the landmarks used
    source: Labels  # (n,) hips, left_hip, right_hip, shoulders, torso, head, mask, landmarks, hand, or none

    def part(self, frames: slice) -> "Anchor":
        """The anchor of some consecutive frames."""
        return Anchor(self.xy_px[frames], self.confidence[frames], self.source[frames])


def hip_anchor(track: PoseTrack, *, min_confidence: float, weighted: bool) -> Anchor:
    """The mean of the two hips, plain or weighted by visibility.

    A hip with a visibility below ``min_confidence`` is missing. Where one hip is missing, the centre is the other hip
    plus the vector from it to the centre, so that the anchor does not jump. This vector is measured in the frames that
    show both hips and interpolated linearly over time; before the first and after the last such frame the nearest one
    is used. In a clip that never shows both hips, the visible hip is the centre.
    """
    hips = track.xy_px[:, [LEFT_HIP, RIGHT_HIP]]
    visibility = track.visibility[:, [LEFT_HIP, RIGHT_HIP]]
    seen = np.isfinite(hips).all(axis=2) & (visibility >= min_confidence)  # NaN compares as False
    weight = np.where(seen, visibility if weighted else 1.0, 0.0)
    total_weight = weight.sum(axis=1, keepdims=True)
    share = np.divide(weight, total_weight, out=np.full_like(weight, 0.5), where=total_weight > 0)
    points = np.where(seen[..., None], hips, 0.0)
    both = np.all(seen, axis=1)
    centre = np.einsum("nk,nkj->nj", share, points)
    to_centre = _hip_to_centre_vectors(track.time_s, points, centre, both)
    single = seen.any(axis=1) & ~both
    seen_hip = np.argmax(seen, axis=1)
    rows = np.flatnonzero(single)
    centre[rows] = points[rows, seen_hip[rows]] + to_centre[rows, seen_hip[rows]]
    centre[~seen.any(axis=1)] = np.nan
    count = seen.sum(axis=1)
    visibility_sum = np.where(seen, visibility, 0.0).sum(axis=1)
    confidence = np.divide(visibility_sum, count, out=np.full(len(count), np.nan), where=count > 0)
    source = np.where(
        both, SOURCE_HIPS, np.where(single, np.where(seen_hip == 0, SOURCE_LEFT_HIP, SOURCE_RIGHT_HIP), SOURCE_NONE)
    )
    return Anchor(centre, confidence, source)


def _hip_to_centre_vectors(time_s: Floats, hips: Floats, centre: Floats, both: Flags) -> Floats:
    """Vectors (n, 2, 2) from each hip to the centre, known where ``both`` are seen and interpolated elsewhere."""
    if not both.any():
        return np.zeros_like(hips)
    vectors = np.where(both[:, None, None], centre[:, None] - hips, np.nan)
    filled, _ = gaps.fill_gaps(time_s, vectors.reshape(-1, 4), interpolate=True)
    return filled.reshape(-1, 2, 2)


@dataclass(frozen=True)
class AnchorChoice:
    """The anchor of a clip, the body point it follows, and why, if the program chose the point."""

    anchor: Anchor
    point: str
    why: str


def hide_outside_landmarks(track: PoseTrack, size_px: tuple[int, int]) -> PoseTrack:
    """The same track, with visibility 0 for landmarks outside the picture: these are guesses, however confident."""
    limit = np.array(size_px, dtype=np.float64)
    low, high = -OUTSIDE_MARGIN_OF_PICTURE * limit, (1 + OUTSIDE_MARGIN_OF_PICTURE) * limit
    outside = ((track.xy_px < low) | (track.xy_px > high)).any(axis=2)  # NaN compares as False
    return PoseTrack(track.time_s, track.xy_px, track.z, np.where(outside, 0.0, track.visibility), track.presence)


def hide_stretched_bodies(track: PoseTrack, min_confidence: float) -> PoseTrack:
    """The same track, with visibility 0 in ``stretched_frames``: nothing of such a pose is sure.

    Only torsos of which hips and shoulders are seen, with a visibility of at least ``min_confidence``, are measured.
    """
    seen = (track.visibility[:, [*HIPS, *SHOULDERS]] >= min_confidence).all(axis=1)
    stretched = stretched_frames(track.time_s, np.where(seen, torso_length_px(track.xy_px), np.nan))
    return replace(track, visibility=np.where(stretched[:, None], 0.0, track.visibility))


def stretched_frames(time_s: Floats, torso_px: Floats) -> Flags:
    """Frames (n,) in which the torso is too long for the person, suddenly: there the pose is wrong.

    ``torso_px`` (n,) is NaN where the torso is not seen. A picture may shorten a torso, but hardly lengthens it, and a
    person stretches over several frames. The person's length is the longest of the medians in the second around: who
    bends towards the camera looks shorter, and rises faster than a median does. Lengths are mirrored at the ends, so
    that a wrong first one is outvoted. The frame after a wrong one counts too: there the model began at that pose.
    """
    from scipy.ndimage import maximum_filter1d, median_filter  # here: another smoothing need not load SciPy

    rows = np.flatnonzero(np.isfinite(torso_px))
    wrong = np.zeros(len(torso_px), dtype=bool)
    if not len(rows):
        return wrong
    length_px = torso_px[rows]
    width = min(odd_frames_in(time_s[rows], USUAL_TORSO_S), 2 * len(rows) - 1)  # SciPy reads stray memory beyond
    usual_px = median_filter(length_px, size=width, mode="reflect")
    stretched = length_px > STRETCHED_SHARE * maximum_filter1d(usual_px, width, mode="reflect")
    sudden = np.append(True, length_px[1:] > STRETCHED_SHARE * length_px[:-1])
    for first, last in true_runs(stretched):
        begins = np.flatnonzero(sudden[first : last + 1])
        if len(begins):
            wrong[rows[first + begins[0] : last + 1]] = True
    return np.asarray(wrong | np.append(False, wrong[:-1]))


def cut_by_side(track: PoseTrack, width_px: int) -> Flags:
    """Frames (n,) with a landmark of trunk or legs beyond the left or right edge, or within ``SIDE_MARGIN_TORSOS``."""
    x_px, margin_px = track.xy_px[:, TRUNK_AND_LEGS, 0], SIDE_MARGIN_TORSOS * torso_length_px(track.xy_px)[:, None]
    return np.asarray(((x_px < margin_px) | (x_px > width_px - 1 - margin_px)).any(axis=1))  # NaN compares as False


def choose_anchor(
    track: PoseTrack,
    point: str,
    *,
    min_confidence: float,
    weighted: bool,
    landmarks: Mapping[str, float] | None = None,
    mask: Anchor | None = None,
) -> AnchorChoice:
    """The anchor for ``point``: hips, shoulders, torso, head, or auto. ``landmarks`` (name: weight) overrides it.

    auto uses the hips, or another point if the hips are seen in less than half of the frames with a person: the first
    of shoulders, head and ``mask`` (the mask's centroid) that is seen. Where it is missing, the next of them stands in,
    and at last the hips. Points that the user names have no stand-in. Poses of ``hide_stretched_bodies`` do not count.
    """
    track = hide_stretched_bodies(track, min_confidence)
    if landmarks:
        return AnchorChoice(mean_landmark_anchor(track, landmarks, "landmarks", min_confidence), "landmarks", "")
    hips = hip_anchor(track, min_confidence=min_confidence, weighted=weighted)
    shoulders = mean_landmark_anchor(track, _equal_weights(SHOULDERS), "shoulders", min_confidence)
    if point == "hips":
        return AnchorChoice(hips, point, "")
    if point == "shoulders":
        return AnchorChoice(shoulders, point, "")
    head = mean_landmark_anchor(track, _equal_weights(FACE), "head", min_confidence)
    if point == "head":
        return AnchorChoice(head, point, "")
    if point == "torso":
        middle = Anchor((hips.xy_px + shoulders.xy_px) / 2, (hips.confidence + shoulders.confidence) / 2, hips.source)
        seen = np.isfinite(middle.xy_px).all(axis=1)
        return AnchorChoice(Anchor(middle.xy_px, middle.confidence, np.where(seen, "torso", SOURCE_NONE)), point, "")
    return _choose_automatically(
        track, {"hips": hips, "shoulders": shoulders, "head": head} | ({"mask": mask} if mask else {})
    )


def _choose_automatically(track: PoseTrack, parts: Mapping[str, Anchor]) -> AnchorChoice:
    """The anchor of ``point=auto``, from candidates by name in the order of preference."""
    with_person = int(track.found.sum())
    counts = {name: int(np.isfinite(part.xy_px).all(axis=1).sum()) for name, part in parts.items()}
    if counts["hips"] >= max(1.0, LEAST_HIPS_SHARE * with_person):
        return AnchorChoice(join_anchors(track.time_s, list(parts.values())), "hips", "")
    first = next((name for name in parts if name != "hips" and counts[name]), "head")
    order = [first, *(name for name in parts if name not in (first, "hips")), "hips"]
    why = (
        f"the hips are seen in {counts['hips']} of {counted(with_person, 'frame')} with a person: locked on the {first}"
    )
    return AnchorChoice(join_anchors(track.time_s, [parts[name] for name in order]), first, why)


def _equal_weights(points: Sequence[int]) -> dict[str, float]:
    return {LANDMARK_NAMES[index]: 1.0 for index in points}


def mean_landmark_anchor(track: PoseTrack, landmarks: Mapping[str, float], name: str, min_confidence: float) -> Anchor:
    """Weighted mean of named landmarks, in the frames that show all of them."""
    rows = [LANDMARK_NAMES.index(landmark) for landmark in landmarks]
    weight = np.array(list(landmarks.values()), dtype=np.float64)
    visibility = track.visibility[:, rows]
    points = track.xy_px[:, rows]
    seen = (np.isfinite(points).all(axis=2) & (visibility >= min_confidence)).all(axis=1)
    centre = np.einsum("k,nkj->nj", weight / weight.sum(), points)
    centre[~seen] = np.nan
    return Anchor(centre, np.where(seen, visibility.mean(axis=1), np.nan), np.where(seen, name, SOURCE_NONE))


def join_anchors(time_s: Floats, anchors: Sequence[Anchor]) -> Anchor:
    """The first anchor where it is seen; elsewhere the next one plus the vector from it to the first.

    The vector is measured where both are seen and interpolated linearly over time, as in ``hip_anchor``, so that
    nothing jumps where the source changes. An anchor that is never seen together with the ones before it cannot stand
    in.
    """
    first = anchors[0]
    path, confidence, source = first.xy_px.copy(), first.confidence.copy(), first.source.astype(object)
    for other in anchors[1:]:
        known, available = np.all(np.isfinite(path), axis=1), np.all(np.isfinite(other.xy_px), axis=1)
        if not (known & available).any():
            continue
        vector, _ = gaps.fill_gaps(
            time_s, np.where((known & available)[:, None], path - other.xy_px, np.nan), interpolate=True
        )
        borrowed = available & ~known
        path[borrowed] = (other.xy_px + vector)[borrowed]
        confidence[borrowed] = other.confidence[borrowed]
        source[borrowed] = other.source[borrowed]
    return Anchor(path, confidence, source.astype(str))


def mask_anchor(masks: Iterable[tuple[NDArray[np.uint8], NDArray[np.float32], bool]]) -> Anchor:
    """The anchor (n, 2) at the centroid of each frame's mask, in source pixels.

    ``masks`` gives values (h, w), box edges (4,) and "trusted" for each frame. NaN where the mask is not trusted or
    shows nobody.
    """
    rows = [_centroid(values, edges) if trusted else np.full(2, np.nan) for values, edges, trusted in masks]
    path = np.array(rows, dtype=np.float64).reshape(-1, 2)
    seen = np.isfinite(path).all(axis=1)
    return Anchor(path, np.where(seen, MASK_CONFIDENCE, np.nan), np.where(seen, SOURCE_MASK, SOURCE_NONE))


def _centroid(values: NDArray[np.uint8], edges_px: NDArray[np.float32]) -> Floats:
    """Centroid (2,) of a mask's person pixels in source pixels; NaN if there are too few."""
    row, column = np.nonzero(values >= MASK_PERSON_LEVEL)
    if len(row) < FEWEST_MASK_PIXELS:
        return np.full(2, np.nan)
    low, high = edges_px[:2].astype(np.float64), edges_px[2:].astype(np.float64)
    middle = np.array([column.mean(), row.mean()]) + 0.5
    return np.asarray(low + middle * (high - low) / values.shape[::-1])


def corrected_anchor(
    anchor: Anchor, points: Sequence[tuple[int, float, float]], absences: Sequence[tuple[int, int]]
) -> tuple[Anchor, Flags, Flags]:
    """The anchor of n frames with the user's corrections; the frames (n,) with a given point; the absent ones (n,).

    ``points`` are (frame, x, y) in source px, ``absences`` the first and last frames of times without a person.
    ``IndexError`` for a frame that the clip does not have.
    """
    xy_px, confidence, source = anchor.xy_px.copy(), anchor.confidence.copy(), anchor.source.astype(object)
    given, absent = (np.zeros(len(confidence), np.bool_) for _ in range(2))
    for first, last in absences:
        absent[first : last + 1] = True
    xy_px[absent], confidence[absent], source[absent] = np.nan, np.nan, SOURCE_NONE
    for frame, x_px, y_px in points:
        given[frame] = True
        xy_px[frame], confidence[frame], source[frame] = (x_px, y_px), 1.0, SOURCE_HAND
    return replace(anchor, xy_px=xy_px, confidence=confidence, source=source.astype(str)), given, absent
