"""``portraits.zip``: small pictures of people as JPEG files, stored without further compression, by track and frame."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

from tasks.errors import UnreadableFile, writing
from tasks.media.files.stored_zip import read_stored, write_stored

Portraits = Mapping[tuple[int, int], bytes]
"""JPEG files by the track and the frame of the sighting that they show."""


def write_portraits(path: Path, portraits: Portraits) -> None:
    """Write all pictures; the same pictures give the same bytes. ``OutputError`` when the file cannot be written."""
    with writing(path), zipfile.ZipFile(path, "w") as archive:
        for key, coded in sorted(portraits.items()):
            write_stored(archive, _member(*key), coded)


def read_portraits(path: Path) -> Portraits:
    """All pictures; ``OutputError`` when the file is missing or damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.removesuffix(".jpg").partition("_") for name in archive.namelist()]
            keys = [(int(track), int(frame)) for track, _, frame in names]
            return {key: read_stored(archive, _member(*key)) for key in keys}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise UnreadableFile.of(path, error) from error


def _member(track: int, frame: int) -> str:
    return f"{track:06d}_{frame:08d}.jpg"
