"""The masks stage: how probably each pixel belongs to the person, in every frame."""

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from conf.choices import MaskModel, MaskSource
from tasks.maths.boxes import Boxes, legs_of, person_boxes, shaped, whole_picture, whole_pixels
from tasks.maths.landmarks import PoseTrack
from tasks.media.crop import cut
from tasks.media.legs import add_legs, seen_bones
from tasks.media.masks_file import Mask, State, mask_writer
from tasks.media.pose_file import read_pose
from tasks.media.prefetch import prefetched
from tasks.media.rgb import RgbFrame, rgb_frames
from tasks.media.tables import read_json
from tasks.models.pose import PoseEstimator, open_pose
from tasks.models.runtime import DeviceUse
from tasks.models.selfie import INPUT_WH, Segmenter, Selfie, open_selfie
from tasks.models.sources import model_files
from tasks.records import Clip, Tick, read_clip
from tasks.requests import MasksRequest

Probability = NDArray[np.float32]
Clock = Callable[[], float]

REACH_S: Final = 0.5  # a limb's swing to either side: the box is as wide as the widest step within it
LONGEST_GAP_S: Final = 0.5  # without a pose, over which the box is bridged or held
MOST_STRETCH: Final = 1.8  # of the box in the model's input: the person gets more of its pixels
TIMED_BOXES: Final = 20  # on which the general model's speed is measured
PERSON: Final = 0.5  # a mask that reaches this probability nowhere near the torso's middle has missed the person
GREY: Final = 114  # what is not shown to the pose model
NEAR: Final = 0.08  # of the mask's size, to either side


class Measuring(NamedTuple):
    """Masks on their way out of a model."""

    boxes: Boxes
    wh: tuple[int, int]
    masks: Iterator[Probability | None]
    facts: dict[str, Any]


def segment_person(request: MasksRequest, folder: Path, tick: Tick, clock: Clock = time.perf_counter) -> dict[str, Any]:
    """Write ``masks.npz``: raw probabilities at model size with their boxes, one mask a frame.

    ``clock`` tells seconds and decides, with ``masks.fallback_fps``, which model is used. ``ModelError`` when a model
    does not run on the device asked for.
    """
    clip = read_clip(request.clip)
    by = _landmarker if request.settings.source is MaskSource.landmarker else _selfie
    states = np.zeros(len(State), np.int64)
    with by(request, clip, clock) as measuring, mask_writer(folder / "masks.npz") as writer:
        for mask in lent(_ticked(measuring.masks, tick), measuring.boxes, measuring.wh):
            writer.write(mask)
            states[mask.state] += 1
    counts = {state.name: int(states[state]) for state in State}
    return {"frames": clip.frames, **counts, "source": request.settings.source.value, **measuring.facts}


def lent(masks: Iterable[Probability | None], boxes: Boxes, wh: tuple[int, int]) -> Iterator[Mask]:
    """Each frame's mask in bytes; a failed one is lent that of the frame before it, else of the next good one.

    A mask has failed when it is None or shows nobody where the pose has the torso. Only masks of the same following
    are lent: box and body go together there. Where no mask can be lent, nobody is shown.
    """
    empty = np.zeros((wh[1], wh[0]), np.uint8)
    last: NDArray[np.uint8] | None = None
    waiting: list[NDArray[np.float32]] = []  # boxes of failed frames with no good one before them
    edges = boxes.edges_px.astype(np.float32)
    for mask, edges_px, person, torso in zip(masks, edges, boxes.person, boxes.torso_xy_px, strict=True):
        if not person:
            yield from (Mask(empty, box, State.nobody) for box in waiting)
            waiting, last = [], None
            yield Mask(empty if mask is None else _bytes(mask), edges_px, State.nobody)
        elif mask is not None and _shows(mask, edges_px, torso):
            last = _bytes(mask)
            yield from (Mask(last, box, State.copied) for box in waiting)
            waiting = []
            yield Mask(last, edges_px, State.measured)
        elif last is not None:
            yield Mask(last, edges_px, State.copied)
        else:
            waiting.append(edges_px)
    yield from (Mask(empty, box, State.nobody) for box in waiting)


