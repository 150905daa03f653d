"""One video on its way to its results: what it waits for, and what becomes of it where stages fail."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from flows.cli.run_progress import RunProgress
from flows.config import settings
from flows.flow import in_turn
from flows.graph.nodes import AnyHandle, Given, Graph
from flows.graph.submission import Submission
from flows.one_video import WholeRun
from flows.results.result import Result
from flows.sweep import SweepSetting
from flows.videos import find_all_videos
from tasks.cache.integrity import FileFingerprint
from tasks.errors import TableNotConfirmed, VideoError
from tasks.execution import progress
from tasks.execution.progress import Work
from tasks.requests import AnyRequest, DecodeRequest

settings.register_schema()


class AllFail(Graph):
    """A graph whose stages have failed as soon as they are asked for, or have met a ``fault`` of the program."""

    fault: Exception | None = None

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

    def outcome(self, handle: AnyHandle) -> Exception:
        return self.fault or VideoError(f"{handle.title} has failed")


class TellsOtherFrames(AllFail):
    """A graph whose first passes deny the table from packets; ``known``: an earlier run has found that already."""

    def __init__(self, *, known: bool) -> None:
        super().__init__(Path("cache"))
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


def whole_run(folder: Path, graph: Graph, *asked: SweepSetting, videos: Sequence[str] = ("a", "b")) -> WholeRun:
    for name in videos:
        (folder / f"{name}.mp4").write_text(name)
    configs = [settings.load([f"video={folder}/*.mp4", *one.overrides]) for one in asked]
    return WholeRun(asked, configs, find_all_videos(configs), cast(Submission, graph), "run", folder / "outputs")


def results_of_all(run: WholeRun) -> list[Result]:
    return [one for _, results in in_turn(run.steps(), run.graph, 2) for one in results]


def test_a_picture_that_is_gone_fails_the_videos_that_show_it_and_not_the_run(tmp_path: Path) -> None:
    wall = ["background=image", f"background.image={tmp_path}/w.png"]
    run = whole_run(tmp_path, AllFail(Path("cache")), SweepSetting("plain", []), SweepSetting("wall", wall))
    errors = [(one.setting, one.error) for one in results_of_all(run)]
    assert [setting for setting, _ in errors] == ["plain", "wall"] * 2
    for setting, error in errors:
        expected = "decode has failed" if setting == "plain" else f"background.image: {tmp_path}/w.png cannot be read"
        assert error.startswith(expected)


def test_a_fault_of_the_program_is_told_with_its_stage_and_kind(tmp_path: Path) -> None:
    graph = AllFail(Path("cache"))
    graph.fault = ZeroDivisionError("division by zero")
    (result,) = results_of_all(whole_run(tmp_path, graph, SweepSetting("", []), videos="a"))
    assert result.error.startswith("decode: ZeroDivisionError: division by zero; this is a fault of the program")


def test_a_video_that_has_not_begun_when_the_user_ends_the_run_has_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = whole_run(
        tmp_path, AllFail(Path("cache")), SweepSetting("x", []), SweepSetting("y", ["smoothing.window=9"]), videos="a"
    )
    monkeypatch.setattr(progress.stop, "is_set", lambda: True)
    with pytest.raises(StopIteration):  # it asks for no stage
        next(run.steps()[0])
    assert [(one.setting, one.error) for one in results_of_all(run)] == [
        ("x", progress.INTERRUPTED),
        ("y", progress.INTERRUPTED),
    ]
    assert not (tmp_path / "outputs").exists()


def test_a_video_whose_stages_fail_because_the_user_ends_the_run_has_not_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = whole_run(tmp_path, AllFail(Path("cache")), SweepSetting("", []), videos="a")
    is_begun = iter([False])
    monkeypatch.setattr(progress.stop, "is_set", lambda: next(is_begun, True))
    assert [one.error for one in results_of_all(run)] == [progress.INTERRUPTED]
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize("override", ["", "subject=all"])
def test_while_a_video_is_drawn_its_later_passes_count_in_the_share_that_is_done(
    override: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = SweepSetting("", ["video=demo", *override.split()])
    configs = [settings.load(asked.overrides)]
    graph = cast(Submission, AllFail(Path("cache")))
    run = WholeRun([asked], configs, find_all_videos(configs), graph, "run", tmp_path / "outputs")
    shown = RunProgress()
    monkeypatch.setattr(progress, "listener", shown)
    steps = run.steps()[0]
    assert [handle.title for handle in next(steps).over] == ["demo"]
    drawing = Work("demo", "demo", 10)
    shown.started(drawing)
    shown.advanced(drawing, 10)
    (line,) = shown.lines()
    share = re.search(r"(\d+)%", line)
    assert share is not None and 0 < int(share[1]) < 20


def test_the_graph_forgets_a_video_that_has_its_results(tmp_path: Path) -> None:
    run = whole_run(tmp_path, AllFail(Path("cache")), SweepSetting("", []), videos="a")
    steps = run.steps()[0]
    next(steps)
    assert [*steps] and run.graph.forget("a") == []


def test_videos_that_share_a_window_are_led_all_at_once_and_others_a_few_at_a_time(tmp_path: Path) -> None:
    names = [f"v{number}" for number in range(9)]
    graph = AllFail(Path("cache"))
    for overrides, at_once in (([], graph.videos_at_once), (["crop.aspect=1:1", "crop.shared=true"], len(names))):
        run = whole_run(tmp_path, graph, SweepSetting("", overrides), videos=names)
        assert run.videos_at_once == at_once
        assert any(until.all_ask for until in run.steps()[0]) == run.shares_size
    assert graph.videos_at_once < len(names)
