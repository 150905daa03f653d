"""The fused anchor compared with known paths: pose errors, feature errors, and gaps."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.maths.anchor.crossover import (
    CROSSOVER_CANDIDATES,
    RISK_TOLERANCE,
    PoseError,
    choose_crossover,
    expected_square_error,
    split_power,
)
from tasks.maths.anchor.fusion import UNSEEN_SWING_MSE, FusionSettings, fuse, other_share
from tasks.maths.path.smoothers import moving_average
from tasks.maths.spectra import windowed_spectra
from tests.tasks.maths.anchor.drawn_paths import TORSO, Scene, scene, steps_of


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_a_level_walk_the_gait_swing_is_removed(seed: int) -> None:
    walk = scene("level", seed)
    fused = walk.fused()
    assert walk.error(fused.xy_px) < 0.25 * walk.error(moving_average(walk.pose, window_frames=5))
    assert np.median(fused.crossover_hz) < 0.3
    assert "stride 1.00 Hz" in fused.reason


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_a_leaning_body_the_pose_is_followed(seed: int) -> None:
    lean = scene("lean", seed)
    fused = lean.fused()
    assert lean.error(fused.xy_px) < 1.5
    assert np.median(fused.crossover_hz) > 0.8
    slow = lean.fused(FusionSettings(crossover_hz=0.2))
    assert lean.error(fused.xy_px) < 0.3 * lean.error(slow.xy_px)


def test_the_crossover_rises_in_a_turn_and_falls_again() -> None:
    turn = scene("turn")
    fused = turn.fused()
    middle = np.abs(turn.time_s - 5) < 1
    assert fused.crossover_hz[middle].mean() > 1.5 * fused.crossover_hz[turn.time_s < 1.5].mean()
    assert turn.error(fused.xy_px) < 0.5 * turn.error(moving_average(turn.pose, window_frames=5))


@pytest.mark.parametrize("fps", [24.0, 30.0, 60.0, 120.0])
def test_the_frame_rate_makes_no_difference(fps: float) -> None:
    walk = scene("level", fps=fps)
    assert walk.error(walk.fused().xy_px) < 0.8


def test_a_minute_does_not_drift() -> None:
    walk = scene("level", seconds=60)
    left = walk.fused().xy_px - walk.truth
    tenths = left[:1800].reshape(10, -1, 2).mean(axis=1)
    assert np.ptp(tenths, axis=0).max() < 1.0


def test_a_constant_track_stays_constant() -> None:
    time_s = np.arange(90) / 30
    still = Scene(time_s, np.zeros((90, 2)), np.full((90, 2), [320.25, 100.5]), np.zeros((90, 2)), np.nan)
    np.testing.assert_allclose(still.fused().xy_px, still.pose, atol=1e-6)


def test_half_of_the_discrepancy_is_followed_at_the_crossover_and_a_steady_drift_completely() -> None:
    time_s = np.arange(1200) / 30
    wave = np.sin(2 * np.pi * 0.5 * time_s)
    pose = np.column_stack([wave, 100 + 0.5 * time_s])
    fused = Scene(time_s, pose, pose, np.zeros((1200, 2)), np.nan).fused(FusionSettings(crossover_hz=0.5))
    inside = slice(300, 900)
    assert fused.xy_px[inside, 0] @ wave[inside] / (wave[inside] @ wave[inside]) == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(fused.xy_px[:, 1], pose[:, 1], atol=1e-3)


def test_a_shifted_mirrored_or_reversed_input_gives_the_same_change_in_the_result() -> None:
    walk = scene("level", seconds=9)
    fixed = FusionSettings(crossover_hz=0.3)
    plain = walk.fused(fixed).xy_px
    shift = np.array([17.0, -4.0])
    shifted = replace(walk, pose=walk.pose + shift).fused(fixed).xy_px
    np.testing.assert_allclose(shifted, plain + shift, atol=1e-6)
    mirror = np.array([-1.0, 1.0])
    mirrored = replace(walk, pose=walk.pose * mirror, step=walk.step * mirror).fused(fixed).xy_px
    np.testing.assert_allclose(mirrored, plain * mirror, atol=1e-6)
    back = np.concatenate([walk.step[:1], -walk.step[:0:-1]])
    reverse = replace(walk, pose=walk.pose[::-1], step=back).fused(fixed).xy_px
    np.testing.assert_allclose(reverse[::-1], plain, atol=1e-6)


def test_dropping_random_frames_keeps_the_path() -> None:
    walk = scene("level")
    keep = np.random.default_rng(5).random(len(walk.time_s)) < 0.7
    keep[0] = True
    where = np.flatnonzero(keep)
    track = np.cumsum(np.nan_to_num(walk.step), axis=0)[where]
    step = np.diff(track, axis=0, prepend=np.nan)
    thinned = Scene(walk.time_s[where], walk.truth[where], walk.pose[where], step, walk.stride_hz)
    np.testing.assert_allclose(thinned.fused().xy_px, walk.fused().xy_px[where], atol=0.8)


def test_poses_on_every_fifth_frame_are_bridged() -> None:
    walk = scene("level")
    sparse = walk.pose.copy()
    sparse[np.arange(len(sparse)) % 5 != 0] = np.nan
    fused = replace(walk, pose=sparse).fused()
    assert set(fused.state) == {"measured", "bridged"}
    assert (fused.state == "measured").sum() == 60
    assert walk.error(fused.xy_px) < walk.error(walk.fused().xy_px) + 0.3


def test_without_any_step_the_pose_is_followed() -> None:
    walk = scene("level")
    fused = replace(walk, step=np.full_like(walk.step, np.nan)).fused()
    assert set(fused.state) == {"measured"}
    assert walk.error(fused.xy_px) < 1.2 * walk.error(moving_average(walk.pose, window_frames=5))


def test_a_second_without_steps_follows_the_pose() -> None:
    walk = scene("level")
    step = walk.step.copy()
    step[120:150] = np.nan
    fused = replace(walk, step=step).fused()
    assert np.abs(fused.xy_px - walk.truth).max() < 1.5 * np.abs(walk.pose - walk.truth)[120:150].max()
    assert walk.error(fused.xy_px) < 0.7 * walk.error(moving_average(walk.pose, window_frames=5))


def test_a_single_pose_and_a_short_clip_are_enough() -> None:
    walk = scene("level", seconds=0.5)
    pose = np.full_like(walk.pose, np.nan)
    pose[7] = walk.pose[7]
    fused = replace(walk, pose=pose).fused()
    np.testing.assert_allclose(fused.xy_px[7], pose[7], atol=1e-3)
    np.testing.assert_allclose(np.diff(fused.xy_px, axis=0), walk.step[1:], atol=0.05)
    assert "too short" in fused.reason


def test_a_clip_without_any_pose_is_an_error() -> None:
    walk = scene("level", seconds=1)
    with pytest.raises(ValueError, match="no frame has a pose"):
        replace(walk, pose=np.full_like(walk.pose, np.nan)).fused()


@pytest.mark.parametrize("frames", [1, 2, 3, 5])
def test_the_shortest_clips_keep_their_poses(frames: int) -> None:
    walk = scene("level")
    cut = slice(0, frames)
    short = Scene(walk.time_s[cut], walk.truth[cut], walk.pose[cut], walk.step[cut], np.nan)
    for part in (short, replace(short, step=np.full((frames, 2), np.nan))):
        fused = part.fused()
        assert np.abs(fused.xy_px - short.pose).max() < 3.0
        assert set(fused.state) == {"measured"}


def test_a_change_of_frame_rate_causes_no_jolt() -> None:
    walk = scene("level", fps=60.0)
    keep = np.where((walk.time_s > 4) & (walk.time_s < 7), np.arange(600) % 6 == 0, True)
    where = np.flatnonzero(keep)
    step = np.diff(np.cumsum(np.nan_to_num(walk.step), axis=0)[where], axis=0, prepend=np.nan)
    thinned = Scene(walk.time_s[where], walk.truth[where], walk.pose[where], step, walk.stride_hz)
    assert walk.error(walk.fused().xy_px) < 0.8
    assert thinned.error(thinned.fused().xy_px) < 1.2


@pytest.mark.parametrize("stay_s", [0.5, 0.8, 1.5])
def test_features_that_stay_behind_at_the_end_do_not_lead_the_anchor_off_the_torso(stay_s: float) -> None:
    """The body goes on at three torsos a second, its features at two: the anchor was a torso away at the end."""
    level = scene("level")
    going = level.time_s[:, None] * [260.0, 0.0]
    step = level.step + np.diff(going, axis=0, prepend=0.0)
    end = level.time_s >= level.time_s[-1] - stay_s
    step[end] *= 2 / 3
    moving = replace(level, truth=level.truth + going, pose=level.pose + going, step=step)
    off_px = np.hypot(*(moving.fused().xy_px - moving.truth).T)
    assert off_px.max() < 0.15 * TORSO and moving.fused().rejected == 0
    jump_px = np.hypot(*np.diff(moving.fused().xy_px - moving.truth, axis=0).T)
    assert jump_px.max() < 0.06 * TORSO, "no snap back"


def test_an_anchor_that_stays_near_its_poses_keeps_its_crossover() -> None:
    assert scene("level").fused().crossover_hz.max() < 1.0


def test_poses_that_are_all_far_from_each_other_are_all_accepted() -> None:
    count = 30
    wild = 400.0 * np.random.default_rng(3).normal(size=(count, 2))
    fused = fuse(np.arange(count) / 30, wild, np.ones(count), steps_of(np.zeros((count, 2))), np.full(count, 40.0))
    assert np.isfinite(fused.xy_px).all()


@pytest.mark.parametrize("tick_s", [1e-6, 1 / 90_000, 1e-3])
def test_a_repeated_timestamp_beside_missing_steps_does_no_harm(tick_s: float) -> None:
    walk = scene("level")
    step = walk.step.copy()
    step[148:150] = step[151:153] = np.nan
    time_s = walk.time_s.copy()
    time_s[150] = time_s[149] + tick_s
    hurried = Scene(time_s, walk.truth, walk.pose, step, walk.stride_hz)
    assert np.abs(hurried.fused().xy_px - walk.fused().xy_px).max() < 0.5


def test_the_other_steps_count_more_the_better_they_promise_to_be_without_a_jump() -> None:
    promised = np.geomspace(1e-5, 1e-3, 200)
    shares = np.array([other_share(4e-4, mse) for mse in promised])
    assert shares[0] == 1 and shares[-1] == 0
    assert (np.diff(shares) <= 0).all() and np.abs(np.diff(shares)).max() < 0.05
    assert other_share(UNSEEN_SWING_MSE, 0.0) == 0  # steps as sure as these cannot be told apart
    assert other_share(np.inf, np.inf) == 0  # a short clip tells nothing


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_crossovers_with_nearly_the_same_error_the_slowest_is_taken(seed: int) -> None:
    time_s, prior = np.arange(150) / 30, PoseError()
    walk = np.cumsum(np.random.default_rng(seed).normal(0, 0.02, (150, 2)), axis=0)
    stride = np.full(150, 0.8)
    choice = choose_crossover(time_s, walk, stride, slowest_hz=0.15, fastest_hz=2.0, window_s=5.0, pose_error=prior)
    spectra = windowed_spectra(time_s, walk, 5.0)
    tried = np.geomspace(0.15, 2.0, CROSSOVER_CANDIDATES)
    drift, error = split_power(spectra, np.full(len(spectra.middle_s), 0.8), prior)
    (risk,) = expected_square_error(spectra.hz, drift, error, tried)
    row = int(np.abs(tried - choice.hz[75]).argmin())
    assert 0 < row < risk.argmin()
    assert risk[row] <= (1 + RISK_TOLERANCE) * risk.min() < risk[row - 1]


def test_poses_that_are_moved_into_the_picture_at_its_edge_do_not_move_the_anchor() -> None:
    """As of somebody who comes in and leaves: a fifth of the torso to one side, then a sixth to the other."""
    walk, at_edge = scene("level"), np.zeros(300, np.bool_)
    pose = walk.pose.copy()
    for frames, off_px in ((slice(0, 10), -20.0), (slice(10, 18), 17.0), (slice(285, 300), 20.0)):
        pose[frames, 0] += off_px
        at_edge[frames] = True
    squeezed = replace(walk, pose=pose)
    fused, believed = squeezed.fused(guessed=at_edge), squeezed.fused()
    assert np.array_equal(fused.state == "bridged", at_edge)
    assert walk.error(fused.xy_px) < walk.error(walk.fused().xy_px) + 0.2 < 0.25 * walk.error(believed.xy_px)


def test_where_the_edge_cuts_the_body_in_every_frame_all_poses_count_as_ever() -> None:
    walk = scene("level", seconds=4)
    all_cut, none_cut = walk.fused(guessed=np.ones(120, np.bool_)), walk.fused()
    np.testing.assert_array_equal(all_cut.xy_px, none_cut.xy_px)
    assert set(all_cut.state) == {"measured"}


@pytest.mark.parametrize("whole", [1, 5, 100])
def test_where_few_frames_show_all_of_the_body_the_poses_far_from_them_count_as_ever(whole: int) -> None:
    """As of somebody who stays near the edge: the steps alone would follow his clothes, and lose him."""
    lean, at_edge = scene("lean"), np.ones(300, np.bool_)
    at_edge[20 : 20 + whole] = False
    fused = lean.fused(guessed=at_edge)
    assert lean.error(fused.xy_px) < 1.5 * lean.error(lean.fused().xy_px)
    assert set(fused.state[20 + whole : 20 + whole + 29]) == {"bridged"}
    assert set(fused.state[20 + whole + 31 :]) == {"measured"}


def test_a_pose_given_by_hand_is_kept_where_the_edge_cuts_the_body() -> None:
    walk = scene("level", seconds=4)
    given = np.zeros(120, np.bool_)
    given[3] = True
    fused = fuse(
        walk.time_s, walk.pose, np.ones(120), steps_of(walk.step), np.full(120, TORSO), given=given,
        guessed=walk.time_s < 0.5,
    )  # fmt: skip
    np.testing.assert_array_equal(fused.xy_px[3], walk.pose[3])
    assert fused.state[3] == "measured" and set(fused.state[[2, 4]]) == {"bridged"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_features_that_rest_on_the_background_do_not_hold_back_somebody_who_jumps(seed: int) -> None:
    """He crouches and takes off. In the light his features are lost, and those found instead rest on the background."""
    time_s = np.arange(150) / 30
    since_s = np.clip(time_s - 2.0, 0, None)
    rise_px = np.where(since_s < 0.2, 600 * since_s**2, 24 - 240 * (since_s - 0.2) - 3000 * (since_s - 0.2) ** 2)
    rise_px = np.where(since_s > 0.5, rise_px[75] + 0 * since_s, rise_px)
    truth = np.column_stack([300 + 90 * since_s, 400 + rise_px])
    step = np.diff(truth, axis=0, prepend=np.nan)
    step[67:69], step[69:73] = np.nan, 0.0
    pose = truth + np.random.default_rng(seed).normal(0, 1.0, (150, 2))
    fused = Scene(time_s, truth, pose, step, np.nan).fused()
    off_px = np.hypot(*(fused.xy_px - truth)[60:76].T)
    assert off_px.max() < 0.05 * TORSO


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_in_a_leap_without_features_poses_that_jump_do_not_shake_the_anchor(seed: int) -> None:
    """He turns over in the air. No feature is found until he lands, some poses are missing, and some are far off."""
    random = np.random.default_rng(seed)
    time_s = np.arange(180) / 30
    since_s = np.clip(time_s - 3.0, 0, 0.7)
    truth = np.column_stack([300 + 20 * time_s + 200 * since_s, 400 - 1200 * since_s * (0.7 - since_s)])
    step = np.diff(truth, axis=0, prepend=np.nan)
    step[90:107] = np.nan
    pose = truth + random.normal(0, 3.0, (180, 2))
    pose[[99, 104]] += [[25.0, -35.0], [40.0, 30.0]]
    pose[94:98] = np.nan
    fused = Scene(time_s, truth, pose, step, np.nan).fused()
    off = (fused.xy_px - truth)[90:107]
    assert np.hypot(*off.T).max() < 0.25 * TORSO
    assert np.sqrt(np.square(np.diff(off, axis=0)).sum(axis=1).mean()) < 0.05 * TORSO
    assert set(fused.state[94:98]) | set(fused.state[[99, 104]]) == {"interpolated"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_leap_without_features_is_followed_though_the_speed_is_the_same_before_and_after(seed: int) -> None:
    time_s = np.arange(180) / 30
    since = np.clip((np.arange(180) - 90) / 18, 0, 1)
    truth = np.column_stack([300 + 20 * time_s, 400 - 147 * np.sin(np.pi * since) ** 2])
    step = np.diff(truth, axis=0, prepend=np.nan)
    step[91:109] = np.nan
    pose = truth + np.random.default_rng(seed).normal(0, 2.0, (180, 2))
    fused = Scene(time_s, truth, pose, step, np.nan).fused()
    assert np.hypot(*(fused.xy_px - truth).T).max() < 0.1 * TORSO
