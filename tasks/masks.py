"""The masks stage: the probability of each pixel to belong to the person, in every frame."""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conf.enums import MaskModel, MaskSource
from tasks.errors import counted
from tasks.maths.arrays import Probability, equal_slices
from tasks.maths.body.landmarks import LANDMARK_COUNT
from tasks.maths.body.person_box import (
    PersonBoxes,
    grow_to_aspect,
    join_boxes,
    person_boxes,
    snap_to_pixels,
    whole_picture_box,
)
from tasks.media.files.masks_file import Mask, MaskState, mask_writer
from tasks.media.files.people_file import read_bodies, read_other_bodies
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_table
from tasks.media.input.frame_cache import cached_frames
from tasks.media.input.frames import Frame
from tasks.media.input.prefetch import prefetched
from tasks.media.matting.body_mask import fuse_probabilities, resample_body_mask
from tasks.media.matting.fill_masks import fill_failed_masks
from tasks.media.matting.other_people import OtherPeople
from tasks.media.planes.crop import crop_rgb
from tasks.models.runtime import DeviceUse
from tasks.models.selfie import SELFIE_INPUT_SIZE_PX, MediaPipeSegmenter, Segmenter, open_selfie_segmenter
from tasks.models.sources import model_files
from tasks.records import Clip, Tick, read_clip
from tasks.requests import MasksRequest

Masks = Iterator[Probability | None]
Clock = Callable[[], float]

BOX_REACH_S: Final = 0.5  # the box is as wide as the widest step of the limbs within this time before and after
LONGEST_POSE_GAP_S: Final = 0.5  # without a pose, over which the box is interpolated or held
# Without a pose, over which a mask is copied: a somersault turns by 90 degrees in that time.
LONGEST_COPY_S: Final = 0.2
MOST_BOX_STRETCH: Final = 1.8  # of the box in the model's input, so that more of its pixels show the person
TIMED_BOXES: Final = 20  # on which the speed of the general model is measured


class MaskStream(NamedTuple):
    """The masks of a clip as a model gives them, one a frame, with their boxes."""

    boxes: PersonBoxes
    wh: tuple[int, int]
    masks: Masks
    facts: dict[str, Any]
    pictures: deque[NDArray[np.uint8]] | None = None  # what the masks that were taken last show, in RGB


def segment_person(
    request: MasksRequest,
    folder: Path,
    tick: Tick,
    clock: Clock = time.perf_counter,
    *,
    frames: Iterator[Frame] | None = None,
) -> dict[str, Any]:
    """Write ``masks.npz``: raw probabilities at model size with their boxes, one mask a frame.

    ``frames`` are all frames of the clip, if another stage decodes them. ``clock`` gives seconds; with
    ``masks.fallback_fps`` the measured speed decides which model is used. ``ModelError`` when a model does not run on
    the requested device.
    """
    clip = read_clip(request.clip)
    if frames is None:
        frames = cached_frames(request.source, clip, cache_mb=request.cache_mb)
    masks_of = _landmarker_masks if request.settings.source is MaskSource.landmarker else _selfie_masks
    motion = read_table(request.subject.path("motion.parquet"), ["track", "shot"])
    track, states, uncut = motion["track"], np.zeros(len(MaskState), np.int64), 0
    most_copied = max(round(LONGEST_COPY_S * float(clip.rate)), 1)
    with masks_of(request, clip, track, frames, clock) as stream, mask_writer(folder / "masks.npz") as writer:
        masks, alone = iter(_with_ticks(stream.masks, tick)), _without_others(request, clip, track, stream.pictures)
        for shot in equal_slices(motion["shot"]):  # no mask is copied across a scene cut
            of_shot, posed = islice(masks, shot.stop - shot.start), track[shot] > 0
            filled = fill_failed_masks(of_shot, stream.boxes.part(shot), posed, stream.wh, most_copied)
            for mask, wanted in zip(filled, posed & stream.boxes.person[shot], strict=True):
                writer.write(alone(mask))
                states[mask.state] += 1
                uncut += int(wanted and mask.state == MaskState.nobody)
    counts = {state.name: int(states[state]) for state in MaskState}
    notes = [f"no mask in {counted(uncut, 'frame')} in which a pose is found: there nobody is cut out"] if uncut else []
    facts = {"source": request.settings.source.value, "notes": notes, **stream.facts}
    return {"frames": clip.frames, **counts, **facts}


