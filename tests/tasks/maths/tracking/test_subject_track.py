"""Steps of one person from several tracks, and exchanged sides; turning round exchanges none."""

import numpy as np
from numpy.testing import assert_array_equal

from tasks.maths.body.landmarks import HIPS, SHOULDERS, exchange_sides
from tasks.maths.tracking.steps import STEP_FIELDS, Step, Steps, steps_from_rows
from tasks.maths.tracking.subject_track import exchanged_sides, stitch_steps
from tasks.maths.tracking.tracks import concatenate_tracks
from tests.support.drawn.bodies import walk

TRACK = walk(0, 89, start_x=200)


def known(first: int, last: int, dx_px: float, seen: set[int]) -> tuple[np.ndarray, Steps]:
    """Steps of frames ``first`` to ``last`` of a track with poses in the frames ``seen``."""
    rows, carried = [], 0
    for frame in range(first, last + 1):
        rows.append(Step(dx_px=dx_px if frame > first else np.nan, features=20, carried_frames=carried))
        carried = 0 if frame in seen else carried + 1
    return np.arange(first, last + 1), steps_from_rows(rows)


def test_a_complete_track_gives_all_its_steps() -> None:
    person = walk(5, 20, start_x=0)
    steps = stitch_steps(person, {1: known(5, 30, 2.0, set(range(5, 21)))}, 40)
    assert len(steps) == 40 and set(steps.columns) == set(STEP_FIELDS)
    assert_array_equal(np.flatnonzero(np.isfinite(steps["dx_px"])), np.arange(6, 31))
    assert_array_equal(steps["carried_frames"][21:31], np.arange(10))
    assert steps.columns["features"].dtype == np.int32


def test_the_first_track_is_used_until_the_second_finds_the_person() -> None:
    person = concatenate_tracks([walk(0, 10, start_x=0), walk(15, 30, start_x=0, origin=2)])
    tracks = {1: known(0, 40, 1.0, set(range(11))), 2: known(15, 45, 2.0, set(range(15, 31)))}
    steps = stitch_steps(person, tracks, 50)
    assert_array_equal(steps["dx_px"][1:16], 1.0)
    assert_array_equal(steps["dx_px"][16:46], 2.0)
    assert np.isnan(steps["dx_px"][46:]).all()


def test_what_a_track_measured_on_another_body_is_left_out() -> None:
    person = concatenate_tracks([walk(0, 10, start_x=0), walk(20, 30, start_x=0, origin=2)])
    slid = known(0, 25, 1.0, set(range(11)) | {14, 15, 16})
    steps = stitch_steps(person, {1: slid, 2: known(20, 30, 2.0, set(range(20, 31)))}, 31)
    assert_array_equal(np.flatnonzero(np.isfinite(steps["dx_px"])), [*range(1, 15), *range(21, 31)])


def test_frames_between_looks_get_their_steps() -> None:
    every = walk(0, 30, start_x=0)
    person = every.where(every.frames % 3 == 0)
    steps = stitch_steps(person, {1: known(0, 30, 1.0, set(person.frames.tolist()))}, 31)
    assert np.isfinite(steps["dx_px"][1:]).all()


def exchanged_in(first: int, last: int) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    wrong = np.zeros(len(TRACK), np.bool_)
    wrong[first : last + 1] = True
    return exchange_sides(TRACK.landmarks, wrong)


def test_exchanged_sides_are_found() -> None:
    marks = exchanged_in(30, 36)
    wrong = exchanged_sides(TRACK.time_s, marks)
    assert_array_equal(np.flatnonzero(wrong), np.arange(30, 37))
    assert_array_equal(exchange_sides(marks, wrong), TRACK.landmarks)


def test_two_exchanges_are_both_found() -> None:
    marks = np.where((np.arange(90) < 50)[:, None, None], exchanged_in(20, 22), exchanged_in(60, 75))
    assert_array_equal(np.flatnonzero(exchanged_sides(TRACK.time_s, marks)), [20, 21, 22, *range(60, 76)])


def test_a_walk_has_no_exchange_and_a_lasting_one_is_a_correction() -> None:
    assert not exchanged_sides(TRACK.time_s, TRACK.landmarks).any()
    assert not exchanged_sides(TRACK.time_s, exchanged_in(40, 89)).any()
    assert not exchanged_sides(TRACK.time_s, exchanged_in(20, 70)).any()


def test_from_the_side_no_exchange_can_be_found() -> None:
    marks = exchanged_in(30, 36)
    middle = marks[:, :, 0].mean(axis=1, keepdims=True)
    marks[:, :, 0] = middle + 0.2 * (marks[:, :, 0] - middle)
    assert not exchanged_sides(TRACK.time_s, marks).any()


def test_turning_round_is_no_exchange() -> None:
    turn = np.cos(np.linspace(0, np.pi, 60))[:, None]
    marks = TRACK.landmarks[:60].copy()
    middle = marks[:, :, 0].mean(axis=1, keepdims=True)
    marks[:, :, 0] = middle + (marks[:, :, 0] - middle) * turn
    assert not exchanged_sides(TRACK.time_s[:60], marks).any()


def test_hips_alone_are_not_enough() -> None:
    marks = TRACK.landmarks.copy()
    marks[30:35, list(HIPS)] = marks[30:35, list(HIPS[::-1])]
    assert not exchanged_sides(TRACK.time_s, marks).any()
    marks[30:35, list(SHOULDERS)] = marks[30:35, list(SHOULDERS[::-1])]
    assert_array_equal(np.flatnonzero(exchanged_sides(TRACK.time_s, marks)), np.arange(30, 35))
