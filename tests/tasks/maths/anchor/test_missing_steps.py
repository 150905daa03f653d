"""Steps that are missing or noisy: what is put in their place."""

import numpy as np
from numpy.typing import NDArray

from tasks.maths.anchor.missing_steps import (
    calm_poses,
    fill_steps,
    guess_error_px,
    join_uncertain_steps,
    poses_elsewhere,
    runs_confirmed_by_pose,
    steps_by_pose,
)
from tasks.maths.arrays import Floats

TIME_S = np.arange(120) / 30
NOISY = slice(60, 66)


def walk(swing_px: float) -> Floats:
    """Steps of 3 px to the right, with a swing of 2 Hz that a straight line over six frames misses."""
    return np.column_stack([np.full(120, 3.0), swing_px * np.sin(2 * np.pi * 2 * TIME_S)])


def without(step: Floats, frames: slice) -> Floats:
    left = step.copy()
    left[frames] = np.nan
    return left


def joined(truth: Floats, measured: Floats, error_px: float) -> tuple[Floats, Floats]:
    """The steps in place of the noisy ones, and the guess alone."""
    step = without(truth, NOISY)
    guess = fill_steps(TIME_S, np.full((120, 2), np.nan), step)
    only_noisy = np.full((120, 2), np.nan)
    only_noisy[NOISY] = measured[NOISY]
    return join_uncertain_steps(TIME_S, step, only_noisy, np.full(120, error_px), guess), guess


def error(step: Floats, truth: Floats) -> float:
    return float(np.sqrt(np.mean((step - truth)[NOISY] ** 2)))


def test_a_gap_continues_at_the_speed_of_its_neighbours() -> None:
    step = walk(0.0)
    assert np.allclose(fill_steps(TIME_S, np.full((120, 2), np.nan), without(step, NOISY))[1:], step[1:])


def test_noisy_steps_of_an_uneven_motion_are_better_than_a_guess() -> None:
    truth = walk(8.0)
    noise = np.random.default_rng(1).normal(0, 1.0, (120, 2))
    steps, guess = joined(truth, truth + noise, 1.0)
    assert error(steps, truth) < 0.5 * error(guess, truth)


def test_of_an_even_motion_the_guess_is_kept() -> None:
    truth = walk(0.0)
    steps, guess = joined(truth, truth + 2.0, 1.0)
    assert np.allclose(steps, guess)


def test_a_step_far_beyond_both_errors_moves_the_guess_little() -> None:
    truth = walk(8.0)
    steps, guess = joined(truth, truth + np.array([100.0, 0.0]), 1.0)
    assert np.abs(steps - guess).max() < 25.0


def test_where_a_step_is_lost_the_noisy_ones_beside_it_do_not_count() -> None:
    truth = walk(8.0)
    lost = truth.copy()
    lost[63] = np.nan
    steps, guess = joined(truth, lost, 1.0)
    assert np.array_equal(steps, guess)


def test_how_far_off_a_guess_is_grows_with_the_gap_and_is_unknown_without_known_steps() -> None:
    step = walk(8.0)
    errors = [guess_error_px(TIME_S, step, missing) for missing in (1, 3, 5)]
    assert errors[0] < errors[1] < errors[2]
    assert guess_error_px(TIME_S, step, 1000) > 0
    assert guess_error_px(TIME_S, np.full((120, 2), np.nan), 3) == 0


TORSO_PX = np.full(120, 100.0)


def by_pose(truth: Floats, pose_noise_px: float = 0.0, *, measured_nothing: bool = True) -> Floats:
    """The steps without the noisy ones, and what poses with noise put there."""
    pose = np.cumsum(truth, axis=0) + np.random.default_rng(2).normal(0, pose_noise_px, (120, 2))
    step = without(truth, NOISY)
    guess, missing = fill_steps(TIME_S, pose, step), np.full(120, measured_nothing)
    nowhere = np.zeros(120, np.bool_)
    return steps_by_pose(TIME_S, step, guess, pose, missing=missing, torso_px=TORSO_PX, elsewhere=nowhere)


def leap() -> Floats:
    """Steps of 2 px to the right; in the noisy frames, and after them, 20 px upward."""
    return np.column_stack([np.full(120, 2.0), np.where(np.arange(120) < 60, 0.0, -20.0)])


def test_where_the_speed_changes_the_poses_say_how_the_body_moved() -> None:
    assert error(by_pose(leap()), leap()) < 3.0
    assert np.isnan(by_pose(leap(), measured_nothing=False)[NOISY]).all(), "a noisy step is joined with its guess"


