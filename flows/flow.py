"""The Prefect flow: one run over all its videos, stage by stage, shared work once; a bad video stops no other."""

from pathlib import Path
from typing import Any, cast

from prefect import Flow, State, flow
from prefect.futures import PrefectFuture
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from conf.choices import FrameMode
from conf.schema import Config
from flows import preflight, settings
from flows.inputs import Video, find_videos, missing
from flows.interrupt import interruptible
from flows.plan import STAGES, Job, start_demo
from flows.publish import publish, publish_failure
from flows.results import Result
from tasks.errors import Interrupted, StillwalkError, VideoError
from tasks.records import Artifact
from tasks.store import sha256_of
from tasks.workers import Workers

# Tasks that only wait, for others or for a worker, hold a thread too: those of one video must not use them up.
WAITING_TASKS = 12


class VideosFailed(StillwalkError):
    """Some videos of a run could not be finished; carries what became of all of them."""

    def __init__(self, results: list[Result]) -> None:
        self.results = results
        failed = sum(bool(result.error) for result in results)
        super().__init__(f"{failed} of {len(results)} videos failed")


@flow(name="stillwalk", persist_result=False)
def stabilize(overrides: list[str], output_dir: str, cache: str, run_id: str) -> list[Result]:
    """Stabilize every video that ``overrides`` name; ``VideosFailed`` when some could not be finished."""
    with interruptible():
        return _stabilize(overrides, Path(output_dir), Path(cache), run_id)


def _stabilize(overrides: list[str], output_dir: Path, cache: Path, run_id: str) -> list[Result]:
    config = settings.load(overrides)
    models = preflight.model_digests(config)
    workers = Workers(config.workers)
    prepared = [_prepare(video, config, models, cache, run_id, workers) for video in find_videos(config.video)]
    jobs = [item for item in prepared if isinstance(item, Job)]
    for start in STAGES:
        for job in jobs:
            start(job)
    results = [_finish(item, output_dir) if isinstance(item, Job) else item for item in prepared]
    if any(result.error for result in results):
        raise VideosFailed(results)
    return results


def configured(config: Config, cache: Path) -> Flow[[list[str], str, str, str], list[Result]]:
    """The flow with enough threads and the place of its records."""
    threads = config.workers + WAITING_TASKS
    runner = cast(TaskRunner[PrefectFuture[Any]], ThreadPoolTaskRunner(max_workers=threads))
    return stabilize.with_options(task_runner=runner, result_storage=cache / "records")


def _prepare(
    video: Video, config: Config, models: dict[str, dict[str, str]], cache: Path, run_id: str, workers: Workers
) -> Job | Result:
    """Find the bytes of a video and what identifies them, or say why it fails."""
    drawn = {} if video.path else {"demo": start_demo(config.demo, cache, run_id, workers)}
    try:
        if video.path and not video.path.exists():
            return Result(video, missing(video))
        source = video.path or drawn["demo"].result().path("demo.mp4")
        return Job(video, source, _digest(source), config, models, cache, run_id, workers, drawn)
    except StillwalkError as error:
        return Result(video, error=str(error))


def _digest(source: Path) -> str:
    try:
        return sha256_of(source)
    except OSError as error:
        raise VideoError(f"{source}: {error.strerror}; check that it is a file that you may read") from error


def _finish(job: Job, output_dir: Path) -> Result:
    """Wait for the stages of one video and hand over its deliverables, or say which stage failed and why."""
    artifacts: dict[str, Artifact] = {}
    error = ""
    for title, future in job.futures.items():
        future.wait()
        if future.state.is_completed():
            artifacts[title] = future.result()
        elif not error and not future.state.is_pending():  # pending for ever: an earlier stage has failed
            error = _reason(title, future.state)
    if job.config.decode.frames is FrameMode.memory:
        from tasks.media.held import forget  # loads PyAV, which a run that streams from the cache does not need

        forget(job.digest)
    try:
        return publish_failure(job, artifacts, error, output_dir) if error else publish(job, artifacts, output_dir)
    except StillwalkError as failure:
        return Result(job.video, error=str(failure))


def _reason(title: str, state: State[Artifact]) -> str:
    cause = state.result(raise_on_failure=False)
    if isinstance(cause, Interrupted | StillwalkError):
        return str(cause)
    kind = type(cause).__name__
    return f"{title}: {kind}: {cause}; this is a fault of the program: please report it with the command"
