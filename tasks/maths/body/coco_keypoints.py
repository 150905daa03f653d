"""The 17 key points of the COCO data set, from the 33 landmarks."""

from typing import Final

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import LANDMARK_NAMES

_PAIRS: Final = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO_NAMES: Final = ("nose", *(f"{side}_{part}" for part in _PAIRS for side in ("left", "right")))
COCO_SKELETON: Final = (  # pairs of key points, counted from 1, as in the data set
    *((16, 14), (14, 12), (17, 15), (15, 13), (12, 13), (6, 12), (7, 13), (6, 7), (6, 8), (7, 9), (8, 10)),
    *((9, 11), (2, 3), (1, 2), (1, 3), (2, 4), (3, 5), (4, 6), (5, 7)),
)
_INDEX: Final = [LANDMARK_NAMES.index(name) for name in COCO_NAMES]
LEAST_PRESENCE: Final = 0.5  # a point is labelled
LEAST_VISIBILITY: Final = 0.5  # a labelled point is not hidden


def coco_keypoints(landmarks: Floats) -> Floats:
    """Rows (17, 3) of x, y and flag from landmarks (33, 5) as in ``people.parquet``.

    The flag is 2 for a point that is seen, 1 for one that is hidden, and 0, with zeros, for one that is not there.
    """
    chosen = landmarks[_INDEX]
    labelled = chosen[:, 4] >= LEAST_PRESENCE
    flag = np.where(chosen[:, 3] >= LEAST_VISIBILITY, 2.0, 1.0)
    return np.where(labelled[:, None], np.column_stack([chosen[:, :2], flag]), 0.0)