def pick_model(
    inputs: Sequence[NDArray[np.uint8]], general: Segmenter, fallback_fps: float, clock: Clock
) -> tuple[MaskModel, str]:
    """The model that reaches ``fallback_fps``, and the reason if it is not the general one.

    ``inputs`` are the first inputs of the general model.
    """
    start_s = clock()
    for rgb in inputs:
        general(rgb)
    spent_s = clock() - start_s
    if len(inputs) >= fallback_fps * spent_s:
        return MaskModel.general, ""
    speed = f"{len(inputs) / spent_s:.1f} frames per second on the first {len(inputs)} boxes"
    return MaskModel.landscape, f"general ran at {speed}, slower than masks.fallback_fps={fallback_fps:g}"


@contextmanager
def _selfie_masks(
    request: MasksRequest, clip: Clip, track: NDArray[np.int64], frames: Iterator[Frame], clock: Clock
) -> Iterator[MaskStream]:
    """Masks of the selfie model, combined with those of the pose model if requested."""
    model, why = _choose_model(request, clip, clock)
    boxes, wh = _boxes(request, clip, model), SELFIE_INPUT_SIZE_PX[model.value]
    inputs = _inputs(frames, boxes, wh)
    pictures: deque[NDArray[np.uint8]] = deque()
    with _open_model(request, model) as (segmenter, use), prefetched(inputs) as stream:
        masks: Masks = map(segmenter, _noted(stream, pictures))
        if request.settings.body:
            masks = map(combine_masks, masks, _bodies(request, track, boxes, wh))
        facts = {"model": model.value, "why": why, "device": use.device, "device_note": use.note}
        yield MaskStream(boxes, wh, masks, facts, pictures)


