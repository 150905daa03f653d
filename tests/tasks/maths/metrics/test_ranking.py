import numpy as np
import pytest

from tasks.maths.metrics.ranking import (
    IN_FILE,
    PLANNED,
    mean_ranks,
    noticeable_levels,
    pareto_front,
    rank_results,
    shared_ranks,
)


def test_the_smallest_in_every_column_has_rank_one() -> None:
    costs = np.array([[3.0, 30.0], [1.0, 10.0], [2.0, 20.0]])
    assert mean_ranks(costs).tolist() == [3, 1, 2]


def test_only_the_order_in_a_column_counts() -> None:
    costs = np.random.default_rng(1).random((9, 3))
    assert mean_ranks(costs).tolist() == mean_ranks(costs**3 * [1, 1000, 0.001]).tolist()


def test_equal_costs_share_the_mean_of_their_ranks() -> None:
    assert mean_ranks(np.array([[1.0], [1.0], [2.0], [2.0], [3.0]])).tolist() == [1.5, 1.5, 3.5, 3.5, 5]


def test_the_sum_of_ranks_is_constant() -> None:
    costs = np.random.default_rng(2).integers(0, 4, (20, 3)).astype(float)
    assert mean_ranks(costs).sum() == pytest.approx(20 * 21 / 2)


def test_nan_ranks_last() -> None:
    assert mean_ranks(np.array([[np.nan], [9.0], [1.0]])).tolist() == [3, 2, 1]


def test_equal_scores_share_a_rank_and_the_next_ranks_stay_empty() -> None:
    scores = np.array([2.0, 1.0, 2.0, 1.0 + 1e-9])
    assert shared_ranks(scores, np.zeros(4)).tolist() == [3, 1, 3, 1]
    assert shared_ranks(np.ones(3), np.array([np.nan, 2.0, np.nan])).tolist() == [2, 1, 2]


def test_equal_scores_are_ordered_by_camera_acceleration() -> None:
    assert shared_ranks(np.array([2.0, 1.0, 2.0, 1.0]), np.array([1.0, 3.0, 0.0, np.nan])).tolist() == [4, 1, 3, 2]


def test_unnoticeable_differences_share_a_level() -> None:
    costs = np.array([[0.34], [0.0], [0.1], [0.25], [np.nan], [0.11], [np.nan]])
    assert noticeable_levels(costs, np.array([0.1]))[:, 0].tolist() == [2, 0, 0, 2, 3, 1, 3]


def test_levels_keep_the_order_and_noticeable_differences() -> None:
    costs = np.random.default_rng(4).random((200, 1))
    level = noticeable_levels(costs, np.array([0.03]))
    worse = costs > costs.T
    assert (level >= level.T)[worse].all()
    assert (level > level.T)[costs > costs.T + 0.03].all()
    assert len(np.unique(level)) < len(costs)


def test_no_row_dominates_a_row_on_the_front() -> None:
    costs = np.array([[1.0, 4.0], [2.0, 2.0], [4.0, 1.0], [3.0, 3.0], [2.0, 2.0], [np.nan, 1.0]])
    assert pareto_front(costs).tolist() == [True, True, True, False, True, False]


def test_the_front_contains_the_column_minima_and_equals_a_brute_force_search() -> None:
    costs = np.random.default_rng(3).random((60, 3))
    front = pareto_front(costs)
    assert front[costs.argmin(axis=0)].all()
    slow = [not any((other <= row).all() and (other < row).any() for other in costs) for row in costs]
    assert front.tolist() == slow


def test_the_first_rank_is_on_the_front() -> None:
    for seed in range(50):
        costs = np.random.default_rng(seed).integers(0, 5, (12, 3)).astype(float)
        assert pareto_front(costs)[shared_ranks(mean_ranks(costs[:, :2]), costs[:, 2]).argmin()]


def test_a_single_result_is_first_and_on_the_front() -> None:
    alone = np.array([[np.nan, 1.0]])
    assert (shared_ranks(mean_ranks(alone), np.zeros(1)).tolist(), pareto_front(alone).tolist()) == ([1], [True])


