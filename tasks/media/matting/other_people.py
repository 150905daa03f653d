"""Take other people out of the person's mask: by their own masks, and by the colours of their clothes.

Where two people are one shape, both networks see one person. Their clothes, learned while they are apart, differ.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.media.files.masks_file import Mask
from tasks.media.matting.body_mask import resample_body_mask

Probability = NDArray[np.float32]
Bytes = NDArray[np.uint8]

STEPS: Final = (8, 16, 16)  # of brightness, of red against green, of blue against green
HUE_LEVELS: Final = 8  # in a step of the latter two
KEPT: Final = 0.97  # of what was learned, from one frame to the next
LEAST_LEARNED: Final = 1500.0  # pixels of a person, from which the clothes are known
SURE: Final = 0.8  # probability of a mask from which a pixel's colour is learned, where the other's is below 1 - SURE
MEETS: Final = 0.3  # probability from which another person's mask counts
LINGERS_FRAMES: Final = 20  # after another person was seen near, that they may still be there without being found
THEIRS: Final = (0.25, 0.5)  # share of a colour that is the person's: below, it is the other's; above, the mask decides
BLUR_MODEL_PX: Final = 2.0
OUTLINE_MODEL_PX: Final = 5  # width of the lines that stay where two people's colours mix


class OtherPeople:
    """Takes the other people out of the masks of one clip, frame by frame, in order."""

    def __init__(self) -> None:
        self._own, self._theirs = np.zeros(np.prod(STEPS)), np.zeros(np.prod(STEPS))
        self._since = LINGERS_FRAMES + 1

    def without(self, mask: Mask, rgb: Bytes, own: Mask | None, others: Sequence[Mask]) -> Mask:
        """``mask`` without the ``others``; ``own`` and they are the pose model's masks.

        ``rgb`` (h, w, 3) is the picture under ``mask``. What looks like both people stays; where nobody is near, all of
        it.
        """
        height, width = mask.probability.shape
        edges_px = mask.edges_px.astype(np.float64)
        theirs = np.zeros((height, width), np.float32)
        for other in others:
            np.maximum(theirs, resample_body_mask(other, edges_px, (width, height)), out=theirs)
        body = None if own is None else resample_body_mask(own, edges_px, (width, height))
        self._since = 0 if bool((theirs > MEETS).any()) else self._since + 1
        bins = _bins(rgb)
        if body is not None:
            self._learn(bins, body, theirs)
        if self._since > LINGERS_FRAMES or min(self._own.sum(), self._theirs.sum()) < LEAST_LEARNED:
            return mask
        if body is None:  # nobody was told apart in this frame: any of it may be theirs
            theirs = np.ones_like(theirs)
        kept = 1 - theirs * (1 - self._kept(bins))
        rest = np.asarray(np.rint(mask.probability * kept), np.uint8)
        return mask._replace(probability=_without_outlines(rest, (kept < 0.5) & (mask.probability > 127)))

    def _learn(self, bins: NDArray[np.int32], body: Probability, theirs: Probability) -> None:
        for learned, one, another in ((self._own, body, theirs), (self._theirs, theirs, body)):
            chosen = (one > SURE) & (another < 1 - SURE)
            if chosen.any():
                learned *= KEPT
                learned += np.bincount(bins[chosen], minlength=len(learned))

    def _kept(self, bins: NDArray[np.int32]) -> Probability:
        """How far (h, w), 0..1, colours may be the person's."""
        own, theirs = (_spread(learned) + 1e-4 for learned in (self._own, self._theirs))
        share = (own / (own + theirs)).astype(np.float32)[bins]
        share = cv2.GaussianBlur(share, (0, 0), BLUR_MODEL_PX)
        return np.asarray(np.clip((share - THEIRS[0]) / (THEIRS[1] - THEIRS[0]), 0, 1), np.float32)


def _without_outlines(rest: Bytes, taken: NDArray[np.bool_]) -> Bytes:
    """``rest`` (h, w) of a mask without the thin lines that stay around what was ``taken`` (h, w) out of it.

    There two people's colours are mixed, and belong to neither.
    """
    if not taken.any():
        return rest
    around = cv2.dilate(taken.view(np.uint8), np.ones((OUTLINE_MODEL_PX + 2,) * 2, np.uint8)) > 0
    opened = cv2.morphologyEx(rest, cv2.MORPH_OPEN, np.ones((OUTLINE_MODEL_PX,) * 2, np.uint8))
    return np.asarray(np.where(around, opened, rest), np.uint8)


def _bins(rgb: Bytes) -> NDArray[np.int32]:
    """The number (h, w) of each pixel's colour: coarse in brightness, fine in hue."""
    red, green, blue = cv2.split(cv2.blur(rgb, (3, 3)).astype(np.int32))
    light = (red + green + blue) * STEPS[0] // 766
    place = light
    for steps, difference in zip(STEPS[1:], (red - green, blue - green), strict=True):
        place = place * steps + (difference // HUE_LEVELS + steps // 2).clip(0, steps - 1)
    return np.asarray(place, np.int32)


def _spread(learned: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the colours, spread over their neighbours."""
    cube = learned.reshape(STEPS) / max(float(learned.sum()), 1.0)
    for axis, steps in enumerate(STEPS):
        padded = np.pad(cube, [(1, 1) if axis == number else (0, 0) for number in range(3)], mode="edge")
        first, middle, last = (np.take(padded, np.arange(start, start + steps), axis=axis) for start in range(3))
        cube = 0.25 * first + 0.5 * middle + 0.25 * last
    return np.asarray(cube, np.float64).ravel()
