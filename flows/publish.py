"""Deliverables: from the cache to ``output_dir/<video name>/``, each appearing whole or not at all."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from conf.schema import Output
from flows.inputs import short_digest
from flows.plan import Job
from flows.record import all_metrics, describe, failure_record, run_record
from flows.report import render_report
from flows.results import Result
from tasks.errors import OutputError
from tasks.records import Artifact
from tasks.store import sha256_of

RECORD = "run.json"
# Deliverable -> the stage that holds it, under the same name.
FILES = {
    "trajectory.parquet": "trajectory",
    "pose.json": "offsets",
    "pose.csv": "pose",
    "pose.parquet": "pose",
    "masks.npz": "masks",
    "stabilized.mp4": "stabilized.mp4",
    "comparison.mp4": "comparison.mp4",
    "person.mp4": "person.mp4",
}


def publish(job: Job, artifacts: dict[str, Artifact], output_dir: Path) -> Result:
    """Copy what is new into the video's folder and write its record and report; ``OutputError`` if that fails."""
    folder = choose_folder(job, output_dir)
    result = describe(job, artifacts, folder)
    wanted = {name: artifacts[stage] for name, stage in FILES.items() if _asked(name, job) and stage in artifacts}
    with _writing(folder):
        for name, artifact in wanted.items():
            _deliver(artifact, name, folder)
        metrics = all_metrics(artifacts)
        _write(folder / "metrics.json", json.dumps(metrics, indent=1, allow_nan=False) + "\n")
        record = run_record(job, artifacts, result, sorted(wanted))
        _write(folder / "report.html", render_report(record, metrics, artifacts))
        _write(folder / RECORD, json.dumps(record, indent=1, allow_nan=False) + "\n")
    return result


def publish_failure(job: Job, artifacts: dict[str, Artifact], error: str, output_dir: Path) -> Result:
    """Record why a video failed, unless its folder holds an earlier success: that is never overwritten."""
    folder = choose_folder(job, output_dir)
    result = describe(job, artifacts, folder, error)
    earlier = _read_record(folder)
    if not earlier or earlier.get("error"):
        with _writing(folder):
            record = failure_record(job, artifacts, result)
            _write(folder / "report.html", render_report(record, {}, artifacts))
            _write(folder / RECORD, json.dumps(record, indent=1, allow_nan=False) + "\n")
    return result


def _asked(name: str, job: Job) -> bool:
    outputs = set(job.config.outputs)
    if name.startswith("pose."):
        return Output.pose in outputs
    if name == "masks.npz":
        return bool({Output.masks, Output.person} & outputs)
    return True


def choose_folder(job: Job, output_dir: Path) -> Path:
    """The video's own folder: by its name, or by name and place where another video has taken that name."""
    folder = output_dir / job.video.name
    if not folder.exists() or not any(folder.iterdir()):
        return folder
    before = _read_record(folder).get("video", {})
    if job.digest == before.get("sha256") or job.video.place == before.get("path"):
        return folder
    return output_dir / f"{job.video.name}-{short_digest(job.source)}"


def _read_record(folder: Path) -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
        return record if {"sha256", "path"} <= set(record["video"]) else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _deliver(artifact: Artifact, name: str, folder: Path) -> None:
    """Copy a file of the cache beside its place and rename it, unless the very same bytes are there."""
    there, stored = folder / name, artifact.files[name]
    if there.is_file() and there.stat().st_size == stored.size and sha256_of(there) == stored.sha256:
        return
    beside = folder / f".{name}.part"
    shutil.copyfile(artifact.path(name), beside)
    beside.replace(there)


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Hold the folder against other runs; what cannot be written becomes an ``OutputError``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
            for part in folder.glob(".*.part"):
                part.unlink(missing_ok=True)
    except OSError as error:
        cure = "free some space" if error.errno == 28 else "make it writable, or choose another place with output_dir="
        raise OutputError(f"{folder}: {error.strerror or error}; {cure}") from error
