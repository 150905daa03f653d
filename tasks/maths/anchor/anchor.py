"""The one point of the body that is held still: where it is in each frame, how sure, and what it was made from."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor import gaps
from tasks.maths.body.landmarks import LEFT_HIP, RIGHT_HIP, PoseTrack

Floats = NDArray[np.float64]

HIPS: Final = "hips"
LEFT: Final = "left_hip"
RIGHT: Final = "right_hip"
NOTHING: Final = "none"


@dataclass(frozen=True)
class Anchor:
    """The anchor of n frames in source pixels; NaN where it was not seen."""

    xy_px: Floats  # (n, 2)
    confidence: Floats  # (n,) mean visibility of the points it was made from
    source: NDArray[np.str_]  # (n,) hips, left_hip, right_hip, or none


def hip_centre(track: PoseTrack, *, min_confidence: float, weighted: bool) -> Anchor:
    """The mean of the two hips, plain or weighted by their visibility.

    A hip whose visibility is below ``min_confidence`` counts as missing. Where one hip is missing, the centre is the
    other one plus the vector that led from it to the centre, so the anchor does not jump: that vector is learnt on
    the frames in which both hips are seen and runs in a straight line over time between them (at the clip's ends
    the nearest one holds). In a clip that never shows both hips at once, the one that is seen is the centre.
    """
    hips = track.xy_px[:, [LEFT_HIP, RIGHT_HIP]]
    visibility = track.visibility[:, [LEFT_HIP, RIGHT_HIP]]
    seen = np.isfinite(hips).all(axis=2) & (visibility >= min_confidence)  # NaN compares as False
    weight = np.where(seen, visibility if weighted else 1.0, 0.0)
    whole = weight.sum(axis=1, keepdims=True)
    share = np.divide(weight, whole, out=np.full_like(weight, 0.5), where=whole > 0)
    points = np.where(seen[..., None], hips, 0.0)
    both = seen.all(axis=1)
    centre = np.einsum("nk,nkj->nj", share, points)
    to_centre = _learnt_vectors(track.time_s, points, centre, both)
    single = seen.any(axis=1) & ~both
    only = np.argmax(seen, axis=1)
    row = np.flatnonzero(single)
    centre[row] = points[row, only[row]] + to_centre[row, only[row]]
    centre[~seen.any(axis=1)] = np.nan
    count = seen.sum(axis=1)
    total = np.where(seen, visibility, 0.0).sum(axis=1)
    confidence = np.divide(total, count, out=np.full(len(count), np.nan), where=count > 0)
    source = np.where(both, HIPS, np.where(single, np.where(only == 0, LEFT, RIGHT), NOTHING))
    return Anchor(centre, confidence, source)


def _learnt_vectors(time_s: Floats, hips: Floats, centre: Floats, both: NDArray[np.bool_]) -> Floats:
    """Vector (n, 2, 2) from each hip to the centre, known where ``both`` are seen and carried between."""
    if not both.any():
        return np.zeros_like(hips)
    vectors = np.where(both[:, None, None], centre[:, None] - hips, np.nan)
    carried, _ = gaps.fill(time_s, vectors.reshape(-1, 4), interpolate=True)
    return carried.reshape(-1, 2, 2)
