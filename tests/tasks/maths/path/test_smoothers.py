"""Smoothers compared with their definitions, with theory, and with slow, plain versions of themselves."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import signal

from tasks.maths.arrays import Floats
from tasks.maths.path import smoothers
from tests.support.drawn.paths import even_times, shaky_walk, straight_walk, uneven_times


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
    assert_allclose(smoothers.moving_average(path, window_frames=window), expected, atol=1e-9)


@pytest.mark.parametrize("window", [1, 3, 5, 31, 501])
@pytest.mark.parametrize("count", [1, 2, 3, 4, 90])
def test_gaussian_is_a_weighted_mean_with_sigma_of_a_quarter_window(window: int, count: int) -> None:
    path = shaky_walk(count)
    expected = by_definition(path, window, lambda lag: float(np.exp(-(lag**2) / (2 * (window / 4) ** 2))))
    assert_allclose(smoothers.gaussian(path, window_frames=window), expected, atol=1e-9)


@pytest.mark.parametrize("smooth", [smoothers.moving_average, smoothers.gaussian])
def test_the_first_and_the_last_frame_are_not_smoothed(smooth: Callable[..., Floats]) -> None:
    path = shaky_walk()
    assert_allclose(smooth(path, window_frames=9)[[0, -1]], path[[0, -1]], rtol=1e-14)


def test_the_mean_is_still_exact_after_an_hour() -> None:
    path = np.random.default_rng(5).uniform(0, 4000, (108_000, 2))
    smooth = smoothers.moving_average(path, window_frames=5)
    assert_allclose(smooth[100_000], path[99_998:100_003].mean(axis=0), atol=1e-6)


@pytest.mark.parametrize("smooth", [smoothers.moving_average, smoothers.gaussian])
def test_the_input_is_not_modified(smooth: Callable[..., Floats]) -> None:
    path = shaky_walk()
    smooth(path, window_frames=1)[:] = 0
    smooth(path, window_frames=5)[:] = 0
    assert_array_equal(path, shaky_walk())


@pytest.mark.parametrize("smooth", [smoothers.moving_average, smoothers.gaussian])
@pytest.mark.parametrize("window", [0, -1, 4])
def test_a_window_that_is_not_odd_is_refused(smooth: Callable[..., Floats], window: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        smooth(shaky_walk(), window_frames=window)


@pytest.mark.parametrize("smooth", [smoothers.moving_average, smoothers.gaussian])
def test_missing_points_are_refused(smooth: Callable[..., Floats]) -> None:
    path = shaky_walk()
    path[4, 1] = np.nan
    with pytest.raises(ValueError, match="missing points"):
        smooth(path, window_frames=5)


def gain(smooth: Callable[..., Floats], frequency_hz: float, time_s: Floats) -> float:
    """Remaining amplitude of a 10 px sine on a walk, in the middle half of the clip."""
    wave = 10 * np.sin(2 * np.pi * frequency_hz * time_s)
    path = straight_walk(time_s) + wave[:, None]
    left = (smooth(path, time_s, cutoff_hz=1.5) - straight_walk(time_s))[:, 0]
    middle = slice(len(time_s) // 4, -len(time_s) // 4)
    return float(np.std(left[middle]) / np.std(wave[middle]))


@pytest.mark.parametrize("smooth", [smoothers.butterworth, smoothers.kalman])
@pytest.mark.parametrize("time_s", [even_times(1200), even_times(600, 15)], ids=["30fps", "15fps"])
def test_half_the_amplitude_remains_at_the_cutoff(smooth: Callable[..., Floats], time_s: Floats) -> None:
    assert gain(smooth, 1.5, time_s) == pytest.approx(0.5, abs=0.02)
    assert gain(smooth, 0.4, time_s) > 0.98
    assert gain(smooth, 4.0, time_s) < 0.03


@pytest.mark.parametrize("smooth", [smoothers.butterworth, smoothers.kalman])
def test_the_cutoff_holds_for_uneven_frames(smooth: Callable[..., Floats]) -> None:
    time_s = uneven_times(700)
    assert gain(smooth, 1.5, time_s) == pytest.approx(0.5, abs=0.04)
    assert gain(smooth, 0.4, time_s) > 0.97


@pytest.mark.parametrize("smooth", [smoothers.butterworth, smoothers.kalman])
def test_the_phase_is_not_shifted(smooth: Callable[..., Floats]) -> None:
    time_s = even_times(601)
    pulse = np.exp(-0.5 * ((time_s - 10) / 0.2) ** 2)[:, None]
    left = smooth(pulse, time_s, cutoff_hz=1.0)
    assert np.argmax(left[:, 0]) == 300
    assert_allclose(left, left[::-1], atol=1e-8)


def test_butterworth_is_the_filter_run_forwards_and_backwards() -> None:
    time_s, path = even_times(600), shaky_walk(600)
    sections = signal.butter(4, 2.0, fs=30, output="sos")
    expected = signal.sosfiltfilt(sections, path, axis=0, padlen=300)
    assert np.abs(expected - path).max() > 5
    assert_allclose(smoothers.butterworth(path, time_s, cutoff_hz=2.0), expected, atol=0.1)


def rauch_tung_striebel(z: Floats, time_s: Floats, cutoff_hz: float) -> Floats:
    """The two passes as in the textbook, one frame at a time, with an unknown initial state."""
    gaps_s = np.diff(time_s)
    noise = 1 / np.convolve(gaps_s, [0.5, 0.5])
    accel = (2 * np.pi * cutoff_hz) ** 4
    mean, spread = np.array([z[0], 0.0]), np.diag([1e8, 1e8])
    before, after, moves = [], [], []
    for frame, value in enumerate(z):
        if frame:
            h = gaps_s[frame - 1]
            move = np.array([[1, h], [0, 1]])
            mean, spread = move @ mean, move @ spread @ move.T
            spread = spread + accel * np.array([[h**3 / 3, h**2 / 2], [h**2 / 2, h]])
            moves.append(move)
        before.append((mean, spread))
        pull = spread[:, 0] / (spread[0, 0] + noise[frame])
        mean, spread = mean + pull * (value - mean[0]), spread - np.outer(pull, spread[0])
        after.append((mean, spread))
    smooth = [after[-1][0]]
    for frame in range(len(z) - 2, -1, -1):
        back = after[frame][1] @ moves[frame].T @ np.linalg.inv(before[frame + 1][1])
        smooth.append(after[frame][0] + back @ (smooth[-1] - before[frame + 1][0]))
    return np.array(smooth[::-1])[:, 0]


@pytest.mark.parametrize("time_s", [even_times(60), uneven_times(60)], ids=["even", "uneven"])
@pytest.mark.parametrize("cutoff_hz", [0.3, 2.0])
def test_kalman_equals_the_forward_and_backward_pass(time_s: Floats, cutoff_hz: float) -> None:
    path = shaky_walk(60)
    smooth = smoothers.kalman(path, time_s, cutoff_hz=cutoff_hz)
    for axis in range(2):
        expected = rauch_tung_striebel(path[:, axis], time_s, cutoff_hz)
        assert_allclose(smooth[:, axis], expected, atol=1e-3)


def test_kalman_solves_an_hour() -> None:
    path = np.cumsum(np.random.default_rng(4).normal(size=(100_000, 2)), axis=0)
    smooth = smoothers.kalman(path, even_times(100_000), cutoff_hz=1.0)
    middle = slice(50_000, 50_300)
    alone = smoothers.kalman(path[49_000:51_300], even_times(2300), cutoff_hz=1.0)
    assert_allclose(smooth[middle], alone[1000:1300], atol=1e-6)


def test_savgol_keeps_a_parabola_and_reduces_noise() -> None:
    at = np.linspace(-1, 1, 50)[:, None]
    parabola = np.hstack([80 * at**2 + 5, 30 * at - 9 * at**2])
    assert_allclose(smoothers.savgol(parabola, window_frames=9), parabola, atol=1e-9)
    noise = np.random.default_rng(1).normal(size=(500, 2))
    assert smoothers.savgol(noise, window_frames=9).std() < 0.6


@pytest.mark.parametrize(("window", "order"), [(5, 2), (9, 2), (9, 3), (91, 2), (91, 4), (7, 0)])
def test_savgol_equals_scipys_savgol_filter(window: int, order: int) -> None:
    path = shaky_walk(91)
    expected = signal.savgol_filter(path, window, order, axis=0, mode="interp")
    assert_allclose(smoothers.savgol(path, window_frames=window, order=order), expected, atol=1e-8)


@pytest.mark.parametrize("smooth", [smoothers.butterworth, smoothers.kalman])
def test_a_cutoff_far_above_the_frame_rate_keeps_the_path(smooth: Callable[..., Floats]) -> None:
    assert_allclose(smooth(shaky_walk(91), even_times(91), cutoff_hz=500.0), shaky_walk(91), atol=0.01)


@pytest.mark.parametrize("smooth", [smoothers.butterworth, smoothers.kalman])
def test_times_that_do_not_increase_are_refused(smooth: Callable[..., Floats]) -> None:
    with pytest.raises(ValueError, match="do not increase"):
        smooth(shaky_walk(5), np.array([0.0, 0.1, 0.1, 0.2, 0.3]), cutoff_hz=1.0)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6])
def test_the_shortest_clips_are_smoothed_without_nan(count: int) -> None:
    path, time_s = shaky_walk(count), even_times(count)
    for smooth in (smoothers.butterworth(path, time_s, cutoff_hz=1.0), smoothers.kalman(path, time_s, cutoff_hz=1.0)):
        assert smooth.shape == path.shape
        assert np.isfinite(smooth).all()


def test_kalman_tolerates_a_repeated_timestamp() -> None:
    time_s, path = even_times(300), shaky_walk(300)
    even = smoothers.kalman(path, time_s, cutoff_hz=1.0)
    time_s[150] = time_s[149] + 1e-6
    assert np.abs(smoothers.kalman(path, time_s, cutoff_hz=1.0) - even).max() < 2.0
