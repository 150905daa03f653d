"""Following several people, with estimators that see points instead of a network."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.models.people import LOST_SEARCH_S, PAINT_LEVEL, SEARCH_INTERVAL_S, PeopleTracker, paint_over_people
from tasks.models.pose import PoseEstimate
from tests.support.bodies import figure

TORSO_PX = 20.0
STEP_S = 1 / 30
Image = NDArray[np.uint8]


def scene(*hips_xy: tuple[int, int]) -> Image:
    """A dark picture with a bright point at each person's hips, the first one the brightest."""
    rgb = np.zeros((200, 600, 3), np.uint8)
    for number, (x, y) in enumerate(hips_xy):
        rgb[y, x] = 255 - 20 * number
    return rgb


class Eye:
    """Replaces a pose estimator: detects the brightest point, then follows the nearest one."""

    def __init__(self) -> None:
        self.last: NDArray[np.float64] | None = None
        self.looks = 0

    def __call__(self, rgb: Image, time_s: float) -> PoseEstimate | None:
        self.looks += 1
        light = rgb[..., 0] > 2 * PAINT_LEVEL - 100
        y, x = np.nonzero(light)
        if len(x) == 0:
            self.last = None
            return None
        points = np.stack([x, y], axis=1).astype(np.float64)
        if self.last is None:
            best = int(rgb[y, x, 0].argmax())
        else:
            away = np.hypot(*(points - self.last).T)
            best = int(away.argmin())
            if away[best] > TORSO_PX:
                self.last = None
                return None
        self.last = points[best]
        return PoseEstimate(figure((float(points[best, 0]), float(points[best, 1])), TORSO_PX), None)


def followed(scenes: Sequence[Image], max_people: int = 3) -> tuple[list[dict[int, int]], list[Eye]]:
    """The track and x of everybody in each frame, and the estimators that were opened."""
    eyes: list[Eye] = []

    def open_estimator() -> Eye:
        eyes.append(Eye())
        return eyes[-1]

    finder = PeopleTracker(open_estimator, max_people)
    frames = []
    for number, rgb in enumerate(scenes):
        found = finder(rgb, number * STEP_S)
        frames.append({sighting.track: round(sighting.landmarks[23:25, 0].mean()) for sighting in found})
    return frames, eyes


def test_two_people_are_two_tracks_from_the_first_frame() -> None:
    frames, eyes = followed([scene((100 + i, 80), (400 - i, 80)) for i in range(40)])
    assert frames == [{1: 100 + i, 2: 400 - i} for i in range(40)]
    assert len(eyes) == 3


def test_with_one_person_a_second_search_is_rare() -> None:
    frames, (first, second) = followed([scene((100 + i, 80)) for i in range(90)])
    assert all(len(people) == 1 for people in frames)
    assert first.looks == 90
    assert second.looks == pytest.approx(90 * STEP_S / SEARCH_INTERVAL_S, abs=2)


def test_a_limit_of_one_opens_one_estimator() -> None:
    frames, eyes = followed([scene((100 + i, 80), (400 - i, 80)) for i in range(20)], max_people=1)
    assert frames == [{1: 100 + i} for i in range(20)]
    assert len(eyes) == 1


def test_without_people_every_frame_is_searched() -> None:
    frames, (eye, _) = followed([scene() for _ in range(20)] + [scene((300, 80))])
    assert eye.looks == 21 and frames[-1] == {1: 300}


def test_a_new_person_is_found_within_the_search_interval() -> None:
    frames, _ = followed([scene((100, 80)) if i < 31 else scene((100, 80), (500, 80)) for i in range(60)])
    late = next(i for i, people in enumerate(frames) if len(people) == 2) - 31
    assert 0 <= late * STEP_S <= SEARCH_INTERVAL_S + STEP_S
    assert frames[-1] == {1: 100, 2: 500}


def test_a_lost_person_is_found_again_at_once_as_a_new_track() -> None:
    scenes = [scene((100, 80), (400, 80)) if not 30 <= i < 40 else scene((100, 80)) for i in range(50)]
    assert 10 * STEP_S < LOST_SEARCH_S
    frames, _ = followed(scenes)
    assert frames[29] == {1: 100, 2: 400} and frames[35] == {1: 100} and frames[40] == {1: 100, 3: 400}


def test_two_estimators_on_one_body_become_one_new_track() -> None:
    scenes = [scene((200 + 3 * i, 80), (300 - 3 * i, 80)) for i in range(34)]
    frames, _ = followed(scenes)
    meeting = next(i for i, people in enumerate(frames) if set(people) != {1, 2} and i > 1)
    assert abs(100 - 6 * meeting) < TORSO_PX
    assert min(frames[meeting]) > 2 and len(frames[-1]) == 2 and not {1, 2} & set(frames[-1])


def test_only_the_people_are_painted_over() -> None:
    rgb = scene((100, 80), (400, 80))
    assert paint_over_people(rgb, []) is rgb
    painted = paint_over_people(rgb, [figure((100, 80), TORSO_PX), figure((-500, 80), TORSO_PX)])
    assert rgb[80, 100, 0] == 255 and painted[80, 100, 0] == PAINT_LEVEL
    assert painted[80, 400, 0] == rgb[80, 400, 0] and (painted == rgb)[:, 200:].all()
