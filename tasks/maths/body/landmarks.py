"""What a person's 33 landmarks say of the whole body: its torso, its box, and whether two are one.

The body landmarks by index, and what a clip's landmarks look like as arrays.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.records import LANDMARKS

SAME_BODY_TORSOS: Final = 0.35  # of the torso's length: mean distance of the landmarks of one body seen twice
CLOTHES_REGIONS: Final = 2  # torso and thighs
COLOR_BINS: Final = 10  # of each of lightness, a and b
_REGION_WEIGHTS: Final = np.array([1.0, 0.5])
_CHANNEL_WEIGHTS: Final = np.array([0.5, 1.0, 1.0])  # light changes sooner than colour
LANDMARK_NAMES: Final = LANDMARKS
LANDMARK_COUNT: Final = len(LANDMARK_NAMES)
LEFT_SHOULDER: Final = 11
RIGHT_SHOULDER: Final = 12
LEFT_HIP: Final = 23
RIGHT_HIP: Final = 24
LEFT_KNEE: Final = 25
RIGHT_KNEE: Final = 26
LEFT_ANKLE: Final = 27
RIGHT_ANKLE: Final = 28
FACE: Final = tuple(range(11))
SHOULDERS: Final = (LEFT_SHOULDER, RIGHT_SHOULDER)
HIPS: Final = (LEFT_HIP, RIGHT_HIP)
FEET: Final = tuple(range(LEFT_ANKLE, LANDMARK_COUNT))


def torso_length_px(landmarks: Floats) -> Floats:
    """(...,) px from the middle of the hips to that of the shoulders, of landmarks (..., 33, 2 or more)."""
    axis = landmarks[..., list(SHOULDERS), :2].mean(axis=-2) - landmarks[..., list(HIPS), :2].mean(axis=-2)
    return np.asarray(np.hypot(axis[..., 0], axis[..., 1]))


def hip_midpoint(landmarks: Floats) -> Floats:
    """(..., 2) px: the middle of the hips of landmarks (..., 33, 2 or more)."""
    return np.asarray(landmarks[..., list(HIPS), :2].mean(axis=-2))


def landmark_box(landmarks: Floats, margin: float) -> tuple[float, float, float, float]:
    """x0, y0, x1, y1 px round all landmarks (33, 2 or more) and ``margin`` torso lengths more."""
    room = margin * max(float(torso_length_px(landmarks)), 1.0)
    x0, y0 = (landmarks[:, :2].min(axis=0) - room).tolist()
    x1, y1 = (landmarks[:, :2].max(axis=0) + room).tolist()
    return x0, y0, x1, y1


def same_body(first: Floats, second: Floats) -> bool:
    """Whether the landmarks (33, 2 or more) of two lie on one body: near each other from head to feet."""
    apart = np.hypot(*(first[:, :2] - second[:, :2]).T).mean()
    return bool(apart < SAME_BODY_TORSOS * min(float(torso_length_px(first)), float(torso_length_px(second))))


def clothes_distance(first: Floats, second: Floats) -> Floats:
    """(...,) 0 for the same clothes to 1: mean Hellinger distance of shares (..., REGIONS, 3, COLOR_BINS).

    Regions that are NaN in either do not count; NaN where none is left.
    """
    overlap = np.sqrt(first * second).sum(axis=-1)
    apart = np.sqrt(np.clip(1 - overlap, 0, None))
    weights = np.where(np.isnan(apart), 0.0, _REGION_WEIGHTS[:, None] * _CHANNEL_WEIGHTS)
    total = weights.sum(axis=(-2, -1))
    summed = (np.nan_to_num(apart) * weights).sum(axis=(-2, -1))
    return np.asarray(np.where(total > 0, summed / np.where(total > 0, total, 1), np.nan))


@dataclass(frozen=True)
class PoseTrack:
    """The landmarks of n frames in source pixels, float64; all of a frame is NaN where nobody was found."""

    time_s: NDArray[np.float64]  # (n,) the frames' own times
    xy_px: NDArray[np.float64]  # (n, 33, 2) source pixels, (0, 0) is the centre of the first one
    z: NDArray[np.float64]  # (n, 33) depth from the hips in px, on the scale of x; negative is nearer
    visibility: NDArray[np.float64]  # (n, 33) probability that the point is in the picture and not hidden
    presence: NDArray[np.float64]  # (n, 33) probability that the point is in the picture

    @property
    def frames(self) -> int:
        return len(self.time_s)

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,) whether somebody was found in the frame."""
        somebody: NDArray[np.bool_] = ~np.isnan(self.xy_px[:, LEFT_HIP, 0])
        return somebody
