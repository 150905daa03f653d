"""Angles of the joints in the plane of the picture, and their course over the stride.

A walker who does not walk exactly across the picture seems to bend less: at a heading of h degrees lengths along the
way shrink by cos(h). So the angles are of use from the side only (see ``side_view``).
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import LANDMARK_NAMES, hip_midpoint, shoulder_midpoint
from tasks.maths.frame_times import interpolate_at
from tasks.maths.gait.events import SIDES
from tasks.maths.gait.figures import Stride
from tasks.maths.gait.side_view import SideView, changes_distance

JOINTS: Final = ("hip", "knee", "ankle")
CYCLE_POINTS: Final = 101  # 0 to 100 per cent of the stride
ANGLE_NAMES: Final = (*(f"{side}_{joint}" for side in SIDES for joint in JOINTS), "trunk_lean")


class Cycle(NamedTuple):
    """An angle over the stride, from heel strike (0) to heel strike (100 per cent): (101,) degrees each."""

    mean_deg: Floats
    deviation_deg: Floats  # standard deviation over the strides; 0 for one
    strides: int


def joint_angles(part: SideView) -> dict[str, Floats]:
    """The angles (n,) in degrees by ``ANGLE_NAMES``.

    - hip: of the thigh against the trunk, 0 in one line, positive with the knee in front (flexion);
    - knee: of the shank against the thigh, 0 in one line, positive bent (flexion);
    - ankle: of the foot, heel to toes, against the shank, 0 at a right angle, positive toes up (dorsiflexion);
    - trunk lean: of the line from mid-hip to mid-shoulder against the picture's vertical, positive forwards.

    The ankles' are NaN for somebody who comes nearer or goes away: the model takes the foot for too long.
    """
    trunk = shoulder_midpoint(part.points) - hip_midpoint(part.points)
    angles = {}
    for side in SIDES:
        hip, knee, ankle, heel, toes = (
            part.points[:, LANDMARK_NAMES.index(f"{side}_{name}")] for name in (*JOINTS, "heel", "foot_index")
        )
        angles[f"{side}_hip"] = _turn_deg(-trunk, knee - hip)
        angles[f"{side}_knee"] = -_turn_deg(knee - hip, ankle - knee)
        angles[f"{side}_ankle"] = _turn_deg(ankle - knee, toes - heel) - 90
        if changes_distance(part):
            angles[f"{side}_ankle"][:] = np.nan
    angles["trunk_lean"] = np.rad2deg(np.arctan2(trunk[:, 0], trunk[:, 1]))
    return {name: angles[name] for name in ANGLE_NAMES}


def _turn_deg(first: Floats, second: Floats) -> Floats:
    """Angle (n,) from ``first`` to ``second`` (n, 2), counter-clockwise with forwards right and up up, -180 to 180."""
    cross = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    return np.asarray(np.rad2deg(np.arctan2(cross, np.sum(first * second, axis=1))))


def gait_cycles(parts: Sequence[SideView], strides: Sequence[Stride]) -> dict[str, Cycle]:
    """Each angle over the strides; the trunk's over those of both legs. Without strides there are none.

    There are none of the ankles for somebody who comes nearer or goes away.
    """
    courses: dict[str, list[Floats]] = {name: [] for name in ANGLE_NAMES}
    for part in parts:
        angles = joint_angles(part)
        for stride in strides:
            if stride.start_s < part.time_s[0] or stride.end_s > part.time_s[-1]:
                continue
            at_s = np.linspace(stride.start_s, stride.end_s, CYCLE_POINTS)
            for name, angle in angles.items():
                if (name.startswith(stride.side) or name == "trunk_lean") and np.isfinite(angle).all():
                    courses[name].append(interpolate_at(at_s, part.time_s, angle[:, None])[:, 0])
    return {name: _cycle(np.stack(several)) for name, several in courses.items() if several}


def _cycle(courses: Floats) -> Cycle:
    deviation = courses.std(axis=0, ddof=1) if len(courses) > 1 else np.zeros(CYCLE_POINTS)
    return Cycle(courses.mean(axis=0), deviation, len(courses))
