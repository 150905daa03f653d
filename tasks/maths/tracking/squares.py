"""The squares of the picture that the pose model is shown: a window that follows each person, and tiles for the search.

All is in px of the picture as the model sees it: these are square also where those of the source are not (see
``tasks.maths.square_pixels``).

The model finds a person best who fills a third to a half of the square. Its own filter of landmarks works in the
window's coordinates: a window that moves evenly with the body also steadies the landmarks, and one that trembles makes
them tremble. So the window follows a straight line fitted to the last moments (the growing and fading memory filter,
Morrison 1969), and its size changes slowly.

People are searched in the whole picture, then in overlapping tiles of falling size. The detector sees each at 224 px
and finds a person who fills about a quarter of it or more.
"""

from math import ceil, log
from typing import Final, NamedTuple

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import BoxEdges, hip_midpoint, torso_length_px
from tasks.maths.square_pixels import scale_landmarks

WINDOW_HEIGHTS: Final = 2.5  # side of the window, in heights of the person
MEMORY_S: Final = 2.0  # of the straight line that the window moves along
SIZE_MEMORY_S: Final = 1.5  # time constant of the window's size
SAME_PLACE_HEIGHTS: Final = 0.25  # between the hips of one body, found twice in a frame
SAME_TORSO_RATIO: Final = 1.25  # of the torsos of one body in two frames; 1.2 in a somersault, 1.4 or more in mistakes
SAME_SIZE_RATIO: Final = 1.6  # of the heights of one body, found twice in a frame
NEXT_PLACE_TORSOS: Final = 1.0  # between the hips of one body in two frames; up to 0.8 in a somersault at 30 fps
ESCAPE_HEIGHTS: Final = 0.25  # between the hips and the window's middle: beyond it the line starts anew
ESCAPE_FRAMES: Final = 3  # memory that is left then
MIN_SIDE_PX: Final = 32  # of a square: a smaller one shows nothing that the model could find
GRID_PX: Final = 2  # corners and sides are multiples of it: subsampled chroma is cut exactly
LARGEST_SHARE: Final = 0.675  # of the picture's height: side of the largest tiles
SMALLEST_TILE_HEIGHTS: Final = 4.6  # of the smallest person that is searched: side of the smallest tiles
MAX_SIDE_RATIO: Final = 1.9  # between the sides of one size of tiles and the next
STEP_SHARE: Final = 2 / 3  # of the side, between two tiles: a person smaller than a third of it is whole in one


class Square(NamedTuple):
    """A square part of the picture, in square pixels; it may reach beyond the picture."""

    x_px: int  # its first column
    y_px: int  # its first row
    side_px: int

    @property
    def edges_px(self) -> Floats:
        """(4,) x0, y0, x1, y1: its outer edges."""
        return np.array([self.x_px, self.y_px, self.x_px + self.side_px, self.y_px + self.side_px]) - 0.5

    def contains(self, point_xy: Floats) -> bool:
        """Whether a point (2,) of the picture lies in it."""
        x0, y0, x1, y1 = self.edges_px
        return bool(x0 <= point_xy[0] <= x1 and y0 <= point_xy[1] <= y1)

    def share_under(self, box_px: BoxEdges) -> float:
        """The share of the square that lies under the box ``x0, y0, x1, y1``."""
        x0, y0, x1, y1 = box_px
        across = min(x1, self.x_px + self.side_px) - max(x0, self.x_px)
        down = min(y1, self.y_px + self.side_px) - max(y0, self.y_px)
        return max(across, 0.0) * max(down, 0.0) / self.side_px**2


def from_image(landmarks: Floats, edges_px: Floats, image_px: int) -> Floats:
    """Landmarks (33, 5) of an image, ``image_px`` wide and high, in px of the picture.

    The image shows the part of the picture with the outer ``edges_px`` (4,).
    """
    low, high = edges_px[:2], edges_px[2:]
    moved = scale_landmarks(landmarks, (high - low) / image_px)
    moved[:, :2] += low + 0.5
    return moved


def into_image(landmarks: Floats, edges_px: Floats, image_px: int) -> Floats:
    """Landmarks (33, 2 or more) of the picture in an image of a part of it; the other way round than ``from_image``."""
    low, high = edges_px[:2], edges_px[2:]
    moved = landmarks.copy()
    moved[:, :2] = (moved[:, :2] - low) * (image_px / (high - low)) - 0.5
    return moved


def body_height_px(landmarks: Floats) -> float:
    """Px from the highest to the lowest of landmarks (33, 2 or more)."""
    return float(np.ptp(landmarks[:, 1]))


def body_reach_px(landmarks: Floats) -> float:
    """Px that landmarks (33, 2 or more) span, the larger way: of somebody who lies, that is the width."""
    return float(np.ptp(landmarks[:, :2], axis=0).max())


