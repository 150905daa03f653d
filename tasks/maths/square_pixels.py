"""The picture in square pixels: those of DV, HDV and of some phones are wider than high, or higher than wide.

The models are shown people in the shape that they have, and lengths across are compared with lengths up and down. So
people are found, told apart and followed in square pixels: the picture has its own rows, and its columns are as narrow
as these are high. ``widening`` is its width in square pixels / its width in those of the source (``Clip.widening``). It
is exactly 1 where these are square; then every function here gives the numbers that it took.
"""

import numpy as np

from tasks.maths.arrays import Floats


def scale_landmarks(landmarks: Floats, factor_xy: Floats) -> Floats:
    """Landmarks (..., 2 or 5) in pixels ``factor_xy`` (2,) times as fine; these count from the centre of the first one.

    Depth has the scale of x.
    """
    moved = landmarks.copy()
    moved[..., :3] *= factor_xy[[0, 1, 0]][: landmarks.shape[-1]]
    moved[..., :2] += (factor_xy - 1) / 2
    return moved


def to_square(landmarks: Floats, widening: float) -> Floats:
    """Points (..., 2) or landmarks (..., 5) of the source in square pixels."""
    return scale_landmarks(landmarks, np.array([widening, 1.0]))


def to_source(landmarks: Floats, widening: float) -> Floats:
    """Points (..., 2) or landmarks (..., 5) in square pixels in those of the source."""
    return scale_landmarks(landmarks, np.array([1 / widening, 1.0]))


def box_to_square(edges_px: Floats, widening: float) -> Floats:
    """A box (4,) x0, y0, x1, y1 of the source in square pixels."""
    return to_square(edges_px.reshape(2, 2), widening).ravel()


def box_to_source(edges_px: Floats, widening: float) -> Floats:
    """A box (4,) x0, y0, x1, y1 in square pixels in those of the source."""
    return to_source(edges_px.reshape(2, 2), widening).ravel()
