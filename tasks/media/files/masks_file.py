"""``masks.npz``: the probability of the person in every frame, at the model's resolution, and where each mask lies.

A zip that ``numpy.load`` reads. It is written front to back in chunks; the same masks give the same bytes. Members:

- ``masks_00000``, ``masks_00001``, ...: uint8 (k, h, w), probability * 255 of up to 64 consecutive frames;
- ``boxes``: float32 (n, 4), the edges ``x0, y0, x1, y1`` in source px of the area that a frame's mask covers. The whole
  picture is ``-0.5, -0.5, width - 0.5, height - 0.5``. The centre of the mask's pixel ``(i, j)`` lies at
  ``x0 + (i + 0.5) * (x1 - x0) / w``, ``y0 + (j + 0.5) * (y1 - y0) / h``. A box may extend beyond the picture;
- ``states``: uint8 (n,), a ``MaskState``;
- ``chunk_frames``: int64 scalar, frames in every chunk but the last.

While a person is followed (states 0 and 1), the box moves with the body: the same pixel of consecutive masks is about
the same point of the body. It jumps where state 2 begins or ends.
"""

import zipfile
import zlib
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.errors import UnreadableFile, writing

MAX_MEMBER_BYTES: Final = 512 << 20  # of one array, unpacked: 64 masks of 256 x 256 take 4 MB
MAX_MEMBERS: Final = 1 << 18  # of a file that is read: a clip of 16 million frames
CHUNK_FRAMES: Final = 64  # masks in a member
_DEFLATE_LEVEL: Final = 1  # masks are nearly flat: a higher level costs time and saves little


class MaskState(IntEnum):
    """Where a frame's mask comes from."""

    measured = 0
    copied = 1  # the model failed: the mask of the nearest frame that has one
    nobody = 2  # nobody near in time, so the mask covers the whole picture and is not reliable; or nobody found in it


class Mask(NamedTuple):
    """One frame's mask."""

    probability: NDArray[np.uint8]  # (h, w), * 255
    edges_px: NDArray[np.float32]  # (4,) box in source px
    state: MaskState


@dataclass
class MaskWriter:
    """Takes masks frame by frame. Memory does not grow with the clip but for 17 bytes per frame."""

    _archive: zipfile.ZipFile
    _chunks: int = 0
    _waiting: list[NDArray[np.uint8]] = field(default_factory=list)
    _boxes: "array[float]" = field(default_factory=lambda: array("f"))
    _states: bytearray = field(default_factory=bytearray)

    def write(self, mask: Mask) -> None:
        """Add the next frame. All masks of a file have one shape."""
        self._waiting.append(mask.probability)
        self._boxes.extend(mask.edges_px.tolist())
        self._states.append(mask.state)
        if len(self._waiting) == CHUNK_FRAMES:
            self._write_chunk()

    def finish(self) -> None:
        """Write the last chunk, and the members that describe the whole file."""
        if self._waiting:
            self._write_chunk()
        self._write_member("boxes", np.array(self._boxes, np.float32).reshape(-1, 4))
        self._write_member("states", np.frombuffer(self._states, np.uint8))
        self._write_member("chunk_frames", np.array(CHUNK_FRAMES, np.int64))

    def _write_chunk(self) -> None:
        self._write_member(f"masks_{self._chunks:05d}", np.stack(self._waiting).astype(np.uint8, copy=False))
        self._chunks += 1
        self._waiting.clear()

    def _write_member(self, name: str, array: NDArray[Any]) -> None:
        entry = zipfile.ZipInfo(f"{name}.npy")  # dated 1980: the bytes do not depend on the time
        entry.compress_type = zipfile.ZIP_DEFLATED
        with self._archive.open(entry, "w") as member:
            np.save(member, array, allow_pickle=False)


@contextmanager
def mask_writer(path: Path) -> Iterator[MaskWriter]:
    """Open ``path`` for writing. It is complete when the block ends without an exception.

    ``OutputError`` if it cannot be written.
    """
    with writing(path), zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=_DEFLATE_LEVEL) as archive:
        writer = MaskWriter(archive)
        yield writer
        writer.finish()


def read_masks(path: Path) -> Iterator[Mask]:
    """The masks of ``path``, frame by frame, with one chunk in memory. The file closes with the generator.

    ``OutputError`` if it is missing or damaged.
    """
    with _open_members(path) as members:
        boxes, states = members["boxes"], members["states"]
        chunk_frames = int(members["chunk_frames"])
        for first in range(0, len(states), chunk_frames):
            last = min(first + chunk_frames, len(states))
            chunk = members[f"masks_{first // chunk_frames:05d}"]
            for frame, probability in zip(range(first, last), chunk, strict=True):
                yield Mask(probability, boxes[frame], MaskState(int(states[frame])))


def read_mask_states(path: Path) -> NDArray[np.uint8]:
    """The ``MaskState`` of each frame (n,), without the masks; ``OutputError`` as ``read_masks``."""
    with _open_members(path) as members:
        return np.asarray(members["states"], np.uint8)


def _require_bounded_archive(archive: zipfile.ZipFile) -> None:
    """``ValueError`` for a zip that would unpack to more than our masks can take."""
    members = archive.infolist()
    if len(members) > MAX_MEMBERS or any(member.file_size > MAX_MEMBER_BYTES for member in members):
        raise ValueError(f"{len(members)} members, or one of more than {MAX_MEMBER_BYTES} bytes")


@contextmanager
def _open_members(path: Path) -> Iterator[Any]:
    try:
        # Opened here: given the name, numpy would leave the file open if it is no zip.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as members:
            _require_bounded_archive(members.zip)
            yield members
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise UnreadableFile.of(path, error) from error
