"""``mattes.zip``: the person's matte in each frame, losslessly; the same mattes give the same bytes.

Written front to back. Members:

- ``mattes_00000000``, ...: the mattes of up to 16 frames that have one, one behind the other. Each is a Zstandard frame
  of the opacity over its box, uint8 by rows, then for each plane the background where ``needed_behind`` says so, by
  rows, uint8 or uint16 (little-endian);
- ``index``: for each matte ``frame, x0, y0, x1, y1, bytes, packed`` as int64 (little-endian): its box in source px, how
  many bytes it has unpacked, and how many of its member are its own;
- ``mattes.json``, last: the pixel format and the number of frames.
"""

import json
import zipfile
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import UnreadableFile, writing
from tasks.media.files.compression import pack, unpack
from tasks.media.files.stored_zip import read_stored, read_stored_object, write_stored
from tasks.media.matting.person_matte import Matte
from tasks.media.planes.layout import PixelLayout
from tasks.media.planes.region import Region

REACH_SAMPLES: Final = 5  # how far from a place a filter that moves the background may look
SITED_SAMPLES: Final = 2  # farther, in planes with fewer samples: an edge between theirs belongs to both
_ABOUT: Final = "mattes.json"
_INDEX: Final = "index"
_FIELDS: Final = 7  # of the index
_TOGETHER: Final = 16  # mattes in a member: each member takes 0.6 KB of memory until the archive is closed


@dataclass
class MatteWriter:
    """Takes the mattes of all frames in order; memory grows by 0.1 KB a frame."""

    _archive: zipfile.ZipFile
    _layout: PixelLayout
    _frames: int = 0
    _index: "array[int]" = field(default_factory=lambda: array("q"))
    _waiting: list[bytes] = field(default_factory=list)
    _members: int = 0

    def write(self, matte: Matte | None) -> None:
        """Add the next frame's; None where it has none."""
        if matte is not None:
            needed = needed_behind(matte.opacity, [plane.shape for plane in matte.behind])
            samples = [plane[where].tobytes() for plane, where in zip(matte.behind, needed, strict=True)]
            content = b"".join([matte.opacity.tobytes(), *samples])
            packed = pack(content)
            self._waiting.append(packed)
            self._index.extend([self._frames, *matte.box, len(content), len(packed)])
            if len(self._waiting) == _TOGETHER:
                self._write_waiting()
        self._frames += 1

    def finish(self) -> None:
        """Write the last mattes and what describes the whole."""
        if self._waiting:
            self._write_waiting()
        write_stored(self._archive, _INDEX, np.array(self._index, "<i8").tobytes())
        content = {"pixel_format": self._layout.name, "frames": self._frames}
        write_stored(self._archive, _ABOUT, json.dumps(content).encode())

    def _write_waiting(self) -> None:
        write_stored(self._archive, _member_name(self._members), b"".join(self._waiting))
        self._members += 1
        self._waiting.clear()


@contextmanager
def matte_writer(path: Path, layout: PixelLayout) -> Iterator[MatteWriter]:
    """Open ``path`` for writing; it is whole when the block ends without an exception.

    ``OutputError`` when it cannot be written.
    """
    with writing(path), zipfile.ZipFile(path, "w") as archive:
        writer = MatteWriter(archive, layout)
        yield writer
        writer.finish()


