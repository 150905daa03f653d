"""Whether files still hold the bytes that were identified: those of the cache, and the user's videos.

``tasks.cache.store`` trusts a file of the same size and time of change: to read every file that a run finds would
cost more than it saves. A file that something new is made from is read here first, once a process.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from tasks.cache.marks import UNUSABLE
from tasks.cache.store import MARK, sha256_of
from tasks.errors import OutputError, UnreadableFile, VideoError
from tasks.records import AnyArtifact

READ_FAILURES = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
_proven: set[Path] = set()


def require_proven(artifact: AnyArtifact, names: Iterable[str]) -> None:
    """Check the bytes of the files ``names``; ``OutputError`` if one has changed: then the artifact is forgotten."""
    for name in names:
        path = artifact.path(name)
        if path in _proven:
            continue
        try:
            proven = sha256_of(path) == artifact.files[name].sha256
        except OSError:
            proven = False
        if not proven:
            raise forget_damaged(artifact, str(path))
        _proven.add(path)


@contextmanager
def forgetting_unusable(artifacts: Iterable[AnyArtifact], run_id: str) -> Iterator[None]:
    """Forget those of ``artifacts`` that other runs than ``run_id`` made, if the block fails over what it reads.

    A file of the cache may have the bytes that its mark states and still not be what this program writes: somebody
    else may have made both. Then an ``OutputError`` says that they were forgotten. Where this run made all of them,
    the error is a fault of the program and goes on. Where one file cannot be read, only its artifact is forgotten.
    """
    artifacts = list(artifacts)
    try:
        yield
    except UnreadableFile as error:
        raise forget_unreadable(error, artifacts, run_id) from error
    except READ_FAILURES as error:
        foreign = [artifact for artifact in artifacts if artifact.run_id != run_id]
        if not foreign:
            raise
        for artifact in foreign:
            with suppress(FileNotFoundError):
                _forget(artifact)
        stages = ", ".join(sorted({artifact.stage for artifact in foreign}))
        fact = f"what an earlier run stored cannot be used ({type(error).__name__}: {error})"
        raise OutputError(f"{stages}: {fact}; it was forgotten, run the same command again") from error


def forget_unreadable(error: UnreadableFile, artifacts: Iterable[AnyArtifact], run_id: str) -> OutputError:
    """Forget the one of ``artifacts`` whose file cannot be read, if another run than ``run_id`` made it.

    The error to raise: one that says so, or the same one, which says what to delete.
    """
    for artifact in artifacts:
        if artifact.run_id != run_id and error.path.parent == Path(artifact.folder):
            try:
                _forget(artifact)
            except OSError:  # another user's file, or a disk that cannot be written
                return error
            return OutputError(
                f"{error.path}: cannot be read ({error.why}); it was forgotten, run the same command again"
            )
    return error


def _forget(artifact: AnyArtifact) -> None:
    (Path(artifact.folder) / MARK).replace(Path(artifact.folder) / UNUSABLE)


def forget_damaged(artifact: AnyArtifact, where: str) -> OutputError:
    """Delete the mark of an artifact whose bytes have changed. Returns the error to raise about the file ``where``."""
    (Path(artifact.folder) / MARK).unlink(missing_ok=True)
    return OutputError(f"{where}: it was damaged in the cache; run the same command again")


class FileFingerprint(NamedTuple):
    """Size, time of change and number of a file: what changes with its content, and is quick to read."""

    size: int
    mtime_ns: int
    inode: int


def file_fingerprint(path: Path) -> FileFingerprint:
    """The fingerprint of a file as it is now. ``OSError`` if there is none."""
    now = path.stat()
    return FileFingerprint(now.st_size, now.st_mtime_ns, now.st_ino)


def require_unchanged(path: Path, fingerprint: FileFingerprint) -> None:
    """``VideoError`` unless the file still has this fingerprint."""
    try:
        same = file_fingerprint(path) == fingerprint
    except OSError as error:
        raise VideoError(f"{path}: it was removed during the run; put it back and run again") from error
    if not same:
        raise VideoError(f"{path}: it was changed during the run; run the same command again")
