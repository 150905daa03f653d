"""What ``run.json`` and the terminal say of a video: settings, versions, digests, stages, warnings, summary."""

import platform
import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

from conf.config import Config
from conf.enums import BorderMode, FrameMode, Output, Runner
from flows.corrections import corrections_path
from flows.graph.output_needs import SCENE_BORDERS
from flows.jobs import Job
from flows.results.gait_figures import gait_lines
from flows.results.received import are_metrics
from flows.results.result import REPORT_NAME, Result, StageRun, stage_run
from flows.results.stage_warnings import clip_of, stage_warnings, with_damage
from tasks.cache.keys import library_version
from tasks.errors import SettingError, counted, first_few
from tasks.maths.anchor.states import SEEN_STATES
from tasks.maths.metrics.lock_metrics import FILE_METRIC_UNITS
from tasks.records import AnyArtifact
from tasks.untrusted.corrections_file import read_corrections
from tasks.untrusted.json_file import read_object

RECORD_SCHEMA: Final = 1
CONTACT_SHEET_NAME: Final = "contact.jpg"
MIN_AREA_WITHOUT_MIRROR_NOTE: Final = 0.75  # share of the output; below it the mirrored border is conspicuous
LEAST_PICTURE: Final = 0.1  # share of the output; no clip of the tests shows so little with usual settings
USUAL_HEIGHT: Final = 0.6  # of lock.height: the example of its page
LEAST_WHOLE_PX: Final = 10  # smaller figures are shown with one digit more
LEAST_SHARE: Final = 0.005  # of the output: a smaller part is not worth a word
MIN_JUDGED_WITHOUT_NOTE: Final = 0.9  # share of the frames
RECORDED_LIBRARIES: Final = ("stillwalk", "av", "mediapipe", "numpy", "opencv-python", "prefect", "pyarrow", "scipy")


def describe_result(
    job: Job, artifacts: dict[str, AnyArtifact], folder: Path, error: str = "", older: Sequence[str] = ()
) -> Result:
    """The result of one video from the artifacts of its stages; ``older`` files in its folder cause a warning."""
    runs = [_stage_run(title, artifact, job) for title, artifact in artifacts.items()]
    facts = {title: artifact.facts for title, artifact in artifacts.items()}
    clip = clip_of(artifacts)
    warnings = stage_warnings(artifacts)
    needed_mb, allowed_mb = facts.get("decode", {}).get("memory_mb", 0), job.config.decode.memory_mb
    if job.config.decode.frames is FrameMode.memory and needed_mb > allowed_mb:
        warnings.append(f"decode.memory_mb: the frames take {needed_mb} MB, more than {allowed_mb}: they were streamed")
    if clip and job.config.pose.every > 1 and not job.config.verify:
        warnings.append(_pose_interval_warning(job.config.pose.every, float(clip.rate)))
    if older:
        warnings.append(f"the folder also holds files of an earlier run with other settings: {first_few(older)}")
    if error:
        error = with_damage(error, artifacts)
    found = read_metrics(artifacts) if "trajectory" in artifacts else {}
    summary = [
        *_choice_lines(facts.get("subject", {}), job),
        *_corrections_lines(job),
        *summary_lines(artifacts, found, job.config),
        *gait_lines(artifacts),
    ]
    metrics = flattened(found) if found else {}
    if (area := metrics.get("visible_area_mean")) is not None and area < LEAST_PICTURE:
        warnings.append(f"only {area:.1%} of the output shows the picture, the rest is border; {_area_cure(job)}")
    return Result(job.video, error, folder, runs, warnings, summary, job.setting, metrics, job.person)


def _area_cure(job: Job) -> str:
    height = job.config.lock.height
    small = height is not None and height < USUAL_HEIGHT
    return f"lock.height={USUAL_HEIGHT} shows the person larger" if small else "crop=auto shows no border"


def _stage_run(title: str, artifact: AnyArtifact, job: Job) -> StageRun:
    """A stage's item; the contact sheet has no stage of its own, the stabilized video brings it."""
    with_sheet = Output.contact in job.config.outputs and CONTACT_SHEET_NAME in artifact.files
    output = title if title != artifact.stage else ""
    return stage_run(artifact, output, job.run_id, CONTACT_SHEET_NAME if with_sheet else "")


def _pose_interval_warning(interval_frames: int, rate_hz: float) -> str:
    fact = f"pose.every={interval_frames}: the pose is measured every {interval_frames / rate_hz:.2f} s"
    limit = "the planned lock does not see errors of the torso's motion in between"
    return f"{fact}; {limit}: verify=true measures every frame of the rendered file"


