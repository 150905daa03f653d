"""The pose stage: the landmarks of everybody in the clip, and the motion of each torso from frame to frame."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.errors import NobodyFound, counted
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HIPS
from tasks.maths.repeated_frames import Changes
from tasks.maths.tracking.squares import into_image
from tasks.media.files.people_file import PeopleWriter, people_writer
from tasks.media.files.tables import read_table, write_table
from tasks.media.input.damage import describe_concealed
from tasks.media.input.prefetch import prefetched
from tasks.media.input.rgb_frames import RgbFrame, rgb_frames
from tasks.media.matting.body_mask import crop_body_mask
from tasks.media.scene.camera_motion import CameraRecorder
from tasks.media.tracking.appearance import clothed_square, clothing_histograms
from tasks.media.tracking.portraits import PortraitRecorder
from tasks.media.tracking.shots import number_shots
from tasks.media.tracking.torso_motion import TorsoMotion
from tasks.models.open_people import open_people_tracker
from tasks.models.people_finder import PeopleFinder, Sighting
from tasks.models.sources import model_files
from tasks.records import Clip, Tick, read_clip
from tasks.requests import PoseRequest

CLOTHES_INTERVAL_S: Final = 0.1  # between two measurements of one person's clothes
CLOTHES_IMAGE_PX: Final = 96  # side of the square image in which clothes are measured: a torso is about 40 px long
LEAST_REPEATED_SHARE: Final = 0.02  # of the frames: fewer repeated frames are not reported
CARRY_WITHOUT_POSE_S: Final = 1.0  # a torso is tracked for this time after its last pose
NO_BODY_MASK: Final = np.zeros((2, 2), np.uint8)  # where the model gives no mask; OpenCV needs more than one pixel


class SeenFrame(NamedTuple):
    """A frame that has passed the pose model."""

    frame: RgbFrame
    shot: int  # from 0 on
    looked: bool  # whether the model looked at it
    people: list[Sighting]  # in square pixels


@dataclass
class TorsoFollower:
    """A torso whose motion is measured."""

    motion: TorsoMotion
    seen_s: float = -np.inf  # time of the last pose
    clothes_s: float = -np.inf  # time of the last measurement of the clothes


@dataclass
class PoseCounts:
    """Counts over the whole clip."""

    frames: int = 0
    shots: int = 0
    looked: int = 0
    detected: int = 0  # frames with at least one person, of those looked at
    sightings: int = 0
    tracks: int = 0
    hip_visibility: float = 0.0  # sum over the sightings


def estimate_pose(request: PoseRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write everybody's tracks (see ``tasks.media.files.people_file``): landmarks, masks, clothes, torso motion.

    Also ``camera.parquet``: the motion of the camera against the uncovered background; ``repeated.parquet``: which
    frames show the picture of the one before; and small pictures of everybody, ``portraits.zip``.

    This pass is the first to decode the whole file: ``TableNotConfirmed`` where its frames are not those of the table
    (see ``media.input.packet_table``). ``NobodyFound`` when no frame shows a person; ``ModelError`` when the model does
    not run on the requested device.
    """
    clip = read_clip(request.clip)
    settings, files = request.settings, model_files(request.settings.model.value, request.models.dir)
    pts = read_table(request.clip.path("frames.parquet"), ["pts"])["pts"]
    changes, concealed_s = Changes(), list[float]()
    with (
        open_people_tracker(files, settings, device=request.device.value, with_masks=True) as (finder, device_use),
        people_writer(folder) as writer,
        prefetched(_scale_ahead(number_shots(_frames(request, clip, pts, changes, concealed_s)), finder)) as stream,
        prefetched(find_people(stream, finder, settings.every)) as seen,
    ):
        camera, portraits = CameraRecorder(clip.size_px, clip.widening), PortraitRecorder()
        counts = record_people(seen, writer, tick, camera, portraits)
    camera.write(folder / "camera.parquet")
    portraits.write(folder / "portraits.zip")
    repeated = changes.repeated()
    write_table(folder / "repeated.parquet", {"frame": np.arange(counts.frames), "repeated": repeated})
    if not counts.detected:
        cure = "check that it shows a person, or lower pose.min_detection"
        raise NobodyFound(f"no person found in {counted(counts.frames, 'frame')}; {cure}")
    return {
        **_facts(counts),
        "model": settings.model.value,
        "device": device_use.device,
        "device_note": device_use.note,
        "repeated": int(repeated.sum()),
        "notes": [*_note_of_damage(concealed_s), *note_of_repeated(counts.frames, int(repeated.sum()))],
    }


def _facts(counts: PoseCounts) -> dict[str, Any]:
    """The facts of the stage that are counts, rates and means; at least one person was found."""
    return {
        "frames": counts.frames,
        "shots": counts.shots,
        "looked": counts.looked,
        "detected": counts.detected,
        "detection_rate": counts.detected / counts.looked,
        "hip_visibility": counts.hip_visibility / counts.sightings,
        "tracks": counts.tracks,
    }


def _frames(
    request: PoseRequest, clip: Clip, pts: NDArray[np.int64], changes: Changes, concealed_s: list[float]
) -> Iterator[RgbFrame]:
    """The clip's frames; ``TableNotConfirmed`` if they are not those at ``pts`` (n,), in ticks.

    Each frame's difference from the one before is added to ``changes``. The times of frames in which the decoder
    concealed damage are added to ``concealed_s``.
    """
    for frame in rgb_frames(request.source, clip, cache_mb=request.cache_mb, confirm=pts):
        changes.add(frame.luma)
        if frame.concealed:
            concealed_s.append(frame.time_s)
        yield frame


