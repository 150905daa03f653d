"""Motion of the torso between consecutive frames, by feature tracking on the luma plane (OpenCV).

Lucas-Kanade with pyramids (Bouguet 2000) tracks corners (Shi and Tomasi 1994), with a forward-backward check (Kalal
2010). Corners are chosen anew in every frame, so that no feature has time to slide off the body. They are tracked in a
crop with square pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Floats
from tasks.maths.body.landmarks import HIPS, LANDMARK_NAMES, SHOULDERS
from tasks.maths.square_pixels import to_source, to_square
from tasks.maths.tracking.steps import Step, summarise_step
from tasks.media.optical_flow import Corners, FlowSearch, follow_corners

# ``_TORSOS``: in lengths of the torso.
TRACKED_TORSO_PX: Final = (100.0, 120.0)  # shortest and longest torso in the crop that is tracked
MAX_ENLARGEMENT: Final = 2.0  # more enlargement adds no detail
MAX_CORNERS: Final = 80  # of the torso; more take more time
MAX_FORWARD_BACKWARD_PX: Final = 0.7  # in the crop, after there and back: farther off, a corner is not used
CORNER_QUALITY: Final = 5e-5  # of the best corner's; low, so that folds of plain clothes beside bare skin still count
CORNER_DISTANCE_PX: Final = 6  # in the crop: nearer ones show the same
FLOW_WINDOW_PX: Final = 17  # in the crop: side of the square around a corner that is found again in the next frame
FLOW_SEARCH: Final = FlowSearch(FLOW_WINDOW_PX, most_rounds=20, least_step_px=0.01)
SEARCH_MARGIN_TORSOS: Final = 0.3  # around the torso and around its expected place
SIDE_HALF_WIDTH_TORSOS: Final = 0.25  # half width of a torso seen from the side
ARM_HALF_WIDTH_TORSOS: Final = 0.1  # half width of an arm, where no feature is taken
SLEEVE_RADIUS_TORSOS: Final = 0.2  # from the middle of an arm; features beyond it belong to no arm
MIN_ARM_WEIGHT: Final = 0.1  # weight of a feature at the rim of an arm, where one beyond the sleeve has 1
ARM_SEGMENTS: Final = tuple(
    tuple(LANDMARK_NAMES.index(f"{side}_{joint}") for joint in pair)
    for side in ("left", "right")
    for pair in (("shoulder", "elbow"), ("elbow", "wrist"))
)


@dataclass(frozen=True)
class Torso:
    """The place of a torso in square pixels."""

    hip_xy: Floats
    neck_xy: Floats
    half_width_px: float
    arms_xy: Floats  # (k, 2, 2) segments

    @property
    def length_px(self) -> float:
        return float(np.hypot(*(self.neck_xy - self.hip_xy)))

    def moved(self, by_xy: Floats) -> "Torso":
        return replace(
            self,
            hip_xy=self.hip_xy + by_xy,
            neck_xy=self.neck_xy + by_xy,
            arms_xy=self.arms_xy + by_xy,
        )


def find_torso(landmarks_xy: Floats, visibility: Floats) -> Torso | None:
    """The torso in a frame's landmarks (33, 2), in px. None if its corners are missing or it is too small."""
    shoulders, hips = landmarks_xy[list(SHOULDERS)], landmarks_xy[list(HIPS)]
    if not (np.isfinite(shoulders).all() and np.isfinite(hips).all()):
        return None
    neck, hip = shoulders.mean(0), hips.mean(0)
    length = float(np.hypot(*(neck - hip)))
    if length < 8.0:
        return None
    across = max(float(np.hypot(*(pair[0] - pair[1]))) for pair in (shoulders, hips))
    seen = [list(pair) for pair in ARM_SEGMENTS if visibility[list(pair)].min() > 0.5]
    arms = np.array([landmarks_xy[pair] for pair in seen], dtype=np.float64).reshape(-1, 2, 2)
    return Torso(hip, neck, max(0.5 * across, SIDE_HALF_WIDTH_TORSOS * length), arms)


