"""How a request becomes a cached Prefect task: the only Prefect import below ``flows``.

Prefect looks its own record up by the stage's key and, through the serializer, finds it void when the folder in
the cache is missing or damaged; the store decides the rest (see ``tasks.store``).
"""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast

from prefect import Task
from prefect.cache_policies import CacheKeyFnPolicy
from prefect.context import TaskRunContext
from prefect.futures import PrefectFuture
from prefect.serializers import Serializer
from prefect.utilities.annotations import quote

from tasks import progress, store
from tasks.keys import stage_key
from tasks.memory import give_back
from tasks.records import Artifact, read_clip
from tasks.requests import Request
from tasks.workers import Group, Workers


@dataclass(frozen=True)
class Call:
    """A stage of one video, but for the artifacts it takes: those come as futures beside it."""

    video: str  # the name shown
    request: type[Any]
    fields: dict[str, Any]  # of the request, all that are not artifacts
    cache: Path
    run_id: str
    workers: Workers
    group: Group | None = None  # those that it is computed with, side by side


class ArtifactSerializer(Serializer):
    """Writes where an artifact lies and reads it back through the store; unreadable means not cached."""

    type: Literal["stillwalk-artifact"] = "stillwalk-artifact"

    def dumps(self, obj: Artifact) -> bytes:
        folder = Path(obj.folder)
        return json.dumps({"cache": str(folder.parents[1]), "stage": obj.stage, "key": obj.key}).encode()

    def loads(self, blob: bytes) -> Artifact:
        entry = json.loads(blob)
        artifact = store.find(Path(entry["cache"]), entry["stage"], entry["key"])
        if artifact is None:
            raise FileNotFoundError(f"{entry['key']} is not whole in {entry['cache']}")
        return artifact


def submit(call: Call, inputs: dict[str, PrefectFuture[Artifact] | Artifact]) -> PrefectFuture[Artifact]:
    """Start a stage as soon as ``inputs`` are there; to be called inside a flow."""
    task = _task(call.request)
    # A function, because Prefect takes braces in a text for fields; its own commands take brackets for markup.
    shown = f"{_title(call.request)} {call.video}".replace("[", "(").replace("]", ")")
    named = task.with_options(task_run_name=lambda: shown)
    if call.group is None:
        return named.submit(quote(call), inputs)
    group, member = call.group, _title(call.request)
    group.expect(member)
    future = named.submit(quote(call), inputs)
    future.add_done_callback(lambda _: group.leave(member))  # also where it came from the cache, or was never begun
    return future


def _title(request: type[Request]) -> str:
    return request.output or request.stage


def _task(request: type[Request]) -> Task[..., Artifact]:
    return Task(
        _compute,
        name=_title(request),
        cache_policy=CacheKeyFnPolicy(cache_key_fn=_key),
        result_serializer=ArtifactSerializer(),
        persist_result=True,
    )


def _key(_: TaskRunContext, parameters: dict[str, Any]) -> str:
    return stage_key(_request(parameters["call"], parameters["inputs"]))


def _request(call: Call, inputs: dict[str, Artifact]) -> Request:
    return cast(Request, call.request(**call.fields, **inputs))


def _compute(call: Call, inputs: dict[str, Artifact]) -> Artifact:
    """Compute one stage, or find that another process has just done so."""
    request = _request(call, inputs)
    work = progress.Work(call.video, _title(call.request), _frames(inputs))

    def compute(folder: Path) -> dict[str, Any]:
        module, _, name = request.compute.partition(":")
        function: Callable[..., dict[str, Any]] = getattr(importlib.import_module(module), name)
        with progress.Meter(work) as tick:
            return function(request, folder, tick)

    key = stage_key(request)
    if call.group is not None:
        call.group.meet(work.stage)
    with call.workers.work(call.group):
        made = store.make(call.cache, request.stage, key, call.run_id, compute, waiting=progress.check_stop)
    give_back()
    return made


def _frames(inputs: dict[str, Artifact]) -> int:
    clip = inputs.get("clip")
    return 0 if clip is None else read_clip(clip).frames
