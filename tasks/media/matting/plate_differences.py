"""How person and background differ from the clean plate, learned frame by frame: the evidence that a pixel shows.

Differences of brightness and colour are counted on both sides of the mask's edge, for the body and for the feet.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Flags, Singles

Places = NDArray[np.intp]

# Choices. Tried as those of ``plate_matte``, but for FEET_ROWS: with half of MOST_EVIDENCE the IoU falls by 0.002 and
# the edge is off by 0.03 px more, with half of CHROMA_STEPS it is off by 0.015 px less. All others change them by 0.001
# and 0.01 px at most.
FEET_ROWS: Final = (0.65, 0.85)  # shares of the height: in between the body's statistic turns into that of the feet
LUMA_STEPS: Final = 32  # of the signed difference of the first plane
CHROMA_STEPS: Final = 16  # of the difference of the other planes together
KEPT: Final = 0.85  # of what was learned, from one frame of 30 Hz to the next
COMMON_WEIGHT: Final = 300.0  # pixels that the statistic of the whole body counts for in those of its parts
LEAST_SHARE: Final = 2e-4  # of the pixels, that any difference has at least
MOST_EVIDENCE: Final = 4.0  # natural logarithm of odds


class PlateDifferences:
    """The statistic of a clip; ``frame_share`` is the length of a frame, compared with one of 30 Hz."""

    def __init__(self, frame_share: float) -> None:
        self._share = frame_share
        size = LUMA_STEPS * CHROMA_STEPS
        self._person, self._behind = np.zeros((2, size)), np.zeros((2, size))  # of the body, and of the feet

    def learn(self, place: Places, person: Flags, behind: Flags) -> None:
        """Count the places (h, w) of a frame where the ``person`` is, and where what is ``behind`` the person shows."""
        first_foot = round(sum(FEET_ROWS) / 2 * len(place))
        for part, rows in enumerate((np.s_[:first_foot], np.s_[first_foot:])):
            for learned, chosen in ((self._person, person), (self._behind, behind)):
                counts = np.bincount(place[rows][chosen[rows]], minlength=learned.shape[1])
                learned[part] = KEPT**self._share * learned[part] + self._share * counts

    def evidence(self, place: Places) -> Singles:
        """Logarithm of the likelihood ratio (h, w) of person and background."""
        body, feet = _ratios(self._person, self._behind)
        row = (np.arange(len(place), dtype=np.float32) + 0.5) / len(place)
        share = np.clip((row - FEET_ROWS[0]) / (FEET_ROWS[1] - FEET_ROWS[0]), 0, 1)[:, None]
        evidence: Singles = body.take(place)
        first_foot = int(np.count_nonzero(share == 0))
        lower = evidence[first_foot:]
        lower += share[first_foot:] * (feet.take(place[first_foot:]) - lower)
        return evidence


def difference_places(picture: Sequence[Bytes], plate: Sequence[Bytes]) -> Places:
    """The place (h, w) of each pixel in the statistic: brighter or darker than the plate by how much, and coloured."""
    pairs = list(zip(picture, plate, strict=True))
    light, before = pairs[0]
    steps = cv2.LUT(cv2.subtract(light, before), _BRIGHTER_STEP)  # of what is not brighter, that of no difference
    place: Places = np.multiply(
        cv2.subtract(steps, cv2.LUT(cv2.subtract(before, light), _DARKER_STEPS)), CHROMA_STEPS, dtype=np.intp
    )
    if len(pairs) > 1:
        place += cv2.LUT(cv2.add(cv2.absdiff(*pairs[1]), cv2.absdiff(*pairs[2])), _CHROMA_STEP)
    return place


def _luma_steps() -> Bytes:
    """Table over differences + 255: finer near 0."""
    difference = np.arange(-255, 256)
    root = np.sign(difference) * np.sqrt(np.abs(difference) / 255)
    return np.asarray(np.rint((root + 1) / 2 * (LUMA_STEPS - 1)), np.uint8)


def _chroma_steps() -> Bytes:
    """Table over differences: finer near 0, all the same from 120."""
    return np.asarray(np.rint(np.sqrt(np.arange(256) / 120).clip(0, 1) * (CHROMA_STEPS - 1)), np.uint8)


def _ratios(person: NDArray[np.float64], behind: NDArray[np.float64]) -> Singles:
    """Tables (2, k) over places: the logarithm of the likelihood ratio in the body, and in the feet."""
    learned = np.stack([person, behind], axis=1)  # (part, of whom, k)
    tables = np.concatenate([learned, learned.sum(axis=0, keepdims=True)]).reshape(-1, LUMA_STEPS, CHROMA_STEPS)
    smooth = cv2.GaussianBlur(tables.transpose(1, 2, 0), (0, 0), 0.7, borderType=cv2.BORDER_REPLICATE)
    *parts, whole = np.ascontiguousarray(smooth.transpose(2, 0, 1)).reshape(3, 2, -1)
    common = COMMON_WEIGHT * whole / np.maximum(whole.sum(axis=1, keepdims=True), 1.0)
    counts = np.stack(parts) + common
    shares = counts / np.maximum(counts.sum(axis=2, keepdims=True), 1.0) + LEAST_SHARE
    return np.asarray(np.clip(np.log(shares[:, 0] / shares[:, 1]), -MOST_EVIDENCE, MOST_EVIDENCE), np.float32)


_BRIGHTER_STEP: Final = _luma_steps()[255:]
_DARKER_STEPS: Final = _BRIGHTER_STEP[0] - _luma_steps()[255::-1]  # how many steps lower
_CHROMA_STEP: Final = _chroma_steps()
