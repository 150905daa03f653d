"""The stages of a run as a graph: equal requests of several videos or settings are one node, which runs once.

The page (``flows.pipeline``) asks for stages; a ``Handle`` stands for the artifact that one of them will give.
Subclasses of ``Graph`` decide what becomes of the nodes: they are submitted to Prefect, or looked up in the cache.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Generic, NamedTuple, Protocol, TypeAlias, cast

from flows.graph.shared_window import Size, shared_size
from tasks.cache.keys import canonical, stage_key
from tasks.cache.store import find
from tasks.execution.computation import shared_title
from tasks.records import AnyArtifact, Artifact, Content, Kind, StoredFile
from tasks.requests import AnyRequest, Request


class Asker(NamedTuple):
    """Who asked for a stage: a video of the run, with the name of its setting in a sweep."""

    video: str
    setting: str
    of: str = ""  # the name of the video, where the asker is one person of it

    @property
    def video_name(self) -> str:
        """The name of the video, without the person."""
        return self.of or self.video


class Made(Protocol):
    """What a request is built from: it gives the artifacts of earlier stages, by their handles."""

    def __call__(self, handle: "Handle[Kind]") -> Artifact[Kind]:
        """The artifact that the handle stands for."""
        ...

    def size(self, shared: "SharedSize") -> Size | None:
        """The size that all videos of the setting share; None where no video decides it."""
        ...


@dataclass(eq=False)
class Handle(Generic[Kind]):
    """A stage that somebody asked for; it stands for the artifact that the stage will give."""

    title: str  # unique within a video
    identity: str  # equal exactly for requests that get equal keys, whatever earlier stages give
    request: Callable[[Made], Request[Kind]]
    takes: "tuple[AnyHandle, ...]"
    shares: "tuple[SharedSize, ...]"
    source: Path | None  # the user's file that it reads
    behind: "tuple[AnyHandle, ...]" = ()  # it begins when these are over, whatever became of them
    askers: list[Asker] = field(default_factory=list)


AnyHandle: TypeAlias = Handle[Content]


class Member(NamedTuple):
    """A video's part in a shared size."""

    size: Callable[[Made], Size]  # the largest that fits the video
    needs: tuple[AnyHandle, ...]  # where one of them fails, the video decides nothing


@dataclass(eq=False)
class SharedSize:
    """The size of window that fits all videos of a setting; it is known when stages of all of them are done."""

    members: list[Member] = field(default_factory=list)
    _known: set[tuple[AnyHandle, ...]] = field(default_factory=set)

    def take_in(self, member: Member) -> None:
        """Let another video help to decide. Each counts once, even if several of its people ask."""
        if member.needs not in self._known:
            self._known.add(member.needs)
            self.members.append(member)

    @property
    def waits_for(self) -> set[AnyHandle]:
        """The stages that decide it."""
        return {need for member in self.members for need in member.needs}

    def resolve(self, made: Made, finished: Callable[[AnyHandle], bool]) -> Size | None:
        """The size that fits the videos whose stages have ``finished``; None where there are none."""
        return shared_size([member.size(made) for member in self.members if all(map(finished, member.needs))])


@dataclass(frozen=True)
class Given:
    """``Made`` of what is known by now: artifacts by handle, and shared sizes."""

    artifacts: Mapping[AnyHandle, AnyArtifact]
    sizes: Mapping[SharedSize, Size | None] = field(default_factory=dict)

    def __call__(self, handle: Handle[Kind]) -> Artifact[Kind]:
        return cast(Artifact[Kind], self.artifacts[handle])  # a handle's artifact is of its kind

    def size(self, shared: SharedSize) -> Size | None:
        return self.sizes[shared]


