"""Metrics of the lock: how still the subject stands in the output, and what that costs.

Paths are points (n, 2) in pixels, NaN where the subject is not seen. A metric that cannot be computed is NaN.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from tasks.maths import frame_times
from tasks.maths.anchor.states import ABSENT, BRIDGED, HELD, INTERPOLATED, MEASURED, SEEN_STATES
from tasks.maths.arrays import Flags, Floats, Labels
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.path import affine, framing
from tasks.maths.path.framing import Size
from tasks.maths.path.outline import outline_px, picture_points

ROUNDING_PX: Final = 1e-6  # by which rounding may move a corner over the picture's edge
METRIC_UNITS: Final = {
    "lock_rms": "px",
    "lock_rms_of_diagonal": "%",
    "lock_rms_of_height": "% of the person's height",
    "lock_std_x": "px",
    "lock_std_y": "px",
    "lock_p95": "px",
    "sway": "px",
    "residual_accel": "px/frame^2",
    "lock_gain_x": "1 is perfect, 0 as the source, negative worse",
    "lock_gain_y": "1 is perfect, 0 as the source, negative worse",
    "visible_area_mean": "share of the output",
    "visible_area_min": "share of the output",
    "subject_cut": "share of the frames with a person",
    "camera_accel": "px/frame^2",
    "head_cut": "share of the frames with a head in the source",
    "background_speed": "px/s",
    "ground_speed": "px/s",
    "looked": "share of frames",
    "detection": "share of the frames looked at",
    "measured": "share of frames",
    "bridged": "share of frames",
    "interpolated": "share of frames",
    "held": "share of frames",
    "absent": "share of frames",
    "longest_gap": "s",
    "anchor_switches": "count",
    "anchor_switch_jump": "px",
}
# of the metrics that are measured in a rendered file only
FILE_METRIC_UNITS: Final = {
    "residual_step": "px/frame",
    "residual_step_before": "px/frame",
    "judged": "share of the frames with the person",
}


def lock_rms(path: Floats, target_xy: Floats) -> float:
    """Root mean square distance of the subject to the target."""
    return _rms(path - target_xy)


def lock_p95(path: Floats, target_xy: Floats) -> float:
    """95th percentile of the distance of the subject to the target."""
    distance = np.linalg.norm(_seen(path - target_xy), axis=1)
    return float(np.percentile(distance, 95)) if len(distance) else np.nan


def lock_std(path: Floats) -> Floats:
    """Standard deviation (2,) of the subject's position on each axis, whatever its distance to the target."""
    seen = _seen(path)
    return np.asarray(seen.std(axis=0)) if len(seen) else np.full(2, np.nan)


def lock_gain(output_path: Floats, source_path: Floats) -> Floats:
    """1 - std in the output / std in the source (2,); NaN on an axis on which the source does not move."""
    before = lock_std(source_path)
    left: Floats = np.divide(lock_std(output_path), before, out=np.full(2, np.nan), where=before > 0)
    return 1 - left


def sway(path: Floats, time_s: Floats, shots: Sequence[slice] = (slice(None),)) -> float:
    """Rms of the path after a parabola over time is removed from each shot: the bob that a viewer sees."""
    left = [_without_parabola(path[shot], time_s[shot]) for shot in shots]
    return _rms(np.concatenate(left))


def _without_parabola(path: Floats, time_s: Floats) -> Floats:
    """The seen points (m, 2) without their parabola over time; none where there are fewer than four."""
    seen = np.isfinite(path).all(axis=1)
    if seen.sum() < 4:
        return np.empty((0, 2))
    at = time_s[seen] - time_s[seen].mean()
    powers = np.stack([np.ones_like(at), at, at**2], axis=1)
    fitted, *_ = np.linalg.lstsq(powers, path[seen], rcond=None)
    return np.asarray(path[seen] - powers @ fitted)


def part_shots(path: Floats, shots: Sequence[slice]) -> Floats:
    """``path`` (n, ...) with a row of NaN between every two shots, so that no difference spans a scene cut."""
    gap = np.full((1, *path.shape[1:]), np.nan)
    return np.concatenate([part for shot in shots for part in (gap, path[shot])][1:])


def rms_acceleration(path: Floats) -> float:
    """Rms second difference of points (n, ..., 2) from frame to frame, over runs of three frames without NaN."""
    return _rms(path[2:] - 2 * path[1:-1] + path[:-2])


def rms_speed(path: Floats, time_s: Floats) -> float:
    """Rms step of points (n, ..., 2) from frame to frame, times the mean frame rate: px/s."""
    if len(path) < 2:
        return np.nan
    return _rms(np.diff(path, axis=0)) * frame_times.mean_rate_hz(time_s)


