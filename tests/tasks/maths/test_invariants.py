"""Properties that hold for every subject and every path, to the pixel. The numbers are those of the definition."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from numpy.typing import NDArray

from tasks.maths.anchor import gaps
from tasks.maths.anchor.anchor_point import hip_anchor
from tasks.maths.arrays import Floats
from tasks.maths.path import affine, smoothers
from tests.support.drawn.paths import (
    EVERY,
    LINEAR,
    Smooth,
    even_times,
    pose_track,
    shaky_walk,
    straight_walk,
    uneven_times,
)

HALF = np.array([8.0, 1.0])
TARGET = np.array([319.5, 179.5])
WINDOWED: Mapping[str, Callable[..., Floats]] = {
    "moving": smoothers.moving_average,
    "gaussian": smoothers.gaussian,
    "none": smoothers.unsmoothed,
}


def shifts(hips: Floats, smooth: Callable[..., Floats] = smoothers.moving_average) -> Floats:
    """From hips to the shifts of the frames: the whole way from pose to trajectory, without files."""
    track = pose_track(even_times(len(hips)), hips - HALF, hips + HALF)
    anchor = hip_anchor(track, min_confidence=0.5, weighted=False)
    filled, _ = gaps.fill_gaps(track.time_s, anchor.xy_px, interpolate=True)
    return smooth(TARGET - filled, window_frames=5)


@pytest.mark.parametrize("smooth", WINDOWED.values(), ids=WINDOWED)
def test_1_a_subject_at_the_target_gives_the_identity(smooth: Callable[..., Floats]) -> None:
    shift = shifts(np.tile(TARGET, (20, 1)), smooth)
    assert_array_equal(affine.translation(shift), np.broadcast_to(np.eye(3)[:2], (20, 2, 3)))


def test_2_shifting_the_input_shifts_the_offsets_back() -> None:
    walk = shaky_walk()
    moved = np.array([17.0, -23.0])
    assert_allclose(shifts(walk + moved), shifts(walk) - moved, atol=1e-9)


def test_3_a_mirrored_input_gives_the_mirrored_trajectory() -> None:
    """In a picture of 640 columns x becomes 639 - x, so the centre stays."""
    walk = shaky_walk()
    mirrored = walk * [-1, 1] + [639, 0]
    assert_allclose(shifts(mirrored), shifts(walk) * [-1, 1], atol=1e-9)


@pytest.mark.parametrize("smooth", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("times", [even_times, uneven_times])
def test_2_and_3_every_smoother_shifts_and_mirrors_with_its_input(
    smooth: Smooth, times: Callable[[int], Floats]
) -> None:
    walk, time_s = shaky_walk(), times(90)
    moved = smooth(walk * [-1, 1] + [639.0, -23.0], time_s)
    assert_allclose(moved, smooth(walk, time_s) * [-1, 1] + [639.0, -23.0], atol=1e-6)


@pytest.mark.parametrize("smooth", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("times", [even_times, uneven_times])
def test_4_reversed_time_gives_the_reversed_path(smooth: Smooth, times: Callable[[int], Floats]) -> None:
    walk, time_s = shaky_walk(), times(90)
    backwards = smooth(walk[::-1].copy(), time_s[-1] - time_s[::-1])
    assert_allclose(backwards[::-1], smooth(walk, time_s), atol=1e-6)


@pytest.mark.parametrize("smooth", WINDOWED.values(), ids=WINDOWED)
def test_5_a_window_of_one_keeps_the_offsets(smooth: Callable[..., Floats]) -> None:
    walk = shaky_walk()
    assert_array_equal(smooth(walk, window_frames=1), walk)


def test_5_the_smoother_none_keeps_the_offsets_whatever_the_window() -> None:
    walk = shaky_walk()
    assert_array_equal(smoothers.unsmoothed(walk, window_frames=9), walk)


@pytest.mark.parametrize("smooth", EVERY.values(), ids=EVERY)
@pytest.mark.parametrize("times", [even_times, uneven_times])
def test_6_a_constant_track_stays_constant_to_both_ends(smooth: Smooth, times: Callable[[int], Floats]) -> None:
    still = np.tile([123.456, 78.9], (50, 1))
    assert_allclose(smooth(still, times(50)), still, atol=1e-9)


@pytest.mark.parametrize("smooth", LINEAR.values(), ids=LINEAR)
def test_6_an_even_walk_stays_straight_to_both_ends(smooth: Smooth) -> None:
    time_s = even_times(60)
    assert_allclose(smooth(straight_walk(time_s), time_s), straight_walk(time_s), atol=1e-9)


@pytest.mark.parametrize("name", ["butterworth", "kalman"])
def test_6_an_even_walk_in_uneven_frames_stays_straight_with_smoothers_that_use_time(name: str) -> None:
    time_s = uneven_times(60)
    assert_allclose(LINEAR[name](straight_walk(time_s), time_s), straight_walk(time_s), atol=1e-9)


def test_7_a_transform_and_its_inverse_are_the_identity() -> None:
    turn, scale = np.deg2rad(np.linspace(-40, 40, 30)), np.linspace(0.5, 2, 30)
    linear = scale[:, None, None] * np.stack(
        [np.stack([np.cos(turn), -np.sin(turn)], 1), np.stack([np.sin(turn), np.cos(turn)], 1)], 1
    )
    matrix = np.concatenate([linear, np.random.default_rng(2).uniform(-2000, 2000, (30, 2, 1))], axis=2)
    points = np.random.default_rng(3).uniform(0, 2000, (30, 2))
    both: NDArray[np.float64] = affine.compose(affine.invert(matrix), matrix)
    assert_allclose(affine.apply(both, points), points, atol=1e-9)
    assert_allclose(affine.apply(affine.invert(matrix), affine.apply(matrix, points)), points, atol=1e-9)


@pytest.mark.parametrize("smooth", [smoothers.butterworth, smoothers.kalman])
def test_8_repeating_every_frame_keeps_a_path_smoothed_in_hertz(smooth: Callable[..., Floats]) -> None:
    """With each frame repeated the path is a staircase: the mean of a pair is the path at the frame's own time."""
    time_s = even_times(150)
    walk = straight_walk(time_s) + 10 * np.sin(2 * np.pi * 1.2 * time_s)[:, None]
    doubled_s = np.stack([time_s, time_s + 0.5 / 30], axis=1).reshape(-1)
    once = smooth(walk, time_s, cutoff_hz=1.0)
    twice = smooth(np.repeat(walk, 2, axis=0), doubled_s, cutoff_hz=1.0).reshape(-1, 2, 2).mean(axis=1)
    middle = slice(50, -50)
    assert_allclose(twice[middle], once[middle], atol=0.05)


@pytest.mark.parametrize("smooth", [smoothers.butterworth, smoothers.kalman])
def test_8_double_frame_rate_keeps_a_path_smoothed_in_hertz(smooth: Callable[..., Floats]) -> None:
    def at(time_s: Floats) -> Floats:
        return np.asarray(straight_walk(time_s) + 10 * np.sin(2 * np.pi * 1.2 * time_s)[:, None])

    coarse, fine = even_times(150), even_times(299, 60)
    once, twice = smooth(at(coarse), coarse, cutoff_hz=1.0), smooth(at(fine), fine, cutoff_hz=1.0)[::2]
    assert_allclose(twice, once, atol=0.1)
    assert np.ptp(once - straight_walk(coarse), axis=0).max() < 18  # the smoother had an effect: 20 px before
