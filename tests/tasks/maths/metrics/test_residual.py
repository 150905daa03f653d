"""The spectrum of the residual on sines of known frequency and size, and runs of labels."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from numpy.typing import NDArray
from scipy import signal

from tasks.maths.arrays import label_runs
from tasks.maths.metrics.residual import FEWEST_SPECTRUM_SAMPLES, amplitude_density, only_seen, without_absent

RATE_HZ = 30.0


def sines(seconds: float, hz: float = 2.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    time_s = 5 + np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return time_s, np.stack([3 * np.sin(2 * np.pi * hz * time_s), np.zeros_like(time_s)], axis=1)


def test_a_sine_appears_at_its_frequency() -> None:
    hz, found = amplitude_density(*sines(20))
    assert hz[np.argmax(found)] == pytest.approx(2.0)
    assert hz[-1] == pytest.approx(RATE_HZ / 2)


def test_the_squared_density_integrates_to_the_variance_of_both_axes() -> None:
    time_s, path = sines(20)
    path[:, 1] = 2 * np.cos(2 * np.pi * 5 * time_s)
    hz, found = amplitude_density(time_s, path)
    assert np.sum(found**2) * (hz[1] - hz[0]) == pytest.approx(3**2 / 2 + 2**2 / 2, rel=0.02)


@pytest.mark.parametrize("frames", [FEWEST_SPECTRUM_SAMPLES, 51, 120, 121, 500])
def test_the_density_equals_scipys_welch(frames: int) -> None:
    time_s, path = np.arange(frames) / RATE_HZ, np.random.default_rng(2).normal(size=(frames, 2))
    window = min(120, frames)
    expected_hz, power = signal.welch(path, RATE_HZ, nperseg=window, detrend="linear", axis=0)
    hz, found = amplitude_density(time_s, path)
    assert_allclose(hz, expected_hz[1:])
    assert_allclose(found, np.sqrt(power.sum(axis=1))[1:], rtol=1e-9)


def test_a_straight_walk_has_almost_no_power() -> None:
    time_s, _ = sines(20)
    _, found = amplitude_density(time_s, np.stack([100 * time_s, -50 * time_s], axis=1))
    assert found.max() < 1e-6


def test_a_gap_is_not_filled_and_changes_little() -> None:
    time_s, path = sines(20)
    whole = amplitude_density(time_s, path)[1].max()
    path[250:300] = np.nan
    hz, found = amplitude_density(time_s, path)
    assert hz[np.argmax(found)] == pytest.approx(2.0)
    assert found.max() == pytest.approx(whole, rel=0.1)


def test_uneven_times_are_interpolated_on_an_even_grid() -> None:
    time_s, _ = sines(20)
    uneven_s = time_s + np.random.default_rng(0).uniform(-0.3, 0.3, len(time_s)) / RATE_HZ
    hz, found = amplitude_density(uneven_s, np.stack([3 * np.sin(2 * np.pi * 2 * uneven_s)] * 2, axis=1))
    assert hz[np.argmax(found)] == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("frames", [1, 2, FEWEST_SPECTRUM_SAMPLES - 1])
def test_a_short_path_has_no_spectrum(frames: int) -> None:
    hz, found = amplitude_density(np.arange(frames) / RATE_HZ, np.zeros((frames, 2)))
    assert len(hz) == len(found) == 0


def test_a_clip_without_a_person_has_no_spectrum() -> None:
    time_s, path = sines(4)
    assert len(amplitude_density(time_s, np.full_like(path, np.nan))[0]) == 0


def test_label_runs_cover_everything_in_order() -> None:
    labels = np.array(["a", "a", "b", "a", "c", "c"])
    assert label_runs(labels) == [("a", 0, 1), ("b", 2, 2), ("a", 3, 3), ("c", 4, 5)]
    assert label_runs(labels[:1]) == [("a", 0, 0)]


def test_paths_show_only_their_seen_or_present_frames() -> None:
    states = np.array(["measured", "bridged", "interpolated", "held", "absent"])
    path = np.zeros((5, 2))
    assert np.isfinite(without_absent(path, states)).all(axis=1).tolist() == [True] * 4 + [False]
    assert np.isfinite(only_seen(path, states)).all(axis=1).tolist() == [True, True, False, False, False]
