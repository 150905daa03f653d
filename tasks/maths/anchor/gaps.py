"""Frames without a measurement: what stands in for it, and the record of that decision.

Short stretches in which nobody knows where the body was, crossed as it would have gone on.

A walker who vanishes behind a post goes on walking there: the swing of a gait is learnt before and behind, and carried
through. Who does not stride leaves as he came.


Frames in which the person is away: who left is not chased, and the picture comes to rest by a rule.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor.states import ABSENT, FILLED_STATES, HELD, INTERPOLATED, MEASURED
from tasks.maths.arrays import Flags, Floats, Labels, true_runs

END_SLOPE_S: Final = 0.14  # before and after a hole, in which the speed is measured that leads through it
GAIT_CONTEXT_S: Final = 2.0  # before and after a hole: from so much the gait is learnt
CONTEXT_DECAY_S: Final = 0.7  # in which what is known counts e times less
LEAST_STRIDES_SEEN: Final = 0.5  # of a stride, on each side: less tells no swing
STRIDE_HARMONICS: Final = 2  # of the stride: sideways once in it, up and down twice


def fill_gaps(time_s: Floats, path: Floats, *, interpolate: bool) -> tuple[Floats, NDArray[np.str_]]:
    """Path (n, k) without NaN, and the state (n,) of each frame: measured, interpolated or held.

    A row with any NaN is missing. Inside a gap the value runs in a straight line over ``time_s`` (n,), which must
    not decrease; with ``interpolate=False`` the last measured one is held. Before the first and after the last
    measured frame the nearest one is held. ``ValueError`` when no row is measured.
    """
    measured = np.isfinite(path).all(axis=1)
    known = np.flatnonzero(measured)
    if not len(known):
        raise ValueError("no frame is measured: there is nothing to fill the gaps from")
    frame = np.arange(len(path))
    before = known[np.maximum(np.searchsorted(known, frame, side="right") - 1, 0)]
    after = known[np.minimum(np.searchsorted(known, frame, side="left"), len(known) - 1)]
    bridged = ~measured & (before < frame) & (frame < after) & interpolate
    filled = path[before].astype(np.float64)
    for axis in range(path.shape[1]):
        filled[bridged, axis] = np.interp(time_s[bridged], time_s[known], path[known, axis])
    state = np.where(measured, MEASURED, np.where(bridged, INTERPOLATED, HELD))
    return filled, state


def bridge_gaps(time_s: Floats, path: Floats, guessed: Flags, stride_hz: Floats, longest_s: float) -> Floats:
    """``path`` (n, 2) with each stretch of ``guessed`` frames (n,) no longer than ``longest_s`` made anew.

    ``stride_hz`` (n,) is the gait's frequency, NaN where nobody strides. The rest of the path stays, and what is made
    anew meets it at both ends.
    """
    bent = path.copy()
    for first, last in true_runs(guessed):
        before, after = first - 1, last + 1
        if before < 0 or after >= len(path) or time_s[after] - time_s[before] > longest_s:
            continue
        away_s = np.maximum(time_s[before] - time_s, time_s - time_s[after])
        about = ~guessed & (away_s > -1e-6) & (away_s < GAIT_CONTEXT_S)
        stride = stride_hz[about & np.isfinite(stride_hz)]
        known_s = time_s[about]
        seen_s = min(time_s[before] - known_s[0], known_s[-1] - time_s[after])
        if len(stride) and seen_s * np.median(stride) > LEAST_STRIDES_SEEN:
            weight = np.exp(-away_s / CONTEXT_DECAY_S)
            made = _bridge_with_gait(time_s, path, about, weight, (before, after), float(np.median(stride)))
        else:
            made = _bridge_with_cubic(time_s, path, about & (away_s < END_SLOPE_S + 1e-6), (before, after))
        bent[first : last + 1] = made
    return bent


def _bridge_with_gait(
    time_s: Floats, path: Floats, about: Flags, weight: Floats, ends: tuple[int, int], stride_hz: float
) -> Floats:
    """Between ``ends`` the parabola and the swing that fit best to the path ``about`` them."""
    middle_s = 0.5 * (time_s[ends[0]] + time_s[ends[1]])
    turn = 2 * np.pi * stride_hz * (time_s - middle_s)[:, None] * np.arange(1, STRIDE_HARMONICS + 1)
    terms = np.concatenate([np.vander(time_s - middle_s, 3), np.cos(turn), np.sin(turn)], axis=1)
    near = weight[about, None]
    fit = terms @ np.linalg.lstsq(near * terms[about], near * path[about], rcond=None)[0]
    between = slice(ends[0] + 1, ends[1])
    share = ((time_s[between] - time_s[ends[0]]) / (time_s[ends[1]] - time_s[ends[0]]))[:, None]
    off = path[list(ends)] - fit[list(ends)]
    return np.asarray(fit[between] + (1 - share) * off[0] + share * off[1])


def _bridge_with_cubic(time_s: Floats, path: Floats, about: Flags, ends: tuple[int, int]) -> Floats:
    """Between ``ends`` the cubic that leaves as the path came, or the path itself where that tells no speed."""
    row = np.arange(len(path))
    sides = [np.flatnonzero(about & (row <= ends[0])), np.flatnonzero(about & (row >= ends[1]))]
    if min(len(side) for side in sides) < 2:
        return path[ends[0] + 1 : ends[1]]
    from scipy.interpolate import CubicHermiteSpline  # here: it takes long to load, and few runs need it

    slopes = [np.polyfit(time_s[side], path[side], 1)[0] for side in sides]
    through = CubicHermiteSpline(time_s[list(ends)], path[list(ends)], slopes)
    return np.asarray(through(time_s[ends[0] + 1 : ends[1]]))


def mark_absent(time_s: Floats, state: Labels, longest_gap_s: float) -> Labels:
    """States with every stretch of interpolated or held frames that lasts longer than ``longest_gap_s`` as absent.

    A stretch lasts from the last known frame before it to the first one after it.
    """
    marked = state.astype(object)
    for first, last in true_runs(np.isin(state, FILLED_STATES)):
        from_s = time_s[first - 1] if first else time_s[first]
        to_s = time_s[last + 1] if last + 1 < len(time_s) else time_s[last]
        if to_s - from_s > longest_gap_s:
            marked[first : last + 1] = ABSENT
    return marked.astype(str)


class AbsenceRule(NamedTuple):
    """What is shown while nobody is there."""

    rule: str  # hold, ease or cut
    ease_s: float  # that a glide takes
    rest_px: tuple[float, float]  # the offset that shows the original picture


def settle_absent(time_s: Floats, path: Floats, state: Labels, away: AbsenceRule, still: tuple[float, float]) -> Floats:
    """``path`` (n, 2) with the absent frames decided by the rule; ``still`` is its value in the original picture.

    hold stays at the last value and glides to the next one in the last ``ease_s`` before the person is back; ease
    glides to ``still`` and back; cut shows the original picture at once. A glide starts and ends at rest, and takes at
    most half of the stretch.
    """
    settled = path.copy()
    present = np.flatnonzero(state != ABSENT)
    for first, last in true_runs(state == ABSENT):
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
