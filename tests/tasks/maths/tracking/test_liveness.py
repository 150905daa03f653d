"""What is followed is told from what only looks like a person."""

import numpy as np
import pytest

from tasks.maths.arrays import Floats
from tasks.maths.tracking.liveness import LIMBS, Liveness, measure_liveness
from tasks.maths.tracking.sway import Sway
from tests.support.drawn.bodies import SIZE_PX, figure, walk

TIME_S = np.arange(60) / 30


def still(noise_px: float, visibility: float = 1.0) -> Floats:
    """A figure that does not move but for the model's noise."""
    noise = np.random.default_rng(3).normal(0, noise_px, (60, 33, 2))
    marks = np.repeat(figure((640, 300), 60.0)[None], 60, axis=0)
    marks[..., :2] += noise
    marks[..., 3] = visibility
    return marks


def test_a_walker_is_a_person() -> None:
    track = walk(0, 59, start_x=300)
    alive = measure_liveness(track.time_s, track.landmarks, SIZE_PX)
    assert not alive.rigid and not alive.imagined


@pytest.mark.parametrize("noise_px", [0.0, 0.5, 1.0])
def test_a_picture_of_a_person_is_rigid_whatever_the_noise(noise_px: float) -> None:
    alive = measure_liveness(TIME_S, still(noise_px), SIZE_PX)
    assert alive.rigid and not alive.imagined


def test_a_picture_that_the_camera_passes_is_rigid() -> None:
    marks = still(0.5)
    marks[..., 0] += np.linspace(-300, 300, 60)[:, None]
    assert measure_liveness(TIME_S, marks, SIZE_PX).rigid


def test_a_body_that_the_model_doubts_and_that_only_trembles_is_imagined() -> None:
    alive = measure_liveness(TIME_S, still(6.0, visibility=0.62), SIZE_PX)
    assert alive.imagined


def test_somebody_who_stands_and_slowly_moves_the_arms_a_little_is_a_person() -> None:
    marks = still(0.5)
    marks[:, 13:17, 0] += 6.0 * np.sin(2 * np.pi * TIME_S / 2.0)[:, None]  # a tenth of the torso
    alive = measure_liveness(TIME_S, marks, SIZE_PX)
    assert not alive.rigid and not alive.imagined


def test_a_cut_off_body_is_judged_where_it_is_whole() -> None:
    marks = still(0.5)
    marks[40:, 13:17, 0] += np.linspace(0, 80, 20)[:, None]  # guesses of the model
    marks[40:, :, 0] += 700
    assert measure_liveness(TIME_S, marks, SIZE_PX).rigid


def test_a_body_that_the_edge_cuts_is_not_judged_by_a_few_wrong_poses_that_fit_into_the_picture() -> None:
    marks = walk(0, 59, start_x=300, y=SIZE_PX[1] - 60.0).landmarks.copy()
    marks[:6, :, 1] -= 300
    marks[:6, :, 3] = 0.4  # as where the model takes the chest of somebody near for a whole small body
    assert not measure_liveness(TIME_S, marks, SIZE_PX).imagined
    assert measure_liveness(TIME_S[:6], marks[:6], SIZE_PX).imagined


def test_a_picture_is_rigid_although_the_first_sightings_of_a_track_settle() -> None:
    marks = still(0.3)[:12]
    marks[0, list(LIMBS), 1] += 12.0
    marks[1, list(LIMBS), 1] += 4.0
    assert measure_liveness(TIME_S[:12], marks, SIZE_PX).rigid
    late = marks[[3, 4, 5, 0, 1, *range(6, 12)]]
    assert not measure_liveness(TIME_S[:11], late, SIZE_PX).rigid, "the same within a track is motion"


def unsteady(rate_hz: float, visibility: float) -> Liveness:
    """A walker whose limbs tremble by a tenth of the torso, as where the model sees a person in an animal."""
    track = walk(0, 59, start_x=300)
    marks = track.landmarks.copy()
    marks[:, list(LIMBS), :2] += np.random.default_rng(5).normal(0, 10.0, (60, len(LIMBS), 2))
    marks[..., 3] = visibility
    return measure_liveness(np.arange(60) / rate_hz, marks, SIZE_PX)


def test_a_body_whose_limbs_do_not_keep_their_lengths_is_an_animal_unless_the_model_is_sure() -> None:
    assert unsteady(30, 0.92).misshapen and not unsteady(30, 0.92).imagined
    assert not unsteady(30, 0.99).misshapen
    assert not unsteady(15, 0.92).misshapen, "between sightings so far apart limbs turn"


def test_a_body_that_trembles_as_a_whole_keeps_its_shape() -> None:
    track = walk(0, 59, start_x=300)
    marks = track.landmarks.copy()
    marks[..., :2] += np.random.default_rng(6).normal(0, 10.0, (60, 1, 2))
    marks[..., 3] = 0.92
    alive = measure_liveness(track.time_s, marks, SIZE_PX)
    assert not alive.misshapen and alive.bone_tremble < 0.01


def test_too_few_sightings_leave_it_open() -> None:
    alive = measure_liveness(np.linspace(0, 5, 6), still(0.5)[:6], SIZE_PX)
    assert not alive.rigid and not alive.imagined


def over_background(way_px: Floats) -> Floats:
    """Motion (60, 2) over the background of a torso that is at ``way_px`` (60,) of it."""
    return np.stack([np.diff(way_px, prepend=way_px[0]), 0 * way_px], axis=1)


