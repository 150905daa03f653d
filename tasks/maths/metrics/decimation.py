"""Reduce long series to what a chart of limited width can show, keeping every jump."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats

Indices = NDArray[np.intp]
CHART_BINS: Final = 600  # a chart is at most about this many pixels wide


def chart_indices(values: Floats, bins: int = CHART_BINS) -> Indices:
    """Increasing indices of the values to draw of ``values`` (n,).

    Each of ``bins`` equal parts keeps its smallest and largest value and its first NaN. All are kept where there are at
    most two a part. Both ends are kept.
    """
    count = len(values)
    if count <= 2 * bins:
        return np.arange(count)
    edges = np.linspace(0, count, bins + 1).astype(np.intp)
    chosen = {0, count - 1}
    for first, stop in pairwise(edges):
        part = values[first:stop]
        missing = np.isnan(part)
        if missing.any():
            chosen.add(int(first + np.argmax(missing)))
        if not missing.all():
            chosen |= {int(first + np.nanargmin(part)), int(first + np.nanargmax(part))}
    return np.array(sorted(chosen), dtype=np.intp)


def frames_at_equal_times(time_s: Floats, end_s: float, count: int) -> Indices:
    """Index of the frame shown in the middle of each of ``count`` equal parts of the time up to ``end_s``.

    ``time_s`` (n,) increases. A frame is shown until the next one, the last frame until ``end_s``.
    """
    at_s = time_s[0] + (np.arange(count) + 0.5) / count * max(end_s - time_s[0], 0.0)
    return np.asarray(np.clip(np.searchsorted(time_s, at_s, side="right") - 1, 0, len(time_s) - 1), dtype=np.intp)


def merge_intervals(stretches: Sequence[tuple[float, float]], least: float) -> list[tuple[float, float]]:
    """Intervals ``(start, end)`` in order, each widened to at least ``least``; intervals that then touch are merged."""
    joined: list[tuple[float, float]] = []
    for start, end in stretches:
        wide = (start, max(end, start + least))
        if joined and wide[0] <= joined[-1][1] + least:
            joined[-1] = (joined[-1][0], max(joined[-1][1], wide[1]))
        else:
            joined.append(wide)
    return joined
