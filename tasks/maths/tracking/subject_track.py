"""Left and right exchanged by the pose model for some frames, and put back.

One person's torso motion, handed on from each track that saw the person to the next.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HIPS, LANDMARK_NAMES, SHOULDERS, torso_length_px
from tasks.maths.tracking.steps import STEP_COUNT_FIELDS, STEP_FIELDS, Steps
from tasks.maths.tracking.tracks import Track

SWAP_DISTANCE_RATIO: Final = 0.5  # of the way that both sides would have to go otherwise
LEAST_SIDE_DISTANCE_TORSOS: Final = 0.12  # of the torso's length: nearer than that, left and right are not told apart
LONGEST_SWAP_S: Final = 1.0  # an exchange that lasts longer is the model correcting itself
COMPARABLE_S: Final = 0.25  # between two sightings that can be compared
_OTHER_SIDE: Final = {"left": "right", "right": "left"}
MIRRORED_LANDMARKS: Final = np.array(
    [
        LANDMARK_NAMES.index("_".join(_OTHER_SIDE.get(word, word) for word in name.split("_")))
        for name in LANDMARK_NAMES
    ],
    np.int64,
)
"""For each landmark the one of the other side."""
TrackSteps = tuple[NDArray[np.int64], Steps]
"""The frames (k,), ascending, at which the steps of a track are known, and these."""


def swapped_sides(time_s: Floats, landmarks: Floats) -> NDArray[np.bool_]:
    """(k,) where left and right are exchanged in landmarks (k, 33, 2 or more), against the sightings around.

    Hips and shoulders must both have gone over, back within a second, and be wide enough apart to tell.
    """
    flips = np.concatenate([[False], _side_changes(time_s, landmarks)])
    wrong = np.zeros(len(time_s), np.bool_)
    at = np.flatnonzero(flips)
    number = 0
    while number + 1 < len(at):
        first, back = at[number], at[number + 1]
        if time_s[back] - time_s[first] <= LONGEST_SWAP_S:
            wrong[first:back] = True
            number += 1
        number += 1
    return wrong


def swap_sides_back(landmarks: Floats, wrong: NDArray[np.bool_]) -> Floats:
    """Landmarks (k, 33, m) with the sides put back where they are ``wrong`` (k,)."""
    return np.where(wrong[:, None, None], landmarks[:, MIRRORED_LANDMARKS], landmarks)


def _side_changes(time_s: Floats, landmarks: Floats) -> NDArray[np.bool_]:
    """(k - 1,) whether the sides changed from one sighting to the next."""
    torso_px = np.maximum(torso_length_px(landmarks), 1.0)
    gone = np.diff(time_s) <= COMPARABLE_S
    for pair in (HIPS, SHOULDERS):
        both = landmarks[:, list(pair), :2] - landmarks[:, list(pair), :2].mean(axis=1, keepdims=True)
        straight = np.hypot(*(both[1:] - both[:-1])[:, 0].T)
        across = np.hypot(*(both[1:] - both[:-1, ::-1])[:, 0].T)
        apart = 2 * np.hypot(*both[:, 0].T) / torso_px
        gone &= (across < SWAP_DISTANCE_RATIO * straight) & (
            np.minimum(apart[1:], apart[:-1]) > LEAST_SIDE_DISTANCE_TORSOS
        )
    return np.asarray(gone)


def stitch_steps(person: Track, known: Mapping[int, TrackSteps], frames: int) -> Steps:
    """The steps of ``person`` in each of the clip's ``frames``, out of those ``known`` of each track.

    From one sighting to the next the steps are those of the track of the first of the two, as long as that track had
    no other pose since: what it measured on a body that is not this person's is left out, NaN.
    """
    all_frames = np.arange(frames)
    since = np.searchsorted(person.frames, all_frames, side="left") - 1  # the sighting before each frame
    columns = {name: np.full(frames, 0 if name in STEP_COUNT_FIELDS else np.nan) for name in STEP_FIELDS}
    for track in np.unique(person.origin):
        at, steps = known[int(track)]
        before = since[at]
        last = person.frames[np.maximum(before, 0)]
        alone = steps["carried_frames"] == at - last - 1
        mine = (before >= 0) & (person.origin[np.maximum(before, 0)] == track) & alone
        for name in STEP_FIELDS:
            columns[name][at[mine]] = steps[name][mine]
    return Steps({name: _kind(name, column) for name, column in columns.items()})


def _kind(name: str, column: NDArray[np.float64]) -> NDArray[np.float64] | NDArray[np.int32]:
    return column.astype(np.int32) if name in STEP_COUNT_FIELDS else column
