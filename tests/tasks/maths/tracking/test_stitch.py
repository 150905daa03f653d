"""The motion of one person out of that of several tracks."""

import numpy as np
from numpy.testing import assert_array_equal

from tasks.maths.tracking.steps import NAMES, Step, Steps, gather
from tasks.maths.tracking.stitch import relayed
from tasks.maths.tracking.tracks import joined
from tests.support.bodies import walk


def known(first: int, last: int, dx_px: float, seen: set[int]) -> tuple[np.ndarray, Steps]:  # type: ignore[type-arg]
    """Steps over frames ``first`` to ``last`` of a track whose pose was ``seen`` at some."""
    rows, carried = [], 0
    for frame in range(first, last + 1):
        rows.append(Step(dx_px=dx_px if frame > first else np.nan, features=20, carried_frames=carried))
        carried = 0 if frame in seen else carried + 1
    return np.arange(first, last + 1), gather(rows)


def test_a_whole_track_gives_all_its_steps() -> None:
    person = walk(5, 20, start_x=0)
    steps = relayed(person, {1: known(5, 30, 2.0, set(range(5, 21)))}, 40)
    assert len(steps) == 40 and set(steps.columns) == set(NAMES)
    assert_array_equal(np.flatnonzero(np.isfinite(steps["dx_px"])), np.arange(6, 31))
    assert_array_equal(steps["carried_frames"][21:31], np.arange(10))
    assert steps.columns["features"].dtype == np.int32


def test_the_first_track_carries_until_the_second_has_the_person() -> None:
    person = joined([walk(0, 10, start_x=0), walk(15, 30, start_x=0, origin=2)])
    tracks = {1: known(0, 40, 1.0, set(range(11))), 2: known(15, 45, 2.0, set(range(15, 31)))}
    steps = relayed(person, tracks, 50)
    assert_array_equal(steps["dx_px"][1:16], 1.0)
    assert_array_equal(steps["dx_px"][16:46], 2.0)
    assert np.isnan(steps["dx_px"][46:]).all()


def test_what_a_track_measured_on_another_body_is_left_out() -> None:
    person = joined([walk(0, 10, start_x=0), walk(20, 30, start_x=0, origin=2)])
    slid = known(0, 25, 1.0, set(range(11)) | {14, 15, 16})
    steps = relayed(person, {1: slid, 2: known(20, 30, 2.0, set(range(20, 31)))}, 31)
    assert_array_equal(np.flatnonzero(np.isfinite(steps["dx_px"])), [*range(1, 15), *range(21, 31)])


def test_frames_between_those_looked_at_are_carried() -> None:
    every = walk(0, 30, start_x=0)
    person = every.where(every.frames % 3 == 0)
    steps = relayed(person, {1: known(0, 30, 1.0, set(person.frames.tolist()))}, 31)
    assert np.isfinite(steps["dx_px"][1:]).all()