def _note_of_damage(concealed_s: Sequence[float]) -> list[str]:
    if not concealed_s:
        return []
    fact = "the decoder covers that up, and later frames may show it"
    return [f"{describe_concealed(concealed_s)}: {fact}; copy or download the file again"]


def note_of_repeated(frames: int, repeated: int) -> list[str]:
    """A sentence on the frames that repeat the one before; none where they are few."""
    if repeated < LEAST_REPEATED_SHARE * frames:
        return []
    repeat = "repeats" if repeated == 1 else "repeat"
    fact = f"{repeated} of {counted(frames, 'frame')} {repeat} the one before, as in a clip stretched to a higher rate"
    return [f"{fact}: each is moved like the frame that it repeats"]


def find_people(stream: Iterator[tuple[RgbFrame, int]], finder: PeopleFinder, every: int) -> Iterator[SeenFrame]:
    """Run ``finder`` on every ``every``-th frame of ``stream`` and on the first one of each shot."""
    last_shot = 0
    before: SeenFrame | None = None  # its people are asked for after the look at the next frame: both run side by side
    people: Callable[[], list[Sighting]] = list
    for frame, shot in stream:
        if shot != last_shot:
            finder.begin_shot(frame.time_s)
        looked = frame.index % every == 0 or shot != last_shot
        last_shot = shot
        seen = finder.look(frame, frame.time_s) if looked else list
        if before is not None:
            yield before._replace(people=people())
        before, people = SeenFrame(frame, shot, looked, []), seen
        del frame  # a picture must not be kept while the next one is waited for, beside the one before
    if before is not None:
        yield before._replace(people=people())


def _scale_ahead(stream: Iterator[tuple[RgbFrame, int]], finder: PeopleFinder) -> Iterator[tuple[RgbFrame, int]]:
    """The same frames and shots. Where ``finder`` will look at the whole frame, its picture is made here already.

    The stream runs in a thread of its own, so the picture is ready when the finder asks for it.
    """
    for frame, shot in stream:
        if finder.sees_whole:
            frame.whole()
        yield frame, shot


def record_people(
    seen: Iterator[SeenFrame], writer: PeopleWriter, tick: Tick, camera: CameraRecorder, portraits: PortraitRecorder
) -> PoseCounts:
    """Write the people of each frame, take pictures, measure clothes, torso and camera motion, and count."""
    followers: dict[int, TorsoFollower] = {}
    counts = PoseCounts()
    for frame, shot, looked, people in seen:
        writer.frame(frame.index, frame.time_s, looked, shot)
        if shot + 1 != counts.shots:
            followers.clear()
            counts.shots = shot + 1
        present, bodies = {sighting.track: sighting.in_source(frame.widening) for sighting in people}, []
        for track, landmarks, mask, _, clear_px in people:
            stored = present[track]
            body = crop_body_mask(NO_BODY_MASK if mask is None else mask, stored.edges_px)
            writer.sighting(frame.index, frame.time_s, track, stored.landmarks, body)
            bodies.append(body)
            portraits.add(frame, track, landmarks)
            follower = followers.setdefault(track, TorsoFollower(TorsoMotion(frame.widening)))
            follower.seen_s = frame.time_s
            # Where another person is covered, a part of this one may be covered too, or a part of the other may show.
            if clear_px is None and frame.time_s >= follower.clothes_s + CLOTHES_INTERVAL_S:
                follower.clothes_s = frame.time_s
                writer.clothes(frame.index, track, _clothes(frame, landmarks))
        _measure_steps(followers, frame, present, writer)
        camera.add(frame.reduced_luma, frame.time_s, bodies)
        counts.frames += 1
        counts.looked += looked
        counts.detected += bool(present)
        counts.sightings += len(present)
        counts.tracks = max([counts.tracks, *present])
        counts.hip_visibility += sum(float(one.landmarks[list(HIPS), 3].mean()) for one in people)
        tick(counts.frames)
    return counts


def _clothes(frame: RgbFrame, landmarks: Floats) -> NDArray[np.float32]:
    """The colours that the person with ``landmarks`` (33, 5), in square pixels, wears in the frame."""
    square = clothed_square(landmarks)
    image = frame.part(square, CLOTHES_IMAGE_PX)
    return clothing_histograms(image, into_image(landmarks, frame.edges_px(square), CLOTHES_IMAGE_PX))


def _measure_steps(
    followers: dict[int, TorsoFollower], frame: RgbFrame, present: dict[int, Sighting], writer: PeopleWriter
) -> None:
    """Measure the step of each torso with a pose now or not long ago. ``present`` is in source pixels."""
    for track, follower in list(followers.items()):
        seen = present.get(track)
        if seen is not None:
            shown_xy = None if seen.clear_px is None else seen.clear_px[[[0, 1], [2, 1], [2, 3], [0, 3]]]
            step = follower.motion.step(frame.luma, seen.landmarks[:, :2], seen.landmarks[:, 3], shown_xy)
        elif frame.time_s - follower.seen_s <= CARRY_WITHOUT_POSE_S:
            step = follower.motion.step(frame.luma, None, None)
        else:
            del followers[track]
            continue
        writer.step(frame.index, track, step)
