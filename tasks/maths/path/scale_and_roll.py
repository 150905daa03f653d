"""The subject's size and stance over a clip, and the similarity that undoes their slow change."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from tasks.errors import AnchorNotSeen
from tasks.maths.body.landmarks import HIPS, SHOULDERS, PoseTrack
from tasks.maths.path import frame_times
from tasks.maths.path.filters import kalman

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

SIZE_HZ: Final = 0.4
"""Changes of size slower than this are undone: people come nearer over seconds, the gait swings at 1 Hz or more."""
TILT_HZ: Final = 0.1
"""Changes of tilt slower than this are undone: a camera's tilt drifts over many seconds, a lean comes and goes."""
TRUST: Final = 0.25
"""A torso longer or shorter by this share than the median of the second about it is a wrong pose; that one counts."""
WINDOW_S: Final = 1.0


def steadying_scale(pose: PoseTrack, *, pixel_aspect: float = 1.0, min_visibility: float = 0.5) -> Floats:
    """Factor (n,) that gives the subject in each frame the size that it has in the median one.

    The size is the length from the middle of the hips to the middle of the shoulders: a turn of the body about its
    own axis leaves it as it is. It is followed on a logarithmic scale, so that growing and shrinking are alike.
    Frames that do not show it take it from the frames around them. ``AnchorNotSeen`` when no frame shows it.
    """
    torso = _axis(pose, HIPS, SHOULDERS, pixel_aspect, min_visibility)
    length = np.hypot(torso[:, 0], torso[:, 1])
    seen = length > 1  # NaN compares as False; less than a pixel is no length
    _require(seen, "scale")
    size = np.interp(pose.time_s, pose.time_s[seen], np.log(length[seen]))
    radius = int(frame_times.mean_rate(pose.time_s) * WINDOW_S / 2)
    usual = ndimage.median_filter(size, 2 * radius + 1, mode="nearest")
    trusted = np.where(np.abs(size - usual) > np.log1p(TRUST), usual, size)
    slow = kalman(trusted[:, None], pose.time_s, cutoff_hz=SIZE_HZ)[:, 0]
    return np.asarray(np.exp(np.median(slow[seen]) - slow))


def lean(pose: PoseTrack, *, pixel_aspect: float = 1.0, min_visibility: float = 0.5) -> Floats:
    """Angle (n,) in radians, clockwise, by which the subject leans on the whole in each frame.

    The slow part of the torso's direction. On walkers it is nearer to the vertical than the line from the feet: who
    jogs has the feet behind for most of a stride. A lean that lasts is taken for a tilt, too: the picture cannot tell
    them apart. ``AnchorNotSeen`` when no frame shows the torso.
    """
    axis = _axis(pose, HIPS, SHOULDERS, pixel_aspect, min_visibility)
    seen = np.hypot(axis[:, 0], axis[:, 1]) > 1
    _require(seen, "roll")
    upwards = axis[seen] / np.linalg.norm(axis[seen], axis=1, keepdims=True)
    slow = kalman(frame_times.read_at(pose.time_s, pose.time_s[seen], upwards), pose.time_s, cutoff_hz=TILT_HZ)
    return np.asarray(np.arctan2(slow[:, 0], -slow[:, 1]))


def _axis(
    pose: PoseTrack, start: tuple[int, int], end: tuple[int, int], pixel_aspect: float, min_visibility: float
) -> Floats:
    """Vector (n, 2) between the middles of two pairs of points, in squares as high as a pixel; NaN if one hides."""
    seen = (pose.visibility[:, [*start, *end]] >= min_visibility).all(axis=1)
    vector = pose.xy_px[:, end].mean(axis=1) - pose.xy_px[:, start].mean(axis=1)
    return np.where(seen[:, None], vector * [pixel_aspect, 1.0], np.nan)


def _require(seen: Flags, setting: str) -> None:
    if not seen.any():
        fact = "no frame shows both hips and both shoulders"
        raise AnchorNotSeen(f"lock.{setting}: {fact}; set lock.{setting}=false, or use a video that shows the trunk")
