"""How a request becomes a cached Prefect task.

This file and ``progress_artifact`` are the only ones below ``flows`` that import Prefect.

Prefect looks its own record up by the stage's key and, through the serializer, finds it void when the folder in
the cache is missing or damaged; the store decides the rest (see ``tasks.cache.store``).
"""

import json
from collections.abc import Hashable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext
from prefect.filesystems import LocalFileSystem
from prefect.futures import PrefectFuture
from prefect.results import get_result_store
from prefect.serializers import Serializer
from prefect.tasks import TaskRunNameCallbackWithParameters
from prefect.utilities.annotations import quote

from tasks.cache import store
from tasks.cache.file_stamp import Stamp, require_unchanged
from tasks.cache.integrity import require_proven
from tasks.cache.keys import shaped_by, stage_key
from tasks.execution import processes, progress
from tasks.execution.memory import give_back
from tasks.execution.progress_artifact import shown_progress
from tasks.execution.scheduler import Group, Turns
from tasks.records import Artifact, read_clip
from tasks.requests import Request


@dataclass(frozen=True)
class Call:
    """A stage of one video, but for the artifacts it takes: those come as futures beside it."""

    shown: str  # the name of the run: the video, and what setting of a sweep
    video: str
    request: type[Any]
    fields: dict[str, Any]  # of the request, all that are not artifacts
    cache: Path
    run_id: str
    turns: Turns
    group: Group | None = None  # those that it is computed with, side by side
    apart: bool = False  # computed in a process of its own
    stamp: Stamp | None = None  # of the video that ``fields`` name, when its digest was made


class ArtifactSerializer(Serializer):
    """Writes where an artifact lies and reads it back through the store; unreadable means not cached."""

    type: Literal["stillwalk-artifact"] = "stillwalk-artifact"

    def dumps(self, obj: Artifact) -> bytes:
        return json.dumps({"stage": obj.stage, "key": obj.key}).encode()

    def loads(self, blob: bytes) -> Artifact:
        """The artifact in the cache that this run uses: the record may have been copied there from another."""
        entry = json.loads(blob)
        storage = get_result_store().result_storage
        if not isinstance(storage, LocalFileSystem) or storage.basepath is None:
            raise TypeError(f"records of artifacts lie beside them in the cache, not in {storage!r}")
        artifact = store.find(Path(storage.basepath).parent, entry["stage"], entry["key"])
        if artifact is None:
            raise FileNotFoundError(f"{entry['key']} is not whole in {storage.basepath}")
        store.touch(artifact)
        return artifact


def submit(call: Call, inputs: dict[str, PrefectFuture[Artifact] | Artifact]) -> PrefectFuture[Artifact]:
    """Start a stage as soon as ``inputs`` are there; to be called inside a flow."""
    future = _task(cast(Hashable, call.request)).submit(quote(call), inputs)
    if call.group is not None:
        group, member = call.group, _title(call.request)
        future.add_done_callback(lambda _: group.leave(member))  # also where it came from the cache, or was never begun
    return future


def _title(request: type[Request]) -> str:
    return request.output or request.stage


@lru_cache
def _task(request: type[Any]) -> Task[..., Artifact]:
    """The task of a kind of request: made once, for making one takes as long as running it from the cache."""
    return Task(
        _compute,
        name=_title(request),
        task_run_name=cast(TaskRunNameCallbackWithParameters, _shown),
        cache_policy=CacheKeyFnPolicy(cache_key_fn=_key),
        result_serializer=ArtifactSerializer(),
        persist_result=True,
    )


def _shown(parameters: dict[str, Any]) -> str:
    """The name of a run. Prefect's own commands take brackets for markup."""
    call: Call = parameters["call"]
    return f"{_title(call.request)} {call.shown}".replace("[", "(").replace("]", ")")


def _key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    return stage_key(_request(parameters["call"], parameters["inputs"]))


def _request(call: Call, inputs: dict[str, Artifact]) -> Request:
    return cast(Request, call.request(**call.fields, **inputs))


def _compute(call: Call, inputs: dict[str, Artifact]) -> Artifact:
    """Compute one stage, or find that another process has just done so."""
    for artifact in inputs.values():
        if artifact.run_id != call.run_id:
            require_proven(artifact, artifact.files)
    request = _request(call, inputs)
    work = progress.Work(call.shown, _title(call.request), _frames(inputs))

    def compute(folder: Path) -> dict[str, Any]:
        meter = progress.Meter(work)
        try:
            with shown_progress(meter), meter as tick:
                return processes.apart(request, folder, tick) if call.apart else processes.here(request, folder, tick)
        finally:
            if call.stamp is not None:  # else what another video shows, or does not, would bear this one's key for ever
                require_unchanged(call.fields["source"], call.stamp)

    key = stage_key(request)
    about = {"video": call.video, "sha256": _identity(request, inputs), "shaped_by": shaped_by(request)}
    if call.group is not None:
        call.group.meet(work.stage)
    with call.turns.work(call.group):
        waiting = progress.check_stop
        made = store.make(call.cache, request.stage, key, call.run_id, compute, waiting=waiting, about=about)
    give_back()
    return made


def _identity(request: Request, inputs: dict[str, Artifact]) -> str:
    """Digest of the video's bytes; empty where one is drawn."""
    clip = inputs.get("clip")
    return getattr(request, "digest", "") if clip is None else read_clip(clip).digest


def _frames(inputs: dict[str, Artifact]) -> int:
    clip = inputs.get("clip")
    return 0 if clip is None else read_clip(clip).frames
