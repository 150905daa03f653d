"""The pose stage: find the person's landmarks in every frame."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tasks.errors import NobodyFound
from tasks.maths.landmarks import HIPS
from tasks.media.pose_file import PoseWriter, pose_writer
from tasks.media.prefetch import prefetched
from tasks.media.rgb import RgbFrame, rgb_frames
from tasks.models.pose import PoseEstimator, open_pose
from tasks.models.sources import model_files
from tasks.records import Tick, read_clip
from tasks.requests import PoseRequest


class Found(NamedTuple):
    """What was found in the whole clip."""

    frames: int
    detected: int
    hip_visibility: float  # mean over the detected frames


def estimate_pose(request: PoseRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``pose.parquet`` and ``pose.csv``: 33 landmarks a frame, NaN where nobody was found.

    ``NobodyFound`` when that is every frame; ``ModelError`` when the model does not run on the device asked for.
    """
    clip = read_clip(request.clip)
    settings, models = request.settings, request.models
    with (
        open_pose(
            model_files(settings.model.value, models.dir, models.download),
            device=request.device.value,
            min_detection=settings.min_detection,
            min_tracking=settings.min_tracking,
        ) as (estimator, use),
        pose_writer(folder / "pose.parquet", folder / "pose.csv") as writer,
        prefetched(rgb_frames(request.source, clip)) as stream,
    ):
        found = follow(stream, estimator, writer, tick)
    if not found.detected:
        cure = "check that it shows a person, or lower pose.min_detection"
        raise NobodyFound(f"{request.source.name}: no person found in {found.frames} frames; {cure}")
    return {
        "frames": found.frames,
        "detected": found.detected,
        "detection_rate": found.detected / found.frames,
        "hip_visibility": found.hip_visibility,
        "model": settings.model.value,
        "device": use.device,
        "device_note": use.note,
    }


def follow(stream: Iterator[RgbFrame], estimator: PoseEstimator, writer: PoseWriter, tick: Tick) -> Found:
    """Run ``estimator`` over ``stream``, write what it finds in each frame, and count."""
    count = detected = 0
    hips = 0.0
    for frame in stream:
        person = estimator(frame.rgb, frame.time_s)
        writer.write(frame.time_s, None if person is None else person.landmarks)
        count = frame.number + 1
        if person is not None:
            detected += 1
            hips += float(person.landmarks[list(HIPS), 3].mean())
        tick(count)
    return Found(count, detected, hips / detected if detected else float("nan"))
