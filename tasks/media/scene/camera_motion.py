"""How the background moves from frame to frame: corners outside all people, tracked on a small picture (OpenCV).

Lucas-Kanade with pyramids (Bouguet 2000), checked forward and backward (Kalal 2010), and a similarity by RANSAC
(Fischler and Bolles 1981). Corners are tracked from a reference frame that stays as long as enough of them are found
again, so that errors add up once a reference, not once a frame.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import cv2
import numpy as np

from tasks.maths.arrays import Bytes, Floats
from tasks.maths.path import affine
from tasks.maths.scene.camera_path import chain
from tasks.media.files.camera_file import write_camera
from tasks.media.files.masks_file import Mask
from tasks.media.input.rgb_frames import LUMA_LONGEST_PX
from tasks.media.optical_flow import Corners, FlowSearch, follow_corners
from tasks.media.planes.crop import reduced, small_size
from tasks.media.scene.people_mask import people_mask, scaling

# More corners, or corners that are weaker or nearer to each other, take more time.
MOST_CORNERS: Final = 160
# Of the best corner's. Before a plain wall a few places stand out, and the grain of the wall is far weaker: where too
# few corners have the first quality, those of the second count. A filmed laboratory, 320 px wide, had 13 of the first.
QUALITIES: Final = (0.004, 0.0001)
APART_PX: Final = 9
# A window of 15 px takes twice the time and fills a hidden margin no better.
FLOW_SEARCH: Final = FlowSearch(window_px=11, most_rounds=15, least_step_px=0.02)
FORWARD_BACKWARD_PX: Final = 0.5  # between a corner and where it lies after there and back: farther, it is not used
OFF_PX: Final = 0.8  # from the model, up to which a corner agrees with it
LEAST_CORNERS: Final = 12  # that have to agree; fewer tell nothing
ENOUGH_CORNERS: Final = 40  # from which on their number does not lower the confidence
KEPT: Final = 0.55  # of the reference's corners: with fewer left, this frame becomes the reference
STILL_PX: Final = 0.1  # a shift that is smaller than this is taken as none: corners are not placed more exactly
CARRY_S: Final = 0.4  # that people are taken to be where they were last seen
SIMPLER: Final = 0.97  # of a similarity's corners: a translation that fits as many of them is preferred


class CameraStep(NamedTuple):
    """The motion of the background from the frame before to this one."""

    matrix: Floats  # (2, 3) in source pixels; the identity where it is not known
    confidence: float  # 0..1; 0 where it is not known
    corners: int  # that agree with it


@dataclass
class _Reference:
    """A frame whose corners are followed."""

    small: Bytes
    corners: Corners  # (k, 1, 2)
    to_last: Floats = field(default_factory=lambda: affine.translation(np.zeros(2)))  # (2, 3) to the frame before


class CameraMotion:
    """Follows the background of a clip; takes every frame in order.

    ``widening`` says how wide the pixels are (see ``tasks.maths.square_pixels``): the small picture has square ones, so
    a camera that turns gives a similarity.
    """

    def __init__(self, size_px: tuple[int, int], widening: float = 1.0) -> None:
        self.small_px = small_size((round(size_px[0] * widening), size_px[1]), LUMA_LONGEST_PX)
        self._to_small = scaling(size_px, self.small_px)
        self._reference: _Reference | None = None
        self._last: tuple[Bytes, Bytes] | None = None  # picture and mask of the frame before

    def step(self, luma: Bytes, people: Bytes) -> CameraStep:
        """The step to this frame: ``luma`` (h, w) whole or reduced, ``people`` 255 where they hide it, ``small_px``."""
        small = reduced(luma, self.small_px)
        found = self._measured(small, people)
        self._last = small, people
        return found

    def _measured(self, small: Bytes, people: Bytes) -> CameraStep:
        if self._last is None:
            return CameraStep(affine.translation(np.zeros(2)), 0.0, 0)
        reference = self._reference or _reference(*self._last)
        fit = _follow(reference, small, people)
        lost = fit is None or fit.agreeing < KEPT * len(reference.corners)
        if lost and self._reference is not None:
            reference = _reference(*self._last)
            fit = _follow(reference, small, people)
        if fit is None:
            self._reference = None
            return CameraStep(affine.translation(np.zeros(2)), 0.0, 0)
        step = affine.compose(fit.matrix, affine.invert(reference.to_last))
        reference.to_last = fit.matrix
        self._reference = reference
        in_source = affine.compose(affine.invert(self._to_small), affine.compose(step, self._to_small))
        return CameraStep(in_source, fit.confidence, fit.agreeing)


class _Fit(NamedTuple):
    """A motion and how many corners agree with it."""

    matrix: Floats
    agreeing: int
    confidence: float


def _reference(small: Bytes, people: Bytes) -> _Reference:
    free = cv2.bitwise_not(people)
    for quality in QUALITIES:
        found = cv2.goodFeaturesToTrack(small, MOST_CORNERS, quality, APART_PX, mask=free)
        if found is not None and len(found) >= ENOUGH_CORNERS:
            break
    return _Reference(small, np.zeros((0, 1, 2), np.float32) if found is None else found)


def _follow(reference: _Reference, small: Bytes, people: Bytes) -> _Fit | None:
    """The motion from the reference to the frame of ``small``; None where too few corners agree."""
    start = reference.corners
    if len(start) < LEAST_CORNERS:
        return None
    guess = affine.apply(reference.to_last, start.astype(np.float64)).astype(np.float32)
    there, seen = follow_corners(reference.small, small, start, guess, FLOW_SEARCH)
    back, seen_back = follow_corners(small, reference.small, there, start, FLOW_SEARCH)
    error = np.hypot(*(back - start)[:, 0].T)
    at = np.round(there[:, 0]).astype(int)
    inside = np.all((at >= 0) & (at < people.shape[::-1]), axis=1)
    free = inside.copy()
    free[inside] = people[at[inside, 1], at[inside, 0]] == 0
    good = seen & seen_back & free & (error < FORWARD_BACKWARD_PX)
    if good.sum() < LEAST_CORNERS:
        return None
    return _fit(start[good, 0].astype(np.float64), there[good, 0].astype(np.float64))


def _fit(start: Floats, end: Floats) -> _Fit | None:
    """The translation, or else the similarity, that most of the corners agree with."""
    similar, chosen = cv2.estimateAffinePartial2D(
        start, end, method=cv2.RANSAC, ransacReprojThreshold=OFF_PX, maxIters=500, confidence=0.995, refineIters=10
    )
    if similar is None:
        return None
    agree = chosen[:, 0] == 1
    matrix = np.asarray(similar, np.float64)
    shift = affine.translation((end - start)[agree].mean(axis=0)) if agree.any() else matrix
    moves_alike = np.hypot(*(affine.apply(shift, start) - end).T) < OFF_PX
    if moves_alike.sum() >= SIMPLER * agree.sum():
        shift_px = (end - start)[moves_alike].mean(axis=0)
        still = float(np.hypot(*shift_px)) < STILL_PX
        agree, matrix = moves_alike, affine.translation(np.zeros(2) if still else shift_px)
    count = int(agree.sum())
    if count < LEAST_CORNERS:
        return None
    confidence = count / len(start) * min(count / ENOUGH_CORNERS, 1.0)
    return _Fit(matrix, count, float(confidence))


class CameraRecorder:
    """Takes every frame in order, and writes ``camera.parquet`` in the end; keeps 72 bytes a frame."""

    def __init__(self, size_px: tuple[int, int], widening: float = 1.0) -> None:
        self._size_px, self._motion = size_px, CameraMotion(size_px, widening)
        self._matrices, self._confidences, self._times_s = array("d"), array("d"), array("d")
        self._corners = array("q")
        self._seen: Sequence[Mask] = ()
        self._seen_s = -np.inf

    def add(self, luma: Bytes, time_s: float, bodies: Sequence[Mask]) -> None:
        """The next frame: its ``luma`` (h, w), whole or reduced, and the masks of the people that were seen in it."""
        if bodies or time_s > self._seen_s + CARRY_S:
            self._seen, self._seen_s = bodies, time_s
        people = people_mask(self._seen, self._size_px, self._motion.small_px)
        step = self._motion.step(luma, people)
        self._matrices.extend(step.matrix.ravel().tolist())
        self._confidences.append(step.confidence)
        self._corners.append(step.corners)
        self._times_s.append(time_s)

    def write(self, path: Path) -> None:
        """Write what was measured; ``OutputError`` when the file cannot be written."""
        camera = chain(np.array(self._matrices).reshape(-1, 2, 3), np.array(self._confidences))
        write_camera(path, camera, self._corners, self._times_s, self._size_px)
