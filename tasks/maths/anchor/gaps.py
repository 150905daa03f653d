"""Gaps: stretches of frames without a measurement. Fill them, bridge short ones, and mark long ones as absent."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from tasks.maths.anchor.states import ABSENT, FILLED_STATES, HELD, INTERPOLATED, MEASURED
from tasks.maths.arrays import Flags, Floats, Labels, true_runs

# Choices. Gaps of 0.3 to 0.9 s in the true hips of eight drawn walkers are bridged with an error of 2.5 px rms. With
# half or double of one value it is 2.3 to 2.7 px, with 1 or 4 harmonics 3.3 or 2.9 px. Without a gait it is 3.3 px, and
# 3.2 or 3.5 px with half or double of END_SLOPE_S.
END_SLOPE_S: Final = 0.14  # on each side of a gap: the speed is measured over this time
GAIT_CONTEXT_S: Final = 2.0  # on each side of a gap: the gait is fitted to this time
CONTEXT_DECAY_S: Final = 0.7  # the weight of a frame falls by a factor e over this distance from the gap
LEAST_STRIDES_SEEN: Final = 0.5  # on each side: with less, no swing can be fitted
STRIDE_HARMONICS: Final = 2  # sideways the hips swing once a stride, vertically twice


def fill_gaps(time_s: Floats, path: Floats, *, interpolate: bool) -> tuple[Floats, Labels]:
    """Path (n, k) without NaN, and the state (n,) of each frame: measured, interpolated or held.

    A row with any NaN is missing. Inside a gap the value is interpolated linearly over ``time_s`` (n,), which must not
    decrease; with ``interpolate=False`` the last measured value is held. Before the first and after the last measured
    frame the nearest one is held. ``ValueError`` when no row is measured.
    """
    measured = np.isfinite(path).all(axis=1)
    known = np.flatnonzero(measured)
    if not len(known):
        raise ValueError("no frame is measured: there is nothing to fill the gaps from")
    frame = np.arange(len(path))
    before = known[np.maximum(np.searchsorted(known, frame, side="right") - 1, 0)]
    after = known[np.minimum(np.searchsorted(known, frame, side="left"), len(known) - 1)]
    interpolated = ~measured & (before < frame) & (frame < after) & interpolate
    filled = path[before].astype(np.float64)
    for axis in range(path.shape[1]):
        filled[interpolated, axis] = np.interp(time_s[interpolated], time_s[known], path[known, axis])
    state = np.where(measured, MEASURED, np.where(interpolated, INTERPOLATED, HELD))
    return filled, state


def bridge_gaps(time_s: Floats, path: Floats, guessed: Flags, stride_hz: Floats, longest_s: float) -> Floats:
    """``path`` (n, 2) with each run of ``guessed`` frames (n,) of at most ``longest_s`` replaced by a better guess.

    A person who walks behind a post keeps walking: where a gait is seen on both sides, its swing is carried through the
    gap. Otherwise a cubic continues the speed on both sides. ``stride_hz`` (n,) is the stride frequency, NaN without a
    gait. Other frames keep their values, and the replaced ones join them at both ends.
    """
    bridged = path.copy()
    for first, last in true_runs(guessed):
        before, after = first - 1, last + 1
        if before < 0 or after >= len(path) or time_s[after] - time_s[before] > longest_s:
            continue
        distance_s = np.maximum(time_s[before] - time_s, time_s - time_s[after])
        context = ~guessed & (distance_s > -1e-6) & (distance_s < GAIT_CONTEXT_S)
        stride = stride_hz[context & np.isfinite(stride_hz)]
        known_s = time_s[context]
        seen_s = min(time_s[before] - known_s[0], known_s[-1] - time_s[after])
        if len(stride) and seen_s * np.median(stride) > LEAST_STRIDES_SEEN:
            weight = np.exp(-distance_s / CONTEXT_DECAY_S)
            values = _bridge_with_gait(time_s, path, context, weight, (before, after), float(np.median(stride)))
        else:
            values = _bridge_with_cubic(time_s, path, context & (distance_s < END_SLOPE_S + 1e-6), (before, after))
        bridged[first : last + 1] = values
    return bridged


def _bridge_with_gait(
    time_s: Floats, path: Floats, about: Flags, weight: Floats, ends: tuple[int, int], stride_hz: float
) -> Floats:
    """Between the frames ``ends``: parabola plus swing, fitted to ``path`` in the frames ``about``."""
    middle_s = 0.5 * (time_s[ends[0]] + time_s[ends[1]])
    turn = 2 * np.pi * stride_hz * (time_s - middle_s)[:, None] * np.arange(1, STRIDE_HARMONICS + 1)
    terms = np.concatenate([np.vander(time_s - middle_s, 3), np.cos(turn), np.sin(turn)], axis=1)
    near = weight[about, None]
    fit = terms @ np.linalg.lstsq(near * terms[about], near * path[about], rcond=None)[0]
    between = slice(ends[0] + 1, ends[1])
    share = ((time_s[between] - time_s[ends[0]]) / (time_s[ends[1]] - time_s[ends[0]]))[:, None]
    error = path[list(ends)] - fit[list(ends)]
    return np.asarray(fit[between] + (1 - share) * error[0] + share * error[1])


def _bridge_with_cubic(time_s: Floats, path: Floats, about: Flags, ends: tuple[int, int]) -> Floats:
    """Between the frames ``ends``: the cubic with the path's speed at both ends, or the path if no speed is known."""
    row = np.arange(len(path))
    sides = [np.flatnonzero(about & (row <= ends[0])), np.flatnonzero(about & (row >= ends[1]))]
    if min(len(side) for side in sides) < 2:
        return path[ends[0] + 1 : ends[1]]
    from scipy.interpolate import CubicHermiteSpline  # loaded here: slow to load, and few runs need it

    slopes = [np.polyfit(time_s[side], path[side], 1)[0] for side in sides]
    through = CubicHermiteSpline(time_s[list(ends)], path[list(ends)], slopes)
    return np.asarray(through(time_s[ends[0] + 1 : ends[1]]))


