"""The middle of a person's mask: the last thing that an anchor can go by, where no landmark of the trunk is seen."""

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor.anchor import NOTHING, Anchor

Floats = NDArray[np.float64]

PERSON: Final = 128  # of 255: pixels at least so likely are the person's
FEWEST: Final = 12  # such pixels, below which nobody is there
SURE: Final = 0.3  # of a landmark's visibility: arms and legs swing in a mask, and its edges come and go
SOURCE: Final = "mask"


def mask_centre(masks: Iterable[tuple[NDArray[np.uint8], NDArray[np.float32], bool]]) -> Anchor:
    """The centroid (n, 2) in source px of each frame's mask: its values (h, w), the edges (4,) of its box, believed.

    NaN where the mask is not to be believed or shows nobody.
    """
    rows = [_centroid(values, edges) if believed else np.full(2, np.nan) for values, edges, believed in masks]
    path = np.array(rows, dtype=np.float64).reshape(-1, 2)
    seen = np.isfinite(path).all(axis=1)
    return Anchor(path, np.where(seen, SURE, np.nan), np.where(seen, SOURCE, NOTHING))


def _centroid(values: NDArray[np.uint8], edges_px: NDArray[np.float32]) -> Floats:
    row, column = np.nonzero(values >= PERSON)
    if len(row) < FEWEST:
        return np.full(2, np.nan)
    low, high = edges_px[:2].astype(np.float64), edges_px[2:].astype(np.float64)
    middle = np.array([column.mean(), row.mean()]) + 0.5
    return np.asarray(low + middle * (high - low) / values.shape[::-1])