@dataclass(frozen=True)
class Unit:
    """Handles that one task computes; several in one pass, each with an outcome of its own."""

    handles: tuple[AnyHandle, ...]
    title: str  # of the task, see ``shared_title``

    @property
    def takes(self) -> list[AnyHandle]:
        """The stages that it takes from, each once."""
        return list(dict.fromkeys(taken for handle in self.handles for taken in handle.takes))

    @property
    def comes_after(self) -> list[AnyHandle]:
        """The stages that it takes from, and those that it stands behind."""
        return list(dict.fromkeys([*self.takes, *(other for handle in self.handles for other in handle.behind)]))

    @property
    def shares(self) -> set[SharedSize]:
        """The shared sizes that it needs."""
        return {shared for handle in self.handles for shared in handle.shares}

    @property
    def waits_for(self) -> set[AnyHandle]:
        """The stages that it comes after, and those that decide its shared sizes."""
        return {*self.comes_after, *(need for shared in self.shares for need in shared.waits_for)}


# Videos that are led to their results at the same time, at least: while one waits or is published, stages of others are
# computed. It matters with one worker only: two or more lead as many. A choice: with 2 or 8 the run computes the same,
# and the first videos of a batch are finished sooner or later.
LEAST_VIDEOS_AT_ONCE: Final = 4


class Graph:
    """Makes one node of equal requests. ``workers`` is how many stages are computed at once."""

    def __init__(self, cache: Path, workers: int = 1) -> None:
        self._cache = cache
        self.videos_at_once = max(LEAST_VIDEOS_AT_ONCE, 2 * workers)
        self._videos: dict[str, int] = {}  # numbered in the order in which they asked
        self._handles: dict[str, AnyHandle] = {}
        self._asked_by: dict[str, dict[AnyHandle, None]] = {}  # by the names of videos; in order
        self._units: dict[AnyHandle, Unit] = {}
        self._shared: dict[tuple[str, str], SharedSize] = {}
        self._new: list[Unit] = []

    def holds(self, request: AnyRequest) -> bool:
        """Whether the cache has the result of a request."""
        return find(self._cache, request.stage, stage_key(request)) is not None

    def ask(
        self, asker: Asker, request: Callable[[Made], Request[Kind]], after: Sequence[AnyHandle] = ()
    ) -> Handle[Kind]:
        """The node of a request, the same for all equal ones. It also waits for the nodes in ``after``."""
        (handle,) = self.ask_together(asker, [request], after)
        return handle

    def put_behind(self, handle: AnyHandle, others: Sequence[AnyHandle]) -> None:
        """Start a node only when the ``others`` are over, failed or not. Only its first asker decides this."""
        if len(handle.askers) == 1:
            handle.behind = tuple(others)

    def ask_together(
        self, asker: Asker, requests: Sequence[Callable[[Made], Request[Kind]]], after: Sequence[AnyHandle] = ()
    ) -> list[Handle[Kind]]:
        """The nodes of several requests. One task computes those that nobody has asked for before."""
        asked = [_Unbuilt(request, after) for request in requests]
        unknown = [one for one in asked if one.identity not in self._handles]
        if unknown:
            new = {one.identity: one.handle() for one in unknown}
            unit = Unit(tuple(new.values()), shared_title([one.built for one in unknown]))
            self._new.append(unit)
            self._units |= dict.fromkeys(unit.handles, unit)
            self._handles |= new
        handles = [self._handles[one.identity] for one in asked]
        self._videos.setdefault(asker.video, len(self._videos))
        for handle in handles:
            handle.askers.append(asker)
            self._asked_by.setdefault(asker.video_name, {})[handle] = None
        return cast(list[Handle[Kind]], handles)  # equal identities are equal requests

    def forget(self, video_name: str) -> list[AnyHandle]:
        """Forget the nodes that only this video has asked for, and give them. A later request makes another node."""
        forgotten = []
        for handle in self._asked_by.pop(video_name, ()):
            if not any(asker.video_name in self._asked_by for asker in handle.askers):
                del self._handles[handle.identity], self._units[handle]
                forgotten.append(handle)
        return forgotten

    def shared_size(self, setting: str, name: str, member: Member) -> SharedSize:
        """The shared size ``name`` of a setting's videos, of which ``member`` is one."""
        shared = self._shared.setdefault((setting, name), SharedSize())
        shared.take_in(member)
        return shared

    def take_new(self) -> Iterator[Unit]:
        """The units that were asked for since the last call, each after those it waits for. All videos must have asked.

        A few videos come first, so that some of many are finished early. Their units come level by level; within a
        level those that read the video come first, because they take longest. A unit that needs a shared size comes
        after all that decide it.
        """
        new, self._new = self._new, []
        places: dict[Unit | SharedSize, _Place] = {}

        def order(unit: Unit) -> tuple[int, int, int, bool]:
            place, first = self._place(unit, places), unit.handles[0]
            group = self._videos[first.askers[0].video] // self.videos_at_once
            return place.sizes, group, place.level, first.source is None

        return iter(sorted(new, key=order))

    def _place(self, unit: Unit, places: "dict[Unit | SharedSize, _Place]") -> "_Place":
        """The place of a unit: behind every unit that it waits for. Stages of a forgotten video are over."""
        if unit not in places:
            sizes = [self._size_place(shared, places) for shared in unit.shares]
            places[unit] = _after([*sizes, *self._places(unit.comes_after, places)])
        return places[unit]

    def _size_place(self, shared: SharedSize, places: "dict[Unit | SharedSize, _Place]") -> "_Place":
        """The place of a shared size: behind all that decide it. It is found once for all who need the size."""
        if shared not in places:
            before = self._places(shared.waits_for, places)
            sizes = 1 + max((place.sizes for place in before), default=0)
            places[shared] = _Place(sizes, max((place.level for place in before), default=-1))
        return places[shared]

    def _places(self, handles: Iterable[AnyHandle], places: "dict[Unit | SharedSize, _Place]") -> "list[_Place]":
        return [self._place(self._units[handle], places) for handle in handles if handle in self._units]


