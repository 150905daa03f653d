"""Planar motions as 2x3 matrices: ``y = M[:, :2] @ x + M[:, 2]``; stacks of them have shape (..., 2, 3)."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def translation(shift_xy: Floats) -> Floats:
    """Matrices (..., 2, 3) that move every point by ``shift_xy`` (..., 2)."""
    moved = np.zeros((*shift_xy.shape[:-1], 2, 3))
    moved[..., 0, 0] = moved[..., 1, 1] = 1.0
    moved[..., 2] = shift_xy
    return moved


def compose(second: Floats, first: Floats) -> Floats:
    """Matrices (..., 2, 3) that do ``first``, then ``second``."""
    turned = second[..., :2] @ first
    turned[..., 2] += second[..., 2]
    return turned


def invert(matrix: Floats) -> Floats:
    """Matrices (..., 2, 3) that undo ``matrix``; ``numpy.linalg.LinAlgError`` when one is singular."""
    back = np.linalg.inv(matrix[..., :2])
    return np.concatenate([back, -back @ matrix[..., 2:]], axis=-1)


def apply(matrix: Floats, xy: Floats) -> Floats:
    """Points ``xy`` (..., 2) moved by matrices (..., 2, 3), one each; NaN stays NaN."""
    moved: Floats = np.einsum("...ij,...j->...i", matrix[..., :2], xy) + matrix[..., 2]
    return moved
