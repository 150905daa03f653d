"""Drawn scenes without a walker: whatever the tracker follows there is told from people."""

from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.tracking.liveness import measure_liveness
from tasks.models.people import PeopleTracker, open_people_tracker
from tasks.models.sources import model_files
from tests.support.empty_scenes import HEIGHT_PX, KINDS, WIDTH_PX, StillView, empty_scene, passed

FRAMES = 24
RATE_HZ = 24.0
MIN_SEEN_S = 0.5


@pytest.fixture
def tracker() -> Iterator[PeopleTracker]:
    files = model_files("full", None)
    with open_people_tracker(files, device="cpu", max_people=3, smallest=0.15) as (opened, _):
        yield opened


@pytest.mark.parametrize("pan_px", [0.0, 4.0])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_nothing_drawn_is_a_person(tracker: PeopleTracker, kind: str, pan_px: float) -> None:
    tracks: dict[int, list[tuple[float, NDArray[np.float64]]]] = {}
    for number, rgb in enumerate(passed(empty_scene(kind, seed=2), FRAMES, pan_px, seed=1)):
        time_s = number / RATE_HZ
        for sighting in tracker(StillView(rgb), time_s):
            tracks.setdefault(sighting.track, []).append((time_s, sighting.landmarks))
    for seen in tracks.values():
        times_s, landmarks = np.array([time for time, _ in seen]), np.array([marks for _, marks in seen])
        if times_s[-1] - times_s[0] >= MIN_SEEN_S:
            alive = measure_liveness(times_s, landmarks, (WIDTH_PX, HEIGHT_PX))
            assert alive.rigid or alive.imagined, alive
    if kind == "posters":
        assert tracks, "a poster is followed at first: else this says nothing of telling it from people"
