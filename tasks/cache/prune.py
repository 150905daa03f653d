"""Removing entries of the cache, and what killed runs and older versions left in it."""

import os
import re
import shutil
from collections.abc import Iterable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

from tasks.cache.entries import Entry, entries, stages
from tasks.cache.lock_probe import lock_fault
from tasks.cache.locks import IN_USE, LOCKS, lock
from tasks.cache.marks import RECORDS
from tasks.cache.store import MARK
from tasks.errors import CacheBusy, OutputError

KEY = re.compile(
    r"[a-z]+-[0-9a-f]{24}|\.[a-z]+-[0-9a-f]{24}(\.[0-9a-f]{8,12})?\.work"
)  # entries, records and locks, or work


def alone(cache: Path, *, is_idle: bool = False) -> AbstractContextManager[bool]:
    """Hold the cache against every run while the block runs; ``CacheBusy`` at once where one uses it.

    Where locks do not hold, the user has to say that no run uses it (``is_idle``).
    """

    def refuse() -> None:
        raise CacheBusy(f"{cache}: a running command uses it; nothing was removed, try again when that has ended")

    fault = lock_fault(cache)
    if fault and not is_idle:
        cure = "when no command uses it, on any machine, add --idle"
        raise CacheBusy(f"{cache}: {fault}, so nobody knows whether a command uses it; {cure}")
    return lock(cache / LOCKS / IN_USE, refuse)


def older(kept: Iterable[Entry], before_s: float) -> list[Entry]:
    """The entries that were last used before a time, in seconds since the epoch."""
    return [entry for entry in kept if entry.used_s < before_s]


def excess(kept: Iterable[Entry], most_bytes: int) -> list[Entry]:
    """The entries to remove, least recently used first, so that the rest takes no more than ``most_bytes``."""
    waiting = sorted(kept, key=lambda entry: entry.used_s)
    total = sum(entry.size for entry in waiting)
    gone: list[Entry] = []
    while total > most_bytes:
        gone.append(waiting[len(gone)])
        total -= gone[-1].size
    return gone


def unreferred(kept: Iterable[Entry], keys: set[str]) -> list[Entry]:
    """The entries whose key is not among ``keys``."""
    return [entry for entry in kept if entry.artifact.key not in keys]


def litter(cache: Path) -> list[Path]:
    """What no run will read again: work of killed runs, entries that this version cannot read, records, locks.

    What was found missing in a video is an entry: it is kept as long as others are.

    To be trusted only while ``alone``. Only what is named as the store names things: a folder may hold what is not
    ours.
    """
    found: list[Path] = []
    keys: set[str] = set()
    for stage in stages(cache):
        whole = {entry.artifact.key for entry in entries(cache, stage)}
        keys |= whole
        found += [path for path in _ours(cache / stage) if path.name not in whole]
    found += [path for path in _ours(cache / RECORDS) if path.name not in keys]
    return found + _ours(cache / LOCKS)


def _ours(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if KEY.fullmatch(path.name)) if folder.is_dir() else []


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files in a folder; what a running command removes meanwhile counts nothing."""
    size = 0
    for file in [path] if path.is_file() else [Path(top, name) for top, _, names in os.walk(path) for name in names]:
        with suppress(FileNotFoundError):
            size += file.stat().st_size
    return size


def remove(cache: Path, gone: Iterable[Entry]) -> None:
    """Remove entries and Prefect's records of them; ``OutputError`` where that may not be done."""
    for entry in gone:
        folder = Path(entry.artifact.folder)
        _delete(folder / MARK)  # first: a kill midway leaves no entry, rather than a damaged one
        _delete(folder)
        _delete(cache / RECORDS / folder.name)


def remove_litter(paths: Iterable[Path]) -> None:
    """Remove files and folders; ``OutputError`` where that may not be done."""
    for path in paths:
        _delete(path)


def _delete(path: Path) -> None:
    try:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        cure = "make it writable and try again"
        raise OutputError(f"{path}: cannot be removed ({error.strerror}); {cure}") from error
