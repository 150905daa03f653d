"""From one video to its results, with all settings of a run.

``results_of`` is a generator: it says which stages it waits for, so that one thread leads many videos at once. A video
that has not begun takes no memory, and of one that is finished only the results are kept.
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
from flows.graph.shared_window import shares_aspect, shares_room
from flows.graph.stage_requests import RequestedStages
from flows.graph.submission import Submission
from flows.jobs import Job, ask_source, of_own_file, prepare
from flows.pipeline import everybody, first_pass, pipeline
from flows.results.index import rank_within_videos
from flows.results.publish import publish, publish_failure
from flows.results.result import Result, results_noun
from flows.results.run_record import flat_metrics
from flows.sweep import SweepSetting
from flows.videos import Video, find_videos
from tasks.cache.integrity import forgetting_unusable
from tasks.errors import Interrupted, NotFoundInClip, OutputError, StillwalkError, TableNotConfirmed
from tasks.execution import progress
from tasks.records import AnyArtifact, NumberedPeople

Wanted: TypeAlias = Sequence[tuple[SweepSetting, Config]]


class Until(NamedTuple):
    """What a video waits for: stages that are to be over, or that all videos of the run are about to ask for theirs."""

    over: Collection[AnyHandle]
    all_ask: bool = False


VideoSteps: TypeAlias = Generator[Until, None, list[Result]]


@dataclass
class WholeRun:
    """What all videos of a run have in common."""

    asked: Sequence[SweepSetting]
    configs: Sequence[Config]
    videos: Sequence[Video]
    graph: Submission
    run_id: str
    output_dir: Path
    framed: Counter[str] = field(default_factory=Counter)  # jobs that are not finished, by the digest of their video

    def __post_init__(self) -> None:
        own = [{video.location for video in find_videos(config.video)} for config in self.configs]
        self._wanted: dict[Video, Wanted] = {
            video: [
                (setting, config)
                for setting, config, locations in zip(self.asked, self.configs, own, strict=True)
                if video.location in locations
            ]
            for video in self.videos
        }
        persons = any(config.subject.rule is SubjectRule.all for config in self.configs)
        self._noun = results_noun(len(self.videos), persons=persons, sweep=bool(self.asked[0].name))
        self._expected = 0
        self.expect(sum(map(len, self._wanted.values())))

    @property
    def videos_at_once(self) -> int:
        """All of them where they share the size of a window: what needs it waits for stages of all."""
        return len(self.videos) if self.shares_size else self.graph.videos_at_once

    @property
    def shares_size(self) -> bool:
        return any(shares_aspect(config.crop) or shares_room(config.crop) for config in self.configs)

    def steps(self) -> list[VideoSteps]:
        """What leads each video to its results."""
        return [results_of(video, self._wanted[video], self) for video in self.videos]

    def expect(self, more: int) -> None:
        """Have whoever watches know of ``more`` results."""
        self._expected += more
        progress.listener.expected(self._expected, self._noun)


def results_of(video: Video, wanted: Wanted, run: WholeRun) -> VideoSteps:
    """Ask for the stages of all settings of a video and publish each result when they are over."""
    graph = run.graph
    if progress.stop.is_set():  # it has not failed: there is nothing to report
        return [Result(video, error=progress.INTERRUPTED, setting=setting.name) for setting, _ in wanted]
    brought = [ask_source(graph, setting.name, config, video) for setting, config in wanted]
    yield Until([handle for handle in brought if handle])
    prepared = prepare(video, wanted, brought, graph, run.run_id)
    progress.listener.doing("looking into the cache")
    prepared = yield from _with_confirmed_tables(prepared, graph)
    numbered = {
        item.asker: everybody(RequestedStages(item, graph), item.config)
        for item in prepared
        if isinstance(item, Job) and item.asks_for_all
    }
    yield Until(numbered.values())
    each = [one for item in prepared for one in _each_person(item, numbered, graph)]
    run.expect(len(each) - len(prepared))
    if run.shares_size:
        yield Until([], all_ask=True)
    each, asked = _ask(each, graph)
    progress.listener.asked(len(each))
    run.framed.update(item.digest for item in each if isinstance(item, Job))
    if any(setting.name and config.sweep.render is SweepRender.best for setting, config in wanted):
        yield Until([own["trajectory"] for own in asked if "trajectory" in own])
        each = _chosen(each, [_planned(own, run) for own in asked])
        each, asked = _ask(each, graph)
    results = []
    for item, own in zip(each, asked, strict=True):
        if isinstance(item, Job):
            yield Until(own.values())
            results.append(_finish(item, own, run))
            _let_go(item, run)
        else:
            results.append(item)
        progress.listener.finished(item.name, item.setting)
    graph.forget(video.name)
    return results


def _with_confirmed_tables(
    items: Sequence[Job | Result], graph: Submission
) -> Generator[Until, None, list[Job | Result]]:
    """The same jobs when their first decoding passes are over.

    Where one has found other frames than the packets of the file tell, its job decodes the file for its table.
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
    """With ``subject=all`` a job for each person of the video.

    A job whose people could not be found stays as it is: its stages say why.
    """
    if isinstance(item, Result) or item.asker not in numbered:
        return [item]
    found = graph.outcome(numbered[item.asker])
    return [item] if found is None or isinstance(found, Exception) else item.of_each_person(found)


