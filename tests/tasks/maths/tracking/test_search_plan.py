"""What is searched in each frame for people who are not followed."""

from collections.abc import Collection

import numpy as np
import pytest

from tasks.maths.tracking.search_plan import (
    LEAST_SHARE,
    LOST_SEARCH_S,
    MIN_FOLLOWED_S,
    OFTEN_INTERVAL_S,
    SEARCH_INTERVAL_S,
    THOROUGH_TILES,
    Lost,
    SearchPlan,
)
from tasks.maths.tracking.squares import FollowingWindow, Square, body_reach_px, search_tiles
from tasks.maths.tracking.unchanged import MOST_SKIPS, Shown
from tests.support.drawn.bodies import figure

SIZE_PX = (1280, 720)
SMALLEST = 0.2
STEP_S = 1 / 60
RANDOM = np.random.default_rng(1)
TILES = search_tiles(SIZE_PX, SMALLEST)
FOLLOWED_S = MIN_FOLLOWED_S + 0.5  # how long somebody was followed who is lost in these tests


def another_picture() -> Shown:
    """A picture in which everything differs from the one before."""
    return Shown(SIZE_PX, RANDOM.integers(0, 256, (90, 160), np.uint8))


def window_at(x_px: float, time_s: float, speed_px_s: float = 0.0) -> FollowingWindow:
    """The window of somebody who was followed for a second until ``time_s``, and was at ``x_px`` then."""
    steps = [step / 30 for step in range(-30, 1)]
    window = FollowingWindow(figure((x_px + speed_px_s * steps[0], 400), 20.0), time_s + steps[0])
    for step_s in steps[1:]:
        window.update(figure((x_px + speed_px_s * step_s, 400), 20.0), time_s + step_s)
    return window


def settled() -> tuple[SearchPlan, float]:
    """A plan that has searched each tile once, while somebody is followed, and the time of its next frame."""
    plan = SearchPlan(SMALLEST)
    plan.places(another_picture, 0.0, followed=False, watched=[])
    plan.begin_round(0.0)
    for frame in range(1, 60):
        plan.places(another_picture, frame * STEP_S, followed=True, watched=[])
    return plan, 60 * STEP_S


def searched(
    plan: SearchPlan, from_s: float, seconds: float, followed: bool = True, watched: Collection[Square] = ()
) -> list[list[Square | None]]:
    """What is searched in each frame of a time."""
    count = round(seconds / STEP_S)
    return [plan.places(another_picture, from_s + i * STEP_S, followed=followed, watched=watched) for i in range(count)]


def wholes(frames: list[list[Square | None]]) -> int:
    return sum(None in places for places in frames)


def test_while_nobody_is_followed_every_frame_is_searched_in_several_tiles() -> None:
    frames = searched(SearchPlan(SMALLEST), 0.0, LOST_SEARCH_S, followed=False)
    assert all(places[0] is None and len(places) == 1 + THOROUGH_TILES for places in frames)


