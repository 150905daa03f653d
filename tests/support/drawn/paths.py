"""Paths and pose tracks whose truth follows from a few numbers."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HIPS, LANDMARK_COUNT, LEFT_HIP, RIGHT_HIP, PoseTrack
from tasks.maths.path import smoothers
from tasks.maths.path.l1_path import l1_path

Smooth = Callable[[Floats, Floats], Floats]

RATE_HZ = 30.0

LINEAR: Mapping[str, Smooth] = {
    "moving": lambda path, _: smoothers.moving_average(path, window_frames=9),
    "gaussian": lambda path, _: smoothers.gaussian(path, window_frames=9),
    "savgol": lambda path, _: smoothers.savgol(path, window_frames=9),
    "butterworth": lambda path, time_s: smoothers.butterworth(path, time_s, cutoff_hz=2.0),
    "kalman": lambda path, time_s: smoothers.kalman(path, time_s, cutoff_hz=2.0),
}
EVERY: Mapping[str, Smooth] = {**LINEAR, "l1": lambda path, time_s: l1_path(path, time_s, budget_px=8.0)}


def even_times(count: int, rate_hz: float = RATE_HZ) -> Floats:
    return np.arange(count) / rate_hz


def uneven_times(count: int, seed: int = 3) -> Floats:
    """Increasing, with intervals from 10 to 100 ms."""
    return np.cumsum(np.random.default_rng(seed).uniform(0.01, 0.1, count))


def shaky_walk(count: int = 90, seed: int = 1) -> Floats:
    time_s = even_times(count)
    shake = np.random.default_rng(seed).normal(0, 2, (count, 2))
    walk = np.stack([200 + 60 * time_s, 300 + 8 * np.sin(2 * np.pi * 1.8 * time_s)], axis=1)
    return np.asarray(walk + shake)


def straight_walk(time_s: Floats) -> Floats:
    return np.asarray(np.array([200.0, 300.0]) + time_s[:, None] * np.array([61.0, -7.0]))


def pose_track(
    time_s: Floats,
    left_px: Floats,
    right_px: Floats,
    *,
    left_seen: Floats | float = 0.9,
    right_seen: Floats | float = 0.9,
) -> PoseTrack:
    """A person of 200 px around the hips: the other landmarks stand in a column through the hips' middle."""
    count = len(time_s)
    xy = np.repeat(((left_px + right_px) / 2)[:, None], LANDMARK_COUNT, axis=1)
    xy[..., 1] += np.linspace(-100, 100, LANDMARK_COUNT)
    xy[:, LEFT_HIP], xy[:, RIGHT_HIP] = left_px, right_px
    visibility = np.full((count, LANDMARK_COUNT), 0.95)
    visibility[:, HIPS[0]], visibility[:, HIPS[1]] = left_seen, right_seen
    return PoseTrack(time_s, xy, np.zeros((count, LANDMARK_COUNT)), visibility, np.ones((count, LANDMARK_COUNT)))


def without(track: PoseTrack, frames: NDArray[np.intp] | slice) -> PoseTrack:
    """The track with nobody found in ``frames``."""
    xy, z, seen, there = (a.copy() for a in (track.xy_px, track.z, track.visibility, track.presence))
    for array in (xy, z, seen, there):
        array[frames] = np.nan
    return PoseTrack(track.time_s, xy, z, seen, there)
