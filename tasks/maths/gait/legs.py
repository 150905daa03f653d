"""The two legs of a walker told apart: a pose model exchanges them where one hides the other.

Seen from the side the legs cross twice a stride. There the model gives the left leg to the right side for some frames,
or both sides to one leg. The lead of the left foot over the right one swings once a stride, so a wave of that period,
fitted to the neighbouring frames, says which foot must be in front.
"""

from typing import Final, NamedTuple

import numpy as np

from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import LANDMARK_NAMES
from tasks.maths.frame_times import interpolate_at

LEG_PARTS: Final = ("knee", "ankle", "heel", "foot_index")
LEFT_LEG: Final = tuple(LANDMARK_NAMES.index(f"left_{part}") for part in LEG_PARTS)
RIGHT_LEG: Final = tuple(LANDMARK_NAMES.index(f"right_{part}") for part in LEG_PARTS)
LEGS: Final = LEFT_LEG + RIGHT_LEG
WINDOW_STRIDES: Final = 0.8  # standard deviation of the weights of a fit
REACH_WINDOWS: Final = 6.0  # of that deviation: frames farther off have a weight below 2e-8
FITS_PER_STRIDE: Final = 4
ROUNDS: Final = 6  # of fitting and choosing signs; five were enough in all drawn and filmed walks
HARMONICS: Final = (1, 3)  # of the stride: the lead of one foot over the other has no even ones in an even gait
CLEAR_LEAD: Final = 0.25  # of the wave's amplitude: where the feet pass each other the model's sides are kept
FALSE_LEAD: Final = 0.4  # of the wave's amplitude: a lead that far from the wave is no position of two feet


class Sides(NamedTuple):
    """In which frames (n,) the model had the legs wrong."""

    exchanged: Flags  # left for right
    false: Flags  # both sides on one leg, or on neither


def untangle(lead: Floats, time_s: Floats, stride_hz: float) -> Sides:
    """Where the sides are wrong, from the ``lead`` (n,) of the left foot over the right one along the way.

    The sides of the whole stretch are those that the model gave in most frames.
    """
    sign = np.ones(len(lead))
    wave = np.zeros(len(lead))
    for _ in range(ROUNDS):
        wave = _wave(sign * lead, time_s, stride_hz)
        sign = np.where(wave * lead < 0, -1.0, 1.0)
    if np.sum(wave * lead) < 0:  # most of what the model saw is the other way round
        wave = -wave
    amplitude = np.sqrt(2 * np.mean(wave**2))
    exchanged = np.abs(-lead - wave) < np.abs(lead - wave) - CLEAR_LEAD * amplitude
    return Sides(exchanged, np.abs(np.where(exchanged, -lead, lead) - wave) > FALSE_LEAD * amplitude)


def _wave(lead: Floats, time_s: Floats, stride_hz: float) -> Floats:
    """A wave of ``HARMONICS`` of the stride (n,), fitted to ``lead`` (n,) with weights that fall with the distance.

    Each fit takes the sign that agrees with the one before: a stretch that is exchanged as a whole is turned back.
    """
    count = max(2, round((time_s[-1] - time_s[0]) * stride_hz * FITS_PER_STRIDE))
    centres = np.linspace(time_s[0], time_s[-1], count)
    angle = 2 * np.pi * stride_hz * (time_s - time_s[0])
    basis = np.stack([turn(order * angle) for order in HARMONICS for turn in (np.cos, np.sin)], axis=1)
    fits: list[Floats] = []
    reach_s = REACH_WINDOWS * WINDOW_STRIDES / stride_hz
    firsts, ends = (np.searchsorted(time_s, edges_s) for edges_s in (centres - reach_s, centres + reach_s))
    for centre, first, end in zip(centres, firsts, ends, strict=True):
        near = slice(first, end)
        weight = np.exp(-0.5 * ((time_s[near] - centre) * stride_hz / WINDOW_STRIDES) ** 2)
        rows = weight[:, None] * basis[near]
        solved = np.linalg.solve(rows.T @ basis[near] + 1e-9 * np.eye(basis.shape[1]), rows.T @ lead[near])
        fits.append(-solved if fits and solved[:2] @ fits[-1][:2] < 0 else solved)
    coefficients = interpolate_at(time_s, centres, np.stack(fits))
    return np.asarray(np.sum(coefficients * basis, axis=1))
