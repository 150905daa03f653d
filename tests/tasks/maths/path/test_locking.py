"""The lock: strength, dead zone and speed limit for every path; scale and roll on a body with known growth and tilt."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import optimize

from tasks.errors import AnchorNotSeen
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import HIPS, LANDMARK_COUNT, SHOULDERS, PoseTrack
from tasks.maths.path import affine, locking
from tasks.maths.path.locking import taut_string
from tests.support.drawn.paths import Smooth, even_times, pose_track, shaky_walk, straight_walk, uneven_times, without

EVERY: dict[str, Smooth] = {
    "dead zone": lambda path, time_s: locking.apply_dead_zone(path, time_s, radius_px=6.0),
    "strength": lambda path, _: locking.apply_strength(path, np.ones(len(path), bool), strength_xy=(0.4, 0.0)),
    "speed limit": lambda path, time_s: locking.limit_speed(path, time_s, limit_px_s=45.0),
}
over_all = pytest.mark.parametrize("hold", EVERY.values(), ids=EVERY)
FRAMES = 300
TIME_S = even_times(FRAMES)
HALF = np.array([9.0, 0.0])


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
def test_a_single_frame_stays_where_it_is(hold: Smooth) -> None:
    assert_allclose(hold(np.array([[3.0, 4.0]]), np.zeros(1)), [[3, 4]])


@over_all
def test_repeating_every_frame_keeps_the_path(hold: Smooth) -> None:
    """At double rate, with each frame repeated, the first frame of each pair hardly changes."""
    walk, time_s = straight_walk(even_times(90)) + 8 * np.sin(5 * even_times(90))[:, None], even_times(90)
    twice = hold(np.repeat(walk, 2, axis=0), even_times(180, 60))
    assert np.abs(twice[::2] - hold(walk, time_s)).max() < 3


def test_full_strength_is_exactly_the_lock() -> None:
    walk = shaky_walk()
    assert_array_equal(locking.apply_strength(walk, np.ones(90, bool), strength_xy=(1, 1)), walk)


def test_strength_zero_is_a_still_frame_with_the_subject_at_the_target_on_average() -> None:
    walk = shaky_walk()
    held = locking.apply_strength(walk, np.ones(90, bool), strength_xy=(1.0, 0.0))
    assert_array_equal(held[:, 0], walk[:, 0])
    assert np.ptp(held[:, 1]) == 0
    assert held[0, 1] == np.median(walk[:, 1])


def test_half_strength_removes_half_of_the_motion() -> None:
    walk = shaky_walk()
    held = locking.apply_strength(walk, np.ones(90, bool), strength_xy=(0.5, 0.5))
    assert_allclose(held.std(axis=0), walk.std(axis=0) / 2)
    assert_allclose(np.median(held, axis=0), np.median(walk, axis=0))


def test_frames_without_the_subject_do_not_count_for_its_median_position() -> None:
    walk, seen = shaky_walk(), np.ones(90, bool)
    walk[60:], seen[60:] = 5000.0, False
    assert_allclose(locking.apply_strength(walk, seen, strength_xy=(0, 0))[0], np.median(walk[:60], axis=0))
    nobody = locking.apply_strength(walk, np.zeros(90, bool), strength_xy=(0, 0))
    assert_allclose(nobody[0], np.median(walk, axis=0))


def test_the_frame_stands_still_while_the_subject_is_in_the_dead_zone() -> None:
    path = np.random.default_rng(4).uniform(-5, 5, (200, 2)) + 50
    held = locking.apply_dead_zone(path, even_times(200), radius_px=5.1)
    assert np.ptp(held, axis=0).max() == 0
    assert np.abs(held - path).max() <= 5.1


@pytest.mark.parametrize("radius", [0.5, 4.0, 30.0])
def test_the_subject_never_leaves_the_dead_zone(radius: float) -> None:
    path, time_s = shaky_walk(400), uneven_times(400)
    held = locking.apply_dead_zone(path, time_s, radius_px=radius)
    assert np.abs(held - path).max() <= radius + 1e-9
    assert np.abs(np.diff(held, axis=0)).sum() <= np.abs(np.diff(path, axis=0)).sum()


def test_a_dead_zone_of_zero_is_the_lock_itself() -> None:
    assert_array_equal(locking.apply_dead_zone(shaky_walk(), even_times(90), radius_px=0.0), shaky_walk())


def test_an_even_walk_is_followed_evenly() -> None:
    time_s = uneven_times(60)
    held = locking.apply_dead_zone(straight_walk(time_s), time_s, radius_px=5.0)
    velocity = np.diff(held, axis=0) / np.diff(time_s)[:, None]
    assert_allclose(velocity, np.tile(velocity[0], (59, 1)), rtol=1e-9)


def test_the_frame_begins_to_move_without_a_jump() -> None:
    """Two seconds of standing, then a walk: the frame's speed rises no faster than necessary."""
    time_s = even_times(180)
    path = np.maximum(time_s - 2, 0)[:, None] ** 2 * [30.0, 0.0]
    held = locking.apply_dead_zone(path, time_s, radius_px=8.0)[:, 0]
    speed = np.diff(held) * 30
    assert np.abs(np.diff(speed)).max() < 6  # the subject's final speed is 240 px/s
    assert speed[0] == 0
    assert np.abs(held - path[:, 0]).max() <= 8 + 1e-9


