"""From requests to outcomes: found in the cache, or computed. The store alone decides what is cached.

``tasks.execution.task_run`` makes a task run of Prefect of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Semaphore
from typing import Any, Final, NamedTuple

from tasks.cache import making, store
from tasks.cache.integrity import (
    FileFingerprint,
    forget_unreadable,
    forgetting_unusable,
    require_proven,
    require_unchanged,
)
from tasks.cache.keys import shaped_by, stage_key
from tasks.cache.making import OpenEntry, Outcome, WantedEntry
from tasks.cache.second_level import SecondLevel
from tasks.errors import OutputError, UnreadableFile, VideoError
from tasks.execution import progress
from tasks.execution.computation import Computation, Compute, artifacts_of, clip_of, here
from tasks.execution.memory import give_back
from tasks.execution.progress import Work
from tasks.execution.progress_artifact import shown_progress
from tasks.records import AnyArtifact, Facts
from tasks.requests import AnyRequest, DemoRequest

_POLL_S: Final = 0.2  # between two looks at whether the user asked for an end


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


class KeyedRequest(NamedTuple):
    """A request and the key of its entry."""

    request: AnyRequest
    key: str


def keyed_requests(call: Call, inputs: Sequence[AnyArtifact]) -> list[KeyedRequest]:
    """The call's requests, made from the artifacts that they take."""
    return [KeyedRequest(request, stage_key(request)) for request in call.requests(inputs)]


def find_all(call: Call, keyed: Sequence[KeyedRequest]) -> list[AnyArtifact]:
    """The artifacts of all requests of a call, which are used now; empty where the cache does not have all of them."""
    found: list[AnyArtifact] = []
    for request, key in keyed:
        artifact = store.find(call.cache, request.stage, key)
        if artifact is None:
            return []
        found.append(artifact)
    for artifact in found:
        store.touch(artifact)
    return found


def outcomes(call: Call, inputs: Sequence[AnyArtifact], keyed: Sequence[KeyedRequest] | None = None) -> list[Outcome]:
    """Find the artifacts of the call's requests in the cache, and compute those that are not there.

    ``keyed`` are its requests, where they have been made already.
    """
    try:
        return _outcomes(call, keyed_requests(call, inputs) if keyed is None else keyed)
    finally:
        progress.listener.settled(call.work)


def _outcomes(call: Call, keyed: Sequence[KeyedRequest]) -> list[Outcome]:
    found = [store.find(call.cache, request.stage, key) for request, key in keyed]
    for artifact in found:
        if artifact is not None:
            store.touch(artifact)
    for (request, key), artifact in zip(keyed, found, strict=True):
        if artifact is None and (why := store.damage(call.cache, request.stage, key)):
            progress.tell(f"{call.shown}: {request.title}: {why}; this entry of the cache is computed again")
    missing = {key: request for (request, key), artifact in zip(keyed, found, strict=True) if artifact is None}
    made = _compute(call, missing) if missing else {}
    return [artifact or made[one.key] for artifact, one in zip(found, keyed, strict=True)]


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
        if isinstance(outcome, UnreadableFile):
            outcome = forget_unreadable(outcome, taken, call.run_id)
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


def _wanted(call: Call, requests: Mapping[str, AnyRequest]) -> list[WantedEntry]:
    return [WantedEntry(request.stage, key, _about(call, request)) for key, request in requests.items()]


def _by_products(requests: Iterable[AnyRequest]) -> dict[str, AnyRequest]:
    """What is to be kept of computing the ``requests``, by its key."""
    made = [request.by_product for request in requests]
    return {stage_key(one): one for one in made if one is not None}


def _given_by_product(call: Call, request: AnyRequest) -> AnyRequest:
    """The request; given its by-product where the cache has it, so that it is not made again."""
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
    return list({id(value): value for request in requests for value in artifacts_of(request)}.values())


def _about(call: Call, request: AnyRequest) -> dict[str, Any]:
    """What is kept beside the result; the digest of the video's bytes is empty where it is drawn."""
    clip = clip_of(request)
    digest = getattr(request, "digest", "") if clip is None else clip.digest
    return {"video": call.video_name or call.video, "sha256": digest, "shaped_by": shaped_by(request)}


def _frames(request: AnyRequest) -> int:
    if isinstance(request, DemoRequest):
        return request.settings.frames
    clip = clip_of(request)
    return 0 if clip is None else clip.frames
