"""What is known of a video when its run is over."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flows.videos import Video
from tasks.records import Artifact

RECORD = "run.json"


@dataclass(frozen=True)
class StageRun:
    """One line of ``run.json``'s ``stages``."""

    stage: str
    output: str  # the deliverable, for a render; else empty
    key: str
    status: str  # ran or cached
    seconds: float  # that this run spent; 0 for cached
    also: str = ""  # another deliverable that comes with it

    @property
    def title(self) -> str:
        name = self.output or self.stage
        return f"{name} with {self.also}" if self.also else name


@dataclass(frozen=True)
class Result:
    """One video of a run: either an error or a folder of deliverables."""

    video: Video
    error: str = ""
    folder: Path | None = None
    stages: list[StageRun] = field(default_factory=list)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)  # by stage or output
    warnings: list[str] = field(default_factory=list)
    headline: str = ""  # detection and planned lock, in a line
    setting: str = ""  # its name in a sweep
    metrics: dict[str, float | None] = field(default_factory=dict)  # planned, and verified_... where that was asked for

    @property
    def rendered(self) -> bool:
        return any(stage.output not in ("", "report.html") for stage in self.stages)


def stage_run(artifact: Artifact, output: str, run_id: str, also: str = "") -> StageRun:
    """Ran when this run computed it, else cached."""
    ran = artifact.run_id == run_id
    status, seconds = ("ran", artifact.seconds) if ran else ("cached", 0.0)
    return StageRun(artifact.stage, output, artifact.key, status, seconds, also)


def read_record(folder: Path) -> dict[str, Any]:
    """``run.json`` of the video whose folder this is; empty where there is none that says which video it is."""
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
        return record if {"sha256", "path"} <= set(record["video"]) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
