"""Torso steps: the motion of the torso from one frame to the next, as raw measurements.

Row ``i`` is the motion from frame ``i - 1`` to frame ``i``, so row 0 is always empty.
"""

from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass, fields, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats

# Where a line names no source, none is known.
FEWEST_FEATURES: Final = 6  # with fewer features nothing is measured
LEAST_FEATURE_WEIGHT: Final = 0.05  # of the largest weight: below it a feature does not count
# of the way from the hips to the neck: hips and shoulders twist against each other about it
WAIST_OF_TORSO: Final = 0.4
WAIST_BLEND: Final = 0.5  # weight of the similarity at the waist: its rotation is noisier than the mean
AXIS_WIDTH_TORSOS: Final = 0.22  # standard deviation of the weight across the torso's axis
GUESS_ERROR_TORSOS: Final = 0.02  # error of a step between two poses
LEAST_GUESS_ERROR_PX: Final = 1.0  # and at least this much
REWEIGHT_ROUNDS: Final = 4  # further rounds move the step by less than 0.01 px
# Reach of the biweight, in median distances. Of normal errors in x and y the median distance is 1.18 standard
# deviations: 4.7 of those, about the 4.685 that are usual in one dimension (95 % efficiency).
BIWEIGHT_REACH_MEDIANS: Final = 4.0
FINEST_FEATURE_PX: Final = 0.1  # a feature is not measured better than this


@dataclass(frozen=True)
class Step:
    """Motion of the torso since the frame before, in source pixels; NaN where it was not measured.

    Where these are not square, distances without a direction are in rows.
    """

    dx_px: float = np.nan  # robust mean step of all features of the torso
    dy_px: float = np.nan
    hip_dx_px: float = np.nan  # the similarity fitted to all features, at the mid-hip point
    hip_dy_px: float = np.nan
    waist_dx_px: float = np.nan  # half way from the mean to the similarity at the waist
    waist_dy_px: float = np.nan
    rotation_rad: float = np.nan  # of the similarity, clockwise on the screen
    growth: float = np.nan  # of the similarity: relative change of size
    spread_px: float = np.nan  # median distance of the features' steps from their mean
    misfit_px: float = np.nan  # median distance of the features' steps from the similarity
    error_px: float = np.nan  # median forward-backward error
    inlier_share: float = np.nan  # share of the features that moved with the similarity
    features: int = 0  # tracked forward and backward
    carried_frames: int = 0  # frames since the last pose

    def scaled_across(self, factor: float) -> "Step":
        """The same step in pixels of which ``factor`` lie in one of these, across the picture."""
        return replace(self, **{name: getattr(self, name) * factor for name in ACROSS_FIELDS})


STEP_FIELDS: Final = tuple(field.name for field in fields(Step))
STEP_COUNT_FIELDS: Final = frozenset({"features", "carried_frames"})
ACROSS_FIELDS: Final = ("dx_px", "hip_dx_px", "waist_dx_px")


@dataclass(frozen=True)
class Steps:
    """The steps of a clip: one array (frames,) for each field of ``Step``."""

    columns: Mapping[str, NDArray[Any]]

    def __len__(self) -> int:
        return len(self.columns["dx_px"])

    def __getitem__(self, name: str) -> Floats:
        """One field as float64; ``KeyError`` for a name that is not a field of ``Step``."""
        return np.asarray(self.columns[name], dtype=np.float64)

    def part(self, frames: slice) -> "Steps":
        """The steps of some consecutive frames."""
        return Steps({name: column[frames] for name, column in self.columns.items()})

    def scaled_across(self, factor: float) -> "Steps":
        """The same steps in pixels of which ``factor`` lie in one of these, across the picture."""
        return Steps({**self.columns, **{name: self[name] * factor for name in ACROSS_FIELDS}})

    def xy(self, stem: str = "") -> Floats:
        """Steps (n, 2) of one stream: ``""`` (mean of all features), ``"waist_"`` or ``"hip_"``."""
        return np.stack([self[f"{stem}dx_px"], self[f"{stem}dy_px"]], axis=1)


def steps_from_rows(rows: Iterable[Step]) -> Steps:
    """The steps of a clip, in order, as arrays: float64, counts int32."""
    table = list(zip(*(astuple(row) for row in rows), strict=True)) or [()] * len(STEP_FIELDS)
    kinds = [np.int32 if name in STEP_COUNT_FIELDS else np.float64 for name in STEP_FIELDS]
    return Steps({n: np.asarray(v, k) for n, v, k in zip(STEP_FIELDS, table, kinds, strict=True)})


