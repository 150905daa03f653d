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
from prefect.client.schemas.objects import State
from prefect.exceptions import MissingContextError
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.states import Completed
from prefect.tasks import TaskRunNameCallbackWithParameters
from prefect.utilities.annotations import allow_failure, opaque, quote

from tasks.cache import making, store
from tasks.cache.integrity import FileFingerprint, forgetting_unusable, require_proven, require_unchanged
from tasks.cache.keys import shaped_by, stage_key
from tasks.cache.making import OpenEntry, Outcome, Wanted
from tasks.cache.second_level import SecondLevel
from tasks.errors import OutputError, VideoError, counted
from tasks.execution import progress
from tasks.execution.computation import Computation, Compute, Facts, here
from tasks.execution.memory import give_back
from tasks.execution.progress import Work
from tasks.execution.progress_artifact import shown_progress
from tasks.records import AnyArtifact, Artifact, Clip, DecodedClip, read_clip
from tasks.requests import AnyRequest
from tasks.untrusted.plain_text import one_line

CACHED: Final = "Cached"  # Prefect's own name of such a state, which its UI knows
_POLL_S: Final = 0.2  # between two looks at whether the user asked for an end
Future = PrefectFuture[AnyArtifact]


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


# ``opaque``: Prefect would look into each artifact for futures, which took 4 ms of CPU for each task.


def submit(call: Call, inputs: Sequence[Future]) -> Future:
    """Start a task of one request as soon as its ``inputs`` are there; to be called inside a flow."""
    progress.listener.planned(call.work)
    return _task(call.title, _find_or_compute).submit(quote(call), [opaque(one) for one in inputs])


def submit_together(call: Call, titles: Sequence[str], inputs: Sequence[Future]) -> list[Future]:
    """The same for several requests that one task computes; each has a task of its own that shows its outcome.

    Where it is only one, one task does both.
    """
    progress.listener.planned(call.work)
    if len(titles) == 1:
        return [_task(titles[0], _find_or_compute).submit(quote(call), [opaque(one) for one in inputs], titles[0])]
    outcomes = _task(call.title, _find_or_compute_all).submit(quote(call), [opaque(one) for one in inputs])
    return [
        _task(title, _show).submit(quote(call), allow_failure(outcomes), place, title)
        for place, title in enumerate(titles)
    ]


@lru_cache
def _task(title: str, function: Callable[..., Any]) -> Task[..., Any]:
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
    call: Call = parameters["call"]
    return f"{parameters.get('title') or call.title} {call.shown}".replace("[", "(").replace("]", ")")


def _find_or_compute(call: Call, inputs: Sequence[AnyArtifact], title: str = "") -> State[AnyArtifact]:
    """The artifact of a stage in the state that Prefect's UI shows; ``title`` where it is not the call's."""
    (outcome,) = outcomes(call, inputs)
    return _logged_state(call, outcome)


class _Together:
    """The outcomes of requests that one task has computed; no list or dataclass, which Prefect would look into."""

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        self.outcomes = outcomes


def _find_or_compute_all(call: Call, inputs: Sequence[AnyArtifact]) -> State[_Together]:
    """The outcome of each request. It fails where all do; the error of one is raised by the task that shows it."""
    found = outcomes(call, inputs)
    failed = [outcome for outcome in found if isinstance(outcome, Exception)]
    if len(failed) == len(found):
        raise failed[0]
    made = [one for one in found if not isinstance(one, Exception)]
    names = [name for one in made if one.run_id == call.run_id for name in one.files]
    _log(f"made {', '.join(names)} in one pass" if names else "all of it was found in the cache", [])
    cached = all(not isinstance(outcome, Exception) and outcome.run_id != call.run_id for outcome in found)
    return Completed(name=CACHED, data=_Together(found)) if cached else Completed(data=_Together(found))


def _show(call: Call, together: _Together | Exception, place: int, title: str) -> State[AnyArtifact]:
    """One of several outcomes in the state that Prefect's UI shows."""
    return _logged_state(call, together if isinstance(together, Exception) else together.outcomes[place])


def _logged_state(call: Call, outcome: Outcome) -> State[AnyArtifact]:
    """The outcome as a state; what the stage did, and its warnings, go to the log that Prefect's UI shows."""
    if isinstance(outcome, Exception):
        raise outcome
    _log(*log_lines(outcome, ran=outcome.run_id == call.run_id))
    return Completed(data=outcome) if outcome.run_id == call.run_id else Completed(name=CACHED, data=outcome)


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
    missing = {key: _given_by_product(call, request) for key, request in missing.items()}
    beside = _by_products(missing.values())
    taken = list({id(one): one for request in missing.values() for one in _taken(request)}.values())
    for artifact in taken:
        if artifact.run_id != call.run_id:
            require_proven(artifact, artifact.files)
    wanted, more = _wanted(call, missing), _wanted(call, beside)

    computed: list[str] = []

    def compute(entries: Sequence[OpenEntry]) -> None:
        computed.extend(entry.key for entry in entries)
        with making.make_beside(call.cache, more, call.run_id) as by_products:
            compute_all([*entries, *by_products])

    def compute_all(entries: Sequence[OpenEntry]) -> None:
        begun = [((missing | beside)[entry.key], entry.folder) for entry in entries]
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

    level = None if any(request.at_head for request in missing.values()) else call.level
    with call.slots.work():
        pull = level.pull if level else lambda _: False
        made = making.make_all(call.cache, wanted, call.run_id, compute, waiting=progress.check_stop, pull=pull)
    for one in wanted if level else ():
        if one.key in computed and level:
            level.push(call.cache / one.stage / one.key)
    give_back()
    return dict(zip(missing, made, strict=True))


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


def _taken(request: AnyRequest) -> list[AnyArtifact]:
    """The artifacts that a request takes."""
    return [value for value in vars(request).values() if isinstance(value, Artifact)]


def clip_of(request: AnyRequest) -> Clip | None:
    """What decoding has shown of the video that a request is about; None before it is decoded."""
    clip: Artifact[DecodedClip] | None = getattr(request, "clip", None)
    return None if clip is None else read_clip(clip)


def _about(call: Call, request: AnyRequest) -> dict[str, Any]:
    """What is kept beside the result; the digest of the video's bytes is empty where it is drawn."""
    clip = clip_of(request)
    digest = getattr(request, "digest", "") if clip is None else clip.digest
    return {"video": call.video_name or call.video, "sha256": digest, "shaped_by": shaped_by(request)}


def _frames(request: AnyRequest) -> int:
    clip = clip_of(request)
    return 0 if clip is None else clip.frames
