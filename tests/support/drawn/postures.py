"""Drawn people who do not walk: they stand, sit, work at a desk, ride a bicycle, dance, or lie."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.demo.gait import (
    ANKLE_HEIGHT_BH,
    FOREARM_BH,
    HALF_HIPS_BH,
    HALF_SHOULDERS_BH,
    HAND_BH,
    SHANK_BH,
    SIDE_SIGN,
    THIGH_BH,
    TRUNK_BH,
    UP,
    UPPER_ARM_BH,
    Gait,
    forward_and_left,
)
from tasks.demo.skeleton import POINT_INDEX, POINTS, Joints, head, normalized
from tasks.demo.street import build_street, street_frame
from tasks.demo.walker import Walk, camera_shake, project_points, walk_camera, walk_times
from tasks.demo.walker_body import Figure, Outfit
from tasks.demo.walker_frame import draw_person, draw_shadow
from tasks.maths.arrays import Floats
from tests.support.drawn.empty_scenes import RATE_HZ

Image = NDArray[np.uint8]

YAW_DEG: Final = {"stands": 60, "stands_behind": -75, "sits": 35, "desk": 20, "bicycle": 0, "dances": 80}
STANDING_BH: Final = THIGH_BH + SHANK_BH + ANKLE_HEIGHT_BH - 0.004
SEAT_BH: Final = 0.29
SADDLE_BH: Final = 0.50
CRANK_BH: Final = 0.095
_FOOT: Final = {  # (forward, up) from the ankle
    "heel": (-0.034, -0.024),
    "sole": (-0.03, -0.039),
    "ball": (0.078, -0.039),
    "foot_index": (0.104, -0.027),
}


def posture_frames(
    posture: str, frames: int, *, person: float = 0.6, seed: int = 1, pan_px: float = 0.0, sweep_px: float = 0.0
) -> Iterator[Image]:
    """Pictures (360, 640, 3) of one drawn person, before a street that passes by ``pan_px`` a frame.

    The camera also goes to and fro by ``sweep_px``, once in two seconds.

    Postures: those of ``YAW_DEG``, and ``mannequin``: a person who stands and does not move at all.
    """
    size_px, seconds = (640, 360), frames / RATE_HZ
    walk = Walk(size_px=size_px, seconds=seconds, fps=Fraction(RATE_HZ), person=person, seed=seed, shake_px=1.0)
    time_s, outfit, street = walk_times(walk), Outfit(pattern=seed), build_street(walk.size_px, 0.0, seed)
    yaw = np.full(frames, np.deg2rad(YAW_DEG.get(posture, 60)))
    xyz = _joints(posture, time_s, yaw)
    camera = walk_camera(walk)
    xy, near = project_points(camera, xyz, time_s)
    gone_px = pan_px * (np.arange(frames) - frames / 2) + sweep_px * np.sin(np.pi * time_s)
    xy[..., 0] -= gone_px[:, None]
    shift = camera_shake(camera, time_s)
    for row in range(frames):
        rgb = street_frame(
            street, float(gone_px[row]) + pan_px * frames / 2, (float(shift[row, 0]), float(shift[row, 1]))
        )
        figure = Figure(xy[row], near[row], xyz[row, :, 2], float(yaw[row]), 0.0, 0.0)
        draw_shadow(rgb, figure)
        _draw_thing(rgb, posture, figure)
        draw_person(rgb, np.zeros(rgb.shape[:2], np.uint8), figure, outfit, of_subject=True)
        yield rgb


def _joints(posture: str, time_s: Floats, yaw: Floats) -> Floats:
    """(n, points, 3) in body heights; how much a body sways is from standing people: about 5 mm in a second."""
    fore, left = forward_and_left(yaw)
    alive = 0.0 if posture == "mannequin" else 1.0
    sway = alive * (0.006 * np.sin(2 * np.pi * 0.35 * time_s) + 0.003 * np.sin(2 * np.pi * 0.9 * time_s + 1))
    height = {"sits": SEAT_BH, "desk": SEAT_BH, "bicycle": SADDLE_BH + 0.05}.get(posture, STANDING_BH)
    bob = 0.02 * np.abs(np.sin(2 * np.pi * 1.0 * time_s)) if posture == "dances" else 0 * time_s
    pelvis = left * sway[:, None] + UP * (height - 0.03 * (posture == "dances") - bob)[:, None]
    lean = np.full(len(time_s), np.deg2rad({"bicycle": 38, "desk": 12}.get(posture, 2))) + 0.4 * sway
    spine = normalized(UP + fore * np.tan(lean)[:, None] + left * (0.5 * sway)[:, None])
    neck = pelvis + TRUNK_BH * spine
    joints = {"hip_center": pelvis, "neck": neck} | head(Gait(heading_rad=float(yaw[0])), time_s, neck, lean)
    for side, sign in SIDE_SIGN.items():
        hip = pelvis + HALF_HIPS_BH * sign * left
        joints |= _leg(posture, side, hip, time_s, (fore, left))
        shoulder = neck - 0.034 * spine + HALF_SHOULDERS_BH * sign * left
        slow = alive * np.sin(2 * np.pi * 0.4 * time_s + sign)[:, None]
        joints |= _arm(posture, side, shoulder, time_s, slow, (fore, left))
    xyz = np.full((len(time_s), len(POINTS), 3), np.nan)
    for name, points in joints.items():
        xyz[:, POINT_INDEX[name]] = points
    return xyz


def _leg(posture: str, side: str, hip: Floats, time_s: Floats, axes: tuple[Floats, Floats]) -> Joints:
    sign, (fore, left) = SIDE_SIGN[side], axes
    ground = UP * ANKLE_HEIGHT_BH
    if posture in ("sits", "desk"):
        ankle = hip * [1, 0, 1] + fore * THIGH_BH + ground + left * 0.02 * sign
    elif posture == "bicycle":
        turn = 2 * np.pi * 1.2 * time_s + (np.pi if sign < 0 else 0)
        bottom = hip * [1, 0, 1] + fore * 0.12 + UP * 0.155
        ankle = bottom + fore * (CRANK_BH * np.cos(turn))[:, None] - UP * (CRANK_BH * np.sin(turn) - 0.04)[:, None]
    else:
        ankle = np.mean(hip * [1, 0, 1], axis=0) + left * 0.025 * sign + ground
    knee = _bent(hip, ankle, fore, THIGH_BH, SHANK_BH)
    foot = {name: ankle + fore * ahead + UP * up for name, (ahead, up) in _FOOT.items()}
    return {f"{side}_{name}": xyz for name, xyz in (foot | {"hip": hip, "knee": knee, "ankle": ankle}).items()}


def _arm(
    posture: str, side: str, shoulder: Floats, time_s: Floats, slow: Floats, axes: tuple[Floats, Floats]
) -> Joints:
    sign, (fore, left) = SIDE_SIGN[side], axes
    if posture == "dances":
        wave = np.sin(2 * np.pi * 1.0 * time_s + sign)[:, None]
        wrist = shoulder + left * sign * (0.16 + 0.06 * wave) + UP * (0.16 + 0.1 * wave) + fore * 0.08
    elif posture == "desk":
        typing = 0.006 * np.sin(2 * np.pi * (2.5 + 0.4 * sign) * time_s)[:, None]
        wrist = shoulder + fore * (0.22 + 0.02 * slow) - UP * (0.17 - typing) - left * sign * 0.03
    elif posture == "bicycle":
        wrist = shoulder + fore * 0.2 - UP * 0.21
    elif posture == "sits":
        wrist = shoulder + fore * (0.16 + 0.02 * slow) - UP * 0.24
    else:
        wrist = shoulder - UP * (0.31 - 0.002 * slow) + fore * (0.03 + 0.008 * slow) + left * sign * 0.04
    elbow = _bent(shoulder, wrist, -fore, UPPER_ARM_BH, FOREARM_BH)
    finger = wrist + HAND_BH * normalized(wrist - elbow)
    arm = {"shoulder": shoulder, "elbow": elbow, "wrist": wrist, "index": finger}
    return {f"{side}_{name}": xyz for name, xyz in arm.items()}


def _bent(root: Floats, end: Floats, front: Floats, upper: float, lower: float) -> Floats:
    """The joint (n, 3) between ``root`` and ``end`` of a limb that bends to the front."""
    line = end - root
    length = np.clip(np.linalg.norm(line, axis=-1, keepdims=True), 1e-6, upper + lower)
    along = line / length
    out = normalized(front - along * np.sum(front * along, axis=-1, keepdims=True))
    down = (upper**2 - lower**2 + length**2) / (2 * length)
    return np.asarray(root + along * down + out * np.sqrt(np.maximum(upper**2 - down**2, 0)))


def _draw_thing(rgb: Image, posture: str, figure: Figure) -> None:
    """The chair, the desk or the bicycle."""
    size, (x, y) = figure.size("hip_center", 1.0), figure.at("hip_center")
    ground = figure.at("left_sole")[1]

    def at(ahead: float, up: float) -> tuple[int, int]:
        return round(x + ahead * size), round(y - up * size)

    thick = max(2, round(0.03 * size))
    if posture in ("sits", "desk"):
        cv2.rectangle(rgb, at(-0.13, -0.05), at(0.13, -0.08), (120, 80, 50), -1)
        cv2.rectangle(rgb, at(-0.14, 0.3), at(-0.11, -0.08), (120, 80, 50), -1)
        for ahead in (-0.12, 0.11):
            cv2.line(rgb, at(ahead, -0.08), (at(ahead, 0)[0], round(ground)), (90, 60, 40), thick)
    if posture == "desk":
        cv2.rectangle(rgb, at(0.16, 0.12), at(0.75, 0.08), (150, 120, 90), -1)
        cv2.rectangle(rgb, at(0.4, 0.36), at(0.44, 0.12), (30, 30, 34), -1)
        cv2.line(rgb, at(0.72, 0.08), (at(0.72, 0)[0], round(ground)), (100, 80, 60), thick)
    if posture == "bicycle":
        bottom = y + (SADDLE_BH + 0.05) * size
        for ahead in (-0.22, 0.42):
            hub, radius = (round(x + ahead * size), round(bottom - 0.18 * size)), round(0.18 * size)
            cv2.circle(rgb, hub, radius, (25, 25, 28), thick, cv2.LINE_AA)
        frame = [(-0.22, 0.18), (0.12, 0.155), (0.0, 0.5), (0.36, 0.48), (0.42, 0.18)]
        corners = np.array([(round(x + a * size), round(bottom - u * size)) for a, u in frame])
        cv2.polylines(rgb, [corners], False, (180, 40, 40), thick, cv2.LINE_AA)
