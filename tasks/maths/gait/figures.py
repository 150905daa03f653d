"""The figures of a gait from its events: cadence, times of steps and strides, double support, symmetry.

A stride runs from one heel strike of a leg to the next one of the same leg. A step is named by the foot that lands.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from scipy.ndimage import median_filter

from tasks.errors import counted
from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.gait.events import SIDES, GaitEvent, Side, gait_events
from tasks.maths.gait.side_view import SideView, side_views

FEWEST_STRIDES: Final = 3  # of both legs together; fewer have no spread to speak of
USUAL: Final = (0.75, 1.33)  # of the median stride: a longer or shorter one is a stop, or a missed contact
# Share of the stride in which the foot stands. Measured: 0.61 to 0.69 in a walk in a laboratory, 0.62 in drawn walks,
# 0.45 to 0.55 in a run on a treadmill. In a walk backwards, whose events are taken for one another: 0.13 to 0.30.
LEAST_STANCE_OF_A_WALK: Final = 0.56
LEAST_STANCE_OF_A_RUN: Final = 0.38
# Share of the stride at which the other foot strikes, where the feet take turns. Measured: 0.47 to 0.53 in a run on a
# treadmill. Where the poses took one leg for the other in a walk: 0.13, 0.82 and 0.88.
TAKING_TURNS: Final = (0.25, 0.75)
AGREEING_STRIDES: Final = 5  # whose median share counts, so that one misplaced event changes nothing


class Stride(NamedTuple):
    """One stride of a leg, in seconds as in the file."""

    side: Side
    start_s: float  # heel strike
    other_off_s: float  # the other foot leaves the ground; NaN where that was not seen
    other_strike_s: float  # the other heel strikes; NaN where that was not seen
    off_s: float  # toe off
    end_s: float  # the next heel strike


@dataclass(frozen=True)
class Spread:
    """A figure over several strides or steps."""

    mean: float
    deviation: float  # standard deviation; NaN for one value
    count: int


class Gait(NamedTuple):
    """What is known of the gait of a clip; ``why_not`` says why there are no figures, and is empty where there are."""

    parts: list[SideView]
    events: list[GaitEvent]
    strides: list[Stride]
    figures: dict[str, Spread]
    why_not: str


def measured_gait(track: PoseTrack, pixel_aspect: float = 1.0) -> Gait:
    """The gait of a clip; see ``gait_of_events``."""
    parts, why_not = side_views(track, pixel_aspect)
    return gait_of_events(gait_events(parts), parts, why_not)


def gait_of_events(events: list[GaitEvent], parts: list[SideView], why_not: str) -> Gait:
    """The strides in which the person walks forwards, the events near them, and the figures.

    Of running and of walking backwards there is nothing: the method does not know their instants. Fewer strides than
    ``FEWEST_STRIDES`` in which the feet take turns do not tell which it is. ``why_not`` says why a clip has no parts.
    """
    strides = usual_strides(events)
    walked = _walked_forwards(strides)
    kept = [stride for stride, is_walk in zip(strides, walked, strict=True) if is_walk]
    in_turn = [stride for stride in strides if _feet_take_turns(stride)]
    if not why_not and len(in_turn) >= FEWEST_STRIDES and not kept:
        backwards = float(np.median([stance_share(stride) for stride in in_turn])) < LEAST_STANCE_OF_A_RUN
        what = "walks backwards" if backwards else "runs"
        return Gait(parts, [], [], {}, f"the person {what}, and the method knows walking forwards only")
    if not why_not and len(kept) < FEWEST_STRIDES:
        measured = counted(len(kept) or len(in_turn), "whole stride")
        why_not = f"only {measured} could be measured; {FEWEST_STRIDES} are needed"
    if len(kept) < len(strides):
        events = [event for event in events if any(_is_near(event, stride) for stride in kept)]
    return Gait(parts, events, kept, {} if why_not else stride_figures(kept), why_not)


def stance_share(stride: Stride) -> float:
    """Share of the stride in which the foot is on the ground."""
    return (stride.off_s - stride.start_s) / (stride.end_s - stride.start_s)


def _feet_take_turns(stride: Stride) -> bool:
    """Whether the other foot strikes near the middle of the stride; not where that was not seen."""
    share = (stride.other_strike_s - stride.start_s) / (stride.end_s - stride.start_s)
    return TAKING_TURNS[0] <= share <= TAKING_TURNS[1]


def _walked_forwards(strides: Sequence[Stride]) -> Flags:
    """Which strides (n,) are of a walk forwards.

    The foot stands for longer than half of them, and the other foot was seen to leave the ground and to strike again
    meanwhile. A stop or a turn is none.
    """
    shares = np.array([stance_share(stride) for stride in strides])
    stood_long = median_filter(shares, size=AGREEING_STRIDES, mode="nearest") >= LEAST_STANCE_OF_A_WALK
    in_order = [  # False where an instant was not seen, and is NaN
        stride.other_off_s < stride.other_strike_s < stride.off_s for stride in strides
    ]
    return np.asarray(stood_long & np.array(in_order, np.bool_))


def _is_near(event: GaitEvent, stride: Stride) -> bool:
    half_s = (stride.end_s - stride.start_s) / 2
    return stride.start_s - half_s <= event.time_s <= stride.end_s + half_s


def usual_strides(events: Sequence[GaitEvent]) -> list[Stride]:
    """The whole strides in order, without those whose length is far from the median's."""
    strides = sorted(_strides(events), key=lambda stride: stride.start_s)
    if not strides:
        return []
    median_s = float(np.median([one.end_s - one.start_s for one in strides]))
    least_s, most_s = (share * median_s for share in USUAL)
    return [one for one in strides if least_s <= one.end_s - one.start_s <= most_s]


