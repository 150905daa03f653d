"""Torso steps from feature steps: the true motion is found, whatever else moves in the picture."""

import numpy as np
import pytest

from tasks.maths.arrays import Floats
from tasks.maths.tracking.steps import (
    FEWEST_FEATURES,
    STEP_FIELDS,
    WAIST_OF_TORSO,
    Step,
    steps_from_rows,
    steps_from_table,
    summarise_step,
)

HIP, NECK = np.array([200.0, 300.0]), np.array([205.0, 200.0])


def features(count: int, seed: int = 1) -> Floats:
    random = np.random.default_rng(seed)
    along = random.uniform(0.0, 0.95, (count, 1))
    return np.asarray(HIP + along * (NECK - HIP) + random.uniform(-20, 20, (count, 1)) * [1, 0])


def said(
    from_xy: Floats, step_xy: Floats, guess: tuple[float, float] = (0.0, 0.0), on_torso: Floats | None = None
) -> Step:
    count = len(from_xy)
    sure = np.ones(count) if on_torso is None else on_torso
    return summarise_step(from_xy, step_xy, np.full(count, 0.02), HIP, NECK, guess_xy=np.array([guess]), on_torso=sure)


def test_a_translation_gives_every_stream_the_same_step() -> None:
    at = features(40)
    step = said(at, np.tile([3.25, -1.5], (40, 1)))
    for stem in ("", "waist_", "hip_"):
        found = getattr(step, f"{stem}dx_px"), getattr(step, f"{stem}dy_px")
        assert found == pytest.approx((3.25, -1.5), abs=1e-6)
    assert step.spread_px == pytest.approx(0, abs=1e-6)
    assert step.features == 40


def test_a_lean_about_the_hips_does_not_move_the_hip() -> None:
    angle, growth = 0.03, 0.02
    turn = (1 + growth) * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    at = features(40)
    step = said(at, (at - HIP) @ turn.T - (at - HIP))
    assert (step.hip_dx_px, step.hip_dy_px) == pytest.approx((0, 0), abs=1e-6)
    assert step.rotation_rad == pytest.approx(angle, abs=1e-6)
    assert step.growth == pytest.approx(growth, abs=1e-6)
    waist = WAIST_OF_TORSO * (NECK - HIP)
    half = 0.5 * (turn @ waist - waist + [step.dx_px, step.dy_px])
    assert (step.waist_dx_px, step.waist_dy_px) == pytest.approx(tuple(half), abs=1e-6)


def test_the_waist_depends_less_on_where_the_features_lie() -> None:
    """A twisting body: hips and shoulders move in opposite directions, and the mean follows the larger group."""
    at = features(60)
    at = at[((HIP - at)[:, 1] < 45) | (np.arange(60) % 3 == 0)]
    along = (at - HIP) @ (NECK - HIP) / float((NECK - HIP) @ (NECK - HIP))
    step = said(at, [2.0, 1.0] + (along - WAIST_OF_TORSO)[:, None] * [1.5, 0.0])
    assert abs(step.dx_px - 2.0) > 0.1
    assert abs(step.waist_dx_px - 2.0) < 0.6 * abs(step.dx_px - 2.0)


def test_features_that_are_probably_off_the_torso_do_not_decide() -> None:
    at = features(40)
    arm = np.arange(40) < 24
    moved: Floats = np.where(arm[:, None], [6.0, 2.0], [2.0, 1.0])
    step = said(at, moved, (4.0, 1.5), on_torso=np.where(arm, 0.1, 1.0))
    assert (step.dx_px, step.waist_dx_px) == pytest.approx((2.0, 2.0), abs=0.05)
    assert said(at, moved, (4.0, 1.5)).dx_px > 4


def test_an_arm_and_the_wall_beside_it_are_outvoted() -> None:
    at = features(40)
    steps = np.tile([2.0, 1.0], (40, 1)) + np.random.default_rng(2).normal(0, 0.1, (40, 2))
    wall = np.array([[240.0, 200 + 10 * k] for k in range(12)])
    every, moved = np.concatenate([at, wall]), np.concatenate([steps, np.full((12, 2), -4.0)])
    moved[:6] += [8.0, 2.0]
    step = said(every, moved, guess=(1.0, 2.0))
    assert (step.dx_px, step.dy_px) == pytest.approx((2.0, 1.0), abs=0.08)
    assert step.inlier_share < 0.95


def test_too_few_features_give_no_step() -> None:
    step = said(features(FEWEST_FEATURES - 1), np.zeros((FEWEST_FEATURES - 1, 2)))
    assert np.isnan(step.dx_px)
    assert step.features == FEWEST_FEATURES - 1


def test_rows_become_columns_and_come_back_from_a_table() -> None:
    steps = steps_from_rows([Step(), Step(dx_px=1.5, features=9, carried_frames=2)])
    assert tuple(steps.columns) == STEP_FIELDS
    assert steps.columns["features"].dtype == np.int32
    again = steps_from_table(dict(steps.columns) | {"frame": np.arange(2)})
    np.testing.assert_array_equal(again.xy()[:, 0], [np.nan, 1.5])
    assert len(again) == 2
    assert len(steps_from_rows([])) == 0
