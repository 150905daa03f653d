"""C3D files of markers and gait events (https://www.c3d.org), in floating point with Intel byte order.

A file is blocks of 512 bytes: a header, the parameters in groups, and four numbers for each marker of each frame: x, y,
z, and 0, or -1 where the marker was not seen.
"""

import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tasks.errors import OutputError, writing
from tasks.maths.arrays import Floats

BLOCK_BYTES: Final = 512  # the unit of a C3D file: its sections begin with a block
MOST_EVENTS: Final = 255  # a dimension of a parameter is one byte
MOST_FRAMES: Final = 65_535  # a frame's number is two bytes
INTEL: Final = 84  # C3D's code for little-endian numbers
Value = int | float | list[str] | Floats


class ContactMark(NamedTuple):
    """A gait event with the words that C3D uses."""

    context: str  # Left or Right
    label: str  # Foot Strike or Foot Off
    time_s: float  # after the first frame


def write_c3d(
    path: Path,
    labels: Sequence[str],
    places: Floats,
    rate_hz: float,
    unit: str,
    marks: Sequence[ContactMark],
    about: str,
) -> None:
    """Write markers (n, k, 3), NaN where not seen, and up to ``MOST_EVENTS`` events; ``about`` describes each marker.

    ``OutputError`` if it cannot be written, or has more than ``MOST_FRAMES`` frames.
    """
    count = len(places)
    if count > MOST_FRAMES:
        raise OutputError(f"{path.name}: a C3D file holds {MOST_FRAMES} frames, and this has {count}; leave c3d out")
    blocks = _blocks(_parameters(labels, count, rate_hz, unit, marks, about, 0))
    parameters = _parameters(labels, count, rate_hz, unit, marks, about, 2 + blocks)
    start = bytes([1, 80, blocks, INTEL])
    frames = np.zeros((count, len(labels), 4), np.float32)
    seen = np.all(np.isfinite(places), axis=2)
    frames[..., :3] = np.where(seen[..., None], places, 0)
    frames[..., 3] = np.where(seen, 0, -1)
    data = _header(len(labels), count, 2 + blocks, rate_hz) + (start + parameters).ljust(blocks * BLOCK_BYTES, b"\0")
    with writing(path):
        path.write_bytes(data + _padded(frames.tobytes()))


def _header(markers: int, frames: int, data_block: int, rate_hz: float) -> bytes:
    numbers = struct.pack("<BBHHHHHfHHf", 2, 80, markers, 0, 1, frames, 0, -1.0, data_block, 0, rate_hz)
    return numbers.ljust(BLOCK_BYTES, b"\0")


def _parameters(
    labels: Sequence[str],
    frames: int,
    rate_hz: float,
    unit: str,
    marks: Sequence[ContactMark],
    about: str,
    data_block: int,
) -> bytes:
    """All groups. Their length does not depend on ``data_block``."""
    events = marks[:MOST_EVENTS]
    groups: dict[str, dict[str, Value]] = {
        "TRIAL": {"ACTUAL_START_FIELD": np.array([1.0, 0]), "ACTUAL_END_FIELD": np.array([frames, 0.0])},
        "POINT": {
            "USED": len(labels),
            "SCALE": -1.0,
            "RATE": rate_hz,
            "DATA_START": data_block,
            "FRAMES": frames,
            "LABELS": list(labels),
            "DESCRIPTIONS": [about] * len(labels),
            "UNITS": [unit],
        },
        "ANALOG": {"USED": 0},
        "EVENT": {
            "USED": len(events),
            "CONTEXTS": [mark.context for mark in events],
            "LABELS": [mark.label for mark in events],
            "TIMES": np.array([divmod(mark.time_s, 60) for mark in events]).reshape(-1, 2),
        },
    }
    records = b"".join(
        record
        for number, (name, values) in enumerate(groups.items(), start=1)
        for record in _group(number, name, values)
    )
    return records + b"\0\0"


def _group(number: int, name: str, values: dict[str, Value]) -> Iterator[bytes]:
    yield struct.pack("<bb", len(name), -number) + name.encode() + struct.pack("<hB", 3, 0)
    for key, value in values.items():
        described = _described(value) + b"\0"  # no description
        yield struct.pack("<bb", len(key), number) + key.encode() + struct.pack("<h", 2 + len(described)) + described


def _described(value: Value) -> bytes:
    """Type, number of dimensions, dimensions and data of a parameter; the first dimension changes fastest."""
    if isinstance(value, int):
        return struct.pack("<bBH", 2, 0, value)
    if isinstance(value, float):
        return struct.pack("<bBf", 4, 0, value)
    if isinstance(value, list):
        width = max(map(len, value), default=0)
        text = b"".join(word.encode("ascii").ljust(width) for word in value)
        return struct.pack("<bBBB", -1, 2, width, len(value)) + text
    if value.ndim == 1:  # whole numbers
        return struct.pack("<bBB", 2, 1, len(value)) + value.astype("<u2").tobytes()
    return struct.pack("<bBBB", 4, 2, value.shape[1], value.shape[0]) + value.astype("<f4").tobytes()


def _blocks(parameters: bytes) -> int:
    return -(-(len(parameters) + 4) // BLOCK_BYTES)


def _padded(data: bytes) -> bytes:
    return data.ljust(-(-len(data) // BLOCK_BYTES) * BLOCK_BYTES, b"\0")
