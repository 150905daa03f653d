"""Frames' own times: how evenly they lie, and a path read at other times.

Polynomials fitted to evenly spaced values, by least squares.
"""

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats

EVEN_TOLERANCE_INTERVALS: Final = 0.05
"""Of a mean interval: a frame that lies nearer than this to its place on an even grid is taken to be on it."""
SHORTEST_INTERVAL_S: Final = 1.5e-3
"""Between two frames: what claims to be faster is a broken clock, such as one that repeats by a millisecond."""


def mean_rate_hz(time_s: Floats) -> float:
    """Frames a second over the whole of ``time_s`` (n,), increasing; 0 for a single frame."""
    return float((len(time_s) - 1) / (time_s[-1] - time_s[0])) if len(time_s) > 1 else 0.0


def even_grid_s(time_s: Floats) -> Floats:
    """Even times (m,) from the first frame to the last; ``time_s`` itself, the same object, when it is even.

    No coarser than the shortest interval, or than a sixteenth of the mean one where that is longer.
    """
    if len(time_s) < 3:
        return time_s
    span_s = time_s[-1] - time_s[0]
    mean_s = span_s / (len(time_s) - 1)
    if np.abs(time_s - np.linspace(time_s[0], time_s[-1], len(time_s))).max() < EVEN_TOLERANCE_INTERVALS * mean_s:
        return time_s
    step_s = max(np.diff(time_s).min(), mean_s / 16)
    return np.asarray(np.linspace(time_s[0], time_s[-1], math.ceil(span_s / step_s) + 1))


def plausible_times_s(time_s: Floats) -> Floats:
    """Times (n,) of which none follows the one before by less than ``SHORTEST_S``, or a quarter of a usual interval.

    Such a frame is put between its neighbours: a timestamp that repeats comes one tick after its predecessor (see
    ``tasks.media.input.video_reader.TimestampRepair``), and by that the body would have leapt. ``time_s`` itself, the
    same object, when it has none.
    """
    if len(time_s) < 2:
        return time_s
    interval_s = np.diff(time_s)
    shortest_s = min(SHORTEST_INTERVAL_S, float(np.median(interval_s)) / 4)
    believed = np.concatenate([[True], interval_s >= shortest_s])
    if believed.all():
        return time_s
    frame = np.arange(len(time_s))
    spread = np.interp(frame, frame[believed], time_s[believed])
    return np.asarray(time_s[0] + np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(spread), shortest_s))]))


def nearest_index(wanted: Floats, known: Floats) -> NDArray[np.intp]:
    """Index of the nearest of ``known`` (ascending) for each of ``wanted``."""
    right = np.searchsorted(known, wanted).clip(1, max(len(known) - 1, 1))
    right = np.minimum(right, len(known) - 1)
    left = np.maximum(right - 1, 0)
    return np.asarray(np.where(np.abs(wanted - known[left]) <= np.abs(known[right] - wanted), left, right))


def interpolate_at(wanted_s: Floats, known_s: Floats, path: Floats) -> Floats:
    """``path`` (n, k), known at ``known_s`` (n,), at the times ``wanted_s`` (m,), by straight lines."""
    if wanted_s is known_s:
        return path
    return np.stack([np.interp(wanted_s, known_s, column) for column in path.T], axis=1)


def line_between_ends(path: Floats, time_s: Floats) -> Floats:
    """The straight, even walk (n, k) from the first point of ``path`` to its last; at least two frames."""
    part = (time_s - time_s[0]) / (time_s[-1] - time_s[0])
    return np.asarray(path[0] + part[:, None] * (path[-1] - path[0]))


def polynomial_fit(count: int, order: int) -> Floats:
    """(count, count): times ``count`` values, those of the polynomial of ``order`` that fits them best.

    ``order`` is less than ``count``. Row i holds the weights with which the values make the polynomial at place i.
    """
    powers = np.vander(np.linspace(-1, 1, count), order + 1)
    return np.asarray(powers @ np.linalg.pinv(powers))
