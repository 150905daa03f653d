"""Drawn scenes without a walker: whatever the tracker follows there is told from people."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from conf.input import PoseConf
from tasks.maths.tracking.liveness import measure_liveness
from tasks.models.open_people import open_people_tracker
from tasks.models.people import PeopleTracker
from tasks.models.sources import model_files
from tests.support.drawn.empty_scenes import HEIGHT_PX, WIDTH_PX, StillView, empty_scene, passed
from tests.support.drawn.moving_scenes import moving_frames

FRAMES = 24
RATE_HZ = 24.0
MIN_SEEN_S = 0.5


@pytest.fixture
def tracker() -> Iterator[PeopleTracker]:
    files = model_files("full", None)
    with open_people_tracker(files, PoseConf(people=3, smallest=0.15), device="cpu") as (opened, _):
        yield opened


SCENES: dict[str, Callable[[], Iterator[NDArray[np.uint8]]]] = {
    "chairs": lambda: passed(empty_scene("chairs", seed=2), FRAMES, 4.0, seed=1),
    "posters": lambda: passed(empty_scene("posters", seed=2), FRAMES, 0.0, seed=1),
    "posters passed": lambda: passed(empty_scene("posters", seed=2), FRAMES, 4.0, seed=1),
    "animals": lambda: moving_frames("animals", FRAMES, seed=2),
}


@pytest.mark.parametrize("kind", SCENES)
def test_nothing_drawn_is_a_person(tracker: PeopleTracker, kind: str) -> None:
    """More kinds, as whole runs: ``tests.benchmarks.kinds_table`` and ``tests.benchmarks.empty_videos``."""
    tracks: dict[int, list[tuple[float, NDArray[np.float64]]]] = {}
    for number, rgb in enumerate(SCENES[kind]()):
        time_s = number / RATE_HZ
        for sighting in tracker(StillView(rgb), time_s):
            tracks.setdefault(sighting.track, []).append((time_s, sighting.landmarks))
    for seen in tracks.values():
        times_s, landmarks = np.array([time for time, _ in seen]), np.array([marks for _, marks in seen])
        if times_s[-1] - times_s[0] >= MIN_SEEN_S:
            alive = measure_liveness(times_s, landmarks, (WIDTH_PX, HEIGHT_PX))
            assert alive.rigid or alive.imagined, alive
    if kind.startswith("posters"):
        assert tracks, "a poster is followed at first: else this says nothing of telling it from people"
