"""Joint angles of level walking through one stride, as published, and the lengths of the body's segments.

Sources: angles rounded from the natural-cadence curves of D. A. Winter, "The Biomechanics and Motor Control of
Human Gait" (1991), and J. Perry, "Gait Analysis" (1992); arm swing after M. P. Murray et al. (1967); segments from
R. Drillis and R. Contini (1966), as in Winter. Strides run from heel strike (0) to the next (1); angles are in
radians, lengths in body heights.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

Floats = NDArray[np.float64]

THIGH, SHANK, TRUNK = 0.245, 0.246, 0.318
UPPER_ARM, FOREARM, HAND = 0.172, 0.146, 0.07
ANKLE_HEIGHT = 0.039
HALF_HIPS, HALF_SHOULDERS = 0.052, 0.108
LEG: Final = THIGH + SHANK + ANKLE_HEIGHT
STANCE: Final = 0.62  # of the stride, from heel strike to toe-off
FLAT: Final = (0.08, 0.40)  # of the stride: the whole sole is on the ground
UNDER: Final = 0.25  # of the stride: the standing foot's ankle is below the pelvis' even path

_HARMONICS: Final = 5
# Degrees at 0, 5, ... 95 % of the stride; flexion is positive.
_HIP = (28, 27, 24, 20, 15, 10, 5, 0, -4, -8, -10, -9, -3, 6, 15, 23, 28, 31, 31, 29)
_KNEE = (4, 10, 16, 19, 18, 15, 11, 8, 6, 7, 12, 23, 38, 53, 62, 63, 54, 38, 19, 7)
_SHOULDER = (-20, -19, -17, -13, -8, -2, 4, 10, 14, 17, 18, 17, 15, 11, 6, 0, -6, -12, -16, -19)
_ELBOW = (14, 14, 15, 16, 18, 21, 25, 29, 33, 35, 36, 35, 32, 29, 25, 21, 18, 16, 15, 14)
# Foot against the ground, toes up positive; the same shape one stride earlier and later.
_PITCH_AT = (-0.3, -0.2, -0.1, -0.04, 0, *FLAT, 0.50, 0.62, 0.70, 0.80, 0.90, 0.96, 1.0, 1.08, 1.40)
_PITCH = (-56, -28, 8, 19, 20, 0, 0, -16, -60, -56, -28, 8, 19, 20, 0, 0)


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


def angle(joint: str, stride: Floats) -> Floats:
    """Flexion (n,) of ``hip``, ``knee``, ``shoulder`` or ``elbow`` at places in the stride (n,)."""
    coefficients = _SERIES[joint]
    orders = np.arange(len(coefficients))
    flexion: Floats = np.real(np.exp(2j * np.pi * stride[:, None] * orders) @ coefficients)
    return flexion


def foot_pitch(stride: Floats) -> Floats:
    """Foot against the ground (n,), toes up positive, for places from -0.3 to 1.4; exactly 0 through ``FLAT``."""
    pitch: Floats = _PITCH_CURVE(stride)
    return pitch
