"""What lies in the cache, read from the marks of its entries."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.records import Artifact
from tasks.store import FOLDERS, LOCKS, MARK, read_mark

RECORDS = "records"  # Prefect's own, one a key


@dataclass(frozen=True)
class Entry:
    """A finished artifact with what the cache keeps about it."""

    artifact: Artifact
    video: str  # the name it was made under
    digest: str  # of the video's bytes; empty where one is drawn
    shaped_by: dict[str, Any]  # see ``tasks.keys.shaped_by``
    used_s: float  # seconds since the epoch

    @property
    def compute(self) -> str:
        return str(self.shaped_by.get("compute", ""))

    @property
    def size(self) -> int:
        """Bytes of its files."""
        return sum(file.size for file in self.artifact.files.values())


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
        if marked is None:
            continue
        artifact, about = marked
        digest, shaped_by = str(about.get("sha256", "")), about.get("shaped_by", {})
        try:
            used_s = (place / MARK).stat().st_mtime
        except FileNotFoundError:  # it has just been removed
            continue
        yield Entry(artifact, str(about.get("video", "")), digest, shaped_by, used_s)
