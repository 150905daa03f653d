"""Left and right exchanged by the pose model for some frames, and put back."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.body import torso_length
from tasks.maths.body.landmarks import HIPS, NAMES, SHOULDERS

Floats = NDArray[np.float64]

CLEARLY: Final = 0.5  # of the way that both sides would have to go otherwise
APART: Final = 0.12  # of the torso's length: nearer than that, left and right are not told apart
LONGEST_S: Final = 1.0  # an exchange that lasts longer is the model correcting itself
NEXT_S: Final = 0.25  # between two sightings that can be compared

_OTHER: Final = {"left": "right", "right": "left"}
MIRRORED: Final = np.array(
    [NAMES.index("_".join(_OTHER.get(word, word) for word in name.split("_"))) for name in NAMES], np.int64
)
"""For each landmark the one of the other side."""


def exchanges(time_s: Floats, landmarks: Floats) -> NDArray[np.bool_]:
    """(k,) where left and right are exchanged in landmarks (k, 33, 2 or more), against the sightings around.

    Hips and shoulders must both have gone over, back within a second, and be wide enough apart to tell.
    """
    flips = np.concatenate([[False], _flipped(time_s, landmarks)])
    wrong = np.zeros(len(time_s), np.bool_)
    at = np.flatnonzero(flips)
    number = 0
    while number + 1 < len(at):
        first, back = at[number], at[number + 1]
        if time_s[back] - time_s[first] <= LONGEST_S:
            wrong[first:back] = True
            number += 1
        number += 1
    return wrong


def unswapped(landmarks: Floats, wrong: NDArray[np.bool_]) -> Floats:
    """Landmarks (k, 33, m) with the sides put back where they are ``wrong`` (k,)."""
    return np.where(wrong[:, None, None], landmarks[:, MIRRORED], landmarks)


def _flipped(time_s: Floats, landmarks: Floats) -> NDArray[np.bool_]:
    """(k - 1,) whether the sides changed from one sighting to the next."""
    torso_px = np.maximum(torso_length(landmarks), 1.0)
    gone = np.diff(time_s) <= NEXT_S
    for pair in (HIPS, SHOULDERS):
        both = landmarks[:, list(pair), :2] - landmarks[:, list(pair), :2].mean(axis=1, keepdims=True)
        straight = np.hypot(*(both[1:] - both[:-1])[:, 0].T)
        across = np.hypot(*(both[1:] - both[:-1, ::-1])[:, 0].T)
        apart = 2 * np.hypot(*both[:, 0].T) / torso_px
        gone &= (across < CLEARLY * straight) & (np.minimum(apart[1:], apart[:-1]) > APART)
    return np.asarray(gone)
