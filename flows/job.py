"""One video of a run with one setting, and how it asks for a stage."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from conf.config import Config
from conf.enums import FrameMode
from flows.graph import Future, Graph, Node, title
from flows.videos import Video
from tasks.execution.scheduler import Group
from tasks.records import Artifact
from tasks.requests import DecodeRequest

# What a request calls the artifact of a stage, where that is not the stage's own name.
NAMES = {
    "decode": "clip",
    "pose": "found",
    "subject": "pose",
    "stabilized.mp4": "rendered",
    "stabilized.mov": "rendered",
    "verify": "verified",
}


@dataclass(frozen=True)
class Wish:
    """A stage that a video asks for.

    ``takes`` are titles of earlier stages; ``fields`` all of the request that are not their artifacts. It is computed
    ``beside`` others of a group. ``shares`` names the fields that were made of what all videos of the run have
    ``finished``, and the stages of that.
    """

    request: type[Any]
    takes: tuple[str, ...]
    fields: dict[str, Any]
    beside: Group | None
    shares: Mapping[str, tuple[str, ...]]

    @property
    def title(self) -> str:
        return title(self.request)

    def called(self, made: Mapping[str, Any]) -> dict[str, Any]:
        """What it takes out of what was ``made`` by title, under the names that its request has for it."""
        return {NAMES.get(name, name): made[name] for name in self.takes}


@dataclass(frozen=True)
class Job:
    """One video of a run with one setting, and the stages asked for so far, by title."""

    video: Video
    source: Path
    digest: str
    config: Config
    models: dict[str, dict[str, str]]  # digests by stage and model
    graph: Graph
    run_id: str
    setting: str = ""  # its name in a sweep
    metrics_only: bool = False  # nothing is rendered, and no more is delivered than the path and how good it is
    misfit: str = ""  # why no stage of it is to be started: a setting that this video cannot honour
    nodes: dict[str, Node] = field(default_factory=dict)
    group: list["Job"] = field(default_factory=list, compare=False, repr=False)  # of this setting, itself among them

    @property
    def futures(self) -> dict[str, Future]:
        return {name: node.future for name, node in self.nodes.items()}

    def start(
        self,
        request: type[Any],
        takes: tuple[str, ...],
        *,
        beside: Group | None = None,
        shares: Mapping[str, tuple[str, ...]] | None = None,
        **fields: Any,
    ) -> None:
        """Ask for a stage: see ``Wish``."""
        if "source" in fields and request is not DecodeRequest:
            memory = self.config.decode.frames is FrameMode.memory
            fields["held_mb"] = self.config.decode.memory_mb if memory else None
        self.ask(Wish(request, takes, fields, beside, shares or {}))

    def ask(self, wish: Wish) -> None:
        """Have the graph submit it, with the nodes of the stages that it takes."""
        asker = (self.video.name, self.setting)
        node = self.graph.ask(asker, wish.request, wish.fields, wish.called(self.nodes), wish.beside)
        self.nodes[wish.title] = node

    def finished(self, *names: str) -> list[Artifact]:
        """Wait for these stages of all videos; what the first gives, of those videos of which none of them fails."""
        nodes = [[other.nodes[name] for name in names] for other in self.group if set(names) <= set(other.nodes)]
        futures = [[node.future for node in own] for own in nodes]
        for future in chain.from_iterable(futures):
            future.wait()
        return [own[0].result() for own in futures if all(future.state.is_completed() for future in own)]
