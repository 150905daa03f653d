"""How strictly the frame follows: strength of the lock, dead zone, limit of speed. All without lag.

Paths are shifts (n, 2) of the picture in pixels, finite; each axis is treated by itself.
"""

import itertools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.path.taut_string import taut_string

Floats = NDArray[np.float64]

CUT_PX: Final = 0.5
"""A larger step where the subject goes or comes is meant: a glide starts and ends without one."""


def between_cuts(path: Floats, absent: NDArray[np.bool_]) -> list[slice]:
    """The stretches of ``path`` without a cut; one lies where ``absent`` (n,) changes and the path jumps."""
    jumps = np.abs(np.diff(path, axis=0)).max(axis=1) > CUT_PX
    cuts = np.flatnonzero(jumps & (absent[1:] != absent[:-1])) + 1
    edges = [0, *cuts.tolist(), len(path)]
    return [slice(start, stop) for start, stop in itertools.pairwise(edges)]


def dead_zone(path: Floats, time_s: Floats, *, radius_px: float) -> Floats:
    """The calmest path that is nowhere further than ``radius_px`` from ``path`` on either axis.

    The subject moves freely within that distance of the target, and the frame stands still, or glides evenly, until
    it has to follow. It is the taut string in the corridor about ``path``: no jumps, no lag, and a subject that
    stays within the zone has a frame that does not move at all.
    """
    if radius_px == 0:
        return path.copy()
    return np.stack([taut_string(time_s, column - radius_px, column + radius_px) for column in path.T], axis=1)


def blend(path: Floats, seen: NDArray[np.bool_], *, strength_xy: tuple[float, float]) -> Floats:
    """Each axis between a still frame (strength 0) and ``path`` (strength 1).

    The still frame is shifted by the median of ``path`` over the frames ``seen`` (n,), or over all if there is none.
    So a strength takes from the motion and not from the place: at any strength the subject stands, on the whole,
    at the target, inside a crop as well as in the whole picture.
    """
    still = np.median(path[seen] if seen.any() else path, axis=0)
    strength = np.asarray(strength_xy)
    return np.where(strength == 1, path, still + strength * (path - still))


def speed_limit(path: Floats, time_s: Floats, *, limit_px_s: float) -> Floats:
    """The nearest path that moves at most ``limit_px_s`` on either axis; where ``path`` keeps to it, the same.

    Nearest by the largest distance: the mean of the highest path below and the lowest path above (the two extensions
    of McShane, 1934), which is even in time.
    """
    way = limit_px_s * (time_s - time_s[0])[:, None]
    below = np.minimum(_lowest(path, way), _lowest(path[::-1], -way[::-1])[::-1])
    above = np.maximum(-_lowest(-path, way), -_lowest(-path[::-1], -way[::-1])[::-1])
    return np.asarray((below + above) / 2)


def _lowest(path: Floats, way: Floats) -> Floats:
    """Lowest value at each frame that a point of some frame before could have risen to."""
    return np.asarray(np.minimum.accumulate(path - way, axis=0) + way)
