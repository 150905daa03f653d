"""The followed person's track: where left and right are exchanged in it, and its torso steps, from several tracks."""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import HIPS, SHOULDERS, torso_length_px
from tasks.maths.tracking.steps import STEP_COUNT_FIELDS, STEP_FIELDS, Steps
from tasks.maths.tracking.tracks import Track

EXCHANGED_DISTANCE_SHARE: Final = 0.5  # exchanged landmarks must lie closer than this share of the distance as they are
LEAST_SIDE_DISTANCE_TORSOS: Final = 0.12  # left and right closer than this cannot be told apart
LONGEST_EXCHANGE_S: Final = 1.0  # a longer one is the model correcting itself
COMPARABLE_S: Final = 0.25  # longest time between two sightings that can be compared
TrackSteps = tuple[NDArray[np.int64], Steps]  # the frames (k,), ascending, of a track's steps, and the steps


def exchanged_sides(time_s: Floats, landmarks: Floats) -> Flags:
    """Sightings (k,) in which the pose model took left for right, from landmarks (k, 33, 2 or more).

    Hips and shoulders must both change sides, and back within ``LONGEST_EXCHANGE_S``, and be far enough apart to tell.
    """
    flips = np.concatenate([[False], _side_changes(time_s, landmarks)])
    exchanged = np.zeros(len(time_s), np.bool_)
    at = np.flatnonzero(flips)
    number = 0
    while number + 1 < len(at):
        first, back = at[number], at[number + 1]
        if time_s[back] - time_s[first] <= LONGEST_EXCHANGE_S:
            exchanged[first:back] = True
            number += 1
        number += 1
    return exchanged


def _side_changes(time_s: Floats, landmarks: Floats) -> Flags:
    """(k - 1,) whether left and right changed from one sighting to the next."""
    torso_px = np.maximum(torso_length_px(landmarks), 1.0)
    changed = np.diff(time_s) <= COMPARABLE_S
    for pair in (HIPS, SHOULDERS):
        both = landmarks[:, list(pair), :2] - landmarks[:, list(pair), :2].mean(axis=1, keepdims=True)
        kept_px = np.hypot(*(both[1:] - both[:-1])[:, 0].T)
        exchanged_px = np.hypot(*(both[1:] - both[:-1, ::-1])[:, 0].T)
        distance = 2 * np.hypot(*both[:, 0].T) / torso_px
        changed &= (exchanged_px < EXCHANGED_DISTANCE_SHARE * kept_px) & (
            np.minimum(distance[1:], distance[:-1]) > LEAST_SIDE_DISTANCE_TORSOS
        )
    return np.asarray(changed)


def stitch_steps(person: Track, known: Mapping[int, TrackSteps], frames: int) -> Steps:
    """The steps of ``person`` in each of the clip's ``frames``, from the steps ``known`` of each track.

    From one sighting to the next the steps come from the track of the first of the two, as long as that track has had
    no other pose since: steps measured on another body are left out (NaN).
    """
    all_frames = np.arange(frames)
    sighting = np.searchsorted(person.frames, all_frames, side="left") - 1  # the last sighting before each frame
    columns = {name: np.full(frames, 0 if name in STEP_COUNT_FIELDS else np.nan) for name in STEP_FIELDS}
    for track in np.unique(person.origin):
        at, steps = known[int(track)]
        before = sighting[at]
        last_sighting = person.frames[np.maximum(before, 0)]
        no_other_pose = steps["carried_frames"] == at - last_sighting - 1
        mine = (before >= 0) & (person.origin[np.maximum(before, 0)] == track) & no_other_pose
        for name in STEP_FIELDS:
            columns[name][at[mine]] = steps[name][mine]
    return Steps({name: _kind(name, column) for name, column in columns.items()})


def _kind(name: str, column: Floats) -> Floats | NDArray[np.int32]:
    return column.astype(np.int32) if name in STEP_COUNT_FIELDS else column
