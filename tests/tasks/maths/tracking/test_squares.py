"""The squares that the model is shown.

The window of one person moves evenly, keeps its size, and does not lose a person who starts suddenly. Tiles cover the
picture, and a person of any size that is searched is whole and large in one of them.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from tasks.maths.tracking.squares import (
    SMALLEST_TILE_HEIGHTS,
    WINDOW_HEIGHTS,
    FollowingWindow,
    Square,
    follows,
    from_image,
    into_image,
    similar_place,
    square_about,
    tile_sides,
    tiles,
)
from tests.support.drawn.bodies import figure

STEP_S = 1 / 30
SIZES = [(1280, 720), (720, 1280), (3840, 2160), (352, 288)]
TORSO_PX = 20.0
HEIGHT_PX = 3.0 * TORSO_PX  # of the figure


def middle(square: Square) -> float:
    return square.x_px + (square.side_px - 1) / 2


def test_the_first_window_has_the_person_in_its_middle() -> None:
    square = FollowingWindow(figure((300, 200), TORSO_PX), 0.0).at(0.0)
    assert abs(middle(square) - 300) <= 1
    assert abs(square.side_px - WINDOW_HEIGHTS * HEIGHT_PX) <= 1


def test_it_keeps_up_with_an_even_walk_from_the_second_frame_on() -> None:
    window = FollowingWindow(figure((0, 200), TORSO_PX), 0.0)
    for number in range(1, 60):
        at = window.at(number * STEP_S)
        if number > 2:
            assert abs(middle(at) - 12 * number) <= 1.5
        window.update(figure((12 * number, 200), TORSO_PX), number * STEP_S)


def test_noise_of_the_pose_moves_it_little() -> None:
    noise = np.random.default_rng(1).normal(0, 3, 120)
    window = FollowingWindow(figure((100, 200), TORSO_PX), 0.0)
    places = []
    for number in range(1, 120):
        window.update(figure((100 + noise[number], 200), TORSO_PX), number * STEP_S)
        places.append(middle(window.at(number * STEP_S)))
    assert np.std(places[60:]) < 1.0


def test_whoever_starts_suddenly_stays_in_it() -> None:
    window = FollowingWindow(figure((100, 200), TORSO_PX), 0.0)
    for number in range(1, 120):
        time_s, x = number * STEP_S, 100.0 + max(0, number - 60) * 8
        assert abs(middle(window.at(time_s)) - x) < 0.6 * HEIGHT_PX
        window.update(figure((x, 200), TORSO_PX), time_s)


def test_points_go_into_the_image_and_back() -> None:
    square, points = square_about(np.array([100.3, 50.2]), 151.0), figure((90, 60), 10.0)
    assert square.x_px % 2 == 0 and square.y_px % 2 == 0 and square.side_px % 2 == 0
    for edges_px in (square.edges_px, square.edges_px + np.array([-3, 0, 6, 0])):
        assert_allclose(from_image(into_image(points, edges_px, 384), edges_px, 384)[:, :2], points[:, :2])


def test_two_looks_at_one_body_are_alike_and_at_two_are_not() -> None:
    assert similar_place(figure((100, 100), 20.0), figure((108, 104), 24.0))
    assert not similar_place(figure((100, 100), 20.0), figure((100, 100), 40.0))
    assert not similar_place(figure((100, 100), 20.0), figure((140, 100), 20.0))


def test_a_body_follows_one_of_the_same_torso_within_a_torso() -> None:
    """Upside down too: only hips and torso count."""
    before, upside_down = figure((100, 100), 20.0), figure((110, 100), 20.0) * (1, -1, 1, 1, 1)
    upside_down[:, 1] += 200
    assert follows(before, upside_down) and follows(before, figure((100, 100), 24.0))
    assert not follows(before, figure((100, 100), 26.0)) and not follows(before, figure((100, 100), 15.0))
    assert not follows(before, figure((121, 100), 20.0))


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
