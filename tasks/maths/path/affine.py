"""Affine maps of the plane as 2x3 matrices: ``y = M[:, :2] @ x + M[:, 2]``. Stacks have shape (..., 2, 3)."""

import numpy as np

from tasks.maths.arrays import Floats


def translation(shift_xy: Floats) -> Floats:
    """Matrices (..., 2, 3) that move every point by ``shift_xy`` (..., 2)."""
    moved = np.zeros((*shift_xy.shape[:-1], 2, 3))
    moved[..., 0, 0] = moved[..., 1, 1] = 1.0
    moved[..., 2] = shift_xy
    return moved


def compose(second: Floats, first: Floats) -> Floats:
    """Matrices (..., 2, 3) that apply ``first``, then ``second``."""
    product = second[..., :2] @ first
    product[..., 2] += second[..., 2]
    return product


def invert(matrix: Floats) -> Floats:
    """Inverse matrices (..., 2, 3); ``numpy.linalg.LinAlgError`` if one is singular.

    By Cramer's rule: LAPACK wakes its threads for every matrix and took most of a sweep's time.
    """
    if matrix.shape == (2, 3):
        return _inverse(matrix)
    (a, b), (c, d) = np.moveaxis(matrix[..., :2], (-2, -1), (0, 1))
    determinant = a * d - b * c
    if not np.all(determinant):
        raise np.linalg.LinAlgError("singular matrix")
    linear = (
        np.stack([np.stack([d, 0 - b], axis=-1), np.stack([0 - c, a], axis=-1)], axis=-2) / determinant[..., None, None]
    )
    return np.concatenate([linear, -linear @ matrix[..., 2:]], axis=-1)


def _inverse(matrix: Floats) -> Floats:
    """Of one matrix, in plain numbers: 15 times as fast as by arrays, and asked for hundreds of times a frame."""
    (a, b, x), (c, d, y) = matrix.tolist()
    determinant = a * d - b * c
    if determinant == 0:
        raise np.linalg.LinAlgError("singular matrix")
    a, b, c, d = d / determinant, -b / determinant, -c / determinant, a / determinant
    return np.array([[a, b, 0 - (a * x + b * y)], [c, d, 0 - (c * x + d * y)]])


def apply(matrix: Floats, xy: Floats) -> Floats:
    """Points ``xy`` (..., 2) moved by matrices (..., 2, 3), one each; NaN stays NaN."""
    moved: Floats = np.einsum("...ij,...j->...i", matrix[..., :2], xy) + matrix[..., 2]
    return moved


def length_scale(matrix: Floats) -> Floats:
    """Mean factor (...) of lengths under matrices (..., 2, 3): the square root of the factor of areas."""
    determinant = matrix[..., 0, 0] * matrix[..., 1, 1] - matrix[..., 0, 1] * matrix[..., 1, 0]
    return np.asarray(np.sqrt(np.abs(determinant)))


def scale_and_turn(factor: Floats | float, turn_rad: Floats | float, pixel_aspect: float = 1.0) -> Floats:
    """Linear parts (..., 2, 2) that scale by ``factor`` and turn clockwise on the screen.

    ``pixel_aspect`` is a pixel's width / height. Exactly the identity for factor 1 and turn 0.
    """
    cos, sin = np.asarray(factor * np.cos(turn_rad)), np.asarray(factor * np.sin(turn_rad))
    rows = [[cos, -sin / pixel_aspect], [sin * pixel_aspect, cos]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def about_target(linear: Floats, shift_xy: Floats, target_xy: Floats) -> Floats:
    """Matrices (..., 2, 3) that move by ``shift_xy`` (..., 2), then apply ``linear`` (..., 2, 2) about ``target_xy``.

    There is one target (2,), or one for each matrix (..., 2). A point that ``shift_xy`` brings to the target stays
    there. With the identity it is exactly the translation.
    """
    rest = np.eye(2) - linear
    shift = np.einsum("...ij,...j->...i", linear, shift_xy) + np.einsum("...ij,...j->...i", rest, target_xy)
    return np.concatenate([linear, shift[..., None]], axis=-1)
