"""The legs of a walker are told apart where the model confuses them."""

import numpy as np
import pytest

from tasks.maths.gait.legs import untangle

STRIDE_HZ = 0.9
TIME_S = np.arange(300) / 30
LEAD = 1.3 * np.cos(2 * np.pi * STRIDE_HZ * TIME_S)


@pytest.mark.parametrize("seed", range(4))
def test_exchanged_frames_are_found(seed: int) -> None:
    random = np.random.default_rng(seed)
    exchanged = np.zeros(300, np.bool_)
    for first in random.integers(0, 295, 12):
        exchanged[first : first + 4] = True
    found = untangle(np.where(exchanged, -LEAD, LEAD), TIME_S, STRIDE_HZ)
    apart = np.abs(LEAD) > 0.2
    assert (found.exchanged == exchanged)[apart].mean() > 0.99


def test_a_stride_that_is_exchanged_as_a_whole_is_turned_back() -> None:
    lead = LEAD.copy()
    lead[120:153] *= -1
    found = untangle(lead, TIME_S, STRIDE_HZ)
    apart = np.abs(LEAD) > 0.2
    assert found.exchanged[120:153][apart[120:153]].all()
    assert not found.exchanged[:120][apart[:120]].any()


def test_two_sides_on_one_leg_are_false() -> None:
    lead = LEAD.copy()
    lead[131:136] = 0.0  # where the feet are farthest apart
    found = untangle(lead, TIME_S, STRIDE_HZ)
    assert found.false[131:136].all()
    assert not found.false[:125].any()


def test_a_slightly_wrong_stride_frequency_does_no_harm() -> None:
    found = untangle(LEAD, TIME_S, STRIDE_HZ * 1.03)
    assert not found.exchanged[np.abs(LEAD) > 0.2].any()
