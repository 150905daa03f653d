"""The L1 path: its budget, its straight segments, and its independence of the frame rate."""

import time

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tasks.maths.arrays import Floats
from tasks.maths.path.l1_path import l1_path
from tests.support.drawn.paths import even_times, shaky_walk, straight_walk, uneven_times


def test_the_path_stays_within_its_budget_and_is_mostly_straight() -> None:
    path = shaky_walk(150)
    smooth = l1_path(path, even_times(150), budget_px=10)
    assert np.abs(smooth - path).max() <= 10 + 1e-9
    bends = np.abs(np.diff(smooth, 3, axis=0))
    assert np.mean(bends < 1e-6) > 0.9
    assert np.abs(np.diff(smooth, 2, axis=0)).sum() < 0.05 * np.abs(np.diff(path, 2, axis=0)).sum()


def test_a_path_that_stays_within_the_budget_becomes_constant() -> None:
    path = np.random.default_rng(2).uniform(-4, 4, (80, 2)) + 100
    assert np.ptp(l1_path(path, even_times(80), budget_px=8), axis=0).max() < 1e-6


def test_a_budget_of_zero_gives_the_path_itself() -> None:
    assert_array_equal(l1_path(shaky_walk(), even_times(90), budget_px=0), shaky_walk())


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_the_path_of_the_shortest_clips_stays_within_the_budget(count: int) -> None:
    smooth = l1_path(shaky_walk(count), even_times(count), budget_px=5)
    assert smooth.shape == (count, 2)
    assert np.abs(smooth - shaky_walk(count)).max() <= 5 + 1e-9


def test_the_same_motion_at_double_rate_has_the_same_path() -> None:
    def at(time_s: Floats) -> Floats:
        return np.asarray(straight_walk(time_s) + 15 * np.sin(2 * np.pi * 0.9 * time_s)[:, None])

    coarse, fine = even_times(90), even_times(179, 60)
    once, twice = l1_path(at(coarse), coarse, budget_px=8), l1_path(at(fine), fine, budget_px=8)[::2]
    assert np.abs(once - straight_walk(coarse)).max() > 6
    assert_allclose(twice, once, atol=0.5)


def test_a_parabola_in_uneven_frames_has_constant_acceleration() -> None:
    """With known times, constant acceleration is one segment: uneven frames cost nothing."""
    time_s = uneven_times(80)
    path = np.stack([40 * time_s**2, -25 * time_s**2], axis=1)
    smooth = l1_path(path, time_s, budget_px=1.0)
    velocity = np.diff(smooth, axis=0) / np.diff(time_s)[:, None]
    middles_s = (time_s[1:] + time_s[:-1]) / 2
    acceleration = np.diff(velocity, axis=0) / np.diff(middles_s)[:, None]
    assert_allclose(np.median(acceleration, axis=0), [80, -50], rtol=0.05)
    assert np.mean(np.abs(np.diff(acceleration, axis=0)) < 1e-3) > 0.9


def test_a_minute_of_video_takes_seconds() -> None:
    path = shaky_walk(1800)
    start = time.process_time()
    smooth = l1_path(path, even_times(1800), budget_px=10)
    assert time.process_time() - start < 20  # about 2 s on an idle machine
    assert np.abs(smooth - path).max() <= 10 + 1e-9


@pytest.mark.parametrize("count", [101, 150, 250])
def test_a_long_path_solved_in_pieces_is_continuous(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    path, time_s = shaky_walk(count), even_times(count)
    whole = l1_path(path, time_s, budget_px=8)
    monkeypatch.setattr("tasks.maths.path.l1_path.PIECE_FRAMES", 100)
    monkeypatch.setattr("tasks.maths.path.l1_path.FADE_FRAMES", 30)
    pieces = l1_path(path, time_s, budget_px=8)
    assert np.abs(pieces - path).max() <= 8 + 1e-9
    backwards = l1_path(path[::-1], time_s, budget_px=8)[::-1]
    assert_allclose(backwards, pieces, atol=1e-6)
    steps, best = (np.abs(np.diff(smooth, axis=0)).max() for smooth in (pieces, whole))
    assert steps < best + 1  # no jump where pieces meet


def test_a_negative_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="budget of -1 px is negative"):
        l1_path(shaky_walk(), even_times(90), budget_px=-1)
