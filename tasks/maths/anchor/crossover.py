"""The cross-over frequency between pose and torso steps, and the drift below it.

The discrepancy is the pose minus the sum of the torso steps. It holds the drift of the steps and the error of the pose.
``solve_drift`` is a low-pass on it: the cross-over must be high enough to follow the drift and low enough to reject the
pose error.

The two differ in their spectra. Drift (a body that leans, turns or grows under its features) is broad and strongest at
low frequencies. The pose error swings with the stride and its harmonics, above a small floor. So below the stride
frequency, all power above the floor is drift. From the stride frequency on, the drift is continued as a random walk,
and the rest is pose error. Without a gait, all power above the floor is drift. Both spectra give the mean square error
of every cross-over (Wiener, 1949). The slowest one that is nearly as good as the best is taken.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.linalg import solveh_banded

from tasks.maths.arrays import Flags, Floats
from tasks.maths.frame_times import nearest_index, plausible_times_s
from tasks.maths.spectra import Spectra, has_spectrum, windowed_spectra

# Where no reason stands beside a value, it is a choice. Half and double of each were tried alone on six walkers of the
# lock table (level, at 24 and 60 fps, limp, turn, away), without smoothing: the standard deviation of the true hips in
# the output changes by 0.04 px at most. Only with double of DRIFT_ONLY_OF_STRIDE one of them sways by 0.5 px more.
CROSSOVER_CANDIDATES: Final = 33  # tried from the slowest to the fastest cross-over, evenly spaced in the logarithm
# Of cross-overs whose expected error is within this share of the least, the slowest is taken. On 3 drawings each of 7
# walkers that took 10 to 26 % off the sway of those who turn, lean, or are hidden for a while. Of eight shares tried
# there (0 to 50 %) it was the best for the leaning walker; for the others larger ones were no worse.
RISK_TOLERANCE: Final = 0.2
DRIFT_ONLY_OF_STRIDE: Final = 0.65  # of the stride frequency: below this the discrepancy holds no gait swing
HUBER_ROUNDS: Final = 3  # of reweighting
HUBER_LIMIT_STDS: Final = 3.0  # standard deviations
RAYLEIGH_MEDIAN_STDS: Final = 1.1774  # sqrt(2 ln 2): median of a distance in the plane, in stds of one axis
VALUE_SPAN_S: Final = 0.3  # a value represents at most this time around it
DRIFT_TENSION_S: Final = 0.15  # without a pose nearby, the drift returns to a constant in about this time
CUT_STIFFNESS_SHARE: Final = 1e-9  # of the stiffness: what remains where the chain is cut
BASE_TENSION_SHARE: Final = 1e-6  # of the tension, everywhere: with a single pose the slope would be undetermined


@dataclass(frozen=True)
class PoseError:
    """Prior for the pose error, apart from its swing with the gait.

    Choices, tried on nine walkers and five clips of the lock table. With less of ``std_torsos`` the one who turns sways
    more (0.013: 0.97 and not 0.82 px), and the clips tremble more (moonwalk 1.04 and not 0.98 px). With more, the one
    who leans sways more (0.02: 1.26 and not 1.25 px; 0.05: 3.3 px in one drawing). With half of ``correlation_s`` the
    one who turns swayed by 0.3 px more.
    """

    std_torsos: float = 0.016  # standard deviation per axis, in torso lengths
    correlation_s: float = 0.25  # correlation time


@dataclass(frozen=True)
class Crossover:
    """The chosen cross-over, and the expected errors that it was chosen by, in torso lengths."""

    hz: Floats  # (n,) of each frame
    expected_mse: float  # expected mean square error per axis, torso lengths squared
    drift_rms: float  # rms of the estimated drift
    pose_error_rms: float  # rms of the estimated pose error
    stride_hz: float  # median over the windows with a gait; NaN without any
    windows: int  # 0: the clip was too short, and the middle of the range is used


def choose_crossover(
    time_s: Floats,
    discrepancy: Floats,
    stride_hz: Floats,
    *,
    slowest_hz: float,
    fastest_hz: float,
    window_s: float,
    pose_error: PoseError,
) -> Crossover:
    """The cross-over of each frame, from the finite discrepancy (n, 2) in torso lengths.

    ``stride_hz`` (n,) is the stride frequency, NaN without a gait.
    """
    if not has_spectrum(time_s, window_s):
        middle = float(np.sqrt(slowest_hz * fastest_hz))
        return Crossover(np.full(len(time_s), middle), np.inf, np.nan, np.nan, np.nan, 0)
    spectra = windowed_spectra(time_s, discrepancy, window_s)
    stride = _stride_at(spectra.middle_s, time_s, stride_hz)
    drift, error = split_power(spectra, stride, pose_error)
    tried = np.geomspace(slowest_hz, fastest_hz, CROSSOVER_CANDIDATES)
    risk = expected_square_error(spectra.hz, drift, error, tried)
    good = risk <= (1 + RISK_TOLERANCE) * risk.min(axis=1, keepdims=True)
    best = tried[good.argmax(axis=1)]
    hz = np.exp(np.interp(time_s, spectra.middle_s, np.log(best)))
    step = spectra.hz[0]
    gait = float(np.nanmedian(stride)) if np.isfinite(stride).any() else np.nan
    return Crossover(
        hz,
        float(risk.min(axis=1).mean()),
        float(np.sqrt((drift.sum(axis=1) * step).mean())),
        float(np.sqrt((error.sum(axis=1) * step).mean())),
        gait,
        len(best),
    )


def crossover_reason(choice: Crossover, stream: str, set_hz: float | None) -> str:
    """The cross-over and the evidence for it, in one sentence with numbers.

    ``stream`` names the steps that it was chosen with, and ``set_hz`` is what the settings ask for; None: the choice.
    """
    if set_hz is not None:
        return f"cross-over {set_hz:g} Hz as set"
    low, middle, high = np.percentile(choice.hz, [5, 50, 95])
    chosen = f"cross-over {middle:.2f} Hz ({low:.2f} to {high:.2f} Hz) with the steps of {stream}"
    if choice.windows == 0:
        return f"{chosen}; the clip is too short to choose a better one"
    gait = f"stride {choice.stride_hz:.2f} Hz" if np.isfinite(choice.stride_hz) else "no gait"
    shares = (choice.drift_rms, choice.pose_error_rms, choice.expected_mse**0.5)
    drift, pose, rest = (f"{100 * share:.1f} %" for share in shares)
    return (
        f"{chosen}; {gait}; in torso lengths: drift of the features {drift}, pose error {pose}, expected error {rest}"
    )


def split_power(spectra: Spectra, stride_hz: Floats, pose_error: PoseError) -> tuple[Floats, Floats]:
    """Power spectra (w, f) of the drift and of the pose error, from those of the discrepancy in w windows.

    ``stride_hz`` (w,) is NaN in windows without a gait.
    """
    hz = spectra.hz
    power = _smoothed(spectra.power)
    floor = (
        4 * pose_error.std_torsos**2 * pose_error.correlation_s / (1 + (2 * np.pi * hz * pose_error.correlation_s) ** 2)
    )
    drift = np.maximum(power - floor, 0.0)
    limit = np.where(
        np.isfinite(stride_hz), np.maximum(DRIFT_ONLY_OF_STRIDE * np.nan_to_num(stride_hz), 1.01 * hz[0]), np.inf
    )
    free = hz < limit[:, None]
    walk = (drift * hz**2 * free).sum(axis=1) / free.sum(axis=1)
    drift = np.where(free, drift, walk[:, None] / hz**2)
    swing = np.where(free, np.nan, power - drift)
    measured = np.isfinite(swing).any(axis=0)
    mean_swing = np.zeros(len(hz))
    mean_swing[measured] = np.nanmean(swing[:, measured], axis=0)
    error = np.where(free, floor, np.maximum(mean_swing, floor))
    return drift, error


def expected_square_error(hz: Floats, drift: Floats, error: Floats, crossover_hz: Floats) -> Floats:
    """Mean square error (w, c) of the low-pass 1 / (1 + (f / cross-over)^4), for spectra (w, f) and c cross-overs."""
    below = hz[0] * np.array([0.25, 0.5])  # below the window's resolution: the lowest line is used
    lines = np.concatenate([below, hz])
    width = np.gradient(lines)
    drift = np.concatenate([drift[:, :1], drift[:, :1], drift], axis=1)
    error = np.concatenate([error[:, :1], error[:, :1], error], axis=1)
    passed = 1 / (1 + (lines / crossover_hz[:, None]) ** 4)  # (c, f)
    return np.asarray(drift @ ((1 - passed) ** 2 * width).T + error @ (passed**2 * width).T)


def _stride_at(middle_s: Floats, time_s: Floats, stride_hz: Floats) -> Floats:
    """Stride frequency (w,) of the windows: that of the frame nearest to each middle."""
    return np.asarray(stride_hz[nearest_index(middle_s, time_s)])


def _smoothed(power: Floats) -> Floats:
    """Each line averaged with its two neighbours, which have half its weight."""
    padded = np.concatenate([power[:, :1], power, power[:, -1:]], axis=1)
    return np.asarray(0.25 * padded[:, :-2] + 0.5 * padded[:, 1:-1] + 0.25 * padded[:, 2:])


def solve_drift(
    time_s: Floats, discrepancy: Floats, weight: Floats, crossover_hz: Floats, *, cut: Flags, torso_px: Floats
) -> Floats:
    """The drift (n, 2) that follows the discrepancy (n, 2) below ``crossover_hz`` (n,).

    Rows of weight 0 may be NaN. A weight is multiplied by the time that its frame represents, so that poses on every
    third frame pull as strongly. ``cut`` (n,) marks frames that are not connected to the frame before. ``torso_px``
    (n,) is the torso length. Huber weights limit the remaining outliers.
    """
    known = weight > 0
    pull = weight * _seconds_per_value(time_s, known)
    target = np.where(known[:, None], discrepancy, 0.0)
    bands = _stiffness_bands(time_s, crossover_hz, known, cut)
    robust = np.ones(len(discrepancy))
    drift = np.zeros_like(target)
    for _ in range(HUBER_ROUNDS):
        matrix = bands.copy()
        matrix[2] += pull * robust
        drift = solveh_banded(matrix, (pull * robust)[:, None] * target)
        distance = np.hypot(*(target - drift).T) / torso_px
        scale = max(float(np.median(distance[known])) / RAYLEIGH_MEDIAN_STDS, 1e-9)
        robust = np.minimum(1.0, HUBER_LIMIT_STDS * scale / np.maximum(distance, 1e-12))
    return np.asarray(drift)


def _stiffness_bands(time_s: Floats, crossover_hz: Floats, known: Flags, cut: Flags) -> Floats:
    """Upper bands (3, n) of the bending energy (2 pi f)^-4 (c'')^2, with the chain cut where ``cut`` says so.

    Far from any pose a small tension is added, so that the drift does not continue at its last speed.
    """
    count = len(time_s)
    bands = np.zeros((3, count))
    step = np.diff(plausible_times_s(time_s))
    connection = np.where(cut[1:], CUT_STIFFNESS_SHARE, 1.0)
    if count > 2:
        bend = np.stack([1 / step[:-1], -1 / step[:-1] - 1 / step[1:], 1 / step[1:]])  # (3, n - 2)
        stiff = (2 * np.pi * crossover_hz[1:-1]) ** -4.0 / (0.5 * (step[:-1] + step[1:]))
        stiff = stiff * np.minimum(connection[:-1], connection[1:])
        for first in range(3):
            for second in range(first, 3):
                at = slice(second, second + count - 2)
                bands[2 - (second - first), at] += stiff * bend[first] * bend[second]
    rows = np.flatnonzero(known)
    blind = np.abs(time_s - time_s[rows][nearest_index(time_s, time_s[rows])]) > VALUE_SPAN_S
    tension = (
        np.where(blind[1:] | blind[:-1], DRIFT_TENSION_S**2, BASE_TENSION_SHARE * DRIFT_TENSION_S**2)
        / step
        * connection
    )
    bands[2, 1:] += tension
    bands[2, :-1] += tension
    bands[1, 1:] -= tension
    return bands


def _seconds_per_value(time_s: Floats, known: Flags) -> Floats:
    """Seconds (n,) that each known frame represents: half way to its known neighbours, at most ``VALUE_SPAN_S``."""
    rows = np.flatnonzero(known)
    seconds = np.zeros(len(time_s))
    step = np.minimum(np.diff(time_s[rows]), VALUE_SPAN_S)
    edge = float(np.median(step)) if len(step) else 1.0
    seconds[rows] = 0.5 * (np.append(step, edge) + np.append(edge, step))
    return seconds