def pick_model(
    inputs: Sequence[NDArray[np.uint8]], general: Segmenter, fallback_fps: float, clock: Clock
) -> tuple[MaskModel, str]:
    """The model that keeps up with ``fallback_fps``, and why if it is not the general one.

    ``inputs`` are what the general model would see first.
    """
    began = clock()
    for rgb in inputs:
        general(rgb)
    spent_s = clock() - began
    if len(inputs) >= fallback_fps * spent_s:
        return MaskModel.general, ""
    speed = f"{len(inputs) / spent_s:.1f} frames per second on the first {len(inputs)} boxes"
    return MaskModel.landscape, f"general ran at {speed}, slower than masks.fallback_fps={fallback_fps:g}"


@contextmanager
def _selfie(request: MasksRequest, clip: Clip, clock: Clock) -> Iterator[Measuring]:
    model, why = _chosen(request, clip, clock)
    boxes, wh = _boxes(request, clip, model), INPUT_WH[model.value]
    facts = {"model": model.value, "why": why}
    with _opened(request, model) as (segmenter, use):
        facts |= {"device": use.device, "device_note": use.note}
        if request.settings.legs:
            track = read_pose(request.pose.path("pose.parquet"))
            legs_px = whole_pixels(shaped(legs_of(boxes.edges_px), wh[0] / wh[1], MOST_STRETCH))
            with prefetched(_inputs(request, clip, boxes.edges_px, legs_px, wh=wh)) as stream:
                yield Measuring(boxes, wh, with_legs(stream, segmenter, boxes, legs_px, track), facts)
        else:
            with prefetched(_inputs(request, clip, boxes.edges_px, wh=wh)) as stream:
                yield Measuring(boxes, wh, (segmenter(rgb) for (rgb,) in stream), facts)


def with_legs(
    stream: Iterable[tuple[NDArray[np.uint8], ...]],
    segmenter: Segmenter,
    boxes: Boxes,
    legs_px: NDArray[np.float64],
    track: PoseTrack,
) -> Iterator[Probability | None]:
    """The mask of each whole box with that of its legs added, where a pose says which pixels may be legs."""
    for index, (body, legs) in enumerate(stream):
        mask = segmenter(body)
        bones = seen_bones(track.visibility[index])
        shown = segmenter(legs) if bones and boxes.person[index] else None
        if mask is not None and shown is not None:
            mask = add_legs(mask, boxes.edges_px[index], shown, legs_px[index], track.xy_px[index], bones)
        yield mask


@contextmanager
def _landmarker(request: MasksRequest, clip: Clip, _: Clock) -> Iterator[Measuring]:
    wh = INPUT_WH[MaskModel.general.value]
    boxes = _boxes(request, clip, MaskModel.general)
    model = request.pose_model.value
    files = model_files(model, request.models.dir, request.models.download)
    stream = rgb_frames(request.source, clip, held_mb=request.held_mb)
    with (
        open_pose(files, device=request.device.value, with_masks=True) as (estimator, use),
        prefetched(stream) as ahead,
    ):
        facts = {"model": model, "why": "", "device": use.device, "device_note": use.note}
        alone = len(read_json(request.pose.path("subject.json"))["people"]) == 1
        yield Measuring(boxes, wh, pose_masks(ahead, estimator, boxes, wh, alone=alone), facts)


def pose_masks(
    stream: Iterable[RgbFrame], estimator: PoseEstimator, boxes: Boxes, wh: tuple[int, int], *, alone: bool
) -> Iterator[Probability | None]:
    """The mask of whoever ``estimator`` follows: where the person is not ``alone``, it is shown the box only."""
    for frame, edges_px, there in zip(stream, boxes.edges_px, boxes.person, strict=True):
        if not alone and not there:
            yield None
            continue
        person = estimator(frame.rgb if alone else within(frame.rgb, edges_px), frame.time_s)
        yield None if person is None or person.mask is None else cut(person.mask, edges_px, wh)


