"""Rank results that no single metric can order: mean ranks and Pareto front."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Flags, Floats

PLANNED: Final = "planned"  # by the path, against the measurements that it follows
IN_FILE: Final = "measured in the file"  # by a second pose run and the torso's features
# The metrics of lock and tremble, by the judge that they come from.
JUDGED_METRICS: Final = {
    PLANNED: ("lock_rms", "residual_accel"),
    IN_FILE: ("verified_lock_rms", "verified_residual_step"),
}
# px: a path that is the measured anchor itself has a planned lock of 0, whatever the picture looks like
SAYS_NOTHING_PX: Final = 0.005
# smaller differences do not count: px of lock, px of tremble, share of the picture, px/frame² of camera acceleration
JUST_NOTICEABLE: Final[Floats] = np.array([0.1, 0.1, 0.005, 0.1])


def mean_ranks(costs: Floats) -> Floats:
    """Mean over the columns of each row's rank, 1 for the smallest: ``costs`` (n, k) to (n,).

    Equal costs share the mean of their ranks. NaN ranks as the largest. Only the order within a column counts, so
    pixels and shares weigh the same (the rank sum of Borda, 1781).
    """
    known = np.where(np.isnan(costs), np.inf, costs)
    less = (known[None] < known[:, None]).sum(axis=1)
    equal = (known[None] == known[:, None]).sum(axis=1)
    ranks = less + (equal + 1) / 2
    return np.asarray(ranks.mean(axis=1), np.float64)


def noticeable_levels(costs: Floats, least: Floats) -> Floats:
    """``costs`` (n, k) as levels, 0 for the smallest: costs within ``least`` (k,) of the best cost of a level share it.

    NaN is a level of its own, above all others.
    """
    found = np.empty(costs.shape)
    for column, step in enumerate(least):
        level, best = -1, -np.inf
        for row in np.argsort(costs[:, column], kind="stable"):  # NaN comes last
            cost = costs[row, column]
            if level < 0 or np.isnan(cost) > np.isnan(best) or cost > best + step:
                level, best = level + 1, cost
            found[row, column] = level
    return found


def shared_ranks(scores: Floats, then: Floats) -> NDArray[np.int64]:
    """Rank of each score, 1 for the smallest; equal scores (to a millionth) are ordered by ``then``.

    If that is equal too they share a rank, and the ranks after it stay empty. NaN equals NaN.
    """
    pairs = [*zip(np.round(scores, 6).tolist(), np.where(np.isnan(then), np.inf, then).tolist(), strict=True)]
    ordered = sorted(pairs)
    return np.array([1 + bisect_left(ordered, pair) for pair in pairs], np.int64)


def pareto_front(costs: Floats) -> Flags:
    """Rows of ``costs`` (n, k) that no other row dominates: as good in every column and better in one."""
    known = np.where(np.isnan(costs), np.inf, costs)
    as_good = np.all(known[None] <= known[:, None], axis=2)  # [i, j]: j is as good as i
    better = np.any(known[None] < known[:, None], axis=2)
    return np.asarray(~np.any(as_good & better, axis=1))


class RankedResult(NamedTuple):
    """Rank of a result among the results of the same video."""

    rank: int  # 1 is the best; equal results share a rank
    score: float  # mean rank over lock, tremble and visible area; smaller is better
    pareto: bool  # no other result is as good in all three and in camera acceleration, and better in one
    best: bool  # of the results of rank 1 the one with the calmest camera, however little calmer
    judge: str  # PLANNED or IN_FILE: where lock and tremble come from


def judge_of(results: Sequence[Mapping[str, float | None]]) -> str:
    """Who can judge all results: the rendered files if each one was verified, else the plan."""
    lock, _ = JUDGED_METRICS[IN_FILE]
    return IN_FILE if results and all(lock in result for result in results) else PLANNED


def rank_results(results: Sequence[Mapping[str, float | None]]) -> list[RankedResult]:
    """Rank the results of one video by lock, tremble and visible area, from their metrics by name.

    The costs are lock and tremble by ``judge_of`` the results, and 1 - ``visible_area_mean``. A planned lock below
    ``SAYS_NOTHING_PX`` is that of a path without smoothing: it is compared with itself, and counts as unknown, like
    its tremble. Differences below ``JUST_NOTICEABLE`` do not count. Equal results are ordered by camera acceleration
    (``camera_accel``): smoothing lowers it, and no other metric shows that.
    """
    judge = judge_of(results)
    names = (*JUDGED_METRICS[judge], "visible_area_mean", "camera_accel")
    costs = np.array([[_number(one, name) for name in names] for one in results]).reshape(-1, len(names))
    if judge == PLANNED:
        costs[costs[:, 0] < SAYS_NOTHING_PX, :2] = np.nan
    costs[:, 2] = 1 - costs[:, 2]
    levelled = noticeable_levels(costs, JUST_NOTICEABLE)
    scores = mean_ranks(levelled[:, :3])
    ranks = shared_ranks(scores, levelled[:, 3]).tolist()
    beaten_by_none = pareto_front(levelled).tolist()
    jerks = np.where(np.isnan(costs[:, 3]), np.inf, costs[:, 3]).tolist()
    best = min((number for number, rank in enumerate(ranks) if rank == 1), key=jerks.__getitem__, default=None)
    return [
        RankedResult(rank, round(float(score), 3), beaten_by_none[number], number == best, judge)
        for number, (rank, score) in enumerate(zip(ranks, scores, strict=True))
    ]


def _number(metrics: Mapping[str, float | None], name: str) -> float:
    value = metrics.get(name)
    return float("nan") if value is None else value