def visible_boxes(xy_px: Floats, visibility: Floats, *, min_visibility: float = 0.5) -> Floats:
    """Boxes (n, 4) x0, y0, x1, y1 of the visible landmarks (n, k, 2); NaN where none is visible."""
    seen = visibility >= min_visibility  # NaN compares as False
    low = np.where(seen[..., None], xy_px, np.inf).min(axis=1)
    high = np.where(seen[..., None], xy_px, -np.inf).max(axis=1)
    return np.where(np.any(seen, axis=1)[:, None], np.concatenate([low, high], axis=1), np.nan)


def person_height(boxes: Floats, scale: Floats | float = 1.0) -> float:
    """Median height of the boxes (n, 4), each times its ``scale`` (n,).

    A box reaches from the eyes to the feet, so it is somewhat lower than the person.
    """
    heights = (boxes[:, 3] - boxes[:, 1]) * scale
    known = heights[np.isfinite(heights)]
    return float(np.median(known)) if len(known) else np.nan


def shown_boxes(boxes: Floats, size_px: tuple[float, float]) -> Floats:
    """The part (n, 4) of each box that lies in a picture of ``size_px``; NaN where none does."""
    low, high = outline_px((1, 1))[0], np.array(size_px) - 0.5
    first, last = np.maximum(boxes[:, :2], low), np.minimum(boxes[:, 2:], high)
    shown = np.all(last > first, axis=1)
    return np.where(shown[:, None], np.concatenate([first, last], axis=1), np.nan)


def subject_cut(boxes: Floats, source_size_px: Size, to_output: Floats, output_size_px: Size) -> float:
    """Share of the frames with a box (n, 4) in the source in which a part that the source shows leaves the output.

    What the source itself cuts off does not count. ``to_output`` is (n, 2, 3).
    """
    shown = shown_boxes(boxes, source_size_px)
    known = np.all(np.isfinite(shown), axis=1)
    if not known.any():
        return np.nan
    corners = shown[known][:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    moved, edge = affine.apply(to_output[known, None], corners), outline_px(output_size_px)
    whole = (moved >= edge[0] - ROUNDING_PX) & (moved <= edge[2] + ROUNDING_PX)
    return float(np.mean(~np.all(whole, axis=(1, 2))))


def longest_gap(time_s: Floats, measured: Flags) -> float:
    """Longest time in seconds without a measurement; the last frame lasts as long as the median frame."""
    if measured.all():
        return 0.0
    last_s = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 0.0
    ends = np.append(time_s, time_s[-1] + last_s)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], ~measured, [False]]).astype(np.int8)))
    return float(np.max(ends[edges[1::2]] - ends[edges[::2]]))


def state_share(states: Labels, state: str) -> float:
    """Share of frames in ``state``."""
    return float(np.mean(states == state))


def anchor_switches(path: Floats, source: Labels) -> tuple[int, float]:
    """Number of changes of the anchor's source between seen frames, and the largest jump at a change in px, or 0.

    The jump is the step across the change minus the mean of the steps on both sides, as far as these are seen.
    """
    seen = np.all(np.isfinite(path), axis=1)
    switched = np.flatnonzero(source[seen][1:] != source[seen][:-1])
    step = np.diff(path, axis=0)
    largest = 0.0
    for at in np.flatnonzero(seen)[switched]:  # the last frame of the old source
        if not seen[at + 1]:
            continue  # there is a gap in between, so there is no step
        sides = [step[k] for k in (at - 1, at + 1) if 0 <= k < len(step) and np.isfinite(step[k]).all()]
        subject_step = np.mean(sides, axis=0) if sides else np.zeros(2)
        largest = max(largest, float(np.linalg.norm(step[at] - subject_step)))
    return len(switched), largest


def steadiness(
    path: Floats,
    time_s: Floats,
    target_xy: Floats,
    size_px: tuple[float, float],
    height_px: float,
    shots: Sequence[slice] = (slice(None),),
) -> dict[str, float]:
    """Metrics of a path (n, 2) against ``target_xy``, (2,) or (n, 2), in a picture of ``size_px``, by name.

    No motion counts between the frames of two ``shots``.
    """
    rms, (std_x, std_y) = lock_rms(path, target_xy), lock_std(path - target_xy)
    return {
        "lock_rms": rms,
        "lock_rms_of_diagonal": 100 * rms / float(np.hypot(*size_px)),
        "lock_rms_of_height": 100 * rms / height_px if height_px > 0 else np.nan,
        "lock_std_x": float(std_x),
        "lock_std_y": float(std_y),
        "lock_p95": lock_p95(path, target_xy),
        "sway": sway(path, time_s, shots),
        "residual_accel": rms_acceleration(part_shots(path, shots)),
    }


