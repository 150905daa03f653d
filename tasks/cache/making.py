"""Make entries of the cache: each in a folder beside its place, which is renamed when it is whole.

That happens under a lock that the kernel drops when its holder dies. Where locks do not hold
(``tasks.cache.lock_probe``), two may compute one entry: each in a folder of its own, and the first that is whole stays.
If a stage finds nobody in the whole clip, ``make`` raises the stored finding, with its key, and does not compute again.
"""

import errno
import json
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeAlias

from tasks.cache import marks
from tasks.cache.lock_probe import lock_fault
from tasks.cache.locks import LOCKS, cache_write_problem, in_use, lock
from tasks.cache.store import MARK, SCHEMA, broken_files, find, read_finding, read_mark, sha256_of, touch
from tasks.errors import NotFoundInClip, OutputError
from tasks.records import AnyArtifact, Artifact, StoredFile

ABANDONED_S = 86_400  # after which work is taken to be a killed run's where no lock says so
TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)  # something lies where a folder is to be renamed to
Outcome: TypeAlias = AnyArtifact | Exception
"""What became of an entry that was asked for."""

unfinished: set[Path] = set()
"""What this process is writing beside its place: files and folders."""


@dataclass(frozen=True)
class WantedEntry:
    """An entry that is asked for; ``about`` is kept beside the result."""

    stage: str
    key: str
    about: Mapping[str, Any]


class OpenEntry:
    """An entry that is being made: fill ``folder``, then ``finish`` the entry or let it ``fail``, once.

    ``outcome`` is then the artifact, or the error with its cure. What was found missing in the clip is kept. With
    ``is_first`` nobody has begun the entry before, so no unfinished work is looked for: that lists all entries of the
    stage, which takes 0.4 ms for each 1,000.
    """

    def __init__(self, cache: Path, wanted: WantedEntry, run_id: str, *, is_first: bool = False) -> None:
        self.outcome: Outcome | None = None
        self._is_first = is_first
        self.key, self.place = wanted.key, cache / wanted.stage / wanted.key
        self.folder = cache / wanted.stage / f".{wanted.key}.{uuid.uuid4().hex[:8]}.work"
        self._cache, self._wanted, self._run_id = cache, wanted, run_id
        self._started_s = time.perf_counter()

    def begin(self) -> None:
        """Make the folder, empty; ``OSError`` where that cannot be done."""
        for left in self._left():  # by killed runs, or by others without our lock
            with suppress(FileNotFoundError):  # it has just been renamed to its place
                if not lock_fault(self._cache) or left.stat().st_mtime < time.time() - ABANDONED_S:
                    shutil.rmtree(left, ignore_errors=True)
        self.folder.mkdir(parents=True)
        unfinished.add(self.folder)

    def _left(self) -> list[Path]:
        """The folders of unfinished work on this entry. A glob would compile a pattern for each entry of the cache."""
        if self._is_first:
            return []
        with suppress(FileNotFoundError):
            names = os.listdir(self.folder.parent)  # noqa: PTH208 - no path is made of the names of all others
            return [
                self.folder.with_name(one) for one in names if one.startswith(f".{self.key}.") and one.endswith("work")
            ]
        return []

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
    """The artifact of ``key``, computed once. A second caller waits, calling ``waiting``, and gets the first's result.

    ``compute`` fills the empty folder that it is given, and returns the facts. When it raises, nothing is kept except
    what it found missing in the clip. ``about`` is kept beside the result.
    """

    def fill(entries: Sequence[OpenEntry]) -> None:
        for entry in entries:
            entry.finish(compute(entry.folder))

    (outcome,) = make_all(cache, [WantedEntry(stage, key, about or {})], run_id, fill, waiting=waiting)
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def make_all(
    cache: Path,
    wanted: Sequence[WantedEntry],
    run_id: str,
    compute: Callable[[Sequence[OpenEntry]], None],
    *,
    waiting: Callable[[], None],
    pull: Callable[[OpenEntry], bool] = lambda _: False,
) -> list[Outcome]:
    """The outcomes of several entries, in order; those that are missing are computed together.

    ``compute`` is called once with the missing ones, and finishes or fails each of them. If it raises, those that it
    has left fail. A second caller waits, as in ``make``. An entry that ``pull`` has finished is not computed.
    """
    with in_use(cache, waiting), ExitStack() as locks:
        first = {
            key: locks.enter_context(lock(cache / LOCKS / key, waiting))
            for key in sorted({one.key for one in wanted})  # in one order: two processes never wait for each other
        }
        known = [_known(cache, one) for one in wanted]
        opened = [
            OpenEntry(cache, one, run_id, is_first=first[one.key])
            for one, found in zip(wanted, known, strict=True)
            if found is None
        ]
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


class _Busy(Exception):
    """Somebody else is making the entry."""


@contextmanager
def make_beside(cache: Path, wanted: Sequence[WantedEntry], run_id: str) -> Iterator[list[OpenEntry]]:
    """Open those of several entries that are missing and that nobody else is making now. It does not wait.

    For by-products, while ``make_all`` computes what they are made with. What the block does not finish is removed.
    """

    def busy() -> None:
        raise _Busy

    opened: list[OpenEntry] = []
    with ExitStack() as locks:
        for one in wanted:
            with suppress(_Busy):
                is_first = locks.enter_context(lock(cache / LOCKS / one.key, busy))
                if _known(cache, one) is None:
                    opened.append(OpenEntry(cache, one, run_id, is_first=is_first))
        try:
            for entry in opened:
                entry.begin()
            yield opened
        finally:
            for entry in opened:
                entry.leave()


def _known(cache: Path, wanted: WantedEntry) -> Outcome | None:
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
    files = {name: vars(file) for name, file in artifact.files.items()}
    fields = {"schema": SCHEMA, **vars(artifact), "files": files, **more}
    fields.pop("folder")  # the cache may be moved
    (work / MARK).write_text(json.dumps(fields, allow_nan=False))  # an indent would take ten times the time
    return _put(work, artifact)


def _put(work: Path, artifact: AnyArtifact) -> AnyArtifact:
    """Rename the folder to its place. A whole entry that is there by now, made without our lock, stays.

    It is replaced where it cannot be trusted (``marks.is_foreign_record``).
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


def _since(started_s: float) -> float:
    return round(time.perf_counter() - started_s, 3)


def _plain(sentence: str, work: Path, cache: Path) -> str:
    """``sentence`` without the path of a folder that no user has heard of; where the cache is, is said instead."""
    plain = sentence.replace(f"{work}/", "")
    return plain if plain == sentence else f"{plain} (it was made in {cache})"
