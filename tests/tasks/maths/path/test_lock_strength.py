"""Strength, dead zone and limit of speed: what each promises, for every path."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize

from tasks.maths.path import lock_strength
from tasks.maths.path.taut_string import taut_string
from tests.support.paths import Floats, Smooth, even_times, shaky_walk, straight_walk, uneven_times

EVERY: dict[str, Smooth] = {
    "dead zone": lambda path, time_s: lock_strength.dead_zone(path, time_s, radius_px=6.0),
    "strength": lambda path, _: lock_strength.blend(path, np.ones(len(path), bool), strength_xy=(0.4, 0.0)),
    "speed limit": lambda path, time_s: lock_strength.speed_limit(path, time_s, limit_px_s=45.0),
}
over_all = pytest.mark.parametrize("hold", EVERY.values(), ids=EVERY)


@over_all
def test_mirrored_input_gives_the_mirrored_path(hold: Smooth) -> None:
    walk, time_s = shaky_walk(), uneven_times(90)
    mirrored = hold(walk * [-1, 1] + [639, 0], time_s)
    assert_allclose(mirrored, hold(walk, time_s) * [-1, 1] + [639, 0], atol=1e-9)


@over_all
@pytest.mark.parametrize("times", [even_times, uneven_times])
def test_reversed_time_gives_the_reversed_path(hold: Smooth, times: Callable[[int], Floats]) -> None:
    walk, time_s = shaky_walk(), times(90)
    assert_allclose(hold(walk[::-1], time_s[-1] - time_s[::-1])[::-1], hold(walk, time_s), atol=1e-8)


@over_all
def test_a_shifted_input_gives_the_shifted_path(hold: Smooth) -> None:
    walk, time_s, moved = shaky_walk(), even_times(90), np.array([17.0, -23.0])
    assert_allclose(hold(walk + moved, time_s), hold(walk, time_s) + moved, atol=1e-9)


@over_all
def test_a_constant_path_stays_to_both_ends(hold: Smooth) -> None:
    still = np.tile([123.456, 78.9], (50, 1))
    assert_allclose(hold(still, uneven_times(50)), still, atol=1e-9)


@over_all
def test_one_frame_passes(hold: Smooth) -> None:
    assert_allclose(hold(np.array([[3.0, 4.0]]), np.zeros(1)), [[3, 4]])


@over_all
def test_repeating_every_frame_leaves_the_path(hold: Smooth) -> None:
    """At double rate, each frame and a copy of it: where the first of each pair stands, little changes."""
    walk, time_s = straight_walk(even_times(90)) + 8 * np.sin(5 * even_times(90))[:, None], even_times(90)
    twice = hold(np.repeat(walk, 2, axis=0), even_times(180, 60))
    assert np.abs(twice[::2] - hold(walk, time_s)).max() < 3


def test_full_strength_is_the_lock_to_the_last_bit() -> None:
    walk = shaky_walk()
    assert_array_equal(lock_strength.blend(walk, np.ones(90, bool), strength_xy=(1, 1)), walk)


def test_no_strength_is_a_still_frame_with_the_subject_at_the_target_on_the_whole() -> None:
    walk = shaky_walk()
    held = lock_strength.blend(walk, np.ones(90, bool), strength_xy=(1.0, 0.0))
    assert_array_equal(held[:, 0], walk[:, 0])
    assert np.ptp(held[:, 1]) == 0
    assert held[0, 1] == np.median(walk[:, 1])


def test_half_strength_takes_half_of_the_motion() -> None:
    walk = shaky_walk()
    held = lock_strength.blend(walk, np.ones(90, bool), strength_xy=(0.5, 0.5))
    assert_allclose(held.std(axis=0), walk.std(axis=0) / 2)
    assert_allclose(np.median(held, axis=0), np.median(walk, axis=0))


def test_frames_that_do_not_show_the_subject_do_not_tell_its_place() -> None:
    walk, seen = shaky_walk(), np.ones(90, bool)
    walk[60:], seen[60:] = 5000.0, False
    assert_allclose(lock_strength.blend(walk, seen, strength_xy=(0, 0))[0], np.median(walk[:60], axis=0))
    nobody = lock_strength.blend(walk, np.zeros(90, bool), strength_xy=(0, 0))
    assert_allclose(nobody[0], np.median(walk, axis=0))


def test_the_frame_stands_still_while_the_subject_stays_in_the_zone() -> None:
    path = np.random.default_rng(4).uniform(-5, 5, (200, 2)) + 50
    held = lock_strength.dead_zone(path, even_times(200), radius_px=5.1)
    assert np.ptp(held, axis=0).max() == 0
    assert np.abs(held - path).max() <= 5.1


@pytest.mark.parametrize("radius", [0.5, 4.0, 30.0])
def test_the_subject_never_leaves_the_zone(radius: float) -> None:
    path, time_s = shaky_walk(400), uneven_times(400)
    held = lock_strength.dead_zone(path, time_s, radius_px=radius)
    assert np.abs(held - path).max() <= radius + 1e-9
    assert np.abs(np.diff(held, axis=0)).sum() <= np.abs(np.diff(path, axis=0)).sum()


def test_no_zone_is_the_lock_itself() -> None:
    assert_array_equal(lock_strength.dead_zone(shaky_walk(), even_times(90), radius_px=0.0), shaky_walk())


def test_an_even_walk_is_followed_evenly() -> None:
    time_s = uneven_times(60)
    held = lock_strength.dead_zone(straight_walk(time_s), time_s, radius_px=5.0)
    velocity = np.diff(held, axis=0) / np.diff(time_s)[:, None]
    assert_allclose(velocity, np.tile(velocity[0], (59, 1)), rtol=1e-9)


def test_the_frame_begins_to_move_without_a_jump() -> None:
    """Two seconds of standing, then a walk: the frame's speed rises no faster than it must."""
    time_s = even_times(180)
    path = np.maximum(time_s - 2, 0)[:, None] ** 2 * [30.0, 0.0]
    held = lock_strength.dead_zone(path, time_s, radius_px=8.0)[:, 0]
    speed = np.diff(held) * 30
    assert np.abs(np.diff(speed)).max() < 6  # the subject's own speed ends at 240 px/s
    assert speed[0] == 0
    assert np.abs(held - path[:, 0]).max() <= 8 + 1e-9


