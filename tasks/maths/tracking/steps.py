"""The torso's motion from one frame to the next, as raw measurements: all that is known once the picture is gone.

Row ``i`` tells what happened between frames ``i - 1`` and ``i``; row 0 is therefore always empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats

FEWEST_FEATURES: Final = 6  # features, below which nothing is said
LEAST_FEATURE_WEIGHT: Final = 0.05  # of the trust in the best one
WAIST_OF_TORSO: Final = (
    0.4  # of the way from the hips to the neck: hips and shoulders twist against each other about it
)
WAIST_BLEND: Final = 0.5  # in where the similarity says the waist goes: its turn is noisier than the mean
AXIS_WIDTH_TORSOS: Final = 0.22  # of the torso's length: standard deviation of the trust about its axis
GUESS_ERROR_TORSOS: Final = 0.02  # of the torso's length: by how much a pose's step is off
LEAST_GUESS_ERROR_PX: Final = 1.0
REWEIGHT_ROUNDS: Final = 4  # of reweighting: further ones move the step by less than 0.01 px
BIWEIGHT_REACH_MEDIANS: Final = 4.0  # biweight's reach in median distances
FINEST_FEATURE_PX: Final = 0.1  # a feature is not measured better than this


@dataclass(frozen=True)
class Step:
    """One frame's torso motion since the frame before, in source pixels; NaN where it could not be measured."""

    dx_px: float = np.nan  # robust mean step of all the torso's features
    dy_px: float = np.nan
    hip_dx_px: float = np.nan  # the similarity fitted to all, evaluated at the hip centre
    hip_dy_px: float = np.nan
    waist_dx_px: float = np.nan  # the mean, half way to that similarity at the waist
    waist_dy_px: float = np.nan
    rotation_rad: float = np.nan  # of that similarity, clockwise on the screen
    growth: float = np.nan  # of that similarity: relative change of size
    spread_px: float = np.nan  # median distance of the features' steps from their mean
    misfit_px: float = np.nan  # median distance of the features' steps from the similarity
    error_px: float = np.nan  # median forward-backward error
    inlier_share: float = np.nan  # of the features that moved with the similarity
    features: int = 0  # that were followed forward and backward
    carried_frames: int = 0  # since a pose last said where the torso is


STEP_FIELDS: Final = tuple(field.name for field in fields(Step))
STEP_COUNT_FIELDS: Final = frozenset({"features", "carried_frames"})


@dataclass(frozen=True)
class Steps:
    """A clip's steps: one array of shape (frames,) for each field of ``Step``."""

    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["dx_px"])

    def __getitem__(self, name: str) -> Floats:
        """One field as float64; ``KeyError`` for a name that is no field of ``Step``."""
        return np.asarray(self.columns[name], dtype=np.float64)

    def xy(self, stem: str = "") -> Floats:
        """(n, 2) steps of a stem: ``""`` (the mean of all features), ``"waist_"`` or ``"hip_"``."""
        return np.stack([self[f"{stem}dx_px"], self[f"{stem}dy_px"]], axis=1)


def steps_from_rows(rows: Iterable[Step]) -> Steps:
    """The rows of a clip, in order, as arrays: float64, counts int32."""
    table = list(zip(*(astuple(row) for row in rows), strict=True)) or [()] * len(STEP_FIELDS)
    kinds = [np.int32 if name in STEP_COUNT_FIELDS else np.float64 for name in STEP_FIELDS]
    return Steps({n: np.asarray(v, k) for n, v, k in zip(STEP_FIELDS, table, kinds, strict=True)})


def steps_from_table(table: Mapping[str, NDArray[Any]]) -> Steps:
    """Steps out of the columns of a table that holds at least the fields of ``Step``; ``KeyError`` otherwise."""
    return Steps({name: table[name] for name in STEP_FIELDS})


