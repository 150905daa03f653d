"""Holes that are crossed as the body would have gone on."""

import numpy as np
import pytest

from tasks.maths.anchor.bridge import crossed

NO_GAIT = np.full(60, np.nan)


def test_a_hole_is_crossed_at_the_speeds_of_its_edges() -> None:
    time_s = np.arange(60) / 30
    arc = np.column_stack([90 * time_s, 200 * (time_s - 1) ** 2])
    guessed = (np.arange(60) > 20) & (np.arange(60) < 35)
    straight = np.where(guessed[:, None], 0.0, arc)
    made = crossed(time_s, straight, guessed, NO_GAIT, 1.0)
    np.testing.assert_allclose(made, arc, atol=4.0)  # a straight line is off by 12.5
    np.testing.assert_array_equal(crossed(time_s, straight, guessed, NO_GAIT, 0.4), straight)
    at_an_end = np.arange(60) < 20
    np.testing.assert_array_equal(crossed(time_s, straight, at_an_end, NO_GAIT, 1.0), straight)


@pytest.mark.parametrize("stride_hz", [0.8, 1.1])
@pytest.mark.parametrize("first", [140, 146, 152])
def test_who_walks_behind_a_post_goes_on_walking_there(stride_hz: float, first: int) -> None:
    """Half a second, wherever in the gait it begins. At the speeds of its ends a cubic is off by 10 to 19 px."""
    time_s = np.arange(300) / 30
    turn = 2 * np.pi * stride_hz * time_s
    walk = np.stack([60 * time_s + 3 * np.sin(turn), 200 + 2 * time_s + 8 * np.cos(2 * turn)], axis=1)
    guessed = np.zeros(300, dtype=bool)
    guessed[first : first + 15] = True
    broken = np.where(guessed[:, None], 0.0, walk)
    made = crossed(time_s, broken, guessed, np.full(300, stride_hz), 1.0)
    np.testing.assert_allclose(made, walk, atol=0.5)
    by_speeds = crossed(time_s, broken, guessed, np.full(300, np.nan), 1.0)
    assert np.abs(by_speeds - walk).max() > 8


def test_what_is_made_anew_meets_what_is_known() -> None:
    """A camera that was pushed while nobody was seen: the path after it lies elsewhere."""
    time_s = np.arange(200) / 25
    walk = np.stack([50 * time_s, 100 + 6 * np.cos(2 * np.pi * 2 * time_s)], axis=1)
    walk[110:] += [12.0, -9.0]
    guessed = np.zeros(200, dtype=bool)
    guessed[100:110] = True
    made = crossed(time_s, np.where(guessed[:, None], np.nan, walk), guessed, np.full(200, 1.0), 1.0)
    steps = np.abs(np.diff(made, axis=0))
    assert (steps[99:110].max(axis=0) < steps[:99].max(axis=0) + 2.5).all()
    np.testing.assert_array_equal(made[~guessed], walk[~guessed])
