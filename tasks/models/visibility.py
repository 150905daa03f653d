"""The visibilities of a person, from a pose estimator that has seen somebody else before."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.models.pose import PoseEstimate, PoseEstimator

# MediaPipe's pose graph smooths each visibility v by its VisibilitySmoothingCalculator with this alpha: alpha * v +
# (1 - alpha) * the smoothed one before. Undone with it, a used estimator gives the visibilities of a new one to 3e-7
# (40 frames of one person after 30 of another).
SMOOTHING_ALPHA: Final = 0.1


class OwnVisibility:
    """A pose estimator whose visibilities are those that a new one would give to the person who is seen.

    MediaPipe never resets its filter, not even when it sees nobody: the visibilities of the next person begin near
    those of the one before, and come half way to their own in 7 frames. ``begin_person`` says who is the next person.
    """

    def __init__(self, estimator: PoseEstimator) -> None:
        self._estimator = estimator
        self._smoothed: Floats | None = None  # (33,) the last ones, as MediaPipe gave them
        self._before: Floats | None = None  # (33,) the same, if somebody else comes next
        self._left_over: Floats | float = 0.0  # (33,) what the person before adds to the smoothed ones

    def begin_person(self) -> None:
        """Whoever is seen next is somebody else."""
        self._before = self._smoothed

    def __call__(self, rgb: NDArray[np.uint8], time_s: float) -> PoseEstimate | None:
        """See ``PoseEstimator``."""
        person = self._estimator(rgb, time_s)
        if person is None:
            return None
        smoothed = person.landmarks[:, 3].copy()
        self._left_over = (1 - SMOOTHING_ALPHA) * self._left_over
        if self._before is not None:
            # smoothed - v, where smoothed = alpha * v + (1 - alpha) * before
            self._left_over = (1 - SMOOTHING_ALPHA) / SMOOTHING_ALPHA * (self._before - smoothed)
        self._smoothed, self._before = smoothed, None
        person.landmarks[:, 3] = np.clip(smoothed - self._left_over, 0.0, 1.0)
        return person