def _noted(items: Iterable[NDArray[np.uint8]], pictures: deque[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """The same ``items``, each added to ``pictures``."""
    for item in items:
        pictures.append(item)
        yield item


def _without_others(
    request: MasksRequest, clip: Clip, track: NDArray[np.int64], pictures: deque[NDArray[np.uint8]] | None
) -> Callable[[Mask], Mask]:
    """What takes other people out of the masks, which it is given in order; nothing where nobody else was found."""
    people, bodies = request.found.path("people.parquet"), request.found.path("bodies.npz")
    sightings = len(read_table(people, ["track"])["track"]) // LANDMARK_COUNT
    if pictures is None or sightings <= np.count_nonzero(track):

        def same(mask: Mask) -> Mask:
            if pictures is not None:
                pictures.popleft()
            return mask

        return same
    own, others = read_bodies(people, bodies, track), read_other_bodies(people, bodies, track)
    owners = OtherPeople(float(clip.rate))

    def alone(mask: Mask) -> Mask:
        rgb, body, near = pictures.popleft(), next(own), next(others)
        return mask if mask.state == MaskState.nobody else owners.without(mask, rgb, body, near)

    return alone


@contextmanager
def _landmarker_masks(
    request: MasksRequest, clip: Clip, track: NDArray[np.int64], _: Iterator[Frame], __: Clock
) -> Iterator[MaskStream]:
    """Masks that the pose stage has stored: no decoding, and no model runs."""
    boxes, wh = _boxes(request, clip, MaskModel.general), SELFIE_INPUT_SIZE_PX[MaskModel.general.value]
    found = request.found.facts
    facts = {"model": found["model"], "why": "", "device": found["device"], "device_note": found["device_note"]}
    yield MaskStream(boxes, wh, _bodies(request, track, boxes, wh), facts)


def combine_masks(selfie: Probability | None, body: Probability | None) -> Probability | None:
    """The selfie model's mask checked against the pose model's, or the only one there is."""
    if selfie is None or body is None:
        return body if selfie is None else selfie
    return fuse_probabilities(selfie, body)


def _bodies(request: MasksRequest, track: NDArray[np.int64], boxes: PersonBoxes, wh: tuple[int, int]) -> Masks:
    """The pose model's own mask over each frame's box; None where it saw nobody."""
    found = request.found
    bodies = read_bodies(found.path("people.parquet"), found.path("bodies.npz"), track)
    for body, edges_px in zip(bodies, boxes.edges_px, strict=True):
        yield None if body is None else resample_body_mask(body, edges_px, wh)


def _choose_model(request: MasksRequest, clip: Clip, clock: Clock) -> tuple[MaskModel, str]:
    """The selfie model to use, and the reason if it is not the requested one."""
    model, fallback_fps = request.settings.model, request.settings.fallback_fps
    if fallback_fps is None or model is MaskModel.landscape:
        return model, ""
    boxes = _boxes(request, clip, model)
    frames = cached_frames(request.source, clip, cache_mb=request.cache_mb)
    inputs = _inputs(frames, boxes, SELFIE_INPUT_SIZE_PX[model.value])
    with closing(inputs), _open_model(request, model) as (segmenter, _):
        first = (rgb for rgb, person in zip(inputs, boxes.person, strict=False) if person)
        timed = list(islice(first, TIMED_BOXES))  # decoded beforehand, so that decoding is not timed
        return pick_model(timed, segmenter, fallback_fps, clock)


def _open_model(
    request: MasksRequest, model: MaskModel
) -> AbstractContextManager[tuple[MediaPipeSegmenter, DeviceUse]]:
    """The selfie model on the requested device."""
    models = request.models
    return open_selfie_segmenter(model_files(model.value, models.dir), device=request.device.value)


def _boxes(request: MasksRequest, clip: Clip, model: MaskModel) -> PersonBoxes:
    """The part of each frame that ``model`` is shown, between whole pixels."""
    width, height = SELFIE_INPUT_SIZE_PX[model.value]
    rate_hz = float(clip.rate)
    pose = read_pose(request.subject.path("pose.parquet"))
    shots = equal_slices(read_table(request.subject.path("motion.parquet"), ["shot"])["shot"])
    boxes = join_boxes(
        [
            person_boxes(
                pose.part(shot),
                clip.size_px,
                margin=request.settings.box_margin,
                pixel_aspect=clip.widening,
                reach_frames=max(1, round(BOX_REACH_S * rate_hz)),
                longest_gap_frames=round(LONGEST_POSE_GAP_S * rate_hz),
            )
            for shot in shots
        ]
    )
    absent = np.zeros(pose.frames, np.bool_)
    for first, last in request.absences:
        absent[first : last + 1] = True
    boxes = replace(boxes, person=boxes.person & ~absent)
    edges_px = snap_to_pixels(grow_to_aspect(boxes.edges_px, width / height / clip.widening, MOST_BOX_STRETCH))
    if request.settings.source is MaskSource.selfie_frame:
        edges_px = np.broadcast_to(whole_picture_box(clip.size_px), edges_px.shape)
    edges_px = np.where(boxes.person[:, None], edges_px, whole_picture_box(clip.size_px))
    return replace(boxes, edges_px=edges_px)


def _inputs(
    frames: Iterator[Frame], boxes: PersonBoxes, wh: tuple[int, int]
) -> Generator[NDArray[np.uint8], None, None]:
    """The inputs of the model: each frame's box, scaled to (width, height) ``wh``."""
    for picture, edges_px in zip(frames, boxes.edges_px, strict=True):
        yield crop_rgb(picture, edges_px, wh)


def _with_ticks(masks: Iterable[Probability | None], tick: Tick) -> Masks:
    """``masks``, reporting the progress of each."""
    for count, mask in enumerate(masks, start=1):
        tick(count)
        yield mask
