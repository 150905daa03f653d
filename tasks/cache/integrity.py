"""Whether files of the cache still are the bytes that were finished: a disk may change them without a trace.

``tasks.cache.store`` trusts a file of the same size and time of change: to read every file that a run finds would
cost more than it saves. A file that something new is made from is read here first, once a process.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tasks.cache.store import MARK, sha256_of
from tasks.errors import OutputError
from tasks.records import AnyArtifact

READ_FAILURES = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError)
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


@contextmanager
def forgetting_unusable(artifacts: Iterable[AnyArtifact], run_id: str) -> Iterator[None]:
    """Forget those of ``artifacts`` that other runs than ``run_id`` made, if the block fails over what it reads.

    A file of the cache may have the bytes that its mark states and still not be what this program writes: somebody
    else may have made both. Then an ``OutputError`` says that they were forgotten. Where this run made all of them,
    the error is a fault of the program and goes on.
    """
    try:
        yield
    except READ_FAILURES as error:
        foreign = [artifact for artifact in artifacts if artifact.run_id != run_id]
        if not foreign:
            raise
        for artifact in foreign:
            (Path(artifact.folder) / MARK).unlink(missing_ok=True)
        stages = ", ".join(sorted({artifact.stage for artifact in foreign}))
        fact = f"what an earlier run stored cannot be used ({type(error).__name__}: {error})"
        raise OutputError(f"{stages}: {fact}; it was forgotten, run the same command again") from error


def damaged(artifact: AnyArtifact, where: str) -> OutputError:
    """Forget an artifact whose bytes have changed, and what to tell of the file ``where``."""
    (Path(artifact.folder) / MARK).unlink(missing_ok=True)
    return OutputError(f"{where}: it was damaged in the cache; run the same command again")
