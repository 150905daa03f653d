"""What a task run of Prefect is called, and what its log says."""

import logging

from tasks.execution.task_run import log_lines
from tasks.records import Artifact, Content


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
