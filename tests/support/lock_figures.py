"""How still a point of known place stands in the output: what the comparison of ways to hold a walker is made of."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.maths.metrics import lock_metrics

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Figures:
    """In px of the output. A constant distance to the target is in none of them."""

    std_x: float  # spread of the true point
    std_y: float
    sway: float  # rms beside a parabola over time, both axes
    tremble: float  # rms of the step from frame to frame, both axes
    jump: float  # longest such step: the true point stands still in a perfect lock, so none is the subject's own

    @property
    def row(self) -> list[str]:
        return [f"{value:.2f}" for value in (self.std_x, self.std_y, self.sway, self.tremble, self.jump)]


def figures(place_px: Floats, time_s: Floats, present: Flags) -> Figures:
    """Figures of the true point's places (n, 2) in the output, over the frames in which the subject is ``present``."""
    place = np.where(present[:, None], place_px, np.nan)
    step = np.hypot(*np.diff(place, axis=0).T)
    step = step[np.isfinite(step)]
    std_x, std_y = lock_metrics.lock_std(place)
    return Figures(
        float(std_x),
        float(std_y),
        lock_metrics.sway(place, time_s),
        float(np.sqrt(np.mean(step**2))) if len(step) else np.nan,
        float(step.max()) if len(step) else np.nan,
    )


def within(point_px: Floats, size_px: tuple[int, int]) -> Flags:
    """(n,) whether a point (n, 2) lies between the left and the right edge of a picture.

    Up and down is not asked: who stands with hips below the picture is there, too.
    """
    return np.asarray((point_px[:, 0] >= 0) & (point_px[:, 0] <= size_px[0] - 1))
