"""What lies in the cache, read from the marks of its entries."""

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.cache.locks import LOCKS
from tasks.cache.marks import RECORDS
from tasks.cache.store import FOLDERS, MARK, read_finding, read_mark
from tasks.records import AnyArtifact
from tasks.untrusted.json_file import read_bytes
from tasks.untrusted.paths import MAX_PATH_BYTES, resolved


@dataclass(frozen=True)
class Entry:
    """A finished artifact, or what was found missing instead of one, with what the cache keeps about it."""

    artifact: AnyArtifact  # of a finding: one without files
    video: str  # the name it was made under; empty for a finding of an older version
    digest: str  # of the video's bytes; empty where one is drawn
    shaped_by: dict[str, Any]  # see ``tasks.cache.keys.shaped_by``
    used_s: float  # seconds since the epoch
    size: int  # bytes of its files; of a finding, those of its mark

    @property
    def compute(self) -> str:
        return str(self.shaped_by.get("compute", ""))


def stages(cache: Path) -> list[str]:
    """Names of the stages that the cache holds something of."""
    if not cache.is_dir():
        return []
    found = (path.name for path in cache.iterdir() if path.is_dir() and path.name not in (FOLDERS, LOCKS, RECORDS))
    return sorted(found)


def entries(cache: Path, stage: str) -> Iterator[Entry]:
    """The entries of a stage with a readable mark; whether their files are whole is not looked at."""
    folder = cache / stage
    for place in sorted(folder.iterdir()) if folder.is_dir() else ():
        marked = read_mark(place)
        found = read_finding(place) if marked is None else None
        if found is not None:
            marked = found[1:]
        if marked is None:
            continue
        artifact, about = marked
        digest, shaped_by = str(about.get("sha256", "")), about.get("shaped_by", {})
        try:
            mark = (place / MARK).stat()
        except FileNotFoundError:  # it has just been removed
            continue
        size = mark.st_size if found else sum(file.size for file in artifact.files.values())
        yield Entry(artifact, str(about.get("video", "")), digest, shaped_by, mark.st_mtime, size)


def register_output_folder(cache: Path, output_dir: Path) -> None:
    """Note in the cache that ``output_dir`` uses it: entries that its records name are in use.

    Where the note cannot be written, the run itself will report it.
    """
    place = str(resolved(output_dir))
    note = cache / FOLDERS / _note_name(place)
    if not note.exists():
        with suppress(OSError):
            note.parent.mkdir(parents=True, exist_ok=True)
            with note.open("xb") as file:  # a link that leads nowhere makes no file elsewhere
                file.write(place.encode(errors="surrogateescape"))


def registered_output_folders(cache: Path) -> list[Path]:
    """The output folders that have used the cache. Some may no longer exist. A note that is not ours names none."""
    found: list[Path] = []
    for note in (cache / FOLDERS).glob("*"):
        with suppress(OSError, ValueError):
            place = read_bytes(note, MAX_PATH_BYTES).decode(errors="surrogateescape")
            if note.name == _note_name(place):
                found.append(Path(place))
    return sorted(found)


def _note_name(place: str) -> str:
    return hashlib.sha256(place.encode(errors="surrogateescape")).hexdigest()[:16]