def _choice_lines(subject: Mapping[str, Any], job: Job) -> Iterator[str]:
    """Who of several people is followed, and how to follow another one where only one is."""
    if subject.get("followed"):
        by_hand = _corrections(job).get("corrections", {}).get("people", ())
        changes = [f"person {person} from frame {frame} on" for frame, person in by_hand if frame]
        yield f"followed: {subject['followed']}{'; corrected: ' if changes else ''}{first_few(changes)}"
        if not job.person:
            yield f"to follow another one: {subject['others']}"


def _corrections_lines(job: Job) -> Iterator[str]:
    """How many corrections hold and where they lie: a file in the video's folder is used without being named."""
    given = _corrections(job).get("corrections", {})
    if count := sum(len(given.get(kind, ())) for kind in ("points", "people", "absences")):
        yield f"corrections by hand: {count} from {given['file']}; corrections=none leaves them out"


def summary_lines(artifacts: dict[str, AnyArtifact], metrics: Mapping[str, Any], config: Config) -> Iterator[str]:
    """Short lines about detection, lock and picture, from what ``read_metrics`` gives; none where it is empty."""
    if not metrics:
        return
    pose = artifacts["subject"].facts
    planned, before = metrics["planned"], metrics["before"]
    detected, looked = pose["detected"], pose["looked"]
    if looked < pose["frames"]:
        yield f"person: found in {detected} of {counted(looked, 'analysed frame')}, {pose['frames']} in all"
    else:
        yield f"person: found in {detected} of {counted(looked, 'frame')} ({pose['detection_rate']:.1%})"
    states = artifacts["offsets"].facts["states"]
    known = sum(states.get(state, 0) for state in SEEN_STATES)
    where = f", over the {counted(known, 'frame')} with a measured anchor" if known < pose["frames"] else ""
    digits = 0 if before["lock_rms"] >= LEAST_WHOLE_PX else 1
    source = f"lock: {before['lock_rms']:.{digits}f} px off the target in the source"
    yield from _lock_lines(
        source, f"{planned['lock_rms']:.1f} px in the plan (rms){where}", metrics.get("verified", {})
    )
    if not any(artifact.stage == "render" and title != REPORT_NAME for title, artifact in artifacts.items()):
        return  # no picture was made
    path = artifacts["trajectory"].facts
    if why := path.get("target", artifacts["offsets"].facts.get("target")):
        yield f"target: {why}"
    if (zoom := path.get("zoom", 1)) != 1:
        yield f"zoom: {zoom:.3g}; distances are in pixels of the output"
    area = planned["visible_area_mean"]
    yield _picture_line(area, config.border.mode, metrics.get("origin", {}))
    if config.target == "auto" and (natural_area := path.get("natural_area")):
        where = "where the hips stay at their mean height in the source"
        yield f"more of it: target=natural, {where}, shows {natural_area:.0%}"


def _lock_lines(source: str, plan: str, verified: dict[str, float | None]) -> Iterator[str]:
    """The lock in the source and in the plan; with verify=true also in the rendered file, and the torso's step."""
    if not verified:
        yield f"{source}, {plan}"
        return
    lock_rms = verified["lock_rms"]
    if lock_rms is None:
        yield f"{source}, {plan}; unknown in the rendered file, where the second pose run did not find the person"
    else:
        judged = verified.get("judged")
        few = judged is not None and judged < MIN_JUDGED_WITHOUT_NOTE
        note = f"; only {judged:.0%} of the frames could be judged" if few else ""
        noise = "the figure of the file holds the noise of a second pose run"
        yield f"{source}, {lock_rms:.1f} px in the rendered file, {plan}; {noise}{note}"
    step, source_step = verified.get("residual_step"), verified.get("residual_step_before")
    if step and source_step:
        yield f"torso in the file: {step:.2f} px per frame, {source_step:.2f} in the source"


def _picture_line(area: float, border: BorderMode, origin: dict[str, float]) -> str:
    shares = (area, origin.get("seen", 0.0), origin.get("mirrored", 0.0)) if border in SCENE_BORDERS else (area,)
    own, *others = zip(whole_percents(shares), shares, strict=True)
    line = f"picture: {own[0]}% of the output shows the frame itself"
    if border in SCENE_BORDERS:
        named = zip(("from other frames", "mirrored without people"), others, strict=True)
        return ", ".join([line, *(f"{percent}% {what}" for what, (percent, share) in named if share >= LEAST_SHARE)])
    if area >= MIN_AREA_WITHOUT_MIRROR_NOTE or border is not BorderMode.mirror:
        return line
    return f"{line}, the rest is mirrored; border=constant or border=blur mirrors nobody"


