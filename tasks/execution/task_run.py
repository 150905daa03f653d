"""How calls become task runs of Prefect, and what its pages show of them.

This file and ``progress_artifact`` are the only ones below ``flows`` that import Prefect. The store alone decides what
is cached (see ``tasks.cache.store``). Prefect is told, by a state of that name, and keeps no results of its own.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import RunInput, State, TaskRunResult
from prefect.context import FlowRunContext
from prefect.exceptions import MissingContextError
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Completed
from prefect.utilities.annotations import quote

from tasks.cache.making import Outcome
from tasks.errors import counted
from tasks.execution.task import Call, KeyedRequest, outcomes
from tasks.records import AnyArtifact
from tasks.untrusted.plain_text import one_line

CACHED: Final = "Cached"  # Prefect's own name of such a state, which its UI knows
Future = PrefectFuture[None]


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a log line of Prefect says more than that a run is completed, which its state says too.

    A line in the log takes 0.4 ms of CPU here and 1.5 ms in the server (Prefect 3.9.1, 1,000 tasks of nothing).
    """
    return record.levelno > logging.INFO or not record.getMessage().startswith("Finished in state")


logging.getLogger("prefect.task_runs").addFilter(_is_news)


@dataclass(eq=False)
class CallRun:
    """A call as one task run of Prefect, or one of several outcomes of a call as a task run of its own.

    ``outcomes`` are there when it is over, one for each request; none where Prefect did not run it, as an earlier run
    has failed.
    """

    call: Call
    title: str
    function: Callable[["CallRun"], State[None]]
    inputs: Sequence[AnyArtifact] = ()
    outcomes: Sequence[Outcome] = ()
    keyed: Sequence[KeyedRequest] | None = None  # where they are known already

    def __str__(self) -> str:
        """The name of the task run. Prefect's own commands take brackets for markup."""
        return f"{self.title} {self.call.shown}".replace("[", "(").replace("]", ")")


def submit(run: CallRun, after: Sequence[Future], failed: Sequence[Future] = ()) -> Future:
    """Start a run whose inputs are there; to be called inside a flow.

    Prefect is told which runs it came ``after``. Where some of them have ``failed``, it only notes that.

    The run has no inputs or results that Prefect knows: it would look into each for futures, by way of another thread,
    and keep them. With them a task took 2 ms of CPU more (Prefect 3.9.1, 10,000 tasks).
    """
    context = FlowRunContext.get()
    if context is None:
        raise RuntimeError("a task is submitted inside a flow only")
    came_after: set[RunInput] = {TaskRunResult(id=future.task_run_id) for future in after}
    task, parameters = _task(run.title, run.function), {"run": quote(run)}
    future: Future = context.task_runner.submit(
        task, parameters, wait_for=failed or None, dependencies={"run": came_after}
    )
    return future


def outcomes_of(run: CallRun, future: Future) -> Sequence[Outcome]:
    """The outcomes of a run that is over; none where it was not run, as an earlier one has failed."""
    future.wait()  # raises what ended the thread itself
    if run.outcomes or not future.state.is_final():
        return run.outcomes
    fault = future.state.result(raise_on_failure=False)  # of Prefect, before the function was called
    return [fault if isinstance(fault, Exception) else RuntimeError(f"the task run gave {fault!r}")]


@lru_cache
def _task(title: str, function: Callable[[CallRun], State[None]]) -> Task[[CallRun], State[None]]:
    """The task of a title. It is made once, because making it takes as long as running it from the cache."""
    return Task(
        function,
        name=title,
        task_run_name="{run}",
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def _found(run: CallRun) -> Sequence[Outcome]:
    """Find or compute the outcomes of a run; what ends it is the outcome of all."""
    try:
        run.outcomes = outcomes(run.call, run.inputs, run.keyed)
    except Exception as error:
        run.outcomes = [error]
        raise
    return run.outcomes


def find_or_compute(run: CallRun) -> State[None]:
    """Find the artifact of a stage or compute it; the state that Prefect's UI shows."""
    _found(run)
    return show(run)


def find_or_compute_all(run: CallRun) -> State[None]:
    """Find or compute all requests of a call. The run fails if all do; the run that shows one raises its error."""
    call = run.call
    found = _found(run)
    failed = [outcome for outcome in found if isinstance(outcome, Exception)]
    if len(failed) == len(found):
        raise failed[0]
    made = [one for one in found if not isinstance(one, Exception)]
    names = [name for one in made if one.run_id == call.run_id for name in one.files]
    _log(f"made {', '.join(names)} in one pass" if names else "all of it was found in the cache", [])
    cached = not failed and all(one.run_id != call.run_id for one in made)
    return Completed(name=CACHED) if cached else Completed()


def show(run: CallRun) -> State[None]:
    """The state that Prefect's UI shows for a run with one outcome; an error is raised.

    What the stage did, and its warnings, go to the log that the UI shows.
    """
    (outcome,) = run.outcomes
    if isinstance(outcome, Exception):
        raise outcome
    ran = outcome.run_id == run.call.run_id
    _log(*log_lines(outcome, ran=ran))
    return Completed() if ran else Completed(name=CACHED)


def log_lines(artifact: AnyArtifact, *, ran: bool) -> tuple[str, list[str]]:
    """What a stage did, in a line, and its warnings."""
    facts = artifact.facts
    frames, parts = facts.get("frames"), []
    if not ran:
        parts.append("found in the cache")
    elif frames and artifact.seconds:
        rate_hz = frames / artifact.seconds
        parts.append(f"{counted(frames, 'frame')} in {artifact.seconds:.1f} s, {rate_hz:.1f} frames a second")
    else:
        parts.append(f"done in {artifact.seconds:.1f} s")
    looked, detected = facts.get("looked"), facts.get("detected")
    if looked and detected is not None:
        parts.append(f"person found in {detected} of {counted(looked, 'frame')} ({detected / looked:.1%})")
    parts.append(f"the result lies in {artifact.folder}")
    warnings = [*facts.get("notes", []), facts.get("device_note"), facts.get("why")]
    return one_line("; ".join(parts)), [one_line(warning) for warning in warnings if warning]


def _log(line: str, warnings: Sequence[str]) -> None:
    """Log from inside a task run; nothing where the function is called without Prefect."""
    try:
        logger = get_run_logger()
    except MissingContextError:
        return
    logger.info(line)
    for warning in warnings:
        logger.warning(warning)
