"""Where corners of a picture lie in another one: Lucas-Kanade with pyramids (Bouguet 2000), by OpenCV."""

from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes

Corners = NDArray[np.float32]  # (k, 1, 2) xy in px, as OpenCV takes them

PYRAMID_LEVELS: Final = 3  # they follow a motion 15 times as long as without (Bouguet 2000)


class FlowSearch(NamedTuple):
    """How a corner is looked for on each level of the pyramid."""

    window_px: int  # side of the square around the corner that is to be found again
    most_rounds: int
    least_step_px: float  # a round that moves the corner by less is the last


def follow_corners(
    before: Bytes, after: Bytes, corners: Corners, guess: Corners, search: FlowSearch
) -> tuple[Corners, NDArray[np.bool_]]:
    """Where ``corners`` of ``before`` (h, w) lie in ``after``, looked for about ``guess``, and which are found (k,)."""
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        before,
        after,
        corners,
        guess.copy(),
        winSize=(search.window_px, search.window_px),
        maxLevel=PYRAMID_LEVELS,
        criteria=(cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, search.most_rounds, search.least_step_px),
        flags=cv2.OPTFLOW_USE_INITIAL_FLOW,
    )
    return found, status[:, 0] == 1