def mark_absent(time_s: Floats, state: Labels, longest_gap_s: float) -> Labels:
    """``state`` (n,) with every run of interpolated or held frames longer than ``longest_gap_s`` set to absent.

    A run lasts from the last known frame before it to the first known frame after it.
    """
    marked = state.astype(object)
    for first, last in true_runs(np.isin(state, FILLED_STATES)):
        from_s = time_s[first - 1] if first else time_s[first]
        to_s = time_s[last + 1] if last + 1 < len(time_s) else time_s[last]
        if to_s - from_s > longest_gap_s:
            marked[first : last + 1] = ABSENT
    return marked.astype(str)


class AbsenceRule(NamedTuple):
    """What the picture does while nobody is there."""

    rule: str  # hold, ease or cut
    ease_s: float  # duration of a transition
    rest_px: tuple[float, float]  # offset (x, y) that shows the original picture


def settle_absent(time_s: Floats, path: Floats, state: Labels, away: AbsenceRule, still: tuple[float, float]) -> Floats:
    """``path`` (n, 2) with its absent frames set by the rule; ``still`` is the value that shows the original picture.

    hold: stay at the last value, and move to the next one in the last ``ease_s`` before the person is back. ease: move
    to ``still`` and back. cut: show the original picture at once. A transition starts and ends at rest, and takes at
    most half of the absence.
    """
    result = path.copy()
    present = np.flatnonzero(state != ABSENT)
    for first, last in true_runs(state == ABSENT):
        before = result[first - 1] if first else None
        after = path[last + 1] if last + 1 < len(state) else None
        if away.rule == "cut" or not len(present):
            result[first : last + 1] = still
            continue
        time = time_s[first : last + 1]
        glide_s = min(away.ease_s, (time[-1] - time[0]) / 2)
        goal = still if away.rule == "ease" else (before if before is not None else after)
        leaving = _glide(time - time[0], glide_s) if before is not None else np.ones(len(time))
        returning = _glide(time[-1] - time, glide_s) if after is not None else np.ones(len(time))
        values = np.broadcast_to(np.asarray(goal), (len(time), 2))
        if before is not None:
            values = before + (values - before) * leaving[:, None]
        if after is not None:
            values = after + (values - after) * returning[:, None]
        result[first : last + 1] = values
    return result


def longest_shot(path: Floats, shots: Sequence[slice]) -> int:
    """Index of the shot with the most finite points of ``path`` (n, 2); the first of several."""
    return int(np.argmax([np.isfinite(path[shot]).all(axis=1).sum() for shot in shots]))


def mark_absent_in_shots(time_s: Floats, state: Labels, shots: Sequence[slice], longest_gap_s: float) -> Labels:
    """``state`` (n,) with every run of guesses in a shot that is longer than ``longest_gap_s`` set to absent."""
    return np.concatenate([mark_absent(time_s[shot], state[shot], longest_gap_s) for shot in shots])


def settle_absent_in_shots(
    time_s: Floats,
    path: Floats,
    state: Labels,
    shots: Sequence[slice],
    away: AbsenceRule,
    still: tuple[float, float],
) -> Floats:
    """``path`` (n, 2) with the absent frames of each shot set by the rule; nothing is held or eased across a cut."""
    return np.concatenate([settle_absent(time_s[shot], path[shot], state[shot], away, still) for shot in shots])


def _glide(since_s: Floats, length_s: float) -> Floats:
    """0 to 1 within ``length_s``, by the cubic with zero slope at both ends (smoothstep); 1 afterwards."""
    share = np.clip(since_s / length_s, 0, 1) if length_s > 0 else np.ones_like(since_s)
    return np.asarray(share**2 * (3 - 2 * share))
