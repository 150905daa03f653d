"""Which of a network's masks are believed, and what stands in for the others."""

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.person_box import PersonBoxes
from tasks.media.files.masks_file import Mask, State

Probability = NDArray[np.float32]
ByteMask = NDArray[np.uint8]

MIN_PERSON_PROBABILITY: Final = (
    0.5  # a mask that reaches this probability nowhere near the torso's middle has missed the person
)
TORSO_WINDOW_SHARE: Final = 0.08  # of the mask's size, to either side
LIMB_REACH_MODEL_PX: Final = 17  # pixels of a mask: a limb's way from one pose to another, both sides together
MIN_OVERLAP_IOU: Final = 0.5  # of two masks' union that both show: the same body, a moment later


class _UncertainFrame(NamedTuple):
    """A frame whose mask is not of the person beyond doubt."""

    mask: ByteMask | None  # None: it is of no use
    edges_px: NDArray[np.float32]
    bridged: bool  # poses before and after it say where the body is


def fill_failed_masks(
    masks: Iterable[Probability | None], boxes: PersonBoxes, posed: NDArray[np.bool_], wh: tuple[int, int]
) -> Iterator[Mask]:
    """Each frame's mask in bytes; a failed one is lent that of the frame before it, else of the next good one.

    A mask has failed when it is None or shows nobody where the pose has the torso. Where there is no pose (``posed``,
    (n,)) it must be like those next to it, back or on to a frame with one: anything may be taken for a person; between
    two poses it is first cut down to what is near either body. Only masks of the same following are lent: box and body
    go together there. Where no mask can be lent, nobody is shown.
    """
    empty = np.zeros((wh[1], wh[0]), np.uint8)
    last: ByteMask | None = None
    run: list[_UncertainFrame] = []
    edges = boxes.edges_px.astype(np.float32)
    for mask, edges_px, person, torso, pose in zip(masks, edges, boxes.person, boxes.torso_xy_px, posed, strict=True):
        if not person:
            yield from _resolve_run(run, last, None, empty)
            run, last = [], None
            yield Mask(empty if mask is None else _to_bytes(mask), edges_px, State.nobody)
            continue
        good = mask is not None and _shows_person(mask, edges_px, torso)
        now = _to_bytes(mask) if mask is not None and good else None
        if now is not None and pose:
            yield from _resolve_run(run, last, now, empty)
            run, last = [], now
            yield Mask(now, edges_px, State.measured)
        else:
            run.append(_UncertainFrame(now, edges_px, bool(np.isfinite(torso).all())))
    yield from _resolve_run(run, last, None, empty)


def _resolve_run(
    run: list[_UncertainFrame], before: ByteMask | None, after: ByteMask | None, empty: ByteMask
) -> Iterator[Mask]:
    """Doubtful frames in a row, between two good masks of the same following or only one or none."""
    if before is not None and after is not None:
        near = cv2.dilate(cv2.max(before, after), np.ones((LIMB_REACH_MODEL_PX, LIMB_REACH_MODEL_PX), np.uint8))
        run = [held._replace(mask=None if held.mask is None else cv2.min(held.mask, near)) for held in run]
    believed = _similar_in_sequence(run, before) | {
        len(run) - 1 - index for index in _similar_in_sequence(run[::-1], after)
    }
    standing_in = before if before is not None else after
    for index, (mask, edges_px, bridged) in enumerate(run):
        if mask is not None and index in believed:
            yield Mask(mask, edges_px, State.measured)
        elif standing_in is not None and bridged:
            yield Mask(standing_in, edges_px, State.copied)
        else:
            yield Mask(empty, edges_px, State.nobody)


def _similar_in_sequence(run: list[_UncertainFrame], good: ByteMask | None) -> set[int]:
    """Those of ``run`` whose mask is like the one before it, from a ``good`` one on."""
    chained = set()
    for index, frame in enumerate(run):
        if good is not None and frame.mask is not None and _overlap(frame.mask, good):
            good = frame.mask
            chained.add(index)
    return chained


def _overlap(first: ByteMask, second: ByteMask) -> bool:
    one, other = first > 127, second > 127
    return bool((one & other).sum() >= MIN_OVERLAP_IOU * max(1, (one | other).sum()))


def _shows_person(mask: Probability, edges_px: NDArray[np.float32], torso_xy_px: NDArray[np.float64]) -> bool:
    """Whether ``mask`` shows the person somewhere near the torso, if it is known where that is."""
    if not np.isfinite(torso_xy_px).all():
        return True
    size = np.array(mask.shape[::-1])
    at = (torso_xy_px - edges_px[:2]) / (edges_px[2:] - edges_px[:2]) * size
    low = np.clip(np.floor(at - TORSO_WINDOW_SHARE * size), 0, size).astype(int)
    high = np.clip(np.ceil(at + TORSO_WINDOW_SHARE * size), 0, size).astype(int)
    near = mask[low[1] : high[1], low[0] : high[0]]
    return bool(near.size) and float(near.max()) >= MIN_PERSON_PROBABILITY


def _to_bytes(mask: Probability) -> ByteMask:
    levels: ByteMask = np.rint(mask * 255).clip(0, 255).astype(np.uint8)
    return levels
