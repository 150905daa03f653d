"""``plates.zip``: the clean plates of a clip, written front to back; the same plates give the same bytes.

Members, stored without further compression: ``plate_00000000_0``, ... (the planes of the plate of a frame, uint8 or
little-endian uint16, and ``plate_00000000_seen``, each as ``pack_plane`` makes it), and last ``plates.json``: the pixel
format and, for each plate, ``frame``, ``box``, ``agreement`` and ``parallax`` (see ``tasks.media.scene.plate.Plate``),
and ``seen_px``, the width and height of ``seen``.
"""

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np

from tasks.errors import UnreadableFile, writing
from tasks.media.files.compression import pack_plane, unpack_plane
from tasks.media.files.stored_zip import read_stored, read_stored_object, write_stored
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.media.planes.region import Region
from tasks.media.scene.plate import FARTHEST, Plate

_INDEX: Final = "plates.json"


@dataclass
class PlateWriter:
    """Takes plates in the order of their frames; memory does not grow with their number."""

    _archive: zipfile.ZipFile
    _entries: list[dict[str, Any]] = field(default_factory=list)

    def write(self, plate: Plate) -> None:
        """Add the next plate."""
        for name, plane in [*((str(index), plane) for index, plane in enumerate(plate.planes)), ("seen", plate.seen)]:
            write_stored(self._archive, f"plate_{plate.frame:08d}_{name}", pack_plane(plane))
        entry = {"frame": plate.frame, "box": list(plate.box), "agreement": round(plate.agreement, 4)}
        self._entries.append({**entry, "parallax": plate.parallax, "seen_px": list(plate.seen.shape[::-1])})

    def finish(self, layout: PixelLayout) -> None:
        """Write what describes the whole."""
        content = {"pixel_format": layout.name, "plates": self._entries}
        write_stored(self._archive, _INDEX, json.dumps(content).encode())


@contextmanager
def plate_writer(path: Path, layout: PixelLayout) -> Iterator[PlateWriter]:
    """Open ``path`` for writing; it is whole when the block ends without an exception.

    ``OutputError`` when it cannot be written.
    """
    with writing(path), zipfile.ZipFile(path, "w") as archive:
        writer = PlateWriter(archive)
        yield writer
        writer.finish(layout)


class PlateFile:
    """The plates of ``path``, read one by one; ``OutputError`` when the file is missing or damaged.

    ``size_px`` is the picture's size: no plate reaches farther beyond it than ``FARTHEST``, whatever the file claims.
    """

    def __init__(self, path: Path, size_px: tuple[int, int]) -> None:
        self._path, self._size_px = path, size_px
        with self._opened() as archive:
            content = read_stored_object(archive, _INDEX)
            self._layout = nearest_layout(content["pixel_format"])
            self._entries = {entry["frame"]: _checked(entry) for entry in content["plates"]}

    @property
    def frames(self) -> list[int]:
        """The frames that have a plate, in order."""
        return sorted(self._entries)

    def agreement(self, frame: int) -> float:
        """How well the frames agree that the plate of ``frame`` is made of, 0..1."""
        return float(self._entries[frame]["agreement"])

    def read(self, frame: int) -> Plate:
        """The plate of ``frame``."""
        entry, layout = self._entries[frame], self._layout
        with self._opened() as archive:
            box, name = self._box(entry), f"plate_{frame:08d}"
            shapes = [layout.plane_wh(index, box.size_px)[::-1] for index in range(layout.planes)]
            planes = tuple(
                unpack_plane(read_stored(archive, f"{name}_{index}"), shape, layout.dtype)
                for index, shape in enumerate(shapes)
            )
            columns, rows = entry["seen_px"]
            if columns > box.size_px[0] or rows > box.size_px[1]:
                raise ValueError("what was seen of a plate in it is larger than its box")
            seen = unpack_plane(read_stored(archive, f"{name}_seen"), (rows, columns), np.uint8)
        return Plate(frame, self._size_px, box, planes, seen, entry["agreement"], entry["parallax"])

    def _box(self, entry: dict[str, Any]) -> Region:
        """The box of a plate; ``ValueError`` where it is empty, or larger than any that was made."""
        box, size_px = Region(*entry["box"]), np.array(self._size_px)
        reach_px = FARTHEST * size_px
        first, last = np.array(box[:2]), np.array(box[2:])
        if (last <= first).any() or (first < -reach_px).any() or (last > size_px + reach_px).any():
            raise ValueError("a box in it is empty, or reaches too far")
        return box

    @contextmanager
    def _opened(self) -> Iterator[zipfile.ZipFile]:
        try:
            with zipfile.ZipFile(self._path) as archive:
                yield archive
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise UnreadableFile.of(self._path, error) from error


def _checked(entry: dict[str, Any]) -> dict[str, Any]:
    """What the index says of a plate; ``ValueError`` where a value is not of its type."""
    agreement = entry["agreement"]
    if isinstance(agreement, bool) or not isinstance(agreement, int | float) or not 0 <= agreement <= 1:
        raise ValueError(f"the agreement of a plate in it is {agreement!r}")
    if type(entry["frame"]) is not int or type(entry["parallax"]) is not bool:
        raise ValueError("the frame or the parallax of a plate in it is of another type")
    return entry
