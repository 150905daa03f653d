"""The anchor where a user has said by hand where it is, or that nobody is there."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from tasks.maths.anchor.anchor_point import SOURCE_NONE, Anchor
from tasks.maths.arrays import Flags

SOURCE_HAND: Final = "hand"


def corrected_anchor(
    anchor: Anchor, points: Sequence[tuple[int, float, float]], absences: Sequence[tuple[int, int]]
) -> tuple[Anchor, Flags, Flags]:
    """The anchor of n frames with the given ``points`` (frame, x, y in source px), and unseen in the ``absences``.

    ``absences`` are first and last frames. Also the frames (n,) with a given point, and those (n,) that are absent.
    ``IndexError`` for a frame that the clip does not have.
    """
    xy_px, confidence, source = anchor.xy_px.copy(), anchor.confidence.copy(), anchor.source.astype(object)
    given, absent = (np.zeros(len(confidence), np.bool_) for _ in range(2))
    for first, last in absences:
        absent[first : last + 1] = True
    xy_px[absent], confidence[absent], source[absent] = np.nan, np.nan, SOURCE_NONE
    for frame, x_px, y_px in points:
        given[frame] = True
        xy_px[frame], confidence[frame], source[frame] = (x_px, y_px), 1.0, SOURCE_HAND
    return replace(anchor, xy_px=xy_px, confidence=confidence, source=source.astype(str)), given, absent
