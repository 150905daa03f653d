"""The cache on disk: ``<cache>/<stage>/<key>/`` with a finished mark, ``done.json``, written last.

A folder without a mark, or whose files are not those that the mark describes, does not exist for the reader. Work
happens in a folder beside it that is renamed when whole, under a lock that the kernel drops when its holder dies.
Where locks do not hold (``tasks.cache.lock_probe``), two may compute one entry: each in a folder of its own, and the
first that is whole stays.
Whoever reads or writes holds ``in_use``, so that nobody removes entries meanwhile (see ``tasks.cache.prune``). The
time of the mark is that of the last use.

If a stage finds nobody in the whole clip, that is stored too (a *finding*): a folder that holds only a mark. ``find``
returns None for it. ``make`` raises the stored error, with its key, and does not compute again. Otherwise it is treated
like any entry.
"""

import errno
import hashlib
import json
import os
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from tasks import errors
from tasks.cache import marks
from tasks.cache.lock_probe import lock_fault
from tasks.cache.locks import LOCKS, cache_write_problem, in_use, lock
from tasks.errors import NotFoundInClip, OutputError
from tasks.records import AnyArtifact, Artifact, StoredFile

MARK = "done.json"
SCHEMA = 2  # of the mark; a folder with another one is computed again
ABANDONED_S = 86_400  # after which work is taken to be a killed run's where no lock says so
TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)  # something lies where a folder is to be renamed to
FOLDERS = "folders"  # see ``tasks.cache.entries``
Outcome: TypeAlias = AnyArtifact | Exception
"""What became of an entry that was asked for."""

unfinished: set[Path] = set()
"""What this process is writing beside its place: files and folders."""


