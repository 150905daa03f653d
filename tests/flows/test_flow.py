"""One thread leads many videos to their results: a few at a time, and all together where they share a size."""

from collections.abc import Generator
from typing import Any, cast

from flows.flow import in_turn
from flows.graph.nodes import AnyHandle
from flows.graph.submission import Submission
from flows.one_video import Until
from flows.results.result import Result


class Stages:
    """A graph whose stages are over in an order of the test's own: the last one that is waited for first."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.over: set[str] = set()
        self.most_at_once = 0
        self.new: list[str] = []

    def newly_over(self) -> list[str]:
        new, self.new = self.new, []
        return new

    def is_over(self, stage: str) -> bool:
        return stage in self.over

    def wait(self, *, for_one: bool) -> None:
        going = [stage for stage in self.begun if stage not in self.over]
        self.most_at_once = max(self.most_at_once, len(going))
        if for_one:
            self.over.add(going[-1])
            self.new.append(going[-1])

    def submit(self) -> None:
        pass

    def video(self, name: str, *, shares: bool = False) -> Generator[Until, None, list[Result]]:
        if shares:
            yield Until([], all_ask=True)
        for stage in ("decode", "render"):
            self.begun.append(f"{stage} {name}")
            yield Until(cast(list[AnyHandle], [f"{stage} {name}"]))
        return []


def led(stages: Stages, *videos: Generator[Until, None, list[Result]], at_once: int) -> list[int]:
    return [place for place, _ in in_turn(videos, cast(Submission, cast(Any, stages)), at_once)]


def test_no_more_videos_are_begun_than_are_led_at_once_and_each_comes_to_its_end() -> None:
    stages = Stages()
    order = led(stages, *map(stages.video, "abcde"), at_once=2)
    assert sorted(order) == [0, 1, 2, 3, 4] and order[0] == 1
    assert stages.most_at_once == 2
    assert stages.begun.index("render b") < stages.begun.index("decode c")


def test_videos_that_share_a_size_ask_when_all_have_come_as_far() -> None:
    stages = Stages()
    led(stages, *(stages.video(name, shares=True) for name in "abc"), at_once=3)
    assert stages.begun[:3] == ["decode a", "decode b", "decode c"] and stages.most_at_once == 3


def test_of_no_video_there_is_no_result() -> None:
    assert led(Stages(), at_once=4) == []