class _Place(NamedTuple):
    """Where a unit stands in the order of submission."""

    sizes: int  # shared sizes that must be known first, one after the other
    level: int  # stages that must be done first, one after the other


def _after(before: Sequence[_Place]) -> _Place:
    level = 1 + max((place.level for place in before), default=-1)
    return _Place(max((place.sizes for place in before), default=0), level)


class _Placeholders:
    """Stands in for artifacts that are not there yet, and notes which a request takes."""

    def __init__(self, after: Sequence[AnyHandle]) -> None:
        self.takes: list[AnyHandle] = list(after)
        self.shares: list[SharedSize] = []

    def __call__(self, handle: Handle[Kind]) -> Artifact[Kind]:
        if handle not in self.takes:
            self.takes.append(handle)
        return Artifact(handle.title, "", "", {"": StoredFile(handle.identity, 0, 0)}, {}, "", 0.0)

    def size(self, shared: SharedSize) -> Size | None:
        if shared not in self.shares:
            self.shares.append(shared)
        return None


class _Unbuilt(Generic[Kind]):
    """A request before there are artifacts: built with placeholders, to learn its identity and what it takes."""

    def __init__(self, request: Callable[[Made], Request[Kind]], after: Sequence[AnyHandle]) -> None:
        self._request, self._stands_in = request, _Placeholders(after)
        self.built = request(self._stands_in)
        apart = [id(shared) for shared in self._stands_in.shares], [handle.identity for handle in after]
        shaped_by = [type(self.built).__name__, canonical(self.built), apart]
        self.identity = hashlib.sha256(json.dumps(shaped_by, sort_keys=True).encode()).hexdigest()

    def handle(self) -> AnyHandle:
        source: Path | None = getattr(self.built, "source", None)
        takes, shares = tuple(self._stands_in.takes), tuple(self._stands_in.shares)
        return Handle(self.built.title, self.identity, self._request, takes, shares, source)