class TorsoMotion:
    """Measures the motion of one person's torso from frame to frame. It keeps the last frame's luma and torso.

    ``widening`` says how wide the pixels of the source are (see ``tasks.maths.square_pixels``).
    """

    def __init__(self, widening: float = 1.0) -> None:
        self._widening = widening
        self._luma: Bytes | None = None
        self._torso: Torso | None = None
        self._shown: tuple[Floats, ...] = ()
        self._speed: Floats | None = None
        self._carried = 0

    def step(
        self, luma: Bytes, landmarks_xy: Floats | None, visibility: Floats | None, shown_xy: Floats | None = None
    ) -> Step:
        """The torso's step from the frame before to this one.

        ``luma`` is (h, w), uint8. ``landmarks_xy`` (33, 2), in source px, and ``visibility`` (33,) belong to this
        frame. They are None (or NaN) where no pose was found; the torso is then moved by its own steps. ``shown_xy``
        (4, 2) are the corners of the part that shows this person and no border or other people. Only features inside
        them are tracked.
        """
        shown = () if shown_xy is None else (to_square(shown_xy, self._widening),)
        torso = None
        if landmarks_xy is not None and visibility is not None:
            torso = find_torso(to_square(landmarks_xy, self._widening), visibility)
        before, last = self._luma, self._torso
        row = Step(carried_frames=self._carried)
        if before is not None and last is not None and before.shape == luma.shape:
            guesses = [self._speed] if self._speed is not None else []
            if torso is not None:
                guesses.insert(0, torso.hip_xy - last.hip_xy)
            guess_xy = np.array(guesses or [np.zeros(2)])
            row = measure_step(before, luma, last, guess_xy, (*self._shown, *shown), self._widening)
            row = replace(row, carried_frames=self._carried)
        step = np.array([row.dx_px, row.dy_px])
        self._speed = step if np.isfinite(step).all() else None
        self._carried = 0
        if torso is None and last is not None:
            torso = last.moved(np.nan_to_num(step))
            self._carried = row.carried_frames + 1
        self._luma, self._torso, self._shown = luma, torso, shown
        return row.scaled_across(1 / self._widening)


def measure_step(
    before: Bytes,
    after: Bytes,
    torso: Torso,
    guess_xy: Floats,
    shown_xy: Sequence[Floats] = (),
    widening: float = 1.0,
) -> Step:
    """The step of the features on ``torso``, which lies in ``before``, in square pixels.

    ``guess_xy`` (g, 2) are guesses, the best first.

    Features must lie within every quadrilateral (4, 2) of ``shown_xy``.
    """
    crop = _tracking_crop(torso, guess_xy, before.shape, widening)
    if min(crop.size_px) < 16:
        return Step()
    old, new = crop.crop(before), crop.crop(after)
    found = cv2.goodFeaturesToTrack(
        old, MAX_CORNERS, CORNER_QUALITY, CORNER_DISTANCE_PX, mask=_feature_mask(torso, crop, shown_xy)
    )
    if found is None:
        return Step()
    start, end, error = _track(old, new, found, guess_xy[0] * crop.scale_xy)
    start_xy, step_xy = crop.to_picture(start), (end - start) / crop.scale_xy
    where = {"hip_xy": torso.hip_xy, "neck_xy": torso.neck_xy}
    return summarise_step(
        start_xy, step_xy, error / crop.scale, **where, guess_xy=guess_xy, on_torso=arm_weights(start_xy, torso)
    )


def arm_weights(xy: Floats, torso: Torso) -> Floats:
    """Weights (k,) of points (k, 2): ``MIN_ARM_WEIGHT`` at the rim of an arm, 1 beyond the sleeve."""
    away_px = np.full(len(xy), np.inf)
    for start, end in torso.arms_xy:
        limb = end - start
        along = np.clip((xy - start) @ limb / max(float(limb @ limb), 1e-9), 0.0, 1.0)
        away_px = np.minimum(away_px, np.hypot(*(xy - start - along[:, None] * limb).T))
    beside = np.clip(
        (away_px / torso.length_px - ARM_HALF_WIDTH_TORSOS) / (SLEEVE_RADIUS_TORSOS - ARM_HALF_WIDTH_TORSOS), 0.0, 1.0
    )
    return np.asarray(MIN_ARM_WEIGHT + (1 - MIN_ARM_WEIGHT) * beside)


