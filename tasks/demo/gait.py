"""How one person walks: pace and path on the ground, footprints, and joint angles through one stride.

World axes: x to the right of the picture, y up from the ground, z towards the camera. Lengths are in body heights
(``_BH``), angles in radians, times in seconds. A stride runs from one heel strike of a leg (0) to the next (1).

Sources: joint angles are rounded from the natural-cadence curves of D. A. Winter, "The Biomechanics and Motor Control
of Human Gait" (1991), and J. Perry, "Gait Analysis" (1992). Arm swing follows M. P. Murray et al. (1967). Segment
lengths are those of R. Drillis and R. Contini (1966), as given by Winter.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from tasks.maths.arrays import Floats

WALK_RATIO: Final = 0.0065 * 60 / 1.75  # step length / cadence, in body heights per (step/s); N. Sekiya et al. (1996)
NATURAL_STEP_BH: Final = 0.43  # step length at natural cadence
UP: Final = np.array([0.0, 1.0, 0.0])
_HALF_TRACK_BH: Final = 0.034  # between a footprint and the line of walking
SIDE_SIGN: Final = {"left": 1.0, "right": -1.0}
THIGH_BH, SHANK_BH, TRUNK_BH = 0.245, 0.246, 0.318
UPPER_ARM_BH, FOREARM_BH, HAND_BH = 0.172, 0.146, 0.07
ANKLE_HEIGHT_BH = 0.039
HALF_HIPS_BH, HALF_SHOULDERS_BH = 0.052, 0.108
LEG_BH: Final = THIGH_BH + SHANK_BH + ANKLE_HEIGHT_BH
STANCE_END: Final = 0.62  # of the stride: toe-off
FLAT_FOOT: Final = (0.08, 0.40)  # of the stride: the whole sole is on the ground
MIDSTANCE: Final = 0.25  # of the stride: the standing foot's ankle is below the pelvis' mean path
_HARMONICS: Final = 5
# Degrees at 0, 5, ... 95 % of the stride. Flexion is positive.
_HIP = (28, 27, 24, 20, 15, 10, 5, 0, -4, -8, -10, -9, -3, 6, 15, 23, 28, 31, 31, 29)
_KNEE = (4, 10, 16, 19, 18, 15, 11, 8, 6, 7, 12, 23, 38, 53, 62, 63, 54, 38, 19, 7)
_SHOULDER = (-20, -19, -17, -13, -8, -2, 4, 10, 14, 17, 18, 17, 15, 11, 6, 0, -6, -12, -16, -19)
_ELBOW = (14, 14, 15, 16, 18, 21, 25, 29, 33, 35, 36, 35, 32, 29, 25, 21, 18, 16, 15, 14)
# Pitch of the foot in degrees, toes up positive, with the neighbouring strides on both sides.
_PITCH_AT = (-0.3, -0.2, -0.1, -0.04, 0, *FLAT_FOOT, 0.50, 0.62, 0.70, 0.80, 0.90, 0.96, 1.0, 1.08, 1.40)
_PITCH = (-56, -28, 8, 19, 20, 0, 0, -16, -60, -56, -28, 8, 19, 20, 0, 0)


@dataclass(frozen=True)
class Gait:
    """How a person walks."""

    speed: float = 0.55  # body heights per second, above 0
    heading_rad: float = 0.0  # at ``middle_s``; 0 is along x, pi/2 along z (towards the camera)
    turn_rad_s: float = 0.0  # change of the heading
    turn_back: bool = False  # walk out until ``middle_s``, then back the same way
    middle_s: float = 0.0  # when the walker passes ``middle``
    middle: tuple[float, float] = (0.0, 0.0)  # x and z
    phase: float = 0.0  # of the right leg's stride at second 0
    bounce: float = 0.045  # vertical range of the pelvis at natural step length, as a share of the leg's length
    sway: float = 0.010  # sideways amplitude, once a stride
    twist_rad: float = 0.07  # amplitude of the turn of shoulders and pelvis about the vertical
    lean_rad: float = 0.0  # amplitude of the trunk's lean forward and back
    lean_hz: float = 0.4
    limp: float = 0.0  # 0 none, 1 strong: steps of unequal time, a drop on one leg, a trunk that lurches

    @property
    def cadence_hz(self) -> float:
        """Steps per second."""
        return float(np.sqrt(self.speed / WALK_RATIO))

    @property
    def step(self) -> float:
        """Step length. ``step * cadence_hz == speed``."""
        return self.speed / self.cadence_hz

    @property
    def stride_s(self) -> float:
        return 2 / self.cadence_hz

    @property
    def reach(self) -> float:
        """Step length relative to the natural one, at most 1.2. It scales the swing of the limbs."""
        return min(self.step / NATURAL_STEP_BH, 1.2)


def heading(gait: Gait, time_s: Floats) -> Floats:
    """Direction of walking (n,)."""
    away = time_s - gait.middle_s
    if gait.turn_back:
        return np.asarray(gait.heading_rad - gait.turn_rad_s * np.abs(away) + np.pi * (away > 0))
    return np.asarray(gait.heading_rad + gait.turn_rad_s * away)


def ground_path(gait: Gait, time_s: Floats) -> Floats:
    """Ground point (n, 3) below the walker, without sway: on a line, or on an arc where the walker turns."""
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
    """Strides (n,) of a leg since time 0.

    Whole numbers are heel strikes; the fraction is the position in the stride.
    """
    lag = 0.5 - 0.08 * gait.limp if side == "left" else 0.0
    return np.asarray(time_s / gait.stride_s + gait.phase + lag)


def heel_strikes(gait: Gait, start_s: float, end_s: float) -> list[tuple[float, str]]:
    """Times in ``[start_s, end_s)`` at which a heel strikes the ground, with its side, in order."""
    strikes: list[tuple[float, str]] = []
    for side in SIDE_SIGN:
        first, last = stride_count(gait, np.array([start_s, end_s]), side)
        counts = range(int(np.ceil(first)), int(np.ceil(last)))
        strikes.extend((start_s + (count - first) * gait.stride_s, side) for count in counts)
    return sorted(strikes)


def footprint(gait: Gait, count: Floats, side: str) -> tuple[Floats, Floats]:
    """Footprint of stride ``count`` (n,): the ground point below the ankle and the direction, (n, 3) each."""
    time_s = (count + MIDSTANCE - stride_count(gait, np.zeros(1), side)) * gait.stride_s
    fore, left = forward_and_left(heading(gait, time_s))
    return ground_path(gait, time_s) + left * (_HALF_TRACK_BH * SIDE_SIGN[side]), fore


def _series(degrees: tuple[int, ...]) -> NDArray[np.complex128]:
    """Fourier coefficients of a cycle that is given at equal steps from heel strike."""
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
    """Flexion (n,) of ``hip``, ``knee``, ``shoulder`` or ``elbow`` at positions in the stride (n,)."""
    coefficients = _SERIES[joint]
    orders = np.arange(len(coefficients))
    flexion: Floats = np.real(np.exp(2j * np.pi * stride[:, None] * orders) @ coefficients)
    return flexion


def foot_pitch(stride: Floats) -> Floats:
    """Pitch of the foot (n,), toes up positive, at stride positions -0.3 to 1.4. Exactly 0 through ``FLAT_FOOT``."""
    pitch: Floats = _PITCH_CURVE(stride)
    return pitch
