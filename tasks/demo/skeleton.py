"""The joints of a walking body of height 1 in three dimensions, as a pure function of time.

Joint angles follow the published curves in ``gait``. Feet stand still on the ground during stance, so that speed = step
length x cadence holds exactly. Axes and units are those of ``gait``.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from tasks.demo.gait import (
    ANKLE_HEIGHT_BH,
    FLAT_FOOT,
    FOREARM_BH,
    HALF_HIPS_BH,
    HALF_SHOULDERS_BH,
    HAND_BH,
    LEG_BH,
    MIDSTANCE,
    SHANK_BH,
    SIDE_SIGN,
    STANCE_END,
    THIGH_BH,
    TRUNK_BH,
    UP,
    UPPER_ARM_BH,
    Gait,
    foot_pitch,
    footprint,
    forward_and_left,
    ground_path,
    heading,
    joint_angle,
    stride_count,
)
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import LANDMARK_NAMES

EXTRA_POINTS: Final = ("hip_center", "neck", "head", "left_ball", "right_ball", "left_sole", "right_sole")
POINTS: Final = LANDMARK_NAMES + EXTRA_POINTS
POINT_INDEX: Final = {name: number for number, name in enumerate(POINTS)}
Joints = dict[str, Floats]
_HEEL_CONTACT: Final = np.array([-0.030, -ANKLE_HEIGHT_BH])  # (forward, up) from the ankle, with the foot level
_BALL_CONTACT: Final = np.array([0.078, -ANKLE_HEIGHT_BH])
_HEEL: Final = np.array([-0.034, -0.024])
_TOE_FROM_BALL: Final = np.array([0.026, 0.012])
_FACE: Final = {  # (forward, left, up) from the centre of the head
    "nose": (0.063, 0.0, -0.006),
    "left_eye": (0.048, 0.018, 0.010),
    "right_eye": (0.048, -0.018, 0.010),
    "left_ear": (-0.004, 0.043, 0.000),
    "right_ear": (-0.004, -0.043, 0.000),
    "mouth_left": (0.042, 0.013, -0.033),
    "mouth_right": (0.042, -0.013, -0.033),
}


@dataclass(frozen=True)
class Skeleton:
    """Joints at n moments and the turn of the trunk. ``POINTS`` names the rows."""

    xyz: Floats  # (n, len(POINTS), 3); NaN where a point is not modelled
    yaw_rad: Floats  # (n,) heading
    pelvis_rad: Floats  # (n,) turn of the pelvis about the vertical, relative to the heading; positive: left side back
    shoulders_rad: Floats  # (n,) the same for the shoulders


def skeleton_at(gait: Gait, time_s: Floats) -> Skeleton:
    """The skeleton at ``time_s`` (n,). The same gait and times give the same joints."""
    yaw = heading(gait, time_s)
    fore, left = forward_and_left(yaw)
    wave = 2 * np.pi * stride_count(gait, time_s, "right")
    twist = gait.twist_rad * gait.reach * np.cos(wave)
    pelvis = _pelvis(gait, time_s)
    lean, spine = _spine(gait, time_s)
    neck = pelvis + TRUNK_BH * spine
    joints: Joints = {"hip_center": pelvis, "neck": neck} | head(gait, time_s, neck, lean)
    hips = _leftward(fore, left, twist) + UP * (0.05 * gait.reach * np.sin(wave))[:, None]
    shoulders = _leftward(fore, left, -twist)
    for side, sign in SIDE_SIGN.items():
        limbs = leg(gait, time_s, side, pelvis + HALF_HIPS_BH * sign * hips)
        limbs |= arm(gait, time_s, side, neck - 0.034 * spine + HALF_SHOULDERS_BH * sign * shoulders, lean)
        joints |= {f"{side}_{name}": xyz for name, xyz in limbs.items()}
    xyz = np.full((len(time_s), len(POINTS), 3), np.nan)
    for name, points in joints.items():
        xyz[:, POINT_INDEX[name]] = points
    return Skeleton(xyz, yaw, twist, -twist)


def _leftward(fore: Floats, left: Floats, turn_rad: Floats) -> Floats:
    """Leftward axis (n, 3) after a turn about the vertical. Positive turns the left side back."""
    return np.asarray(left * np.cos(turn_rad)[:, None] - fore * np.sin(turn_rad)[:, None])


def _spine(gait: Gait, time_s: Floats) -> tuple[Floats, Floats]:
    """Forward lean (n,) of the trunk, and its direction (n, 3) from hips to neck."""
    fore, left = forward_and_left(heading(gait, time_s))
    wave = 2 * np.pi * stride_count(gait, time_s, "right")
    lean = np.deg2rad(3) + gait.lean_rad * np.sin(2 * np.pi * gait.lean_hz * time_s)
    roll = np.deg2rad(1.5) * gait.reach * np.sin(wave) + np.deg2rad(6) * gait.limp * np.sin(wave - 0.6)
    return lean, normalized(UP + fore * np.tan(lean)[:, None] - left * np.tan(roll)[:, None])


def _pelvis(gait: Gait, time_s: Floats) -> Floats:
    """Point halfway between the hip joints (n, 3). It bobs and surges twice a stride, and sways once."""
    fore, left = forward_and_left(heading(gait, time_s))
    passed = stride_count(gait, time_s, "right")
    wave = 2 * np.pi * passed
    up = _pelvis_height(gait) + _bob(gait, passed)
    surge = 0.012 * gait.step * np.sin(2 * wave)
    side = -gait.sway * np.sin(wave)  # over the standing leg
    return np.asarray(ground_path(gait, time_s) + UP * up[:, None] + fore * surge[:, None] + left * side[:, None])


def _bob(gait: Gait, passed: Floats) -> Floats:
    """Height of the pelvis relative to its mean. It is lowest just after each heel strike, when both feet stand."""
    even = -0.5 * gait.bounce * min(gait.reach, 1.0) * LEG_BH * np.cos(4 * np.pi * (passed - 0.05))
    uneven = -0.012 * gait.limp * np.cos(2 * np.pi * (passed - 0.15))
    return np.asarray(even + uneven)


@lru_cache(maxsize=64)
def _pelvis_height(gait: Gait) -> float:
    """Largest mean height at which both legs reach the ground through the whole stance."""
    place = np.linspace(0, STANCE_END, 63)
    ankle = stance_ankle(place, gait)
    ahead = ankle[:, 0] - gait.speed * gait.stride_s * (place - MIDSTANCE)
    straight = np.sqrt(np.maximum((0.9995 * (THIGH_BH + SHANK_BH)) ** 2 - ahead**2, 0))
    heights = []
    for side in SIDE_SIGN:
        lag = stride_count(gait, np.zeros(1), side) - stride_count(gait, np.zeros(1), "right")
        heights.append(ankle[:, 1] + straight - _bob(gait, place - lag))
    return float(np.min(heights))


def leg(gait: Gait, time_s: Floats, side: str, hip: Floats) -> Joints:
    """Hip, knee, ankle and foot (n, 3) of one side: planted in stance, by the published angles in swing."""
    passed = stride_count(gait, time_s, side)
    count: Floats = np.floor(passed)
    place = passed - count
    fore, _ = forward_and_left(heading(gait, time_s))
    swing = np.clip((place - STANCE_END) / (1 - STANCE_END), 0, 1)
    keep, land = 1 - _smooth(swing / 0.5), _smooth((swing - 0.6) / 0.4)
    ankle = (
        keep[:, None] * _planted(gait, count, place, side)
        + land[:, None] * _planted(gait, count + 1, place - 1, side)
        + (1 - keep - land)[:, None] * _swung(gait, place, hip, fore)
    )
    turn = _smooth(swing)[:, None]
    foot_fore = normalized((1 - turn) * footprint(gait, count, side)[1] + turn * footprint(gait, count + 1, side)[1])
    foot = _foot(_pitch(place, gait), swing)
    ankle[:, 1] = _cleared(ankle[:, 1], foot, swing)
    joints = {name: ankle + foot_fore * part[:, :1] + UP * part[:, 1:] for name, part in foot.items()}
    return joints | {"hip": hip, "knee": _knee(hip, ankle, fore), "ankle": ankle}


def stance_ankle(place: Floats, gait: Gait) -> Floats:
    """Ankle (n, 2) as (forward, up) from the footprint: rolling over the heel, flat, then rolling over the ball."""
    pitch = _pitch(place, gait)
    early = (place < FLAT_FOOT[0])[:, None]
    pivot = np.where(early, _HEEL_CONTACT, _BALL_CONTACT)
    turned = np.where(early, _rotate(_HEEL_CONTACT, pitch), _rotate(_BALL_CONTACT, pitch))
    return np.asarray(np.array([0, ANKLE_HEIGHT_BH]) + pivot - turned)


def arm(gait: Gait, time_s: Floats, side: str, shoulder: Floats, lean_rad: Floats) -> Joints:
    """Shoulder, elbow, wrist and index finger (n, 3) of one side. The arm swings against the leg of its side."""
    fore, left = forward_and_left(heading(gait, time_s))
    passed = stride_count(gait, time_s, side)
    outward = left * (0.13 * SIDE_SIGN[side])
    swing = joint_angle("shoulder", passed) * (0.3 + 0.7 * gait.reach) - 0.5 * lean_rad
    bend = swing + joint_angle("elbow", passed) * (0.6 + 0.4 * gait.reach)
    upper = normalized(fore * np.sin(swing)[:, None] - UP * np.cos(swing)[:, None] + outward)
    lower = normalized(fore * np.sin(bend)[:, None] - UP * np.cos(bend)[:, None] + outward * 0.2)
    elbow = shoulder + UPPER_ARM_BH * upper
    wrist = elbow + FOREARM_BH * lower
    return {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "index": wrist + HAND_BH * lower}


def head(gait: Gait, time_s: Floats, neck: Floats, lean_rad: Floats) -> Joints:
    """Centre of the head and points of the face (n, 3). The head takes one third of the trunk's lean."""
    fore, left = forward_and_left(heading(gait, time_s))
    tilt = (lean_rad / 3)[:, None]
    up = UP * np.cos(tilt) + fore * np.sin(tilt)
    ahead = fore * np.cos(tilt) - UP * np.sin(tilt)
    center = neck + 0.080 * up + 0.016 * ahead
    face = {name: center + f * ahead + s * left + u * up for name, (f, s, u) in _FACE.items()}
    return face | {"head": center}


