"""The cache on disk: ``<cache>/<stage>/<key>/`` with a finished mark, ``done.json``, written last.

A folder without a mark, or whose files are not those that the mark describes, does not exist for the reader. Work
happens in a folder beside it that is renamed when whole, under a lock that the kernel drops when its holder dies.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasks.errors import OutputError
from tasks.records import Artifact, StoredFile

MARK = "done.json"
SCHEMA = 1  # of the mark; a folder with another one is computed again
LOCK_POLL_S = 0.1


def sha256_of(path: Path) -> str:
    """Digest of a file's bytes as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(cache: Path, stage: str, key: str) -> Artifact | None:
    """The finished artifact of ``key``, or None when there is none or a file of it is missing or damaged."""
    folder = cache / stage / key
    try:
        mark = json.loads((folder / MARK).read_text())
        if not isinstance(mark, dict) or mark.pop("schema") != SCHEMA:
            return None
        files = {name: StoredFile(**stored) for name, stored in mark.pop("files").items()}
        artifact = Artifact(**mark | {"files": files, "folder": str(folder)})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return artifact if all(_intact(folder / name, file) for name, file in files.items()) else None


def _intact(path: Path, expected: StoredFile) -> bool:
    """Same size, and same time of change or else same bytes: only a file that was touched is read again."""
    try:
        now = path.stat()
        if now.st_size != expected.size:
            return False
        return now.st_mtime_ns == expected.mtime_ns or sha256_of(path) == expected.sha256
    except OSError:
        return False


def make(
    cache: Path,
    stage: str,
    key: str,
    run_id: str,
    compute: Callable[[Path], dict[str, Any]],
    *,
    waiting: Callable[[], None],
) -> Artifact:
    """Compute ``key`` once: whoever comes second waits, calling ``waiting`` meanwhile, and finds the first's result.

    ``compute`` fills the empty folder it is given and returns the facts. When it raises, nothing is left behind.
    """
    with _lock(cache / "locks" / key, waiting):
        found = find(cache, stage, key)
        if found:
            return found
        final = cache / stage / key
        work = cache / stage / f".{key}.work"
        try:
            shutil.rmtree(work, ignore_errors=True)  # left by a killed run: the lock says that it is nobody's
            work.mkdir(parents=True)
            started = time.perf_counter()
            facts = compute(work)
            artifact = _finish(work, final, stage, key, run_id, facts, time.perf_counter() - started)
        except OutputError as error:
            raise OutputError(_plain(str(error), work, cache)) from error
        except OSError as error:
            raise OutputError(_cannot_write(cache, error)) from error
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return artifact


def _finish(
    work: Path, final: Path, stage: str, key: str, run_id: str, facts: dict[str, Any], seconds: float
) -> Artifact:
    files = {}
    for path in sorted(work.iterdir()):
        stat = path.stat()
        files[path.name] = StoredFile(sha256_of(path), stat.st_size, stat.st_mtime_ns)
    artifact = Artifact(stage, key, str(final), files, facts, run_id, round(seconds, 3))
    mark = {"schema": SCHEMA, **asdict(artifact)}
    mark.pop("folder")  # the cache may be moved
    (work / MARK).write_text(json.dumps(mark, indent=1, allow_nan=False))
    shutil.rmtree(final, ignore_errors=True)  # damaged, or find() would have returned it
    work.rename(final)
    return artifact


def _plain(sentence: str, work: Path, cache: Path) -> str:
    """``sentence`` without the path of a folder that no user has heard of; where the cache is, is said instead."""
    plain = sentence.replace(f"{work}/", "")
    return plain if plain == sentence else f"{plain} (it was made in {cache})"


def _cannot_write(folder: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"{folder}: the disk is full; free some space and run the same command again, finished stages are kept"
    return f"{folder}: {error.strerror or error}; make it writable, or choose another place with cache_dir="


@contextmanager
def _lock(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` among processes and threads."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise OutputError(_cannot_write(path.parents[1], error)) from error
    try:
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                waiting()
                time.sleep(LOCK_POLL_S)
        yield
    finally:
        os.close(descriptor)
