"""Take other people out of the person's mask: by their own masks, by the colours of their clothes, and by place.

Where two people form one shape, both networks see one person. But their clothes, learned while they are apart, differ,
and a place where the person was not seen lately belongs to somebody else. The constants were found on the drawn walker
whom somebody crosses, and checked by eye on ``two_people_vp9_audio.mp4``.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Probability
from tasks.media.files.masks_file import Mask
from tasks.media.matting.body_mask import resample_body_mask

USUAL_HZ: Final = 30.0  # frame rate for which ``KEPT`` and ``USUAL_KEPT`` are given
BANDS: Final = 8  # of the mask's height, from head to feet: each has its own colours
STEPS: Final = (12, 16, 16)  # of brightness (finer where it is dark), of red against green, of blue against green
HUE_LEVELS: Final = 8  # in a step of the latter two
KEPT: Final = 0.97  # of what was learned, from one frame of 30 Hz to the next
LEAST_LEARNED: Final = 1500.0  # pixels of a person, from which the clothes are known
COMMON_WEIGHT: Final = 200.0  # pixels that the colours of the whole body count for in those of a band
LEAST_SHARE: Final = 2e-4  # of the pixels, that any colour has at least
SURE: Final = 0.8  # probability of a mask from which a pixel's colour is learned, where the other's is below 1 - SURE
MEETS: Final = 0.3  # probability from which another person's mask counts
LINGERS_FRAMES: Final = 20  # of 30 Hz: for as long another person who was seen near may still be there unseen
MOST_ODDS: Final = 4.0  # natural logarithm of the odds that a colour is the person's
THEIRS: Final = (-1.0, 0.5)  # the same: below, a pixel is the other's; above, the mask decides
SURELY_THEIRS: Final = (-3.0, -1.5)  # the same: below, it is the other's where their mask missed it; above, not
BESIDE_MODEL_PX: Final = 51  # how far their mask may miss an arm or a leg, both sides together
OWN: Final = (0.5, 2.0)  # the same: below, what the others' masks show is theirs; above, it is the person's
USUAL_KEPT: Final = 0.97  # of the usual place, from one frame of 30 Hz to the next: about a stride
USUAL_SHARE: Final = 0.6  # of a place that was always the person's: somebody in front may hide it
LEAST_USUAL: Final = 0.05  # probability of a place that was never the person's: arms and legs swing
USUAL_REACH_MODEL_PX: Final = 9  # how far that place may have moved, both sides together
BLUR_MODEL_PX: Final = 1.5  # standard deviation, of the odds: single pixels are noise
OUTLINE_MODEL_PX: Final = 5  # width of the lines that stay where two people's colours mix


def frame_share(rate_hz: float) -> float:
    """Weight of one frame in what is learned over time: 1 up to ``USUAL_HZ``, and less at higher rates.

    So what was learned fades within the same seconds at 120 Hz as at 30 Hz.
    """
    return min(USUAL_HZ / rate_hz, 1.0)


class OtherPeople:
    """Takes the other people out of the masks of one clip, frame by frame, in order."""

    def __init__(self, rate_hz: float) -> None:
        self._share = frame_share(rate_hz)
        self._lingers_frames = round(LINGERS_FRAMES / self._share)
        self._own, self._theirs = np.zeros((2, BANDS * int(np.prod(STEPS))))
        self._usual: Probability | None = None  # (h, w) how often, lately, a place of the mask was the person's
        self._since = self._lingers_frames + 1

    def without(self, mask: Mask, rgb: Bytes, own: Mask | None, others: Sequence[Mask]) -> Mask:
        """``mask`` without the ``others``; ``own`` and they are the pose model's masks.

        ``rgb`` (h, w, 3) is the picture under ``mask``. What looks like both people stays, and what surely looks like
        the person comes back. Without anybody near, the mask stays as it is. The other one must once be seen beside the
        person in the same frame: two sightings that are never in one frame may be one person who turns over.
        """
        height, width = mask.probability.shape
        edges_px = mask.edges_px.astype(np.float64)
        theirs = np.zeros((height, width), np.float32)
        for other in others:
            np.maximum(theirs, resample_body_mask(other, edges_px, (width, height)), out=theirs)
        body = None if own is None else resample_body_mask(own, edges_px, (width, height))
        near = bool((theirs > MEETS).any()) and (body is not None or self._since <= self._lingers_frames)
        self._since = 0 if near else self._since + 1
        bins = _bins(rgb)
        if body is not None:
            self._learn(bins, body, theirs)
        if self._since > self._lingers_frames or min(self._own.sum(), self._theirs.sum()) < LEAST_LEARNED:
            return mask
        odds = self._odds(bins)
        more = theirs * np.float32(255) * _ramp(odds, OWN)
        if body is None:  # nobody was told apart in this frame: any of it may be theirs
            theirs = np.ones_like(theirs)
        beside = cv2.dilate(theirs, np.ones((BESIDE_MODEL_PX,) * 2, np.uint8))
        theirs = np.maximum(theirs, beside * (1 - _ramp(odds, SURELY_THEIRS)))
        kept = 1 - theirs * (1 - _ramp(odds, THEIRS))
        rest = np.asarray(np.rint(np.maximum(mask.probability * kept, more)), np.uint8)
        return mask._replace(probability=_without_outlines(rest, (kept < 0.5) & (mask.probability > 127)))

    def _learn(self, bins: NDArray[np.int32], body: Probability, theirs: Probability) -> None:
        if self._usual is None:
            self._usual = body.copy()
        apart = (theirs < 1 - SURE).view(np.uint8)
        cv2.accumulateWeighted(body, self._usual, 1 - USUAL_KEPT**self._share, apart)
        for learned, one, another in ((self._own, body, theirs), (self._theirs, theirs, body)):
            chosen = (one > SURE) & (another < 1 - SURE)
            if chosen.any():
                learned *= KEPT**self._share
                learned += self._share * np.bincount(bins[chosen], minlength=len(learned))

    def _odds(self, bins: NDArray[np.int32]) -> Probability:
        """Natural logarithm (h, w) of the odds that a pixel is the person's, by its colour and by its place."""
        own, theirs = (_spread(learned) for learned in (self._own, self._theirs))
        table = np.clip(np.log(own / theirs), -MOST_ODDS, MOST_ODDS).astype(np.float32)
        odds = cv2.GaussianBlur(table[bins], (0, 0), BLUR_MODEL_PX)
        if self._usual is None:
            return np.asarray(odds, np.float32)
        place = cv2.dilate(self._usual, np.ones((USUAL_REACH_MODEL_PX,) * 2, np.uint8))
        share = np.maximum(place * np.float32(USUAL_SHARE), np.float32(LEAST_USUAL))
        return np.asarray(odds + np.log(share / (1 - share)), np.float32)


