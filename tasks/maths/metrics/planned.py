"""How good the lock is by plan: every metric of the path that is applied, and the same of the picture as it was."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor.states import SEEN
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.metrics import lock_metrics
from tasks.maths.path import affine, framing

Floats = NDArray[np.float64]


def report(
    pose: PoseTrack,
    looked: NDArray[np.bool_],
    anchor_px: Floats,
    states: NDArray[np.str_],
    sources: NDArray[np.str_],
    to_output: Floats,
    target_xy: Floats,
    source_target_xy: Floats,
    source_size_px: framing.Size,
    output_size_px: framing.Size,
) -> dict[str, Any]:
    """``planned``, ``before`` and ``units``, ready for JSON: six decimals, None for what cannot be told.

    ``anchor_px`` (n, 2) counts in the frames whose ``states`` (n,) say that it was seen; the pose model looked at
    those that are ``looked`` (n,), and in the others the torso's motion is taken for the truth. Before, the target is
    ``source_target_xy``, however the output is cropped.
    """
    anchor = np.where(np.isin(states, SEEN)[:, None], anchor_px, np.nan)
    locked = affine.apply(to_output, anchor)
    boxes = lock_metrics.visible_boxes(pose.xy_px, pose.visibility)
    height_px = lock_metrics.person_height(boxes)
    output_height_px = lock_metrics.person_height(boxes, affine.scale(to_output))
    gain_x, gain_y = lock_metrics.lock_gain(locked, anchor)
    covered = framing.visible_area(to_output, source_size_px, output_size_px)
    switches, jump_px = lock_metrics.anchor_switches(anchor, sources)
    moved = lock_metrics.picture_path(to_output, source_size_px)
    planned = {
        **lock_metrics.lock(locked, pose.time_s, target_xy, output_size_px, output_height_px),
        "lock_gain_x": float(gain_x),
        "lock_gain_y": float(gain_y),
        "visible_area_mean": float(covered.mean()),
        "visible_area_min": float(covered.min()),
        "subject_cut": lock_metrics.subject_cut(boxes, source_size_px, to_output, output_size_px),
        "camera_accel": lock_metrics.acceleration(moved),
        "background_speed": lock_metrics.speed(moved, pose.time_s),
        **lock_metrics.coverage(pose.time_s, looked, pose.found, states),
        "anchor_switches": switches,
        "anchor_switch_jump": jump_px,
    }
    still = affine.translation(np.zeros_like(anchor))
    before = {
        **lock_metrics.lock(anchor, pose.time_s, source_target_xy, source_size_px, height_px),
        "subject_cut": lock_metrics.subject_cut(boxes, source_size_px, still, source_size_px),
    }
    return {"planned": rounded(planned), "before": rounded(before), "units": lock_metrics.UNITS}


def rounded(values: Mapping[str, float]) -> dict[str, float | None]:
    """Six decimals, beyond which sums may differ with the number of threads; None for what cannot be told."""
    return {name: round(value, 6) if np.isfinite(value) else None for name, value in values.items()}
