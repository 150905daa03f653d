"""``Job``: one video of a run with one setting. ``prepare`` makes the jobs of a video, or says why it cannot."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from conf.config import Config
from conf.enums import SubjectRule, SweepRender
from flows import preflight
from flows.graph.nodes import AnyHandle, Asker, Graph, Handle
from flows.objects import download_request
from flows.results.result import Result, with_person
from flows.sweep import SweepSetting
from flows.videos import DEMO, Video, missing_reason
from tasks.cache.integrity import FileFingerprint, file_fingerprint, require_proven
from tasks.cache.keys import canonical
from tasks.cache.store import sha256_of
from tasks.errors import SettingError, StillwalkError, VideoError, size_text
from tasks.execution import progress
from tasks.records import AnyArtifact, DrawnDemo
from tasks.requests import DemoRequest

if TYPE_CHECKING:  # Prefect, which a dry run does without
    from flows.graph.submission import Submission

WantedSettings: TypeAlias = Sequence[tuple[SweepSetting, Config]]
"""What is asked for of one video: each setting of the sweep, or the only one, with its configuration."""


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
    metrics_only: bool = False  # nothing is rendered: only the path and its metrics are delivered
    refusal: str = ""  # why no stage is started: a setting that this video cannot honour
    source_stage: AnyHandle | None = None  # that makes the source: the demo walker's drawing, or a download
    by_decoding: bool = False  # whether decoding has given other frames than the file's packets tell
    person: int = 0  # number of the person, with subject=all; 0: the settings choose

    @property
    def name(self) -> str:
        return with_person(self.video.name, self.person)

    @property
    def asker(self) -> Asker:
        return Asker(self.name, self.setting, self.video.name if self.person else "")

    @cached_property
    def plain_config(self) -> dict[str, Any]:
        """The settings as plain JSON."""
        plain: dict[str, Any] = canonical(self.config)
        return plain

    @property
    def shown_source(self) -> str:
        """The source as messages name it: for an object its address, since its file has a name of ours."""
        return self.video.address or str(self.source)

    @property
    def asks_for_all(self) -> bool:
        """Whether it becomes a job for each person, as soon as the people of the video are known."""
        return self.config.subject.rule is SubjectRule.all and not self.person and not self.refusal

    def of_each_person(self, numbered: AnyArtifact) -> "list[Job]":
        """A job for each person that the people stage found; without any this job, whose subject stage says so."""
        return [replace(self, person=number) for number in numbered.facts["everybody"]] or [self]


def with_own_path(error: str, source: Path | None, job: Job) -> str:
    """The error with the path of the job's video, if the stage that failed read an equal file of another video."""
    return error if source is None else error.replace(str(source), job.shown_source, 1)


def ask_demo(graph: Graph, setting: str, config: Config) -> Handle[DrawnDemo]:
    """Ask for the drawing of the demo walker."""
    return graph.ask(Asker(DEMO, setting), lambda made: DemoRequest(config.demo))


def ask_source(graph: Graph, setting: str, config: Config, video: Video) -> AnyHandle | None:
    """Ask for the stage that makes the file of a video: a drawing or a download; None where the file is the user's."""
    if video.is_drawn:
        return cast(AnyHandle, ask_demo(graph, setting, config))
    if video.address and not missing_reason(video):
        return cast(AnyHandle, graph.ask(Asker(video.name, setting), lambda made: download_request(video.address)))
    return None


def source_name(artifact: AnyArtifact) -> str:
    """The name of the video among the files of an artifact of ``ask_source``."""
    return next(name for name in artifact.files if PurePosixPath(name).stem in (DEMO, "video"))


def prepare(
    video: Video,
    wanted: WantedSettings,
    source_stages: Sequence[AnyHandle | None],
    graph: "Submission",
    run_id: str,
) -> list[Job | Result]:
    """A job for each setting of a video, or a ``Result`` that says why there is none.

    The ``source_stages``, one a setting, must be over: a job is identified by the bytes of its file.
    """
    digest = cache(_digest)
    made: list[Job | Result] = []
    for (setting, config), handle in zip(wanted, source_stages, strict=True):
        try:
            made.append(_job(video, setting, config, graph, run_id, handle, digest))
        except StillwalkError as error:
            made.append(Result(video, error=str(error), setting=setting.name))
    return made


def gives_only_metrics(setting: SweepSetting, config: Config) -> bool:
    """Whether a setting, of a sweep, is not rendered, or only if it turns out to be the best of a video."""
    return bool(setting.name) and config.sweep.render is not SweepRender.all


def _job(
    video: Video,
    setting: SweepSetting,
    config: Config,
    graph: "Submission",
    run_id: str,
    source_stage: AnyHandle | None,
    digest: Callable[[Path], tuple[str, FileFingerprint]],
) -> Job:
    models = preflight.find_model_digests(config)
    only_path = gives_only_metrics(setting, config)
    if source_stage is not None:
        outcome = graph.outcome(source_stage)
        if outcome is None or isinstance(outcome, Exception):
            raise outcome or RuntimeError(f"{source_stage.title} was not run")
        source, found = _source_of(outcome, run_id)
    else:
        if video.path is None or missing_reason(video):
            raise VideoError(missing_reason(video))
        source = video.path
        found, stamp = digest(source)
        graph.watch(source, stamp)
    refusal = _refusal(config, replace(video, path=source) if video.address else video)
    return Job(video, source, found, config, models, run_id, setting.name, only_path, refusal, source_stage)


def _source_of(artifact: AnyArtifact, run_id: str) -> tuple[Path, str]:
    """The video that a stage has made, and its digest. If an earlier run made it, its bytes are checked first."""
    name = source_name(artifact)
    if artifact.run_id != run_id:
        require_proven(artifact, [name])
    return artifact.path(name), artifact.files[name].sha256


def _refusal(config: Config, video: Video) -> str:
    """Why the video cannot honour a setting; "" where it can, and where it cannot be read: a stage will say so."""
    try:
        with suppress(VideoError):
            preflight.check_video(config, video)
    except SettingError as error:
        return str(error)
    return ""


def _digest(source: Path) -> tuple[str, FileFingerprint]:
    """The sha256 of a file's bytes, and its fingerprint from before they were read; ``VideoError`` if unreadable."""
    try:
        progress.listener.doing(f"reading {source.name}, {size_text(source.stat().st_size)}")
        stamp = file_fingerprint(source)  # before: a change while it is read is noticed too
        return sha256_of(source), stamp
    except OSError as error:
        raise VideoError(f"{source}: {error.strerror}; check that it is a file that you may read") from error
