"""The window of one person: it moves evenly, keeps its size, and does not lose a person who starts suddenly."""

import numpy as np
from numpy.testing import assert_allclose

from tasks.maths.tracking.following_window import WINDOW_HEIGHTS, FollowingWindow, Square, similar_place, square_about
from tests.support.drawn.bodies import figure

STEP_S = 1 / 30
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
    assert_allclose(square.to_source(square.to_image(points, 384), 384)[:, :2], points[:, :2])


def test_two_looks_at_one_body_are_alike_and_at_two_are_not() -> None:
    assert similar_place(figure((100, 100), 20.0), figure((108, 104), 24.0))
    assert not similar_place(figure((100, 100), 20.0), figure((100, 100), 40.0))
    assert not similar_place(figure((100, 100), 20.0), figure((140, 100), 20.0))
