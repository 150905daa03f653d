"""Deliverables: from the cache to ``output_dir/<video name>/``, each appearing whole or not at all."""

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from conf.choices import Output
from flows.job import Job
from flows.report.page import render_report
from flows.results.atomic_files import PART, part_of, reveal, writing, written
from flows.results.result import RECORD, Result, read_record
from flows.results.run_record import SHEET, all_metrics, describe, failure_record, run_record
from flows.videos import short_digest
from tasks.cache.integrity import damaged, require_proven
from tasks.cache.store import sha256_of
from tasks.errors import OutputError
from tasks.records import Artifact

# Deliverable -> the stage that holds it, under the same name. What renders make goes with one path only.
FILES = {
    "trajectory.parquet": "trajectory",
    "pose.json": "offsets",
    "pose.csv": "subject",
    "pose.parquet": "subject",
    "masks.npz": "masks",
    "stabilized.mp4": "stabilized.mp4",
    "comparison.mp4": "comparison.mp4",
    "person.mp4": "person.mp4",
    "person.webm": "person.webm",
    "person.mov": "person.mov",
    "person_png.zip": "person_png.zip",
    "stabilized.mov": "stabilized.mov",
    "comparison.mov": "comparison.mov",
    "overlay.mov": "overlay.mov",
    "overlay.mp4": "overlay.mp4",
    "preview.webp": "preview.webp",
    SHEET: "stabilized.mp4",
}
UNTOLD = ("demo", "pose")  # stages whose files are large, and of which no page tells


def publish(job: Job, artifacts: dict[str, Artifact], output_dir: Path) -> Result:
    """Copy what is new into the video's folder and write its record and report; ``OutputError`` if that fails."""
    wanted = {name: held for name in FILES if _asked(name, job) and (held := _holder(name, artifacts))}
    for artifact in artifacts.values():  # what the page is made of; deliverables are checked as they are copied
        if artifact.stage not in UNTOLD and artifact.run_id != job.run_id:
            require_proven(artifact, artifact.files.keys() - FILES.keys())
    with _claimed(job, output_dir) as folder:
        others = _other_paths(folder, wanted)
        result = describe(job, artifacts, folder, older=sorted(others))
        parts = [part for name, artifact in wanted.items() if (part := _staged(artifact, name, folder))]
        metrics = all_metrics(artifacts)
        parts.append(written(folder / "metrics.json", json.dumps(metrics, indent=1, allow_nan=False) + "\n"))
        record = run_record(job, artifacts, result, wanted) | {"from_earlier_runs": others}
        if not job.metrics_only or (folder / "report.html").exists():  # of an earlier run, and no longer true
            parts.append(written(folder / "report.html", render_report(record, metrics, artifacts, folder)))
        parts.append(written(folder / RECORD, json.dumps(record, indent=1, allow_nan=False) + "\n"))
        reveal(parts)  # only now: a full disk has shown itself before anything was replaced
    return result


def _holder(name: str, artifacts: dict[str, Artifact]) -> Artifact | None:
    """The artifact that holds a deliverable, made in this run or found: the stabilized video may be in QuickTime."""
    stage = FILES[name]
    return artifacts.get(stage) or (artifacts.get("stabilized.mov") if name == SHEET else None)


def _other_paths(folder: Path, wanted: Iterable[str]) -> dict[str, str]:
    """What earlier runs have left and this one leaves as it is, and the digest of the path each was made by."""
    before = read_record(folder)
    names = before.get("deliverables", {})
    path = names.get("trajectory.parquet", {}).get("sha256", "")
    known = {**before.get("from_earlier_runs", {}), **dict.fromkeys(names, path)}
    return {name: digest for name, digest in known.items() if name not in wanted and (folder / name).exists()}


def publish_failure(
    job: Job, artifacts: dict[str, Artifact], error: str, output_dir: Path, findings: Sequence[str] = ()
) -> Result:
    """Record why a video failed, unless its folder holds an earlier success: that is never overwritten.

    ``findings`` are the keys of what the cache keeps about it.
    """
    with _claimed(job, output_dir) as folder:
        result = describe(job, artifacts, folder, error)
        earlier = read_record(folder)
        if not earlier or earlier.get("error"):
            record = failure_record(job, artifacts, result, findings)
            page = written(folder / "report.html", render_report(record, {}, artifacts, folder))
            reveal([page, written(folder / RECORD, json.dumps(record, indent=1, allow_nan=False) + "\n")])
    return result


def _asked(name: str, job: Job) -> bool:
    outputs = set(job.config.outputs)
    if job.metrics_only:
        return name == "trajectory.parquet"
    if name.startswith("pose."):
        return Output.pose in outputs
    if name == SHEET:
        return Output.contact in outputs
    if name == "masks.npz":
        return bool({Output.masks, Output.person} & outputs)
    return True


@contextmanager
def _claimed(job: Job, output_dir: Path) -> Iterator[Path]:
    """The video's own folder, held against other runs; ``OutputError`` where it cannot be written."""
    while True:
        folder = choose_folder(job, output_dir)
        with writing(folder):
            if choose_folder(job, output_dir) == folder:  # else another video's run has taken it while this one waited
                yield folder
                return


def choose_folder(job: Job, output_dir: Path) -> Path:
    """The video's own folder: the one it has; else by its name, and by name and place where another has taken that."""
    place = short_digest(job.source)
    for name in (job.video.stem, f"{job.video.stem}-{place}"):  # alone of its name then or not, and now or not
        if read_record(output_dir / name).get("video", {}).get("path") == job.video.place:
            return output_dir / name
    folder = output_dir / job.video.name
    if folder.exists() and not folder.is_dir():
        raise OutputError(
            f"{folder}: is a file, where the video's folder would be; move it, or choose another output_dir"
        )
    # Half-written files are of a run that is about to take the folder, or that was killed.
    if not folder.exists() or all(path.match(f".*{PART}") for path in folder.iterdir()):
        return folder
    before = read_record(folder).get("video", {})
    return folder if job.digest == before.get("sha256") else output_dir / f"{job.video.name}-{place}"


def _staged(artifact: Artifact, name: str, folder: Path) -> Path | None:
    """A checked copy of a file of the cache beside its place; None when the very same bytes are there already."""
    there, stored = folder / name, artifact.files[name]
    if there.is_file() and there.stat().st_size == stored.size and sha256_of(there) == stored.sha256:
        return None
    beside = part_of(folder / name)
    shutil.copyfile(artifact.path(name), beside)
    if sha256_of(beside) != stored.sha256:
        raise damaged(artifact, str(there))
    return beside
