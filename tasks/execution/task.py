"""How requests become Prefect tasks.

This file and ``progress_artifact`` are the only ones below ``flows`` that import Prefect. The store alone decides what
is cached (see ``tasks.cache.store``). Prefect is told, by a state of that name, and keeps no results of its own.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Semaphore
from typing import Any, Final, cast

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import RunInput, State, TaskRunResult
from prefect.context import FlowRunContext
from prefect.exceptions import MissingContextError
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Completed
from prefect.tasks import TaskRunNameCallbackWithParameters
from prefect.utilities.annotations import quote

from tasks.cache import making, store
from tasks.cache.integrity import FileFingerprint, forgetting_unusable, require_proven, require_unchanged
from tasks.cache.keys import shaped_by, stage_key
from tasks.cache.making import OpenEntry, Outcome, Wanted
from tasks.cache.second_level import SecondLevel
from tasks.errors import OutputError, VideoError, counted
from tasks.execution import progress
from tasks.execution.computation import Computation, Compute, Facts, clip_of, here
from tasks.execution.memory import give_back
from tasks.execution.progress import Work
from tasks.execution.progress_artifact import shown_progress
from tasks.records import AnyArtifact, Artifact
from tasks.requests import AnyRequest
from tasks.untrusted.plain_text import one_line

CACHED: Final = "Cached"  # Prefect's own name of such a state, which its UI knows
_POLL_S: Final = 0.2  # between two looks at whether the user asked for an end
Future = PrefectFuture[None]


class Slots:
    """At most ``count`` pieces of work at once."""

    def __init__(self, count: int) -> None:
        self._free = Semaphore(count)

    @contextmanager
    def work(self) -> Iterator[None]:
        """Wait for a free slot and hold it for the block; ``Interrupted`` when the user asks for an end meanwhile."""
        while not self._free.acquire(timeout=_POLL_S):
            progress.check_stop()
        try:
            yield
        finally:
            self._free.release()


@dataclass(frozen=True)
class Call:
    """A task of one video: requests that are computed together, made from the artifacts of earlier tasks.

    ``source`` is the user's file that it reads, as far as the graph watches one.
    """

    title: str
    shown: str  # the video, and the setting of a sweep
    video: str
    requests: Callable[[Sequence[AnyArtifact]], Sequence[AnyRequest]]
    cache: Path
    run_id: str
    slots: Slots
    compute: Compute = here
    level: SecondLevel | None = None  # behind the cache
    source: Path | None = None
    stamp: FileFingerprint | None = None  # of ``source`` when its digest was made
    video_name: str = ""  # without the person, where ``video`` is one person of it

    @property
    def work(self) -> Work:
        """The work of this task, before its length is known."""
        return Work(self.shown, self.title, 0)


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
    """The task of a title: made once, for making one takes as long as running it from the cache."""
    return Task(
        function,
        name=title,
        task_run_name=cast(TaskRunNameCallbackWithParameters, _run_name),
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def _run_name(parameters: dict[str, Any]) -> str:
    """The name of a task run. Prefect's own commands take brackets for markup."""
    run: CallRun = parameters["run"]
    return f"{run.title} {run.call.shown}".replace("[", "(").replace("]", ")")


def _found(run: CallRun) -> Sequence[Outcome]:
    """Find or compute the outcomes of a run; what ends it is the outcome of all."""
    try:
        run.outcomes = outcomes(run.call, run.inputs)
    except Exception as error:
        run.outcomes = [error]
        raise
    return run.outcomes


def find_or_compute(run: CallRun) -> State[None]:
    """Find the artifact of a stage or compute it; the state that Prefect's UI shows."""
    _found(run)
    return show(run)


def find_or_compute_all(run: CallRun) -> State[None]:
    """The outcome of each request. It fails where all do; the error of one is raised by the run that shows it."""
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
    """The outcome of a run in the state that Prefect's UI shows.

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


def outcomes(call: Call, inputs: Sequence[AnyArtifact]) -> list[Outcome]:
    """Find the artifacts of the call's requests in the cache, and compute those that are not there."""
    try:
        return _outcomes(call, call.requests(inputs))
    finally:
        progress.listener.settled(call.work)


