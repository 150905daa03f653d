"""The outer edge of a picture, and points that stand for all of it."""

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.path import affine


def outline_px(size_px: tuple[int, int]) -> Floats:
    """Corners (4, 2) of a picture's outer edge, clockwise from the top left."""
    right, bottom = size_px[0] - 0.5, size_px[1] - 0.5
    return np.array([[-0.5, -0.5], [right, -0.5], [right, bottom], [-0.5, bottom]])


def picture_points(to_output: Floats, source_size_px: tuple[int, int]) -> Floats:
    """Output positions (n, 4, 2) of four source points whose rms motion equals that of all points of the picture.

    Under an affine map the squared motion of a point is a quadratic in its position. The mean of a quadratic over a
    rectangle is its mean over the four Gauss-Legendre points, at size / sqrt(12) from the centre.
    """
    return affine.apply(to_output[:, None], quadrature_points(source_size_px)[None])


def quadrature_points(size_px: tuple[int, int]) -> Floats:
    """Four points (4, 2) of a picture whose mean stands for that of all of its points: see ``picture_points``."""
    corners = outline_px(size_px)
    centre = corners.mean(axis=0)
    return np.asarray(centre + (corners - centre) / np.sqrt(3))