def normalized(vector: Floats) -> Floats:
    """Vectors (n, 3) scaled to length 1."""
    return np.asarray(vector / np.linalg.norm(vector, axis=-1, keepdims=True))


def _smooth(share: Floats) -> Floats:
    """Smootherstep from 0 to 1, with two continuous derivatives."""
    x = np.clip(share, 0, 1)
    return np.asarray(x * x * x * (x * (6 * x - 15) + 10))


def _pitch(place: Floats, gait: Gait) -> Floats:
    return foot_pitch(place) * min(1.0, 0.35 + 0.65 * gait.reach)


def _rotate(point: Floats, pitch: Floats) -> Floats:
    """A (forward, up) point after pitch, (n, 2). Toes up is positive."""
    cos, sin = np.cos(pitch), np.sin(pitch)
    return np.stack([point[0] * cos - point[1] * sin, point[0] * sin + point[1] * cos], axis=-1)


def _planted(gait: Gait, count: Floats, place: Floats, side: str) -> Floats:
    """Ankle (n, 3) of a foot that stands on footprint ``count``, even before or after its stance."""
    point, fore = footprint(gait, count, side)
    ankle = stance_ankle(place, gait)
    return np.asarray(point + fore * ankle[:, :1] + UP * ankle[:, 1:])


