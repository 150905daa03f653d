"""Whether what was followed is a person: a body that the model is sure of, and that moves as bodies do.

Two kinds of things are followed that are nobody. The model imagines a body in trees, cars or furniture: then it is
unsure of most landmarks, and they tremble without going anywhere. And a picture of a person moves as one rigid piece:
no limb goes anywhere. Whoever stands or sits still sways and moves the limbs a little, slowly and evenly.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.landmarks import (
    HIPS,
    LEFT_ANKLE,
    LEFT_KNEE,
    RIGHT_ANKLE,
    RIGHT_KNEE,
    SHOULDERS,
    hip_midpoint,
    torso_length_px,
)

Floats = NDArray[np.float64]

LIMBS: Final = (13, 14, 15, 16, LEFT_KNEE, RIGHT_KNEE, LEFT_ANKLE, RIGHT_ANKLE)  # elbows, wrists, knees, ankles
TRUNK: Final = (0, *SHOULDERS, *HIPS)
SMOOTH_S: Final = 0.3  # over which a limb's way is averaged, so that only what goes somewhere counts
PART_S: Final = 1.5  # of a track, for which motion is measured at once
SURE: Final = 0.8  # visibility of the trunk and the clearest limbs: below it the model may imagine
UNSURE: Final = 0.6  # below that it does
COHERENT: Final = 8.0  # times the trembling: what the limbs of a real body span at least, where the model is unsure
NOISE_PX: Final = 1.6  # what a rigid picture's limbs seem to move, plus
RIGID: Final = 0.01  # torso lengths


@dataclass(frozen=True)
class Liveness:
    """What speaks for a person."""

    visibility: float  # mean, of the trunk and of the better half of the limbs
    span: float  # torso lengths: how far the limbs go about the hips, the trembling averaged out
    coherence: float  # that way, in multiples of the trembling
    torso_px: float

    @property
    def rigid(self) -> bool:
        """The limbs go nowhere: a picture, a statue, a piece of furniture."""
        return self.span * self.torso_px < NOISE_PX + RIGID * self.torso_px

    @property
    def imagined(self) -> bool:
        """The model is not sure of the body, and it trembles more than it moves."""
        return self.visibility < UNSURE or (self.visibility < SURE and self.coherence < COHERENT)

    @property
    def person(self) -> bool:
        return not (self.rigid or self.imagined)


def liveness(time_s: Floats, landmarks: Floats) -> Liveness:
    """Of the landmarks (k, 33, 5) of one track in source pixels at its own times (k,), rising."""
    torso_px = max(float(np.median(torso_length_px(landmarks))), 1.0)
    seen = landmarks[:, :, 3].mean(axis=0)
    limbs = list(LIMBS)
    clear = np.sort(seen[limbs])[len(limbs) // 2 :]
    visibility = float(np.concatenate([seen[list(TRUNK)], clear]).mean())
    shape = (landmarks[:, limbs, :2] - hip_midpoint(landmarks)[:, None]) / torso_px
    weight = np.where(seen[limbs] >= np.median(seen[limbs]), 1.0, 0.0)
    spans, noises = [], []
    starts = np.arange(time_s[0], max(time_s[-1] - PART_S / 2, time_s[0] + 1e-6), PART_S)
    for start in starts:
        part = shape[(time_s >= start) & (time_s < start + PART_S)]
        if len(part) < 5:
            continue
        step_s = PART_S / len(part)
        width = int(np.clip(round(SMOOTH_S / step_s), 1, len(part) - 2))
        smooth = np.cumsum(np.concatenate([np.zeros((1, *part.shape[1:])), part]), axis=0)
        smooth = (smooth[width:] - smooth[:-width]) / width
        spans.append(weight @ np.hypot(*np.moveaxis(np.ptp(smooth, axis=0), -1, 0)) / weight.sum())
        bend = np.diff(part, n=2, axis=0) / np.sqrt(6)
        noises.append(weight @ np.sqrt((bend**2).sum(axis=-1).mean(axis=0)) / weight.sum())
    span = float(np.max(spans)) if spans else 0.0
    noise = float(np.mean(noises)) if noises else 1.0
    return Liveness(round(visibility, 3), round(span, 4), round(span / max(noise, 1e-6), 2), round(torso_px, 1))