@dataclass(frozen=True)
class TrackingCrop:
    """A part of the picture, resized for tracking. Places in the picture are in square pixels."""

    low_px: NDArray[np.int64]  # its first pixel in the source
    high_px: NDArray[np.int64]  # one past its last
    size_px: tuple[int, int]  # after resizing
    widening: float

    @property
    def low_xy(self) -> Floats:
        """Its upper left corner, counted from that of the picture."""
        return np.asarray(self.low_px * np.array([self.widening, 1.0]))

    @property
    def scale_xy(self) -> Floats:
        sides_px = np.maximum(self.high_px - self.low_px, 1) * np.array([self.widening, 1.0])
        return np.asarray(np.array(self.size_px) / sides_px)

    @property
    def scale(self) -> float:
        return float(self.scale_xy.mean())

    def crop(self, luma: Bytes) -> Bytes:
        (x0, y0), (x1, y1) = self.low_px, self.high_px
        part = np.ascontiguousarray(luma[y0:y1, x0:x1])
        if self.size_px == (x1 - x0, y1 - y0):
            return part
        smaller = self.size_px[0] < (x1 - x0) * self.widening
        return np.asarray(cv2.resize(part, self.size_px, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC))

    def to_picture(self, xy: Floats) -> Floats:
        return np.asarray((xy + 0.5) / self.scale_xy - 0.5 + self.low_xy)

    def to_pixels(self, picture_xy: Floats) -> NDArray[np.int32]:
        return np.asarray(np.round((picture_xy - self.low_xy + 0.5) * self.scale_xy - 0.5).astype(np.int32))


def _tracking_crop(torso: Torso, guess_xy: Floats, shape: tuple[int, ...], widening: float) -> TrackingCrop:
    """The part of a picture (h, w) that holds the torso and its expected place."""
    ends = np.stack([torso.hip_xy, torso.neck_xy])
    ends = np.concatenate([ends, ends + guess_xy[0]])
    reach = torso.half_width_px + SEARCH_MARGIN_TORSOS * torso.length_px
    limit = np.array(shape[::-1])
    low = np.clip(np.floor(to_source(ends.min(axis=0) - reach, widening)), 0, limit).astype(np.int64)
    high = np.clip(np.ceil(to_source(ends.max(axis=0) + reach, widening)), 0, limit).astype(np.int64)
    scale = min(float(np.clip(torso.length_px, *TRACKED_TORSO_PX)) / torso.length_px, MAX_ENLARGEMENT)
    width, height = np.round((high - low) * np.array([widening, 1.0]) * scale).astype(int).tolist()
    return TrackingCrop(low, high, (width, height), widening)


def _track(old: Bytes, new: Bytes, found: Corners, guess: Floats) -> tuple[Floats, Floats, Floats]:
    """Start and end (k, 2) of corners that passed the forward-backward check, and their errors (k,), in crop px."""
    shift = guess.astype(np.float32)
    there, ok = follow_corners(old, new, found, found + shift, FLOW_SEARCH)
    back, ok_back = follow_corners(new, old, there, there - shift, FLOW_SEARCH)
    error = np.hypot(*(back - found)[:, 0].T)
    good = ok & ok_back & (error < MAX_FORWARD_BACKWARD_PX)
    start, end = (part[good, 0].astype(np.float64) for part in (found, there))
    return start, end, error[good].astype(np.float64)


def _feature_mask(torso: Torso, crop: TrackingCrop, shown_xy: Sequence[Floats]) -> Bytes:
    """255 on the torso, from a little below the hips to the shoulders; 0 on arms and outside ``shown_xy``."""
    axis = torso.neck_xy - torso.hip_xy
    side = np.array([-axis[1], axis[0]]) / torso.length_px * torso.half_width_px
    low, high = torso.hip_xy - 0.08 * axis, torso.hip_xy + 0.95 * axis
    mask = np.zeros(crop.size_px[::-1], np.uint8)
    cv2.fillConvexPoly(mask, crop.to_pixels(np.array([low - side, low + side, high + side, high - side])), 255)
    thick = max(1, round(2 * ARM_HALF_WIDTH_TORSOS * torso.length_px * crop.scale))
    for start, end in torso.arms_xy:
        cv2.line(mask, crop.to_pixels(start).tolist(), crop.to_pixels(end).tolist(), 0, thick)
    for corners_xy in shown_xy:  # the whole window of a feature must lie inside
        inside = np.zeros_like(mask)
        cv2.fillConvexPoly(inside, crop.to_pixels(corners_xy), 255)
        mask &= cv2.erode(inside, np.ones((FLOW_WINDOW_PX, FLOW_WINDOW_PX), np.uint8))
    return mask