def steps_from_table(table: Mapping[str, NDArray[Any]]) -> Steps:
    """Steps from the columns of a table that has at least the fields of ``Step``; ``KeyError`` otherwise."""
    return Steps({name: table[name] for name in STEP_FIELDS})


def summarise_step(
    from_xy: Floats,
    step_xy: Floats,
    error_px: Floats,
    hip_xy: Floats,
    neck_xy: Floats,
    *,
    guess_xy: Floats,
    on_torso: Floats,
) -> Step:
    """The torso step, from the steps (k, 2) of features at ``from_xy`` (k, 2), of a torso from hips to neck.

    ``on_torso`` (k,) is the probability that a feature lies on the torso. Features near the torso's axis weigh most,
    since those at its rim may lie on the background. So do features that move like one of the guesses (g, 2): the step
    of the pose, or the torso's step in the frame before.
    """
    if len(from_xy) < FEWEST_FEATURES:
        return Step(features=len(from_xy))
    axis = neck_xy - hip_xy
    torso_sq = float(axis @ axis)
    at = from_xy - hip_xy
    across = (at[:, 0] * axis[1] - at[:, 1] * axis[0]) / torso_sq
    weight = on_torso * (np.exp(-0.5 * (across / AXIS_WIDTH_TORSOS) ** 2) + 0.02)
    distance = np.hypot(*(step_xy[:, None] - guess_xy).T).min(axis=0)
    weight /= 1 + np.square(distance / max(GUESS_ERROR_TORSOS * torso_sq**0.5, LEAST_GUESS_ERROR_PX))
    weight /= weight.max()
    if np.count_nonzero(weight > LEAST_FEATURE_WEIGHT) < FEWEST_FEATURES:
        return Step(features=len(from_xy))
    mean = robust_mean(step_xy, weight)
    (tx, ty, a, b), kept = fit_similarity(step_xy, at, weight)
    turn = np.array([[a, b], [-b, a]])
    fitted = np.array([tx, ty]) + at @ turn
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
        misfit_px=float(np.median(np.hypot(*(step_xy - fitted).T))),
        error_px=float(np.median(error_px)),
        inlier_share=float((kept * weight).sum() / weight.sum()),
        features=len(from_xy),
    )


def robust_mean(step_xy: Floats, weight: Floats) -> Floats:
    """Tukey's biweight mean of the steps (k, 2)."""
    mean = weighted_median_xy(step_xy, weight)
    for _ in range(REWEIGHT_ROUNDS):
        robust_weight = weight * biweights(np.hypot(*(step_xy - mean).T), weight)
        mean = robust_weight @ step_xy / robust_weight.sum()
    return mean


def fit_similarity(step_xy: Floats, at_xy: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """(tx, ty, a, b) with step = (tx, ty) + [[a, -b], [b, a]] at, by reweighted least squares; and the weights left."""
    x, y = at_xy.T
    one, nil = np.ones_like(x), np.zeros_like(x)
    rows = np.stack([np.stack([one, nil, x, -y], 1), np.stack([nil, one, y, x], 1)])  # (2, k, 4)
    misfit = step_xy - weighted_median_xy(step_xy, weight)
    fit = np.zeros(4)
    robust_weight = weight
    for _ in range(REWEIGHT_ROUNDS):
        robust_weight = weight * biweights(np.hypot(*misfit.T), weight)
        normal = np.einsum("akp,k,akq->pq", rows, robust_weight, rows)
        right = np.einsum("akp,k,ka->p", rows, robust_weight, step_xy)
        fit = np.linalg.lstsq(normal, right, rcond=1e-9)[0]
        misfit = step_xy - np.einsum("akp,p->ka", rows, fit)
    return fit, robust_weight / weight


def weighted_median(values: Floats, weight: Floats) -> float:
    """Median of ``values`` (k,) with ``weight`` (k,)."""
    order = values.argsort(kind="stable")  # 12 times a step: methods are called faster than functions
    share = weight[order].cumsum()
    return float(values[order[share.searchsorted(0.5 * share[-1])]])


def weighted_median_xy(values: Floats, weight: Floats) -> Floats:
    """Median of each column of ``values`` (k, 2) with ``weight`` (k,)."""
    return np.array([weighted_median(column, weight) for column in values.T])


def biweights(misfit_px: Floats, weight: Floats) -> Floats:
    """Tukey's biweights (k,) of distances (k,), scaled by their weighted median or at least ``FINEST_FEATURE_PX``."""
    scale = max(weighted_median(misfit_px, weight), FINEST_FEATURE_PX)
    within = np.maximum(1.0 - np.square(misfit_px / (BIWEIGHT_REACH_MEDIANS * scale)), 0.0)
    return np.asarray(np.square(within) + 1e-6)
