"""The Prefect flow: one run over all its videos and settings, stage by stage, shared work once.

A bad video stops no other.
"""

import os
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar, cast

from prefect import Flow
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from conf.config import Config
from conf.enums import FrameMode, SweepRender
from flows.cli.interrupt import interruptible, quiet_broken_pipe
from flows.cli.terminal import print_result
from flows.config import settings
from flows.graph.nodes import AnyHandle
from flows.graph.stage_requests import RequestedStages
from flows.graph.submission import Submission
from flows.jobs import Job, of_own_file, prepare
from flows.pipeline import everybody, pipeline
from flows.prefect_server.artifacts import RunArtifacts
from flows.prefect_server.cancellation import server_watch
from flows.results.index import rank_within_videos, write_index
from flows.results.publish import publish, publish_failure
from flows.results.result import Result, results_noun
from flows.results.run_record import flat_metrics
from flows.runner import compute_of, stages_at_once
from flows.sweep import SweepSetting
from flows.videos import find_all_videos
from tasks.cache.integrity import forgetting_unusable
from tasks.cache.locks import in_use
from tasks.cache.second_level import SecondLevel
from tasks.errors import Interrupted, NotFoundInClip, OutputError, StillwalkError, counted
from tasks.execution import progress
from tasks.execution.task import Future
from tasks.records import AnyArtifact

P = ParamSpec("P")
R = TypeVar("R")


class Awaited(NamedTuple):
    """A stage of a job, and the user's file that it reads: that of who asked for it first."""

    future: Future
    source: Path | None


Futures = dict[str, Awaited]  # of a job, by title
FLOW_NAMES: Final = {"stabilize": "stillwalk", "sweep": "stillwalk sweep"}  # by their function
# Tasks that only wait, for others or for their turn, hold a thread too: those of one video must not use them up.
WAITING_TASKS = 12
NO_RESULTS = Path(os.devnull)  # no result record can lie there; without a place, each run asks the server for one


class VideosFailed(StillwalkError):
    """Some videos of a run could not be finished; carries what became of all of them."""

    def __init__(self, results: list[Result], also: str = "") -> None:
        self.results = results
        self.also = also  # what went wrong beside the videos
        failed = sum(bool(result.error) for result in results)
        super().__init__(also or f"{failed} of {counted(len(results), 'video')} failed")


def stabilize(overrides: list[str], output_dir: str, cache: str, run_id: str) -> list[Result]:
    """Stabilize every video that ``overrides`` name; ``VideosFailed`` when some could not be finished."""
    return _watched([SweepSetting("", overrides)], Path(output_dir), Path(cache), run_id)


def sweep(asked: list[SweepSetting], output_dir: str, cache: str, run_id: str) -> list[Result]:
    """Hold every video with every setting in one graph; results in ``output_dir/<setting>/<video>/``."""
    return _watched(asked, Path(output_dir), Path(cache), run_id)


class _PlainFlow(Flow[P, R]):
    """A flow whose parameters are plain data. Prefect would load FastAPI to make them so: 0.1 s of CPU in every run."""

    def serialize_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        return {name: _plain(value) for name, value in parameters.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return asdict(value) if isinstance(value, SweepSetting) else value


def configured(run: Callable[P, list[Result]], config: Config) -> Flow[P, list[Result]]:
    """The flow of ``stabilize`` or ``sweep``.

    It has enough threads, and no place for results of Prefect's own: see ``tasks.execution.task``.
    """
    threads = stages_at_once(config) + WAITING_TASKS
    runner = cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=threads))
    name = FLOW_NAMES[run.__name__]
    return _PlainFlow(run, name=name, task_runner=runner, persist_result=False, result_storage=NO_RESULTS)


def _watched(asked: list[SweepSetting], output_dir: Path, cache: Path, run_id: str) -> list[Result]:
    """Run all; it ends early, with the finished stages kept, when the user says so, here or in the UI."""
    with interruptible(), in_use(cache, progress.check_stop), server_watch() as watch:
        results, also = _run(asked, output_dir, cache, run_id)
        watch.conclude(results, also)
    if also or any(result.error for result in results):
        raise VideosFailed(results, also)
    return results


def _run(asked: list[SweepSetting], output_dir: Path, cache: Path, run_id: str) -> tuple[list[Result], str]:
    started = datetime.now().astimezone()
    configs = [settings.load(one.overrides) for one in asked]
    workers, compute = stages_at_once(configs[0]), compute_of(configs[0])
    level = SecondLevel(configs[0].storage, progress.tell) if configs[0].storage else None
    graph = Submission(cache, run_id, len(asked), workers=workers, compute=compute, level=level)
    artifacts = RunArtifacts(cache)
    names = [video.name for video in find_all_videos(configs)]
    artifacts.name_run(names, [one.overrides for one in asked], output_dir.name if asked[0].name else "")
    prepared = prepare(asked, graph, run_id)
    progress.listener.doing("looking into the cache")
    prepared = _each_person(prepared, graph)
    persons, videos = any(item.person for item in prepared), len({item.video for item in prepared})
    noun = results_noun(videos, persons=persons, sweep=bool(asked[0].name))
    progress.listener.expected(len(prepared), noun)
    futures = _submit(prepared, graph)
    if configs[0].sweep.render is SweepRender.best and asked[0].name:
        prepared = _chosen(prepared, futures, run_id)
        futures = _submit(prepared, graph)
    results = _finish_all(prepared, futures, output_dir)
    artifacts.publish_results(results)
    return results, "" if progress.stop.is_set() else write_index(asked, results, output_dir, started, configs[0].shard)


