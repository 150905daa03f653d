"""Frames in which the person is away: who left is not chased, and the picture comes to rest by a rule."""

import numpy as np
from numpy.typing import NDArray

from tasks.maths.states import ABSENT, FILLED

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


def rest(time_s: Floats, offset_px: Floats, state: Texts, *, rule: str, rest_px: Floats, ease_s: float) -> Floats:
    """Offsets (n, 2) with the absent frames decided: ``hold``, ``ease`` or ``cut``.

    hold stays at the last offset and glides to the next one in the last ``ease_s`` before the person is back; ease
    glides to ``rest_px`` (the original picture) and back; cut shows the original picture at once. A glide starts
    and ends at rest, and takes at most half of the stretch.
    """
    settled = offset_px.copy()
    present = np.flatnonzero(state != ABSENT)
    for first, last in runs(state == ABSENT):
        before = settled[first - 1] if first else None
        after = offset_px[last + 1] if last + 1 < len(state) else None
        if rule == "cut" or not len(present):
            settled[first : last + 1] = rest_px
            continue
        time = time_s[first : last + 1]
        glide_s = min(ease_s, (time[-1] - time[0]) / 2)
        away = rest_px if rule == "ease" else (before if before is not None else after)
        left = _glide(time - time[0], glide_s) if before is not None else np.ones(len(time))
        back = _glide(time[-1] - time, glide_s) if after is not None else np.ones(len(time))
        path = np.broadcast_to(np.asarray(away), (len(time), 2))
        if before is not None:
            path = before + (path - before) * left[:, None]
        if after is not None:
            path = after + (path - after) * back[:, None]
        settled[first : last + 1] = path
    return settled


def _glide(since_s: Floats, length_s: float) -> Floats:
    """0 to 1 within ``length_s``, by the cubic that is level at both ends; 1 after."""
    part = np.clip(since_s / length_s, 0, 1) if length_s > 0 else np.ones_like(since_s)
    return np.asarray(part**2 * (3 - 2 * part))
