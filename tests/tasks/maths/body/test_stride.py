"""A gait is two legs that swing against each other, and nothing else."""

import tracemalloc

import numpy as np
import pytest

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import (
    LANDMARK_COUNT,
    LANDMARK_NAMES,
    LEFT_ANKLE,
    RIGHT_ANKLE,
    SHOULDERS,
    PoseTrack,
    torso_length_px,
)
from tasks.maths.body.stride import limb_stride_hz, pose_stride_hz

TIME_S = np.arange(300) / 30


def swing(hz: float, size: float = 0.5) -> Floats:
    wave = size * np.sin(2 * np.pi * hz * TIME_S)
    noise = np.random.default_rng(3).normal(0, 0.02, (len(TIME_S), 2))
    return np.asarray(np.column_stack([wave, np.full(len(TIME_S), 1.9)]) + noise)


@pytest.mark.parametrize("hz", [0.6, 0.95, 1.4])
def test_alternating_legs_are_a_gait(hz: float) -> None:
    found = limb_stride_hz(TIME_S, swing(hz), swing(hz, -0.5), 5.0)
    np.testing.assert_allclose(found, hz, rtol=0.08)


def test_swapped_legs_are_still_a_gait() -> None:
    left, right = swing(0.9), swing(0.9, -0.5)
    swapped = np.repeat(np.random.default_rng(1).random(30) < 0.5, 10)[:, None]
    found = limb_stride_hz(TIME_S, np.where(swapped, left, right), np.where(swapped, right, left), 5.0)
    np.testing.assert_allclose(found, 0.9, rtol=0.1)


def test_feet_lifted_in_turn_under_a_body_that_sways_sideways_are_a_gait() -> None:
    sway, lift = swing(0.8, 0.2)[:, 0], 0.15 * np.sin(2 * np.pi * 0.8 * TIME_S)
    found = limb_stride_hz(TIME_S, np.column_stack([sway, lift]), np.column_stack([sway, -lift]), 5.0)
    np.testing.assert_allclose(found, 0.8, rtol=0.08)


def test_one_moving_leg_or_a_swaying_body_is_no_gait() -> None:
    assert np.isnan(limb_stride_hz(TIME_S, swing(0.9), swing(0.9, 0.0), 5.0)).all()
    assert np.isnan(limb_stride_hz(TIME_S, swing(0.9), swing(0.9), 5.0)).all()
    assert np.isnan(limb_stride_hz(TIME_S, swing(0.9, 0.01), swing(0.9, -0.01), 5.0)).all()


def test_a_gait_ends_where_the_walk_stops() -> None:
    walking = (TIME_S < 6)[:, None]
    found = limb_stride_hz(TIME_S, swing(1.0) * walking, swing(1.0, -0.5) * walking, 3.0)
    assert np.isfinite(found[TIME_S < 4]).all()
    assert np.isnan(found[TIME_S > 9]).all()


def test_a_pose_track_gives_stride_frequency_and_torso_length() -> None:
    xy = np.zeros((300, LANDMARK_COUNT, 2))
    xy[:, SHOULDERS] += [0.0, -80.0]
    xy[:, LEFT_ANKLE], xy[:, RIGHT_ANKLE] = 80 * swing(1.1), 80 * swing(1.1, -0.5)
    xy[40:50] = np.nan
    seen = np.where(np.isfinite(xy[..., 0]), 0.9, np.nan)
    track = PoseTrack(TIME_S, xy, xy[..., 0], seen, seen)
    np.testing.assert_allclose(pose_stride_hz(track), 1.1, rtol=0.08)
    length = torso_length_px(track.xy_px)
    assert np.isnan(length[40:50]).all()
    assert length[0] == pytest.approx(80.0)


def test_without_feet_in_the_picture_the_arms_are_used() -> None:
    xy = np.zeros((300, LANDMARK_COUNT, 2))
    xy[:, SHOULDERS] += [0.0, -80.0]
    xy[:, LANDMARK_NAMES.index("left_wrist")], xy[:, LANDMARK_NAMES.index("right_wrist")] = (
        40 * swing(0.8),
        40 * swing(0.8, -0.5),
    )
    seen = np.full((300, LANDMARK_COUNT), 0.9)
    assert np.isnan(pose_stride_hz(PoseTrack(TIME_S, xy, seen, seen, seen))).all()
    seen[:, [LEFT_ANKLE, RIGHT_ANKLE]] = 0.1
    np.testing.assert_allclose(pose_stride_hz(PoseTrack(TIME_S, xy, seen, seen, seen)), 0.8, rtol=0.08)
    for side in ("left", "right"):
        wrist = LANDMARK_NAMES.index(f"{side}_wrist")
        xy[:, LANDMARK_NAMES.index(f"{side}_elbow")] = 0.4 * xy[:, wrist]
        xy[:, wrist] = 0.0
    np.testing.assert_allclose(pose_stride_hz(PoseTrack(TIME_S, xy, seen, seen, seen)), 0.8, rtol=0.08)


def test_nobody_and_a_very_short_clip_have_no_stride() -> None:
    nothing = np.full((300, LANDMARK_COUNT, 2), np.nan)
    track = PoseTrack(TIME_S, nothing, nothing[..., 0], nothing[..., 0], nothing[..., 0])
    assert np.isnan(pose_stride_hz(track)).all()
    assert np.isnan(limb_stride_hz(TIME_S[:20], swing(1.0)[:20], swing(1.0, -0.5)[:20], 5.0)).all()


def test_too_low_a_frame_rate_gives_no_stride() -> None:
    rare_s = np.linspace(0, 266, 20)
    assert np.isnan(limb_stride_hz(rare_s, swing(1.0)[:20], swing(1.0, -0.5)[:20], 5.0)).all()


def test_memory_grows_linearly_with_the_length() -> None:
    time_s = np.arange(54_000) / 30
    leg = 0.5 * np.stack([np.sin(2 * np.pi * 1.1 * time_s), np.zeros(len(time_s))], axis=1)
    tracemalloc.start()
    try:
        found = limb_stride_hz(time_s, leg, -leg, 5.0)
        peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    np.testing.assert_allclose(found, 1.1, rtol=0.08)
    assert peak_mb < 100  # an array of frames times windows would take 1,500
