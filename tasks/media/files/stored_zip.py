"""Zips whose members are stored as they are: what they hold is compressed already, as pictures are."""

import json
import zipfile
from typing import Any, Final

MOST_MEMBER_BYTES: Final = 1 << 30
_ENCRYPTED: Final = 1  # of a member's flags


def write_stored(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a member that is stored as it is, and dated 1980: the bytes of the file do not depend on the time."""
    archive.writestr(zipfile.ZipInfo(name), content)


def read_stored(archive: zipfile.ZipFile, name: str) -> bytes:
    """A member that is stored as it is, so that it has no more bytes than its file.

    ``KeyError`` where there is none of this ``name``. ``ValueError`` where it is compressed or encrypted, or too long.
    """
    entry = archive.getinfo(name)
    if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & _ENCRYPTED or entry.file_size > MOST_MEMBER_BYTES:
        raise ValueError(f"{name} is compressed or encrypted, or has {entry.file_size} bytes")
    return archive.read(entry)


def read_stored_object(archive: zipfile.ZipFile, name: str) -> dict[str, Any]:
    """The JSON object in such a member; ``ValueError`` for anything else."""
    try:
        found = json.loads(read_stored(archive, name))
    except RecursionError as error:
        raise ValueError(f"{name} is nested too deeply") from error
    if not isinstance(found, dict):
        raise ValueError(f"{name} holds no object")  # noqa: TRY004  (one error)
    return found
