"""Times of frames as runs of even steps, from which a page tells the frame of a moment."""

import numpy as np
import pytest

from tasks.maths.arrays import Floats
from tasks.maths.frame_times import EVEN_TOLERANCE_INTERVALS, EvenRun, even_runs


def told(runs: list[EvenRun], frames: int) -> Floats:
    """The times that the runs give."""
    ends = [run.frame for run in runs[1:]] + [frames]
    return np.concatenate(
        [run.start_s + np.arange(end - run.frame) * run.step_s for run, end in zip(runs, ends, strict=True)]
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_runs_give_the_times_of_all_frames(seed: int) -> None:
    random = np.random.default_rng(seed)
    steps_s = np.repeat(random.uniform(0.01, 0.1, 6), random.integers(1, 40, 6)) + random.uniform(0, 0.002, 1)
    time_s = 3 + np.concatenate([[0.0], np.cumsum(steps_s)])
    runs = list(even_runs(time_s))
    assert len(runs) <= 12
    assert np.abs(told(runs, len(time_s)) - time_s).max() <= EVEN_TOLERANCE_INTERVALS * np.diff(time_s).mean() + 1e-9


@pytest.mark.parametrize("digits", [3, 9])  # Matroska rounds to milliseconds
def test_a_constant_rate_is_one_run(digits: int) -> None:
    time_s = np.round(np.arange(5000) * 1001 / 30000, digits)
    (run,) = even_runs(time_s)
    assert run.frame == 0
    assert run.step_s == pytest.approx(1001 / 30000, rel=1e-4)


def test_one_frame_is_one_run_without_a_step() -> None:
    assert list(even_runs(np.array([2.5]))) == [EvenRun(0, 2.5, 0.0)]