def similar_place(first: Floats, second: Floats) -> bool:
    """Whether two looks at one frame, landmarks (33, 2 or more), found a body of about the same place and size."""
    heights = sorted((body_height_px(first), body_height_px(second)))
    apart = float(np.hypot(*(hip_midpoint(first) - hip_midpoint(second))))
    return heights[1] <= SAME_SIZE_RATIO * heights[0] and apart <= SAME_PLACE_HEIGHTS * heights[1]


def follows(before: Floats, after: Floats) -> bool:
    """Whether a body, landmarks (33, 2 or more), may be that of the frame before: also of somebody who turns over."""
    torsos = sorted(float(torso_length_px(one)) for one in (before, after))
    apart = float(np.hypot(*(hip_midpoint(after) - hip_midpoint(before))))
    return torsos[1] <= SAME_TORSO_RATIO * torsos[0] and apart <= NEXT_PLACE_TORSOS * torsos[1]


def square_about(centre_xy: Floats, side_px: float) -> Square:
    """The square of about ``side_px`` with its middle at about ``centre_xy``, on the grid of ``GRID_PX``."""
    side = max(round(side_px / GRID_PX) * GRID_PX, MIN_SIDE_PX)
    x, y = (int(np.floor((value + 0.5 - side / 2) / GRID_PX + 0.5)) * GRID_PX for value in centre_xy)
    return Square(x, y, side)


class FollowingWindow:
    """Where the next window of one person lies. Times never decrease."""

    def __init__(self, landmarks: Floats, time_s: float) -> None:
        """Begin at landmarks (33, 2 or more), seen at ``time_s``."""
        self._centre = hip_midpoint(landmarks)
        self._velocity = np.zeros(2)  # px a second
        self._side_px = WINDOW_HEIGHTS * body_reach_px(landmarks)
        self._time_s = time_s
        self._frames = 1  # that the line was fitted to

    def at(self, time_s: float) -> Square:
        """The window at ``time_s``."""
        return square_about(self.centre_at(time_s), self._side_px)

    @property
    def speed_px_s(self) -> float:
        """Across the picture, to the right."""
        return float(self._velocity[0])

    def centre_at(self, time_s: float) -> Floats:
        """Where the hips (2,) are expected at ``time_s``."""
        return self._centre + self._velocity * (time_s - self._time_s)

    def update(self, landmarks: Floats, time_s: float) -> None:
        """Take in where the person was found at ``time_s``."""
        gap_s = time_s - self._time_s
        if gap_s <= 0:
            return
        predicted = self._centre + self._velocity * gap_s
        miss = hip_midpoint(landmarks) - predicted
        height_px = body_reach_px(landmarks)
        if float(np.hypot(*miss)) > ESCAPE_HEIGHTS * height_px:
            self._frames = min(self._frames, ESCAPE_FRAMES)
        memory = min(self._frames, max(MEMORY_S / gap_s, ESCAPE_FRAMES))
        self._centre = predicted + 2 * (2 * memory + 1) / ((memory + 1) * (memory + 2)) * miss
        self._velocity = self._velocity + 6 / ((memory + 1) * (memory + 2)) * miss / gap_s
        self._side_px += (1 - np.exp(-gap_s / SIZE_MEMORY_S)) * (WINDOW_HEIGHTS * height_px - self._side_px)
        self._time_s = time_s
        self._frames += 1


def search_tiles(size_px: tuple[int, int], smallest: float) -> list[Square]:
    """All squares of a picture of (width, height) that show people down to ``smallest`` of its height."""
    return [tile for side in tile_sides(size_px[1], smallest) for tile in tiles(size_px, side)]


def tile_sides(height_px: int, smallest: float) -> list[int]:
    """Sides in px, falling, for people down to ``smallest`` of the picture's height."""
    first, last = LARGEST_SHARE * height_px, min(LARGEST_SHARE, SMALLEST_TILE_HEIGHTS * smallest) * height_px
    sizes = 1 + ceil(log(first / last) / log(MAX_SIDE_RATIO)) if last < first else 1
    ratio = (last / first) ** (1 / max(sizes - 1, 1))
    return [max(round(first * ratio**number / GRID_PX) * GRID_PX, GRID_PX) for number in range(sizes)]


def tiles(size_px: tuple[int, int], side_px: int) -> list[Square]:
    """Overlapping squares that cover a picture of (width, height), row by row."""
    columns, rows = (_starts(length, side_px) for length in size_px)
    return [Square(x, y, side_px) for y in rows for x in columns]


def _starts(length_px: int, side_px: int) -> list[int]:
    """First pixels of tiles that cover ``length_px``; one in the middle where it is shorter than a tile."""
    room = length_px - side_px
    if room <= 0:
        return [room // 2 // GRID_PX * GRID_PX]
    count = 1 + ceil(room / (STEP_SHARE * side_px))
    return [round(room * number / (count - 1) / GRID_PX) * GRID_PX for number in range(count)]
