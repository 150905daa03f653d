"""Tiles cover the picture, and a person of any size that is searched is whole and large in one of them."""

import numpy as np
import pytest

from tasks.maths.tracking.search_tiles import SMALLEST_TILE_HEIGHTS, tile_sides, tiles

SIZES = [(1280, 720), (720, 1280), (3840, 2160), (352, 288)]


@pytest.mark.parametrize("size_px", SIZES)
def test_every_pixel_lies_in_a_tile_of_each_size(size_px: tuple[int, int]) -> None:
    width, height = size_px
    for side in tile_sides(height, 0.08):
        covered = np.zeros((height, width), bool)
        for x, y, length in tiles(size_px, side):
            assert length == side and (side >= width or 0 <= x <= width - side + 2)
            covered[max(y, 0) : y + side, max(x, 0) : x + side] = True
        assert covered.all()


@pytest.mark.parametrize("share", [0.08, 0.1, 0.15, 0.2, 0.3])
def test_whoever_is_searched_fills_a_good_part_of_a_tile_that_shows_them_whole(share: float) -> None:
    size_px = 1280, 720
    person = share * size_px[1]
    for x0 in np.linspace(0, size_px[0] - person / 3, 13):
        for y0 in np.linspace(0, size_px[1] - person, 7):
            best = max(
                person / side
                for side in tile_sides(size_px[1], 0.08)
                for x, y, _ in tiles(size_px, side)
                if x <= x0 + 2 and x0 + person / 3 <= x + side + 2 and y <= y0 + 2 and y0 + person <= y + side + 2
            )
            assert best >= 1 / (SMALLEST_TILE_HEIGHTS + 0.1)


def test_only_large_people_need_only_large_tiles() -> None:
    assert len(tile_sides(720, 0.3)) == 1 < len(tile_sides(720, 0.08)) <= len(tile_sides(720, 0.04))
