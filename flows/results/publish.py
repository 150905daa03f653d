"""Copies deliverables from the cache to ``output_dir/<video name>/``; each appears complete or not at all."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path, PurePosixPath
from typing import Any, Final

from conf.enums import Output
from flows.jobs import Job
from flows.report.page import render_report
from flows.results.atomic_files import (
    PART_SUFFIX,
    error_line,
    final_path,
    locked_folder,
    part_path,
    rename_parts,
    write_part,
)
from flows.results.result import (
    EXPORT_FOLDER,
    PERSON_FOLDERS,
    RECORD_NAME,
    REPORT_NAME,
    SHARD_FOLDER,
    Result,
    person_folder,
    read_record,
)
from flows.results.run_record import CONTACT_SHEET_NAME, describe_result, failure_record, read_metrics, run_record
from flows.sweep import RUN_WIDE_SETTINGS
from tasks.cache.integrity import forget_damaged, require_proven
from tasks.cache.store import sha256_of
from tasks.errors import OutputError
from tasks.execution import progress
from tasks.records import AnyArtifact
from tasks.untrusted.corrections_file import CORRECTIONS_NAME
from tasks.untrusted.paths import no_folder_reason

# The stage whose artifact holds a deliverable, under the same name.
STAGE_BY_DELIVERABLE: Final = {
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
    CONTACT_SHEET_NAME: "stabilized.mp4",
}
# Settings of a run that leave the content of every file as it is.
SHAPELESS_SETTINGS: Final = (*RUN_WIDE_SETTINGS, "video", "runner", "sweep", "outputs", "exports", "verify", "device")
STAGES_WITHOUT_PAGE: Final = ("demo", "pose", "export")  # no report shows their files


def publish(job: Job, artifacts: dict[str, AnyArtifact], output_dir: Path) -> Result:
    """Copy new files into the video's folder and write its record and report; ``OutputError`` if that fails."""
    wanted = {
        name: holder for name in STAGE_BY_DELIVERABLE if _is_wanted(name, job) and (holder := _holder(name, artifacts))
    } | _exported(artifacts)
    for artifact in artifacts.values():  # files that the report reads; deliverables are checked when copied
        if artifact.stage not in STAGES_WITHOUT_PAGE and artifact.run_id != job.run_id:
            require_proven(artifact, artifact.files.keys() - STAGE_BY_DELIVERABLE.keys())
    with _locked_video_folder(job, output_dir) as folder:
        older = _older_deliverables(folder, wanted)
        stale = [name for name in older if _is_stale_shard(name, wanted)]
        older = {name: digest for name, digest in older.items() if name not in stale}
        now = _settings_digest(job.plain_config) if older else ""
        result = describe_result(job, artifacts, folder, older=sorted(name for name in older if older[name] != now))
        parts = [part for name, artifact in wanted.items() if (part := _copy_to_part(artifact, name, folder))]
        changed = _changed_by_others([*map(final_path, parts), *(folder / name for name in stale)], folder)
        metrics = read_metrics(artifacts)
        parts.append(write_part(folder / "metrics.json", _json_text(metrics)))
        sums = {name: digest for name, digest in _made_sha256(folder).items() if name in older}
        earlier = {"from_earlier_runs": older, "sha256_from_earlier_runs": sums}
        record = run_record(job, artifacts, result, wanted) | earlier
        if not job.metrics_only or (folder / REPORT_NAME).exists():  # an earlier run's report is no longer true
            parts.append(write_part(folder / REPORT_NAME, render_report(record, metrics, artifacts, folder)))
        parts.append(write_part(folder / RECORD_NAME, _json_text(record)))
        for path in changed:
            _keep_beside(path, in_data_set=path.parent == folder / SHARD_FOLDER)
        for name in stale:
            (folder / name).unlink(missing_ok=True)
        rename_parts(parts)  # only now: a full disk has failed before anything was replaced
    return result


def publish_failure(
    job: Job, artifacts: dict[str, AnyArtifact], error: str, output_dir: Path, findings: Sequence[str] = ()
) -> Result:
    """Record why a video failed, unless its folder holds an earlier success, which is never overwritten.

    ``findings`` are the cache keys of negative findings about it.
    """
    with _locked_video_folder(job, output_dir) as folder:
        result = describe_result(job, artifacts, folder, error)
        earlier = read_record(folder)
        if not earlier or earlier.get("error"):
            record = failure_record(job, artifacts, result, findings)
            page = write_part(folder / REPORT_NAME, render_report(record, {}, artifacts, folder))
            rename_parts([page, write_part(folder / RECORD_NAME, _json_text(record))])
    return result


def _json_text(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=1, allow_nan=False) + "\n"


def _is_wanted(name: str, job: Job) -> bool:
    """Whether a run delivers this file if an artifact holds it."""
    outputs = set(job.config.outputs)
    if job.metrics_only:
        return name == "trajectory.parquet"
    if name.startswith("pose."):
        return Output.pose in outputs
    if name == CONTACT_SHEET_NAME:
        return Output.contact in outputs
    if name == "masks.npz":
        return Output.masks in outputs
    return True


def _holder(name: str, artifacts: dict[str, AnyArtifact]) -> AnyArtifact | None:
    """The artifact that holds a deliverable; the contact sheet comes with either kind of stabilized video."""
    stage = STAGE_BY_DELIVERABLE[name]
    return artifacts.get(stage) or (artifacts.get("stabilized.mov") if name == CONTACT_SHEET_NAME else None)


def _exported(artifacts: dict[str, AnyArtifact]) -> dict[str, AnyArtifact]:
    """The files of all exports, by their place in the video's folder."""
    exports = {title: artifact for title, artifact in artifacts.items() if artifact.stage == "export"}
    return {
        f"{title if title == SHARD_FOLDER else EXPORT_FOLDER}/{name}": artifact
        for title, artifact in exports.items()
        for name in artifact.files
    }