def test_the_poses_of_somebody_who_walks_on_behind_a_post_say_nothing() -> None:
    assert np.isnan(by_pose(walk(0.0), pose_noise_px=3.0)[NOISY]).all()


def test_poses_that_tremble_more_than_the_speed_changes_say_nothing() -> None:
    assert np.isnan(by_pose(leap(), pose_noise_px=30.0)[NOISY]).all()


def test_poses_that_jump_do_not_pull_the_calm_track() -> None:
    truth = np.column_stack([5.0 * np.arange(120), 300 + 40 * np.sin(2 * np.pi * TIME_S)])
    pose = truth + np.random.default_rng(3).normal(0, 2.0, (120, 2))
    pose[[40, 60, 61]] += [[40.0, -30.0], [45.0, 30.0], [50.0, 10.0]]
    off_px = np.hypot(*(calm_poses(TIME_S, pose, np.zeros((120, 2)), TORSO_PX, 0.2) - truth).T)
    assert off_px.max() < 10.0 and np.median(off_px) < 2.0


def test_the_calm_track_goes_on_through_short_gaps_only() -> None:
    step = walk(0.0)
    truth = np.cumsum(step, axis=0)
    pose = truth.copy()
    pose[:3], pose[20:27], pose[60:80], pose[118:] = (np.nan for _ in range(4))
    calm = calm_poses(TIME_S, pose, step, TORSO_PX, 0.2)
    assert np.flatnonzero(np.isnan(calm[:, 0])).tolist() == [0, 1, 2, *range(60, 80), 118, 119]
    assert np.nanmax(np.abs(calm - truth)) < 0.1
    assert np.isnan(calm_poses(TIME_S, np.full((120, 2), np.nan), step, TORSO_PX, 0.2)).all()


def confirmed(measured: Floats, truth: Floats) -> NDArray[np.bool_]:
    uncertain = np.zeros(120, np.bool_)
    uncertain[NOISY] = True
    guess = np.where(uncertain[:, None], [3.0, 0.0], truth)
    pose = np.cumsum(truth, axis=0)
    return runs_confirmed_by_pose(
        measured, guess, pose, uncertain=uncertain, error_px=np.full(120, 1.0), torso_px=TORSO_PX
    )


def test_several_steps_together_show_what_each_of_them_does_not() -> None:
    truth = np.column_stack([np.full(120, 3.0), np.where(np.isin(np.arange(120), np.r_[NOISY]), 4.0, 0.0)])
    assert np.array_equal(np.flatnonzero(confirmed(truth, truth)), np.r_[NOISY])
    assert not confirmed(truth + np.array([0.0, -4.0]), truth).any(), (
        "the steps are no nearer to the poses than the guess"
    )
    assert not confirmed(truth + np.array([9.0, 0.0]), truth).any(), "each step contradicts the poses"


HOP = slice(60, 78)
SINCE = np.clip((np.arange(120) - 59) / 18, 0, 1)


def are_elsewhere(way_px: Floats, *, measured_nothing: bool = True) -> list[int]:
    """Frames in which poses that go ``way_px`` (120,) upward, while the speed before and after is 2 px, count."""
    noise = np.random.default_rng(4).normal(0, 2.0, (120, 2))
    pose = np.column_stack([2.0 * np.arange(120), -way_px]) + noise
    step = without(np.tile([2.0, 0.0], (120, 1)), HOP)
    guess, missing = fill_steps(TIME_S, pose, step), np.full(120, measured_nothing)
    found = poses_elsewhere(step, guess, pose, missing=missing, torso_px=TORSO_PX, limit_torsos=0.25)
    return np.flatnonzero(found).tolist()


def test_poses_of_who_leaps_and_lands_at_the_same_speed_count_in_the_whole_leap() -> None:
    leap_px = 1.5 * TORSO_PX * np.sin(np.pi * SINCE) ** 2
    assert are_elsewhere(leap_px) == list(range(60, 78))
    assert are_elsewhere(leap_px, measured_nothing=False) == []
    assert are_elsewhere(0.15 * leap_px) == [], "no more than poses are off"


def test_poses_that_slide_to_somebody_and_jump_back_do_not_count() -> None:
    assert are_elsewhere(np.where(SINCE < 1, TORSO_PX * np.sqrt(SINCE), 0.0)) == []


def test_a_leap_in_which_a_pose_is_missing_does_not_count() -> None:
    leap_px = 1.5 * TORSO_PX * np.sin(np.pi * SINCE) ** 2
    leap_px[66] = np.nan
    assert are_elsewhere(leap_px) == []
