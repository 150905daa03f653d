"""How a person walks, as a pure function of time: the joints of a body one unit high, in three dimensions.

Joint angles follow published curves of level walking; feet stand still on the ground while they carry, so that
speed = step length x cadence holds exactly. Axes and units are those of ``gait_path``.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.demo.gait_curves import HALF_HIPS, HALF_SHOULDERS, LEG, SHANK, STANCE, THIGH, TRUNK, UNDER
from tasks.demo.gait_limbs import Joints, arm, head, leg, stance_ankle, unit
from tasks.demo.gait_path import SIGN, UP, Gait, axes, heading, path, strides
from tasks.maths.body.landmarks import NAMES

Floats = NDArray[np.float64]

EXTRA: Final = ("hip_center", "neck", "head", "left_ball", "right_ball", "left_sole", "right_sole")
POINTS: Final = NAMES + EXTRA
INDEX: Final = {name: number for number, name in enumerate(POINTS)}


@dataclass(frozen=True)
class Body:
    """Joints of n moments, and how the trunk is turned; ``POINTS`` names the rows."""

    xyz: Floats  # (n, len(POINTS), 3); NaN where a point is not modelled
    yaw_rad: Floats  # (n,) heading
    pelvis_rad: Floats  # (n,) turn of the pelvis about the vertical, taken from the heading: left side back positive
    shoulders_rad: Floats  # (n,) the same of the shoulders


def walk(gait: Gait, time_s: Floats) -> Body:
    """The body at ``time_s`` (n,). Pure: the same gait and times give the same joints."""
    yaw = heading(gait, time_s)
    fore, left = axes(yaw)
    wave = 2 * np.pi * strides(gait, time_s, "right")
    twist = gait.twist_rad * gait.reach * np.cos(wave)
    pelvis = _pelvis(gait, time_s)
    lean, spine = _spine(gait, time_s)
    neck = pelvis + TRUNK * spine
    joints: Joints = {"hip_center": pelvis, "neck": neck} | head(gait, time_s, neck, lean)
    hips = _leftward(fore, left, twist) + UP * (0.05 * gait.reach * np.sin(wave))[:, None]
    shoulders = _leftward(fore, left, -twist)
    for side, sign in SIGN.items():
        limbs = leg(gait, time_s, side, pelvis + HALF_HIPS * sign * hips)
        limbs |= arm(gait, time_s, side, neck - 0.034 * spine + HALF_SHOULDERS * sign * shoulders, lean)
        joints |= {f"{side}_{name}": xyz for name, xyz in limbs.items()}
    xyz = np.full((len(time_s), len(POINTS), 3), np.nan)
    for name, points in joints.items():
        xyz[:, INDEX[name]] = points
    return Body(xyz, yaw, twist, -twist)


def _leftward(fore: Floats, left: Floats, turn_rad: Floats) -> Floats:
    """Leftward axis (n, 3) after turning about the vertical, left side back when positive."""
    return np.asarray(left * np.cos(turn_rad)[:, None] - fore * np.sin(turn_rad)[:, None])


def _spine(gait: Gait, time_s: Floats) -> tuple[Floats, Floats]:
    """Forward lean (n,) and direction (n, 3) of the trunk from hips to neck."""
    fore, left = axes(heading(gait, time_s))
    wave = 2 * np.pi * strides(gait, time_s, "right")
    lean = np.deg2rad(3) + gait.lean_rad * np.sin(2 * np.pi * gait.lean_hz * time_s)
    roll = np.deg2rad(1.5) * gait.reach * np.sin(wave) + np.deg2rad(6) * gait.limp * np.sin(wave - 0.6)
    return lean, unit(UP + fore * np.tan(lean)[:, None] - left * np.tan(roll)[:, None])


def _pelvis(gait: Gait, time_s: Floats) -> Floats:
    """Point halfway between the hip joints (n, 3): it bobs and surges twice a stride, sways once."""
    fore, left = axes(heading(gait, time_s))
    passed = strides(gait, time_s, "right")
    wave = 2 * np.pi * passed
    up = _pelvis_height(gait) + _bob(gait, passed)
    surge = 0.012 * gait.step * np.sin(2 * wave)
    side = -gait.sway * np.sin(wave)  # over the leg that carries
    return np.asarray(path(gait, time_s) + UP * up[:, None] + fore * surge[:, None] + left * side[:, None])


def _bob(gait: Gait, passed: Floats) -> Floats:
    """Height of the pelvis about its mean: lowest just after each heel strike, when both legs carry."""
    even = -0.5 * gait.bounce * min(gait.reach, 1.0) * LEG * np.cos(4 * np.pi * (passed - 0.05))
    uneven = -0.012 * gait.limp * np.cos(2 * np.pi * (passed - 0.15))
    return np.asarray(even + uneven)


@lru_cache(maxsize=64)
def _pelvis_height(gait: Gait) -> float:
    """Highest mean height from which both legs reach the ground through the whole stance."""
    place = np.linspace(0, STANCE, 63)
    ankle = stance_ankle(place, gait)
    ahead = ankle[:, 0] - gait.speed * gait.stride_s * (place - UNDER)
    straight = np.sqrt(np.maximum((0.9995 * (THIGH + SHANK)) ** 2 - ahead**2, 0))
    heights = []
    for side in SIGN:
        lag = strides(gait, np.zeros(1), side) - strides(gait, np.zeros(1), "right")
        heights.append(ankle[:, 1] + straight - _bob(gait, place - lag))
    return float(np.min(heights))
