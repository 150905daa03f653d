"""Write pictures with opacity as a zip of PNG files."""

import zipfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import cv2
import numpy as np

from tasks.errors import OutputError, counted, writing
from tasks.media.files.stored_zip import write_stored
from tasks.media.planes.layout import Alpha, PixelLayout, Planes, nearest_layout, planes_to_rgb, with_finer_chroma
from tasks.media.planes.tone_map import for_ordinary_screens, is_hdr
from tasks.media.planes.warp import upsample_chroma
from tasks.records import ColorTags

_PNG_COMPRESSION: Final = 3  # of 0 to 9


class PngZipWriter:
    """Writes ``person/000000.png``, ... (RGBA, 8 bits, straight alpha) into a zip. A context manager.

    After an exception it leaves no file. The same pictures give the same bytes. ``OutputError`` if the file cannot be
    written.
    """

    def __init__(self, path: Path, layout: PixelLayout, color: ColorTags) -> None:
        self.notes: list[str] = []
        if is_hdr(color):
            self.notes.append("the PNG pictures were tone-mapped to sRGB: 8-bit PNG has no HDR")
        self._path, self._layout, self._color, self._count = path, layout, color, 0
        with writing(path):
            self._archive = zipfile.ZipFile(path, "w")

    def write(self, planes: Planes, alpha: Alpha, pts: int, duration: int) -> None:
        """Add one picture; ``alpha`` (h, w) is the opacity, 0 to 1. The files store no times."""
        finer = with_finer_chroma(self._layout, nearest_layout("yuv444p"))
        size_px = (planes[0].shape[1], planes[0].shape[0])
        planes = upsample_chroma(planes, self._layout, finer, size_px, self._color.chroma_location)
        rgb = for_ordinary_screens(planes_to_rgb(planes, finer, self._color), self._color)
        opacity = np.rint(alpha * 255).astype(np.uint8)
        bgra = np.dstack([rgb[..., ::-1], opacity])
        _, png = cv2.imencode(".png", bgra, [cv2.IMWRITE_PNG_COMPRESSION, _PNG_COMPRESSION])
        with writing(self._path):
            write_stored(self._archive, f"person/{self._count:06d}.png", png.tobytes())
        self._count += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        complete = False
        try:
            with writing(self._path):
                self._archive.close()
            complete = kind is None
        finally:
            if not complete:
                self._path.unlink(missing_ok=True)


def check_written_zip(path: Path, pictures: int) -> None:
    """Read every member. ``OutputError`` if one is damaged, or there are not exactly ``pictures``."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged, found = archive.testzip(), len(archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise OutputError(f"{path}: cannot be read back ({error}); run again") from error
    if damaged or found != pictures:
        damage = f" ({damaged} is damaged)" if damaged else ""
        raise OutputError(f"{path}: holds {counted(found, 'picture')} instead of {pictures}{damage}; run again")
