"""Rejected poses and steps, one rule at a time."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.maths.anchor.outliers import (
    LEAST_POSE_WEIGHT,
    STEP_ERROR_LIMIT_TORSOS,
    UNCERTAIN_AROUND_LOSS_S,
    chain_cuts,
    outliers_between_gaps,
    passing_runs,
    pose_outliers,
    pose_weight,
    poses_across_missing_steps,
    step_spikes,
    steps_after_loss,
    steps_at_rest,
    steps_confirmed_by_pose,
    uncertain_steps,
)
from tasks.maths.tracking.steps import Step, steps_from_rows

TIME_S = np.arange(90) / 30
SIZE = np.full(90, 100.0)


def test_a_pose_weighs_less_the_closer_it_is_to_a_loss() -> None:
    known = np.ones(90, dtype=bool)
    known[40:55] = False
    sure = pose_weight(TIME_S, known)
    assert sure[39] == sure[55] == LEAST_POSE_WEIGHT
    assert (np.diff(sure[55:67]) >= 0).all() and (np.diff(sure[28:40]) <= 0).all()
    assert (sure[TIME_S[39] - UNCERTAIN_AROUND_LOSS_S > TIME_S] == 1).all() and (
        sure[TIME_S[55] + UNCERTAIN_AROUND_LOSS_S < TIME_S] == 1
    ).all()


def test_poses_on_every_fifth_frame_and_a_single_missing_one_are_no_loss() -> None:
    known = np.arange(90) % 5 == 0
    known[30] = False
    assert (pose_weight(TIME_S, known) == 1).all()
    assert (pose_weight(TIME_S, np.zeros(90, dtype=bool)) == 1).all()


def test_a_pose_among_poses_of_a_passer_by_is_rejected() -> None:
    gap = np.zeros((90, 2))
    gap[40:49, 0] = np.linspace(60, -60, 9)  # the fifth one is where the subject is
    far, _ = pose_outliers(TIME_S, gap, SIZE, 0.25)
    assert np.flatnonzero(far).tolist() == list(range(40, 49))


def test_a_drift_at_the_end_is_no_outlier_and_a_jump_there_is_one() -> None:
    still = np.zeros((90, 2))
    drift, jump = still.copy(), still.copy()
    drift[60:, 0] = 5.0 * np.arange(30)
    jump[80:, 0] = 90.0
    whole = np.ones(90, np.bool_)
    assert pose_outliers(TIME_S, drift, SIZE, 0.25)[0].any(), "the median alone takes the drift for outliers"
    assert not outliers_between_gaps(TIME_S, drift, whole, SIZE, 0.25, 1.0)[0].any()
    assert np.flatnonzero(outliers_between_gaps(TIME_S, jump, whole, SIZE, 0.25, 1.0)[0]).tolist() == [*range(80, 90)]
    assert outliers_between_gaps(TIME_S, drift, ~whole, SIZE, 0.25, 1.0)[0].any(), "of a half hidden torso"


def test_poses_after_a_long_gap_are_compared_with_each_other_only() -> None:
    """Sixty poses, nothing for a second and a half, and ten poses elsewhere: those were outvoted."""
    time_s = np.concatenate([np.arange(60), np.arange(105, 115)]) / 30
    there = np.zeros((70, 2))
    there[60:] = 300.0
    size, whole = np.full(70, 100.0), np.ones(70, np.bool_)
    assert pose_outliers(time_s, there, size, 0.25)[0][60:].all()
    assert not outliers_between_gaps(time_s, there, whole, size, 0.25, 1.0)[0].any()
    there[65] += 80.0
    assert np.flatnonzero(outliers_between_gaps(time_s, there, whole, size, 0.25, 1.0)[0]).tolist() == [65]


def test_poses_that_move_away_where_steps_are_missing_are_followed_until_they_end() -> None:
    gap = np.zeros((90, 2))
    gap[30:41, 1] = 8.0 * np.arange(11)  # a leap
    known, moved = gap[:, 1] == 0, np.ones(90, dtype=bool)
    known[41:50] = False
    gap[41:50] = np.nan
    moved[31] = False
    assert np.flatnonzero(poses_across_missing_steps(TIME_S, gap, known, moved, SIZE, 0.25)).tolist() == list(
        range(31, 41)
    )
    assert not poses_across_missing_steps(
        TIME_S, gap, known, np.ones_like(moved), SIZE, 0.25
    ).any()  # the steps show no leap
    gap[41:50] = 0
    assert not poses_across_missing_steps(
        TIME_S, gap, known, moved, SIZE, 0.25
    ).any()  # the pose followed a passer-by, and jumps back
    gap[34:50] = np.nan
    assert not poses_across_missing_steps(TIME_S, gap, known, moved, SIZE, 0.25).any()  # too short to tell


@pytest.mark.parametrize(("moved_torsos", "cuts"), [(0.0, []), (0.08, []), (0.15, [56])])
def test_a_long_gap_of_steps_cuts_the_chain_where_the_body_went_elsewhere(moved_torsos: float, cuts: list[int]) -> None:
    moved, known, discrepancy = np.ones(90, dtype=bool), np.ones(90, dtype=bool), np.zeros((90, 2))
    moved[20:23] = False
    moved[50:62] = False
    discrepancy[50:, 0] = moved_torsos * SIZE[0] * np.clip(np.arange(40) / 12, 0, 1)
    parted = chain_cuts(TIME_S, discrepancy, known, moved, SIZE, limit=0.25, longest_s=1.0)
    assert np.flatnonzero(parted).tolist() == cuts


@pytest.mark.parametrize("hidden", [slice(50, 62), slice(61, 80)])
def test_a_long_gap_of_steps_without_poses_in_it_or_after_it_cuts_the_chain(hidden: slice) -> None:
    moved, known = np.ones(90, dtype=bool), np.ones(90, dtype=bool)
    moved[50:62] = False
    known[hidden] = False
    parted = chain_cuts(TIME_S, np.zeros((90, 2)), known, moved, SIZE, limit=0.25, longest_s=2.0)
    assert np.flatnonzero(parted).tolist() == [56]


def test_uncertainty_spreads_to_neighbouring_steps_that_are_hardly_better() -> None:
    error = np.full(90, 0.2)
    error[[10, 30, 31, 50]] = (
        0.9 * STEP_ERROR_LIMIT_TORSOS * 100
    )  # good enough alone, beside a bad one, and beside a missing one
    error[32], error[51] = 1.1 * STEP_ERROR_LIMIT_TORSOS * 100, np.nan
    assert np.flatnonzero(uncertain_steps(error, np.isnan(error), SIZE)).tolist() == [30, 31, 32, 50, 51]


def test_an_uncertain_step_is_kept_where_the_pose_confirms_it() -> None:
    leap, guess = np.zeros((90, 2)), np.zeros((90, 2))
    leap[40:44, 1] = 20
    off = np.full((90, 2), 3.0)
    poses = np.cumsum(leap, axis=0)
    error = np.ones(90)
    assert np.flatnonzero(steps_confirmed_by_pose(leap + off, guess, poses, error, SIZE)).tolist() == [40, 41, 42, 43]
    assert not steps_confirmed_by_pose(leap, guess, np.zeros((90, 2)), error, SIZE).any()  # the pose stood still
    assert not steps_confirmed_by_pose(leap, guess, poses, 25 * error, SIZE).any()  # the guess is as good
    assert not steps_confirmed_by_pose(0.1 * leap, guess, 0.1 * poses, error, SIZE).any()  # and here too


def test_steps_after_a_lost_torso_are_rejected_until_the_next_pose() -> None:
    good = Step(dx_px=1.0, dy_px=0.0, features=40)
    rows = [good] * 4 + [replace(good, carried_frames=k) for k in range(1, 4)] + [Step(carried_frames=4)]
    rows += [replace(good, carried_frames=k) for k in (5, 6)] + [good]
    assert steps_after_loss(steps_from_rows(rows)).tolist() == [False] * 8 + [True] * 2 + [False]


def test_the_poses_in_between_tell_a_hop_from_a_passer_by() -> None:
    step = np.zeros((90, 2))
    step[40:48, 1] = [-10, -8, -5, -2, 1, 4, 7, 8]  # up, and almost down again
    gap = np.zeros((90, 2))
    gap[:40, 1] = -4  # a pose error before the hop does not make it a passer-by
    assert not passing_runs(TIME_S, step, gap, SIZE).any()
    gap = -np.cumsum(step, axis=0)  # but a pose that stands still does
    assert np.flatnonzero(passing_runs(TIME_S, step, gap, SIZE)).tolist() == list(range(40, 48))


def test_a_runners_bounce_is_no_passer_by_although_the_poses_are_too_slow_for_it() -> None:
    bounce = np.zeros((90, 2))
    bounce[:, 1] = np.where(np.arange(90) % 10 < 5, 6.0, -6.0)
    gap = -np.cumsum(bounce, axis=0)
    assert not passing_runs(TIME_S, bounce + np.random.default_rng(1).normal(0, 2.0, (90, 2)), gap, SIZE).any()


def test_the_top_of_a_short_swing_is_no_spike_but_a_step_to_a_wall_is() -> None:
    step = np.zeros((90, 2))
    step[40:45, 0] = [0.5, 2.5, 3.0, 1.2, 0.5]
    poses = np.zeros((90, 2))
    assert not step_spikes(TIME_S, step, poses, SIZE).any()
    step[60, 0] = 4.0
    assert np.flatnonzero(step_spikes(TIME_S, step, poses, SIZE)).tolist() == [60]


def test_steps_that_rest_while_the_pose_moves_are_those_of_the_background() -> None:
    pose = np.column_stack([np.where(np.arange(90) < 50, 0.0, 14.0 * (np.arange(90) - 49)), np.zeros(90)])
    moving = np.diff(pose, axis=0, prepend=0.0)
    rests = moving.copy()
    rests[55:58] = [0.3, -0.4]
    torso_px = np.full(90, 100.0)
    assert np.flatnonzero(steps_at_rest(rests, pose, torso_px)).tolist() == [55, 56, 57]
    assert not steps_at_rest(moving, pose, torso_px).any(), "somebody who stands rests with the pose"
    pose[54:58] = np.nan
    assert not steps_at_rest(rests, pose, torso_px)[54:58].any(), "where no pose is seen nothing contradicts"
