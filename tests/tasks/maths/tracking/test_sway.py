"""The motion of a torso over the background is told from that of the camera."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.tracking.steps import Step, Steps, steps_from_rows
from tasks.maths.tracking.sway import measure_sway, with_scene_steps
from tasks.maths.tracking.tracks import concatenate_tracks
from tests.support.drawn.bodies import walk

FRAMES = 60
TIME_S = np.arange(FRAMES) / 30
SWAY_PX = 1.5 * np.sin(2 * np.pi * 0.5 * TIME_S)


def camera(travel_px: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """The alignment of a camera under which the background moves to the left by ``travel_px`` (n,)."""
    to_scene = np.repeat(np.array([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]]), FRAMES, axis=0)
    to_scene[:, 0, 2] = travel_px
    return to_scene, np.zeros(FRAMES, np.int64)


def steps(place_px: Floats) -> Steps:
    """Those of a torso that is at ``place_px`` (n,) in the picture."""
    return steps_from_rows([Step(), *(Step(dx_px=float(one), dy_px=0.0) for one in np.diff(place_px))])


@pytest.mark.parametrize("travel_px", [0 * TIME_S, 80 * TIME_S, 3 * np.sin(9 * TIME_S)], ids=["still", "pan", "shake"])
def test_what_is_one_with_the_background_does_not_sway(travel_px: Floats) -> None:
    track = walk(0, FRAMES - 1, start_x=500, speed_px=0)
    (moving,) = with_scene_steps([track], {1: (np.arange(FRAMES), steps(-travel_px))}, *camera(travel_px))
    assert moving.scene_step is not None
    sway = measure_sway(TIME_S, track.hip_xy - np.outer(travel_px, [1, 0]), moving.scene_step)
    assert sway.body_px == pytest.approx(0, abs=1e-9) and sway.way_px == pytest.approx(0, abs=1e-9)
    assert sway.camera_px == pytest.approx(np.ptp(travel_px), rel=0.3, abs=1e-9)


@pytest.mark.parametrize("every", [1, 2])
def test_a_body_that_sways_is_measured_under_a_shaking_camera(every: int) -> None:
    track = walk(0, FRAMES - 1, start_x=500, speed_px=0).where(np.arange(0, FRAMES, every))
    shake_px = 3 * np.sin(9 * TIME_S)
    (moving,) = with_scene_steps([track], {1: (np.arange(FRAMES), steps(SWAY_PX - shake_px))}, *camera(shake_px))
    assert moving.scene_step is not None
    over = np.nancumsum(moving.scene_step[:, 0])
    assert over == pytest.approx((SWAY_PX - SWAY_PX[0])[::every], abs=1e-9)
    assert measure_sway(track.time_s, track.hip_xy, moving.scene_step).body_px > 1.0


def test_where_the_background_is_lost_nothing_is_told() -> None:
    track, (to_scene, _) = walk(0, FRAMES - 1, start_x=500, speed_px=0), camera(0 * TIME_S)
    (moving,) = with_scene_steps([track], {1: (np.arange(FRAMES), steps(SWAY_PX))}, to_scene, np.arange(FRAMES))
    assert moving.scene_step is not None
    assert np.isnan(moving.scene_step).all()
    assert np.isnan(measure_sway(TIME_S, track.hip_xy, moving.scene_step).body_px)


def test_a_torso_without_steps_tells_nothing() -> None:
    track, nothing = walk(0, FRAMES - 1, start_x=500, speed_px=0), steps_from_rows([])
    (moving,) = with_scene_steps([track], {1: (np.arange(0), nothing)}, *camera(0 * TIME_S))
    assert moving.scene_step is not None and np.isnan(moving.scene_step).all()


def test_joined_tracks_keep_their_motion() -> None:
    track = walk(0, FRAMES - 1, start_x=500, speed_px=0)
    (moving,) = with_scene_steps([track], {1: (np.arange(FRAMES), steps(SWAY_PX))}, *camera(0 * TIME_S))
    first, second = moving.where(np.arange(20)), moving.where(np.arange(20, FRAMES))
    joined = concatenate_tracks([first, second])
    assert joined.scene_step is not None and moving.scene_step is not None
    assert np.array_equal(joined.scene_step, moving.scene_step, equal_nan=True)
    assert concatenate_tracks([first, track]).scene_step is None, "half of it is not known"


@pytest.mark.parametrize("travel_px", [80 * TIME_S, 80 * TIME_S + 15 * np.sin(9 * TIME_S)], ids=["even", "uneven"])
@pytest.mark.parametrize("sway", [0.0, 1.0])
def test_what_a_camera_passes_moves_with_the_camera_and_a_body_beside_that(travel_px: Floats, sway: float) -> None:
    """The thing stands nearer than the background, and passes it: by a third of the camera's way."""
    place_px = sway * SWAY_PX - 4 / 3 * travel_px
    track = walk(0, FRAMES - 1, start_x=500, speed_px=0)
    (moving,) = with_scene_steps([track], {1: (np.arange(FRAMES), steps(place_px))}, *camera(travel_px))
    assert moving.scene_step is not None
    hips = track.hip_xy + np.outer(place_px, [1, 0])
    measured = measure_sway(TIME_S, hips, moving.scene_step)
    if sway:
        assert measured.own_px == pytest.approx(np.ptp(SWAY_PX), rel=0.5)
    else:
        assert measured.own_px == pytest.approx(0, abs=1e-6)
        assert measured.body_px < 0.1 or measured.body_px > 1, "without the camera's way only where that is even"
