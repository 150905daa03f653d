"""Smoothers against their definitions, spelled out frame by frame."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from tasks.maths.path import smoothing
from tests.support.paths import Floats, shaky_walk


def by_definition(path: Floats, window: int, weigh: Callable[[int], float]) -> Floats:
    smooth = np.empty_like(path)
    for frame in range(len(path)):
        reach = min(window // 2, frame, len(path) - 1 - frame)
        lags = range(-reach, reach + 1)
        weights = np.array([weigh(lag) for lag in lags])
        smooth[frame] = weights @ path[[frame + lag for lag in lags]] / weights.sum()
    return smooth


@pytest.mark.parametrize("window", [1, 3, 5, 31, 501])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 90])
def test_moving_average_is_the_mean_of_a_window_that_shrinks_at_the_ends(window: int, count: int) -> None:
    path = shaky_walk(count)
    expected = by_definition(path, window, lambda _: 1.0)
    assert_allclose(smoothing.moving_average(path, window_frames=window), expected, atol=1e-9)


@pytest.mark.parametrize("window", [1, 3, 5, 31, 501])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 90])
def test_gaussian_is_a_weighted_mean_with_sigma_of_a_quarter_window(window: int, count: int) -> None:
    path = shaky_walk(count)
    expected = by_definition(path, window, lambda lag: float(np.exp(-(lag**2) / (2 * (window / 4) ** 2))))
    assert_allclose(smoothing.gaussian(path, window_frames=window), expected, atol=1e-9)


@pytest.mark.parametrize("smooth", [smoothing.moving_average, smoothing.gaussian])
def test_the_first_and_the_last_frame_are_not_smoothed(smooth: Callable[..., Floats]) -> None:
    path = shaky_walk()
    assert_allclose(smooth(path, window_frames=9)[[0, -1]], path[[0, -1]], rtol=1e-14)


def test_an_hour_away_from_its_start_the_mean_is_still_exact() -> None:
    path = np.random.default_rng(5).uniform(0, 4000, (108_000, 2))
    smooth = smoothing.moving_average(path, window_frames=5)
    assert_allclose(smooth[100_000], path[99_998:100_003].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("smooth", [smoothing.moving_average, smoothing.gaussian])
def test_the_input_is_left_alone(smooth: Callable[..., Floats]) -> None:
    path = shaky_walk()
    smooth(path, window_frames=1)[:] = 0
    smooth(path, window_frames=5)[:] = 0
    assert_array_equal(path, shaky_walk())


@pytest.mark.parametrize("smooth", [smoothing.moving_average, smoothing.gaussian])
@pytest.mark.parametrize("window", [0, -1, 4])
def test_a_window_that_is_not_odd_is_refused(smooth: Callable[..., Floats], window: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        smooth(shaky_walk(), window_frames=window)


@pytest.mark.parametrize("smooth", [smoothing.moving_average, smoothing.gaussian])
def test_missing_points_are_refused(smooth: Callable[..., Floats]) -> None:
    path = shaky_walk()
    path[4, 1] = np.nan
    with pytest.raises(ValueError, match="missing points"):
        smooth(path, window_frames=5)