def test_after_the_first_person_is_found_each_other_tile_is_searched_once_and_then_one_at_a_time() -> None:
    plan = SearchPlan(SMALLEST)
    at_once = plan.places(another_picture, 0.0, followed=False, watched=[])
    plan.begin_round(0.0)
    frames = searched(plan, STEP_S, 2.0)
    rounds = -(-len(TILES) // THOROUGH_TILES) - 1
    tiles = [tile for places in (at_once, *frames[:rounds]) for tile in places if tile is not None]
    assert set(tiles) == set(TILES) and len(tiles) < len(TILES) + THOROUGH_TILES
    assert wholes(frames[:rounds]) == pytest.approx(rounds * STEP_S / OFTEN_INTERVAL_S, abs=1)
    assert max(len(places) for places in frames[rounds:]) == 2
    assert wholes(frames[rounds:]) == pytest.approx((2.0 - rounds * STEP_S) / SEARCH_INTERVAL_S, abs=1)


def test_where_a_small_person_was_lost_every_frame_is_searched_and_for_a_large_one_the_whole_often() -> None:
    for small, interval_s in ((True, SEARCH_INTERVAL_S), (False, OFTEN_INTERVAL_S)):
        plan, now_s = settled()
        window = window_at(600, now_s, speed_px_s=60)
        plan.lose(Lost(window, now_s - FOLLOWED_S, small=small), now_s)
        frames = searched(plan, now_s, LOST_SEARCH_S)
        assert all((window.at(now_s + i * STEP_S) in places) is small for i, places in enumerate(frames))
        assert None in frames[0] and wholes(frames) == pytest.approx(LOST_SEARCH_S / interval_s, abs=2)
        after = searched(plan, now_s + LOST_SEARCH_S + STEP_S, LOST_SEARCH_S)
        assert wholes(after) <= LOST_SEARCH_S / SEARCH_INTERVAL_S + 1


def test_a_window_that_was_just_looked_at_and_one_outside_the_picture_are_not_searched() -> None:
    for x_px, watched in ((600, True), (-200, False)):
        plan, now_s = settled()
        window = window_at(x_px, now_s)
        plan.lose(Lost(window, now_s - FOLLOWED_S, small=True), now_s)
        frames = searched(plan, now_s, 0.2, watched=[window.at(now_s)] if watched else [])
        assert not any(window.at(now_s) in places for places in frames) and None in frames[0]


@pytest.mark.parametrize("followed", [True, False])
def test_who_walked_out_of_the_picture_is_not_searched_thoroughly(followed: bool) -> None:
    plan, now_s = settled()
    window = window_at(1230, now_s, speed_px_s=200)
    plan.lose(Lost(window, now_s - FOLLOWED_S, small=True), now_s)
    frames = searched(plan, now_s, LOST_SEARCH_S, followed=followed)
    assert None in frames[0] and window.at(now_s) in frames[0]
    if followed:
        assert sum(map(bool, frames)) == wholes(frames) <= LOST_SEARCH_S / SEARCH_INTERVAL_S + 1
    else:
        assert max(len([place for place in places if place in TILES]) for places in frames[1:]) == 1
    assert plan.find(figure((1280, 400), 20.0), now_s + LOST_SEARCH_S / 2) is not None


def test_the_same_picture_is_searched_again_less_often() -> None:
    plan, shown = SearchPlan(SMALLEST), another_picture()
    start, later = (
        [plan.places(lambda: shown, from_s + i * STEP_S, followed=False, watched=[]) for i in range(60)]
        for from_s in (0.0, LOST_SEARCH_S + STEP_S)
    )
    rounds = -(-len(TILES) // THOROUGH_TILES)
    assert {tile for places in start[:rounds] for tile in places if tile} == set(TILES)
    assert all(set(places) <= {None} for places in start[rounds:]) and start[0][0] is None
    assert wholes(start) == pytest.approx(60 * STEP_S / OFTEN_INTERVAL_S / (MOST_SKIPS + 1), abs=2)
    assert wholes(later) <= 60 * STEP_S / SEARCH_INTERVAL_S / (MOST_SKIPS + 1) + 1


def test_after_a_large_person_was_lost_the_whole_is_searched_though_the_picture_is_the_same() -> None:
    plan, now_s = settled()
    same = another_picture()
    plan.places(lambda: same, now_s + SEARCH_INTERVAL_S, followed=True, watched=[])
    now_s += SEARCH_INTERVAL_S + STEP_S
    plan.lose(Lost(window_at(600, now_s), now_s - FOLLOWED_S, small=False), now_s)
    assert plan.places(lambda: same, now_s, followed=True, watched=[])[0] is None


def test_a_tile_in_which_something_moves_is_searched_before_its_turn() -> None:
    plan, luma = SearchPlan(SMALLEST), np.full((90, 160), 90, np.uint8)
    plan.places(lambda: Shown(SIZE_PX, luma), 0.0, followed=False, watched=[])
    plan.begin_round(0.0)
    for frame in range(1, 60):
        plan.places(lambda: Shown(SIZE_PX, luma), frame * STEP_S, followed=True, watched=[])
    found = 0
    for frame in range(60, 60 + round(1.0 / STEP_S)):
        moved = luma.copy()
        moved[60:80, frame // 2 : frame // 2 + 6] += 60  # a fifth of the height, at the left
        shown = Shown(SIZE_PX, moved)
        places = plan.places([shown].pop, frame * STEP_S, followed=True, watched=[])
        inside = [tile for tile in places if tile and tile.contains(np.array([4.0 * frame + 24, 560]))]
        found += len(inside)
    assert 2 <= found <= 1.0 / SEARCH_INTERVAL_S + 1


def test_a_tile_that_was_not_searched_is_not_left_out_the_next_time() -> None:
    plan, shown = SearchPlan(SMALLEST), another_picture()
    first, *_ = (place for place in plan.places(lambda: shown, 0.0, followed=False, watched=[]) if place is not None)
    plan.not_searched(first)
    rounds = -(-len(TILES) // THOROUGH_TILES)
    later = [plan.places(lambda: shown, i * STEP_S, followed=False, watched=[]) for i in range(1, 2 * rounds)]
    assert sum(first in places for places in later) == 1


@pytest.mark.parametrize("share", [0.8, 1.25])
def test_a_body_of_less_than_half_the_smallest_height_is_too_small(share: float) -> None:
    plan, _ = settled()
    body = figure((600, 400), 20.0)
    body[:, :2] *= share * LEAST_SHARE * SMALLEST * SIZE_PX[1] / body_reach_px(body)
    assert plan.is_too_small(body) is (share < 1)


def test_when_the_lost_one_is_found_where_the_way_led_the_search_is_rare_again() -> None:
    plan, now_s = settled()
    window = window_at(600, now_s)
    plan.lose(Lost(window, now_s - FOLLOWED_S, small=False), now_s)
    assert plan.find(figure((1100, 400), 20.0), now_s) is None
    found = plan.find(figure((610, 400), 20.0), now_s + STEP_S)
    assert found is not None and found.since_s == now_s - FOLLOWED_S
    assert wholes(searched(plan, now_s + 2 * STEP_S, LOST_SEARCH_S)) <= LOST_SEARCH_S / SEARCH_INTERVAL_S + 1


def test_who_is_lost_again_after_a_moment_is_searched_where_the_way_led_before() -> None:
    plan, now_s = settled()
    window = window_at(600, now_s)
    plan.lose(Lost(window, now_s - FOLLOWED_S, small=True), now_s)
    found = plan.find(figure((650, 400), 20.0), now_s + STEP_S)
    again_s = now_s + 2 * STEP_S
    plan.lose(Lost(window_at(650, again_s, 900), now_s + STEP_S, small=True, earlier=found), again_s)
    assert window.at(again_s) in plan.places(another_picture, again_s, followed=True, watched=[])


def test_of_those_who_were_lost_again_and_again_the_last_one_is_kept() -> None:
    plan, now_s = settled()
    found = Lost(window_at(600, now_s), now_s - 2 * FOLLOWED_S, small=True)
    plan.lose(Lost(window_at(600, now_s), now_s - FOLLOWED_S, small=True, earlier=found), now_s)
    again = plan.find(figure((600, 400), 20.0), now_s + STEP_S)
    assert again is not None and again.earlier is None


def test_who_was_seen_for_a_moment_only_is_not_missed() -> None:
    plan, now_s = settled()
    searched(plan, now_s, SEARCH_INTERVAL_S)
    plan.lose(Lost(window_at(600, now_s), now_s - MIN_FOLLOWED_S / 2, small=True), now_s)
    assert wholes(searched(plan, now_s + SEARCH_INTERVAL_S, LOST_SEARCH_S)) <= LOST_SEARCH_S / SEARCH_INTERVAL_S + 1


def test_another_shot_is_searched_as_at_the_start() -> None:
    plan, now_s = settled()
    plan.lose(Lost(window_at(600, now_s), now_s - FOLLOWED_S, small=True), now_s)
    plan.begin_shot()
    places = plan.places(another_picture, now_s, followed=False, watched=[])
    assert places[0] is None and set(places[1:]) <= set(TILES) and len(places) == 1 + THOROUGH_TILES
