"""One person's way of walking, and where on the ground it leads: pace, steps, headings, footprints.

The world's axes are x to the right of the picture, y up from the ground, z towards the camera; lengths are in body
heights, angles in radians, times in seconds.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Floats = NDArray[np.float64]
WALK_RATIO: Final = 0.0065 * 60 / 1.75  # step length : cadence, body heights per (step/s); N. Sekiya et al. (1996)
NATURAL_STEP_BH: Final = 0.43  # body heights at natural cadence
UP: Final = np.array([0.0, 1.0, 0.0])
_HALF_TRACK_BH: Final = 0.034  # between a footprint and the line of walking
SIDE_SIGN: Final = {"left": 1.0, "right": -1.0}
THIGH_BH, SHANK_BH, TRUNK_BH = 0.245, 0.246, 0.318
UPPER_ARM_BH, FOREARM_BH, HAND_BH = 0.172, 0.146, 0.07
ANKLE_HEIGHT_BH = 0.039
HALF_HIPS_BH, HALF_SHOULDERS_BH = 0.052, 0.108
LEG_BH: Final = THIGH_BH + SHANK_BH + ANKLE_HEIGHT_BH
STANCE_END: Final = 0.62  # of the stride, from heel strike to toe-off
FLAT_FOOT: Final = (0.08, 0.40)  # of the stride: the whole sole is on the ground
MIDSTANCE: Final = 0.25  # of the stride: the standing foot's ankle is below the pelvis' even path
_HARMONICS: Final = 5
# Degrees at 0, 5, ... 95 % of the stride; flexion is positive.
_HIP = (28, 27, 24, 20, 15, 10, 5, 0, -4, -8, -10, -9, -3, 6, 15, 23, 28, 31, 31, 29)
_KNEE = (4, 10, 16, 19, 18, 15, 11, 8, 6, 7, 12, 23, 38, 53, 62, 63, 54, 38, 19, 7)
_SHOULDER = (-20, -19, -17, -13, -8, -2, 4, 10, 14, 17, 18, 17, 15, 11, 6, 0, -6, -12, -16, -19)
_ELBOW = (14, 14, 15, 16, 18, 21, 25, 29, 33, 35, 36, 35, 32, 29, 25, 21, 18, 16, 15, 14)
# Foot against the ground, toes up positive; the same shape one stride earlier and later.
_PITCH_AT = (-0.3, -0.2, -0.1, -0.04, 0, *FLAT_FOOT, 0.50, 0.62, 0.70, 0.80, 0.90, 0.96, 1.0, 1.08, 1.40)
_PITCH = (-56, -28, 8, 19, 20, 0, 0, -16, -60, -56, -28, 8, 19, 20, 0, 0)


@dataclass(frozen=True)
class Gait:
    """How a person walks."""

    speed: float = 0.55  # body heights per second, above 0
    heading_rad: float = 0.0  # at ``middle_s``; 0 is along x, pi/2 along z, towards the camera
    turn_rad_s: float = 0.0  # change of the heading
    turn_back: bool = False  # walk out until ``middle_s``, then the same way back
    middle_s: float = 0.0  # when the walker passes ``middle``
    middle: tuple[float, float] = (0.0, 0.0)  # x and z
    phase: float = 0.0  # of the right leg's stride at second 0
    bounce: float = 0.045  # of the leg's length at natural step length, highest to lowest, twice a stride
    sway: float = 0.010  # amplitude to the sides, once a stride
    twist_rad: float = 0.07  # amplitude of the shoulders' and the pelvis' turning about the vertical
    lean_rad: float = 0.0  # amplitude of the trunk's leaning forward and back
    lean_hz: float = 0.4
    limp: float = 0.0  # 0 even .. 1 strong: steps of unequal time, a drop on one leg, a trunk that lurches

    @property
    def cadence_hz(self) -> float:
        """Steps per second."""
        return float(np.sqrt(self.speed / WALK_RATIO))

    @property
    def step(self) -> float:
        """Step length; ``step * cadence_hz == speed``."""
        return self.speed / self.cadence_hz

    @property
    def stride_s(self) -> float:
        return 2 / self.cadence_hz

    @property
    def reach(self) -> float:
        """Step length against the natural one, at most 1.2: how far the limbs swing."""
        return min(self.step / NATURAL_STEP_BH, 1.2)


def heading(gait: Gait, time_s: Floats) -> Floats:
    """Direction of walking (n,)."""
    away = time_s - gait.middle_s
    if gait.turn_back:
        return np.asarray(gait.heading_rad - gait.turn_rad_s * np.abs(away) + np.pi * (away > 0))
    return np.asarray(gait.heading_rad + gait.turn_rad_s * away)


def ground_path(gait: Gait, time_s: Floats) -> Floats:
    """Ground point (n, 3) below an even walker: on a line, or on an arc where the walker turns."""
    away = time_s - gait.middle_s
    if gait.turn_back:
        away = -np.abs(away)
    half_turn = gait.turn_rad_s * away / 2
    chord = gait.speed * away * np.sinc(half_turn / np.pi)
    direction = gait.heading_rad + half_turn
    x, z = gait.middle
    return np.stack([x + chord * np.cos(direction), 0 * chord, z + chord * np.sin(direction)], axis=-1)


def forward_and_left(yaw_rad: Floats) -> tuple[Floats, Floats]:
    """Forward and leftward unit vectors (n, 3) of headings (n,)."""
    cos, sin, zero = np.cos(yaw_rad), np.sin(yaw_rad), np.zeros_like(yaw_rad)
    return np.stack([cos, zero, sin], axis=-1), np.stack([sin, zero, -cos], axis=-1)


def stride_count(gait: Gait, time_s: Floats, side: str) -> Floats:
    """Strides (n,) of a leg since time 0: whole at each heel strike, the fraction is the place in the stride."""
    lag = 0.5 - 0.08 * gait.limp if side == "left" else 0.0
    return np.asarray(time_s / gait.stride_s + gait.phase + lag)


def heel_strikes(gait: Gait, start_s: float, end_s: float) -> list[tuple[float, str]]:
    """Times in ``[start_s, end_s)`` at which a heel meets the ground, and which, in order."""
    strikes: list[tuple[float, str]] = []
    for side in SIDE_SIGN:
        first, last = stride_count(gait, np.array([start_s, end_s]), side)
        counts = range(int(np.ceil(first)), int(np.ceil(last)))
        strikes.extend((start_s + (count - first) * gait.stride_s, side) for count in counts)
    return sorted(strikes)


def footprint(gait: Gait, count: Floats, side: str) -> tuple[Floats, Floats]:
    """Where the foot of stride ``count`` (n,) stands: ground point below the flat ankle and direction, (n, 3) each."""
    time_s = (count + MIDSTANCE - stride_count(gait, np.zeros(1), side)) * gait.stride_s
    fore, left = forward_and_left(heading(gait, time_s))
    return ground_path(gait, time_s) + left * (_HALF_TRACK_BH * SIDE_SIGN[side]), fore


def _series(degrees: tuple[int, ...]) -> NDArray[np.complex128]:
    """Fourier coefficients of a cycle given at equal steps from heel strike."""
    coefficients = np.fft.rfft(np.deg2rad(degrees)) / len(degrees)
    coefficients[1:] *= 2
    return coefficients[: _HARMONICS + 1]


_SERIES: Final = {
    "hip": _series(_HIP),
    "knee": _series(_KNEE),
    "shoulder": _series(_SHOULDER),
    "elbow": _series(_ELBOW),
}
_PITCH_CURVE: Final = PchipInterpolator(_PITCH_AT, np.deg2rad(_PITCH))


def joint_angle(joint: str, stride: Floats) -> Floats:
    """Flexion (n,) of ``hip``, ``knee``, ``shoulder`` or ``elbow`` at places in the stride (n,)."""
    coefficients = _SERIES[joint]
    orders = np.arange(len(coefficients))
    flexion: Floats = np.real(np.exp(2j * np.pi * stride[:, None] * orders) @ coefficients)
    return flexion


def foot_pitch(stride: Floats) -> Floats:
    """Foot against the ground (n,), toes up positive, for places from -0.3 to 1.4; exactly 0 through ``FLAT_FOOT``."""
    pitch: Floats = _PITCH_CURVE(stride)
    return pitch
