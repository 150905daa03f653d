"""A job whose stages are done, for tests of what is published."""

from pathlib import Path
from typing import Any

import pytest

from conf.config import Config
from conf.enums import Output
from flows.jobs import Job
from flows.results import publish
from flows.videos import Video
from tasks.cache import making
from tasks.records import Artifact

Finished = tuple[Job, dict[str, Artifact[Any]]]


def artifact(cache: Path, stage: str, files: dict[str, str]) -> Artifact[Any]:
    def write(folder: Path) -> dict[str, Any]:
        for name, text in files.items():
            (folder / name).write_text(text)
        return {}

    return making.make(cache, stage, f"{stage}-1", "run", write, waiting=lambda: None)


def finished_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Finished:
    """A job whose stages are done, with the summary and the report left out."""
    config = Config(video="a.mp4", outputs=[Output.stabilized])
    job = Job(Video("a", tmp_path / "a.mp4"), tmp_path / "a.mp4", "d" * 64, config, {}, "run")
    monkeypatch.setattr(publish, "render_report", lambda *_: b"page")
    monkeypatch.setattr(publish, "read_metrics", lambda _: {})
    monkeypatch.setattr(publish, "describe_result", lambda *_, **__: None)
    record = {"video": {"sha256": job.digest, "path": job.video.location}}
    monkeypatch.setattr(publish, "run_record", lambda *_: record)
    made = {"trajectory": artifact(tmp_path, "trajectory", {"trajectory.parquet": "path"})}
    made["stabilized.mp4"] = artifact(tmp_path, "render", {"stabilized.mp4": "picture"})
    return job, made


def recorded(job: Job, held: dict[str, Artifact[Any]]) -> dict[str, Any]:
    files = {name: {"sha256": holder.files[Path(name).name].sha256} for name, holder in held.items()}
    return {"video": {"sha256": job.digest, "path": job.video.location}, "deliverables": files}


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}
