"""Polynomials fitted to evenly spaced values, by least squares."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def fitting(count: int, order: int) -> Floats:
    """(count, count): times ``count`` values, those of the polynomial of ``order`` that fits them best.

    ``order`` is less than ``count``. Row i holds the weights with which the values make the polynomial at place i.
    """
    powers = np.vander(np.linspace(-1, 1, count), order + 1)
    return np.asarray(powers @ np.linalg.pinv(powers))
