"""The graph of a real run: each node is submitted to Prefect once, as soon as its inputs are there."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import TypeAlias

from flows.graph.nodes import AnyHandle, Given, Graph, Made, SharedSize, Unit
from flows.graph.shared_window import Size
from tasks.cache.integrity import FileFingerprint, forgetting_unusable
from tasks.cache.making import Outcome
from tasks.cache.second_level import SecondLevel
from tasks.execution import progress
from tasks.execution.computation import Compute, here
from tasks.execution.task import Call, KeyedRequest, Slots, find_all, keyed_requests
from tasks.execution.task_run import (
    CallRun,
    Future,
    find_or_compute,
    find_or_compute_all,
    outcomes_of,
    show,
    submit,
)
from tasks.records import AnyArtifact, Artifact
from tasks.requests import AnyRequest

Then: TypeAlias = Callable[[Future, Sequence[Outcome]], None]


class Submission(Graph):
    """Submits the stages that are asked for.

    ``settings`` is the number of settings of the run, and ``workers`` how many stages are computed at once. ``compute``
    computes them, here or on a cluster; ``level`` is the store behind the cache. With ``shows_cached`` a stage found in
    the cache has a task run too; without it such stages are only counted, in ``found``.

    A task is submitted when all that it waits for is over. So no task holds a thread while it waits for another, and
    only the thread that calls ``wait`` uses the graph.
    """

    def __init__(
        self,
        cache: Path,
        run_id: str,
        settings: int = 1,
        *,
        workers: int = 1,
        compute: Compute = here,
        level: SecondLevel | None = None,
        shows_cached: bool = True,
    ) -> None:
        super().__init__(cache, workers)
        self.found = 0
        self._shows_cached = shows_cached
        self._slots = Slots(workers)
        self._run_id, self._settings, self._compute = run_id, settings, compute
        self._level = level
        self._stamps: dict[Path, FileFingerprint] = {}
        self._outcomes: dict[AnyHandle, Outcome | None] = {}
        self._futures: dict[AnyHandle, Future] = {}
        self._calls: dict[Unit, Call] = {}  # of those that wait
        self._followers: dict[AnyHandle | SharedSize, list[Unit | SharedSize]] = {}
        self._ahead: dict[Unit | SharedSize, int] = {}  # how many it waits for
        self._newly_over: list[AnyHandle] = []
        self._sizes: dict[SharedSize, Size | None] = {}
        self._over: SimpleQueue[Callable[[], None]] = SimpleQueue()

    def watch(self, source: Path, stamp: FileFingerprint) -> None:
        """Have every stage that reads ``source`` fail where it is no longer the file that had ``stamp``."""
        self._stamps[source] = stamp

    def submit(self) -> None:
        """Take in what was asked for since the last call. Each task is submitted as soon as ``wait`` finds it can run.

        Call it inside a flow, when all videos that decide a shared size have asked.
        """
        for unit in self.take_new():
            call = self._calls[unit] = self._call(unit)
            progress.listener.planned(call.work)
            for shared in unit.shares:
                if shared not in self._sizes and shared not in self._ahead:
                    self._follow(shared, [handle for handle in shared.waits_for if handle not in self._outcomes])
            stages = [handle for handle in unit.comes_after if handle not in self._outcomes]
            self._follow(unit, [*stages, *(shared for shared in unit.shares if shared not in self._sizes)])

    def wait(self, *, for_one: bool) -> None:
        """Submit what has waited for tasks that are over by now. With ``for_one``, first wait until one is over."""
        if for_one:
            self._over.get()()
        while not self._over.empty():
            self._over.get()()

    def newly_over(self) -> list[AnyHandle]:
        """The stages that are over since the last call."""
        over, self._newly_over = self._newly_over, []
        return over

    def is_over(self, handle: AnyHandle) -> bool:
        """Whether it is known what became of a stage."""
        return handle in self._outcomes

    def outcome(self, handle: AnyHandle) -> Outcome | None:
        """The artifact of a stage that is over, or its error; None where an earlier stage has failed."""
        if handle not in self._outcomes:
            raise RuntimeError(f"{handle.title} was asked for, and is not over")
        return self._outcomes[handle]

    def forget(self, video_name: str) -> list[AnyHandle]:
        """Forget the nodes that only this video has asked for, and give them. Their artifacts stay in the cache."""
        forgotten = super().forget(video_name)
        for handle in forgotten:
            self._outcomes.pop(handle, None)
            self._futures.pop(handle, None)
        return forgotten

    def _call(self, unit: Unit) -> Call:
        first = unit.handles[0]
        return Call(
            title=unit.title,
            shown=self._shown(unit),
            video=first.askers[0].video,
            video_name=first.askers[0].video_name,
            requests=self._requests(unit),
            cache=self._cache,
            run_id=self._run_id,
            slots=self._slots,
            compute=self._compute,
            level=self._level,
            source=first.source,
            stamp=self._stamps.get(first.source) if first.source else None,
        )

    def _follow(self, follower: Unit | SharedSize, ahead: Sequence[AnyHandle | SharedSize]) -> None:
        """Start a unit, or work out a size, when all that is ``ahead`` of it is known."""
        for one in ahead:
            self._followers.setdefault(one, []).append(follower)
        self._ahead[follower] = len(ahead)
        if not ahead:
            self._go_on(follower)

    def _go_on(self, follower: Unit | SharedSize) -> None:
        del self._ahead[follower]
        if isinstance(follower, Unit):
            self._start(follower)
        else:
            self._sizes[follower] = self._size(follower)
            self._release(follower)

    def _release(self, known: AnyHandle | SharedSize) -> None:
        for follower in self._followers.pop(known, ()):
            self._ahead[follower] -= 1
            if not self._ahead[follower]:
                self._go_on(follower)

    def _start(self, unit: Unit) -> None:
        """Submit a unit whose turn has come.

        What takes nothing from a stage that failed is computed all the same. It is not computed where all who asked for
        it also asked for a part of the unit that cannot be computed: their videos fail, so nobody needs it.
        """
        call = self._calls.pop(unit)
        lost = {taken for taken in unit.takes if not isinstance(self._outcomes[taken], Artifact)}
        failing = {asker for handle in unit.handles if not lost.isdisjoint(handle.takes) for asker in handle.askers}
        whole = [
            handle for handle in unit.handles if lost.isdisjoint(handle.takes) and not failing.issuperset(handle.askers)
        ]
        for part in (whole, [handle for handle in unit.handles if handle not in whole]):
            if part:
                self._start_part(Unit(tuple(part), unit.title), call)

    def _start_part(self, unit: Unit, whole_call: Call) -> None:
        call, taken = replace(whole_call, requests=self._requests(unit)), unit.takes
        outcomes = [self._outcomes[handle] for handle in taken]
        inputs = [outcome for outcome in outcomes if isinstance(outcome, Artifact)]
        after = [self._futures[handle] for handle in taken if handle in self._futures]
        failed = [
            self._futures[handle]
            for handle, outcome in zip(taken, outcomes, strict=True)
            if not isinstance(outcome, Artifact)
        ]
        keyed = None if failed or self._shows_cached else _keyed(call, inputs)
        if keyed and (found := find_all(call, keyed)):
            self.found += len(found)
            progress.listener.settled(call.work)
            for handle, artifact in zip(unit.handles, found, strict=True):
                self._settle(handle, None, [artifact])
        elif len(unit.handles) == 1:
            run = CallRun(call, unit.handles[0].title, find_or_compute, inputs, keyed=keyed)
            self._run(run, after, failed, partial(self._settle, unit.handles[0]))
        else:
            run = CallRun(call, call.title, find_or_compute_all, inputs, keyed=keyed)
            self._run(run, after, failed, partial(self._show_each, unit, call))

    def _run(self, run: CallRun, after: Sequence[Future], failed: Sequence[Future], then: Then) -> None:
        """Submit a run; ``wait`` calls ``then`` with it and its outcomes when it is over."""
        future = submit(run, after, failed)
        future.add_done_callback(lambda done: self._over.put(lambda: then(done, outcomes_of(run, done))))

    def _show_each(self, unit: Unit, call: Call, together: Future, outcomes: Sequence[Outcome]) -> None:
        """Submit task runs that show the ``outcomes``: one for each stage, or one for all where all failed alike.

        None is submitted where nothing was run.
        """
        for place, handle in enumerate(unit.handles):
            own = outcomes[place : place + 1] or outcomes[:1]
            run = CallRun(call, handle.title, show, outcomes=own)
            self._run(run, [together], [] if own else [together], partial(self._settle, handle))

    def _settle(self, handle: AnyHandle, future: Future | None, outcomes: Sequence[Outcome]) -> None:
        """Note what became of a stage, and submit what has waited for it last."""
        if future is not None:
            self._futures[handle] = future
        self._outcomes[handle] = next(iter(outcomes), None)
        self._newly_over.append(handle)
        self._release(handle)

    def _requests(self, unit: Unit) -> Callable[[Sequence[AnyArtifact]], Sequence[AnyRequest]]:
        """The function that makes the unit's requests from the artifacts that it takes."""

        def requests(artifacts: Sequence[AnyArtifact]) -> Sequence[AnyRequest]:
            made: Made = Given(dict(zip(unit.takes, artifacts, strict=True)), self._sizes)
            return [handle.request(made) for handle in unit.handles]

        return requests

    def _size(self, shared: SharedSize) -> Size | None:
        """The size that fits all videos whose stages have given an artifact."""
        done = {
            need: outcome
            for member in shared.members
            for need in member.needs
            if (outcome := self._outcomes.get(need)) is not None and not isinstance(outcome, Exception)
        }
        with forgetting_unusable(done.values(), self._run_id):
            return shared.resolve(Given(done), done.__contains__)

    def _shown(self, unit: Unit) -> str:
        """The name of its task run: the video, and the setting unless all settings ask for it."""
        asker, askers = unit.handles[0].askers[0], max(len(handle.askers) for handle in unit.handles)
        return asker.video if askers >= self._settings else f"{asker.video} {asker.setting}"


def _keyed(call: Call, inputs: Sequence[AnyArtifact]) -> Sequence[KeyedRequest] | None:
    """The call's requests with their keys; None where they cannot be made: then its task run says why."""
    try:
        return keyed_requests(call, inputs)
    except Exception:  # noqa: BLE001 - whatever it is, the task run meets it again
        return None
