"""What a task run of Prefect is called, and what its log says."""

import logging
from pathlib import Path

import pytest

from tasks.errors import VideoError
from tasks.execution.task import Call, Slots
from tasks.execution.task_run import CACHED, CallRun, find_or_compute_all, log_lines
from tasks.records import Artifact, Content
from tests.support.worker_stages import TogetherRequest


def test_the_log_of_a_stage_says_what_it_did_and_has_its_warnings() -> None:
    facts = {"frames": 120, "looked": 60, "detected": 57, "detection_rate": 0.95, "notes": ["damaged"], "why": "unsure"}
    artifact: Artifact[Content] = Artifact("pose", "key", "/cache/pose/key", {}, facts, "run", 8.0)
    line, warnings = log_lines(artifact, ran=True)
    found = "person found in 57 of 60 frames (95.0%)"
    assert line == f"120 frames in 8.0 s, 15.0 frames a second; {found}; the result lies in /cache/pose/key"
    assert warnings == ["damaged", "unsure"]
    assert log_lines(artifact, ran=False)[0].startswith("found in the cache; ")
    quick: Artifact[Content] = Artifact("charts", "key", "/a\x1bb", {}, {}, "run", 0.25)
    assert log_lines(quick, ran=True) == ("done in 0.2 s; the result lies in /a\\x1bb", [])


def test_the_log_has_no_line_that_a_run_is_completed_which_its_state_says() -> None:
    logger = logging.getLogger("prefect.task_runs")

    def is_kept(level: int, line: str) -> bool:
        return bool(logger.filter(logging.LogRecord(logger.name, level, "", 0, line, None, None)))

    assert not is_kept(logging.INFO, "Finished in state Completed()")
    assert is_kept(logging.ERROR, "Finished in state Failed()")
    assert is_kept(logging.INFO, "120 frames in 8.0 s")


def one_pass(cache: Path, run_id: str, *functions: str) -> CallRun:
    requests = [TogetherRequest(function) for function in functions]
    call = Call("render", "a", "a", lambda _: requests, cache, run_id, Slots(1))
    return CallRun(call, call.title, find_or_compute_all)


def test_a_pass_is_cached_where_all_of_it_is_and_fails_where_all_of_it_does(tmp_path: Path) -> None:
    first, again, partly = (
        one_pass(tmp_path, *about) for about in (("1", "write"), ("2", "write"), ("3", "write", "refuse"))
    )
    assert [find_or_compute_all(run).name == CACHED for run in (first, again, partly)] == [False, True, False]
    assert [isinstance(outcome, VideoError) for outcome in partly.outcomes] == [False, True]
    none = one_pass(tmp_path, "4", "refuse")
    with pytest.raises(VideoError):
        find_or_compute_all(none)
    assert [type(outcome) for outcome in none.outcomes] == [VideoError]


def test_what_ends_a_run_before_it_has_requests_is_its_outcome() -> None:
    def requests(_: object) -> list[TogetherRequest]:
        raise VideoError("a.mp4: is gone")

    call = Call("render", "a", "a", requests, Path("cache"), "run", Slots(1))
    run = CallRun(call, call.title, find_or_compute_all)
    with pytest.raises(VideoError):
        find_or_compute_all(run)
    assert [str(outcome) for outcome in run.outcomes] == ["a.mp4: is gone"]
