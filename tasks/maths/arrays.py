"""Array types of all modules, and runs of equal values in an array."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Labels = NDArray[np.str_]
Bytes = NDArray[np.uint8]
Singles = NDArray[np.float32]
Probability = NDArray[np.float32]  # (h, w), 0 to 1


def true_runs(flags: Flags) -> list[tuple[int, int]]:
    """``(first, last)`` indices of each run of True in ``flags`` (n,)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(start), int(stop) - 1) for start, stop in zip(edges[::2], edges[1::2], strict=True)]


def equal_slices(values: NDArray[np.int64]) -> list[slice]:
    """The slices of each run of equal ``values`` (n,), in order."""
    edges = [0, *(np.flatnonzero(np.diff(values)) + 1).tolist(), len(values)]
    return [slice(start, stop) for start, stop in pairwise(edges) if stop > start]


def label_runs(labels: Labels) -> list[tuple[str, int, int]]:
    """``(label, first, last)`` of each run of equal ``labels`` (n,), n at least 1."""
    starts = np.flatnonzero(np.append(True, labels[1:] != labels[:-1]))
    lasts = np.append(starts[1:], len(labels)) - 1
    return [(str(labels[first]), int(first), int(last)) for first, last in zip(starts, lasts, strict=True)]
