"""The taut string: the calmest path through a corridor."""

from collections import deque

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Point = tuple[float, float]


def taut_string(time_s: Floats, low: Floats, high: Floats) -> Floats:
    """Values (n,) of the shortest line through the gates ``low <= y <= high`` (n,) at ``time_s`` (n,), increasing.

    Both ends are free: the line is level up to the first gate that turns it and from the last one on. Where one
    level passes all gates, it is the middle of those that do. The same line makes the sum of squared speeds, and of
    any convex function of the speed, as small as it can be (Davies and Kovac, "Local extremes, runs, strings and
    multiresolution", 2001). Linear in time: the funnel of Lee and Preparata, 1984.
    """
    first, start = _level_until(low, high)
    if first == len(low):
        return np.full(len(low), start)
    backwards, end = _level_until(low[::-1], high[::-1])
    last = len(low) - 1 - backwards
    gates = [(float(time_s[k]), float(low[k]), float(high[k])) for k in range(first + 1, last)]
    corners = _shortest((float(time_s[first]), start), gates, (float(time_s[last]), end))
    at_s, values = zip(*corners, strict=True)
    return np.asarray(np.interp(time_s, at_s, values))


def _level_until(low: Floats, high: Floats) -> tuple[int, float]:
    """Index of the gate at which a level line from the start has to turn, and its level; n and the middle if none."""
    floor, ceiling = np.maximum.accumulate(low), np.minimum.accumulate(high)
    if floor[-1] <= ceiling[-1]:
        return len(low), float(floor[-1] + ceiling[-1]) / 2
    blocked = int(np.argmax(floor > ceiling))
    edge, level = (high, ceiling[blocked - 1]) if low[blocked] > ceiling[blocked - 1] else (low, floor[blocked - 1])
    return int(np.flatnonzero(edge[:blocked] == level)[-1]), float(level)


def _shortest(start: Point, gates: list[tuple[float, float, float]], end: Point) -> list[Point]:
    """Corners of the shortest line from ``start`` through ``gates`` (time, low, high) to ``end``, these included."""
    corners = [start]
    upper, lower = deque([start]), deque([start])
    for at_s, low, high in gates:
        _extend(upper, lower, (at_s, high), 1.0, corners)
        _extend(lower, upper, (at_s, low), -1.0, corners)
    _extend(upper, lower, end, 1.0, corners)
    return corners + list(upper)[1:]


def _extend(chain: deque[Point], other: deque[Point], point: Point, sign: float, corners: list[Point]) -> None:
    """Add ``point`` to its side of the funnel, tightened; the apex moves along the ``other`` side where it must."""
    while len(chain) > 1 and sign * (_slope(chain[-1], point) - _slope(chain[-2], chain[-1])) <= 0:
        chain.pop()
    if len(chain) == 1:
        while len(other) > 1 and sign * (_slope(other[0], point) - _slope(other[0], other[1])) < 0:
            other.popleft()
            corners.append(other[0])
        chain[0] = other[0]
    chain.append(point)


def _slope(start: Point, end: Point) -> float:
    return (end[1] - start[1]) / (end[0] - start[0])
