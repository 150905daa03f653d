"""Frames that repeat the one before: a clip of 24 Hz stretched to 30 Hz, or frames that a camera has dropped."""

from array import array
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Flags, Floats

SAMPLED_ROWS, SAMPLED_COLUMNS = 8, 4  # every so many: enough to see whether the picture changes
PARTS: Final = 8  # of the height and of the width: where one of these parts changes as usual, something moves
LEAST_PART_SAMPLES: Final = 4  # each way; a small picture has fewer parts
# On each side: the neighbours that a change is compared with, near and around. A flash changes all of the nearest ones.
REACHES_FRAMES: Final = (4, 15)
USUAL_PERCENTILE: Final = 75  # of their changes: every second frame may be a repeated one
LEAST_USUAL_LEVELS: Final = 0.3  # where the picture changes less, nothing moves, and a repetition matters to nobody
# Share of the usual change: of the whole picture, and of the part that changes most. The larger one counts. Of 404
# frames of 3 clips none that was not repeated is below 0.18, and 6 are below 0.3. In the flashes of one of them the
# whole picture alone had 0.1 where a man jumps; his part has 0.69. Of repeated ones, encoded again with crf 18 to 28,
# nearly all are below 0.13, with a moving camera below 0.3.
SURE_SHARE: Final = 0.12
REGULAR_SHARE: Final = 0.35  # enough where such frames come at one distance
LEAST_REGULAR_FRAMES: Final = 5  # likely repeated ones: with fewer, equal distances may be chance
LEAST_REGULAR_GAPS: Final = 0.7  # share of the distances that are the usual one


class Changes:
    """How much each picture of a clip differs from the one before: the mean difference of its luma, in levels.

    It is kept for the whole picture, and for the part that changes most when its mean change is taken out: light alone
    changes all of a part.
    """

    def __init__(self) -> None:
        self._levels = array("d")  # two for each frame; 8 bytes each, where a list takes 32
        self._before: NDArray[np.uint8] | None = None

    def add(self, luma: NDArray[np.uint8]) -> None:
        """Take the next picture, (h, w). Few of its samples are looked at, and copied."""
        samples = np.ascontiguousarray(luma[::SAMPLED_ROWS, ::SAMPLED_COLUMNS])
        before, self._before = self._before, samples
        if before is None:
            self._levels.extend((np.nan, np.nan))
        else:  # without a copy in floats, which takes three times as long
            change = np.maximum(samples, before) - np.minimum(samples, before)
            self._levels.extend((float(change.mean()), _largest_part(samples, before)))

    def repeated(self) -> Flags:
        """The pictures (n,) that repeat the one before."""
        return find_repeated(np.array(self._levels).reshape(-1, 2))


def _largest_part(samples: NDArray[np.uint8], before: NDArray[np.uint8]) -> float:
    """The largest mean deviation of the change from its mean, of ``PARTS`` by ``PARTS`` parts of two pictures (h, w).

    In a small picture there are fewer. Rows and columns that are left over are in no part.
    """
    height, width = (min(length, max(LEAST_PART_SAMPLES, length // PARTS)) for length in samples.shape)
    rows, columns = samples.shape[0] // height, samples.shape[1] // width
    change = samples[: rows * height, : columns * width].astype(np.int16) - before[: rows * height, : columns * width]
    parts = change.reshape(rows, height, columns, width)
    mean = parts.mean(axis=(1, 3), keepdims=True, dtype=np.float32).astype(np.int16)
    return float(np.abs(parts - mean).mean(axis=(1, 3), dtype=np.float32).max())


def find_repeated(changes: Floats) -> Flags:
    """Frames (n,) that repeat the one before, by how much each differs from it in k ways (n, k), in levels.

    It must differ little in each of them. The first row is NaN.
    """
    shares = np.max([_shares_of_usual(way) for way in changes.T], axis=0)
    sure = np.asarray(shares < SURE_SHARE)
    likely = np.flatnonzero(shares < REGULAR_SHARE)
    gaps = np.diff(likely)
    if len(likely) >= LEAST_REGULAR_FRAMES:
        usual_gap = int(np.bincount(gaps).argmax())
        if np.mean(gaps == usual_gap) >= LEAST_REGULAR_GAPS:
            sure[likely[np.isin(likely - usual_gap, likely) | np.isin(likely + usual_gap, likely)]] = True
    return sure


def _shares_of_usual(changes: Floats) -> Floats:
    """How much each frame (n,) differs from the one before, as a share of the usual change; infinite without one."""
    shares = np.full(len(changes), np.inf)
    for frame in range(1, len(changes)):
        usual = min(_usual_change(changes, frame, reach) for reach in REACHES_FRAMES)
        if usual >= LEAST_USUAL_LEVELS:
            shares[frame] = changes[frame] / usual
    return shares


def _usual_change(changes: Floats, frame: int, reach: int) -> float:
    """The usual change within ``reach`` frames of a frame, without its own; 0 where it is the only one."""
    beside = np.concatenate([changes[max(1, frame - reach) : frame], changes[frame + 1 : frame + 1 + reach]])
    return _percentile(np.sort(beside).tolist(), USUAL_PERCENTILE) if len(beside) else 0.0


def _percentile(ordered: list[float], percent: int) -> float:
    """The same as ``numpy.percentile``, in a tenth of its time: it is asked for twice a frame."""
    place = (len(ordered) - 1) * (percent / 100)
    below = int(place)
    share, low, high = place - below, ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return low + (high - low) * share if share < 0.5 else high - (high - low) * (1 - share)


def first_showing(repeated: Flags) -> NDArray[np.int64]:
    """For each frame (n,) the first one that shows its picture: itself, unless it is repeated. Frame 0 is itself."""
    own = np.arange(len(repeated))
    return np.maximum.accumulate(np.where(repeated & (own > 0), 0, own))
