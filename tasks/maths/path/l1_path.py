"""The L1-optimal camera path: constant, linear and parabolic segments within a distance of the raw path."""

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from tasks.maths.arrays import Floats

if TYPE_CHECKING:
    from scipy import sparse

# weight of the distance to the raw path, beside weights of 1 to 100: it only decides among equals
PATH_PULL_WEIGHT: Final = 1e-3
PIECE_FRAMES: Final = 1800  # that are solved at once: a minute at 30 a second
FADE_FRAMES: Final = 300  # over which one piece fades into the next
WEIGHT_INTERVAL_S: Final = 1 / 30  # frame interval for which the weights of steps and of their changes are stated


def l1_path(
    path: Floats, time_s: Floats, *, budget_px: float, weights: tuple[float, float, float] = (10.0, 1.0, 100.0)
) -> Floats:
    """Path (n, k) of constant, linear and parabolic segments, within ``budget_px`` of ``path`` on each axis.

    Minimises the weighted sum of the absolute changes of position, velocity and acceleration. Source: Grundmann, Kwatra
    and Essa, "Auto-directed video stabilization with robust L1 optimal camera paths", 2011; the default weights are
    theirs, for ``WEIGHT_INTERVAL_S``. Differences are taken over ``time_s`` (n,), increasing, so the path depends
    neither on the frame rate nor on uneven frames.

    Many paths have the same cost, such as any constant within the budget of a constant: a small pull towards ``path``
    chooses among them. Each column is a linear programme, solved by HiGHS in about a second for ``PIECE_FRAMES``. A
    longer path is solved in pieces of that length, with cross-fades of at least ``FADE_FRAMES``: this keeps the budget,
    and the time grows linearly with the length.
    """
    if budget_px < 0:
        raise ValueError(f"a budget of {budget_px:g} px is negative")
    if budget_px == 0 or len(path) < 4:
        return path.copy()
    gap = np.diff(time_s) / WEIGHT_INTERVAL_S
    total, weight = np.zeros_like(path), np.zeros((len(path), 1))
    for start in _piece_starts(len(path)):
        piece = slice(start, min(start + PIECE_FRAMES, len(path)))
        steps = gap[piece.start : piece.stop - 1]
        columns = [_solve_column(column, steps, budget_px, weights) for column in path[piece].T]
        fade = _fade_weights(piece, len(path))
        total[piece] += fade * np.stack(columns, axis=1)
        weight[piece] += fade
    return total / weight


def _piece_starts(count: int) -> list[int]:
    """First frames of the pieces, symmetric in time: a reversed path gives the reversed result."""
    if count <= PIECE_FRAMES:
        return [0]
    pairs = math.ceil((count - FADE_FRAMES) / (PIECE_FRAMES - FADE_FRAMES) / 2)
    rest = count - PIECE_FRAMES
    left = [k * rest // (2 * pairs - 1) for k in range(pairs)]
    return left + [rest - start for start in reversed(left)]


def _fade_weights(piece: slice, count: int) -> Floats:
    """Weights (m, 1) of a piece's frames: 1, falling towards an end where another piece follows."""
    frame = np.arange(piece.start, piece.stop)
    rise = np.ones(len(frame)) if piece.start == 0 else (frame - piece.start + 1) / FADE_FRAMES
    fall = np.ones(len(frame)) if piece.stop == count else (piece.stop - frame) / FADE_FRAMES
    return np.asarray(np.minimum(np.minimum(rise, fall), 1.0)[:, None])


def _solve_column(raw: Floats, gap: Floats, budget_px: float, weights: tuple[float, float, float]) -> Floats:
    """One column by linear programming.

    Unknowns, each split into its positive and negative part: the departures from the path, then the changes of each
    order. Velocities and accelerations are unknowns of their own, tied by short equations to the order below. This
    gives the same optimum as long differences of the positions, in a third of the time.
    """
    from scipy import sparse  # loaded here: slow to load, and few runs need it
    from scipy.optimize import linprog

    count = len(raw)
    middle = (gap[1:] + gap[:-1]) / 2
    ties = [_difference(count)]  # positions to steps, steps to changes of velocity, these to changes of acceleration
    ties.append(_difference(count - 1) @ sparse.diags(1 / gap))
    ties.append(_difference(count - 2) @ sparse.diags(1 / middle))
    rows: list[list[object]] = [[None] * 8 for _ in ties]
    for order, tie in enumerate(ties):
        one = sparse.identity(tie.shape[0])
        rows[order][2 * order : 2 * order + 4] = [tie, -tie, -one, one]
    weight = np.convolve(gap, [0.5, 0.5])  # the time that a frame represents
    costs = [PATH_PULL_WEIGHT * weight, *(np.full(count - 1 - order, cost) for order, cost in enumerate(weights))]
    known = np.zeros(3 * count - 6)
    known[: count - 1] = -np.diff(raw)
    bounds = [(0.0, budget_px)] * (2 * count) + [(0.0, None)] * (2 * (3 * count - 6))
    cost = np.concatenate([half for part in costs for half in (part, part)])
    solved = linprog(cost, A_eq=sparse.bmat(rows).tocsc(), b_eq=known, bounds=bounds, method="highs-ipm")
    if solved.x is None:
        raise ArithmeticError(f"the l1 path of {count} frames was not found: {solved.message}")
    departure: Floats = solved.x[:count] - solved.x[count : 2 * count]
    return raw + np.clip(departure, -budget_px, budget_px)


def _difference(count: int) -> "sparse.spmatrix":
    """Matrix (count - 1, count) of first differences."""
    from scipy import sparse

    return sparse.diags([-np.ones(count - 1), np.ones(count - 1)], [0, 1], shape=(count - 1, count))
