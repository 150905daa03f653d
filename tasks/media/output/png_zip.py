"""Pictures with transparency as a zip of PNG files, written front to back; a whole file or none."""

import zipfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np

from tasks.errors import OutputError
from tasks.media.planes.layout import Alpha, PixelLayout, Planes, nearest_layout, planes_to_rgb, with_finer_chroma
from tasks.media.planes.warp import upsample_chroma
from tasks.records import ColorTags

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_COMPRESSION: Final = 3  # of 0 to 9


class PngZip:
    """Writes ``person/000000.png``, ... (RGBA, 8 bits, straight) into a zip: a context manager.

    After an exception it leaves no file. The same pictures give the same bytes. ``OutputError`` when the file cannot
    be written.
    """

    def __init__(self, path: Path, layout: PixelLayout, color: ColorTags) -> None:
        self.notes: list[str] = []
        self._path, self._layout, self._color, self._count = path, layout, color, 0
        try:
            self._archive = zipfile.ZipFile(path, "w", zipfile.ZIP_STORED)
        except OSError as error:
            raise self._unwritable(error) from error

    def write(self, planes: Planes, alpha: Alpha, pts: int, duration: int) -> None:
        """Add one picture with its opacity (h, w) 0..1; the files know no times."""
        finer = with_finer_chroma(self._layout, nearest_layout("yuv444p"))
        size_px = (planes[0].shape[1], planes[0].shape[0])
        planes = upsample_chroma(planes, self._layout, finer, size_px, self._color.chroma_location)
        rgb = planes_to_rgb(planes, finer, self._color)
        opacity = np.rint(alpha * 255).astype(np.uint8)
        bgra = np.dstack([rgb[..., ::-1], opacity])
        _, coded = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, _COMPRESSION])
        try:
            self._archive.writestr(zipfile.ZipInfo(f"person/{self._count:06d}.png", _DATE), coded.tobytes())
        except OSError as error:
            raise self._unwritable(error) from error
        self._count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._archive.close()
        except OSError as failure:
            self._path.unlink(missing_ok=True)
            raise self._unwritable(failure) from failure
        if kind is not None:
            self._path.unlink(missing_ok=True)

    def _unwritable(self, error: OSError) -> OutputError:
        return OutputError(f"{self._path}: cannot be written ({error.strerror}); free space there")


def verify_zip(path: Path, pictures: int) -> None:
    """Read every member back; ``OutputError`` when one is damaged or there are not exactly ``pictures``."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged, found = archive.testzip(), len(archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise OutputError(f"{path}: cannot be read back ({error}); run again") from error
    if damaged or found != pictures:
        raise OutputError(f"{path}: holds {found} pictures instead of {pictures}, damaged: {damaged}; run again")
