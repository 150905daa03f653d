"""What several settings ask for alike is one node of the graph."""

from pathlib import Path
from typing import Any

import pytest

from conf.config import Config
from conf.lock import SmoothingConf
from flows.graph import Graph
from flows.job import Job
from flows.pipeline import PATH
from flows.videos import Video
from tasks.execution import task
from tasks.execution.task import Call


@pytest.fixture
def submitted(monkeypatch: pytest.MonkeyPatch) -> list[Call]:
    calls: list[Call] = []

    def submit(call: Call, inputs: dict[str, Any]) -> object:
        calls.append(call)
        return object()

    monkeypatch.setattr(task, "submit", submit)
    return calls


def job(made: Graph, video: str, setting: str, config: Config) -> Job:
    path = Path(f"{video}.mp4")
    digests: dict[str, dict[str, str]] = {"pose": {"full": "0"}, "masks": {"general": "0"}}
    return Job(Video(video, path), path, video * 64, config, digests, made, "run", setting)


def configs() -> dict[str, Config]:
    return {f"window={size}": Config(smoothing=SmoothingConf(window=size)) for size in (5, 9, 15)}


def test_shared_stages_are_submitted_once_and_named_by_who_shares_them(submitted: list[Call]) -> None:
    made = Graph(Path("cache"), "run", 3)
    jobs = [job(made, video, name, config) for video in "ab" for name, config in configs().items()]
    for start in PATH:
        for each in jobs:
            start(each)
        made.submit()
    count = {
        stage: sum(call.request.stage == stage for call in submitted) for stage in ("decode", "pose", "trajectory")
    }
    assert count == {"decode": 2, "pose": 2, "trajectory": 6}
    shown = [call.shown for call in submitted]
    assert [call.video for call in submitted[-6:]] == [*"aaabbb"]
    assert shown[:2] == ["a", "b"]
    assert shown[-6:] == [f"{video} {name}" for video in "ab" for name in configs()]
    assert len({id(each.nodes["pose"]) for each in jobs}) == 2


def test_what_takes_from_another_stage_is_another_stage(submitted: list[Call]) -> None:
    made = Graph(Path("cache"), "run", 2)
    other = Config()
    other.subject.at_s = 1.0
    first, second = job(made, "a", "x", Config()), job(made, "a", "y", other)
    for start in PATH:
        start(first)
        start(second)
    assert first.nodes["pose"] is second.nodes["pose"]
    assert first.nodes["subject"] is not second.nodes["subject"]
    assert first.nodes["trajectory"] is not second.nodes["trajectory"]


def test_where_the_bytes_lie_makes_no_other_stage(submitted: list[Call]) -> None:
    made = Graph(Path("cache"), "run")
    here = job(made, "a", "", Config())
    there = Job(Video("b", Path("b.mp4")), Path("b.mp4"), here.digest, Config(), here.models, made, "run")
    PATH[0](here)
    PATH[0](there)
    assert here.nodes["decode"] is there.nodes["decode"]


def test_a_future_before_its_submission_is_a_mistake_that_is_told() -> None:
    made = Graph(Path("cache"), "run")
    one = job(made, "a", "", Config())
    PATH[0](one)
    with pytest.raises(RuntimeError, match="decode was asked for"):
        _ = one.nodes["decode"].future
