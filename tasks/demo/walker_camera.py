"""Where points of the world come to lie in the drawn picture, shake of the hand included."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DISTANCE: Final = 6.0  # of the camera from the walker's plane, in body heights
EYE: Final = 0.85  # height of the camera, in body heights
_SHAKE_HZ: Final = np.geomspace(0.35, 7.0, 14)


@dataclass(frozen=True)
class Camera:
    """A pinhole that looks along -z from ``(travel, EYE, DISTANCE)``; lengths in body heights."""

    scale_px: float  # pixels of one body height in the plane z = 0
    center_px: tuple[float, float]  # where (travel, EYE, 0) lies
    shake_px: float  # rms per axis
    seed: int
    travel_speed: float  # sideways, body heights per second
    middle_s: float  # when it stands at x = 0


def travel(camera: Camera, time_s: Floats) -> Floats:
    """Camera's x (n,) in body heights."""
    return camera.travel_speed * (time_s - camera.middle_s)


def shake(camera: Camera, time_s: Floats) -> Floats:
    """Shift of the picture (n, 2) in px by an unsteady hand: amplitude falls with frequency, rms as asked."""
    amplitude, phase = _hand(camera.seed)
    angle = 2 * np.pi * _SHAKE_HZ[None, None, :] * time_s[:, None, None] + phase
    moved: Floats = camera.shake_px * np.sum(amplitude * np.sin(angle), axis=-1)
    return moved


@lru_cache(maxsize=16)
def _hand(seed: int) -> tuple[Floats, Floats]:
    """Amplitudes (14,) of unit rms and phases (2, 14)."""
    random = np.random.default_rng((seed, 7))
    amplitude = _SHAKE_HZ**-0.9
    amplitude = amplitude / np.sqrt(np.sum(amplitude**2) / 2)
    return amplitude, random.uniform(0, 2 * np.pi, (2, len(_SHAKE_HZ)))


def project(camera: Camera, xyz: Floats, time_s: Floats) -> tuple[Floats, Floats]:
    """Points (n, m, 3) to pixels (n, m, 2), and the pixels of a body height at each (n, m)."""
    near = camera.scale_px * DISTANCE / (DISTANCE - xyz[..., 2])
    x = camera.center_px[0] + near * (xyz[..., 0] - travel(camera, time_s)[:, None])
    y = camera.center_px[1] + near * (EYE - xyz[..., 1])
    return np.stack([x, y], axis=-1) + shake(camera, time_s)[:, None], near
