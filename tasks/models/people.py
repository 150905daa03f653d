"""Several people at once: one landmarker follows each, and a free one looks for others where nobody is followed.

MediaPipe's own search for several people runs its detector in every frame and, being made for the nearest person,
still misses the second of two; a picture in which the people already followed are painted over shows it the next one.
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

SEARCH_INTERVAL_S: Final = 0.3  # between two looks for further people, while somebody is followed
LOST_SEARCH_S: Final = 1.0  # after somebody was lost, in which every frame is searched
MIN_FOLLOWED_S: Final = 0.5  # of following, after which somebody is missed
PAINT_MARGIN_TORSOS: Final = 0.25  # of the torso's length, round the landmarks, painted over
PAINT_LEVEL: Final = 114  # a mid grey, as detectors are padded with

Image = NDArray[np.uint8]


class Sighting(NamedTuple):
    """One person in one frame."""

    track: int  # from 1: sightings of one number are one unbroken following
    landmarks: NDArray[np.float64]  # (33, 5): x_px, y_px, z, visibility, presence; px of the picture looked at
    mask: NDArray[np.uint8] | None = None  # (h, w) probability * 255, of that picture; None unless asked for


class PeopleFinder(Protocol):
    """Finds the people in the next frame of a clip; frames come in order with their own times."""

    def __call__(self, rgb: Image, time_s: float) -> list[Sighting]:
        """Those seen in ``rgb`` (h, w, 3), by the number of their track."""
        ...


@dataclass
class TrackerSlot:
    """A landmarker and whom it follows."""

    estimator: PoseEstimator
    track: int = 0  # 0: nobody
    since_s: float = 0.0  # followed
    person: PoseEstimate | None = None


class PeopleTracker:
    """Follows up to ``most`` people; ``hire`` opens a further landmarker when it is first needed."""

    def __init__(self, hire: Callable[[], PoseEstimator], most: int) -> None:
        self._hire = hire
        self._most = most
        self._followers: list[TrackerSlot] = []
        self._tracks = 0
        self._look_from_s = -np.inf
        self._alert_until_s = -np.inf

    def __call__(self, rgb: Image, time_s: float) -> list[Sighting]:
        for follower in self._busy():
            self._follow(follower, rgb, time_s)
        self._part_doubles(rgb, time_s)
        while self._should_look(time_s) and self._look(rgb, time_s):
            pass  # where one is, there may be more
        return [
            Sighting(follower.track, follower.person.landmarks, follower.person.mask)
            for follower in self._busy()
            if follower.person is not None
        ]

    def _busy(self) -> list[TrackerSlot]:
        busy = [follower for follower in self._followers if follower.track]
        return sorted(busy, key=lambda follower: follower.track)

    def _follow(self, follower: TrackerSlot, rgb: Image, time_s: float) -> None:
        person = follower.estimator(rgb, time_s)
        follower.person = person
        if person is None:
            follower.track = 0
            if time_s - follower.since_s >= MIN_FOLLOWED_S:
                self._alert_until_s = time_s + LOST_SEARCH_S

    def _part_doubles(self, rgb: Image, time_s: float) -> None:
        """Where two follow one body, one is freed; who that body is, is open again: it gets a new track."""
        busy = self._busy()
        for number, first in enumerate(busy):
            for second in busy[number + 1 :]:
                if first.person is None or second.person is None:
                    continue
                if same_body(first.person.landmarks, second.person.landmarks):
                    self._forget(second, rgb, time_s)
                    first.track = self._next_track()
                    self._alert_until_s = time_s + LOST_SEARCH_S

    def _forget(self, follower: TrackerSlot, rgb: Image, time_s: float) -> None:
        follower.track, follower.person = 0, None
        follower.estimator(np.full((64, 64, 3), PAINT_LEVEL, np.uint8), time_s)

    def _should_look(self, time_s: float) -> bool:
        count = len(self._busy())
        if count >= self._most:
            return False
        return count == 0 or time_s >= self._look_from_s or time_s <= self._alert_until_s

    def _look(self, rgb: Image, time_s: float) -> bool:
        """Look past those who are followed; whether there is somebody else."""
        free = next((follower for follower in self._followers if not follower.track), None)
        if free is None:
            free = TrackerSlot(self._hire())
            self._followers.append(free)
        known = [follower.person.landmarks for follower in self._busy() if follower.person is not None]
        person = free.estimator(paint_over_people(rgb, known), time_s)
        if person is not None:
            free.track, free.person, free.since_s = self._next_track(), person, time_s
        self._look_from_s = time_s if person is not None else time_s + SEARCH_INTERVAL_S
        return person is not None

    def _next_track(self) -> int:
        self._tracks += 1
        return self._tracks


def paint_over_people(rgb: Image, people: Sequence[NDArray[np.float64]]) -> Image:
    """``rgb`` itself where nobody is known, else a copy with the boxes of ``people`` in one grey."""
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
    most: int,
    min_detection: float = 0.5,
    min_tracking: float = 0.5,
    with_masks: bool = False,
) -> Iterator[tuple[PeopleTracker, DeviceUse]]:
    """A tracker of up to ``most`` people with the pose model of ``files``.

    Settings and errors are those of ``open_pose_estimator``.
    """
    with ExitStack() as stack:

        def hire() -> tuple[PoseEstimator, DeviceUse]:
            opened = open_pose_estimator(
                files,
                device=device,
                min_detection=min_detection,
                min_tracking=min_tracking,
                with_masks=with_masks,
            )
            return stack.enter_context(opened)

        first, use = hire()
        waiting = [first]
        yield PeopleTracker(lambda: waiting.pop() if waiting else hire()[0], most), use
