"""Where each frame lies in the scene: the chained motion of the background, cut into aligned groups.

An aligned group is a run of frames whose backgrounds are aligned to one another. Its scene coordinates are the pixels
of its first frame. Nothing is aligned across two groups. A shot has one, or several where the background is lost.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.maths.path.outline import quadrature_points

Ints = NDArray[np.int64]

LEAST_ALIGNMENT_CONFIDENCE: Final = 0.35  # least confidence with which a frame is aligned to the frames around it


@dataclass(frozen=True)
class CameraPath:
    """The camera's motion, one row a frame."""

    group: Ints  # (n,) number of the group, from 0 on
    to_scene: Floats  # (n, 2, 3) source pixels of the frame -> pixels of the first frame of its group
    confidence: Floats  # (n,) 0..1 of the alignment to the frame before; 1 for the first frame of a group

    @property
    def frames(self) -> int:
        return len(self.group)

    def between(self, first: int, second: int) -> Floats | None:
        """Matrix (2, 3) that brings the background of frame ``first`` onto frame ``second``; None across groups."""
        if self.group[first] != self.group[second]:
            return None
        return affine.compose(affine.invert(self.to_scene[second]), self.to_scene[first])

    @property
    def aligned_share(self) -> float:
        """Share of the frames that are aligned to at least one other frame."""
        return float(np.mean(np.bincount(self.group)[self.group] > 1)) if self.frames else 0.0


def chain(steps: Floats, confidence: Floats) -> CameraPath:
    """The path from the steps (n, 2, 3), each from the frame before to this one, and their confidence (n,).

    A step with a confidence below ``LEAST_ALIGNMENT_CONFIDENCE`` begins a new group; the first step is not used.
    """
    begins = confidence < LEAST_ALIGNMENT_CONFIDENCE
    if len(begins):
        begins[0] = False
    to_scene = np.empty_like(steps)
    for frame in range(len(steps)):
        if frame == 0 or begins[frame]:
            to_scene[frame] = affine.translation(np.zeros(2))
        else:
            to_scene[frame] = affine.compose(to_scene[frame - 1], affine.invert(steps[frame]))
    group = np.cumsum(begins).astype(np.int64)
    known = np.where(begins, 1.0, confidence)
    if len(known):
        known[0] = 1.0
    return CameraPath(group, to_scene, known)


def travel_px(path: CameraPath, size_px: tuple[int, int]) -> Floats:
    """How far (n, 2) each frame's centre has moved over the scene since the first frame of its group."""
    centre = (np.array(size_px) - 1) / 2
    return affine.apply(path.to_scene, np.broadcast_to(centre, (path.frames, 2))) - centre


def background_speed(path: CameraPath, to_output: Floats, time_s: Floats, size_px: tuple[int, int]) -> float:
    """Rms speed, px/s, of the background in the output that ``to_output`` (n, 2, 3) makes; NaN for a single frame.

    It follows the scene points that lie at four points of the frame before, and leaves out the steps between groups.
    """
    if path.frames < 2:
        return np.nan
    points = quadrature_points(size_px)
    before = affine.apply(to_output[:-1, None], points[None])
    same = path.group[1:] == path.group[:-1]
    to_next = affine.compose(affine.invert(path.to_scene[1:]), path.to_scene[:-1])
    after = affine.apply(affine.compose(to_output[1:], to_next)[:, None], points[None])
    step = (after - before)[same]
    if not len(step):
        return np.nan
    rate_hz = (path.frames - 1) / (time_s[-1] - time_s[0])
    return float(np.sqrt(np.mean(np.sum(step**2, axis=-1))) * rate_hz)


def ground_speed(path: CameraPath, anchor_px: Floats, time_s: Floats) -> float:
    """Median speed, px/s, of the anchor (n, 2), NaN where it is not seen, over the scene; NaN where it is not known.

    The steps between two groups are left out.
    """
    same = path.group[1:] == path.group[:-1]
    step = np.diff(affine.apply(path.to_scene, anchor_px), axis=0)
    step_px_s = np.hypot(*step.T) / np.diff(time_s)
    known = step_px_s[same & np.isfinite(step_px_s)]
    return float(np.median(known)) if len(known) else np.nan
