"""Stride frequency of a person, from the swing of the limbs against each other."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import (
    ANKLES,
    HIPS,
    LANDMARK_NAMES,
    SHOULDERS,
    PoseTrack,
    torso_length_px,
)
from tasks.maths.frame_times import nearest_index
from tasks.maths.spectra import Spectra, has_spectrum, windowed_spectra

WRISTS: Final = (LANDMARK_NAMES.index("left_wrist"), LANDMARK_NAMES.index("right_wrist"))
ELBOWS: Final = (LANDMARK_NAMES.index("left_elbow"), LANDMARK_NAMES.index("right_elbow"))
LEAST_ANKLE_VISIBILITY: Final = 0.5  # mean visibility; below it the arms are used
STRIDE_RANGE_HZ: Final = (0.3, 2.2)  # strides a second: from a step every 1.7 s to a run of 4.4 steps a second
LEAST_LINE_SHARE: Final = 0.5  # of the power of the limbs' difference that one spectral line holds in a gait
# of the line: the limbs' sum has at most this power at the stride; a single moving limb has all of it
MOST_COMMON_SHARE: Final = 0.4
LEAST_SWING_TORSOS: Final = 0.05  # rms, in torso lengths
AXIS_SETS: Final = ([0, 1], [0], [1])  # both together first
LEAST_WALKING_SHARE: Final = 0.34  # of the clip: a gait found in less of it is taken for chance


def pose_stride_hz(track: PoseTrack, *, window_s: float = 5.0) -> Floats:
    """Stride frequency (n,) of each frame of a clip, NaN without a gait.

    Measured on the ankles. If the clip does not show them, the wrists or else the elbows are used, which swing against
    each other as well.
    """
    torso_px = torso_length_px(track.xy_px)
    unknown = np.full(track.frames, np.nan)
    if not np.isfinite(torso_px).any():
        return unknown
    shown = np.nanmean(track.visibility[:, ANKLES]) >= LEAST_ANKLE_VISIBILITY
    for pair, middle in ((ANKLES, HIPS),) if shown else ((WRISTS, SHOULDERS), (ELBOWS, SHOULDERS)):
        centre = track.xy_px[:, middle].mean(axis=1)
        left, right = ((track.xy_px[:, end] - centre) / np.nanmedian(torso_px) for end in pair)
        stride_hz = limb_stride_hz(track.time_s, left, right, window_s)
        if np.isfinite(stride_hz).any():
            return stride_hz
    return unknown


def limb_stride_hz(time_s: Floats, left: Floats, right: Floats, window_s: float) -> Floats:
    """Stride frequency (n,) from two limb ends (n, 2), relative to the body and in torso lengths; NaN without a gait.

    In a gait the limbs swing against each other: their difference is one spectral line, and their sum is quiet. One leg
    that moves alone, or a body that sways above both feet, is no gait. One axis is enough: a person who walks towards
    the camera lifts one foot after the other while the body sways sideways. Where the model confuses left and right,
    the distance of the ends is used, which swings twice a stride.
    """
    known = np.isfinite(left).all(axis=1) & np.isfinite(right).all(axis=1)
    unknown = np.full(len(time_s), np.nan)
    if known.sum() < 8 or not has_spectrum(time_s, window_s):
        return unknown
    legs = np.concatenate([left - right, left + right], axis=1)
    legs = np.stack([np.interp(time_s, time_s[known], column[known]) for column in legs.T], axis=1)
    differences, sums = (
        [windowed_spectra(time_s, part[:, axes], window_s) for axes in AXIS_SETS] for part in np.split(legs, 2, 1)
    )
    distance = windowed_spectra(time_s, np.hypot(*legs[:, :2].T)[:, None], window_s)
    lines = [_stride_line_hz(*pair, 1) for pair in zip(differences, sums, strict=True)]
    stride_hz = first_finite([*lines, _stride_line_hz(distance, sums[0], 2) / 2])
    gait = np.isfinite(stride_hz)
    if gait.mean() < LEAST_WALKING_SHARE:
        return unknown
    middle_s = distance.middle_s[gait]
    window = nearest_index(time_s, middle_s)
    return np.asarray(np.where(np.abs(time_s - middle_s[window]) <= 0.5 * window_s, stride_hz[gait][window], np.nan))


def first_finite(rows: Sequence[Floats]) -> Floats:
    """For each position the first of the rows (n,) that is finite there; NaN where none is."""
    found = np.full(len(rows[0]), np.nan)
    for row in rows:
        found = np.where(np.isfinite(found), found, row)
    return found


def _stride_line_hz(spectra: Spectra, together: Spectra, times: int) -> Floats:
    """Frequency (w,) of the spectral line at ``times`` strides that holds most of the power; NaN without such a line.

    The line is clear of the power below it, and the limbs' sum (``together``) is quiet at the stride.
    """
    hz, power = spectra.hz, spectra.power
    lowest_hz, highest_hz = times * STRIDE_RANGE_HZ[0], times * STRIDE_RANGE_HZ[1]
    within = (hz >= lowest_hz) & (hz <= 2 * highest_hz)
    index = np.arange(len(hz))
    peak = np.where(within & (hz <= highest_hz), power, 0.0).argmax(axis=1)[:, None]
    height = np.take_along_axis(power, peak, axis=1)[:, 0]
    line = np.where((np.abs(index - peak) <= 2) & within, power, 0.0)
    line_power, total_power = line.sum(axis=1), np.where(within, power, 0.0).sum(axis=1)
    clear = np.where(index < peak - 1, power, 0.0).max(axis=1) < 0.4 * height
    at_stride = np.abs(index - ((peak + 1) // times - 1)) <= 1  # hz[0] is one step above 0
    quiet = np.where(at_stride, together.power, 0.0).sum(axis=1) < MOST_COMMON_SHARE * line_power
    gait = (
        (line_power > LEAST_LINE_SHARE * total_power) & (2 * line_power * hz[0] > LEAST_SWING_TORSOS**2) & clear & quiet
    )
    return np.asarray(np.divide((line * hz).sum(axis=1), line_power, out=np.full(len(line_power), np.nan), where=gait))
