"""Decide which masks of the segmentation model are usable, and fill the failed ones."""

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Probability
from tasks.maths.body.person_box import PersonBoxes
from tasks.media.files.masks_file import Mask, MaskState

MIN_PERSON_PROBABILITY: Final = 0.5  # a mask that stays below it all around the torso has missed the person
TORSO_WINDOW_SHARE: Final = 0.08  # half size of the window around the torso's centre, as a share of the mask's size
LIMB_REACH_MODEL_PX: Final = 17  # how far a limb moves between two poses, both sides together
MIN_OVERLAP_IOU: Final = 0.5  # intersection over union of two masks of the same body a moment apart


class _UncertainFrame(NamedTuple):
    """A frame whose mask is missing or may show something else."""

    mask: Bytes | None  # None: unusable
    edges_px: NDArray[np.float32]
    bridged: bool  # there are poses before and after, so the body's place is known
    posed: bool


def fill_failed_masks(
    masks: Iterable[Probability | None],
    boxes: PersonBoxes,
    posed: NDArray[np.bool_],
    size_px: tuple[int, int],
    most_copied: int,
) -> Iterator[Mask]:
    """Each frame's mask in bytes. A failed mask is filled with a copy of the nearest good one.

    A mask has failed if it is None, or if it shows nobody at the torso of the pose. In a frame without a pose
    (``posed``, (n,)) the model may have taken anything for a person. Such a mask must overlap its neighbours, in an
    unbroken sequence from a frame with a pose. Between two poses it is first cut to the surroundings of both bodies.
    Masks are copied only within one stretch in which the person is followed, where the box moves with the body. Without
    a mask to copy, the frame shows nobody; also where more than ``most_copied`` frames in a row have neither a pose nor
    a usable mask: a body that turns over has another outline by then.
    """
    empty = np.zeros((size_px[1], size_px[0]), np.uint8)
    last: Bytes | None = None
    run: list[_UncertainFrame] = []
    edges = boxes.edges_px.astype(np.float32)
    for mask, edges_px, person, torso, pose in zip(masks, edges, boxes.person, boxes.torso_xy_px, posed, strict=True):
        if not person:
            yield from _resolve_run(run, last, None, empty, most_copied)
            run, last = [], None
            yield Mask(empty if mask is None else _to_bytes(mask), edges_px, MaskState.nobody)
            continue
        good = mask is not None and _shows_person(mask, edges_px, torso)
        now = _to_bytes(mask) if mask is not None and good else None
        if now is not None and pose:
            yield from _resolve_run(run, last, now, empty, most_copied)
            run, last = [], now
            yield Mask(now, edges_px, MaskState.measured)
        else:
            run.append(_UncertainFrame(now, edges_px, bool(np.isfinite(torso).all()), bool(pose)))
    yield from _resolve_run(run, last, None, empty, most_copied)


def _resolve_run(
    run: list[_UncertainFrame], before: Bytes | None, after: Bytes | None, empty: Bytes, most_copied: int
) -> Iterator[Mask]:
    """Masks for a run of uncertain frames. ``before`` and ``after`` are the good masks around it, if any."""
    if before is not None and after is not None:
        near = cv2.dilate(cv2.max(before, after), np.ones((LIMB_REACH_MODEL_PX, LIMB_REACH_MODEL_PX), np.uint8))
        run = [frame._replace(mask=None if frame.mask is None else cv2.min(frame.mask, near)) for frame in run]
    usable = _similar_in_sequence(run, before) | {
        len(run) - 1 - index for index in _similar_in_sequence(run[::-1], after)
    }
    guessed = [not frame.posed and index not in usable for index, frame in enumerate(run)]
    too_long = _in_longer_stretch(guessed, most_copied)
    good = {index: mask for index, (mask, *_) in enumerate(run) if index in usable and mask is not None}
    ends = {place: mask for place, mask in ((-1, before), (len(run), after)) if mask is not None}
    known = good | ends
    for index, (_, edges_px, bridged, _) in enumerate(run):
        if index in good:
            yield Mask(good[index], edges_px, MaskState.measured)
        elif known and bridged and index not in too_long:
            yield Mask(known[min(known, key=lambda place: (abs(place - index), place))], edges_px, MaskState.copied)
        else:
            yield Mask(empty, edges_px, MaskState.nobody)


def _in_longer_stretch(chosen: list[bool], longest: int) -> set[int]:
    """The indices of stretches of ``chosen`` that are longer than ``longest``."""
    stretches = [list(stretch) for _, stretch in groupby(range(len(chosen)), key=lambda index: chosen[index])]
    return {index for stretch in stretches if chosen[stretch[0]] and len(stretch) > longest for index in stretch}


def _similar_in_sequence(run: list[_UncertainFrame], good: Bytes | None) -> set[int]:
    """Indices in ``run`` of masks that overlap the one before them in a sequence from ``good``."""
    chained = set()
    for index, frame in enumerate(run):
        if good is not None and frame.mask is not None and _overlap(frame.mask, good):
            good = frame.mask
            chained.add(index)
    return chained


def _overlap(first: Bytes, second: Bytes) -> bool:
    one, other = first > 127, second > 127
    return bool((one & other).sum() >= MIN_OVERLAP_IOU * max(1, (one | other).sum()))


def _shows_person(mask: Probability, edges_px: NDArray[np.float32], torso_xy_px: NDArray[np.float64]) -> bool:
    """Whether ``mask`` shows a person near the torso. True if the torso's place is unknown."""
    if not np.isfinite(torso_xy_px).all():
        return True
    size = np.array(mask.shape[::-1])
    at = (torso_xy_px - edges_px[:2]) / (edges_px[2:] - edges_px[:2]) * size
    low = np.clip(np.floor(at - TORSO_WINDOW_SHARE * size), 0, size).astype(int)
    high = np.clip(np.ceil(at + TORSO_WINDOW_SHARE * size), 0, size).astype(int)
    near = mask[low[1] : high[1], low[0] : high[0]]
    return bool(near.size) and float(near.max()) >= MIN_PERSON_PROBABILITY


def _to_bytes(mask: Probability) -> Bytes:
    return np.asarray(cv2.convertScaleAbs(mask, alpha=255), np.uint8)
