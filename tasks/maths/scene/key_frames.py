"""Which frames the clean plates are made of, and for which frames they are made: enough of them, and no more."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.maths.path.outline import outline_px
from tasks.maths.scene.camera_path import CameraPath

SAMPLE_S: Final = 0.25  # between two samples, at most
SAMPLE_MOVED: Final = 0.04  # of the picture's diagonal: a farther motion of a corner asks for a sample earlier
PLATE_S: Final = 1.5  # between two plates, at most
PLATE_MOVED: Final = 0.12  # the same as for samples; half as many plates fill a hidden margin as well as 1 s and 0.08
NEIGHBOURS: Final = (1, 2, 3, 5, 7, 10, 14, 19, 25)  # samples before and after a plate that it is filled from


@dataclass(frozen=True)
class PlatePlan:
    """A clean plate to be made."""

    frame: int  # whose background it shows
    sources: tuple[int, ...]  # the frames that fill what is hidden there, the nearest first


def plan_plates(path: CameraPath, time_s: Floats, size_px: tuple[int, int]) -> list[PlatePlan]:
    """The plates of a clip in the order of their frames, each with its sources in the same group.

    ``time_s`` is (n,). Plates and samples lie nearer together where the camera moves faster.
    """
    plans = []
    for group in range(int(path.group.max(initial=-1)) + 1):
        frames = np.flatnonzero(path.group == group)
        samples = _spaced(path, frames, time_s, size_px, SAMPLE_S, SAMPLE_MOVED)
        plates = _spaced(path, samples, time_s, size_px, PLATE_S, PLATE_MOVED)
        for plate in plates:
            at = int(np.searchsorted(samples, plate))
            near = [at + sign * step for step in NEIGHBOURS for sign in (-1, 1)]
            sources = tuple(int(samples[index]) for index in near if 0 <= index < len(samples))
            plans.append(PlatePlan(int(plate), sources))
    return plans


def _spaced(
    path: CameraPath,
    frames: NDArray[np.int64],
    time_s: Floats,
    size_px: tuple[int, int],
    longest_s: float,
    farthest: float,
) -> NDArray[np.int64]:
    """The first of ``frames``, then each one that is long or far enough from the one before, and the last."""
    corners = outline_px(size_px)
    limit_px = farthest * float(np.hypot(*size_px))
    places = affine.apply(path.to_scene[frames][:, None], corners[None])
    kept = [0]
    for index in range(1, len(frames)):
        late = time_s[frames[index]] - time_s[frames[kept[-1]]] >= longest_s - 1e-6
        far = np.hypot(*(places[index] - places[kept[-1]]).T).max() >= limit_px
        if late or far or index == len(frames) - 1:
            kept.append(index)
    return frames[kept]
