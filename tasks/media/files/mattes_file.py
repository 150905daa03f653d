"""``mattes.zip``: the person's matte in each frame, losslessly; the same mattes give the same bytes.

Written front to back. Members:

- ``matte_00000000``, ...: for a frame that has a matte, a Zstandard frame of the opacity over its box, uint8 by rows,
  then for each plane the background where ``needed_behind`` says so, by rows, uint8 or uint16 (little-endian);
- ``mattes.json``, last: the pixel format, the number of frames, and for each frame with a matte ``[frame, x0, y0, x1,
  y1, bytes]``, its box in source px and how many bytes its member holds, unpacked.
"""

import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.files.packed import MOST_BYTES, pack, unpack
from tasks.media.matting.person_matte import Matte
from tasks.media.planes.layout import PixelLayout
from tasks.media.scene.plate import Box

REACH_SAMPLES: Final = 5  # how far from a place a filter that moves the background may look
SITED_SAMPLES: Final = 2  # farther, in planes with fewer samples: an edge between theirs belongs to both
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # a fixed one, so that the bytes do not depend on the time
_INDEX: Final = "mattes.json"


@dataclass
class MatteWriter:
    """Takes the mattes of all frames in order; memory grows by a box and an entry of the archive a frame, 0.6 KB."""

    _archive: zipfile.ZipFile
    _layout: PixelLayout
    _frames: int = 0
    _boxes: list[list[int]] = field(default_factory=list)

    def write(self, matte: Matte | None) -> None:
        """Add the next frame's; None where it has none."""
        if matte is not None:
            needed = needed_behind(matte.opacity, [plane.shape for plane in matte.behind])
            samples = [plane[where].tobytes() for plane, where in zip(matte.behind, needed, strict=True)]
            content = b"".join([matte.opacity.tobytes(), *samples])
            self._member(f"matte_{self._frames:08d}", pack(content))
            self._boxes.append([self._frames, *matte.box, len(content)])
        self._frames += 1

    def finish(self) -> None:
        """Write what describes the whole."""
        content = {"pixel_format": self._layout.name, "frames": self._frames, "boxes": self._boxes}
        self._member(_INDEX, json.dumps(content).encode())

    def _member(self, name: str, content: bytes) -> None:
        self._archive.writestr(zipfile.ZipInfo(name, _DATE), content)


@contextmanager
def matte_writer(path: Path, layout: PixelLayout) -> Iterator[MatteWriter]:
    """Open ``path`` for writing; it is whole when the block ends without an exception.

    ``OutputError`` when it cannot be written.
    """
    try:
        with zipfile.ZipFile(path, "w") as archive:
            writer = MatteWriter(archive, layout)
            yield writer
            writer.finish()
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path}: cannot be written ({reason}); free space there") from error


def read_mattes(path: Path, layout: PixelLayout) -> Iterator[Matte | None]:
    """The matte of each frame, None where it has none, with one in memory. The file closes with the generator.

    Behind the edge the background is as it was; elsewhere it is 0. ``OutputError`` if the file is missing or damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            content = json.loads(_read(archive, _INDEX))
            boxes = {int(frame): (Box(*edges), int(size)) for frame, *edges, size in content["boxes"]}
            for frame in range(content["frames"]):
                if frame in boxes:
                    box, size = boxes[frame]
                    yield _matte(unpack(_read(archive, f"matte_{frame:08d}"), size), box, layout)
                else:
                    yield None
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        fact = getattr(error, "strerror", None) or str(error).split("\n")[0]
        raise OutputError(f"{path}: cannot be read ({fact}); delete it and run again") from error


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


def _read(archive: zipfile.ZipFile, name: str) -> bytes:
    size = archive.getinfo(name).file_size
    if size > MOST_BYTES:
        raise ValueError(f"{name} has {size} bytes")
    return archive.read(name)


def _matte(stored: bytes, box: Box, layout: PixelLayout) -> Matte:
    wide, high = box.size_px
    if min(wide, high) < 1:
        raise ValueError("a box in it is empty")
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
