"""Symmetric moving windows over a path: no lag, a straight walk stays straight up to both ends.

Near an end the window shrinks on both sides alike, to as many frames as the nearer end allows. A window cut on one
side only would pull the ends of an even walk inwards; this one leaves them where they are. The first and the last
frame are therefore not smoothed at all.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def moving_average(path: Floats, *, window_frames: int) -> Floats:
    """Mean of ``path`` (n, k), finite, over ``window_frames`` (odd) about each frame; partial windows at the ends."""
    radius = _radius(path, window_frames)
    if radius == 0:
        return path.copy()
    frame = np.arange(len(path))
    reach = np.minimum(radius, np.minimum(frame, len(path) - 1 - frame))
    shifted = path - path[0]  # sums of small numbers, and a constant path stays exactly constant
    sums = np.concatenate([np.zeros((1, path.shape[1])), np.cumsum(shifted, axis=0)])
    mean = (sums[frame + reach + 1] - sums[frame - reach]) / (2 * reach + 1)[:, None]
    return np.asarray(mean + path[0])


def gaussian(path: Floats, *, window_frames: int) -> Floats:
    """Gaussian mean of ``path`` (n, k), finite: sigma is a quarter of ``window_frames`` (odd), cut to the window.

    The weights that remain, in the middle and in the partial windows at the ends, are scaled to sum to 1.
    """
    radius = _radius(path, window_frames)
    sigma = window_frames / 4
    count = len(path)
    pull = np.zeros_like(path)
    weights = np.ones((count, 1))
    for lag in range(1, min(radius, (count - 1) // 2) + 1):
        weight = np.exp(-0.5 * (lag / sigma) ** 2)
        inner = slice(lag, count - lag)  # frames whose nearer end is at least ``lag`` away
        pull[inner] += weight * (path[: count - 2 * lag] + path[2 * lag :] - 2 * path[inner])
        weights[inner] += 2 * weight
    return path + pull / weights


def unsmoothed(path: Floats, *, window_frames: int = 1) -> Floats:
    """The path as it is, whatever the window."""
    return path.copy()


def _radius(path: Floats, window_frames: int) -> int:
    if window_frames < 1 or window_frames % 2 == 0:
        raise ValueError(f"a window of {window_frames} frames is not odd and at least 1")
    if not len(path) or not np.isfinite(path).all():
        raise ValueError("the path is empty or has missing points: fill its gaps first")
    return window_frames // 2
