"""Heel strikes and toe offs of a walker who is seen from the side.

Which strides there are follows the coordinate method of J. A. Zeni, J. G. Richards and J. S. Higginson, "Two simple
methods for determining gait events during treadmill and overground walking using kinematic data", Gait & Posture 27
(2008): a heel strikes after it was farthest before the hips, and the toes leave the ground before they are farthest
behind them. These extremes do not need the camera to stand still. On drawn walkers they come 66 ms before the strike
and 60 ms after the toes have left. So the instants are those of the pitch of the foot, as in shoe-worn sensors (B.
Mariani, H. Rouhani, X. Crevoisier and K. Aminian, Gait & Posture 37, 2013): at the strike the raised toes begin to
fall, and when the toes leave, the rise of the heel ends.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Literal, NamedTuple

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.signal import find_peaks

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HEELS, TOES
from tasks.maths.gait.side_view import SideView

# Choices. The events of eight drawn walkers, with the errors of a pose model, are off by 18 ms rms. With half or double
# of one value it is 16 to 20 ms. Exceptions: 37 or 27 ms with RISE, and 26 ms with double of FLAT_BEFORE_END. With
# double of LEAST_STRIDE most events are not found.
GRID_S: Final = 0.001  # on which the spline through the frames is read
LEAST_STRIDE: Final = 0.6  # of the usual stride: closer extremes are one
LEAST_REACH_TORSOS: Final = 0.2  # that a foot swings before or behind the hips in a step
STRIKE_SEARCH: Final = (-0.04, 0.12)  # of a stride, around the heel's farthest point: the toes are highest there
BEGUN: Final = 0.01  # share of the fall of the toes at which it has begun
FLAT_AFTER_STRIKE: Final = (0.10, 0.25)  # of a stride: the foot stands flat
FLAT_BEFORE_END: Final = (-0.40, -0.25)  # of a stride before the toes are farthest behind
STEEPEST_BEFORE_END: Final = 0.06  # of a stride: where the lowest pitch is looked for, around the toes' last point
RISE: Final = (0.2, 0.8)  # shares of the heel's rise through which a straight line is laid

Side = Literal["left", "right"]
SIDES: Final[tuple[Side, Side]] = ("left", "right")
Kind = Literal["heel strike", "toe off"]


class GaitEvent(NamedTuple):
    """One contact of a foot with the ground, or its end."""

    time_s: float  # as in the file, between frames
    side: Side
    kind: Kind


def gait_events(parts: Sequence[SideView]) -> list[GaitEvent]:
    """The events of all parts, in order of time.

    An extreme that lies so near to the end of a part that its event may lie outside gives none.
    """
    return sorted(event for part in parts for number in (0, 1) for event in _of_leg(part, number))


def _of_leg(part: SideView, number: int) -> Iterator[GaitEvent]:
    heel, toes = part.points[:, HEELS[number]], part.points[:, TOES[number]]
    foot = toes - heel
    pitch_deg = np.rad2deg(np.unwrap(np.arctan2(foot[:, 1], foot[:, 0])))
    time_s = np.arange(part.time_s[0], part.time_s[-1], GRID_S)
    fine = CubicSpline(part.time_s, np.stack([heel[:, 0], toes[:, 0], pitch_deg], axis=1))(time_s)
    stride = 1 / (part.stride_hz * GRID_S)  # in steps of the grid
    apart = {"distance": max(1, round(LEAST_STRIDE * stride)), "prominence": LEAST_REACH_TORSOS}
    for peak in find_peaks(fine[:, 0], **apart)[0]:
        yield from _events(time_s, _strike(fine[:, 2], int(peak), stride), SIDES[number], "heel strike")
    for peak in find_peaks(-fine[:, 1], **apart)[0]:
        yield from _events(time_s, _toe_off(fine[:, 2], int(peak), stride), SIDES[number], "toe off")


def _events(time_s: Floats, place: float | None, side: Side, kind: Kind) -> Iterator[GaitEvent]:
    if place is not None:
        yield GaitEvent(float(time_s[0] + place * GRID_S), side, kind)


def _part(pitch: Floats, peak: int, stride: float, window: tuple[float, float]) -> tuple[int, Floats]:
    """Where a window around ``peak`` begins, and the pitch in it; empty where it reaches beyond the pitch."""
    first, last = (peak + round(share * stride) for share in window)
    return first, pitch[first : last + 1] if first >= 0 and last < len(pitch) else pitch[:0]


def _strike(pitch: Floats, peak: int, stride: float) -> float | None:
    """Where the raised toes begin to fall after the heel was farthest forward; None beyond the end."""
    first, searched = _part(pitch, peak, stride, STRIKE_SEARCH)
    if not len(searched):
        return None
    top = first + int(searched.argmax())
    flat = _part(pitch, top, stride, FLAT_AFTER_STRIKE)[1]
    if not len(flat):
        return None
    after = pitch[top : top + round(stride)]
    fallen = np.flatnonzero(after < pitch[top] - BEGUN * abs(pitch[top] - np.median(flat)))
    return float(top + fallen[0]) if len(fallen) else None


def _toe_off(pitch: Floats, peak: int, stride: float) -> float | None:
    """Where the rise of the heel ends, by the straight line through its middle; None beyond the end."""
    flat = _part(pitch, peak, stride, FLAT_BEFORE_END)[1]
    steep = _part(pitch, peak, stride, (-STEEPEST_BEFORE_END, STEEPEST_BEFORE_END))[1]
    if not (len(flat) and len(steep)):
        return None
    level, lowest = float(np.median(flat)), float(np.percentile(steep, 20))
    places, first = [], max(peak - round(stride), 0)
    for share in RISE:
        above = np.flatnonzero(pitch[first:peak] > level + share * (lowest - level))
        if not len(above):
            return None
        places.append(first + int(above[-1]))
    return places[1] + (places[1] - places[0]) * (1 - RISE[1]) / (RISE[1] - RISE[0])
