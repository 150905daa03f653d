"""What ``run.json`` says of a video: settings, versions, digests, and for each stage whether it ran and how fast."""

import json
import platform
import resource
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from conf.choices import BorderMode, FrameMode, Output, Runner
from flows.job import Job
from flows.results.result import Result, StageRun, stage_run
from tasks.cache.keys import canonical
from tasks.maths.anchor.states import SEEN_STATES
from tasks.maths.metrics.lock_metrics import FILE_METRIC_UNITS
from tasks.records import Artifact, Clip, read_clip

SCHEMA = 1
SHEET = "contact.jpg"
AMPLE = 0.75  # of the output: where less is picture, the border's mirror image is what an eye sees first
MOSTLY = 0.9  # of the frames: where fewer were judged, it is said
LIBRARIES = ("stillwalk", "av", "mediapipe", "numpy", "opencv-python", "prefect", "pyarrow", "scipy")


def describe(
    job: Job, artifacts: dict[str, Artifact], folder: Path, error: str = "", older: Sequence[str] = ()
) -> Result:
    """The outcome of one video from the artifacts of its stages; ``older`` files in its folder are warned of."""
    runs = [_run(title, artifact, job) for title, artifact in artifacts.items()]
    facts = {title: dict(artifact.facts) for title, artifact in artifacts.items()}
    clip = read_clip(artifacts["decode"]) if "decode" in artifacts else None
    warnings = _warnings(clip, facts)
    needed_mb, given_mb = facts.get("decode", {}).get("memory_mb", 0), job.config.decode.memory_mb
    if job.config.decode.frames is FrameMode.memory and needed_mb > given_mb:
        warnings.append(f"decode.memory_mb: the frames take {needed_mb} MB, more than {given_mb}: they were streamed")
    if clip and job.config.pose.every > 1 and not job.config.verify:
        warnings.append(_unseen(job.config.pose.every, float(clip.rate)))
    if older:
        warnings.append(f"in this folder from earlier runs, perhaps with other settings: {', '.join(older)}")
    if error and clip and clip.broken:
        error = f"{error} (of a broken file: {clip.broken})"
    summary = headline(artifacts, job.config.border.mode)
    return Result(job.video, error, folder, runs, facts, warnings, summary, job.setting, flat_metrics(artifacts))


def _run(title: str, artifact: Artifact, job: Job) -> StageRun:
    """A stage's line; the contact sheet has no stage of its own, it comes with the stabilized video."""
    with_sheet = Output.contact in job.config.outputs and SHEET in artifact.files
    return stage_run(artifact, title if title != artifact.stage else "", job.run_id, SHEET if with_sheet else "")


def _warnings(clip: Clip | None, facts: dict[str, dict[str, Any]]) -> list[str]:
    broken = [clip.broken] if clip and clip.broken else []
    notes = [
        note
        for stage in facts.values()
        for note in [*stage.get("notes", []), stage.get("device_note"), stage.get("why")]
    ]
    return list(dict.fromkeys(note for note in broken + notes if note))


def _unseen(every_frames: int, rate_hz: float) -> str:
    """What the plan of a video whose pose model looked at every so many frames cannot tell, and what can."""
    fact = f"pose.every={every_frames} is a look every {every_frames / rate_hz:.2f} s"
    blind = "between looks the plan takes the torso's motion for the truth and does not see its errors"
    return f"{fact}; {blind}: verify=true looks at every frame of the rendered file"


