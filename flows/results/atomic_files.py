"""Writes several files into a folder so that they appear together and complete, or not at all."""

import errno
import fcntl
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tasks.cache.lock_probe import lock_fault
from tasks.errors import OutputError
from tasks.untrusted.paths import NO_LOCKS_ERRORS, is_out_of_room, write_problem

PART_SUFFIX: Final = ".stillwalk-part"  # of half-written files; no other program uses it
# In the names of this process: where locks do not hold, two may publish at once.
_OWN: Final = f".{uuid.uuid4().hex[:8]}"


@contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Create the folder and lock it against other runs, where its disk can; ``OutputError`` where it cannot be written.

    Without locks each file still appears whole.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            is_locked = _locked(descriptor) and not lock_fault(folder)
            try:
                yield
            finally:  # while the lock is held: afterwards half-written files of others belong to another run
                for part in folder.rglob(f".*{PART_SUFFIX}" if is_locked else f".*{_OWN}{PART_SUFFIX}"):
                    part.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OutputError(error_line(error, folder)) from error


def _locked(descriptor: int) -> bool:
    """Lock a folder, waiting for others. False where its disk has no locks, or, as NFS, none for folders."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in (*NO_LOCKS_ERRORS, errno.EBADF):
            raise
        return False
    return True


def error_line(error: OSError, folder: Path) -> str:
    """The line for an error while ``folder`` was written."""
    if not is_out_of_room(error) and error.filename is not None:  # a copy without room names its source
        place = Path(os.fsdecode(error.filename))
        if not place.is_relative_to(folder) and not folder.is_relative_to(place):
            cure = "run again" if error.errno == errno.ENOENT else "make it readable, or remove it, and run again"
            return f"{place}: cannot be read ({error.strerror}); {cure}"
    fact, cure = write_problem(error, folder)
    return f"{folder}: {fact}; {f'{cure}, or ' if cure else ''}choose another place with output_dir="


def part_path(path: Path) -> Path:
    """Where a file lies until it is complete."""
    return path.with_name(f".{path.name}{_OWN}{PART_SUFFIX}")


def write_part(path: Path, text: str | bytes) -> Path:
    """Write a text, as UTF-8 or already encoded so, to the part file of ``path``, and return the part file."""
    part = part_path(path)
    part.write_bytes(text if isinstance(text, bytes) else text.encode())
    return part


def final_path(part: Path) -> Path:
    """The place of a part file once it is complete."""
    return part.with_name(part.name.removeprefix(".").removesuffix(f"{_OWN}{PART_SUFFIX}"))


def rename_parts(parts: Iterable[Path]) -> None:
    """Give each part file its final name, in order."""
    for part in parts:
        part.replace(final_path(part))
