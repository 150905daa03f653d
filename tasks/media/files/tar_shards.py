"""Tar files of samples, as the library ``webdataset`` reads them: members of one sample share a key and lie together.

The same samples give the same bytes: the members have no time, no owner, and a fixed order.
"""

import tarfile
from collections.abc import Mapping
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from tasks.errors import OutputError, counted, writing

JPEG_QUALITY: Final = 95  # of 100
PNG_COMPRESSION: Final = 3  # of 0 to 9


def encoded_picture(picture: NDArray[np.uint8], suffix: str) -> bytes:
    """The bytes of a file with RGB (h, w, 3) or grey (h, w); ``suffix``: ``jpg``, or ``png``, which loses nothing."""
    options = {"jpg": [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY], "png": [cv2.IMWRITE_PNG_COMPRESSION, PNG_COMPRESSION]}
    ordered = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return cv2.imencode(f".{suffix}", ordered, options[suffix])[1].tobytes()


class ShardWriter:
    """Writes ``000000.tar``, ``000001.tar``, ... with ``shard_samples`` samples each. A context manager.

    ``OutputError`` if a file cannot be written, or does not hold what was written into it.
    """

    def __init__(self, folder: Path, shard_samples: int) -> None:
        self._folder, self._shard_samples = folder, shard_samples
        self._archive: tarfile.TarFile | None = None
        self._samples, self._members = 0, 0

    def write(self, key: str, members: Mapping[str, bytes]) -> str:
        """Add a sample whose files are ``<key>.<name>``; returns the name of its tar file."""
        shard, place = divmod(self._samples, self._shard_samples)
        path = self._folder / f"{shard:06d}.tar"
        with writing(path):
            if self._archive is None or place == 0:
                self._finish()
                self._archive = tarfile.open(path, "w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115 - open until the next
            for name, content in sorted(members.items()):
                member = tarfile.TarInfo(f"{key}.{name}")  # time 0, owner 0
                member.size = len(content)
                self._archive.addfile(member, BytesIO(content))
                self._members += 1
        self._samples += 1
        return path.name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._finish()
        elif self._archive is not None:
            with suppress(OSError):  # the error that ended it is told
                self._archive.close()

    def _finish(self) -> None:
        """Close the open file, and read it back."""
        if self._archive is None:
            return
        path = Path(str(self._archive.name))
        try:
            with writing(path):
                self._archive.close()
                with tarfile.open(path) as written:
                    found = len(written.getnames())
        except tarfile.TarError as error:
            raise OutputError(f"{path}: cannot be read back ({error}); run again") from error
        if found != self._members:
            raise OutputError(f"{path}: holds {counted(found, 'file')} instead of {self._members}; run again")
        self._archive, self._members = None, 0