def test_the_taut_string_is_the_calmest_path() -> None:
    """No path through the same gates has a smaller sum of squared speeds, according to a general solver."""
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


def test_the_speed_limit_is_kept_and_slow_parts_are_unchanged() -> None:
    time_s = uneven_times(120)
    slow = straight_walk(time_s)  # 61 and 7 px/s
    path = slow.copy()
    path[70:] += 40.0  # a jump
    held = locking.limit_speed(path, time_s, limit_px_s=100.0)
    assert (np.abs(np.diff(held, axis=0)) <= 100.0 * np.diff(time_s)[:, None] + 1e-9).all()
    far = np.abs(time_s - time_s[70]) > 2
    assert_allclose(held[far], path[far], atol=1e-9)
    assert np.abs(held - path).max() <= 20 + 1e-9  # half of the jump is the smallest possible distance
    assert_allclose(locking.limit_speed(slow, time_s, limit_px_s=61.1), slow, atol=1e-9)


def test_a_speed_limit_of_zero_is_a_still_frame_in_the_middle() -> None:
    held = locking.limit_speed(shaky_walk(), even_times(90), limit_px_s=0.0)
    assert np.ptp(held, axis=0).max() == 0
    assert_allclose(held[0], (shaky_walk().min(axis=0) + shaky_walk().max(axis=0)) / 2)


def walker(scale: Floats | float = 1.0, tilt_rad: Floats | float = 0.0, *, noise_px: float = 0.0) -> PoseTrack:
    """A body that grows and leans about its hips, with noise on every landmark."""
    hips = shaky_walk(FRAMES)
    track = pose_track(TIME_S, hips - HALF, hips + HALF)
    grown = np.broadcast_to(affine.scale_and_turn(scale, tilt_rad), (FRAMES, 2, 2))
    body = np.einsum("nij,nkj->nki", grown, track.xy_px - hips[:, None]) + hips[:, None]
    noise = np.random.default_rng(6).normal(0, noise_px, body.shape) if noise_px else 0.0
    return PoseTrack(TIME_S, body + noise, track.z, track.visibility, track.presence)


def torso(track: PoseTrack) -> Floats:
    return np.asarray(track.xy_px[:, SHOULDERS].mean(axis=1) - track.xy_px[:, HIPS].mean(axis=1))


@pytest.mark.parametrize(
    "growth",
    [np.linspace(1, 2, FRAMES), np.linspace(1.5, 0.7, FRAMES), 4 / (4 - TIME_S / 4), 1 + 0.2 * np.sin(TIME_S * 0.6)],
    ids=["nearer", "away", "nearer at even speed", "to and fro"],
)
def test_a_known_growth_is_undone_within_one_percent(growth: Floats) -> None:
    track = walker(growth)
    held = locking.steadying_scale(track) * np.linalg.norm(torso(track), axis=1)
    assert np.ptp(growth) > 0.3
    assert_allclose(held, np.median(held), rtol=0.01)


def test_pose_noise_hardly_changes_the_scale() -> None:
    growth = np.linspace(1, 2, FRAMES)
    held = locking.steadying_scale(walker(growth, noise_px=0.5)) * growth
    assert held.std() / held.mean() < 0.01


