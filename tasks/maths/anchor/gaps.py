"""Frames without a measurement: what stands in for it, and the record of that decision."""

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor.states import HELD, INTERPOLATED, MEASURED

Floats = NDArray[np.float64]


def fill(time_s: Floats, path: Floats, *, interpolate: bool) -> tuple[Floats, NDArray[np.str_]]:
    """Path (n, k) without NaN, and the state (n,) of each frame: measured, interpolated or held.

    A row with any NaN is missing. Inside a gap the value runs in a straight line over ``time_s`` (n,), which must
    not decrease; with ``interpolate=False`` the last measured one is held. Before the first and after the last
    measured frame the nearest one is held. ``ValueError`` when no row is measured.
    """
    measured = np.isfinite(path).all(axis=1)
    known = np.flatnonzero(measured)
    if not len(known):
        raise ValueError("no frame is measured: there is nothing to fill the gaps from")
    frame = np.arange(len(path))
    before = known[np.maximum(np.searchsorted(known, frame, side="right") - 1, 0)]
    after = known[np.minimum(np.searchsorted(known, frame, side="left"), len(known) - 1)]
    bridged = ~measured & (before < frame) & (frame < after) & interpolate
    filled = path[before].astype(np.float64)
    for axis in range(path.shape[1]):
        filled[bridged, axis] = np.interp(time_s[bridged], time_s[known], path[known, axis])
    state = np.where(measured, MEASURED, np.where(bridged, INTERPOLATED, HELD))
    return filled, state
