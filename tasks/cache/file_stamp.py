"""Whether a file of the user's is still the one whose bytes were identified."""

from pathlib import Path
from typing import NamedTuple

from tasks.errors import VideoError


class Stamp(NamedTuple):
    """What changes with a file, and costs nothing to look at."""

    size: int
    mtime_ns: int
    inode: int


def stamp_of(path: Path) -> Stamp:
    """The stamp of a file as it is now; ``OSError`` where there is none."""
    now = path.stat()
    return Stamp(now.st_size, now.st_mtime_ns, now.st_ino)


def require_unchanged(path: Path, stamp: Stamp) -> None:
    """``VideoError`` unless the file still has this stamp."""
    try:
        same = stamp_of(path) == stamp
    except OSError as error:
        raise VideoError(f"{path}: it went away while it was worked on; put it back and run again") from error
    if not same:
        raise VideoError(f"{path}: it was changed while it was worked on; run the same command again")
