"""Frame times: rates, even grids, interpolation, and polynomial fits of evenly spaced values.

Every function takes the frames' own times, so a variable frame rate is not a special case.
"""

import math
from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats

# of the mean interval: a frame this close to its place on an even grid counts as on it
EVEN_TOLERANCE_INTERVALS: Final = 0.05
# a shorter interval is a clock fault, such as a timestamp that repeats by a millisecond
SHORTEST_INTERVAL_S: Final = 1.5e-3


class EvenRun(NamedTuple):
    """Frames that follow each other evenly, up to the first frame of the next run."""

    frame: int  # the first one
    start_s: float  # its time
    step_s: float  # 0 for a single frame


def even_runs(time_s: Floats) -> Iterator[EvenRun]:
    """The fewest runs, from the first frame on, that give the times (n,), increasing, of all frames.

    They are right to ``EVEN_TOLERANCE_INTERVALS`` of the mean interval. One run for a constant rate.
    """
    times = time_s.tolist()
    tolerance_s = EVEN_TOLERANCE_INTERVALS * (times[-1] - times[0]) / max(len(times) - 1, 1)
    first, slowest_s, fastest_s = 0, 0.0, math.inf
    for frame in range(1, len(times)):
        count, passed_s = frame - first, times[frame] - times[first]
        low_s, high_s = (passed_s - tolerance_s) / count, (passed_s + tolerance_s) / count
        if max(low_s, slowest_s) > min(high_s, fastest_s):
            yield EvenRun(first, times[first], (slowest_s + fastest_s) / 2)
            first, slowest_s, fastest_s = frame, 0.0, math.inf
        else:
            slowest_s, fastest_s = max(low_s, slowest_s), min(high_s, fastest_s)
    yield EvenRun(first, times[first], (slowest_s + fastest_s) / 2 if first + 1 < len(times) else 0.0)


def mean_rate_hz(time_s: Floats) -> float:
    """Mean frame rate of ``time_s`` (n,), increasing; 0 for a single frame."""
    return float((len(time_s) - 1) / (time_s[-1] - time_s[0])) if len(time_s) > 1 else 0.0


def even_grid_s(time_s: Floats) -> Floats:
    """Even times (m,) from the first to the last frame; ``time_s`` itself, the same object, when it is even.

    The grid step is the shortest interval, but at least a sixteenth of the mean interval.
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
    """Times (n,) with a minimum interval: ``SHORTEST_INTERVAL_S``, or a quarter of the median interval if that is less.

    A frame that follows too closely is moved between its neighbours. A repeated timestamp comes one tick after its
    predecessor (see ``tasks.media.input.video_reader.TimestampRepair``), and the body would appear to leap.
    Returns ``time_s`` itself, the same object, when no interval is too short.
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


def odd_frames_in(time_s: Floats, seconds: float) -> int:
    """An odd number of frames that lasts about ``seconds``."""
    interval = float(np.median(np.diff(time_s))) if len(time_s) > 1 else 1.0
    return 2 * round(0.5 * seconds / max(interval, 1e-6)) + 1


def nearest_index(wanted: Floats, known: Floats) -> NDArray[np.intp]:
    """Index (m,) of the nearest of ``known`` (n,), ascending, for each of ``wanted`` (m,)."""
    right = np.searchsorted(known, wanted).clip(1, max(len(known) - 1, 1))
    right = np.minimum(right, len(known) - 1)
    left = np.maximum(right - 1, 0)
    return np.asarray(np.where(np.abs(wanted - known[left]) <= np.abs(known[right] - wanted), left, right))


def interpolate_at(wanted_s: Floats, known_s: Floats, path: Floats) -> Floats:
    """``path`` (n, k), known at ``known_s`` (n,), interpolated linearly at ``wanted_s`` (m,): (m, k)."""
    if wanted_s is known_s:
        return path
    return np.stack([np.interp(wanted_s, known_s, column) for column in path.T], axis=1)


def line_between_ends(path: Floats, time_s: Floats) -> Floats:
    """Points (n, k) of the straight line from the first to the last point of ``path``; at least two frames."""
    part = (time_s - time_s[0]) / (time_s[-1] - time_s[0])
    return np.asarray(path[0] + part[:, None] * (path[-1] - path[0]))


def polynomial_fit(count: int, order: int) -> Floats:
    """Matrix (count, count) that maps ``count`` evenly spaced values to their least-squares polynomial of ``order``.

    ``order`` is less than ``count``. Row i holds the weights that give the polynomial at position i.
    """
    powers = np.vander(np.linspace(-1, 1, count), order + 1)
    return np.asarray(powers @ np.linalg.pinv(powers))
