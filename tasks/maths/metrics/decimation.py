"""Long series for a picture of limited width: what a viewer could see of the whole is kept, above all each jump."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats

Indices = NDArray[np.intp]
CHART_BINS: Final = 600  # a chart is at most about so many pixels wide


def chart_indices(values: Floats, bins: int = CHART_BINS) -> Indices:
    """Indices, increasing, of what stands for ``values`` (n,): in each of ``bins`` equal parts the least and the
    greatest value and the first NaN; all of them where there are no more than two a part. Both ends are kept.
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
    """The frame that is shown in the middle of each of ``count`` equal parts of the time from the first to ``end_s``.

    ``time_s`` (n,) increases; a frame is shown until the next one, the last until ``end_s``.
    """
    at_s = time_s[0] + (np.arange(count) + 0.5) / count * max(end_s - time_s[0], 0.0)
    return np.asarray(np.clip(np.searchsorted(time_s, at_s, side="right") - 1, 0, len(time_s) - 1), dtype=np.intp)


def merge_intervals(stretches: Sequence[tuple[float, float]], least: float) -> list[tuple[float, float]]:
    """``(start, end)`` of stretches in order, each made at least ``least`` long, those that then touch as one."""
    joined: list[tuple[float, float]] = []
    for start, end in stretches:
        wide = (start, max(end, start + least))
        if joined and wide[0] <= joined[-1][1] + least:
            joined[-1] = (joined[-1][0], max(joined[-1][1], wide[1]))
        else:
            joined.append(wide)
    return joined