def _submit(prepared: Sequence[Job | Result], graph: Submission) -> list[Futures]:
    """Submit the stages of all jobs; for each its futures by title, none where no stage of it is started."""
    asked: list[dict[str, AnyHandle]] = []
    for item in prepared:
        stages = RequestedStages(item, graph) if isinstance(item, Job) and not item.refusal else None
        if stages is not None:
            pipeline(stages, stages.job.config, metrics_only=stages.job.metrics_only)
        asked.append({} if stages is None else stages.asked)
    graph.submit()
    return [
        {title: Awaited(graph.future(handle), handle.source) for title, handle in handles.items()} for handles in asked
    ]


def _each_person(prepared: list[Job | Result], graph: Submission) -> list[Job | Result]:
    """With ``subject=all``, wait until it is known who is in each video; a job becomes one for each person.

    A job whose people could not be found stays as it is: its stages say why.
    """
    asking = [item for item in prepared if isinstance(item, Job) and item.asks_for_all]
    numbered = {item.asker: everybody(RequestedStages(item, graph), item.config) for item in asking}
    graph.submit()
    futures = {asker: graph.future(handle) for asker, handle in numbered.items()}
    for future in futures.values():
        future.wait()
    known = {asker: future.result() for asker, future in futures.items() if future.state.is_completed()}
    each: list[Job | Result] = []
    for item in prepared:
        found = known.get(item.asker) if isinstance(item, Job) else None
        each += [item] if isinstance(item, Result) or found is None else item.of_each_person(found)
    return each


def _chosen(prepared: list[Job | Result], futures: list[Futures], run_id: str) -> list[Job | Result]:
    """Wait for all paths; the best of each video is to be rendered, the others have no more than metrics."""
    planned = [_planned(own, run_id) for own in futures]
    standing = rank_within_videos([item.name for item in prepared], planned)
    return [
        replace(item, metrics_only=False) if isinstance(item, Job) and judged and judged.best else item
        for item, judged in zip(prepared, standing, strict=True)
    ]


def _planned(futures: Futures, run_id: str) -> dict[str, float | None]:
    """Metrics of the path, as soon as it is there; none where it cannot be."""
    if "trajectory" not in futures:
        return {}
    future = futures["trajectory"].future
    future.wait()
    if not future.state.is_completed():
        return {}
    path = future.result()
    with suppress(OutputError), forgetting_unusable([path], run_id):  # it is reported when the job is finished
        return flat_metrics({"trajectory": path})
    return {}


def _finish_all(prepared: list[Job | Result], futures: list[Futures], output_dir: Path) -> list[Result]:
    """Wait for all, publish each as soon as it and those before it are done, and let go of what only it has held."""
    left = Counter(item.digest for item in prepared if isinstance(item, Job))
    results = []
    told: dict[str, str] = {}
    for item, own in zip(prepared, futures, strict=True):
        if isinstance(item, Result):
            results.append(_told(item, told))
            continue
        results.append(_told(_finish(item, own, output_dir / item.setting), told))
        left[item.digest] -= 1
        if not left[item.digest] and item.config.decode.frames is FrameMode.memory:
            from tasks.media.input.frame_cache import (
                forget_frames,
            )  # loads PyAV, which a run that streams from the cache does not need

            forget_frames(item.digest)
    return results


def _told(result: Result, told: dict[str, str]) -> Result:
    """The result, after it was told to whoever watches the run; those of a sweep are printed as one table."""
    progress.listener.finished(result.name, result.setting)
    if not result.setting:
        with quiet_broken_pipe():
            print_result(result, told)
    return result


def _finish(job: Job, futures: Futures, output_dir: Path) -> Result:
    """Wait for the stages of one video and hand over its deliverables, or say which stage failed and why."""
    artifacts: dict[str, AnyArtifact] = {}
    error = job.refusal
    findings: list[str] = []
    for title, (future, source) in futures.items():
        future.wait()
        if future.state.is_completed():
            artifacts[title] = future.result()
        elif not future.state.is_pending():  # pending for ever: an earlier stage has failed
            cause = future.state.result(raise_on_failure=False)
            error = error or of_own_file(_reason(title, cause), source, job)
            findings += [cause.key] if isinstance(cause, NotFoundInClip) else []
    if error and progress.stop.is_set():  # it has not failed: there is nothing to report
        return Result(job.video, error=progress.INTERRUPTED, setting=job.setting, person=job.person)
    try:
        with forgetting_unusable(artifacts.values(), job.run_id):
            if error:
                return publish_failure(job, artifacts, error, output_dir, findings)
            return publish(job, artifacts, output_dir)
    except StillwalkError as failure:
        return Result(job.video, error=str(failure), setting=job.setting, person=job.person)


def _reason(title: str, cause: object) -> str:
    if isinstance(cause, Interrupted | StillwalkError):
        return str(cause)
    kind = type(cause).__name__
    return f"{title}: {kind}: {cause}; this is a fault of the program: please report it with the command"
