"""One video with one setting, and how a run gets from its settings to these: what identifies each, or why it fails."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from conf.config import Config
from conf.enums import SubjectRule, SweepRender
from flows import preflight
from flows.cli.run_progress import size_text
from flows.config import settings
from flows.graph.nodes import Asker, Graph, Handle
from flows.results.result import Result, with_person
from flows.sweep import SweepSetting
from flows.videos import DEMO, Video, find_all_videos, find_videos, missing_reason
from tasks.cache.integrity import FileFingerprint, file_fingerprint
from tasks.cache.store import sha256_of
from tasks.errors import SettingError, StillwalkError, VideoError
from tasks.execution import progress
from tasks.records import AnyArtifact, DrawnDemo
from tasks.requests import DemoRequest

if TYPE_CHECKING:  # Prefect, which a dry run does without
    from flows.graph.submission import Submission


@dataclass(frozen=True)
class Job:
    """One video of a run with one setting."""

    video: Video
    source: Path
    digest: str  # sha256 of the file's bytes
    config: Config
    models: Mapping[str, dict[str, str]]  # digests by stage and model
    run_id: str
    setting: str = ""  # its name in a sweep
    metrics_only: bool = False  # nothing is rendered, and no more is delivered than the path and how good it is
    refusal: str = ""  # why no stage of it is to be started: a setting that this video cannot honour
    drawn: Handle[DrawnDemo] | None = None  # of the demo walker
    person: int = 0  # the number of one of those whom subject=all asks for; 0: whom the settings choose

    @property
    def name(self) -> str:
        return with_person(self.video.name, self.person)

    @property
    def asker(self) -> Asker:
        return Asker(self.name, self.setting, self.video.name if self.person else "")

    @property
    def asks_for_all(self) -> bool:
        """Whether it is to become a job for each person, as soon as it is known who is there."""
        return self.config.subject.rule is SubjectRule.all and not self.person and not self.refusal

    def of_each_person(self, numbered: AnyArtifact) -> "list[Job]":
        """A job for each person of the people stage; this one where nobody is one: its subject stage says so."""
        return [replace(self, person=number) for number in numbered.facts["everybody"]] or [self]


def of_own_file(error: str, source: Path | None, job: Job) -> str:
    """The error with the path of this video, where the stage that failed read an equal file of another."""
    return error if source is None else error.replace(str(source), str(job.source), 1)


def ask_demo(graph: Graph, setting: str, config: Config) -> Handle[DrawnDemo]:
    """Ask for the drawing of the demo walker."""
    return graph.ask(Asker(DEMO, setting), lambda made: DemoRequest(config.demo))


def prepare(asked: list[SweepSetting], graph: "Submission", run_id: str) -> list[Job | Result]:
    """A job for each video with each setting, those of a video side by side; to be called inside the flow.

    It waits for a demo walker to be drawn, whose bytes are part of what identifies its job.
    """
    configs = [settings.load(setting.overrides) for setting in asked]
    wanted = [{video.path for video in find_videos(config.video)} for config in configs]
    drawn = [
        ask_demo(graph, setting.name, config) if None in paths else None
        for setting, config, paths in zip(asked, configs, wanted, strict=True)
    ]
    graph.submit()
    digest = cache(_digest)
    prepared: list[Job | Result] = []
    for video in find_all_videos(configs):
        for setting, config, paths, demo in zip(asked, configs, wanted, drawn, strict=True):
            if video.path not in paths:
                continue
            try:
                prepared.append(_job(video, setting, config, graph, run_id, None if video.path else demo, digest))
            except StillwalkError as error:
                prepared.append(Result(video, error=str(error), setting=setting.name))
    return prepared


def _job(
    video: Video,
    setting: SweepSetting,
    config: Config,
    graph: "Submission",
    run_id: str,
    drawn: Handle[DrawnDemo] | None,
    digest: Callable[[Path], tuple[str, FileFingerprint]],
) -> Job:
    source = video.path if drawn is None else graph.future(drawn).result().path("demo.mp4")
    if source is None or missing_reason(video):
        raise VideoError(missing_reason(video))
    models = preflight.find_model_digests(config)
    only_path = bool(setting.name) and config.sweep.render is not SweepRender.all
    found, stamp = digest(source)
    if drawn is None:
        graph.watch(source, stamp)
    refusal = _refusal(config, video)
    return Job(video, source, found, config, models, run_id, setting.name, only_path, refusal, drawn)


def _refusal(config: Config, video: Video) -> str:
    """Why the video cannot honour a setting; "" where it can, and where it cannot be read: a stage will say so."""
    try:
        with suppress(VideoError):
            preflight.check_video(config, video)
    except SettingError as error:
        return str(error)
    return ""


def _digest(source: Path) -> tuple[str, FileFingerprint]:
    try:
        progress.listener.doing(f"reading {source.name}, {size_text(source.stat().st_size)}")
        stamp = file_fingerprint(source)  # before: a change while it is read is noticed too
        return sha256_of(source), stamp
    except OSError as error:
        raise VideoError(f"{source}: {error.strerror}; check that it is a file that you may read") from error
