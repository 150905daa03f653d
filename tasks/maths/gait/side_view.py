"""A walker seen from the side: the parts of a clip in which the gait can be measured, with the legs told apart.

All lengths are in torso lengths, along the way (forwards) and up, so that neither size nor direction matters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import PoseTrack, exchange_sides, torso_length_px
from tasks.maths.gait.legs import LEGS
from tasks.maths.gait.side_walks import SideWalk, filled_between, side_walks, walk_points
from tasks.maths.path.smoothers import butterworth

SMOOTHED_HZ: Final = 6.0  # cut-off that gait laboratories use for positions (Winter 1991)
# Share by which a torso may grow or shrink in a stride. Drawn walkers across the picture, a laboratory walk and a run
# on a treadmill had up to 0.007. A walk at 45 degrees towards the camera had 0.098: there lengths were 18 % too small,
# and the ankles off by 13 degrees instead of 5.
MOST_GROWTH: Final = 0.04


@dataclass(frozen=True)
class SideView:
    """A part of a clip in which somebody walks across the picture."""

    first: int  # frame of the clip
    time_s: Floats  # (n,)
    points: Floats  # (n, 33, 2) smoothed: forwards and up from the middle of the hips, in torso lengths
    forwards: int  # 1: to the right of the picture, -1: to the left
    stride_hz: float
    torso_px: float
    exchanged: Flags  # (n,) frames in which left and right were put right
    false: Flags  # (n,) frames whose legs the model had wrong: filled from their neighbours


class SideViews(NamedTuple):
    """The parts of a clip that can be measured, and why the rest cannot, in words; empty where all of it can."""

    parts: list[SideView]
    why_not: str


def side_views(track: PoseTrack, pixel_aspect: float = 1.0) -> SideViews:
    """The parts of a clip in which the person is found, walks, and is seen from the side."""
    walks, why_not = side_walks(track, pixel_aspect)
    return SideViews([_side_view(track, walk, pixel_aspect) for walk in walks], why_not)


def torso_growth(part: SideView) -> float:
    """Share by which the torso becomes longer in a stride: 0 for somebody who keeps the distance to the camera."""
    torso, after_s = torso_length_px(part.points), part.time_s - part.time_s.mean()
    spread = float(after_s @ after_s)
    if spread == 0 or not (torso > 0).all():
        return 0.0
    return float(after_s @ np.log(torso)) / spread / part.stride_hz


def changes_distance(part: SideView) -> bool:
    """Whether the person comes nearer, or goes away, by so much that lengths in the picture are too small."""
    return abs(torso_growth(part)) > MOST_GROWTH


def distance_reason(parts: Sequence[SideView]) -> str:
    """A clause that the person comes nearer, or goes away, in all of the parts; empty where not, or without parts."""
    if not parts or not all(map(changes_distance, parts)):
        return ""
    most = max(map(torso_growth, parts), key=abs)
    way = "comes nearer: the torso grows" if most > 0 else "goes away: the torso shrinks"
    return f"the person {way} by {100 * abs(most):.0f} % in a stride, and lengths in the picture are too small"


def _side_view(track: PoseTrack, walk: SideWalk, pixel_aspect: float) -> SideView:
    first, last, forwards, stride_hz = walk
    time_s = track.time_s[first : last + 1]
    points, torso_px, sides = walk_points(track, walk, pixel_aspect)
    points = exchange_sides(points, sides.exchanged, LEGS)
    if not sides.false.all():
        points[:, LEGS] = filled_between(points[:, LEGS], ~sides.false, time_s)
    smooth = butterworth(points.reshape(len(time_s), -1), time_s, cutoff_hz=SMOOTHED_HZ).reshape(points.shape)
    return SideView(first, time_s, smooth, forwards, stride_hz, torso_px, sides.exchanged, sides.false)
