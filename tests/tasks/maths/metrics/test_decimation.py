"""Long series for narrow charts: no jump is lost, and each frame is shown at its time."""

from itertools import pairwise

import numpy as np
import pytest

from tasks.maths.metrics.decimation import CHART_BINS, chart_indices, frames_at_equal_times, merge_intervals


def test_a_short_series_is_kept_completely() -> None:
    assert chart_indices(np.zeros(100)).tolist() == list(range(100))


def test_an_hour_becomes_a_few_thousand_points_that_keep_every_jump() -> None:
    frames = 3600 * 30
    values = np.sin(np.arange(frames) / 500)
    jumps = np.random.default_rng(1).choice(np.arange(1, frames - 1), 40, replace=False)
    values[jumps[:20]] += 50
    values[jumps[20:]] -= 50
    chosen = chart_indices(values)
    assert len(chosen) <= 3 * CHART_BINS + 2
    assert (np.diff(chosen) > 0).all()
    assert {0, frames - 1} <= set(chosen.tolist())
    edges = np.linspace(0, frames, CHART_BINS + 1).astype(int)
    for first, stop in pairwise(edges):
        part = values[chosen[(chosen >= first) & (chosen < stop)]]
        assert part.min() == values[first:stop].min()
        assert part.max() == values[first:stop].max()


def test_a_gap_stays_a_gap() -> None:
    values = np.zeros(10_000)
    values[5000:5003] = np.nan
    values[7000:8000] = np.nan
    assert np.isnan(values[chart_indices(values)]).sum() >= 2
    middle = chart_indices(values)[(chart_indices(values) >= 7100) & (chart_indices(values) < 7900)]
    assert np.isnan(values[middle]).all()


def test_even_frames_are_shown_in_order_for_equal_times() -> None:
    assert frames_at_equal_times(np.arange(6) / 30, 6 / 30, 12).tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]


def test_a_long_frame_is_shown_for_a_long_time() -> None:
    shown = frames_at_equal_times(np.array([10.0, 10.1, 10.9]), 11.0, 10)
    assert shown.tolist() == [0] + [1] * 8 + [2]


@pytest.mark.parametrize("count", [1, 5])
def test_a_single_frame_is_shown_all_the_time(count: int) -> None:
    assert frames_at_equal_times(np.array([3.0]), 3.0, count).tolist() == [0] * count


def test_short_intervals_are_widened_and_close_ones_merged() -> None:
    assert merge_intervals([(0, 0.1), (5, 7), (7.5, 8), (20, 21)], 1) == [(0, 1), (5, 8.5), (20, 21)]
    assert merge_intervals([], 1) == []


def test_the_number_of_intervals_is_limited() -> None:
    starts = np.arange(0, 3600, 0.1)
    assert len(merge_intervals([(start, start + 0.03) for start in starts], 3600 / CHART_BINS)) == 1
