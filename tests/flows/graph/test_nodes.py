"""What several settings ask for alike is one node of the graph, and a task goes before those that wait for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from conf.config import Config
from conf.enums import Output
from conf.lock import CropConf, SmoothingConf
from conf.render import BackgroundConf
from flows.graph import submission
from flows.graph.stage_requests import RequestedStages
from flows.graph.submission import Submission
from flows.jobs import Job
from flows.pipeline import pipeline
from flows.videos import Video
from tasks.execution.task import Call


class Finished:
    """A future of a task that is done, for whoever only asks for its state."""

    def __init__(self, call: Call) -> None:
        self.call = call


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    calls: list[Call] = []

    def submit(call: Call, inputs: Sequence[Any]) -> Finished:
        calls.append(call)
        return Finished(call)

    def submit_together(call: Call, titles: Sequence[str], inputs: Sequence[Any]) -> list[Finished]:
        calls.append(call)
        return [Finished(call) for _ in titles]

    monkeypatch.setattr(submission, "submit", submit)
    monkeypatch.setattr(submission, "submit_together", submit_together)
    return calls


def job(video: str, setting: str, config: Config) -> Job:
    path = Path(f"{video}.mp4")
    digests: dict[str, dict[str, str]] = {"pose": {"full": "0"}, "masks": {"general": "0"}}
    return Job(Video(video, path), path, video * 64, config, digests, "run", setting)


def asked(graph: Submission, *jobs: Job, metrics_only: bool = False) -> list[RequestedStages]:
    """What the page asks for each job."""
    all_stages = [RequestedStages(each, graph) for each in jobs]
    for stages in all_stages:
        pipeline(stages, stages.job.config, metrics_only=metrics_only)
    return all_stages


def configs() -> dict[str, Config]:
    return {f"window={size}": Config(smoothing=SmoothingConf(window=size)) for size in (5, 9, 15)}


def test_shared_stages_are_submitted_once_and_named_by_who_shares_them(submitted: list[Call]) -> None:
    graph = Submission(Path("cache"), "run", 3)
    jobs = [job(video, name, config) for video in "ab" for name, config in configs().items()]
    stages = asked(graph, *jobs, metrics_only=True)
    graph.submit()
    titles = [call.title for call in submitted]
    assert titles == [*["decode"] * 2, *["pose"] * 2, *["subject"] * 2, *["offsets"] * 2, *["trajectory"] * 6]
    shown = [call.shown for call in submitted]
    assert [call.video for call in submitted[-6:]] == [*"aaabbb"]
    assert shown[:2] == ["a", "b"]
    assert shown[-6:] == [f"{video} {name}" for video in "ab" for name in configs()]
    assert len({id(each.asked["pose"]) for each in stages}) == 2


def test_what_takes_from_another_stage_is_another_stage() -> None:
    other = Config()
    other.subject.at_s = 1.0
    first, second = asked(Submission(Path("cache"), "run", 2), job("a", "x", Config()), job("a", "y", other))
    assert first.asked["pose"] is second.asked["pose"]
    assert first.asked["subject"] is not second.asked["subject"]
    assert first.asked["trajectory"] is not second.asked["trajectory"]


def test_where_the_bytes_lie_makes_no_other_stage() -> None:
    here = job("a", "", Config())
    there = Job(Video("b", Path("b.mp4")), Path("b.mp4"), here.digest, Config(), here.models, "run")
    first, second = asked(Submission(Path("cache"), "run"), here, there)
    assert first.asked["decode"] is second.asked["decode"]


def test_a_future_before_its_submission_is_a_mistake_that_is_told() -> None:
    graph = Submission(Path("cache"), "run")
    (stages,) = asked(graph, job("a", "", Config()))
    with pytest.raises(RuntimeError, match="decode was asked for"):
        graph.future(stages.asked["decode"])


def test_all_outputs_of_a_video_and_setting_are_one_task_but_for_those_that_another_setting_makes(
    submitted: list[Call],
) -> None:
    graph = Submission(Path("cache"), "run", 2)
    red = Config(background=BackgroundConf(color=[255, 0, 0]))
    first, second = asked(graph, job("a", "green", Config()), job("a", "red", red))
    graph.submit()
    assert [call.title for call in submitted].count("render") == 2
    made = [graph.future(first.asked[name]) for name in ("stabilized.mp4", "comparison.mp4", "person.mp4")]
    assert len({id(one.call) for one in made if isinstance(one, Finished)}) == 1
    assert first.asked["stabilized.mp4"] is second.asked["stabilized.mp4"]
    assert first.asked["person.mp4"] is not second.asked["person.mp4"]


def test_the_page_run_again_with_rendering_submits_only_what_is_new(submitted: list[Call]) -> None:
    graph = Submission(Path("cache"), "run")
    (before,) = asked(graph, job("a", "", Config(outputs=[Output.person])), metrics_only=True)
    graph.submit()
    assert "masks" not in before.asked
    submitted.clear()
    (after,) = asked(graph, job("a", "", Config(outputs=[Output.person])))
    graph.submit()
    assert [call.title for call in submitted] == ["people", "scene", "masks", "render", "report.html"]
    assert before.asked["trajectory"] is after.asked["trajectory"]


def test_what_needs_a_shared_size_goes_after_the_stages_of_all_videos_that_decide_it() -> None:
    graph = Submission(Path("cache"), "run")
    shared = Config(crop=CropConf(aspect="1:1", shared=True))
    asked(graph, *(job(video, "", shared) for video in "abc"), metrics_only=True)
    order = [handle.title for unit in graph.take_new() for handle in unit.handles]
    assert order == [title for title in ("decode", "pose", "subject", "offsets", "trajectory") for _ in "abc"]


def test_of_many_videos_the_first_few_are_finished_before_the_next_begin() -> None:
    graph = Submission(Path("cache"), "run")
    asked(graph, *(job(f"v{number:02}", "", Config()) for number in range(10)), metrics_only=True)
    units = list(graph.take_new())
    titles = [(unit.handles[0].askers[0].video, unit.handles[0].title) for unit in units]
    assert titles.index(("v03", "trajectory")) < titles.index(("v04", "decode"))
    seen: set[object] = set()
    for unit in units:  # each comes after all that it waits for, or two of them could hold all threads for ever
        assert unit.waits_for <= seen
        seen |= {*unit.handles}


def test_a_size_that_all_of_many_videos_share_waits_for_all_of_them() -> None:
    graph = Submission(Path("cache"), "run")
    shared = Config(crop=CropConf(aspect="1:1", shared=True))
    asked(graph, *(job(f"v{number:02}", "", shared) for number in range(10)), metrics_only=True)
    seen: set[object] = set()
    for unit in graph.take_new():
        assert unit.waits_for <= seen
        seen |= {*unit.handles}
