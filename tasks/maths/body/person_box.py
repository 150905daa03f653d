"""The person's box a frame: it moves with the body, changes its size slowly, and holds every visible landmark.

A box is ``x0, y0, x1, y1`` in source px, its *edges*: pixel ``i`` reaches from ``i - 0.5`` to ``i + 0.5``, so the
whole picture is ``-0.5, -0.5, width - 0.5, height - 0.5``. A box may reach past the picture.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, maximum_filter1d

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import FACE, HIPS, SHOULDERS, PoseTrack

BOX_MIN_VISIBILITY: Final = 0.3  # a landmark below this visibility is a guess and does not widen the box
HEAD_ROOM_TORSOS: Final = 0.35  # of the torso's length: from a landmark of the face to the end of the hair
LIMB_ROOM_TORSOS: Final = 0.12  # of the torso's length: from a joint to the skin, from a toe or a knuckle to its tip
LEAST_TORSO_OF_EXTENT: Final = 0.15  # of the landmarks' extent: a torso bent towards the camera is short, not its limbs
_GAUSSIAN_REACH_STDS: Final = 3.0  # standard deviations


@dataclass(frozen=True)
class PersonBoxes:
    """The boxes of n frames."""

    edges_px: Floats  # (n, 4)
    person: NDArray[np.bool_]  # (n,) False where the box is the whole picture, as nobody is near in time
    torso_xy_px: Floats  # (n, 2) the torso's middle; NaN but from a first to a last frame with a pose


def whole_picture_box(size_px: tuple[int, int]) -> Floats:
    """(4,) the box of a picture of ``size_px`` (width, height)."""
    return np.array([-0.5, -0.5, size_px[0] - 0.5, size_px[1] - 0.5])


def person_boxes(
    track: PoseTrack, size_px: tuple[int, int], *, margin: float, reach_frames: int, longest_gap_frames: int
) -> PersonBoxes:
    """The box of the person in each frame of ``track``, with ``margin`` (a share of its size) on every side.

    The box rides on the torso's middle; each of its sides keeps the largest distance from it that it has within
    ``reach_frames`` (at least 1) to both directions, smoothed. Gaps of up to ``longest_gap_frames`` are bridged by
    straight lines, and as many frames are added before the first and after the last; further off, the box is the
    whole picture.
    """
    middle, sides = _torso_and_sides(track, size_px)
    seen = np.flatnonzero(np.isfinite(middle[:, 0]) & np.isfinite(sides).all(axis=1))
    edges = np.tile(whole_picture_box(size_px), (track.frames, 1))
    person = np.zeros(track.frames, np.bool_)
    torso = np.full((track.frames, 2), np.nan)
    for run in _split_at_gaps(seen, longest_gap_frames):
        first, last = int(run[0]), int(run[-1])
        span = np.arange(first, last + 1)
        centre = _interpolate_columns(span, run, middle[run])
        wide = maximum_filter1d(
            _interpolate_columns(span, run, sides[run]), 2 * reach_frames + 1, axis=0, mode="nearest"
        )
        sigma = reach_frames / _GAUSSIAN_REACH_STDS
        smooth = gaussian_filter1d(wide, sigma, axis=0, mode="nearest", radius=reach_frames)
        padded = smooth + margin * (smooth[:, [0, 1]] + smooth[:, [2, 3]])[:, [0, 1, 0, 1]]
        low, high = max(0, first - longest_gap_frames), min(track.frames - 1, last + longest_gap_frames)
        at = np.clip(np.arange(low, high + 1), first, last) - first
        edges[low : high + 1] = np.hstack([centre[at] - padded[at, :2], centre[at] + padded[at, 2:]])
        person[low : high + 1] = True
        torso[span] = centre
    return PersonBoxes(edges, person, torso)


def grow_to_aspect(edges_px: Floats, aspect: float, most_stretch: float) -> Floats:
    """Boxes (n, 4) grown about their centres until a model of ``aspect`` (width / height) sees them in good shape.

    A box is scaled to the model's input, and a pixel may become at most ``most_stretch`` (>= 1) times as wide as high,
    or as high as wide.
    """
    centre = (edges_px[:, :2] + edges_px[:, 2:]) / 2
    size = edges_px[:, 2:] - edges_px[:, :2]
    wide, high = size[:, 0], size[:, 1]
    wide = np.maximum(wide, high * aspect / most_stretch)
    high = np.maximum(high, wide / aspect / most_stretch)
    half = np.stack([wide, high], axis=1) / 2
    return np.hstack([centre - half, centre + half])


def snap_to_pixels(edges_px: Floats) -> Floats:
    """Boxes (n, 4) with their edges moved to the nearest borders between pixels, at least one pixel large."""
    low = np.round(edges_px[:, :2] + 0.5)
    size = np.maximum(1.0, np.round(edges_px[:, 2:] - edges_px[:, :2]))
    return np.hstack([low - 0.5, low + size - 0.5])


def _torso_and_sides(track: PoseTrack, size_px: tuple[int, int]) -> tuple[Floats, Floats]:
    """The torso's middle (n, 2), and how far the body reaches from it: left, up, right, down (n, 4), all >= 0."""
    corners = [*SHOULDERS, *HIPS]
    middle = track.xy_px[:, corners].mean(axis=1)
    neck, hips = track.xy_px[:, list(SHOULDERS)].mean(axis=1), track.xy_px[:, list(HIPS)].mean(axis=1)
    counted = track.visibility >= BOX_MIN_VISIBILITY
    counted[:, corners] = True
    whole = whole_picture_box(size_px)
    # What lies outside the picture is no pixel of the person: the body cut off at the edge ends there.
    points = np.clip(track.xy_px, whole[:2], whole[2:])
    points = np.where(counted[..., None], points, middle[:, None])
    extent = np.ptp(track.xy_px[..., 1], axis=1)
    torso = np.maximum(np.hypot(*(neck - hips).T), LEAST_TORSO_OF_EXTENT * extent)
    room = np.full(points.shape[1], LIMB_ROOM_TORSOS)
    room[list(FACE)] = HEAD_ROOM_TORSOS
    around = room * torso[:, None]
    around = np.where(counted, around, 0.0)
    offset = points - middle[:, None]
    up_left = (around[..., None] - offset).max(axis=1)
    down_right = (around[..., None] + offset).max(axis=1)
    return middle, np.maximum(0.0, np.hstack([up_left, down_right]))


def _split_at_gaps(seen: NDArray[np.intp], longest_gap: int) -> list[NDArray[np.intp]]:
    """``seen`` frames cut where more than ``longest_gap`` frames are missing between two."""
    if not seen.size:
        return []
    return np.split(seen, np.flatnonzero(np.diff(seen) > longest_gap + 1) + 1)


def _interpolate_columns(at: NDArray[np.intp], known_at: NDArray[np.intp], known: Floats) -> Floats:
    """(len(at), k) ``known`` (len(known_at), k) joined by straight lines."""
    return np.stack([np.interp(at, known_at, column) for column in known.T], axis=1)
