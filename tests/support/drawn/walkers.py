"""Poses of drawn walkers without drawing them: the true joints, with the faults that a pose model has."""

from fractions import Fraction
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from tasks.demo.gait import STANCE_END, heel_strikes
from tasks.demo.walker import Walk, ground_truth, subject_gait
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.gait.events import GaitEvent
from tasks.maths.gait.legs import LEFT_LEG, RIGHT_LEG

# What the model shows on drawn walkers, 227 px high: errors from frame to frame, and errors that last for a while.
NOISE_PX, SLOW_NOISE_PX, SLOW_S = 0.5, 1.5, 0.15
EXCHANGED_SHARE = 0.1  # of the frames, in runs of up to 4

# How ``drawn`` walkers of all kinds are asked for: the frame rate, the limp, the turn, and the speed of the walker.
WALKERS: list[dict[str, Any]] = [
    {},
    {"rate_hz": 24, "seed": 2},
    {"rate_hz": 60, "seed": 3},
    {"rate_hz": 240, "seconds": 5, "seed": 4},
    {"limp": 0.7},
    {"turn_deg_s": 8},
    {"speed": -0.2, "seed": 5},
    {"speed": 0.1, "seconds": 10},
    {"speed": 0.3},
]


def drawn(rate_hz: float = 30, seconds: float = 8, **walk: Any) -> Walk:
    return Walk(size_px=(640, 360), seconds=seconds, fps=Fraction(rate_hz).limit_denominator(1001), **walk)


def true_pose(walker: Walk) -> PoseTrack:
    truth = ground_truth(walker)
    ones = np.ones(truth.joints_xy_px.shape[:2])
    return PoseTrack(truth.time_s, truth.joints_xy_px.copy(), 0 * ones, ones, ones)


def modelled_pose(walker: Walk, seed: int = 1) -> PoseTrack:
    """The true joints with noise, and with the legs exchanged in some frames."""
    pose, random = true_pose(walker), np.random.default_rng(seed)
    xy_px = pose.xy_px + random.normal(0, NOISE_PX, pose.xy_px.shape)
    slow = gaussian_filter1d(random.normal(0, 1, pose.xy_px.shape), SLOW_S * float(walker.fps), axis=0)
    xy_px += SLOW_NOISE_PX * slow / slow.std()
    legs, others = list(LEFT_LEG + RIGHT_LEG), list(RIGHT_LEG + LEFT_LEG)
    for first in np.flatnonzero(random.random(pose.frames) < EXCHANGED_SHARE / 2.5):
        part = slice(first, first + random.integers(1, 5))
        xy_px[part, legs] = xy_px[part, others]
    return PoseTrack(pose.time_s, xy_px, pose.z, pose.visibility, pose.presence)


def true_events(walker: Walk) -> list[GaitEvent]:
    """The contacts of both feet from 2 s before the clip to 2 s behind it."""
    gait, end_s = subject_gait(walker), walker.frames / float(walker.fps)
    events = []
    for time_s, side in heel_strikes(gait, -2, end_s + 2):
        events.append(GaitEvent(time_s, "left" if side == "left" else "right", "heel strike"))
        events.append(GaitEvent(time_s + STANCE_END * gait.stride_s, events[-1].side, "toe off"))
    return sorted(events)


def event_errors_s(found: list[GaitEvent], walker: Walk) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Found minus true time of each event, by the nearest true one of its foot and kind."""
    true = true_events(walker)
    errors = []
    for event in found:
        times_s = np.array([one.time_s for one in true if (one.side, one.kind) == (event.side, event.kind)])
        errors.append(event.time_s - times_s[np.abs(times_s - event.time_s).argmin()])
    return np.array(errors)
