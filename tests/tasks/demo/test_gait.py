"""The gait model: footprints, limbs and published joint angles."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.demo.gait import (
    FLAT_FOOT,
    LEG_BH,
    SHANK_BH,
    STANCE_END,
    THIGH_BH,
    Gait,
    heel_strikes,
    joint_angle,
    stride_count,
)
from tasks.demo.skeleton import POINT_INDEX, skeleton_at
from tasks.maths.arrays import Floats

LEVEL = Gait(speed=0.55)
WAYS = {
    "level": LEVEL,
    "slow": replace(LEVEL, speed=0.25),
    "brisk": replace(LEVEL, speed=0.85),
    "towards": replace(LEVEL, heading_rad=np.pi / 2),
    "turning": replace(LEVEL, turn_rad_s=0.5),
    "limping": replace(LEVEL, limp=1.0),
    "leaning": replace(LEVEL, lean_rad=0.35),
}
TIME_S = np.arange(0, 8, 1 / 60)
UNIT_PX = 340  # pixels of one body height in the demo


def point(gait: Gait, name: str, time_s: Floats = TIME_S) -> Floats:
    return skeleton_at(gait, time_s).xyz[:, POINT_INDEX[name]]


@pytest.mark.parametrize("speed", [0.2, 0.55, 1.0])
def test_speed_is_step_length_times_cadence(speed: float) -> None:
    gait = Gait(speed=speed)
    assert gait.step * gait.cadence_hz == pytest.approx(speed)
    hips = point(gait, "hip_center", np.array([0.0, 5 * gait.stride_s]))
    assert hips[1, 0] - hips[0, 0] == pytest.approx(speed * 5 * gait.stride_s, abs=1e-9)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("side", ["left", "right"])
def test_the_standing_foot_does_not_slide(way: str, side: str) -> None:
    gait = WAYS[way]
    place = stride_count(gait, TIME_S, side) % 1
    toe, heel = point(gait, f"{side}_foot_index"), point(gait, f"{side}_heel")
    for track, low, high in ((toe, FLAT_FOOT[0], STANCE_END), (heel, *FLAT_FOOT)):
        standing = (place[:-1] >= low) & (place[1:] <= high) & (place[1:] > place[:-1])
        assert standing.sum() > 50
        moved_px = UNIT_PX * np.abs(np.diff(track, axis=0)[standing])
        assert moved_px.max() < 1e-6


def test_the_swinging_foot_moves() -> None:
    place = stride_count(LEVEL, TIME_S, "left") % 1
    toe = point(LEVEL, "left_foot_index")[place > 0.7]
    assert np.ptp(toe[:, 0]) > 1


@pytest.mark.parametrize("way", WAYS)
def test_no_part_of_a_foot_is_below_the_ground(way: str) -> None:
    for name in ("sole", "ball", "heel", "foot_index"):
        for side in ("left", "right"):
            assert point(WAYS[way], f"{side}_{name}")[:, 1].min() > -1e-9


@pytest.mark.parametrize("way", WAYS)
def test_bones_keep_their_length(way: str) -> None:
    gait = WAYS[way]
    for side in ("left", "right"):
        hip, knee, ankle = (point(gait, f"{side}_{name}") for name in ("hip", "knee", "ankle"))
        thigh, shank = np.linalg.norm(knee - hip, axis=1), np.linalg.norm(ankle - knee, axis=1)
        # A straight leg may be longer by a few hundredths where the foot is out of reach.
        assert thigh.min() > THIGH_BH - 1e-9
        assert thigh.max() < THIGH_BH * 1.05
        assert shank.min() > SHANK_BH - 1e-9
        assert shank.max() < SHANK_BH * 1.05
        elbow, wrist = point(gait, f"{side}_elbow"), point(gait, f"{side}_wrist")
        assert np.ptp(np.linalg.norm(wrist - elbow, axis=1)) < 1e-9


def test_joints_do_not_jump() -> None:
    for gait in WAYS.values():
        fine = skeleton_at(gait, np.arange(0, 4, 1 / 240)).xyz
        speed = np.abs(np.diff(fine, axis=0)) * 240
        assert np.nanmax(speed) < 8 * gait.speed + 1  # body heights per second


def test_hips_bounce_twice_a_stride_by_the_given_amount() -> None:
    time_s = np.arange(256) / 256 * LEVEL.stride_s
    height = point(LEVEL, "hip_center", time_s)[:, 1]
    power = np.abs(np.fft.rfft(height - height.mean()))
    assert np.argmax(power) == 2
    assert np.ptp(point(replace(LEVEL, bounce=0.09), "hip_center", time_s)[:, 1]) == pytest.approx(
        2 * np.ptp(height), rel=0.02
    )
    assert np.ptp(height) == pytest.approx(LEVEL.bounce * LEVEL.reach * LEG_BH, rel=0.01)


def test_hip_center_is_the_mean_of_the_hip_joints() -> None:
    for gait in WAYS.values():
        mean = (point(gait, "left_hip") + point(gait, "right_hip")) / 2
        np.testing.assert_allclose(mean, point(gait, "hip_center"), atol=1e-12)


def test_a_limp_makes_uneven_steps() -> None:
    even = np.diff([time_s for time_s, _ in heel_strikes(LEVEL, 0, 20)])
    uneven = np.diff([time_s for time_s, _ in heel_strikes(WAYS["limping"], 0, 20)])
    assert np.ptp(even) < 1e-9
    assert np.ptp(uneven) > 0.1 * uneven.mean()


def test_heel_strikes_are_where_the_foot_lands() -> None:
    found = heel_strikes(LEVEL, 0, 6)
    assert [side for _, side in found[:4]] in (["left", "right"] * 2, ["right", "left"] * 2)
    assert np.diff([time_s for time_s, _ in found]).mean() == pytest.approx(1 / LEVEL.cadence_hz)
    for time_s, side in found:
        sole = point(LEVEL, f"{side}_sole", np.array([time_s]))[0]
        assert sole[1] == pytest.approx(0, abs=1e-9)


def test_a_walk_out_and_back_ends_where_it_began() -> None:
    gait = replace(LEVEL, turn_back=True, middle_s=3.0, middle=(1.0, 0.0))
    ends = point(gait, "hip_center", np.array([1.0, 5.0]))
    assert ends[0, 0] == pytest.approx(ends[1, 0], abs=0.02)


@pytest.mark.parametrize(("joint", "low", "high"), [("hip", -11, 33), ("knee", 3, 66), ("shoulder", -21, 20)])
def test_published_angles_stay_in_their_range(joint: str, low: float, high: float) -> None:
    degrees = np.rad2deg(joint_angle(joint, np.linspace(0, 1, 200)))
    assert low <= degrees.min() < degrees.max() <= high
    assert np.ptp(degrees) > 0.85 * (high - low)
