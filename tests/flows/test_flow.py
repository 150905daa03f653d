"""One thread leads many videos to their results: a few at a time, and all together where they share a size."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, cast

import pytest

from flows.config import settings
from flows.flow import in_turn
from flows.graph.nodes import AnyHandle, Given, Graph
from flows.graph.submission import Submission
from flows.one_video import Until, WholeRun
from flows.results.result import Result
from flows.sweep import SweepSetting
from flows.videos import find_all_videos
from tasks.cache.integrity import FileFingerprint
from tasks.errors import TableNotConfirmed, VideoError
from tasks.requests import AnyRequest, DecodeRequest

settings.register_schema()


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


class AllFail(Graph):
    """A graph whose stages have failed as soon as they are asked for."""

    def watch(self, source: Path, stamp: FileFingerprint) -> None:
        pass

    def submit(self) -> None:
        pass

    def wait(self, *, for_one: bool) -> None:
        assert not for_one

    def newly_over(self) -> list[AnyHandle]:
        return []

    def is_over(self, handle: AnyHandle) -> bool:
        return True

    def outcome(self, handle: AnyHandle) -> VideoError:
        return VideoError(f"{handle.title} has failed")


class TellsOtherFrames(AllFail):
    """A graph whose first passes deny the table from packets; ``known``: an earlier run has found that already."""

    def __init__(self, *, known: bool) -> None:
        super().__init__()
        self.known = known
        self.by_decoding: list[bool] = []  # the table of each pass that somebody looked at

    def holds(self, request: AnyRequest) -> bool:
        return self.known

    def outcome(self, handle: AnyHandle) -> VideoError:
        decode = next((taken for taken in handle.takes if taken.title == "decode"), None)
        if handle.title != "pose" or decode is None:
            return VideoError("an earlier stage has failed")
        self.by_decoding.append(cast(DecodeRequest, decode.request(Given({}))).by_decoding)
        return VideoError("nobody is there") if self.by_decoding[-1] else TableNotConfirmed("other frames")


@pytest.mark.parametrize("override", ["subject=auto", "subject=all", "crop=auto crop.shared=true"])
@pytest.mark.parametrize("known", [False, True])
def test_a_video_whose_packets_tell_other_frames_is_led_by_a_table_of_decoding(
    override: str, known: bool, tmp_path: Path
) -> None:
    (tmp_path / "a.mp4").write_text("a")
    configs = [settings.load([f"video={tmp_path}/a.mp4", *override.split()])]
    graph = TellsOtherFrames(known=known)
    submission = cast(Submission, graph)
    run = WholeRun([SweepSetting("", [])], configs, find_all_videos(configs), submission, "run", tmp_path / "outputs")
    ((_, (result,)),) = in_turn(run.steps(), submission, 1)
    assert result.error and "other frames" not in result.error
    assert graph.by_decoding == [known, True]


def test_a_picture_that_is_gone_fails_the_videos_that_show_it_and_not_the_run(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_text(name)
    wall = ["background=image", f"background.image={tmp_path}/w.png"]
    asked = [SweepSetting("plain", []), SweepSetting("wall", wall)]
    configs = [settings.load([f"video={tmp_path}/*.mp4", *one.overrides]) for one in asked]
    graph = cast(Submission, AllFail())
    run = WholeRun(asked, configs, find_all_videos(configs), graph, "run", tmp_path / "outputs")
    errors = [(one.setting, one.error) for _, results in in_turn(run.steps(), graph, 2) for one in results]
    assert [setting for setting, _ in errors] == ["plain", "wall"] * 2
    for setting, error in errors:
        expected = "decode has failed" if setting == "plain" else f"background.image: {tmp_path}/w.png cannot be read"
        assert error.startswith(expected)
