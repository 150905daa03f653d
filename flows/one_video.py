"""From one video to its results, with all settings of a run.

``results_of`` is a generator that yields the stages it waits for, so one thread serves many videos. A video that has
not begun takes no memory; of a finished one only the results are kept.
"""

from collections import Counter
from collections.abc import Collection, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple, TypeAlias

from conf.config import Config
from conf.enums import FrameMode, SubjectRule, SweepRender
from flows.graph.nodes import AnyHandle, Asker, Handle
from flows.graph.output_needs import titles_after_first_pass
from flows.graph.shared_window import shares_aspect, shares_room
from flows.graph.stage_requests import RequestedStages
from flows.graph.submission import Submission
from flows.jobs import Job, WantedSettings, ask_source, gives_only_metrics, prepare, with_own_path
from flows.pipeline import everybody, first_pass, pipeline
from flows.results.index import rank_within_videos
from flows.results.publish import publish, publish_failure
from flows.results.result import Result, results_noun
from flows.results.run_record import flat_metrics
from flows.sweep import SweepSetting
from flows.videos import Video, find_videos
from tasks.cache.integrity import forgetting_unusable
from tasks.errors import Interrupted, NotFoundInClip, OutputError, StillwalkError, TableNotConfirmed, plain_reason
from tasks.execution import progress
from tasks.execution.progress import Work
from tasks.records import AnyArtifact, NumberedPeople


class Until(NamedTuple):
    """What a video waits for: the end of the stages ``over``, or, with ``all_ask``, that all videos come this far."""

    over: Collection[AnyHandle]
    all_ask: bool = False


VideoSteps: TypeAlias = Generator[Until, None, list[Result]]


@dataclass
class WholeRun:
    """What all videos of a run have in common."""

    settings: Sequence[SweepSetting]
    configs: Sequence[Config]  # one for each setting
    videos: Sequence[Video]
    graph: Submission
    run_id: str
    output_dir: Path
    unfinished_jobs: Counter[str] = field(default_factory=Counter)  # how many, by the digest of their video

    def __post_init__(self) -> None:
        locations_of = [{video.location for video in find_videos(config.video)} for config in self.configs]
        self._wanted: dict[Video, WantedSettings] = {
            video: [
                (setting, config)
                for setting, config, locations in zip(self.settings, self.configs, locations_of, strict=True)
                if video.location in locations
            ]
            for video in self.videos
        }
        persons = any(config.subject.rule is SubjectRule.all for config in self.configs)
        self._noun = results_noun(len(self.videos), persons=persons, sweep=bool(self.settings[0].name))
        self._expected = 0
        self.expect(sum(map(len, self._wanted.values())))

    @property
    def videos_at_once(self) -> int:
        """How many videos are worked on at once: all where they share a window's size, which waits for all of them."""
        return len(self.videos) if self.shares_size else self.graph.videos_at_once

    @property
    def shares_size(self) -> bool:
        return any(shares_aspect(config.crop) or shares_room(config.crop) for config in self.configs)

    def steps(self) -> list[VideoSteps]:
        """For each video the generator that leads it to its results."""
        return [results_of(video, self._wanted[video], self) for video in self.videos]

    def expect(self, more: int) -> None:
        """Report to the progress listener that ``more`` results will come."""
        self._expected += more
        progress.listener.expected(self._expected, self._noun)


def results_of(video: Video, wanted: WantedSettings, run: WholeRun) -> VideoSteps:
    """Ask for the stages of all settings of a video, and publish each result when its stages are over."""
    graph = run.graph
    if progress.stop.is_set():  # the video has not failed: there is nothing to publish
        return [Result(video, error=progress.INTERRUPTED, setting=setting.name) for setting, _ in wanted]
    if len(wanted) == 1:
        _plan_passes(video, *wanted[0])
    source_stages = [ask_source(graph, setting.name, config, video) for setting, config in wanted]
    yield Until([handle for handle in source_stages if handle])
    items = prepare(video, wanted, source_stages, graph, run.run_id)
    progress.listener.doing("looking into the cache")
    items = yield from _with_confirmed_tables(items, graph)
    numbered = {
        item.asker: everybody(RequestedStages(item, graph), item.config)
        for item in items
        if isinstance(item, Job) and item.asks_for_all
    }
    yield Until(numbered.values())
    before = len(items)
    items = [one for item in items for one in _each_person(item, numbered, graph)]
    run.expect(len(items) - before)
    if run.shares_size:
        yield Until([], all_ask=True)
    items, asked = _ask(items, graph)
    progress.listener.asked(len(items))
    run.unfinished_jobs.update(item.digest for item in items if isinstance(item, Job))
    if any(setting.name and config.sweep.render is SweepRender.best for setting, config in wanted):
        yield Until([handles["trajectory"] for handles in asked if "trajectory" in handles])
        items = _with_best_rendered(items, [_planned_metrics(handles, run) for handles in asked])
        items, asked = _ask(items, graph)
    results = []
    for item, handles in zip(items, asked, strict=True):
        if isinstance(item, Job):
            yield Until(handles.values())
            progress.listener.doing("writing the results")
            results.append(_finish(item, handles, run))
            _release_frames(item, run)
        else:
            results.append(item)
        progress.listener.finished(item.name, item.setting)
    graph.forget(video.name)
    return results


