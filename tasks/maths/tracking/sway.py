"""How a torso moves against the background: a person who stands sways a little, and a picture or a statue does not.

The torso's steps and the camera's motion are known to a tenth of a pixel, far better than landmarks. Where the camera
hardly travels, their difference is the body's own motion. Where it travels, everything before the background passes it,
in proportion to the camera's travel: the rest is the body's motion.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.maths.tracking.subject_track import TrackSteps
from tasks.maths.tracking.tracks import Track

SWAY_PART_S: Final = 2.0  # sway is measured in parts of this length, without their even motion
SWAY_SMOOTHING_S: Final = 0.3  # places are averaged over this
FEWEST_IN_PART: Final = 8  # places in a part; with fewer its sway is not known
LEAST_TERM_RATIO: Final = 1e-6  # of the largest singular value: a camera that goes evenly explains nothing more
KNOWN_SHARE: Final = 0.8  # of the steps of a part: with fewer known ones nothing is told


@dataclass(frozen=True)
class Sway:
    """Motion in a part of 2 s, in source px: NaN where too little is known."""

    body_px: float  # range of the torso over the background without its even motion: median of the parts
    way_px: float  # the same with its even motion
    camera_px: float  # range of the background in the picture: most of the parts
    own_px: float = np.nan  # as ``body_px``, also without what is in proportion to the camera's way
    slip_px: float = np.nan  # range of the hip landmarks over the torso's surface: median of the parts


UNKNOWN_SWAY: Final = Sway(np.nan, np.nan, np.nan)


def with_scene_steps(
    tracks: Sequence[Track], steps: Mapping[int, TrackSteps], to_scene: Floats, group: NDArray[np.int64]
) -> list[Track]:
    """``tracks``, each with the motion of its torso over the background; ``steps`` are by the track's number.

    ``to_scene`` (n, 2, 3) brings the pixels of a frame to those of the first one of its ``group`` (n,). The motion is
    NaN where the torso's step or the background is not known.
    """
    return [
        replace(track, scene_step=_scene_step(track, steps[int(track.origin[0])], to_scene, group)) for track in tracks
    ]


def _scene_step(track: Track, known: TrackSteps, to_scene: Floats, group: NDArray[np.int64]) -> Floats:
    """Px (k, 2) over the background from each sighting of a track to the next; the first one is NaN."""
    frames, steps = known
    hips = np.stack([np.interp(frames, track.frames, track.hip_xy[:, axis]) for axis in (0, 1)], axis=1)
    before = np.maximum(frames - 1, 0)
    moved = affine.apply(to_scene[frames], hips) - affine.apply(to_scene[before], hips - steps.xy())
    moved[group[frames] != group[before]] = np.nan
    over = np.full((len(track), 2), np.nan)
    summed = np.cumsum(np.concatenate([np.zeros((1, 2)), np.nan_to_num(moved)]), axis=0)
    lost = np.cumsum(np.concatenate([[0], ~np.isfinite(moved).all(axis=1)]))
    first = np.searchsorted(frames, track.frames[:-1], side="right")
    last = np.searchsorted(frames, track.frames[1:], side="right")
    whole = (lost[last] == lost[first]) & (last - first == np.diff(track.frames))
    over[1:] = np.where(whole[:, None], summed[last] - summed[first], np.nan)
    return over


def measure_sway(time_s: Floats, hip_xy: Floats, scene_step: Floats, slip_step: Floats | None = None) -> Sway:
    """The sway of one person at rising times (k,), from hips (k, 2) and the motion over the background (k, 2).

    An unknown step counts as none. ``slip_step`` (k, 2) is how far the hips slipped over the torso's surface.
    """
    body, way, camera, own, slip = [], [], [], [], []
    place = np.cumsum(np.nan_to_num(scene_step), axis=0)
    slipped = np.full(place.shape, np.nan) if slip_step is None else np.cumsum(slip_step, axis=0)
    known = np.asarray(np.isfinite(scene_step).all(axis=1))
    for start_s in np.arange(time_s[0], max(time_s[-1] - SWAY_PART_S / 2, time_s[0] + 1e-6), SWAY_PART_S):
        part = (time_s >= start_s) & (time_s < start_s + SWAY_PART_S)
        if part.sum() < FEWEST_IN_PART or known[part].mean() < KNOWN_SHARE:
            continue
        width = int(np.clip(round(SWAY_SMOOTHING_S / SWAY_PART_S * part.sum()), 1, part.sum() - 3))
        smooth = moving_mean(place[part], width)
        scene = moving_mean(hip_xy[part] - place[part], width)  # the background's way through the picture
        even = np.vander(np.linspace(-1, 1, len(smooth)), 2)
        body.append(_range_px(_without(smooth, even)))
        way.append(_range_px(smooth))
        camera.append(_range_px(scene))
        own.append(_range_px(_without(smooth, np.hstack([even, scene - scene.mean(axis=0)]))))
        slip.append(_range_px(moving_mean(slipped[part], width)))
    if not body:
        return UNKNOWN_SWAY
    middle = [float(np.median(ranges)) for ranges in (body, way, own, slip)]
    return Sway(body_px=middle[0], way_px=middle[1], camera_px=max(camera), own_px=middle[2], slip_px=middle[3])


def _without(path: Floats, terms: Floats) -> Floats:
    """What is left of a path (k, 2) without what ``terms`` (k, m) explain."""
    return np.asarray(path - terms @ np.linalg.lstsq(terms, path, rcond=LEAST_TERM_RATIO)[0])


def _range_px(path: Floats) -> float:
    return float(np.hypot(*np.ptp(path, axis=0)))


def moving_mean(path: Floats, width: int) -> Floats:
    """Means (k - width + 1, ...) of ``width`` neighbours along a path (k, ...)."""
    summed = np.cumsum(np.concatenate([np.zeros((1, *path.shape[1:])), path]), axis=0)
    return np.asarray((summed[width:] - summed[:-width]) / width)
