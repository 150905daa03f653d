"""Frames in which the person is away: who left is not chased, and the picture comes to rest by a rule."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor.states import ABSENT, FILLED

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Texts = NDArray[np.str_]


def runs(flags: Flags) -> list[tuple[int, int]]:
    """``(first, last)`` of each stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(stop) - 1) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def mark_absent(time_s: Floats, state: Texts, longest_gap_s: float) -> Texts:
    """States with every stretch of interpolated or held frames that lasts longer than ``longest_gap_s`` as absent.

    A stretch lasts from the last known frame before it to the first one after it.
    """
    marked = state.astype(object)
    for first, last in runs(np.isin(state, FILLED)):
        from_s = time_s[first - 1] if first else time_s[first]
        to_s = time_s[last + 1] if last + 1 < len(time_s) else time_s[last]
        if to_s - from_s > longest_gap_s:
            marked[first : last + 1] = ABSENT
    return marked.astype(str)


class Away(NamedTuple):
    """What is shown while nobody is there."""

    rule: str  # hold, ease or cut
    ease_s: float  # that a glide takes
    rest_px: tuple[float, float]  # the offset that shows the original picture


def rest(time_s: Floats, path: Floats, state: Texts, away: Away, still: tuple[float, float]) -> Floats:
    """``path`` (n, 2) with the absent frames decided by the rule; ``still`` is its value in the original picture.

    hold stays at the last value and glides to the next one in the last ``ease_s`` before the person is back; ease
    glides to ``still`` and back; cut shows the original picture at once. A glide starts and ends at rest, and takes at
    most half of the stretch.
    """
    settled = path.copy()
    present = np.flatnonzero(state != ABSENT)
    for first, last in runs(state == ABSENT):
        before = settled[first - 1] if first else None
        after = path[last + 1] if last + 1 < len(state) else None
        if away.rule == "cut" or not len(present):
            settled[first : last + 1] = still
            continue
        time = time_s[first : last + 1]
        glide_s = min(away.ease_s, (time[-1] - time[0]) / 2)
        place = still if away.rule == "ease" else (before if before is not None else after)
        left = _glide(time - time[0], glide_s) if before is not None else np.ones(len(time))
        back = _glide(time[-1] - time, glide_s) if after is not None else np.ones(len(time))
        way = np.broadcast_to(np.asarray(place), (len(time), 2))
        if before is not None:
            way = before + (way - before) * left[:, None]
        if after is not None:
            way = after + (way - after) * back[:, None]
        settled[first : last + 1] = way
    return settled


def _glide(since_s: Floats, length_s: float) -> Floats:
    """0 to 1 within ``length_s``, by the cubic that is level at both ends; 1 after."""
    part = np.clip(since_s / length_s, 0, 1) if length_s > 0 else np.ones_like(since_s)
    return np.asarray(part**2 * (3 - 2 * part))