def _swung(gait: Gait, place: Floats, hip: Floats, fore: Floats) -> Floats:
    """Ankle (n, 3) by the published angles of hip and knee, with their range scaled by the step length."""
    thigh = joint_angle("hip", place) * gait.reach
    shank = thigh - joint_angle("knee", place) * (0.45 + 0.55 * gait.reach)
    ahead = THIGH_BH * np.sin(thigh) + SHANK_BH * np.sin(shank)
    below = THIGH_BH * np.cos(thigh) + SHANK_BH * np.cos(shank)
    return np.asarray(hip + fore * ahead[:, None] - UP * below[:, None])


def _foot(pitch: Floats, swing: Floats) -> Joints:
    """Points of the foot (n, 2) as (forward, up) from the ankle. The toes stay on the ground while the heel rises."""
    toe_pitch = np.maximum(pitch, 0) + np.minimum(pitch, 0) * _smooth(swing / 0.5)
    ball = _rotate(_BALL_CONTACT, pitch)
    return {
        "heel": _rotate(_HEEL, pitch),
        "sole": _rotate(_HEEL_CONTACT, pitch),
        "ball": ball,
        "foot_index": ball + _rotate(_TOE_FROM_BALL, toe_pitch),
    }


def _cleared(ankle_height: Floats, foot: Joints, swing: Floats) -> Floats:
    """Ankle height (n,) at which the swinging foot clears the ground."""
    lowest = np.min([part[:, 1] for part in foot.values()], axis=0)
    window = _smooth(swing / 0.25) * _smooth((1 - swing) / 0.25)
    lack = 0.008 - lowest - ankle_height
    return np.asarray(ankle_height + window * 0.5 * (lack + np.sqrt(lack**2 + 0.006**2)))


def _knee(hip: Floats, ankle: Floats, fore: Floats) -> Floats:
    """Knee (n, 3) of a leg that bends forwards. On the straight line if the ankle is out of reach."""
    line = ankle - hip
    length = np.linalg.norm(line, axis=-1, keepdims=True)
    along = line / length
    front = normalized(fore - along * np.sum(fore * along, axis=-1, keepdims=True))
    down = (THIGH_BH**2 - SHANK_BH**2 + length**2) / (2 * length)
    out = np.sqrt(np.maximum(THIGH_BH**2 - down**2, 0))
    return np.asarray(hip + along * down + front * out)