def test_the_string_is_the_calmest_path_of_all() -> None:
    """No path through the same gates has a smaller sum of squared speeds: checked against a general solver."""
    rng = np.random.default_rng(0)
    for count in (2, 3, 8, 25, 40):
        time_s = np.cumsum(rng.uniform(0.5, 2, count))
        walk = np.cumsum(rng.normal(0, 2, count))
        low, high = walk - rng.uniform(0.1, 4, count), walk + rng.uniform(0.1, 4, count)
        string = taut_string(time_s, low, high)
        assert (string >= low - 1e-9).all()
        assert (string <= high + 1e-9).all()

        def cost(path: Floats, gap: Floats) -> float:
            return float((np.diff(path) ** 2 / gap).sum())

        gap = np.diff(time_s)
        bounds = list(zip(low, high, strict=True))
        best = optimize.minimize(cost, walk, (gap,), method="L-BFGS-B", bounds=bounds, options={"maxfun": 200_000})
        assert cost(string, gap) <= best.fun + 1e-4


def test_the_limit_of_speed_is_kept_and_nothing_else_changes() -> None:
    time_s = uneven_times(120)
    slow = straight_walk(time_s)  # 61 and 7 px/s
    path = slow.copy()
    path[70:] += 40.0  # a jump
    held = lock_strength.speed_limit(path, time_s, limit_px_s=100.0)
    assert (np.abs(np.diff(held, axis=0)) <= 100.0 * np.diff(time_s)[:, None] + 1e-9).all()
    far = np.abs(time_s - time_s[70]) > 2
    assert_allclose(held[far], path[far], atol=1e-9)
    assert np.abs(held - path).max() <= 20 + 1e-9  # half of the jump is the least that can be
    assert_allclose(lock_strength.speed_limit(slow, time_s, limit_px_s=61.1), slow, atol=1e-9)


def test_no_speed_is_a_still_frame_midway() -> None:
    held = lock_strength.speed_limit(shaky_walk(), even_times(90), limit_px_s=0.0)
    assert np.ptp(held, axis=0).max() == 0
    assert_allclose(held[0], (shaky_walk().min(axis=0) + shaky_walk().max(axis=0)) / 2)