def summarise_step(
    from_xy: Floats,
    step_xy: Floats,
    error_px: Floats,
    hip_xy: Floats,
    neck_xy: Floats,
    *,
    guess_xy: Floats,
    belief: Floats,
) -> Step:
    """What the steps (k, 2) of features at ``from_xy`` (k, 2) say about a torso between ``hip_xy`` and ``neck_xy``.

    ``belief`` (k,) is how likely each lies on the torso. Those on the torso's axis count most, those at its rim may lie
    on the background; and so do those that move about as one of the guesses (g, 2) says: as the pose did, or as the
    torso did in the frame before.
    """
    if len(from_xy) < FEWEST_FEATURES:
        return Step(features=len(from_xy))
    axis = neck_xy - hip_xy
    square = float(axis @ axis)
    at = from_xy - hip_xy
    aside = (at[:, 0] * axis[1] - at[:, 1] * axis[0]) / square
    trust = belief * (np.exp(-0.5 * (aside / AXIS_WIDTH_TORSOS) ** 2) + 0.02)
    surprise = np.hypot(*(step_xy[:, None] - guess_xy).T).min(axis=0)
    trust /= 1 + np.square(surprise / max(GUESS_ERROR_TORSOS * square**0.5, LEAST_GUESS_ERROR_PX))
    trust /= trust.max()
    if np.count_nonzero(trust > LEAST_FEATURE_WEIGHT) < FEWEST_FEATURES:
        return Step(features=len(from_xy))
    mean = robust_mean(step_xy, trust)
    (tx, ty, a, b), kept = fit_similarity(step_xy, at, trust)
    turn = np.array([[a, b], [-b, a]])
    bent = np.array([tx, ty]) + at @ turn
    waist = mean + WAIST_BLEND * (np.array([tx, ty]) + WAIST_OF_TORSO * axis @ turn - mean)
    return Step(
        dx_px=mean[0],
        dy_px=mean[1],
        hip_dx_px=float(tx),
        hip_dy_px=float(ty),
        waist_dx_px=float(waist[0]),
        waist_dy_px=float(waist[1]),
        rotation_rad=float(np.arctan2(b, 1 + a)),
        growth=float(np.hypot(1 + a, b) - 1),
        spread_px=float(np.median(np.hypot(*(step_xy - mean).T))),
        misfit_px=float(np.median(np.hypot(*(step_xy - bent).T))),
        error_px=float(np.median(error_px)),
        inlier_share=float((kept * trust).sum() / trust.sum()),
        features=len(from_xy),
    )


def robust_mean(step_xy: Floats, trust: Floats) -> Floats:
    """Tukey's biweight mean of the steps (k, 2)."""
    mean = weighted_median_xy(step_xy, trust)
    for _ in range(REWEIGHT_ROUNDS):
        weight = trust * biweights(np.hypot(*(step_xy - mean).T), trust)
        mean = weight @ step_xy / weight.sum()
    return mean


def fit_similarity(step_xy: Floats, at_xy: Floats, trust: Floats) -> tuple[Floats, Floats]:
    """(tx, ty, a, b) with step = (tx, ty) + [[a, -b], [b, a]] at, by reweighted least squares; and the weights left."""
    x, y = at_xy.T
    one, nil = np.ones_like(x), np.zeros_like(x)
    rows = np.stack([np.stack([one, nil, x, -y], 1), np.stack([nil, one, y, x], 1)])  # (2, k, 4)
    misfit = step_xy - weighted_median_xy(step_xy, trust)
    fit = np.zeros(4)
    weight = trust
    for _ in range(REWEIGHT_ROUNDS):
        weight = trust * biweights(np.hypot(*misfit.T), trust)
        normal = np.einsum("akp,k,akq->pq", rows, weight, rows)
        right = np.einsum("akp,k,ka->p", rows, weight, step_xy)
        fit = np.linalg.lstsq(normal, right, rcond=1e-9)[0]
        misfit = step_xy - np.einsum("akp,p->ka", rows, fit)
    return fit, weight / trust


def weighted_median(values: Floats, weight: Floats) -> float:
    """Median of ``values`` (k,) under ``weight`` (k,)."""
    order = np.argsort(values, kind="stable")
    share = np.cumsum(weight[order])
    return float(values[order[np.searchsorted(share, 0.5 * share[-1])]])


def weighted_median_xy(values: Floats, weight: Floats) -> Floats:
    """Median of each column of ``values`` (k, 2) under ``weight`` (k,)."""
    return np.array([weighted_median(column, weight) for column in values.T])


def biweights(misfit_px: Floats, trust: Floats) -> Floats:
    """Tukey's weights (k,) for distances (k,), scaled by their own weighted median; at least ``FINEST_PX``."""
    scale = max(weighted_median(misfit_px, trust), FINEST_FEATURE_PX)
    return np.asarray(
        np.square(np.clip(1.0 - np.square(misfit_px / (BIWEIGHT_REACH_MEDIANS * scale)), 0.0, None)) + 1e-6
    )