def _outcomes(call: Call, requests: Sequence[AnyRequest]) -> list[Outcome]:
    keys = [stage_key(request) for request in requests]
    found = [store.find(call.cache, request.stage, key) for request, key in zip(requests, keys, strict=True)]
    for artifact in found:
        if artifact is not None:
            store.touch(artifact)
    for request, key, artifact in zip(requests, keys, found, strict=True):
        if artifact is None and (why := store.damage(call.cache, request.stage, key)):
            progress.tell(f"{call.shown}: {request.title}: {why}; this entry of the cache is computed again")
    missing = {key: request for request, key, artifact in zip(requests, keys, found, strict=True) if artifact is None}
    made = _compute(call, missing) if missing else {}
    return [artifact or made[key] for artifact, key in zip(found, keys, strict=True)]


def _compute(call: Call, missing: Mapping[str, AnyRequest]) -> dict[str, Outcome]:
    """Compute requests together, by their keys, or find that another process has just done so."""
    for artifact in _taken(missing.values()):
        if artifact.run_id != call.run_id:
            require_proven(artifact, artifact.files)
    computed: list[str] = []

    def compute(entries: Sequence[OpenEntry]) -> None:
        computed.extend(entry.key for entry in entries)
        # Only now: whoever has had the slot before may have made the by-product.
        requests = {entry.key: _given_by_product(call, missing[entry.key]) for entry in entries}
        beside = _by_products(requests.values())
        with making.make_beside(call.cache, _wanted(call, beside), call.run_id) as by_products:
            _fill(call, requests | beside, [*entries, *by_products])

    wanted = _wanted(call, missing)
    level = None if any(request.at_head for request in missing.values()) else call.level
    with call.slots.work():
        pull = level.pull if level else lambda _: False
        made = making.make_all(call.cache, wanted, call.run_id, compute, waiting=progress.check_stop, pull=pull)
    for one in wanted if level else ():
        if one.key in computed and level:
            level.push(call.cache / one.stage / one.key)
    give_back()
    return dict(zip(missing, made, strict=True))


def _fill(call: Call, requests: Mapping[str, AnyRequest], entries: Sequence[OpenEntry]) -> None:
    """Compute ``requests``, by their keys, into the ``entries`` of some of them; each is finished or fails alone."""
    taken = _taken(requests.values())
    begun = [(requests[entry.key], entry.folder) for entry in entries]
    work = Computation(*zip(*begun, strict=True))
    meter = progress.Meter(Work(call.shown, call.title, _frames(work.requests[0])))

    def tell(place: int, outcome: Facts | Exception) -> None:
        outcome = _changed(call) or outcome
        if isinstance(outcome, Exception):
            entries[place].fail(outcome)
        else:
            entries[place].finish(outcome)

    try:
        with forgetting_unusable(taken, call.run_id), shown_progress(meter), meter as tick:
            (here if work.requests[0].at_head else call.compute)(work, tick, tell)
    except Exception as error:
        if changed := _changed(call):
            raise changed from error
        raise


def _wanted(call: Call, requests: Mapping[str, AnyRequest]) -> list[Wanted]:
    return [Wanted(request.stage, key, _about(call, request)) for key, request in requests.items()]


def _by_products(requests: Iterable[AnyRequest]) -> dict[str, AnyRequest]:
    """What is to be kept of computing the ``requests``, by its key."""
    made = [request.by_product for request in requests]
    return {stage_key(one): one for one in made if one is not None}


def _given_by_product(call: Call, request: AnyRequest) -> AnyRequest:
    """The request with its by-product, where the cache has it: then it has none to make any more."""
    wanted = request.by_product
    found = None if wanted is None else store.find(call.cache, wanted.stage, stage_key(wanted))
    if found is None:
        return request
    try:
        require_proven(found, found.files)
    except OutputError:  # it was forgotten, and is made anew
        return request
    store.touch(found)
    return request.with_by_product(found)


def _changed(call: Call) -> VideoError | None:
    """The error if the video changed during the run: its result must not get the key of the old content."""
    if call.source is not None and call.stamp is not None:
        try:
            require_unchanged(call.source, call.stamp)
        except VideoError as error:
            return error
    return None


def _taken(requests: Iterable[AnyRequest]) -> list[AnyArtifact]:
    """The artifacts that the requests take, each once."""
    values = [value for request in requests for value in vars(request).values()]
    return list({id(value): value for value in values if isinstance(value, Artifact)}.values())


def _about(call: Call, request: AnyRequest) -> dict[str, Any]:
    """What is kept beside the result; the digest of the video's bytes is empty where it is drawn."""
    clip = clip_of(request)
    digest = getattr(request, "digest", "") if clip is None else clip.digest
    return {"video": call.video_name or call.video, "sha256": digest, "shaped_by": shaped_by(request)}


def _frames(request: AnyRequest) -> int:
    clip = clip_of(request)
    return 0 if clip is None else clip.frames