def test_the_subject_gets_its_median_size() -> None:
    scale = locking.steadying_scale(walker(np.linspace(1, 2, FRAMES)))
    assert scale[FRAMES // 2] == pytest.approx(1, abs=0.01)
    assert scale[0] == pytest.approx(1.5, rel=0.01)
    assert_allclose(locking.steadying_scale(walker()), 1, atol=1e-9)


def test_a_body_that_turns_about_its_own_axis_keeps_its_size() -> None:
    track = walker()
    middle = track.xy_px[:, HIPS].mean(axis=1)[:, None]
    turned = (track.xy_px - middle) * np.stack([np.cos(TIME_S), np.ones(FRAMES)], axis=1)[:, None] + middle
    track = PoseTrack(TIME_S, turned, track.z, track.visibility, track.presence)
    assert_allclose(locking.steadying_scale(track), 1, atol=1e-9)


def test_a_wrong_pose_and_a_gap_do_not_change_the_size() -> None:
    growth = np.linspace(1, 1.5, FRAMES)
    wrong = growth.copy()
    wrong[100:106] *= 0.05
    wrong[200:203] *= 3
    track = without(walker(wrong), slice(140, 160))
    held = locking.steadying_scale(track) * growth
    assert_allclose(held, np.median(held), rtol=0.03)


@pytest.mark.parametrize("tilt_deg", [np.full(FRAMES, 7.0), np.linspace(-4, 6, FRAMES), np.full(FRAMES, 90.0)])
def test_a_known_tilt_is_undone_within_one_percent(tilt_deg: Floats) -> None:
    lean = np.rad2deg(locking.torso_lean_rad(walker(1.0, np.deg2rad(tilt_deg))))
    assert_allclose(lean, tilt_deg, atol=0.01 * np.abs(tilt_deg).max())


def test_the_sway_of_a_walk_is_not_a_tilt() -> None:
    sway = np.deg2rad(5 + 6 * np.sin(2 * np.pi * 0.9 * TIME_S))
    lean = np.rad2deg(locking.torso_lean_rad(walker(1.0, sway)))
    assert_allclose(lean, 5, atol=1.0)  # at the ends half a stride is missing
    assert_allclose(lean[90:-90], 5, atol=0.2)


def test_a_wide_pixel_counts_as_wide() -> None:
    """On pixels twice as wide as high, a body that leans by 20 degrees has half of its lean in columns."""
    seen = walker(1.0, np.deg2rad(20.0))
    narrow = seen.xy_px * [0.5, 1.0]
    track = PoseTrack(TIME_S, narrow, seen.z, seen.visibility, seen.presence)
    turn = -locking.torso_lean_rad(track, pixel_aspect=2.0)
    assert_allclose(np.rad2deg(turn), -20, atol=0.1)
    stood = np.einsum("nij,nj->ni", affine.scale_and_turn(np.ones(FRAMES), turn, 2.0), torso(track))
    assert_allclose(stood[:, 0], 0, atol=0.1)
    assert_allclose(-stood[:, 1], np.linalg.norm(torso(seen), axis=1), rtol=1e-3)


def test_a_mirrored_body_leans_the_other_way() -> None:
    tilted = walker(np.linspace(1, 2, FRAMES), np.deg2rad(7.0), noise_px=1.0)
    mirrored = PoseTrack(TIME_S, tilted.xy_px * [-1, 1], tilted.z, tilted.visibility, tilted.presence)
    assert_allclose(locking.torso_lean_rad(mirrored), -locking.torso_lean_rad(tilted), atol=1e-9)
    assert_allclose(locking.steadying_scale(mirrored), locking.steadying_scale(tilted), rtol=1e-9)


def test_reversed_time_gives_the_reversed_scale_and_roll() -> None:
    track = walker(np.linspace(1, 2, FRAMES), np.deg2rad(np.linspace(-4, 6, FRAMES)), noise_px=1.0)
    back = PoseTrack(TIME_S, track.xy_px[::-1], track.z, track.visibility, track.presence)
    assert_allclose(locking.torso_lean_rad(back)[::-1], locking.torso_lean_rad(track), atol=1e-6)
    assert_allclose(locking.steadying_scale(back)[::-1], locking.steadying_scale(track), rtol=1e-6)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_shortest_clips_get_no_scale_and_no_roll(count: int) -> None:
    hips = shaky_walk(count)
    track = pose_track(even_times(count), hips - HALF, hips + HALF)
    assert_allclose(locking.steadying_scale(track), 1, rtol=0.1)
    assert_allclose(locking.torso_lean_rad(track), 0, atol=0.1)


@pytest.mark.parametrize(("find", "setting"), [(locking.steadying_scale, "scale"), (locking.torso_lean_rad, "roll")])
def test_a_torso_that_is_never_seen_is_an_error_of_one_line(find: object, setting: str) -> None:
    track = walker()
    hidden = PoseTrack(TIME_S, track.xy_px, track.z, np.full((FRAMES, LANDMARK_COUNT), 0.2), track.presence)
    assert callable(find)
    with pytest.raises(AnchorNotSeen, match=rf"^lock\.{setting}: no frame shows .*; set lock\.{setting}=false"):
        find(hidden)