def within(rgb: NDArray[np.uint8], edges_px: NDArray[np.float64]) -> NDArray[np.uint8]:
    """``rgb`` with all that lies outside a box in one grey."""
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = np.clip(np.rint(edges_px + 0.5), 0, (width, height, width, height)).astype(int).tolist()
    shown = np.full_like(rgb, GREY)
    shown[y0:y1, x0:x1] = rgb[y0:y1, x0:x1]
    return shown


def _chosen(request: MasksRequest, clip: Clip, clock: Clock) -> tuple[MaskModel, str]:
    """The selfie model to use, and why if it is not the one asked for."""
    model, fallback_fps = request.settings.model, request.settings.fallback_fps
    if fallback_fps is None or model is MaskModel.landscape:
        return model, ""
    boxes = _boxes(request, clip, model)
    inputs = _inputs(request, clip, boxes.edges_px, wh=INPUT_WH[model.value])
    with closing(inputs), _opened(request, model) as (segmenter, _):
        first = (rgb for (rgb,), person in zip(inputs, boxes.person, strict=False) if person)
        timed = list(islice(first, TIMED_BOXES))  # beforehand: decoding is not what is timed
        return pick_model(timed, segmenter, fallback_fps, clock)


def _opened(request: MasksRequest, model: MaskModel) -> AbstractContextManager[tuple[Selfie, DeviceUse]]:
    models = request.models
    return open_selfie(model_files(model.value, models.dir, models.download), device=request.device.value)


def _boxes(request: MasksRequest, clip: Clip, model: MaskModel) -> Boxes:
    """What ``model`` is to be shown of each frame, between whole pixels."""
    width, height = INPUT_WH[model.value]
    rate_hz = float(clip.rate)
    boxes = person_boxes(
        read_pose(request.pose.path("pose.parquet")),
        clip.size_px,
        margin=request.settings.box_margin,
        reach_frames=max(1, round(REACH_S * rate_hz)),
        longest_gap_frames=round(LONGEST_GAP_S * rate_hz),
    )
    edges_px = whole_pixels(shaped(boxes.edges_px, width / height, MOST_STRETCH))
    if request.settings.source is MaskSource.selfie_frame:
        edges_px = np.broadcast_to(whole_picture(clip.size_px), edges_px.shape)
    edges_px = np.where(boxes.person[:, None], edges_px, whole_picture(clip.size_px))
    return replace(boxes, edges_px=edges_px)


def _inputs(
    request: MasksRequest, clip: Clip, *boxes_px: NDArray[np.float64], wh: tuple[int, int]
) -> Generator[tuple[NDArray[np.uint8], ...], None, None]:
    pictures = rgb_frames(request.source, clip, held_mb=request.held_mb)
    for frame, *edges_px in zip(pictures, *boxes_px, strict=True):
        yield tuple(cut(frame.rgb, edges, wh) for edges in edges_px)


def _ticked(masks: Iterable[Probability | None], tick: Tick) -> Iterator[Probability | None]:
    for count, mask in enumerate(masks, start=1):
        yield mask
        tick(count)


def _shows(mask: Probability, edges_px: NDArray[np.float32], torso_xy_px: NDArray[np.float64]) -> bool:
    """Whether ``mask`` shows the person somewhere near the torso, if it is known where that is."""
    if not np.isfinite(torso_xy_px).all():
        return True
    size = np.array(mask.shape[::-1])
    at = (torso_xy_px - edges_px[:2]) / (edges_px[2:] - edges_px[:2]) * size
    low = np.clip(np.floor(at - NEAR * size), 0, size).astype(int)
    high = np.clip(np.ceil(at + NEAR * size), 0, size).astype(int)
    near = mask[low[1] : high[1], low[0] : high[0]]
    return bool(near.size) and float(near.max()) >= PERSON


def _bytes(mask: Probability) -> NDArray[np.uint8]:
    levels: NDArray[np.uint8] = np.rint(mask * 255).clip(0, 255).astype(np.uint8)
    return levels
