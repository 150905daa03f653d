"""``plates.zip``: the clean plates of a clip, written front to back; the same plates give the same bytes.

Members, stored without further compression: ``plate_00000000_0.png``, ... (the planes of the plate of a frame, 8 or 16
bits), ``plate_00000000_seen.png``, and last ``plates.json``: the pixel format and, for each plate, ``frame``, ``box``,
``agreement`` and ``parallax`` (see ``tasks.media.scene.plate.Plate``).
"""

import json
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.planes.layout import PixelLayout
from tasks.media.scene.plate import Box, Plate

_DATE: Final = (1980, 1, 1, 0, 0, 0)
# Runs alone make smooth pictures a third smaller than the fastest level does. One filter for all lines takes 0.6 times
# as long, to write and to read, as to choose one for each; the plates of two clips became 17 and 25 % larger.
_PNG: Final = (
    *(cv2.IMWRITE_PNG_COMPRESSION, 1),
    *(cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE),
    *(cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP),
)
_INDEX: Final = "plates.json"


@dataclass
class PlateWriter:
    """Takes plates in the order of their frames; memory does not grow with their number."""

    _archive: zipfile.ZipFile
    _entries: list[dict[str, Any]] = field(default_factory=list)

    def write(self, plate: Plate) -> None:
        """Add the next plate."""
        for name, plane in [*((str(index), plane) for index, plane in enumerate(plate.planes)), ("seen", plate.seen)]:
            coded = cv2.imencode(".png", plane, _PNG)[1]
            self._member(f"plate_{plate.frame:08d}_{name}.png", coded.tobytes())
        entry = {"frame": plate.frame, "box": list(plate.box), "agreement": round(plate.agreement, 4)}
        self._entries.append({**entry, "parallax": plate.parallax})

    def finish(self, layout: PixelLayout) -> None:
        """Write what describes the whole."""
        content = {"pixel_format": layout.name, "planes": layout.planes, "plates": self._entries}
        self._member(_INDEX, json.dumps(content).encode())

    def _member(self, name: str, content: bytes) -> None:
        self._archive.writestr(zipfile.ZipInfo(name, _DATE), content)


@contextmanager
def plate_writer(path: Path, layout: PixelLayout) -> Iterator[PlateWriter]:
    """Open ``path`` for writing; it is whole when the block ends without an exception.

    ``OutputError`` when it cannot be written.
    """
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            writer = PlateWriter(archive)
            yield writer
            writer.finish(layout)
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{path}: cannot be written ({reason}); free space there") from error


class PlateFile:
    """The plates of ``path``, read one by one; ``OutputError`` when the file is missing or damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with self._opened() as archive:
            content = json.loads(archive.read(_INDEX))
        self._planes: int = content["planes"]
        self._entries = {entry["frame"]: entry for entry in content["plates"]}

    @property
    def frames(self) -> list[int]:
        """The frames that have a plate, in order."""
        return sorted(self._entries)

    def agreement(self, frame: int) -> float:
        """How well the frames agree that the plate of ``frame`` is made of, 0..1."""
        return float(self._entries[frame]["agreement"])

    def read(self, frame: int) -> Plate:
        """The plate of ``frame``."""
        entry = self._entries[frame]
        with self._opened() as archive:
            *planes, seen = (
                self._picture(archive.read(f"plate_{frame:08d}_{name}.png")) for name in [*range(self._planes), "seen"]
            )
        told = (entry["agreement"], entry["parallax"])
        return Plate(frame, Box(*entry["box"]), tuple(planes), seen.astype(np.uint8, copy=False), *told)

    def _picture(self, coded: bytes) -> NDArray[Any]:
        picture = cv2.imdecode(np.frombuffer(coded, np.uint8), cv2.IMREAD_UNCHANGED)
        if picture is None:
            raise ValueError("a picture in it is damaged")
        return np.asarray(picture)

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self._path) as archive:
                yield archive
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            fact = getattr(error, "strerror", None) or str(error).split("\n")[0]
            raise OutputError(f"{self._path}: cannot be read ({fact}); delete it and run again") from error
