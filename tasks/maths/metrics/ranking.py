"""Which of several results is best when no single figure decides: mean ranks, and who is beaten by nobody."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats

JUST_NOTICEABLE: Final[Floats] = np.array([0.1, 0.1, 0.005, 0.1])
"""Nobody sees less: px of lock, px of tremble, share of the picture, px/frame² of the camera's jerk."""


def mean_ranks(costs: Floats) -> Floats:
    """Mean over the columns of each row's rank in it, 1 for the least: ``costs`` (n, k) to (n,).

    Equal costs share the mean of their ranks; NaN, what cannot be told, ranks as the greatest. Only the order in a
    column counts, so pixels and shares weigh the same (the rank sum of Borda, 1781).
    """
    known = np.where(np.isnan(costs), np.inf, costs)
    less = (known[None] < known[:, None]).sum(axis=1)
    equal = (known[None] == known[:, None]).sum(axis=1)
    ranks = less + (equal + 1) / 2
    return np.asarray(ranks.mean(axis=1), np.float64)


def noticeable_levels(costs: Floats, least: Floats) -> Floats:
    """``costs`` (n, k) as levels, 0 for the least: what lies within ``least`` (k,) of a level's best cost is no worse.

    NaN, what cannot be told, is a level of its own above all.
    """
    found = np.empty(costs.shape)
    for column, step in enumerate(least):
        level, best = -1, -np.inf
        for row in np.argsort(costs[:, column], kind="stable"):  # NaN last
            cost = costs[row, column]
            if level < 0 or np.isnan(cost) > np.isnan(best) or cost > best + step:
                level, best = level + 1, cost
            found[row, column] = level
    return found


def shared_ranks(scores: Floats, then: Floats) -> NDArray[np.int64]:
    """The place of each score, 1 for the least; of equal scores (to a millionth) that with the least of ``then``.

    Where that is equal too they share a place, and the places after it stay empty. NaN is equal to NaN.
    """
    pairs = [*zip(np.round(scores, 6).tolist(), np.where(np.isnan(then), np.inf, then).tolist(), strict=True)]
    ordered = sorted(pairs)
    return np.array([1 + bisect_left(ordered, pair) for pair in pairs], np.int64)


def pareto_front(costs: Floats) -> NDArray[np.bool_]:
    """Which rows of ``costs`` (n, k) are beaten by no other: none is as good in all columns and better in one."""
    known = np.where(np.isnan(costs), np.inf, costs)
    as_good = (known[None] <= known[:, None]).all(axis=2)  # [i, j]: j is as good as i
    better = (known[None] < known[:, None]).any(axis=2)
    return np.asarray(~(as_good & better).any(axis=1))


class RankedResult(NamedTuple):
    """How a result stands among others of the same video."""

    rank: int  # 1 is the best; who stand alike share one
    score: float  # mean rank over lock, tremble and visible area; less is better
    pareto: bool  # no other is as good in all three and in the camera's calm, and better in one
    best: bool  # the first of those of rank 1


def rank_results(results: Sequence[Mapping[str, float | None]]) -> list[RankedResult]:
    """Rank results of one video by lock, tremble and visible area together, from their metrics by name.

    The costs are ``lock_rms`` (px), the tremble, and 1 - ``visible_area_mean``. The tremble is ``residual_step``, as
    measured in the rendered files, where every result was verified, and else ``residual_accel`` of the planned path.
    Differences below ``SEEN`` are none. Of results that stand alike, the one that moves the picture less abruptly
    (``camera_accel``) is the better one: that is what smoothing buys, and no other figure shows it.
    """
    verified = all(result.get("verified_residual_step") is not None for result in results)
    tremble = "verified_residual_step" if verified else "residual_accel"
    names = ("lock_rms", tremble, "visible_area_mean", "camera_accel")
    costs = np.array([[_number(one, name) for name in names] for one in results]).reshape(-1, len(names))
    costs[:, 2] = 1 - costs[:, 2]
    levelled = noticeable_levels(costs, JUST_NOTICEABLE)
    scores = mean_ranks(levelled[:, :3])
    ranks = shared_ranks(scores, levelled[:, 3]).tolist()
    beaten_by_none = pareto_front(levelled).tolist()
    return [
        RankedResult(rank, round(float(score), 3), beaten_by_none[number], ranks.index(1) == number)
        for number, (rank, score) in enumerate(zip(ranks, scores, strict=True))
    ]


def _number(metrics: Mapping[str, float | None], name: str) -> float:
    value = metrics.get(name)
    return float("nan") if value is None else value
