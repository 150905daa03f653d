"""The graph of a real run: what the cache has needs no task run where a run has many videos."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from flows.graph import submission
from flows.graph.nodes import AnyHandle, Asker
from flows.graph.submission import Submission
from tasks.cache.making import Outcome
from tasks.execution.task import Call, Slots, outcomes
from tasks.execution.task_run import CallRun
from tasks.requests import AnyRequest
from tests.support.worker_stages import TogetherRequest

ASKER = Asker("a", "")


class Over:
    """A future of a run that is over as soon as it is submitted; it ran unless something before it ``failed``."""

    def __init__(self, failed: Sequence[Any]) -> None:
        self.failed = failed

    def add_done_callback(self, tell: Callable[[Any], None]) -> None:
        tell(self)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[CallRun]:
    """The runs that are submitted; each computes at once, without Prefect."""
    made: list[CallRun] = []

    def submit(run: CallRun, after: Sequence[Any], failed: Sequence[Any]) -> Over:
        made.append(run)
        return Over(failed)

    def outcomes_of(run: CallRun, future: Any) -> Sequence[Outcome]:
        return () if future.failed else run.outcomes or outcomes(run.call, run.inputs, run.keyed)

    monkeypatch.setattr(submission, "submit", submit)
    monkeypatch.setattr(submission, "outcomes_of", outcomes_of)
    return made


def building(function: str) -> Callable[[Any], Any]:
    return lambda _: TogetherRequest(function)


def fill(cache: Path, *functions: str) -> None:
    requests: list[AnyRequest] = [TogetherRequest(function) for function in functions]
    outcomes(Call("render", "a", "a", lambda _: requests, cache, "earlier", Slots(1)), [])


def test_what_the_cache_has_is_over_without_a_task_run_and_is_counted(tmp_path: Path, runs: list[CallRun]) -> None:
    fill(tmp_path, "write", "write_two")
    graph = Submission(tmp_path, "run", shows_cached=False)
    first: AnyHandle = graph.ask(ASKER, lambda _: TogetherRequest("write"))
    last: AnyHandle = graph.ask(ASKER, lambda _: TogetherRequest("write_two"), [first])
    graph.submit()
    assert [graph.is_over(first), graph.is_over(last), graph.found, runs] == [True, True, 2, []]
    assert graph.newly_over() == [first, last] and graph.newly_over() == []
    found = graph.outcome(last)
    assert found is not None and not isinstance(found, Exception) and found.run_id == "earlier"


def test_what_the_cache_has_in_part_or_damaged_has_a_task_run(tmp_path: Path, runs: list[CallRun]) -> None:
    fill(tmp_path, "write", "write_two")
    graph = Submission(tmp_path, "run", shows_cached=False)
    requests = [building("write"), building("refuse")]
    handles: list[AnyHandle] = [*graph.ask_together(ASKER, requests)]
    alone: AnyHandle = graph.ask(ASKER, building("write_two"))
    damaged = next(
        path for path in (tmp_path / "pass").glob("*/made") if "two" in path.parent.joinpath("done.json").read_text()
    )
    damaged.write_text("something else")
    graph.submit()
    graph.wait(for_one=False)
    assert [run.title for run in runs][:2] == ["pass", alone.title] and graph.found == 0
    assert all(graph.is_over(handle) for handle in [*handles, alone])
    again = graph.outcome(alone)
    assert again is not None and not isinstance(again, Exception) and again.run_id == "run"


def test_a_run_of_few_videos_shows_also_what_the_cache_has(tmp_path: Path, runs: list[CallRun]) -> None:
    fill(tmp_path, "write")
    graph = Submission(tmp_path, "run")
    graph.ask(ASKER, building("write"))
    graph.submit()
    assert len(runs) == 1 and graph.found == 0


@pytest.mark.parametrize("shared", [False, True])
def test_a_pass_leaves_out_what_only_videos_that_fail_need(shared: bool, tmp_path: Path, runs: list[CallRun]) -> None:
    graph = Submission(tmp_path, "run", shows_cached=True)
    subject: AnyHandle = graph.ask(ASKER, building("refuse"))

    def masks(made: Any) -> TogetherRequest:
        made(subject)
        return TogetherRequest("write")

    _, scene = graph.ask_together(ASKER, [masks, building("write_two")])
    if shared:
        graph.ask(Asker("a", "other"), building("write_two"))
    graph.submit()
    for _ in range(4):
        graph.wait(for_one=False)
    assert graph.is_over(scene)
    assert (graph.outcome(scene) is None) == (not shared)
