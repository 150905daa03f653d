"""Which parts of a picture are searched for people: the whole one, then overlapping squares of falling size.

The detector sees each part at 224 px and finds a person who fills about a quarter of it or more.
"""

from math import ceil, log
from typing import Final

from tasks.maths.tracking.following_window import GRID_PX, Square

LARGEST_SHARE: Final = (
    0.675  # of the picture's height: side of the largest tiles, which show whom the whole picture does not
)
SMALLEST_TILE_HEIGHTS: Final = 4.6  # of the smallest person that is searched: side of the smallest tiles
MAX_SIDE_RATIO: Final = 1.9  # of the sides of two sizes, at the most
STEP_SHARE: Final = 2 / 3  # of the side, between two tiles: whoever is smaller than a third of it is whole in one


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
