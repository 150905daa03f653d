"""How often a person strides, and how long the torso is: the two scales that an anchor's errors go with."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import (
    HIPS,
    LANDMARK_NAMES,
    LEFT_ANKLE,
    RIGHT_ANKLE,
    SHOULDERS,
    PoseTrack,
    torso_length_px,
)
from tasks.maths.frame_times import nearest_index
from tasks.maths.spectra import Spectra, has_spectrum, windowed_spectra

ANKLES: Final = (LEFT_ANKLE, RIGHT_ANKLE)
WRISTS: Final = (LANDMARK_NAMES.index("left_wrist"), LANDMARK_NAMES.index("right_wrist"))
ELBOWS: Final = (LANDMARK_NAMES.index("left_elbow"), LANDMARK_NAMES.index("right_elbow"))
LEAST_ANKLE_VISIBILITY: Final = 0.5  # mean visibility
STRIDE_RANGE_HZ: Final = (0.3, 2.2)
LEAST_LINE_SHARE: Final = 0.5  # of the power between the ankles, in one line: a gait
MOST_COMMON_SHARE: Final = (
    0.4  # of the line: at most so much power have both legs together at the stride; one alone has all of it
)
LEAST_SWING_TORSOS: Final = 0.05  # of the torso's length, rms: a gait
AXIS_SETS: Final = ([0, 1], [0], [1])  # both together first
LEAST_WALKING_SHARE: Final = 0.34  # of the clip: a gait seen in less of it is taken for chance


def pose_stride_hz(track: PoseTrack, *, window_s: float = 5.0) -> Floats:
    """Gait frequency (n,) in Hz of each frame of a clip, NaN where nobody walks.

    The ankles tell; in a clip that does not show them, the wrists or else the elbows, which swing against each other
    as well.
    """
    size = torso_length_px(track.xy_px)
    nothing = np.full(track.frames, np.nan)
    if not np.isfinite(size).any():
        return nothing
    shown = np.nanmean(track.visibility[:, ANKLES]) >= LEAST_ANKLE_VISIBILITY
    for pair, middle in ((ANKLES, HIPS),) if shown else ((WRISTS, SHOULDERS), (ELBOWS, SHOULDERS)):
        about = track.xy_px[:, middle].mean(axis=1)
        left, right = ((track.xy_px[:, end] - about) / np.nanmedian(size) for end in pair)
        found = limb_stride_hz(track.time_s, left, right, window_s)
        if np.isfinite(found).any():
            return found
    return nothing


def limb_stride_hz(time_s: Floats, left: Floats, right: Floats, window_s: float) -> Floats:
    """Gait frequency (n,) of each frame from two limbs' ends (n, 2) about the body, in torso lengths; NaN without.

    In a gait they swing against each other: their difference is one line, their sum is quiet. One leg that moves
    alone, or a body that sways above both feet, is none. One axis suffices: who comes towards the camera lifts one
    foot after the other while the body sways sideways. Where the model confuses left and right, the ends' distance is
    looked at instead, which swings twice a stride.
    """
    known = np.isfinite(left).all(axis=1) & np.isfinite(right).all(axis=1)
    nothing = np.full(len(time_s), np.nan)
    if known.sum() < 8 or not has_spectrum(time_s, window_s):
        return nothing
    legs = np.concatenate([left - right, left + right], axis=1)
    legs = np.stack([np.interp(time_s, time_s[known], column[known]) for column in legs.T], axis=1)
    apart, together = (
        [windowed_spectra(time_s, part[:, axes], window_s) for axes in AXIS_SETS] for part in np.split(legs, 2, 1)
    )
    distance = windowed_spectra(time_s, np.hypot(*legs[:, :2].T)[:, None], window_s)
    lines = [_stride_line_hz(*pair, 1) for pair in zip(apart, together, strict=True)]
    found = first_finite([*lines, _stride_line_hz(distance, together[0], 2) / 2])
    gait = np.isfinite(found)
    if gait.mean() < LEAST_WALKING_SHARE:
        return nothing
    middle_s = distance.middle_s[gait]
    place = nearest_index(time_s, middle_s)
    return np.asarray(np.where(np.abs(time_s - middle_s[place]) <= 0.5 * window_s, found[gait][place], np.nan))


def first_finite(rows: Sequence[Floats]) -> Floats:
    """For each place the first of the rows (n,) that is finite there; NaN where none is."""
    found = np.full(len(rows[0]), np.nan)
    for row in rows:
        found = np.where(np.isfinite(found), found, row)
    return found


def _stride_line_hz(spectra: Spectra, together: Spectra, times: int) -> Floats:
    """Frequency (w,) of the one line, ``times`` that of a stride, that holds most of the power; NaN without.

    It stands free of what is below it, and at the stride the legs' sum is quiet.
    """
    hz, power = spectra.hz, spectra.power
    lowest_hz, highest_hz = times * STRIDE_RANGE_HZ[0], times * STRIDE_RANGE_HZ[1]
    within = (hz >= lowest_hz) & (hz <= 2 * highest_hz)
    place = np.arange(len(hz))
    peak = np.where(within & (hz <= highest_hz), power, 0.0).argmax(axis=1)[:, None]
    height = np.take_along_axis(power, peak, axis=1)[:, 0]
    line = np.where((np.abs(place - peak) <= 2) & within, power, 0.0)
    whole, total = line.sum(axis=1), np.where(within, power, 0.0).sum(axis=1)
    below = np.where(place < peak - 1, power, 0.0).max(axis=1) < 0.4 * height
    loud = np.abs(place - ((peak + 1) // times - 1)) <= 1  # hz[0] is one step from nought
    quiet = np.where(loud, together.power, 0.0).sum(axis=1) < MOST_COMMON_SHARE * whole
    gait = (whole > LEAST_LINE_SHARE * total) & (2 * whole * hz[0] > LEAST_SWING_TORSOS**2) & below & quiet
    return np.divide((line * hz).sum(axis=1), whole, out=np.full(len(whole), np.nan), where=gait)
