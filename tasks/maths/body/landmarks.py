"""The 33 body landmarks: indices, a clip's landmarks as arrays, torso, bounding box and clothes of one body."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tasks.maths.arrays import Flags, Floats
from tasks.maths.square_pixels import to_square
from tasks.records import LANDMARKS

SAME_BODY_TORSOS: Final = 0.35  # two landmark sets closer than this on average lie on one body
CLOTHES_REGIONS: Final = 2  # torso and thighs
COLOR_BINS: Final = 10  # for each of lightness, a and b
_REGION_WEIGHTS: Final = np.array([1.0, 0.5])  # of torso and thighs
_CHANNEL_WEIGHTS: Final = np.array([0.5, 1.0, 1.0])  # of lightness, a and b: light changes lightness most
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
ARMS: Final = tuple(range(13, LEFT_HIP))  # elbows, wrists, fingers
ANKLES: Final = (LEFT_ANKLE, RIGHT_ANKLE)
HEELS: Final = (29, 30)
TOES: Final = (31, 32)
FEET: Final = (*ANKLES, *HEELS, *TOES)  # left and right in turns
_OTHER_SIDE: Final = {"left": "right", "right": "left"}
COUNTERPARTS: Final = tuple(
    LANDMARK_NAMES.index("_".join(_OTHER_SIDE.get(word, word) for word in name.split("_"))) for name in LANDMARK_NAMES
)
"""For each landmark the index of the same one on the other side: of the left knee that of the right knee."""
BoxEdges = tuple[float, float, float, float]  # x0, y0, x1, y1 in px


def torso_length_px(landmarks: Floats) -> Floats:
    """Distance (...,) from the mid-hip to the mid-shoulder point of landmarks (..., 33, 2 or more)."""
    axis = shoulder_midpoint(landmarks) - hip_midpoint(landmarks)
    return np.asarray(np.hypot(axis[..., 0], axis[..., 1]))


def hip_midpoint(landmarks: Floats) -> Floats:
    """Mid-hip point (..., 2) of landmarks (..., 33, 2 or more)."""
    return np.asarray(landmarks[..., list(HIPS), :2].mean(axis=-2))


def shoulder_midpoint(landmarks: Floats) -> Floats:
    """Mid-shoulder point (..., 2) of landmarks (..., 33, 2 or more)."""
    return np.asarray(landmarks[..., list(SHOULDERS), :2].mean(axis=-2))


def in_square_px(xy_px: Floats, pixel_aspect: float) -> Floats:
    """Positions or vectors (..., 2) in px as high as they are wide: lengths in all directions can be compared."""
    return np.asarray(xy_px * np.array([pixel_aspect, 1.0]))


def exchange_sides(values: Floats, frames: Flags, landmarks: Sequence[int] = range(LANDMARK_COUNT)) -> Floats:
    """Values (n, 33, ...), left for right in the given ``frames`` (n,), of all landmarks or of ``landmarks`` alone."""
    order = [COUNTERPARTS[index] if index in landmarks else index for index in range(LANDMARK_COUNT)]
    exchanged = values.copy()
    exchanged[frames] = values[frames][:, order]
    return exchanged


def landmark_box(landmarks: Floats, margin: float) -> BoxEdges:
    """x0, y0, x1, y1 px around all landmarks (33, 2 or more), plus ``margin`` torso lengths."""
    margin_px = margin * max(float(torso_length_px(landmarks)), 1.0)
    x0, y0 = (landmarks[:, :2].min(axis=0) - margin_px).tolist()
    x1, y1 = (landmarks[:, :2].max(axis=0) + margin_px).tolist()
    return x0, y0, x1, y1


def same_body(first: Floats, second: Floats) -> bool:
    """Whether two sets of landmarks (33, 2 or more) lie on one body: close to each other on average."""
    distance_px = np.hypot(*(first[:, :2] - second[:, :2]).T).mean()
    return bool(distance_px < SAME_BODY_TORSOS * min(float(torso_length_px(first)), float(torso_length_px(second))))


def clothes_distance(first: Floats, second: Floats) -> Floats:
    """Mean Hellinger distance (...,) of the histograms (..., CLOTHES_REGIONS, 3, COLOR_BINS) of clothes, 0 to 1.

    Regions that are NaN in either do not count; NaN if none is left.
    """
    overlap = np.sqrt(first * second).sum(axis=-1)
    distance = np.sqrt(np.clip(1 - overlap, 0, None))
    weights = np.where(np.isnan(distance), 0.0, _REGION_WEIGHTS[:, None] * _CHANNEL_WEIGHTS)
    total = weights.sum(axis=(-2, -1))
    summed = (np.nan_to_num(distance) * weights).sum(axis=(-2, -1))
    return np.asarray(np.where(total > 0, summed / np.where(total > 0, total, 1), np.nan))


@dataclass(frozen=True)
class PoseTrack:
    """The landmarks of n frames in source pixels, float64. A frame without a person is NaN everywhere."""

    time_s: Floats  # (n,) the frames' own times
    xy_px: Floats  # (n, 33, 2) source pixels; (0, 0) is the centre of the first one
    z: Floats  # (n, 33) depth from the hips in px, on the scale of x; negative is nearer
    visibility: Floats  # (n, 33) probability that the point is in the picture and not hidden
    presence: Floats  # (n, 33) probability that the point is in the picture

    @classmethod
    def of(cls, time_s: Floats, landmarks: Floats) -> "PoseTrack":
        """From the times (n,) and landmarks (n, 33, 5): x, y, z, visibility and presence. They share memory."""
        z, visibility, presence = (landmarks[..., index] for index in (2, 3, 4))
        return cls(time_s, landmarks[..., :2], z, visibility, presence)

    @property
    def landmarks(self) -> Floats:
        """(n, 33, 5) x, y, z, visibility and presence, as a new array."""
        return np.concatenate([self.xy_px, np.stack([self.z, self.visibility, self.presence], axis=2)], axis=2)

    @property
    def frames(self) -> int:
        return len(self.time_s)

    def part(self, frames: slice) -> "PoseTrack":
        """Some consecutive frames."""
        return PoseTrack(
            self.time_s[frames], self.xy_px[frames], self.z[frames], self.visibility[frames], self.presence[frames]
        )

    def in_square_px(self, widening: float) -> "PoseTrack":
        """The same landmarks in square pixels (see ``tasks.maths.square_pixels``)."""
        return self if widening == 1 else PoseTrack.of(self.time_s, to_square(self.landmarks, widening))

    @property
    def found(self) -> Flags:
        """(n,) whether a person was found in the frame."""
        somebody: Flags = ~np.isnan(self.xy_px[:, LEFT_HIP, 0])
        return somebody


def shown_share(landmarks: Floats, size_px: tuple[int, int]) -> float:
    """Share of landmarks (33, 5) inside a picture of (width, height), times their mean visibility: 0 to 1."""
    return float(inside_picture(landmarks[:, :2], size_px).mean() * landmarks[:, 3].mean())


def inside_picture(points: Floats, size_px: tuple[int, int]) -> Flags:
    """(...) whether points (..., 2) lie inside a picture of (width, height), from pixel centre to pixel centre."""
    return np.asarray(((points >= 0) & (points <= np.array(size_px) - 1)).all(axis=-1))