def whole_percents(shares: Sequence[float]) -> list[int]:
    """Shares of one whole in whole per cent, whose sum is rounded as that of the shares (largest remainders)."""
    percents = [100 * share for share in shares]
    whole = [int(percent) for percent in percents]
    missing = round(sum(percents)) - sum(whole)
    for place in sorted(range(len(whole)), key=lambda place: whole[place] - percents[place])[:missing]:
        whole[place] += 1
    return whole


def read_metrics(artifacts: dict[str, AnyArtifact]) -> dict[str, Any]:
    """Planned metrics, those of the source (``before``), and with verify=true those of the file (``verified``)."""
    metrics: dict[str, Any] = read_object(artifacts["trajectory"].path("metrics.json"))
    if "verify" in artifacts:
        metrics["verified"] = read_object(artifacts["verify"].path("verified.json"))
        metrics["units"] |= FILE_METRIC_UNITS
    origin = next((artifact.facts["origin"] for artifact in artifacts.values() if "origin" in artifact.facts), None)
    if origin is not None:
        metrics["origin"] = origin
        metrics["units"] |= dict.fromkeys(origin, "share of the output")
    if not are_metrics(metrics):
        raise ValueError("metrics.json holds what is no metric")
    return metrics


def flat_metrics(artifacts: dict[str, AnyArtifact]) -> dict[str, float | None]:
    """Planned metrics by name, and verified ones as ``verified_...``; empty without a trajectory."""
    if "trajectory" not in artifacts:
        return {}
    return flattened(read_metrics(artifacts))


def flattened(metrics: Mapping[str, Any]) -> dict[str, float | None]:
    """What ``metrics.json`` says about a path and its picture, in one mapping; verified metrics as ``verified_...``."""
    verified = {f"verified_{name}": value for name, value in metrics.get("verified", {}).items()}
    found = {**metrics["planned"], **metrics.get("origin", {}), **verified}
    return {sys.intern(name): value for name, value in found.items()}  # a large sweep keeps tens of thousands


def run_record(
    job: Job, artifacts: dict[str, AnyArtifact], result: Result, deliverables: dict[str, AnyArtifact]
) -> dict[str, Any]:
    """``run.json`` of a finished video; ``deliverables`` gives the artifact that holds each file."""
    files = {name: artifact.files[PurePosixPath(name).name] for name, artifact in sorted(deliverables.items())}
    return {
        **_common_record(job, artifacts, result),
        "deliverables": {name: {"sha256": stored.sha256, "bytes": stored.size} for name, stored in files.items()},
    }


def failure_record(
    job: Job, artifacts: dict[str, AnyArtifact], result: Result, findings: Sequence[str] = ()
) -> dict[str, Any]:
    """``run.json`` of a failed video: the finished stages, the error, and the cache keys of negative findings."""
    return {**_common_record(job, artifacts, result), "findings": list(findings), "deliverables": {}}


def _common_record(job: Job, artifacts: dict[str, AnyArtifact], result: Result) -> dict[str, Any]:
    clip = clip_of(artifacts)
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux
    in_processes = job.config.runner.kind is not Runner.threads  # then the common peak is not known
    return {
        "schema": RECORD_SCHEMA,
        "run_id": job.run_id,
        **({"setting": job.setting} if job.setting else {}),
        "video": {"name": job.video.name, "path": job.video.location, "sha256": job.digest},
        **({"person": job.person} if job.person else {}),
        "error": result.error,
        "summary": "; ".join(result.summary),
        "warnings": result.warnings,
        "clip": None if clip is None else asdict(clip),
        "stages": [asdict(run) for run in result.stages],
        "log": {title: _stage_log(artifact) for title, artifact in artifacts.items()},
        "memory_peak_mb": None if in_processes else round(peak_kib * 1.024e-3),
        **_corrections(job),
        "config": job.plain_config,
        "models": job.models,
        "versions": _versions(),
    }


def _corrections(job: Job) -> dict[str, Any]:
    """The corrections by hand, where there are any, with their file."""
    path = corrections_path(job.config, job.video.name, job.person)
    if path is None:
        return {}
    try:
        return {"corrections": {"file": str(path), **asdict(read_corrections(path))}}
    except SettingError as error:  # the record of a run that failed for it
        return {"corrections": {"file": str(path), "error": str(error)}}


@cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: library_version(name) for name in RECORDED_LIBRARIES}}


def _stage_log(artifact: AnyArtifact) -> dict[str, Any]:
    """Facts of a stage, the seconds of its computation (in this run or an earlier one), and frames per second."""
    frames = artifact.facts.get("frames")
    speed = {"fps": round(frames / artifact.seconds, 1)} if frames and artifact.seconds else {}
    return {"computed_in_s": artifact.seconds, **speed, **artifact.facts}
