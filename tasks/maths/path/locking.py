"""How strictly the frame follows: strength of the lock, dead zone, limit of speed. All without lag.

Paths are shifts (n, 2) of the picture in pixels, finite; each axis is treated by itself.


The taut string: the calmest path through a corridor.

The subject's size and stance over a clip, and the similarity that undoes their slow change.
"""

import itertools
from collections import deque
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.errors import AnchorNotSeen
from tasks.maths import frame_times
from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import HIPS, SHOULDERS, PoseTrack
from tasks.maths.path.smoothers import kalman

CUT_STEP_PX: Final = 0.5
"""A larger step where the subject goes or comes is meant: a glide starts and ends without one."""
_Point = tuple[float, float]
SCALE_CUTOFF_HZ: Final = 0.4
"""Changes of size slower than this are undone: people come nearer over seconds, the gait swings at 1 Hz or more."""
ROLL_CUTOFF_HZ: Final = 0.1
"""Changes of tilt slower than this are undone: a camera's tilt drifts over many seconds, a lean comes and goes."""
TORSO_TOLERANCE: Final = 0.25
"""A torso longer or shorter by this share than the median of the second about it is a wrong pose; that one counts."""
TORSO_MEDIAN_S: Final = 1.0


def pieces_between_cuts(path: Floats, absent: NDArray[np.bool_]) -> list[slice]:
    """The stretches of ``path`` without a cut; one lies where ``absent`` (n,) changes and the path jumps."""
    jumps = np.abs(np.diff(path, axis=0)).max(axis=1) > CUT_STEP_PX
    cuts = np.flatnonzero(jumps & (absent[1:] != absent[:-1])) + 1
    edges = [0, *cuts.tolist(), len(path)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def apply_dead_zone(path: Floats, time_s: Floats, *, radius_px: float) -> Floats:
    """The calmest path that is nowhere further than ``radius_px`` from ``path`` on either axis.

    The subject moves freely within that distance of the target, and the frame stands still, or glides evenly, until
    it has to follow. It is the taut string in the corridor about ``path``: no jumps, no lag, and a subject that
    stays within the zone has a frame that does not move at all.
    """
    if radius_px == 0:
        return path.copy()
    return np.stack([taut_string(time_s, column - radius_px, column + radius_px) for column in path.T], axis=1)


def apply_strength(path: Floats, seen: NDArray[np.bool_], *, strength_xy: tuple[float, float]) -> Floats:
    """Each axis between a still frame (strength 0) and ``path`` (strength 1).

    The still frame is shifted by the median of ``path`` over the frames ``seen`` (n,), or over all if there is none.
    So a strength takes from the motion and not from the place: at any strength the subject stands, on the whole,
    at the target, inside a crop as well as in the whole picture.
    """
    still = np.median(path[seen] if seen.any() else path, axis=0)
    strength = np.asarray(strength_xy)
    return np.where(strength == 1, path, still + strength * (path - still))


def limit_speed(path: Floats, time_s: Floats, *, limit_px_s: float) -> Floats:
    """The nearest path that moves at most ``limit_px_s`` on either axis; where ``path`` keeps to it, the same.

    Nearest by the largest distance: the mean of the highest path below and the lowest path above (the two extensions
    of McShane, 1934), which is even in time.
    """
    way = limit_px_s * (time_s - time_s[0])[:, None]
    below = np.minimum(_lowest_reachable(path, way), _lowest_reachable(path[::-1], -way[::-1])[::-1])
    above = np.maximum(-_lowest_reachable(-path, way), -_lowest_reachable(-path[::-1], -way[::-1])[::-1])
    return np.asarray((below + above) / 2)


def _lowest_reachable(path: Floats, way: Floats) -> Floats:
    """Lowest value at each frame that a point of some frame before could have risen to."""
    return np.asarray(np.minimum.accumulate(path - way, axis=0) + way)


def taut_string(time_s: Floats, low: Floats, high: Floats) -> Floats:
    """Values (n,) of the shortest line through the gates ``low <= y <= high`` (n,) at ``time_s`` (n,), increasing.

    Both ends are free: the line is level up to the first gate that turns it and from the last one on. Where one
    level passes all gates, it is the middle of those that do. The same line makes the sum of squared speeds, and of
    any convex function of the speed, as small as it can be (Davies and Kovac, "Local extremes, runs, strings and
    multiresolution", 2001). Linear in time: the funnel of Lee and Preparata, 1984.
    """
    first, start = _first_turn(low, high)
    if first == len(low):
        return np.full(len(low), start)
    backwards, end = _first_turn(low[::-1], high[::-1])
    last = len(low) - 1 - backwards
    gates = [(float(time_s[k]), float(low[k]), float(high[k])) for k in range(first + 1, last)]
    corners = _shortest_line((float(time_s[first]), start), gates, (float(time_s[last]), end))
    at_s, values = zip(*corners, strict=True)
    return np.asarray(np.interp(time_s, at_s, values))


def _first_turn(low: Floats, high: Floats) -> tuple[int, float]:
    """Index of the gate at which a level line from the start has to turn, and its level; n and the middle if none."""
    floor, ceiling = np.maximum.accumulate(low), np.minimum.accumulate(high)
    if floor[-1] <= ceiling[-1]:
        return len(low), float(floor[-1] + ceiling[-1]) / 2
    blocked = int(np.argmax(floor > ceiling))
    edge, level = (high, ceiling[blocked - 1]) if low[blocked] > ceiling[blocked - 1] else (low, floor[blocked - 1])
    return int(np.flatnonzero(edge[:blocked] == level)[-1]), float(level)


def _shortest_line(start: _Point, gates: list[tuple[float, float, float]], end: _Point) -> list[_Point]:
    """Corners of the shortest line from ``start`` through ``gates`` (time, low, high) to ``end``, these included."""
    corners = [start]
    upper, lower = deque([start]), deque([start])
    for at_s, low, high in gates:
        _extend_funnel(upper, lower, (at_s, high), 1.0, corners)
        _extend_funnel(lower, upper, (at_s, low), -1.0, corners)
    _extend_funnel(upper, lower, end, 1.0, corners)
    return corners + list(upper)[1:]


def _extend_funnel(
    chain: deque[_Point], other: deque[_Point], point: _Point, sign: float, corners: list[_Point]
) -> None:
    """Add ``point`` to its side of the funnel, tightened; the apex moves along the ``other`` side where it must."""
    while len(chain) > 1 and sign * (_slope(chain[-1], point) - _slope(chain[-2], chain[-1])) <= 0:
        chain.pop()
    if len(chain) == 1:
        while len(other) > 1 and sign * (_slope(other[0], point) - _slope(other[0], other[1])) < 0:
            other.popleft()
            corners.append(other[0])
        chain[0] = other[0]
    chain.append(point)


def _slope(start: _Point, end: _Point) -> float:
    return (end[1] - start[1]) / (end[0] - start[0])


def steadying_scale(pose: PoseTrack, *, pixel_aspect: float = 1.0, min_visibility: float = 0.5) -> Floats:
    """Factor (n,) that gives the subject in each frame the size that it has in the median one.

    The size is the length from the middle of the hips to the middle of the shoulders: a turn of the body about its
    own axis leaves it as it is. It is followed on a logarithmic scale, so that growing and shrinking are alike.
    Frames that do not show it take it from the frames around them. ``AnchorNotSeen`` when no frame shows it.
    """
    torso = _torso_vector(pose, HIPS, SHOULDERS, pixel_aspect, min_visibility)
    length = np.hypot(torso[:, 0], torso[:, 1])
    seen = length > 1  # NaN compares as False; less than a pixel is no length
    _require_torso(seen, "scale")
    size = np.interp(pose.time_s, pose.time_s[seen], np.log(length[seen]))
    radius = int(frame_times.mean_rate_hz(pose.time_s) * TORSO_MEDIAN_S / 2)
    usual = ndimage.median_filter(size, 2 * radius + 1, mode="nearest")
    trusted = np.where(np.abs(size - usual) > np.log1p(TORSO_TOLERANCE), usual, size)
    slow = kalman(trusted[:, None], pose.time_s, cutoff_hz=SCALE_CUTOFF_HZ)[:, 0]
    return np.asarray(np.exp(np.median(slow[seen]) - slow))


def torso_lean_rad(pose: PoseTrack, *, pixel_aspect: float = 1.0, min_visibility: float = 0.5) -> Floats:
    """Angle (n,) in radians, clockwise, by which the subject leans on the whole in each frame.

    The slow part of the torso's direction. On walkers it is nearer to the vertical than the line from the feet: who
    jogs has the feet behind for most of a stride. A lean that lasts is taken for a tilt, too: the picture cannot tell
    them apart. ``AnchorNotSeen`` when no frame shows the torso.
    """
    axis = _torso_vector(pose, HIPS, SHOULDERS, pixel_aspect, min_visibility)
    seen = np.hypot(axis[:, 0], axis[:, 1]) > 1
    _require_torso(seen, "roll")
    upwards = axis[seen] / np.linalg.norm(axis[seen], axis=1, keepdims=True)
    slow = kalman(
        frame_times.interpolate_at(pose.time_s, pose.time_s[seen], upwards), pose.time_s, cutoff_hz=ROLL_CUTOFF_HZ
    )
    return np.asarray(np.arctan2(slow[:, 0], -slow[:, 1]))


def _torso_vector(
    pose: PoseTrack, start: tuple[int, int], end: tuple[int, int], pixel_aspect: float, min_visibility: float
) -> Floats:
    """Vector (n, 2) between the middles of two pairs of points, in squares as high as a pixel; NaN if one hides."""
    seen = (pose.visibility[:, [*start, *end]] >= min_visibility).all(axis=1)
    vector = pose.xy_px[:, end].mean(axis=1) - pose.xy_px[:, start].mean(axis=1)
    return np.where(seen[:, None], vector * [pixel_aspect, 1.0], np.nan)


def _require_torso(seen: Flags, setting: str) -> None:
    if not seen.any():
        fact = "no frame shows both hips and both shoulders"
        raise AnchorNotSeen(f"lock.{setting}: {fact}; set lock.{setting}=false, or use a video that shows the trunk")
