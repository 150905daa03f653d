"""The pose stage: find everybody's landmarks, and how each torso moves from frame to frame."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from tasks.errors import NobodyFound, counted
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HIPS
from tasks.media.files.people_file import PeopleWriter, people_writer
from tasks.media.input.prefetch import prefetched
from tasks.media.input.rgb_frames import RgbFrame, rgb_frames
from tasks.media.matting.body_mask import crop_body_mask
from tasks.media.scene.camera_recorder import CameraRecorder
from tasks.media.tracking.appearance import clothing_histograms
from tasks.media.tracking.torso_motion import TorsoMotion
from tasks.models.people import PeopleFinder, Sighting, open_people_tracker
from tasks.models.sources import model_files
from tasks.records import Tick, read_clip
from tasks.requests import PoseRequest

CLOTHES_INTERVAL_S: Final = 0.1  # between two looks at a person's clothes
CARRY_WITHOUT_POSE_S: Final = 1.0  # that the motion of a torso is followed after its pose was lost
NO_BODY_MASK: Final = np.zeros((1, 1), np.uint8)  # the mask of a body that came without one


class SeenFrame(NamedTuple):
    """A frame the model has passed."""

    frame: RgbFrame
    looked: bool  # whether the model looked at it
    people: list[Sighting]  # in pixels of ``frame.rgb``


@dataclass
class TorsoFollower:
    """A torso whose motion is measured."""

    motion: TorsoMotion = field(default_factory=TorsoMotion)
    seen_s: float = -np.inf  # when the pose was last seen
    clothes_s: float = -np.inf  # when the clothes were last looked at


@dataclass
class PoseCounts:
    """What was found in the whole clip."""

    frames: int = 0
    looked: int = 0
    detected: int = 0  # of those looked at: with at least one person
    sightings: int = 0
    tracks: int = 0
    hip_visibility: float = 0.0  # summed over the sightings


def estimate_pose(request: PoseRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write everybody's tracks (see ``tasks.media.files.people_file``): landmarks, masks, clothes, torso motion.

    Besides, ``camera.parquet``: how the camera moves against what nobody hides.

    ``NobodyFound`` when no frame shows a person; ``ModelError`` when the model does not run on the device asked for.
    """
    clip = read_clip(request.clip)
    settings, models = request.settings, request.models
    with (
        open_people_tracker(
            model_files(settings.model.value, models.dir, models.download),
            device=request.device.value,
            max_people=settings.people,
            min_detection=settings.min_detection,
            min_tracking=settings.min_tracking,
            with_masks=True,
        ) as (finder, use),
        people_writer(folder) as writer,
        prefetched(rgb_frames(request.source, clip, cache_mb=request.held_mb)) as stream,
        prefetched(find_people(stream, finder, settings.every)) as seen,
    ):
        camera = CameraRecorder(clip.size_px)
        found = record_people(seen, writer, tick, camera)
    camera.write(folder / "camera.parquet")
    if not found.detected:
        cure = "check that it shows a person, or lower pose.min_detection"
        raise NobodyFound(f"no person found in {counted(found.frames, 'frame')}; {cure}")
    return {
        "frames": found.frames,
        "looked": found.looked,
        "detected": found.detected,
        "detection_rate": found.detected / found.looked,
        "hip_visibility": found.hip_visibility / found.sightings,
        "tracks": found.tracks,
        "model": settings.model.value,
        "device": use.device,
        "device_note": use.note,
    }


def find_people(stream: Iterator[RgbFrame], finder: PeopleFinder, every: int) -> Iterator[SeenFrame]:
    """Let ``finder`` look at every ``every``-th frame of ``stream``, from the first one."""
    for frame in stream:
        looked = frame.index % every == 0
        yield SeenFrame(frame, looked, finder(frame.rgb, frame.time_s) if looked else [])


def record_people(seen: Iterator[SeenFrame], writer: PeopleWriter, tick: Tick, camera: CameraRecorder) -> PoseCounts:
    """Write who is seen in each frame, measure clothes, torso and camera motion, and count."""
    movers: dict[int, TorsoFollower] = {}
    counts = PoseCounts()
    for frame, looked, people in seen:
        writer.frame(frame.index, frame.time_s, looked)
        present, bodies = {}, []
        for track, in_rgb, mask in people:
            present[track] = landmarks = frame.to_source(in_rgb)
            body = crop_body_mask(NO_BODY_MASK if mask is None else mask, frame.scale_xyz[:2])
            writer.sighting(frame.index, frame.time_s, track, landmarks, body)
            bodies.append(body)
            mover = movers.setdefault(track, TorsoFollower())
            mover.seen_s = frame.time_s
            if frame.time_s >= mover.clothes_s + CLOTHES_INTERVAL_S:
                mover.clothes_s = frame.time_s
                writer.clothes(frame.index, track, clothing_histograms(frame.rgb, in_rgb))
        _measure_steps(movers, frame, present, writer)
        camera.add(frame.luma, frame.time_s, bodies)
        counts.frames += 1
        counts.looked += looked
        counts.detected += bool(present)
        counts.sightings += len(present)
        counts.tracks = max([counts.tracks, *present])
        counts.hip_visibility += sum(float(landmarks[list(HIPS), 3].mean()) for landmarks in present.values())
        tick(counts.frames)
    return counts


def _measure_steps(
    movers: dict[int, TorsoFollower], frame: RgbFrame, present: dict[int, Floats], writer: PeopleWriter
) -> None:
    """Measure the step of each torso that is or was lately there."""
    for track, mover in list(movers.items()):
        landmarks = present.get(track)
        if landmarks is not None:
            step = mover.motion.step(frame.luma, landmarks[:, :2], landmarks[:, 3])
        elif frame.time_s - mover.seen_s <= CARRY_WITHOUT_POSE_S:
            step = mover.motion.step(frame.luma, None, None)
        else:
            del movers[track]
            continue
        writer.step(frame.index, track, step)
