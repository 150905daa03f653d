"""The lock: strength, dead zone, speed limit, and the slow correction of scale and roll. Nothing has a lag.

Paths are finite shifts (n, 2) of the picture in pixels; each axis is treated separately.
"""

import itertools
from collections import deque
from typing import Final

import numpy as np

from tasks.errors import AnchorNotSeen
from tasks.maths import frame_times
from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import HIPS, SHOULDERS, PoseTrack, hip_midpoint, in_square_px, shoulder_midpoint
from tasks.maths.path.smoothers import kalman

CUT_STEP_PX: Final = 0.5  # a larger step where the subject leaves or returns is a cut: an eased transition has none
_Point = tuple[float, float]
# slower changes of size are undone: people approach over seconds, the gait swings at 1 Hz or more
SCALE_CUTOFF_HZ: Final = 0.4
# slower changes of tilt are undone: a camera tilts over many seconds, a lean comes and goes
ROLL_CUTOFF_HZ: Final = 0.1
# share by which a torso length may differ from the median around it; beyond it the median is used
TORSO_TOLERANCE: Final = 0.25
TORSO_MEDIAN_S: Final = 1.0  # window of that median


def pieces_between_cuts(path: Floats, absent: Flags) -> list[slice]:
    """The pieces of ``path`` between cuts; a cut lies where ``absent`` (n,) changes and the path jumps."""
    jumps = np.abs(np.diff(path, axis=0)).max(axis=1) > CUT_STEP_PX
    cuts = np.flatnonzero(jumps & (absent[1:] != absent[:-1])) + 1
    edges = [0, *cuts.tolist(), len(path)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def apply_dead_zone(path: Floats, time_s: Floats, *, radius_px: float) -> Floats:
    """The calmest path within ``radius_px`` of ``path`` on each axis.

    The subject moves freely within that distance of the target; the frame stands still, or moves evenly, until it has
    to follow. This is the taut string in the corridor around ``path``: no jumps and no lag. A subject that stays within
    the zone does not move the frame at all.
    """
    if radius_px == 0:
        return path.copy()
    return np.stack([taut_string(time_s, column - radius_px, column + radius_px) for column in path.T], axis=1)


def apply_strength(path: Floats, seen: Flags, *, strength_xy: tuple[float, float]) -> Floats:
    """Each axis between a still frame (strength 0) and ``path`` (strength 1).

    The still frame has the median shift over the ``seen`` frames (n,), or over all frames if there is none. A strength
    therefore reduces the motion, not the position: the subject stays at the target on average, in a crop as well.
    """
    still = np.median(path[seen] if seen.any() else path, axis=0)
    strength = np.asarray(strength_xy)
    return np.where(strength == 1, path, still + strength * (path - still))


def limit_speed(path: Floats, time_s: Floats, *, limit_px_s: float) -> Floats:
    """The nearest path that moves at most ``limit_px_s`` on each axis; ``path`` itself where it is slow enough.

    Nearest in the largest distance: the mean of the highest path below and the lowest path above (both are McShane's
    extensions, 1934), which is symmetric in time.
    """
    reach_px = limit_px_s * (time_s - time_s[0])[:, None]
    below = np.minimum(_lowest_reachable(path, reach_px), _lowest_reachable(path[::-1], -reach_px[::-1])[::-1])
    above = np.maximum(-_lowest_reachable(-path, reach_px), -_lowest_reachable(-path[::-1], -reach_px[::-1])[::-1])
    return np.asarray((below + above) / 2)


def _lowest_reachable(path: Floats, reach_px: Floats) -> Floats:
    """Lowest value at each frame that an earlier point can reach; ``reach_px`` (n, 1) is the distance travelled."""
    return np.asarray(np.minimum.accumulate(path - reach_px, axis=0) + reach_px)


def taut_string(time_s: Floats, low: Floats, high: Floats) -> Floats:
    """Values (n,) of the shortest line through the gates ``low <= y <= high`` (n,) at ``time_s`` (n,), increasing.

    Both ends are free: the line is level up to the first gate that turns it, and after the last one. If one level
    passes all gates, the middle of the possible levels is used. The same line minimises the sum of squared speeds, and
    of any convex function of the speed. Sources: Davies and Kovac, "Local extremes, runs, strings and multiresolution",
    2001; the algorithm, linear in time, is the funnel of Lee and Preparata, 1984. Written here because SciPy has no
    taut string.
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
    """Corners of the shortest line from ``start`` through ``gates`` (time, low, high) to ``end``, both included."""
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
    """Add ``point`` to its side of the funnel and tighten it; the apex moves along the ``other`` side if necessary."""
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
    """Factor (n,) that gives the subject in each frame its median size.

    The size is the torso length, which does not change when the body turns about its own axis. It is smoothed on a
    logarithmic scale, so that growing and shrinking are symmetric. Frames that do not show the torso take its length
    from the frames around. ``AnchorNotSeen`` when no frame shows it.
    """
    torso = _torso_vector(pose, pixel_aspect, min_visibility)
    length = np.hypot(torso[:, 0], torso[:, 1])
    seen = length > 1  # NaN compares as False; less than a pixel is no length
    _require_torso(seen, "scale")
    size = np.interp(pose.time_s, pose.time_s[seen], np.log(length[seen]))
    from scipy import ndimage  # loaded here: slow to load, and few runs need it

    radius = int(frame_times.mean_rate_hz(pose.time_s) * TORSO_MEDIAN_S / 2)
    usual = ndimage.median_filter(size, 2 * radius + 1, mode="nearest")
    trusted = np.where(np.abs(size - usual) > np.log1p(TORSO_TOLERANCE), usual, size)
    slow = kalman(trusted[:, None], pose.time_s, cutoff_hz=SCALE_CUTOFF_HZ)[:, 0]
    return np.asarray(np.exp(np.median(slow[seen]) - slow))


def torso_lean_rad(pose: PoseTrack, *, pixel_aspect: float = 1.0, min_visibility: float = 0.5) -> Floats:
    """Slow part (n,) of the torso's angle to the vertical, in radians, clockwise.

    On walkers the torso is closer to the vertical than a line from the feet: a jogger has the feet behind for most of a
    stride. A lasting lean counts as a tilt too: the picture cannot tell them apart. ``AnchorNotSeen`` when no frame
    shows the torso.
    """
    axis = _torso_vector(pose, pixel_aspect, min_visibility)
    seen = np.hypot(axis[:, 0], axis[:, 1]) > 1
    _require_torso(seen, "roll")
    upwards = axis[seen] / np.linalg.norm(axis[seen], axis=1, keepdims=True)
    slow = kalman(
        frame_times.interpolate_at(pose.time_s, pose.time_s[seen], upwards), pose.time_s, cutoff_hz=ROLL_CUTOFF_HZ
    )
    return np.asarray(np.arctan2(slow[:, 0], -slow[:, 1]))


def _torso_vector(pose: PoseTrack, pixel_aspect: float, min_visibility: float) -> Floats:
    """Vector (n, 2) from mid-hip to mid-shoulder, in units of a pixel's height; NaN if one of the four is hidden."""
    seen = np.all(pose.visibility[:, [*HIPS, *SHOULDERS]] >= min_visibility, axis=1)
    vector = shoulder_midpoint(pose.xy_px) - hip_midpoint(pose.xy_px)
    return np.where(seen[:, None], in_square_px(vector, pixel_aspect), np.nan)


def _require_torso(seen: Flags, setting: str) -> None:
    """``AnchorNotSeen`` if no frame shows the torso."""
    if not seen.any():
        fact = "no frame shows both hips and both shoulders"
        raise AnchorNotSeen(f"lock.{setting}: {fact}; set lock.{setting}=false, or use a video that shows the trunk")
