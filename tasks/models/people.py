"""Several people at once: one pose estimator follows each, and a free one searches for others.

MediaPipe's own search for several people runs its detector in every frame. It still misses the second of two people,
because the detector was made for the nearest person. If the followed people are painted over, it finds the next one.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.landmarks import landmark_box, same_body
from tasks.models.pose import PoseEstimate, PoseEstimator, open_pose_estimator
from tasks.models.runtime import DeviceUse

SEARCH_INTERVAL_S: Final = 0.3  # between searches for further people, while somebody is followed
LOST_SEARCH_S: Final = 1.0  # every frame is searched for this long after somebody was lost
MIN_FOLLOWED_S: Final = 0.5  # a person who was followed for less is not missed
PAINT_MARGIN_TORSOS: Final = 0.25  # around the landmarks, in torso lengths
PAINT_LEVEL: Final = 114  # a mid grey, as used to pad the input of detectors

Image = NDArray[np.uint8]


class Sighting(NamedTuple):
    """One person in one frame."""

    track: int  # from 1; sightings of one track are one unbroken sequence
    landmarks: NDArray[np.float64]  # (33, 5): x_px, y_px, z, visibility, presence; px of the model's picture
    mask: NDArray[np.uint8] | None = None  # (h, w) probability * 255, of that picture; None unless requested


class PeopleFinder(Protocol):
    """Finds the people in the next frame of a clip. Frames come in order, with their own times."""

    def __call__(self, rgb: Image, time_s: float) -> list[Sighting]:
        """The people seen in ``rgb`` (h, w, 3), sorted by track."""
        ...


@dataclass
class TrackerSlot:
    """A pose estimator and the person it follows."""

    estimator: PoseEstimator
    track: int = 0  # 0: nobody
    since_s: float = 0.0  # start of the track
    person: PoseEstimate | None = None


class PeopleTracker:
    """Follows up to ``max_people`` people. ``open_estimator`` opens another estimator when it is first needed."""

    def __init__(self, open_estimator: Callable[[], PoseEstimator], max_people: int) -> None:
        self._open_estimator = open_estimator
        self._max_people = max_people
        self._slots: list[TrackerSlot] = []
        self._tracks = 0
        self._next_search_s = -np.inf
        self._search_all_until_s = -np.inf

    def __call__(self, rgb: Image, time_s: float) -> list[Sighting]:
        for slot in self._busy():
            self._follow(slot, rgb, time_s)
        self._resolve_duplicates(rgb, time_s)
        while self._should_search(time_s) and self._search(rgb, time_s):
            pass  # after one was found there may be more
        return [
            Sighting(slot.track, slot.person.landmarks, slot.person.mask)
            for slot in self._busy()
            if slot.person is not None
        ]

    def _busy(self) -> list[TrackerSlot]:
        busy = [slot for slot in self._slots if slot.track]
        return sorted(busy, key=lambda slot: slot.track)

    def _follow(self, slot: TrackerSlot, rgb: Image, time_s: float) -> None:
        person = slot.estimator(rgb, time_s)
        slot.person = person
        if person is None:
            slot.track = 0
            if time_s - slot.since_s >= MIN_FOLLOWED_S:
                self._search_all_until_s = time_s + LOST_SEARCH_S

    def _resolve_duplicates(self, rgb: Image, time_s: float) -> None:
        """Where two estimators follow one body, release one.

        The other one gets a new track, because it is unclear whose body it follows.
        """
        busy = self._busy()
        for number, first in enumerate(busy):
            for second in busy[number + 1 :]:
                if first.person is None or second.person is None:
                    continue
                if same_body(first.person.landmarks, second.person.landmarks):
                    self._release(second, rgb, time_s)
                    first.track = self._next_track()
                    self._search_all_until_s = time_s + LOST_SEARCH_S

    def _release(self, slot: TrackerSlot, rgb: Image, time_s: float) -> None:
        slot.track, slot.person = 0, None
        slot.estimator(np.full((64, 64, 3), PAINT_LEVEL, np.uint8), time_s)

    def _should_search(self, time_s: float) -> bool:
        count = len(self._busy())
        if count >= self._max_people:
            return False
        return count == 0 or time_s >= self._next_search_s or time_s <= self._search_all_until_s

    def _search(self, rgb: Image, time_s: float) -> bool:
        """Search for another person beside those who are followed. Whether one was found."""
        free = next((slot for slot in self._slots if not slot.track), None)
        if free is None:
            free = TrackerSlot(self._open_estimator())
            self._slots.append(free)
        known = [slot.person.landmarks for slot in self._busy() if slot.person is not None]
        person = free.estimator(paint_over_people(rgb, known), time_s)
        if person is not None:
            free.track, free.person, free.since_s = self._next_track(), person, time_s
        self._next_search_s = time_s if person is not None else time_s + SEARCH_INTERVAL_S
        return person is not None

    def _next_track(self) -> int:
        self._tracks += 1
        return self._tracks


def paint_over_people(rgb: Image, people: Sequence[NDArray[np.float64]]) -> Image:
    """A copy of ``rgb`` with the boxes of ``people`` painted grey, or ``rgb`` itself if there are none."""
    if not people:
        return rgb
    covered = rgb.copy()
    height, width = rgb.shape[:2]
    for landmarks in people:
        x0, y0, x1, y1 = np.clip(
            landmark_box(landmarks, PAINT_MARGIN_TORSOS), 0, (width, height, width, height)
        ).astype(int)
        covered[y0:y1, x0:x1] = PAINT_LEVEL
    return covered


@contextmanager
def open_people_tracker(
    files: tuple[Path, ...],
    *,
    device: str,
    max_people: int,
    min_detection: float = 0.5,
    min_tracking: float = 0.5,
    with_masks: bool = False,
) -> Iterator[tuple[PeopleTracker, DeviceUse]]:
    """A tracker of up to ``max_people`` people with the pose model of ``files``.

    Settings and errors are those of ``open_pose_estimator``.
    """
    with ExitStack() as stack:

        def open_estimator() -> tuple[PoseEstimator, DeviceUse]:
            opened = open_pose_estimator(
                files,
                device=device,
                min_detection=min_detection,
                min_tracking=min_tracking,
                with_masks=with_masks,
            )
            return stack.enter_context(opened)

        first, use = open_estimator()
        waiting = [first]
        yield PeopleTracker(lambda: waiting.pop() if waiting else open_estimator()[0], max_people), use
