"""One person's torso motion, handed on from each track that saw the person to the next."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.maths.tracking.steps import COUNTS, NAMES, Steps
from tasks.maths.tracking.tracks import Track

Known = tuple[NDArray[np.int64], Steps]
"""The frames (k,), ascending, at which the steps of a track are known, and these."""


def relayed(person: Track, known: Mapping[int, Known], frames: int) -> Steps:
    """The steps of ``person`` in each of the clip's ``frames``, out of those ``known`` of each track.

    From one sighting to the next the steps are those of the track of the first of the two, as long as that track had
    no other pose since: what it measured on a body that is not this person's is left out, NaN.
    """
    all_frames = np.arange(frames)
    since = np.searchsorted(person.frames, all_frames, side="left") - 1  # the sighting before each frame
    columns = {name: np.full(frames, 0 if name in COUNTS else np.nan) for name in NAMES}
    for track in np.unique(person.origin):
        at, steps = known[int(track)]
        before = since[at]
        last = person.frames[np.maximum(before, 0)]
        alone = steps["carried_frames"] == at - last - 1
        mine = (before >= 0) & (person.origin[np.maximum(before, 0)] == track) & alone
        for name in NAMES:
            columns[name][at[mine]] = steps[name][mine]
    return Steps({name: _kind(name, column) for name, column in columns.items()})


def _kind(name: str, column: NDArray[np.float64]) -> NDArray[np.float64] | NDArray[np.int32]:
    return column.astype(np.int32) if name in COUNTS else column
