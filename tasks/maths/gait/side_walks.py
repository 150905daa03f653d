"""Walks across the picture: where they are in a clip, and in which of their frames a pose has the legs exchanged.

Nothing is smoothed here: whoever needs only the legs (the pose) does not depend on how positions are smoothed.
"""

from typing import Final, NamedTuple

import numpy as np
from scipy.ndimage import median_filter

from tasks.maths.arrays import Flags, Floats, true_runs
from tasks.maths.body.landmarks import FEET, HEELS, TOES, PoseTrack, hip_midpoint, in_square_px, torso_length_px
from tasks.maths.body.stride import pose_stride_hz
from tasks.maths.frame_times import interpolate_at, mean_rate_hz
from tasks.maths.gait.legs import LEFT_LEG, RIGHT_LEG, Sides, untangle

LONGEST_FILLED_S: Final = 0.15  # a longer gap without a pose ends a part: a foot may have landed in it
FEWEST_STRIDES: Final = 1.5  # of a part; a shorter one holds no whole stride
LEAST_FOOT_TORSOS: Final = 0.33  # length of a foot along the picture: 0.42 from the side, 0.33 at 38 degrees


class SideWalk(NamedTuple):
    """Frames of a clip in which somebody walks across the picture."""

    first: int
    last: int
    forwards: int  # 1: to the right of the picture, -1: to the left
    stride_hz: float


def side_walks(track: PoseTrack, pixel_aspect: float) -> tuple[list[SideWalk], str]:
    """The walks in order, and why there are none, in words; empty where there are."""
    stride_hz = pose_stride_hz(track)
    torso_px = torso_length_px(in_square_px(track.xy_px, pixel_aspect))
    if not np.isfinite(stride_hz).any():
        no_steps = "no regular steps were found; the clip must show both feet for at least three strides"
        return [], _sparse_reason(track) or no_steps
    foot = in_square_px(track.xy_px, pixel_aspect)[:, :, 0] / float(np.nanmedian(torso_px))
    shown = _foot_along(foot[:, list(TOES)] - foot[:, list(HEELS)], track, float(np.nanmedian(stride_hz)))
    walking = _without_short_gaps(np.isfinite(stride_hz) & track.found, track.time_s)
    found = []
    for side in (1, -1):
        for first, last in true_runs(walking & (side * shown >= LEAST_FOOT_TORSOS)):
            hz = float(np.nanmedian(stride_hz[first : last + 1]))
            if (track.time_s[last] - track.time_s[first]) * hz >= FEWEST_STRIDES:
                found.append(SideWalk(first, last, side, hz))
    if found:
        return sorted(found), ""
    seen = np.abs(shown[walking & np.isfinite(shown)])
    if len(seen) and np.median(seen) < LEAST_FOOT_TORSOS:
        return [], "the person walks towards the camera or away from it, and not across the picture"
    return [], _sparse_reason(track) or "no whole stride was seen from the side"


def exchanged_legs(track: PoseTrack, pixel_aspect: float = 1.0) -> Flags:
    """Frames (n,) of a walk across the picture in which the pose has the left leg for the right one.

    The wave of the strides alone is wrong where somebody stops or turns. So each run of frames must also begin and end
    with a leap of the legs that the exchange makes smaller.
    """
    exchanged = np.zeros(track.frames, np.bool_)
    for walk in side_walks(track, pixel_aspect)[0]:
        exchanged[walk.first : walk.last + 1] = walk_points(track, walk, pixel_aspect)[2].exchanged
    exchanged &= track.found
    hips_px = hip_midpoint(track.xy_px)[:, None]
    legs, others = (track.xy_px[:, order] - hips_px for order in (LEFT_LEG + RIGHT_LEG, RIGHT_LEG + LEFT_LEG))
    kept_px, exchanged_px = (np.hypot(*(legs[1:] - before[:-1]).T).sum(axis=0) for before in (legs, others))
    saved_px = np.nan_to_num(kept_px - exchanged_px)  # by an exchange from each frame to the next
    for first, last in true_runs(exchanged):
        ends = [end for end in (first - 1, last) if 0 <= end < len(saved_px)]
        exchanged[first : last + 1] = saved_px[ends].sum() > 0
    return exchanged


def walk_points(track: PoseTrack, walk: SideWalk, pixel_aspect: float) -> tuple[Floats, float, Sides]:
    """The points (n, 33, 2) of a walk as the model saw them, the torso's length in px, and which legs are wrong.

    They count forwards and up from the middle of the hips, in torso lengths. Frames without a pose are interpolated.
    """
    part = slice(walk.first, walk.last + 1)
    time_s = track.time_s[part]
    xy_px = filled_between(in_square_px(track.xy_px[part], pixel_aspect), track.found[part], time_s)
    torso_px = float(np.median(torso_length_px(xy_px)))
    points = (xy_px - hip_midpoint(xy_px)[:, None]) * np.array([walk.forwards, -1.0]) / torso_px
    left, right = (points[:, FEET[side::2], 0].mean(axis=1) for side in (0, 1))
    return points, torso_px, untangle(left - right, time_s, walk.stride_hz)


def filled_between(values: Floats, known: Flags, time_s: Floats) -> Floats:
    """``values`` (n, ...) with the frames that are not ``known`` (n,) interpolated linearly over time."""
    if known.all():
        return values
    flat = values.reshape(len(time_s), -1)
    return interpolate_at(time_s, time_s[known], flat[known]).reshape(values.shape)


def _sparse_reason(track: PoseTrack) -> str:
    """A clause that the poses are too far apart to be joined; empty where they are not."""
    found_s = track.time_s[track.found]
    apart_s = float(np.median(np.diff(found_s))) if len(found_s) > 1 else 0.0
    if apart_s <= LONGEST_FILLED_S:
        return ""
    return f"the poses are {apart_s:.2f} s apart, and a foot may land within {LONGEST_FILLED_S} s"


def _foot_along(feet: Floats, track: PoseTrack, stride_hz: float) -> Floats:
    """Length (n,) of the longer of the ``feet`` (n, 2) along the picture, positive to the right; NaN unknown.

    It is the median over a stride: at most times of a walk one foot stands flat.
    """
    length = np.take_along_axis(feet, np.abs(feet).argmax(axis=1)[:, None], axis=1)[:, 0]
    found = track.found
    reach = max(1, round(mean_rate_hz(track.time_s) / stride_hz))
    along = np.full(len(length), np.nan)
    if found.any():
        filled = np.interp(track.time_s, track.time_s[found], length[found])
        along = median_filter(filled, size=reach | 1, mode="nearest")
    return np.asarray(along)


def _without_short_gaps(flags: Flags, time_s: Floats) -> Flags:
    """``flags`` (n,) with gaps of up to ``LONGEST_FILLED_S`` filled."""
    filled = flags.copy()
    for first, last in true_runs(~flags):
        inside = first > 0 and last + 1 < len(flags)
        if inside and time_s[last + 1] - time_s[first - 1] <= LONGEST_FILLED_S:
            filled[first : last + 1] = True
    return filled
