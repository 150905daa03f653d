"""The cache on disk: ``<cache>/<stage>/<key>/`` with a finished mark, ``done.json``, written last. Here it is read.

A folder without a mark, or whose files are not those that the mark describes, does not exist for the reader.
Whoever reads or writes holds ``in_use``, so that nobody removes entries meanwhile (see ``tasks.cache.prune``). The
time of the mark is that of the last use. ``tasks.cache.making`` makes entries.

If a stage finds nobody in the whole clip, that is stored too (a *finding*): a folder that holds only a mark. ``find``
returns None for it. Otherwise it is treated like any entry.
"""

import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from tasks import errors
from tasks.cache import marks
from tasks.errors import NotFoundInClip
from tasks.records import AnyArtifact, StoredFile

MARK = "done.json"
SCHEMA = 2  # of the mark; a folder with another one is computed again
FOLDERS = "folders"  # see ``tasks.cache.entries``


def sha256_of(path: Path) -> str:
    """Digest of a file's bytes as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(cache: Path, stage: str, key: str) -> AnyArtifact | None:
    """The finished artifact of ``key``, or None when there is none or a file of it is missing or damaged."""
    marked = read_mark(cache / stage / key)
    if not marked or broken_files(marked[0]) or marks.is_foreign_record(cache, key):
        return None
    return marked[0]


def damage(cache: Path, stage: str, key: str) -> str:
    """What is wrong with the entry of ``key``, as a clause; empty if none is there, or a whole one, or a finding.

    A killed run leaves no entry behind: one that is not whole was damaged, or put there by somebody else.
    """
    folder = cache / stage / key
    if marks.is_foreign_record(cache, key):
        return "a result record that this program never writes lies beside it, and was not read"
    if not os.path.lexists(folder) or read_finding(folder):
        return ""
    marked = read_mark(folder)
    broken = broken_files(marked[0]) if marked else [MARK]
    are = "is" if len(broken) == 1 else "are"
    return f"{', '.join(broken)} {are} missing or damaged" if broken else ""


def read_mark(folder: Path) -> tuple[AnyArtifact, dict[str, Any]] | None:
    """The artifact that a mark describes, and the notes kept with it; None without a valid mark, or for a finding."""
    try:
        mark = _read(folder)
        return None if "finding" in mark else (marks.artifact_of(mark, folder), marks.about_of(mark))
    except (OSError, ValueError):
        return None


def read_finding(folder: Path) -> tuple[NotFoundInClip, AnyArtifact, dict[str, Any]] | None:
    """What the mark of an entry says was found missing, as an artifact without files, and what was kept about it.

    Of a finding of an older version no more may be known than its stage and key. None where it is no finding.
    """
    try:
        mark = _read(folder)
        kind = getattr(errors, mark["finding"]["kind"])
        if not issubclass(kind, NotFoundInClip):
            return None
        found = kind(str(mark["finding"]["sentence"]))
        looked = marks.looked_of(mark, folder)
        found.key = looked.key
        return found, looked, marks.about_of({"about": {}, **mark})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # the finding may be anything
        return None


def _read(folder: Path) -> dict[str, Any]:
    """The mark of an entry; ``ValueError`` for one of another version."""
    mark = marks.read_fields(folder / MARK)
    if mark.pop("schema", None) != SCHEMA:
        raise ValueError(f"{folder}: no mark of schema {SCHEMA}")
    return mark


def broken_files(artifact: AnyArtifact) -> list[str]:
    """Names of its files that are missing or not those that were finished."""
    return [name for name, file in artifact.files.items() if not _intact(artifact.path(name), file)]


def touch(artifact: AnyArtifact) -> None:
    """Set the time of the last use to now. If that cannot be written, the entry seems older."""
    with suppress(OSError):
        os.utime(Path(artifact.folder) / MARK)


def finding(cache: Path, stage: str, key: str) -> NotFoundInClip | None:
    """What an earlier run with the same ``key`` found missing in the clip; None if there is no such finding."""
    found = read_finding(cache / stage / key)
    return found[0] if found else None


def _intact(path: Path, expected: StoredFile) -> bool:
    """Same size, and same time of change or else same bytes: only a file that was touched is read again."""
    try:
        now = path.lstat()
        if not stat.S_ISREG(now.st_mode) or now.st_size != expected.size:  # no link out of the cache, no pipe
            return False
        return now.st_mtime_ns == expected.mtime_ns or sha256_of(path) == expected.sha256
    except OSError:
        return False
