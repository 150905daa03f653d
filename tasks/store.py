"""The cache on disk: ``<cache>/<stage>/<key>/`` with a finished mark, ``done.json``, written last.

A folder without a mark, or whose files are not those that the mark describes, does not exist for the reader. Work
happens in a folder beside it that is renamed when whole, under a lock that the kernel drops when its holder dies.

A stage that looked through a whole clip and found nobody has a result too: a folder with nothing but a mark that says
so. ``find`` passes it over, for there is no artifact; ``make`` raises what it says instead of looking again.
"""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tasks import errors
from tasks.errors import NotShown, OutputError
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


def finding(cache: Path, stage: str, key: str) -> NotShown | None:
    """What an earlier run has found missing in the clip under the very same ``key``; None when it found nothing so."""
    try:
        mark = json.loads((cache / stage / key / MARK).read_text())
        kind = getattr(errors, mark["finding"]["kind"])
        return kind(mark["finding"]["sentence"]) if mark["schema"] == SCHEMA and issubclass(kind, NotShown) else None
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


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

    ``compute`` fills the empty folder it is given and returns the facts. When it raises, nothing is left behind but
    what it found missing in the clip.
    """
    with _lock(cache / "locks" / key, waiting):
        found = find(cache, stage, key)
        if found:
            return found
        known = finding(cache, stage, key)
        if known:
            raise known
        final = cache / stage / key
        work = cache / stage / f".{key}.work"
        try:
            shutil.rmtree(work, ignore_errors=True)  # left by a killed run: the lock says that it is nobody's
            work.mkdir(parents=True)
            started = time.perf_counter()
            facts = compute(work)
            artifact = _finish(work, final, stage, key, run_id, facts, time.perf_counter() - started)
        except NotShown as missing:
            with suppress(OSError):  # what was found is told all the same, and at worst looked for again
                _keep(missing, work, final, stage, key)
            raise
        except OSError as error:
            raise OutputError(_cannot_write(final, error)) from error
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
    _mark(work, final, mark)
    return artifact


def _keep(missing: NotShown, work: Path, final: Path, stage: str, key: str) -> None:
    """Put the finding in the place of the artifact, without the files that the stage had begun."""
    shutil.rmtree(work)
    work.mkdir()
    said = {"kind": type(missing).__name__, "sentence": str(missing)}
    _mark(work, final, {"schema": SCHEMA, "stage": stage, "key": key, "files": {}, "finding": said})


def _mark(work: Path, final: Path, mark: dict[str, Any]) -> None:
    (work / MARK).write_text(json.dumps(mark, indent=1, allow_nan=False))
    shutil.rmtree(final, ignore_errors=True)  # damaged, or it would have been found
    work.rename(final)


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
        raise OutputError(_cannot_write(path.parent, error)) from error
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
