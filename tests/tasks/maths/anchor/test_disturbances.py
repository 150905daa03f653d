"""What happens to a walk from outside: jumps, losses, passers-by, bumps and cuts."""

from dataclasses import replace

import numpy as np
import pytest

from tests.tasks.maths.anchor.drawn_paths import TORSO, scene


def test_features_carry_the_anchor_for_the_allowed_time() -> None:
    walk = scene("level")
    pose = walk.pose.copy()
    pose[100:120] = np.nan
    pose[150:240] = np.nan
    pose[295:] = np.nan
    step = walk.step.copy()
    step[295:] = np.nan
    fused = replace(walk, pose=pose, step=step).fused()
    assert set(fused.state[100:120]) == {"bridged"}
    assert np.abs(fused.xy_px - walk.truth)[100:120].max() < 2.5
    assert list(fused.state[[150, 179, 181, 208, 211, 239]]) == ["bridged"] * 2 + ["interpolated"] * 2 + ["bridged"] * 2
    assert set(fused.state[295:]) == {"held"}
    assert np.isfinite(fused.xy_px).all()
    inner = np.hypot(*np.diff(fused.xy_px - walk.truth, axis=0).T)[:290]
    assert inner.max() < 2.0


def test_a_jump_to_somebody_else_is_rejected_and_counted() -> None:
    walk = scene("level")
    pose = walk.pose.copy()
    pose[140:155] += [400, 30]
    pose[200] -= [60, 0]
    fused = replace(walk, pose=pose).fused()
    assert fused.rejected == 16
    assert set(fused.state[140:155]) == {"bridged"}
    assert np.abs(fused.xy_px - walk.fused().xy_px).max() < 2.0
    assert walk.error(fused.xy_px) < walk.error(walk.fused().xy_px) + 0.3


@pytest.mark.parametrize("frames", [slice(0, 1), slice(0, 12), slice(288, 300), slice(299, 300)])
def test_a_wrong_pose_at_an_end_of_the_clip_is_outvoted(frames: slice) -> None:
    walk = scene("level")
    pose = walk.pose.copy()
    pose[frames] += [10.0, 0.8 * TORSO]
    fused = replace(walk, pose=pose).fused()
    assert fused.rejected == len(pose[frames])
    assert np.abs(fused.xy_px - walk.fused().xy_px).max() < 2.0


def test_poses_of_a_half_hidden_body_before_a_loss_do_not_move_the_anchor() -> None:
    walk = scene("level")
    pose, step = walk.pose.copy(), walk.step.copy()
    pose[150:165] = np.nan
    step[150:166] = np.nan
    for frame in range(8):
        pose[149 - frame] += [-1.5 * (8 - frame), 1.0 * (8 - frame)]
        pose[165 + frame] += [1.5 * (8 - frame), 1.0 * (8 - frame)]
    fused = replace(walk, pose=pose, step=step).fused()
    assert np.hypot(*np.diff(fused.xy_px - walk.truth, axis=0).T).max() < 2.0
    assert np.abs(fused.xy_px - walk.truth).max() < 4.0


def test_a_leap_that_blurs_the_features_is_followed_by_the_pose() -> None:
    walk = scene("level")
    leap = np.zeros_like(walk.truth)
    leap[140:151, 1] = -8.0 * np.arange(11)
    leap[151:170, 1] = np.linspace(-80, 0, 20)[1:]
    pose, step = walk.pose + leap, walk.step.copy()
    pose[151:170] = np.nan
    step[140:171] = np.nan
    fused = replace(walk, pose=pose, step=step).fused()
    assert np.abs(fused.xy_px - walk.truth - leap)[140:151].max() < 0.2 * TORSO
    assert fused.rejected == 0


def test_a_person_who_passes_in_front_does_not_take_the_anchor_along() -> None:
    walk = scene("level")
    pose, step = walk.pose.copy(), walk.step.copy()
    step[150] = np.nan
    step[151:160, 0] -= 12
    pose[151:160, 0] -= 12 * np.arange(1, 10)
    step[160] = np.nan
    fused = replace(walk, pose=pose, step=step).fused()
    assert np.hypot(*np.diff(fused.xy_px - walk.truth, axis=0).T).max() < 2.0


def test_a_bump_of_the_camera_is_followed() -> None:
    walk = scene("level")
    bump = np.zeros_like(walk.step)
    bump[150:158] = [9.0, 5.0]
    moved = np.cumsum(bump, axis=0)
    bumped = replace(walk, truth=walk.truth + moved, pose=walk.pose + moved, step=walk.step + bump)
    assert bumped.error(bumped.fused().xy_px) < 1.0


def test_a_scene_cut_is_followed_at_once() -> None:
    walk = scene("level")
    leap = np.where(np.arange(300) < 150, 0.0, 350.0)[:, None] * [1.0, 0.2]
    step = walk.step.copy()
    step[150] = np.nan
    cut = replace(walk, truth=walk.truth + leap, pose=walk.pose + leap, step=step)
    assert np.abs(cut.fused().xy_px - cut.truth).max() < 6.0
