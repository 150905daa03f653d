"""The graph of a real run: every node that differs is submitted to Prefect once."""

from collections.abc import Callable, Sequence
from pathlib import Path

from flows.graph.nodes import AnyHandle, Given, Graph, Made, SharedSize, Unit
from flows.graph.shared_window import Size
from tasks.cache.integrity import FileFingerprint, forgetting_unusable
from tasks.cache.second_level import SecondLevel
from tasks.execution.computation import Compute, here
from tasks.execution.task import Call, Future, Slots, submit, submit_together
from tasks.records import AnyArtifact
from tasks.requests import AnyRequest


class Submission(Graph):
    """Submits what is asked for.

    ``settings`` is how many settings the run has, ``workers`` how much is computed at once, ``compute`` where, and
    ``level`` what is behind the cache.
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
    ) -> None:
        super().__init__(workers)
        self._slots = Slots(workers)
        self._cache, self._run_id, self._settings, self._compute = cache, run_id, settings, compute
        self._level = level
        self._stamps: dict[Path, FileFingerprint] = {}
        self._futures: dict[AnyHandle, Future] = {}

    def watch(self, source: Path, stamp: FileFingerprint) -> None:
        """Have every stage that reads ``source`` fail where it is no longer the file that had ``stamp``."""
        self._stamps[source] = stamp

    def submit(self) -> None:
        """Submit what was asked for since the last call; to be called inside a flow.

        It waits for the stages of all videos that decide a shared size before it submits what needs that.
        """
        for unit in self.take_new():
            self._submit(unit)

    def future(self, handle: AnyHandle) -> Future:
        """What a submitted stage will give."""
        if handle not in self._futures:
            raise RuntimeError(f"{handle.title} was asked for, and the graph has not submitted it")
        return self._futures[handle]

    def _submit(self, unit: Unit) -> None:
        first, inputs = unit.handles[0], [self.future(handle) for handle in unit.takes]
        call = Call(
            title="render" if unit.together else first.title,
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
        if unit.together:
            titles = [handle.title for handle in unit.handles]
            self._futures |= zip(unit.handles, submit_together(call, titles, inputs), strict=True)
        else:
            self._futures[first] = submit(call, inputs)

    def _requests(self, unit: Unit) -> Callable[[Sequence[AnyArtifact]], Sequence[AnyRequest]]:
        """What makes the unit's requests out of the artifacts that it takes."""
        sizes = {shared: self._size(shared) for handle in unit.handles for shared in handle.shares}

        def requests(artifacts: Sequence[AnyArtifact]) -> Sequence[AnyRequest]:
            made: Made = Given(dict(zip(unit.takes, artifacts, strict=True)), sizes)
            return [handle.request(made) for handle in unit.handles]

        return requests

    def _size(self, shared: SharedSize) -> Size | None:
        """Wait for the stages of all videos that decide the size."""
        futures = {need: self.future(need) for member in shared.members for need in member.needs}
        for future in futures.values():
            future.wait()
        done = {need: future.result() for need, future in futures.items() if future.state.is_completed()}
        with forgetting_unusable(done.values(), self._run_id):
            return shared.resolve(Given(done), done.__contains__)

    def _shown(self, unit: Unit) -> str:
        """The name that its task run bears: the video, and a setting where not all settings ask for it."""
        asker, askers = unit.handles[0].askers[0], max(len(handle.askers) for handle in unit.handles)
        return asker.video if askers >= self._settings else f"{asker.video} {asker.setting}"
