"""The person's box in each frame: it moves with the body, changes its size slowly, and holds every visible landmark.

A box is ``x0, y0, x1, y1`` in source px, its *edges*. Pixel ``i`` reaches from ``i - 0.5`` to ``i + 0.5``, so the whole
picture is ``-0.5, -0.5, width - 0.5, height - 0.5``. A box may reach beyond the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import FACE, HIPS, SHOULDERS, PoseTrack, in_square_px, torso_length_px

BOX_MIN_VISIBILITY: Final = 0.3  # a landmark below this visibility is a guess and does not widen the box
HEAD_ROOM_TORSOS: Final = 0.35  # from a face landmark to the end of the hair
LIMB_ROOM_TORSOS: Final = 0.12  # from a joint to the skin, from a toe or knuckle to its tip
# of the landmarks' height: a torso bent towards the camera is short, but its limbs are not
LEAST_TORSO_OF_EXTENT: Final = 0.15
_GAUSSIAN_REACH_STDS: Final = 3.0  # standard deviations


@dataclass(frozen=True)
class PersonBoxes:
    """The boxes of n frames."""

    edges_px: Floats  # (n, 4)
    person: Flags  # (n,) False where the box is the whole picture, since no pose is near in time
    torso_xy_px: Floats  # (n, 2) the middle of the torso, or the place in the picture nearest to it; NaN without poses

    def part(self, frames: slice) -> "PersonBoxes":
        """The boxes of some consecutive frames."""
        return PersonBoxes(self.edges_px[frames], self.person[frames], self.torso_xy_px[frames])


def whole_picture_box(size_px: tuple[int, int]) -> Floats:
    """Box (4,) of a picture of ``size_px`` (width, height)."""
    return np.array([-0.5, -0.5, size_px[0] - 0.5, size_px[1] - 0.5])


def person_boxes(
    track: PoseTrack,
    size_px: tuple[int, int],
    *,
    margin: float,
    reach_frames: int,
    longest_gap_frames: int,
    pixel_aspect: float = 1.0,
) -> PersonBoxes:
    """The person's box in each frame of ``track``, with ``margin`` (a share of its size) on every side.

    ``pixel_aspect`` is a pixel's width / height.

    The box follows the middle of the torso. The distance of each side is the largest one within ``reach_frames`` (at
    least 1) before and after, smoothed. Gaps of up to ``longest_gap_frames`` are interpolated linearly, and the box is
    held for as many frames before the first and after the last pose. Further away it is the whole picture.
    """
    from scipy.ndimage import gaussian_filter1d, maximum_filter1d  # loaded here: slow to load, and few need boxes

    middle, sides = _torso_and_sides(track, size_px, pixel_aspect)
    seen = np.flatnonzero(np.isfinite(middle[:, 0]) & np.isfinite(sides).all(axis=1))
    picture = whole_picture_box(size_px)
    edges = np.tile(picture, (track.frames, 1))
    person = np.zeros(track.frames, np.bool_)
    torso = np.full((track.frames, 2), np.nan)
    for run in _split_at_gaps(seen, longest_gap_frames):
        first, last = int(run[0]), int(run[-1])
        span = np.arange(first, last + 1)
        centre = _interpolate_columns(span, run, middle[run])
        widest = maximum_filter1d(
            _interpolate_columns(span, run, sides[run]), 2 * reach_frames + 1, axis=0, mode="nearest"
        )
        sigma = reach_frames / _GAUSSIAN_REACH_STDS
        smooth = gaussian_filter1d(widest, sigma, axis=0, mode="nearest", radius=reach_frames)
        padded = smooth + margin * (smooth[:, [0, 1]] + smooth[:, [2, 3]])[:, [0, 1, 0, 1]]
        low, high = max(0, first - longest_gap_frames), min(track.frames - 1, last + longest_gap_frames)
        row = np.clip(np.arange(low, high + 1), first, last) - first
        edges[low : high + 1] = np.hstack([centre[row] - padded[row, :2], centre[row] + padded[row, 2:]])
        person[low : high + 1] = True
        torso[span] = np.clip(centre, picture[:2], picture[2:])  # of a close-up it may lie below the picture
    return PersonBoxes(edges, person, torso)


def join_boxes(parts: Sequence[PersonBoxes]) -> PersonBoxes:
    """The boxes of consecutive parts of a clip as those of the whole."""
    return PersonBoxes(
        np.concatenate([part.edges_px for part in parts]),
        np.concatenate([part.person for part in parts]),
        np.concatenate([part.torso_xy_px for part in parts]),
    )


def grow_to_aspect(edges_px: Floats, aspect: float, most_stretch: float) -> Floats:
    """Boxes (n, 4) grown about their centres towards a model input of ``aspect`` (width / height, of source pixels).

    The box is scaled to the model's input. A pixel may become at most ``most_stretch`` (>= 1) times as wide as high, or
    as high as wide.
    """
    centre = (edges_px[:, :2] + edges_px[:, 2:]) / 2
    size = edges_px[:, 2:] - edges_px[:, :2]
    wide, high = size[:, 0], size[:, 1]
    wide = np.maximum(wide, high * aspect / most_stretch)
    high = np.maximum(high, wide / aspect / most_stretch)
    half = np.stack([wide, high], axis=1) / 2
    return np.hstack([centre - half, centre + half])


def snap_to_pixels(edges_px: Floats) -> Floats:
    """Boxes (n, 4) with their edges moved to the nearest pixel borders, at least one pixel large."""
    low = np.round(edges_px[:, :2] + 0.5)
    size = np.maximum(1.0, np.round(edges_px[:, 2:] - edges_px[:, :2]))
    return np.hstack([low - 0.5, low + size - 0.5])


def _torso_and_sides(track: PoseTrack, size_px: tuple[int, int], pixel_aspect: float) -> tuple[Floats, Floats]:
    """Middle of the torso (n, 2), and the body's reach from it: left, up, right, down (n, 4), all >= 0."""
    corners = [*SHOULDERS, *HIPS]
    middle = track.xy_px[:, corners].mean(axis=1)
    visible = track.visibility >= BOX_MIN_VISIBILITY
    visible[:, corners] = True
    picture = whole_picture_box(size_px)
    # Outside the picture there are no pixels of the person, so the body ends at the edge.
    points = np.clip(track.xy_px, picture[:2], picture[2:])
    points = np.where(visible[..., None], points, middle[:, None])
    extent = np.ptp(track.xy_px[..., 1], axis=1)
    torso = np.maximum(torso_length_px(in_square_px(track.xy_px, pixel_aspect)), LEAST_TORSO_OF_EXTENT * extent)
    room_torsos = np.full(points.shape[1], LIMB_ROOM_TORSOS)
    room_torsos[list(FACE)] = HEAD_ROOM_TORSOS
    room_px = room_torsos * torso[:, None]
    room_px = np.where(visible, room_px, 0.0)
    offset = points - middle[:, None]
    room_xy = room_px[..., None] / np.array([pixel_aspect, 1.0])
    up_left = (room_xy - offset).max(axis=1)
    down_right = (room_xy + offset).max(axis=1)
    return middle, np.maximum(0.0, np.hstack([up_left, down_right]))


def _split_at_gaps(seen: NDArray[np.intp], longest_gap: int) -> list[NDArray[np.intp]]:
    """``seen`` frames, split where more than ``longest_gap`` frames are missing."""
    if not seen.size:
        return []
    return np.split(seen, np.flatnonzero(np.diff(seen) > longest_gap + 1) + 1)


def _interpolate_columns(at: NDArray[np.intp], known_at: NDArray[np.intp], known: Floats) -> Floats:
    """``known`` (m, k) at the frames ``known_at``, interpolated linearly at ``at``: (len(at), k)."""
    return np.stack([np.interp(at, known_at, column) for column in known.T], axis=1)