def headline(artifacts: dict[str, Artifact], border: BorderMode) -> str:
    """Detection rate and planned lock, in a line; empty where there is no trajectory."""
    if "trajectory" not in artifacts:
        return ""
    pose = artifacts["subject"].facts
    metrics = all_metrics(artifacts)
    planned, before = metrics["planned"], metrics["before"]
    seen = f"person in {pose['detected']} of {pose['looked']} frames"
    if pose["looked"] < pose["frames"]:
        seen = f"{seen} looked at, of {pose['frames']}"
    else:
        seen = f"{seen} ({pose['detection_rate']:.1%})"
    states = artifacts["offsets"].facts["states"]
    judged_frames = sum(states.get(state, 0) for state in SEEN_STATES)
    where = f" over the {judged_frames} frames that are no guess" if judged_frames < pose["frames"] else ""
    lock = f"planned lock {planned['lock_rms']:.1f} px rms{where} ({before['lock_rms']:.0f} px before)"
    verified = metrics.get("verified", {})
    step, was = verified.get("residual_step"), verified.get("residual_step_before")
    tremble = f"; in the file: torso steps {step:.2f} px/frame ({was:.2f} before)" if step and was else ""
    if verified and verified["lock_rms"] is None:
        tremble += "; the fresh look at the file did not find the person"
    elif verified:
        tremble += f", a fresh pose run's lock {verified['lock_rms']:.1f} px rms, its own noise included"
        if (judged := verified.get("judged")) is not None and judged < MOSTLY:
            tremble += f"; only {judged:.0%} of the frames could be judged"
    return f"{seen}, {lock}, {_shown(planned['visible_area_mean'], border)}{tremble}"


def _shown(area: float, border: BorderMode) -> str:
    shown = f"{area:.0%} of the output is picture"
    if area >= AMPLE or border is not BorderMode.reflect:
        return shown
    return f"{shown}, the rest is mirrored (border=constant or blur shows nobody twice)"


def all_metrics(artifacts: dict[str, Artifact]) -> dict[str, Any]:
    """Planned metrics, those of the source before, and those verified on the rendered file where that was asked for."""
    metrics: dict[str, Any] = json.loads(artifacts["trajectory"].path("metrics.json").read_text())
    if "verify" in artifacts:
        metrics["verified"] = json.loads(artifacts["verify"].path("verified.json").read_text())
        metrics["units"] |= FILE_METRIC_UNITS
    return metrics


def flat_metrics(artifacts: dict[str, Artifact]) -> dict[str, float | None]:
    """What is planned, by name, and beside it as ``verified_...`` what was measured; empty without a trajectory."""
    if "trajectory" not in artifacts:
        return {}
    metrics = all_metrics(artifacts)
    verified = {f"verified_{name}": value for name, value in metrics.get("verified", {}).items()}
    return {**metrics["planned"], **verified}


def run_record(
    job: Job, artifacts: dict[str, Artifact], result: Result, deliverables: dict[str, Artifact]
) -> dict[str, Any]:
    """``run.json`` of a finished video; ``deliverables`` says which artifact holds each."""
    files = {name: artifact.files[name] for name, artifact in sorted(deliverables.items())}
    return {
        **_common(job, artifacts, result),
        "deliverables": {name: {"sha256": stored.sha256, "bytes": stored.size} for name, stored in files.items()},
    }


def failure_record(
    job: Job, artifacts: dict[str, Artifact], result: Result, findings: Sequence[str] = ()
) -> dict[str, Any]:
    """``run.json`` of a video that failed: what was done before it did, why, and the keys of what was found missing."""
    return {**_common(job, artifacts, result), "findings": list(findings), "deliverables": {}}


def _common(job: Job, artifacts: dict[str, Artifact], result: Result) -> dict[str, Any]:
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # units of 1024 bytes on Linux
    apart = job.config.runner is Runner.processes  # then nobody knows what all of them took at once
    return {
        "schema": SCHEMA,
        "run_id": job.run_id,
        **({"setting": job.setting} if job.setting else {}),
        "video": {"name": job.video.name, "path": job.video.place, "sha256": job.digest},
        "error": result.error,
        "summary": result.headline,
        "warnings": result.warnings,
        "clip": asdict(read_clip(artifacts["decode"])) if "decode" in artifacts else None,
        "stages": [asdict(run) for run in result.stages],
        "log": {title: _log(artifact) for title, artifact in artifacts.items()},
        "memory_peak_mb": None if apart else round(peak_kb * 1.024e-3),
        "config": canonical(job.config),
        "models": job.models,
        "versions": _versions(),
    }


@cache
def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: version(name) for name in LIBRARIES}}


def _log(artifact: Artifact) -> dict[str, Any]:
    """Facts of a stage with how long computing took, then or now, and frames per second."""
    frames = artifact.facts.get("frames")
    speed = {"fps": round(frames / artifact.seconds, 1)} if frames and artifact.seconds else {}
    return {"computed_in_s": artifact.seconds, **speed, **artifact.facts}
