"""Stick figures that walk: tracks with known identity for the tests of tracking."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.landmarks import (
    CLOTHES_REGIONS,
    COLOR_BINS,
    HIPS,
    LANDMARK_COUNT,
    LEFT_ANKLE,
    RIGHT_ANKLE,
    SHOULDERS,
)
from tasks.maths.tracking.tracks import Track, concatenate_tracks

RATE_HZ = 30.0
SIZE_PX = (1280, 720)


def figure(hip_xy: tuple[float, float], torso_px: float = 100.0, swing: float = 0.0) -> NDArray[np.float64]:
    """(33, 5) landmarks of a person seen from the front; ``swing`` moves the ankles, in torso lengths."""
    points = np.zeros((LANDMARK_COUNT, 2))
    points[:11] = (0, -1.4)
    points[11:23] = (0, -0.5)
    points[25:] = (0, 1.6)
    points[list(SHOULDERS)] = ((0.25, -1.0), (-0.25, -1.0))
    points[list(HIPS)] = ((0.15, 0.0), (-0.15, 0.0))
    points[LEFT_ANKLE, 0], points[RIGHT_ANKLE, 0] = swing, -swing
    marks = np.ones((LANDMARK_COUNT, 5))
    marks[:, :2] = points * torso_px + hip_xy
    return marks


def clothes(colour: int) -> NDArray[np.float64]:
    """(REGIONS, 3, COLOR_BINS) of one plain colour."""
    worn = np.zeros((CLOTHES_REGIONS, 3, COLOR_BINS))
    worn[..., colour] = 1.0
    return worn


def walk(
    first: int,
    last: int,
    *,
    start_x: float,
    speed_px: float = 4.0,
    colour: int = 2,
    origin: int = 1,
    y: float = 350.0,
    torso_px: float = 100.0,
    stride: float = 0.5,
) -> Track:
    """A walk over frames ``first`` to ``last``; at frame 0 the hips would be at ``start_x``; ``speed_px`` a frame."""
    frames = np.arange(first, last + 1)
    swing = stride * np.sin(frames / 5)
    marks = [figure((start_x + speed_px * f, y), torso_px, s) for f, s in zip(frames.tolist(), swing, strict=True)]
    worn = np.stack([clothes(colour) if f % 3 == 0 else np.full_like(clothes(0), np.nan) for f in frames.tolist()])
    return Track(frames, frames / RATE_HZ, np.stack(marks), worn, np.full(len(frames), origin))


def slide(one: Track, other: Track) -> Track:
    """A track that begins on one person and goes on upon another."""
    whole = concatenate_tracks([one, other])
    return replace(whole, origin=np.full(len(whole), one.origin[0]))
