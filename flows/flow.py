"""The Prefect flow of a run: all its videos with all its settings. Shared work is done once.

A video that fails does not stop the others.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final, ParamSpec, TypeVar, cast

from prefect import Flow
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from prefect.utilities.annotations import quote

from conf.config import Config
from flows.cli.interrupt import interruptible
from flows.cli.terminal import print_result
from flows.config import settings
from flows.graph.nodes import AnyHandle
from flows.graph.submission import Submission
from flows.one_video import Until, VideoSteps, WholeRun
from flows.prefect_server.artifacts import RunArtifacts
from flows.prefect_server.cancellation import server_watch
from flows.results.index import write_index
from flows.results.result import Result
from flows.runner import compute_of, stages_at_once
from flows.sweep import SweepSetting
from flows.videos import find_all_videos
from tasks.cache.locks import in_use
from tasks.cache.second_level import SecondLevel
from tasks.errors import StillwalkError, counted
from tasks.execution import progress

P = ParamSpec("P")
R = TypeVar("R")

FLOW_NAMES: Final = {"stabilize": "stillwalk", "sweep": "stillwalk sweep"}  # by their function
# Tasks beyond those that compute: what is found in the cache, and what waits for its turn or for another command.
WAITING_TASKS: Final = 2
MOST_SHOWN_CACHED: Final = 24  # videos of a run in which also what is found in the cache has task runs
NO_RESULTS = Path(os.devnull)  # no result record can lie there; without a place, each run asks the server for one


class VideosFailed(StillwalkError):
    """Some videos of a run could not be finished; carries the results of all of them."""

    def __init__(self, results: list[Result], run_error: str = "") -> None:
        self.results = results
        self.run_error = run_error  # what went wrong apart from the videos; empty: nothing
        failed = sum(bool(result.error) for result in results)
        super().__init__(run_error or f"{failed} of {counted(len(results), 'video')} failed")


def stabilize(overrides: list[str], output_dir: str, cache: str, run_id: str) -> quote:
    """Stabilize every video that ``overrides`` name; ``VideosFailed`` when some could not be finished.

    The results are quoted: otherwise Prefect looks for futures in them, which takes seconds for thousands of videos.
    """
    return quote(_watched([SweepSetting("", overrides)], Path(output_dir), Path(cache), run_id))


def sweep(asked: list[SweepSetting], output_dir: str, cache: str, run_id: str) -> quote:
    """Stabilize every video with every setting, in one graph; results go to ``output_dir/<setting>/<video>/``."""
    return quote(_watched(asked, Path(output_dir), Path(cache), run_id))


class _PlainFlow(Flow[P, R]):
    """A flow that makes its parameters plain data itself. Prefect would load FastAPI for it: 0.1 s of CPU in a run."""

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {name: _plain(value) for name, value in parameters.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return asdict(value) if isinstance(value, SweepSetting) else value


def configured(run: Callable[P, quote], config: Config) -> Flow[P, quote]:
    """The flow of ``stabilize`` or ``sweep``, with enough threads.

    Prefect stores no results of its own: see ``tasks.execution.task_run``.
    """
    threads = stages_at_once(config) + WAITING_TASKS
    runner = cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=threads))
    name = FLOW_NAMES[run.__name__]
    return _PlainFlow(run, name=name, task_runner=runner, persist_result=False, result_storage=NO_RESULTS)


def _watched(asked: list[SweepSetting], output_dir: Path, cache: Path, run_id: str) -> list[Result]:
    """Run all videos. If the user interrupts the run, here or in the UI, it ends early and finished stages are kept."""
    with interruptible(), in_use(cache, progress.check_stop), server_watch() as watch:
        results, run_error = _run(asked, output_dir, cache, run_id)
        watch.conclude(results, run_error)
    if run_error or any(result.error for result in results):
        raise VideosFailed(results, run_error)
    return results


def _run(asked: list[SweepSetting], output_dir: Path, cache: Path, run_id: str) -> tuple[list[Result], str]:
    started = datetime.now().astimezone()
    configs = [settings.load(one.overrides) for one in asked]
    workers, compute = stages_at_once(configs[0]), compute_of(configs[0])
    level = SecondLevel(configs[0].storage, progress.tell) if configs[0].storage else None
    videos = find_all_videos(configs)
    shows_cached = len(videos) <= MOST_SHOWN_CACHED
    graph = Submission(
        cache, run_id, len(asked), workers=workers, compute=compute, level=level, shows_cached=shows_cached
    )
    artifacts = RunArtifacts(cache)
    names = [video.name for video in videos]
    artifacts.name_run(names, [one.overrides for one in asked], output_dir.name if asked[0].name else "")
    results = _all_results(WholeRun(asked, configs, videos, graph, run_id, output_dir))
    if not shows_cached:
        found = f"{counted(graph.found, 'stage')} found in the cache"
        get_run_logger().info(f"{found}; in a run of more than {MOST_SHOWN_CACHED} videos these have no task runs")
    artifacts.publish_results(results)
    return results, "" if progress.stop.is_set() else write_index(asked, results, output_dir, started, configs[0].shard)


def _all_results(run: WholeRun) -> list[Result]:
    """The results of all videos, in the order of the videos. Each is printed as soon as those before it are."""
    made: dict[int, list[Result]] = {}
    results: list[Result] = []
    told: dict[str, str] = {}
    printed = 0
    for place, own in in_turn(run.steps(), run.graph, run.videos_at_once):
        made[place] = own
        while printed in made:
            results += made[printed]
            for result in made.pop(printed):
                if not result.setting:  # those of a sweep are printed as one table
                    print_result(result, told)
            printed += 1
    return results


def in_turn(steps: Sequence[VideoSteps], graph: Submission, at_once: int) -> Iterator[tuple[int, list[Result]]]:
    """Work on the videos, ``at_once`` at a time. Yields each video's place and results as soon as they are known.

    The next video begins as soon as one is finished, before the others go on, so that the workers find work.
    """
    turns = _Turns(graph, len(steps), at_once)
    while turns.left or turns.going:
        turns.look(wait=False)
        places = turns.next_places()
        if not places:
            turns.look(wait=True)
        for place in places:
            try:
                turns.pause(place, next(steps[place]))
            except StopIteration as end:
                turns.going.discard(place)
                yield place, end.value
        graph.submit()


class _Turns:
    """Decides which videos of a run can go on. A stage that is over is handled once for all videos that wait for it."""

    def __init__(self, graph: Submission, videos: int, at_once: int) -> None:
        self._graph, self._at_once = graph, at_once
        self.left = deque(range(videos))
        self.going: set[int] = set()
        self._all_ask: set[int] = set()
        self._ready: deque[int] = deque()
        self._ahead: dict[int, int] = {}  # how many stages a video waits for
        self._waiting: dict[AnyHandle, list[int]] = {}  # the videos that wait for a stage

    def look(self, *, wait: bool) -> None:
        """Note which stages are over; ``wait`` until one is."""
        self._graph.wait(for_one=wait)
        for handle in self._graph.newly_over():
            for place in self._waiting.pop(handle, ()):
                self._ahead[place] -= 1
                if not self._ahead[place]:
                    self._ready.append(place)

    def next_places(self) -> list[int]:
        """The places of the videos that go on now; none where all wait for stages."""
        if self.left and len(self.going) < self._at_once:
            self.going.add(self.left[0])
            return [self.left.popleft()]
        if not self.left and self._all_ask == self.going:
            self._all_ask.clear()
            return sorted(self.going)
        return [self._ready.popleft()] if self._ready else []

    def pause(self, place: int, until: Until) -> None:
        """Let a video wait ``until`` what it asks for is over."""
        ahead = [handle for handle in dict.fromkeys(until.over) if not self._graph.is_over(handle)]
        self._ahead[place] = len(ahead)
        for handle in ahead:
            self._waiting.setdefault(handle, []).append(place)
        if until.all_ask:
            self._all_ask.add(place)
        elif not ahead:
            self._ready.append(place)
