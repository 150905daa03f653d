"""Which steps not to believe: those that glimpsed an arm, somebody else or the wall."""

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from tasks.maths.anchor.away import runs
from tasks.maths.tracking.steps import Steps

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

UNSURE: Final = 0.006  # of the torso's length: a step known no better than this is not used
HARDLY: Final = 0.7  # of that: nor is one hardly better known beside it
TELLING: Final = 0.05  # of the torso's length: a pose tells two steps apart that differ by more
SPIKE: Final = 0.012  # of the torso's length
SPIKE_SPREAD: Final = 8.0  # medians of the deviation from the steps around
ABRUPT: Final = 0.04  # of the torso's length, from one step to the next
NORMAL_S: Final = 1 / 30  # steps are compared as if made in this time
CROSSING_S: Final = 0.6  # a crossing lasts no longer


def standard_error(steps: Steps) -> Floats:
    """Standard error (n,) of a step in px, from how well its features agree and how many do; NaN without any."""
    agreeing = np.maximum(steps["features"] * steps["inlier_share"], 1.0)
    return np.asarray(1.4826 * steps["misfit_px"] / np.sqrt(agreeing))


def unsure(error: Floats, missing: Flags, size: Floats) -> Flags:
    """Steps (n,) with too large a standard ``error`` (n,), or one hardly better beside them or beside missing ones.

    Where features are lost, or found again, some of them lie on whatever hides the body.
    """
    bad = missing | (error > UNSURE * size)
    doubtful = missing | (error > HARDLY * UNSURE * size)
    for first, last in runs(doubtful):
        part = slice(first, last + 1)
        doubtful[part] = bad[part].any()
    return doubtful


def witnessed(step: Floats, guess: Floats, pose_xy: Floats, error: Floats, size: Floats) -> Flags:
    """Steps (n, 2) that the pose made too, rather than the ``guess`` (n, 2) that would stand in for them.

    Somebody who leaps is blurred: each of the two is doubtful alone, but what both say is no accident. A guess that
    differs by no more than the steps' own ``error`` (n,), or by less than poses are off, is as good.
    """
    pose = np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan))
    apart = np.hypot(*(step - guess).T)
    nearer = np.hypot(*(step - pose).T) < np.hypot(*(guess - pose).T)
    return np.asarray(nearer & (apart > np.maximum(TELLING * size, error)))


def adrift(steps: Steps) -> Flags:
    """Steps (n,) measured where the torso was lost on the way: since the last pose a step before them is missing."""
    missing = np.isnan(steps.xy()).any(axis=1)
    lost = np.concatenate([[0], np.cumsum(missing)])  # of the first k steps, how many are missing
    row = np.arange(len(steps))
    first = np.maximum(row - steps["carried_frames"].astype(np.int64), 0)
    return np.asarray(lost[row] > lost[first])


def spikes(time_s: Floats, step: Floats, pose_xy: Floats, size: Floats) -> Flags:
    """Steps (n, 2) unlike their neighbours, where the pose sides with these: a glimpse of an arm or of the wall."""
    rows = np.flatnonzero(np.isfinite(step).all(axis=1))
    found = np.zeros(len(step), dtype=bool)
    if len(rows) < 5:
        return found
    interval = _intervals(time_s)[rows, None]
    around = median_filter(step[rows] / interval, size=(5, 1), mode="nearest") * interval
    off = np.hypot(*(step[rows] - around).T) / size[rows]
    limit = max(SPIKE, SPIKE_SPREAD * float(np.median(off)))
    pose = np.diff(pose_xy, axis=0, prepend=np.full((1, 2), np.nan))[rows]
    sides = np.hypot(*(step[rows] - pose).T) > np.hypot(*(around - pose).T)
    found[rows] = (off > limit) & (sides | np.isnan(pose).any(axis=1))
    return found


def glimpses(time_s: Floats, step: Floats, gap: Floats, size: Floats) -> Flags:
    """Short runs of steps (n, 2) that start and end abruptly and that the pose, once they are over, has not made.

    Somebody who crosses in front takes the features along for a moment. A bump of the camera is as abrupt, but
    afterwards the pose has moved by as much: ``gap`` (n, 2), the pose minus the sum of the steps, is what it was. Who
    hops ends where he began: then the poses on the way tell.
    """
    rows = np.flatnonzero(np.isfinite(step).all(axis=1))
    found = np.zeros(len(step), dtype=bool)
    interval = _intervals(time_s)
    speed = step / interval[:, None]
    leaps = np.hypot(*np.diff(speed[rows], axis=0).T) * np.minimum(interval[rows[1:]], NORMAL_S)
    edges = np.flatnonzero(leaps > ABRUPT * size[rows[1:]]) + 1
    for start, end in pairwise(edges):
        first, after = rows[start], rows[end]
        if time_s[after] - time_s[first] > CROSSING_S:
            continue
        run = rows[start:end]
        usual = 0.5 * (speed[rows[start - 1]] + speed[after])
        extra = np.cumsum(step[run] - usual * interval[run, None], axis=0)
        leap = _middle(time_s, gap, time_s[after], CROSSING_S) - _middle(time_s, gap, time_s[first - 1], -CROSSING_S)
        if np.hypot(*(leap + extra[-1])) + _spread(gap[run] + extra) < np.hypot(*leap) + _spread(gap[run]):
            found[run] = True
    return found


def _spread(values: Floats) -> float:
    """Median distance of the known values (n, 2) from their median; nothing where none is known."""
    there = values[np.isfinite(values).all(axis=1)]
    return float(np.median(np.hypot(*(there - np.median(there, axis=0)).T))) if len(there) else 0.0


def _intervals(time_s: Floats) -> Floats:
    """Seconds (n,) since the frame before; for the first one, until the next."""
    step = np.diff(time_s)
    return np.asarray(np.maximum(np.concatenate([step[:1], step]), 1e-6))


def _middle(time_s: Floats, values: Floats, from_s: float, span_s: float) -> Floats:
    """Median of the values (n, 2) in a span that starts or ends at a time; NaN where none is known."""
    low, high = sorted((from_s, from_s + span_s))
    there = values[(time_s >= low) & (time_s <= high) & np.isfinite(values).all(axis=1)]
    return np.asarray(np.median(there, axis=0)) if len(there) else np.full(2, np.nan)
