"""How still a point of known place is in the output: the figures of the lock table."""

from dataclasses import dataclass

import numpy as np

from tasks.maths.arrays import Flags, Floats
from tasks.maths.metrics import lock_metrics


@dataclass(frozen=True)
class Figures:
    """In px of the output. A constant distance to the target does not count."""

    std_x: float  # standard deviation of the true point
    std_y: float
    sway: float  # rms of what is left beside a parabola over time, both axes
    tremble: float  # rms of the step from frame to frame, both axes
    jump: float  # longest such step; in a perfect lock the true point does not move at all

    @property
    def row(self) -> list[str]:
        return [f"{value:.2f}" for value in (self.std_x, self.std_y, self.sway, self.tremble, self.jump)]


def figures(place_px: Floats, time_s: Floats, present: Flags) -> Figures:
    """Figures of the true point's place (n, 2) in the output, over the frames where the subject is ``present``."""
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
    """Whether each point (n, 2) lies between the left and the right edge of a picture: bool (n,).

    The height is not checked: a person whose hips are below the picture is also in it.
    """
    return np.asarray((point_px[:, 0] >= 0) & (point_px[:, 0] <= size_px[0] - 1))