def test_somebody_who_stands_still_and_sways_is_a_person() -> None:
    sway_px = 1.0 * np.sin(2 * np.pi * 0.5 * TIME_S)
    assert measure_liveness(TIME_S, still(0.5), SIZE_PX).rigid, "the landmarks alone do not tell"
    assert not measure_liveness(TIME_S, still(0.5), SIZE_PX, over_background(sway_px)).rigid


def test_a_statue_that_a_camera_passes_does_not_sway() -> None:
    """Nearer than the background, it moves over it, and by uneven amounts."""
    marks, way_px = still(0.5), -40 * TIME_S + 1.0 * np.sin(2 * np.pi * 0.5 * TIME_S)
    marks[..., 0] -= 100 * TIME_S[:, None]
    assert measure_liveness(TIME_S, marks, SIZE_PX, over_background(way_px)).rigid


@pytest.mark.parametrize(("sway_px", "rigid"), [(1.0, False), (0.2, True)])
def test_somebody_who_stands_before_a_camera_that_travels_sways_by_more_than_it_errs(
    sway_px: float, rigid: bool
) -> None:
    """Where everything moves, 0.2 px are no sign of life; before a camera that rests they would be."""
    way_px = sway_px * np.sin(2 * np.pi * 0.5 * TIME_S)
    marks = still(0.5)
    marks[..., 0] += (way_px - 100 * TIME_S)[:, None]
    alive = measure_liveness(TIME_S, marks, SIZE_PX, over_background(way_px - 40 * TIME_S))
    assert alive.rigid is rigid


@pytest.mark.parametrize(("uneven_px", "sways"), [(4.0, True), (20.0, False)])
def test_the_more_uneven_a_camera_passes_the_more_must_a_body_sway(uneven_px: float, sways: bool) -> None:
    """The way of the camera explains most of the body's motion over the background, and never all of it."""
    sway = Sway(body_px=uneven_px, way_px=100.0, camera_px=100.0, own_px=1.5)
    assert Liveness(1.0, 1.0, 0.0, 1.0, torso_px=100.0, sway=sway).sways is sways


def test_limbs_that_go_little_farther_than_they_tremble_do_not_make_a_photo_alive() -> None:
    """The model takes the crossed legs of a photo for one another, now and then."""
    marks = still(2.5)
    marks[:, 25:29, 0] += 6.0 * np.sin(2 * np.pi * TIME_S / 2.0)[:, None]
    assert not measure_liveness(TIME_S, marks, SIZE_PX, over_background(-40 * TIME_S)).rigid
    assert measure_liveness(TIME_S, marks, SIZE_PX, over_background(0 * TIME_S)).rigid


@pytest.mark.parametrize(
    ("visibility", "wander_px", "imagined"),
    [(0.85, 40.0, True), (0.85, 4.0, False), (1.0, 40.0, False), (0.85, 600.0, False)],
)
def test_a_body_whose_hips_wander_over_what_rests_is_imagined(
    visibility: float, wander_px: float, imagined: bool
) -> None:
    """As in the crown of a tree: its leaves rest, limbs swing, and the hips go half a torso over the leaves.

    Of somebody whom the model is sure of, the bar in front may rest: a person all the same. So is a walker whose torso
    shows so little that the features lie on the background.
    """
    marks, wander = still(1.0, visibility), over_background(wander_px * TIME_S / TIME_S[-1])
    marks[:, list(LIMBS), 0] += 60 * np.sin(2 * np.pi * TIME_S / 2)[:, None]
    alive = measure_liveness(TIME_S, marks, SIZE_PX, over_background(0 * TIME_S), wander)
    assert alive.imagined is imagined and not alive.rigid


def test_of_a_body_that_the_frame_cuts_what_is_shown_tells_how_sure_the_model_is() -> None:
    marks = still(0.5)
    marks[..., 1] += SIZE_PX[1] - 265  # the shoulders are inside, and the arms below are not
    marks[:, 13:, 3] = 0.05
    assert (marks[:, 13:17, 1] > SIZE_PX[1]).all() and (marks[:, 11:13, 1] < SIZE_PX[1]).all()
    assert not measure_liveness(TIME_S, marks, SIZE_PX).imagined


def test_of_a_body_with_hidden_legs_a_sure_trunk_is_enough() -> None:
    marks = still(6.0)
    marks[..., 3] = np.where(np.isin(np.arange(33), LIMBS), 0.3, 1.0)
    marks[:, LIMBS[0], 3] = marks[:, LIMBS[2], 3] = 0.9
    marks[:, 13:17, 0] += 12.0 * np.sin(2 * np.pi * TIME_S / 2.0)[:, None]
    assert not measure_liveness(TIME_S, marks, SIZE_PX).imagined
    marks[:, [0, 11, 12, 23, 24], 3] = 0.87  # as in drawn trees
    assert measure_liveness(TIME_S, marks, SIZE_PX).imagined


@pytest.mark.parametrize(
    ("visibility", "body_px", "imagined"), [(0.86, 0.3, True), (0.95, 0.3, False), (0.86, 3.0, False)]
)
def test_a_sure_trunk_that_rests_is_not_enough(visibility: float, body_px: float, imagined: bool) -> None:
    sway = Sway(body_px, way_px=0.4, camera_px=6.0, own_px=0.2, slip_px=2.0)
    assert Liveness(visibility, 0.99, 0.4, 6.7, torso_px=53.0, sway=sway).imagined is imagined