def read_mattes(path: Path, layout: PixelLayout, size_px: tuple[int, int], frames: int) -> Iterator[Matte | None]:
    """The matte of each of ``frames``, None where it has none, with few in memory. The file closes with the generator.

    Behind the edge the background is as it was; elsewhere it is 0. ``OutputError`` if the file is missing or damaged,
    or of another number of frames. No matte takes more memory than a picture of ``size_px``, whatever the file claims.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            index = _read_index(archive, frames, size_px)
            following, member, begin = 0, b"", 0
            for frame in range(frames):
                if following == len(index) or index[following, 0] != frame:
                    yield None
                    continue
                *edges, size, packed = index[following, 1:].tolist()
                if following % _TOGETHER == 0:
                    member, begin = read_stored(archive, _member_name(following // _TOGETHER)), 0
                box = Region(*edges)
                yield _matte(unpack(member[begin : begin + packed], _bounded(size, box, layout)), box, layout)
                following, begin = following + 1, begin + packed
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise UnreadableFile.of(path, error) from error


def _read_index(archive: zipfile.ZipFile, frames: int, size_px: tuple[int, int]) -> NDArray[np.int64]:
    """The index (k, ``_FIELDS``) of a clip of ``frames`` frames.

    ``ValueError`` where the file is of another number of them, frames in the index are out of place, or boxes are not
    in a picture of ``size_px``.
    """
    if read_stored_object(archive, _ABOUT)["frames"] != frames:
        raise ValueError("it has another number of frames")
    index = np.frombuffer(read_stored(archive, _INDEX), "<i8").reshape(-1, _FIELDS)
    at = index[:, 0]
    if ((at < 0) | (at >= frames)).any() or (np.diff(at) < 1).any():
        raise ValueError("its index names frames that are not there, or not in order")
    first, last = index[:, 1:3], index[:, 3:5]
    if ((first < 0) | (last <= first) | (last > size_px)).any():
        raise ValueError("a box in it is empty, or not in the picture")
    return index


def _bounded(size: int, box: Region, layout: PixelLayout) -> int:
    """``size`` again; ``ValueError`` where a matte over ``box`` with all of the background has fewer bytes."""
    sizes_px = [layout.plane_wh(index, box.size_px) for index in range(layout.planes)]
    samples = sum(wide * high for wide, high in sizes_px)
    if size > box.size_px[0] * box.size_px[1] + samples * np.dtype(layout.dtype).itemsize:
        raise ValueError("a matte in it is longer than its box")
    return size


def _member_name(number: int) -> str:
    return f"mattes_{number:08d}"


def needed_behind(opacity: NDArray[np.uint8], shapes: list[tuple[int, ...]]) -> list[NDArray[np.bool_]]:
    """Where (h, w) of each plane the background can show through a person of this ``opacity`` (h, w), * 255.

    That is near the edge: where a moved picture is neither clear nor opaque, and ``REACH_SAMPLES`` around. ``shapes``
    are those of the planes.
    """
    around = np.ones((3, 3), np.uint8)
    # Beyond the box nothing is the person's.
    wide = cv2.copyMakeBorder(opacity, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    steps = cv2.morphologyEx(wide, cv2.MORPH_GRADIENT, around)[1:-1, 1:-1]
    edge = cv2.bitwise_or(steps, cv2.inRange(opacity, 1, 254))
    found: dict[tuple[int, ...], NDArray[np.bool_]] = {}
    for shape in shapes:
        if shape not in found:
            reach, its = REACH_SAMPLES + 1, edge
            if shape != opacity.shape:
                reach += SITED_SAMPLES
                rows, columns = (-(-mine // sample) for mine, sample in zip(opacity.shape, shape, strict=True))
                its = cv2.dilate(edge, np.ones((rows, columns), np.uint8), anchor=(0, 0))[::rows, ::columns]
            grown = cv2.dilate(its, np.ones((2 * reach + 1, 2 * reach + 1), np.uint8))
            found[shape] = np.asarray(grown[: shape[0], : shape[1]] > 0)
    return [found[shape] for shape in shapes]


def _matte(stored: bytes, box: Region, layout: PixelLayout) -> Matte:
    wide, high = box.size_px
    opacity = np.frombuffer(stored, np.uint8, wide * high).reshape(high, wide)
    shapes: list[tuple[int, ...]] = [layout.plane_wh(index, box.size_px)[::-1] for index in range(layout.planes)]
    needed = needed_behind(opacity, shapes)
    samples = np.frombuffer(stored, layout.dtype, offset=wide * high)
    behind = []
    for shape, where in zip(shapes, needed, strict=True):
        plane = np.zeros(shape, layout.dtype)
        count = np.count_nonzero(where)
        plane[where], samples = samples[:count], samples[count:]
        behind.append(plane)
    if len(samples):
        raise ValueError("a matte in it is longer than its box")
    return Matte(box, opacity, tuple(behind), at_edge=True)
