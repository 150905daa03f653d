"""The stages of a run as a graph: what several videos or settings ask for alike is one task, and runs once."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tasks.cache.file_stamp import Stamp
from tasks.cache.keys import canonical, keyed
from tasks.execution.scheduler import Group, Turns
from tasks.records import Artifact
from tasks.requests import Request

if TYPE_CHECKING:  # Prefect, which a dry run does without
    from prefect.futures import PrefectFuture

Future: TypeAlias = "PrefectFuture[Artifact]"


@dataclass(eq=False)
class Node:
    """A stage that somebody asked for; ``future`` is there once the graph has submitted it."""

    request: type[Any]
    fields: dict[str, Any]  # of the request, all that are not artifacts
    takes: dict[str, "Node"]  # the artifacts, by their names in the request
    asked: list[tuple[str, str]] = field(default_factory=list)  # video and setting, of all who asked
    group: Group | None = None  # those that it is computed with, side by side
    _future: "Future | None" = None

    @property
    def future(self) -> Future:
        if self._future is None:
            raise RuntimeError(f"{title(self.request)} was asked for, and the graph has not submitted it")
        return self._future

    def submit(self, shown: str, cache: Path, run_id: str, turns: Turns, *, apart: bool, stamp: Stamp | None) -> None:
        from tasks.execution.task import Call, submit  # loads Prefect

        video, _ = self.asked[0]
        call = Call(shown, video, self.request, self.fields, cache, run_id, turns, self.group, apart, stamp)
        self._future = submit(call, {name: node.future for name, node in self.takes.items()})


class Graph:
    """Takes requests and submits each that differs once.

    ``settings`` is how many settings the run has, ``workers`` how much is computed at once; ``apart``: each stage in a
    process of its own.
    """

    def __init__(self, cache: Path, run_id: str, settings: int = 1, *, workers: int = 1, apart: bool = False) -> None:
        self._turns = Turns(workers)
        self.cache, self._run_id, self._settings, self._apart = cache, run_id, settings, apart
        self._stamps: dict[Path, Stamp] = {}
        self._nodes: dict[str, Node] = {}
        self._waiting: list[Node] = []

    def ask(
        self,
        asker: tuple[str, str],
        request: type[Any],
        fields: dict[str, Any],
        takes: dict[str, Node],
        group: Group | None = None,
    ) -> Node:
        """The node of this request, shared with all who ask for the same; ``asker`` is a video and a setting."""
        identity = _identity(request, fields, takes)
        if identity not in self._nodes:
            self._nodes[identity] = Node(request, fields, takes, group=group)
            if group is not None:
                group.expect(title(request))
            self._waiting.append(self._nodes[identity])
        self._nodes[identity].asked.append(asker)
        return self._nodes[identity]

    def watch(self, source: Path, stamp: Stamp) -> None:
        """Have every stage that reads ``source`` fail where it is no longer the file that had ``stamp``."""
        self._stamps[source] = stamp

    def submit(self) -> None:
        """Submit what was asked for since the last call, in that order; to be called inside a flow."""
        for node in self._waiting:
            stamp = self._stamps.get(node.fields.get("source", Path()))
            node.submit(self._shown(node), self.cache, self._run_id, self._turns, apart=self._apart, stamp=stamp)
        self._waiting.clear()

    def _shown(self, node: Node) -> str:
        video, setting = node.asked[0]
        return video if len(node.asked) >= self._settings else f"{video} {setting}"


def title(request: type[Request]) -> str:
    """The name of a stage in a run: the deliverable, for a render."""
    return request.output or request.stage


def _identity(request: type[Request], fields: dict[str, Any], takes: dict[str, Node]) -> str:
    """Equal exactly for requests that will have equal keys whatever the stages before them give."""
    shaped_by = {name: canonical(value) for name, value in fields.items() if name in keyed(request)}
    return json.dumps([request.__name__, shaped_by, {name: id(node) for name, node in takes.items()}], sort_keys=True)
