"""The result of one video, and how its record is read back."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from conf.enums import MaskSource
from flows.results.received import is_record
from flows.videos import Video
from tasks.records import AnyArtifact
from tasks.untrusted.json_file import read_object

RECORD_NAME: Final = "run.json"
REPORT_NAME: Final = "report.html"
EXPORT_FOLDER: Final = "exports"
SHARD_FOLDER: Final = f"{EXPORT_FOLDER}/webdataset"  # of an export of many files, which a glob is to find alone
PERSON_FOLDERS: Final = "person-*"  # in the folder of a video: one for each person, with subject=all


def person_folder(number: int) -> str:
    """The name of a person's folder in that of the video."""
    return PERSON_FOLDERS.replace("*", str(number))


def with_person(video: str, number: int) -> str:
    """The name of a video, and of one person of it where each has results of their own."""
    return f"{video} person {number}" if number else video


def results_noun(videos: int, *, persons: bool, sweep: bool) -> str:
    """What the results of a run are called, when they are counted."""
    if sweep or (persons and videos > 1):
        return "result"
    return "person" if persons else "video"


@dataclass(frozen=True, slots=True)  # a large sweep keeps tens of thousands
class StageRun:
    """One item of ``stages`` in ``run.json``."""

    stage: str
    output: str  # the deliverable of a render, else empty
    key: str
    status: str  # ran or cached
    seconds: float  # spent in this run; 0 for cached
    also: str = ""  # another deliverable that the stage makes
    alone: bool = False  # it took no part in a pass over the frames in which others of its kind are made

    @property
    def title(self) -> str:
        name = self.output or self.stage
        return f"{name} with {self.also}" if self.also else name


@dataclass(frozen=True)
class Result:
    """One video of a run, or one person of it: an error, or a folder of deliverables."""

    video: Video
    error: str = ""
    folder: Path | None = None
    stages: list[StageRun] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    summary: list[str] = field(default_factory=list)  # short lines: detection, lock, picture
    setting: str = ""  # name in a sweep
    metrics: dict[str, float | None] = field(default_factory=dict)  # planned, and verified_... with verify=true
    person: int = 0  # number of the person, with subject=all

    @property
    def name(self) -> str:
        return with_person(self.video.name, self.person)

    @property
    def rendered(self) -> bool:
        return any(stage.stage == "render" and stage.output != REPORT_NAME for stage in self.stages)


def stage_run(artifact: AnyArtifact, output: str, run_id: str, also: str = "") -> StageRun:
    """A stage's item: ran if the run ``run_id`` computed it, else cached."""
    needs_no_frames = artifact.stage == "masks" and artifact.facts.get("source") == MaskSource.landmarker.value
    ran = artifact.run_id == run_id
    status, seconds = ("ran", artifact.seconds) if ran else ("cached", 0.0)
    return StageRun(artifact.stage, output, artifact.key, status, seconds, also, needs_no_frames)


def read_record(folder: Path) -> dict[str, Any]:
    """``run.json`` in a video's folder; empty where there is none that identifies a video."""
    try:
        record = read_object(folder / RECORD_NAME)
    except (OSError, ValueError):
        return {}
    return record if is_record(record) else {}
