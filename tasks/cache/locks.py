"""Locks of the cache: files that the kernel unlocks when their holder dies.

Where the disk has no locks, nothing is locked: ``tasks.cache.lock_probe`` says so, and ``tasks.cache.making`` does not
need them to be right.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.errors import OutputError
from tasks.untrusted.paths import NO_LOCKS_ERRORS, is_disk_full, write_problem

LOCKS = "locks"
IN_USE = "in-use"
LOCK_POLL_S = 0.1


def cache_write_problem(folder: Path, error: OSError) -> str:
    """Why the cache in ``folder`` cannot be written, with the cure, in one line."""
    fact, cure = write_problem(error, folder)
    kept = "; finished stages are kept" if is_disk_full(error) else ""
    return f"{folder}: {fact}; {f'{cure}, or ' if cure else ''}choose another place with cache_dir={kept}"


@contextmanager
def in_use(cache: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Keep all entries of the cache from being removed while the block runs; many may do so at once."""
    with lock(cache / LOCKS / IN_USE, waiting, shared=True):
        yield


@contextmanager
def lock(path: Path, waiting: Callable[[], None], *, shared: bool = False) -> Iterator[bool]:
    """Hold a lock on ``path`` among processes and threads, calling ``waiting`` while others have it.

    Yields whether nobody has had the lock before, since its file was missing. On a disk without locks, nothing is held.
    """
    try:
        descriptor, is_first = _opened(path)
    except OSError as error:
        raise OutputError(cache_write_problem(path.parents[1], error)) from error
    try:
        while True:
            try:
                fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                is_first = False
                waiting()
                time.sleep(LOCK_POLL_S)
            except OSError as error:
                if error.errno in NO_LOCKS_ERRORS:
                    break
                raise OutputError(cache_write_problem(path.parents[1], error)) from error
        yield is_first
    finally:
        os.close(descriptor)


def _opened(path: Path) -> tuple[int, bool]:
    """The descriptor of the opened lock file, and whether this call made the file. A missing folder is made."""
    try:
        return _found_or_made(path)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _found_or_made(path)


def _found_or_made(path: Path) -> tuple[int, bool]:
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
    try:
        return os.open(path, flags | os.O_EXCL, 0o666), True
    except FileExistsError:
        return os.open(path, flags, 0o666), False