def planned(lock: float | None, accel: float, area: float) -> dict[str, float | None]:
    return {"lock_rms": lock, "residual_accel": accel, "visible_area_mean": area}


def test_results_are_ranked_by_lock_tremble_and_visible_area_together() -> None:
    ranked = rank_results([planned(2, 2, 0.8), planned(1, 1, 0.9), planned(3, 0.5, 0.7), planned(None, 3, 0.6)])
    assert [one.score for one in ranked] == [2.333, 1.333, 2.333, 4.0]
    assert [one.rank for one in ranked] == [2, 1, 2, 4]
    assert [one.pareto for one in ranked] == [False, True, True, False]
    assert [one.best for one in ranked] == [False, True, False, False]


def test_of_several_first_results_the_best_has_the_calmest_camera() -> None:
    alike = [planned(1, 1, 0.8) | {"camera_accel": jerk} for jerk in (0.38, 0.33, 0.35)]
    assert [one.rank for one in rank_results(alike)] == [1, 1, 1]
    assert [one.best for one in rank_results(alike)] == [False, True, False]


def test_one_of_several_first_results_is_the_best() -> None:
    ranked = rank_results([planned(2, 2, 0.8), planned(1, 1, 0.9), planned(1, 1, 0.9)])
    assert [one.rank for one in ranked] == [3, 1, 1]
    assert [one.best for one in ranked] == [False, True, False]


def test_without_noticeable_differences_the_calmer_camera_wins_and_is_on_the_front() -> None:
    jerks = (4.0, 2.0, 1.0)
    alike = [planned(1 + 0.02 * n, 0.5, 0.8 - 0.001 * n) | {"camera_accel": jerk} for n, jerk in enumerate(jerks)]
    ranked = rank_results([*alike, planned(2.0, 0.5, 0.8) | {"camera_accel": 0.5}])
    assert [one.rank for one in ranked] == [3, 2, 1, 4]
    assert [one.pareto for one in ranked] == [False, False, True, True]  # the last one trades lock for a calmer camera


def measured(lock: float | None, step: float | None) -> dict[str, float | None]:
    return {"verified_lock_rms": lock, "verified_residual_step": step}


def test_the_files_rank_if_every_result_was_verified_and_else_the_plan() -> None:
    pair = [planned(1.0, 0.1, 0.8) | measured(3.0, 0.9), planned(2.0, 0.2, 0.8) | measured(1.5, 0.1)]
    in_file = rank_results(pair)
    assert [(one.rank, one.judge) for one in in_file] == [(2, IN_FILE), (1, IN_FILE)]
    by_plan = rank_results([pair[0], planned(2.0, 0.2, 0.8)])
    assert [(one.rank, one.judge) for one in by_plan] == [(1, PLANNED), (2, PLANNED)]
    assert [one.rank for one in rank_results([pair[0] | measured(None, None), pair[1]])] == [2, 1]


def test_a_planned_zero_is_never_the_best_beside_a_path_that_was_smoothed() -> None:
    smoothed = [planned(lock, lock, 0.8) | {"camera_accel": 1.0} for lock in (0.4, 3.0)]
    unsmoothed = planned(0.0, 0.0, 0.8) | {"camera_accel": 2.0}
    ranked = rank_results([unsmoothed, *smoothed])
    assert [one.best for one in ranked] == [False, True, False]
    assert [one.rank for one in ranked] == [3, 1, 2]
    measured_best = rank_results([unsmoothed | measured(1.0, 0.2), *(one | measured(2.0, 0.5) for one in smoothed)])
    assert measured_best[0].best  # what is measured in the file may be the best without smoothing
    assert [one.rank for one in rank_results([unsmoothed, unsmoothed | {"camera_accel": 1.0}])] == [2, 1]


def test_ranking_nothing_is_no_error() -> None:
    assert rank_results([]) == []