def sha256_of(path: Path) -> str:
    """Digest of a file's bytes as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find(cache: Path, stage: str, key: str) -> AnyArtifact | None:
    """The finished artifact of ``key``, or None when there is none or a file of it is missing or damaged."""
    marked = read_mark(cache / stage / key)
    if not marked or broken_files(marked[0]) or marks.is_foreign_record(cache, key):
        return None
    return marked[0]


def damage(cache: Path, stage: str, key: str) -> str:
    """What is wrong with the entry of ``key``, as a clause; empty if none is there, or a whole one, or a finding.

    A killed run leaves no entry behind: one that is not whole was damaged, or put there by somebody else.
    """
    folder = cache / stage / key
    if marks.is_foreign_record(cache, key):
        return "a result record that this program never writes lies beside it, and was not read"
    if not os.path.lexists(folder) or read_finding(folder):
        return ""
    marked = read_mark(folder)
    broken = broken_files(marked[0]) if marked else [MARK]
    return f"{', '.join(broken)} cannot be what was finished" if broken else ""


def read_mark(folder: Path) -> tuple[AnyArtifact, dict[str, Any]] | None:
    """The artifact that a mark describes, and the notes kept with it; None without a valid mark, or for a finding."""
    try:
        mark = _read(folder)
        return None if "finding" in mark else (marks.artifact_of(mark, folder), marks.about_of(mark))
    except (OSError, ValueError):
        return None


def read_finding(folder: Path) -> tuple[NotFoundInClip, AnyArtifact, dict[str, Any]] | None:
    """What the mark of an entry says was found missing, as an artifact without files, and what was kept about it.

    Of a finding of an older version no more may be known than its stage and key. None where it is no finding.
    """
    try:
        mark = _read(folder)
        kind = getattr(errors, mark["finding"]["kind"])
        if not issubclass(kind, NotFoundInClip):
            return None
        found = kind(str(mark["finding"]["sentence"]))
        looked = marks.looked_of(mark, folder)
        found.key = looked.key
        return found, looked, marks.about_of({"about": {}, **mark})
    except (OSError, ValueError, KeyError, TypeError, AttributeError):  # the finding may be anything
        return None


def _read(folder: Path) -> dict[str, Any]:
    """The mark of an entry; ``ValueError`` for one of another version."""
    mark = marks.read_fields(folder / MARK)
    if mark.pop("schema", None) != SCHEMA:
        raise ValueError(f"{folder}: no mark of schema {SCHEMA}")
    return mark


def broken_files(artifact: AnyArtifact) -> list[str]:
    """Names of its files that are missing or not those that were finished."""
    return [name for name, file in artifact.files.items() if not _intact(artifact.path(name), file)]


def touch(artifact: AnyArtifact) -> None:
    """Note that it is used now; where that cannot be written, it will seem older."""
    with suppress(OSError):
        os.utime(Path(artifact.folder) / MARK)


def finding(cache: Path, stage: str, key: str) -> NotFoundInClip | None:
    """What an earlier run has found missing in the clip under the very same ``key``; None when it found nothing so."""
    found = read_finding(cache / stage / key)
    return found[0] if found else None


def _intact(path: Path, expected: StoredFile) -> bool:
    """Same size, and same time of change or else same bytes: only a file that was touched is read again."""
    try:
        now = path.lstat()
        if not stat.S_ISREG(now.st_mode) or now.st_size != expected.size:  # no link out of the cache, no pipe
            return False
        return now.st_mtime_ns == expected.mtime_ns or sha256_of(path) == expected.sha256
    except OSError:
        return False


@dataclass(frozen=True)
class Wanted:
    """An entry that is asked for; ``about`` is kept beside the result."""

    stage: str
    key: str
    about: Mapping[str, Any]


class OpenEntry:
    """An entry that is being made: fill ``folder``, then ``finish`` the entry or let it ``fail``, once.

    ``outcome`` is then the artifact, or the error with its cure. What was found missing in the clip is kept.
    """

    def __init__(self, cache: Path, wanted: Wanted, run_id: str) -> None:
        self.outcome: Outcome | None = None
        self.key, self.place = wanted.key, cache / wanted.stage / wanted.key
        self.folder = cache / wanted.stage / f".{wanted.key}.{uuid.uuid4().hex[:8]}.work"
        self._cache, self._wanted, self._run_id = cache, wanted, run_id
        self._started_s = time.perf_counter()

    def begin(self) -> None:
        """Make the folder, empty; ``OSError`` where that cannot be done."""
        for left in self.folder.parent.glob(f".{self.key}.*work"):  # by killed runs, or by others without our lock
            with suppress(FileNotFoundError):  # it has just been renamed to its place
                if not lock_fault(self._cache) or left.stat().st_mtime < time.time() - ABANDONED_S:
                    shutil.rmtree(left, ignore_errors=True)
        self.folder.mkdir(parents=True)
        unfinished.add(self.folder)

    def finish(self, facts: Mapping[str, Any]) -> None:
        """Put the folder in its place, the mark last."""
        try:
            self.outcome = _finish(self.folder, replace(self._empty(), facts=facts), self._wanted.about)
        except OSError as error:
            self.fail(error)
        self.leave()

    def fail(self, error: Exception) -> None:
        """Keep nothing of what was begun but a finding."""
        if isinstance(error, NotFoundInClip):
            error.key = self.key
            with suppress(OSError):  # what was found is told all the same, and at worst looked for again
                _keep(error, self.folder, self._empty(), self._wanted.about)
        self.outcome = self._told(error)
        self.leave()

    def leave(self) -> None:
        """Remove what is unfinished."""
        shutil.rmtree(self.folder, ignore_errors=True)
        unfinished.discard(self.folder)

    def _empty(self) -> AnyArtifact:
        stage, key = self._wanted.stage, self._wanted.key
        return Artifact(stage, key, str(self._cache / stage / key), {}, {}, self._run_id, _since(self._started_s))

    def _told(self, error: Exception) -> Exception:
        """The error as it is told, with the cure where a file cannot be written."""
        if isinstance(error, OutputError):
            told = OutputError(_plain(str(error), self.folder, self._cache))
        elif isinstance(error, OSError):
            told = OutputError(cache_write_problem(self._cache, error))
        else:
            return error
        told.__cause__ = error
        return told


def make(
    cache: Path,
    stage: str,
    key: str,
    run_id: str,
    compute: Callable[[Path], dict[str, Any]],
    *,
    waiting: Callable[[], None],
    about: Mapping[str, Any] | None = None,
) -> AnyArtifact:
    """Compute ``key`` once: whoever comes second waits, calling ``waiting`` meanwhile, and finds the first's result.

    ``compute`` fills the empty folder it is given and returns the facts. When it raises, nothing is left behind but
    what it found missing in the clip. ``about`` is kept beside the result.
    """

    def fill(entries: Sequence[OpenEntry]) -> None:
        for entry in entries:
            entry.finish(compute(entry.folder))

    (outcome,) = make_all(cache, [Wanted(stage, key, about or {})], run_id, fill, waiting=waiting)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def make_all(
    cache: Path,
    wanted: Sequence[Wanted],
    run_id: str,
    compute: Callable[[Sequence[OpenEntry]], None],
    *,
    waiting: Callable[[], None],
    pull: Callable[[OpenEntry], bool] = lambda _: False,
) -> list[Outcome]:
    """Compute those of several entries that are missing, together; the outcome of each.

    ``compute`` is called once with the missing ones and finishes or fails each on its own; what it raises fails those
    that it has left. Whoever comes second waits, as in ``make``. An entry that ``pull`` has finished is not computed.
    """
    with in_use(cache, waiting), ExitStack() as locks:
        for key in sorted({one.key for one in wanted}):  # in one order: two processes never wait for each other
            locks.enter_context(lock(cache / LOCKS / key, waiting))
        known = [_known(cache, one) for one in wanted]
        opened = [OpenEntry(cache, one, run_id) for one, found in zip(wanted, known, strict=True) if found is None]
        try:
            for entry in opened:
                entry.begin()
            if left := [entry for entry in opened if not pull(entry)]:
                compute(left)
        except Exception as error:  # noqa: BLE001 - it is the outcome of those that are left
            for entry in opened:
                if entry.outcome is None:
                    entry.fail(error)
        finally:
            for entry in opened:
                entry.leave()
    made = iter(opened)
    return [_outcome(next(made)) if found is None else found for found in known]


def _known(cache: Path, wanted: Wanted) -> Outcome | None:
    """What another process has made of an entry, or found missing, by now."""
    found = find(cache, wanted.stage, wanted.key)
    if found:
        touch(found)
        return found
    known = read_finding(cache / wanted.stage / wanted.key)
    if known is None:
        return None
    touch(known[1])
    return known[0]


def _outcome(entry: OpenEntry) -> Outcome:
    if entry.outcome is None:
        raise RuntimeError(f"{entry.folder}: was neither finished nor failed")
    return entry.outcome


def abandon() -> None:
    """Remove what this process has not finished: it is about to be cut off."""
    for path in tuple(unfinished):
        shutil.rmtree(path, ignore_errors=True)
        with suppress(OSError):
            path.unlink()


def _finish(work: Path, computed: AnyArtifact, about: Mapping[str, Any]) -> AnyArtifact:
    files = {}
    for path in sorted(work.iterdir()):
        now = path.stat()
        files[path.name] = StoredFile(sha256_of(path), now.st_size, now.st_mtime_ns)
    artifact = replace(computed, files=files)
    return mark(work, artifact, {"about": about})


def _keep(missing: NotFoundInClip, work: Path, looked: AnyArtifact, about: Mapping[str, Any]) -> None:
    """Put the finding in the place of the artifact, without the files that the stage had begun."""
    shutil.rmtree(work)
    work.mkdir()
    mark(work, looked, {"about": about, "finding": {"kind": type(missing).__name__, "sentence": str(missing)}})


def mark(work: Path, artifact: AnyArtifact, more: Mapping[str, Any]) -> AnyArtifact:
    """Write the mark, put the folder in its place, and return the artifact that lies there."""
    fields = {"schema": SCHEMA, **asdict(artifact), **more}
    fields.pop("folder")  # the cache may be moved
    (work / MARK).write_text(json.dumps(fields, indent=1, allow_nan=False))
    return _put(work, artifact)


def _put(work: Path, artifact: AnyArtifact) -> AnyArtifact:
    """Rename the folder to its place. A whole entry that is there by now, made without our lock, stays.

    One beside a foreign record is not trusted: it is replaced.
    """
    place = Path(artifact.folder)
    is_trusted = not marks.is_foreign_record(place.parents[1], place.name)
    marks.clear_record(place)
    for last in (False, False, True):
        try:
            work.rename(place)
            break
        except OSError as error:
            if last or error.errno not in TAKEN:
                raise
        there = read_mark(place)
        if there and is_trusted and not broken_files(there[0]):
            return there[0]
        with suppress(FileNotFoundError):  # damaged; moved first, so that nobody reads it while it is removed
            marks.remove(place.rename(work.with_name(f"{work.stem}{uuid.uuid4().hex[:4]}.work")))
    return artifact


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)


def _plain(sentence: str, work: Path, cache: Path) -> str:
    """``sentence`` without the path of a folder that no user has heard of; where the cache is, is said instead."""
    plain = sentence.replace(f"{work}/", "")
    return plain if plain == sentence else f"{plain} (it was made in {cache})"