def _ask(items: Sequence[Job | Result], graph: Submission) -> tuple[list[Job | Result], list[dict[str, AnyHandle]]]:
    """Ask for the stages of all jobs: the jobs, and for each its handles by title, none where no stage is started.

    A job whose background or corrections cannot be read any more is refused, and no other one.
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


def _chosen(items: Sequence[Job | Result], planned: Sequence[dict[str, float | None]]) -> list[Job | Result]:
    """The best of the video is to be rendered; the others have no more than metrics."""
    standing = rank_within_videos([item.name for item in items], planned)
    return [
        replace(item, metrics_only=False) if isinstance(item, Job) and judged and judged.best else item
        for item, judged in zip(items, standing, strict=True)
    ]


def _planned(own: dict[str, AnyHandle], run: WholeRun) -> dict[str, float | None]:
    """Metrics of the path; none where it cannot be."""
    path = run.graph.outcome(own["trajectory"]) if "trajectory" in own else None
    if path is None or isinstance(path, Exception):
        return {}
    with suppress(OutputError), forgetting_unusable([path], run.run_id):  # it is reported when the job is finished
        return flat_metrics({"trajectory": path})
    return {}


def _finish(job: Job, own: dict[str, AnyHandle], run: WholeRun) -> Result:
    """Hand over the deliverables of a job whose stages are over, or say which stage failed and why."""
    artifacts: dict[str, AnyArtifact] = {}
    error = job.refusal
    findings: list[str] = []
    for title, handle in own.items():
        outcome = run.graph.outcome(handle)
        if isinstance(outcome, Exception):
            error = error or of_own_file(_reason(title, outcome), handle.source, job)
            findings += [outcome.key] if isinstance(outcome, NotFoundInClip) else []
        elif outcome is not None:
            artifacts[title] = outcome
    if error and progress.stop.is_set():  # it has not failed: there is nothing to report
        return Result(job.video, error=progress.INTERRUPTED, setting=job.setting, person=job.person)
    place = run.output_dir / job.setting
    try:
        with forgetting_unusable(artifacts.values(), job.run_id):
            if error:
                return publish_failure(job, artifacts, error, place, findings)
            return publish(job, artifacts, place)
    except StillwalkError as failure:
        return Result(job.video, error=str(failure), setting=job.setting, person=job.person)


def _let_go(job: Job, run: WholeRun) -> None:
    """Let go of the frames that only this job has held."""
    run.framed[job.digest] -= 1
    if not run.framed[job.digest]:
        del run.framed[job.digest]
        if job.config.decode.frames is FrameMode.memory:
            # Here, as it loads PyAV, which a run that streams from the cache does not need.
            from tasks.media.input.frame_cache import forget_frames

            forget_frames(job.digest)


def _reason(title: str, cause: Exception) -> str:
    if isinstance(cause, Interrupted | StillwalkError):
        return str(cause)
    kind = type(cause).__name__
    return f"{title}: {kind}: {cause}; this is a fault of the program: please report it with the command"
