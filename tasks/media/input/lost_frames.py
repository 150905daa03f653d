"""Frames that are missing in the middle of a file, told from those that were never there."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np
from numpy.typing import NDArray

_WIDE: Final = 1.6  # usual steps: more than pulldown makes of one, less than two
_NEAR_S: Final = 1  # that the packet which is marked as damaged may lie from the frames that are missing
_RARE: Final = 0.1  # of all steps
_CUT_S: Final = 10  # that damage does not reach over: there something was cut out


@dataclass(frozen=True)
class Unshown:
    """Packets that may have left a hole, by the time of their picture in ticks, rising."""

    silent: tuple[int, ...] = ()  # the decoder made no frame of them, and said nothing
    marked: tuple[int, ...] = ()  # as damaged, as a transport stream can tell


def lost_frames(pts: NDArray[np.int64], unshown: Unshown, tick_s: Fraction) -> str:
    """How many frames are missing between those shown at ``pts``, in a clause; empty when none is known to be.

    A long step alone is a pause, as files of variable rate have: it is a hole where a silent packet lies within, or a
    marked one near it. So two fields that are a packet each are no hole. Where long steps are rare, the length of the
    hole tells how many frames are missing. What the container passed over without a mark is not found, nor is what
    was lost where steps are shorter than usual.
    """
    steps = np.diff(pts)
    usual = float(np.median(steps)) if len(steps) else 0.0
    long = np.flatnonzero(steps > _WIDE * usual)
    even = len(long) < _RARE * len(steps)
    near = _NEAR_S / tick_s
    count, first_s = 0, 0.0
    for begin, end in zip(pts[long].tolist(), pts[long + 1].tolist(), strict=True):
        lost = _within(unshown.silent, begin, end)
        damaged = lost or _within(unshown.marked, begin - near, end + near)
        if damaged and even and (end - begin) * tick_s < _CUT_S:
            lost = max(lost, round((end - begin) / usual) - 1)
        if lost and not count:
            first_s = (begin + usual) * float(tick_s)
        count += lost
    if not count:
        return ""
    missing = "1 frame is missing" if count == 1 else f"{count} frames are missing, the first"
    return f"{missing} at {first_s:.2f} s"


def _within(times: Sequence[int], begin: Fraction | int, end: Fraction | int) -> int:
    return max(0, bisect_left(times, end) - bisect_right(times, begin))
