"""Lengths of steps and speeds against drawn walkers, whose camera shakes and travels along."""

from typing import Any

import numpy as np
import pytest

from tasks.demo.walker import Walk, camera_shake, camera_travel, subject_gait, walk_camera, walk_times
from tasks.maths.body.landmarks import hip_midpoint
from tasks.maths.gait.figures import measured_gait
from tasks.maths.gait.ground import METHOD_ERROR, GroundFigure, ground_figures, measured_steps
from tasks.maths.path import affine
from tasks.maths.scene.camera_path import CameraPath
from tests.support.drawn.walkers import WALKERS, drawn, modelled_pose


def true_camera(walker: Walk, seen: float = 1.0) -> CameraPath:
    """The camera's motion over the street; of its travel only the share that far things show."""
    camera, time_s = walk_camera(walker), walk_times(walker)
    gone = np.stack([camera_travel(camera, time_s) * camera.scale_px * seen, 0 * time_s], axis=1)
    return CameraPath(
        np.zeros(len(time_s), np.int64),
        affine.translation(gone - gone[0] - camera_shake(camera, time_s) + camera_shake(camera, time_s)[0]),
        np.ones(len(time_s)),
    )


def figures_of(walker: Walk, camera: CameraPath, px_per_m: float | None = None) -> dict[str, GroundFigure]:
    pose = modelled_pose(walker)
    hips_px = hip_midpoint(pose.xy_px)
    steps = measured_steps(measured_gait(pose), hips_px, pose.time_s, camera)
    return ground_figures(steps, px_per_m, from_height=False)


@pytest.mark.parametrize("walk", WALKERS, ids=str)
def test_speed_and_length_are_those_of_the_walker(walk: dict[str, Any]) -> None:
    walker = drawn(**walk)
    gait, scale_px = subject_gait(walker), walk_camera(walker).scale_px
    figures = figures_of(walker, true_camera(walker))
    for name, true_px in (
        ("speed_px_per_s", gait.speed * scale_px),
        ("background_speed_px_per_s", gait.speed * scale_px),
        ("stride_length_px", 2 * gait.step * scale_px),
    ):
        figure = figures[name]
        assert figure.mean == pytest.approx(true_px, rel=METHOD_ERROR), name
        assert abs(figure.mean - true_px) < 2 * figure.uncertainty
        assert figure.count >= 3


def test_a_limp_has_a_long_and_a_short_step() -> None:
    figures = figures_of(walker := drawn(limp=0.7), true_camera(walker))
    left, right = figures["left_step_length_px"].mean, figures["right_step_length_px"].mean
    assert left / (left + right) == pytest.approx(0.556, abs=0.02)  # speed is even, so lengths go with the times


def test_the_feet_need_no_camera() -> None:
    walker = drawn()
    exact, lost = figures_of(walker, true_camera(walker)), figures_of(walker, true_camera(walker, seen=0.5))
    assert lost["speed_px_per_s"] == exact["speed_px_per_s"]
    assert lost["background_speed_px_per_s"].mean < 0.9 * exact["background_speed_px_per_s"].mean


def test_a_lost_background_gives_no_speed_over_it() -> None:
    walker = drawn()
    camera = true_camera(walker)
    every_frame = CameraPath(np.arange(camera.frames), camera.to_scene, camera.confidence)
    figures = figures_of(walker, every_frame)
    assert "background_speed_px_per_s" not in figures
    assert "speed_px_per_s" in figures


def test_a_scale_gives_metres_and_a_height_adds_its_own_error() -> None:
    walker = drawn()
    camera = true_camera(walker)
    in_px, in_m = figures_of(walker, camera), figures_of(walker, camera, px_per_m=130.0)
    assert in_m["speed_m_per_s"].mean == pytest.approx(in_px["speed_px_per_s"].mean / 130)
    pose = modelled_pose(walker)
    steps = measured_steps(measured_gait(pose), hip_midpoint(pose.xy_px), pose.time_s, camera)
    by_height = ground_figures(steps, 130.0, from_height=True)
    assert by_height["speed_m_per_s"].uncertainty > in_m["speed_m_per_s"].uncertainty
