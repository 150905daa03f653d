"""Files that appear in a folder of the user's all together and whole, or not at all."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import OutputError
from tasks.paths import is_disk_full, write_problem

PART = ".stillwalk-part"  # ends the names of what is half-written; nobody else's file is called so


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the folder against other runs; what cannot be written becomes an ``OutputError``."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            try:
                yield
            finally:  # while it is held: once it is not, the half-written files are another run's
                for part in folder.glob(f".*{PART}"):
                    part.unlink(missing_ok=True)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise OutputError(_told(error, folder)) from error


def _told(error: OSError, folder: Path) -> str:
    """The sentence for an error that came while ``folder`` was written to."""
    if (
        not is_disk_full(error) and error.filename is not None
    ):  # of a full disk, it is the file that was to be copied there
        place = Path(os.fsdecode(error.filename))
        if not place.is_relative_to(folder) and not folder.is_relative_to(place):
            return f"{place}: cannot be read ({error.strerror}); make it readable, or remove it, and run again"
    fact, cure = write_problem(error)
    return f"{folder}: {fact}; {f'{cure}, or ' if cure else ''}choose another place with output_dir="


def part_of(path: Path) -> Path:
    """Where a file lies until it is whole."""
    return path.with_name(f".{path.name}{PART}")


def written(path: Path, text: str) -> Path:
    """Write ``text`` beside ``path``, and give the place."""
    beside = part_of(path)
    beside.write_text(text, encoding="utf-8")
    return beside


def reveal(parts: Iterable[Path]) -> None:
    """Give each staged file its own name, in their order."""
    for part in parts:
        part.replace(part.with_name(part.name.removeprefix(".").removesuffix(PART)))