def _plan_passes(video: Video, setting: SweepSetting, config: Config) -> None:
    """Tell the listener of a video's passes over its frames, so that a share of the whole is known from the start.

    With ``subject=all`` those behind the pose are not known: each person has some of their own.
    """
    only_path = gives_only_metrics(setting, config)
    later = [] if only_path or config.subject.rule is SubjectRule.all else titles_after_first_pass(config)
    for title in ("pose", *later):
        progress.listener.planned(Work(video.name, title, 0))


def _with_confirmed_tables(
    items: Sequence[Job | Result], graph: Submission
) -> Generator[Until, None, list[Job | Result]]:
    """The same jobs, when their first decoding passes are over.

    If a pass has found other frames than the packets of the file tell, its job decodes the file for its frame table.
    """
    passes = {
        place: first_pass(RequestedStages(item, graph), item.config)
        for place, item in enumerate(items)
        if isinstance(item, Job) and not item.refusal
    }
    yield Until(passes.values())
    denied = {place for place, found in passes.items() if isinstance(graph.outcome(found), TableNotConfirmed)}
    return [
        replace(item, by_decoding=True) if isinstance(item, Job) and place in denied else item
        for place, item in enumerate(items)
    ]


def _each_person(
    item: Job | Result, numbered: Mapping[Asker, Handle[NumberedPeople]], graph: Submission
) -> Sequence[Job | Result]:
    """The item itself, or with ``subject=all`` a job for each person of the video.

    A job whose people could not be found stays as it is: its stages say why.
    """
    if isinstance(item, Result) or item.asker not in numbered:
        return [item]
    found = graph.outcome(numbered[item.asker])
    return [item] if found is None or isinstance(found, Exception) else item.of_each_person(found)


def _ask(items: Sequence[Job | Result], graph: Submission) -> tuple[list[Job | Result], list[dict[str, AnyHandle]]]:
    """Ask for the stages of all jobs. Gives the items, and the handles of each by title: none where nothing is started.

    If a background or corrections can no longer be read, only the jobs that need them are refused.
    """
    jobs, asked = list(items), list[dict[str, AnyHandle]]()
    for place, item in enumerate(items):
        stages = RequestedStages(item, graph) if isinstance(item, Job) and not item.refusal else None
        if stages is not None:
            try:
                pipeline(stages, stages.job.config, metrics_only=stages.job.metrics_only)
            except StillwalkError as error:
                jobs[place] = replace(stages.job, refusal=str(error))
        asked.append({} if stages is None else stages.asked)
    return jobs, asked


def _with_best_rendered(
    items: Sequence[Job | Result], planned: Sequence[dict[str, float | None]]
) -> list[Job | Result]:
    """The same items; the best of each video by its ``planned`` metrics is rendered, the others give only metrics."""
    ranks = rank_within_videos([item.name for item in items], planned)
    return [
        replace(item, metrics_only=False) if isinstance(item, Job) and rank and rank.best else item
        for item, rank in zip(items, ranks, strict=True)
    ]


def _planned_metrics(handles: dict[str, AnyHandle], run: WholeRun) -> dict[str, float | None]:
    """Metrics of the path of one job; empty where it has no path."""
    path = run.graph.outcome(handles["trajectory"]) if "trajectory" in handles else None
    if path is None or isinstance(path, Exception):
        return {}
    with suppress(OutputError), forgetting_unusable([path], run.run_id):  # it is reported when the job is finished
        return flat_metrics({"trajectory": path})
    return {}


def _finish(job: Job, handles: dict[str, AnyHandle], run: WholeRun) -> Result:
    """Publish the deliverables of a job whose stages are over, or which stage failed and why."""
    artifacts: dict[str, AnyArtifact] = {}
    error = job.refusal
    findings: list[str] = []
    for title, handle in handles.items():
        outcome = run.graph.outcome(handle)
        if isinstance(outcome, Exception):
            error = error or with_own_path(_reason(title, outcome), handle.source, job)
            findings += [outcome.key] if isinstance(outcome, NotFoundInClip) else []
        elif outcome is not None:
            artifacts[title] = outcome
    if error and progress.stop.is_set():  # the job has not failed: there is nothing to publish
        return Result(job.video, error=progress.INTERRUPTED, setting=job.setting, person=job.person)
    place = run.output_dir / job.setting
    try:
        with forgetting_unusable(artifacts.values(), job.run_id):
            if error:
                return publish_failure(job, artifacts, error, place, findings)
            return publish(job, artifacts, place)
    except StillwalkError as failure:
        return Result(job.video, error=str(failure), setting=job.setting, person=job.person)


def _release_frames(job: Job, run: WholeRun) -> None:
    """Release the decoded frames of a finished job's video, unless another job still needs them."""
    run.unfinished_jobs[job.digest] -= 1
    if not run.unfinished_jobs[job.digest]:
        del run.unfinished_jobs[job.digest]
        if job.config.decode.frames is FrameMode.memory:
            # Imported here: it loads PyAV, which a run that finds all in the cache does not need.
            from tasks.media.input.frame_cache import forget_frames

            forget_frames(job.digest)


def _reason(title: str, cause: Exception) -> str:
    if isinstance(cause, Interrupted | StillwalkError):
        return str(cause)
    return f"{title}: {plain_reason(cause)}"