def pose_coverage(time_s: Floats, looked: Flags, detected: Flags, states: Labels) -> dict[str, float]:
    """Shares of the clip that the pose model looked at and that were measured, by name; flags and states are (n,)."""
    return {
        "looked": float(np.mean(looked)),
        "detection": float(np.mean(detected[looked])) if looked.any() else np.nan,
        "measured": state_share(states, MEASURED),
        "bridged": state_share(states, BRIDGED),
        "interpolated": state_share(states, INTERPOLATED),
        "held": state_share(states, HELD),
        "absent": state_share(states, ABSENT),
        "longest_gap": longest_gap(time_s, np.isin(states, SEEN_STATES)),
    }


def _seen(path: Floats) -> Floats:
    return np.asarray(path[np.isfinite(path).all(axis=1)])


def _rms(vectors: Floats) -> float:
    seen = _seen(vectors.reshape(-1, vectors.shape[-1]))
    return float(np.sqrt(np.mean(np.sum(seen**2, axis=1)))) if len(seen) else np.nan


class FollowedSubject(NamedTuple):
    """What was measured of the subject in the n frames of a clip."""

    pose: PoseTrack
    looked: Flags  # (n,) whether the pose model looked at the frame; else the torso's motion is taken as true
    anchor_px: Floats  # (n, 2) in the source
    states: Labels  # (n,) how the anchor is known
    sources: Labels  # (n,) what it was made from


class Aim(NamedTuple):
    """A picture, and the point of it at which the anchor should stay."""

    size_px: Size
    target_xy: Floats  # (2,)


def planned_metrics(
    subject: FollowedSubject, to_output: Floats, *, source: Aim, output: Aim, shots: Sequence[slice], zoom: float
) -> dict[str, Any]:
    """``planned``, ``before`` and ``units``, ready for JSON: six decimals, None for a metric that cannot be computed.

    The anchor counts in the frames in which it was seen. ``to_output`` (n, 2, 3) maps ``source`` to ``output``.
    ``before`` are the metrics of the source, against its target whatever the crop, as large as the output shows it:
    ``zoom`` pixels a source pixel. No motion counts between the frames of two ``shots``.
    """
    pose = subject.pose
    anchor = np.where(np.isin(subject.states, SEEN_STATES)[:, None], subject.anchor_px, np.nan)
    locked = affine.apply(to_output, anchor)
    boxes = visible_boxes(pose.xy_px, pose.visibility)
    height_px = person_height(boxes)
    output_height_px = person_height(boxes, affine.length_scale(to_output))
    gain_x, gain_y = lock_gain(locked, anchor * zoom)
    switches, jumps_px = zip(*(anchor_switches(anchor[shot], subject.sources[shot]) for shot in shots), strict=True)
    planned = {
        **steadiness(locked, pose.time_s, output.target_xy, output.size_px, output_height_px, shots),
        "lock_gain_x": float(gain_x),
        "lock_gain_y": float(gain_y),
        **picture_metrics(boxes, pose.time_s, to_output, source.size_px, output.size_px, shots),
        **pose_coverage(pose.time_s, subject.looked, pose.found, subject.states),
        "anchor_switches": sum(switches),
        "anchor_switch_jump": zoom * max(jumps_px),
    }
    before = steadiness(
        anchor * zoom,
        pose.time_s,
        source.target_xy * zoom,
        (source.size_px[0] * zoom, source.size_px[1] * zoom),
        height_px * zoom,
        shots,
    )
    return {"planned": rounded_metrics(planned), "before": rounded_metrics(before), "units": METRIC_UNITS}


def picture_metrics(
    boxes: Floats,
    time_s: Floats,
    to_output: Floats,
    source_size_px: Size,
    output_size_px: Size,
    shots: Sequence[slice],
) -> dict[str, float]:
    """How much of the source the output shows, whether it cuts the subject, and how it moves over the background.

    ``boxes`` (n, 4) are those of ``visible_boxes``, and ``to_output`` (n, 2, 3) maps source px to output px.
    """
    covered = framing.visible_area(to_output, source_size_px, output_size_px)
    moved = part_shots(picture_points(to_output, source_size_px), shots)
    return {
        "visible_area_mean": float(covered.mean()),
        "visible_area_min": float(covered.min()),
        "subject_cut": subject_cut(boxes, source_size_px, to_output, output_size_px),
        "camera_accel": rms_acceleration(moved),
        "background_speed": rms_speed(moved, time_s),
    }


def rounded_metrics(values: Mapping[str, float]) -> dict[str, float | None]:
    """Six decimals, since sums may differ beyond them with the number of threads; None for NaN and infinity."""
    return {name: round(value, 6) if np.isfinite(value) else None for name, value in values.items()}
