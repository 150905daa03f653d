"""The body landmarks by index, and what a clip's landmarks look like as arrays."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.records import LANDMARKS

NAMES: Final = LANDMARKS
COUNT: Final = len(NAMES)

LEFT_SHOULDER: Final = 11
RIGHT_SHOULDER: Final = 12
LEFT_HIP: Final = 23
RIGHT_HIP: Final = 24
LEFT_KNEE: Final = 25
RIGHT_KNEE: Final = 26
LEFT_ANKLE: Final = 27
RIGHT_ANKLE: Final = 28

HEAD: Final = tuple(range(11))
SHOULDERS: Final = (LEFT_SHOULDER, RIGHT_SHOULDER)
HIPS: Final = (LEFT_HIP, RIGHT_HIP)
FEET: Final = tuple(range(LEFT_ANKLE, COUNT))


@dataclass(frozen=True)
class PoseTrack:
    """The landmarks of n frames in source pixels, float64; all of a frame is NaN where nobody was found."""

    time_s: NDArray[np.float64]  # (n,) the frames' own times
    xy_px: NDArray[np.float64]  # (n, 33, 2) source pixels, (0, 0) is the centre of the first one
    z: NDArray[np.float64]  # (n, 33) depth from the hips in px, on the scale of x; negative is nearer
    visibility: NDArray[np.float64]  # (n, 33) probability that the point is in the picture and not hidden
    presence: NDArray[np.float64]  # (n, 33) probability that the point is in the picture

    @property
    def frames(self) -> int:
        return len(self.time_s)

    @property
    def found(self) -> NDArray[np.bool_]:
        """(n,) whether somebody was found in the frame."""
        somebody: NDArray[np.bool_] = ~np.isnan(self.xy_px[:, LEFT_HIP, 0])
        return somebody