def _older_deliverables(folder: Path, wanted: Iterable[str]) -> dict[str, str]:
    """Deliverables of earlier runs that this run leaves as they are, each with the digest of its settings."""
    before = read_record(folder)
    if not before:
        return {}
    made = _settings_digest(before.get("config", {}))
    known = {**before.get("from_earlier_runs", {}), **dict.fromkeys(before.get("deliverables", {}), made)}
    return {name: digest for name, digest in known.items() if name not in wanted and (folder / name).exists()}


def _changed_by_others(places: Iterable[Path], folder: Path) -> list[Path]:
    """Files in these places that no run has put there, as far as the folder's record tells."""
    known, found = _made_sha256(folder), []
    for path in places:
        made = known.get(path.relative_to(folder).as_posix())
        if made and path.is_file() and sha256_of(path) != made:
            found.append(path)
    return found


def _made_sha256(folder: Path) -> dict[str, str]:
    """What the deliverables of all runs so far were when they were made, as far as the folder's record tells."""
    before = read_record(folder)
    last = {name: one.get("sha256", "") for name, one in before.get("deliverables", {}).items()}
    return {**before.get("sha256_from_earlier_runs", {}), **last}


def _keep_beside(path: Path, *, in_data_set: bool) -> None:
    """Give a file that somebody has changed another name, and say so.

    One that lies in a data set also loses its suffix, by which programs find the files of the set.
    """
    stem, suffix = (path.name, "") if in_data_set else (path.stem, path.suffix)
    names = (path.with_name(f"{stem}-changed-{number}{suffix}") for number in count(1))
    kept = next(name for name in names if not os.path.lexists(name))
    path.rename(kept)
    unseen = f", which *{path.suffix} does not find" if in_data_set else ""
    progress.tell(f"{path}: was changed since it was made; what was there is now {kept.name}{unseen}")


def _is_stale_shard(name: str, wanted: Iterable[str]) -> bool:
    """Whether a deliverable of an earlier run would be read as a part of the data set that this run writes anew."""
    return name.startswith(f"{SHARD_FOLDER}/") and any(one.startswith(f"{SHARD_FOLDER}/") for one in wanted)


def _settings_digest(config: dict[str, Any]) -> str:
    """A digest of the settings that shape the files of a run; not of those that only say which files it makes."""
    shaping = {name: value for name, value in config.items() if name not in SHAPELESS_SETTINGS}
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()


@contextmanager
def _locked_video_folder(job: Job, output_dir: Path) -> Iterator[Path]:
    """The video's own folder, locked against other runs; ``OutputError`` where it cannot be written."""
    while True:
        try:
            folder = choose_folder(job, output_dir)
        except OSError as error:
            raise OutputError(error_line(error, output_dir / job.video.name)) from error
        with locked_folder(folder):
            if choose_folder(job, output_dir) == folder:  # else another video took it while this one waited
                yield folder
                return


def choose_folder(job: Job, output_dir: Path) -> Path:
    """The video's own folder: the one it has, else its name, else its name with a digest of its path.

    Of one person of the video, a folder in that one.
    """
    digest = job.video.digest  # of an object: that of its address, wherever the cache keeps it
    for name in (job.video.stem, f"{job.video.stem}-{digest}"):  # earlier runs may have had videos of the same name
        if _video_in(output_dir / name).get("path") == job.video.location:
            return _of_person(job, output_dir / name)
    folder = output_dir / job.video.name
    _require_folder(folder, "the video's")
    if _is_free(folder) or job.digest == _video_in(folder).get("sha256"):
        return _of_person(job, folder)
    return _of_person(job, output_dir / f"{job.video.name}-{digest}")


def _video_in(folder: Path) -> dict[str, Any]:
    """The video that a folder holds results of, or results of its people; empty where it holds none."""
    if not folder.is_dir():
        return {}
    for place in (folder, *sorted(folder.glob(PERSON_FOLDERS))):
        if record := read_record(place):
            found: dict[str, Any] = record["video"]
            return found
    return {}


def _is_free(folder: Path) -> bool:
    """Whether it is not there, or holds no more than corrections by hand and part files.

    Part files are those of a run that is about to take the folder, or was killed.
    """
    return not folder.exists() or all(
        _is_free(path)
        if path.match(PERSON_FOLDERS) and path.is_dir()
        else path.match(f".*{PART_SUFFIX}") or path.name == CORRECTIONS_NAME
        for path in folder.iterdir()
    )


def _require_folder(folder: Path, whose: str) -> None:
    if fact := no_folder_reason(folder):
        raise OutputError(f"{folder}: {fact}, but {whose} folder has this name; move it, or change output_dir=")


def _of_person(job: Job, folder: Path) -> Path:
    """The folder of the job's person in that of the video; a folder of that name that somebody else made is left."""
    if not job.person:
        return folder
    own = folder / person_folder(job.person)
    _require_folder(own, "the person's")
    return own if _is_free(own) or read_record(own) else folder / f"{own.name}-{job.video.digest}"


def _copy_to_part(artifact: AnyArtifact, name: str, folder: Path) -> Path | None:
    """A checked copy of a cached file as a part file; None where the folder has the same bytes already."""
    target, held = folder / name, PurePosixPath(name).name
    stored = artifact.files[held]
    if target.is_file() and target.stat().st_size == stored.size and sha256_of(target) == stored.sha256:
        return None
    target.parent.mkdir(parents=True, exist_ok=True)
    part = part_path(target)
    shutil.copyfile(artifact.path(held), part)
    if sha256_of(part) != stored.sha256:
        raise forget_damaged(artifact, str(target))
    return part