def stride_figures(strides: Sequence[Stride]) -> dict[str, Spread]:
    """Figures of at least one stride. Names say the unit; those of one side begin with ``left_`` or ``right_``.

    ``symmetry_...`` is the difference of left and right as a share of their mean, positive where left is longer (R. O.
    Robinson, W. Herzog and B. M. Nigg, 1987); it is left out with fewer than ``FEWEST_STRIDES`` strides on a side. What
    no stride shows is left out too.
    """
    stride_s = np.array([one.end_s - one.start_s for one in strides])
    step_s = {side: _values(strides, other_side(side), lambda one: one.other_strike_s - one.start_s) for side in SIDES}
    stance_s = {side: _values(strides, side, lambda one: one.off_s - one.start_s) for side in SIDES}
    swing_s = {side: _values(strides, side, lambda one: one.end_s - one.off_s) for side in SIDES}
    double = [
        100 * ((one.other_off_s - one.start_s) + (one.off_s - one.other_strike_s)) / (one.end_s - one.start_s)
        for one in strides
    ]
    figures = {"cadence_steps_per_min": spread(120 / stride_s), "stride_s": spread(stride_s)}
    for name, by_side in (("step_s", step_s), ("stance_s", stance_s), ("swing_s", swing_s)):
        figures |= {f"{side}_{name}": spread(by_side[side]) for side in SIDES}
    figures["double_support_percent"] = spread(double)
    for name, by_side in (("step", step_s), ("stance", stance_s), ("swing", swing_s)):
        left, right = (spread(by_side[side]) for side in SIDES)
        mean = (left.mean + right.mean) / 2
        count = min(left.count, right.count)
        if count >= FEWEST_STRIDES:
            figures[f"symmetry_{name}_percent"] = Spread(100 * (left.mean - right.mean) / mean, np.nan, count)
    return {name: figure for name, figure in figures.items() if figure.count and np.isfinite(figure.mean)}


def other_side(side: Side) -> Side:
    """The other of the two."""
    return "right" if side == "left" else "left"


def _values(strides: Sequence[Stride], side: Side, value: Callable[[Stride], float]) -> list[float]:
    return [value(one) for one in strides if one.side == side]


def spread(values: Iterable[float] | Floats) -> Spread:
    """Mean and deviation of the values that are known; NaN for none."""
    known = np.array([value for value in values if np.isfinite(value)])
    if not len(known):
        return Spread(np.nan, np.nan, 0)
    return Spread(float(known.mean()), float(known.std(ddof=1)) if len(known) > 1 else np.nan, len(known))


def _strides(events: Sequence[GaitEvent]) -> Iterable[Stride]:
    """Two heel strikes of a leg with exactly one toe off of it between them."""
    strikes, offs = (
        {side: sorted(one.time_s for one in events if one.side == side and one.kind == kind) for side in SIDES}
        for kind in ("heel strike", "toe off")
    )
    for side in SIDES:
        for start_s, end_s in pairwise(strikes[side]):
            off = _between(offs[side], start_s, end_s)
            if len(off) != 1:
                continue
            other_off = _between(offs[other_side(side)], start_s, off[0])
            other_strike = _between(strikes[other_side(side)], start_s, end_s)
            yield Stride(side, start_s, _only(other_off), _only(other_strike), off[0], end_s)


def _between(times_s: Sequence[float], start_s: float, end_s: float) -> Sequence[float]:
    """The times, in order, that lie between two others."""
    return times_s[bisect_right(times_s, start_s) : bisect_left(times_s, end_s)]


def _only(times_s: Sequence[float]) -> float:
    return times_s[0] if len(times_s) == 1 else np.nan
