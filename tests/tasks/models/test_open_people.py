"""Which estimators of a people tracker are open, and when."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
import pytest

from conf.input import PoseConf
from tasks.errors import ModelError
from tasks.models import open_people
from tasks.models.pose import PoseEstimate
from tasks.models.runtime import DeviceUse
from tests.support.drawn.bodies import figure

FILES = (Path("pose.task"),)


class View:
    """An empty picture."""

    size_px = (320, 240)
    small_luma = np.zeros((120, 160), np.uint8)

    def whole(self) -> Any:
        return np.zeros((240, 320, 3), np.uint8)

    def part(self, square: Any, image_px: int) -> Any:
        return np.zeros((image_px, image_px, 3), np.uint8)

    def edges_px(self, square: Any) -> Any:
        return square.edges_px


class Opened:
    """Stands for ``open_pose_estimator``: every estimator sees the same figure in every picture."""

    def __init__(self, fails_at: int = 0) -> None:
        self.opened, self.closed, self.fails_at = 0, 0, fails_at
        self.second = Event()

    @contextmanager
    def __call__(self, *_: object, **__: object) -> Iterator[tuple[Any, DeviceUse]]:
        self.opened += 1
        if self.opened == 2:
            self.second.set()
        if self.opened == self.fails_at:
            raise ModelError("pose.task: cannot be loaded")
        yield lambda rgb, time_s: PoseEstimate(figure((160.0, 120.0), 60.0), None), DeviceUse("cpu")
        self.closed += 1


def test_the_second_estimator_is_opened_before_somebody_is_found_and_all_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = Opened()
    monkeypatch.setattr(open_people, "open_pose_estimator", opened)
    with open_people.open_people_tracker(FILES, PoseConf(people=3, smallest=0.15), device="cpu") as (finder, use):
        assert opened.second.wait(10)
        finder(View(), 0.0)
        assert (opened.opened, opened.closed, use.device) == (2, 0, "cpu")
    assert opened.closed == 2


def test_one_estimator_is_enough_where_one_person_is_the_most(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Opened()
    monkeypatch.setattr(open_people, "open_pose_estimator", opened)
    with open_people.open_people_tracker(FILES, PoseConf(people=1, smallest=0.15), device="cpu"):
        pass
    assert (opened.opened, opened.closed) == (1, 1)


def test_a_second_estimator_that_cannot_be_opened_is_told_when_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_people, "open_pose_estimator", Opened(fails_at=2))
    with (
        pytest.raises(ModelError, match="cannot be loaded"),
        open_people.open_people_tracker(FILES, PoseConf(people=3, smallest=0.15), device="cpu") as (finder, _),
    ):
        finder(View(), 0.0)
