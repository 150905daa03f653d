"""Whether files of the cache still are the bytes that were finished: a disk may change them without a trace.

``tasks.cache.store`` trusts a file of the same size and time of change: to read every file that a run finds would
cost more than it saves. A file that something new is made from is read here first, once a process.
"""

from collections.abc import Iterable
from pathlib import Path

from tasks.cache.store import MARK, sha256_of
from tasks.errors import OutputError
from tasks.records import AnyArtifact

_proven: set[Path] = set()


def require_proven(artifact: AnyArtifact, names: Iterable[str]) -> None:
    """``OutputError`` where one of the files ``names`` holds other bytes: it is forgotten, so that it is made again."""
    for name in names:
        path = artifact.path(name)
        if path in _proven:
            continue
        try:
            proven = sha256_of(path) == artifact.files[name].sha256
        except OSError:
            proven = False
        if not proven:
            raise damaged(artifact, str(path))
        _proven.add(path)


def damaged(artifact: AnyArtifact, where: str) -> OutputError:
    """Forget an artifact whose bytes have changed, and what to tell of the file ``where``."""
    (Path(artifact.folder) / MARK).unlink(missing_ok=True)
    return OutputError(f"{where}: it was damaged in the cache; run the same command again")