def _ramp(odds: Probability, ends: tuple[float, float]) -> Probability:
    """From 0 at the first of the ``ends`` to 1 at the second."""
    return np.asarray(np.clip((odds - ends[0]) / (ends[1] - ends[0]), 0, 1), np.float32)


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
    """The number (h, w) of each pixel's band and colour: coarse in brightness, fine in hue."""
    red, green, blue = cv2.split(cv2.blur(rgb, (3, 3)).astype(np.int32))
    band = (np.arange(len(rgb)) * BANDS // len(rgb))[:, None]
    place = band * STEPS[0] + _LIGHT[red + green + blue]
    for steps, difference in zip(STEPS[1:], (red - green, blue - green), strict=True):
        place = place * steps + (difference // HUE_LEVELS + steps // 2).clip(0, steps - 1)
    return np.asarray(place, np.int32)


def _spread(learned: NDArray[np.float64]) -> NDArray[np.float64]:
    """Shares of the colours in each band, spread over their neighbours."""
    cube = learned.reshape(BANDS, *STEPS)
    whole = cube.sum(axis=0)
    cube = cube + COMMON_WEIGHT * whole / max(float(whole.sum()), 1.0)
    for axis in range(cube.ndim):
        held = np.moveaxis(cube, axis, 0)
        spread = held / 2
        spread[1:] += held[:-1] / 4
        spread[:-1] += held[1:] / 4
        spread[[0, -1]] += held[[0, -1]] / 4
        cube = np.moveaxis(spread, 0, axis)
    shares = cube / np.maximum(cube.sum(axis=(1, 2, 3), keepdims=True), 1e-6)
    return np.asarray(shares + LEAST_SHARE, np.float64).ravel()


def _light_steps() -> NDArray[np.int32]:
    """Table over sums of red, green and blue: finer where it is dark."""
    return np.asarray(np.minimum(np.sqrt(np.arange(766) / 765) * STEPS[0], STEPS[0] - 1), np.int32)


_LIGHT: Final = _light_steps()
