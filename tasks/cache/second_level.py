"""A second level of the cache, in a store that several machines reach: ``storage=s3://bucket/prefix``.

An entry lies there as ``<stage>/<key>/<sha256 of a file>``, and ``<stage>/<key>/done.json``, its mark, which is written
last and only if there is none. Files are named by their content: two machines that made the same entry a little
differently do not mix. So whoever reads a mark finds all its files.

What comes from a store may be anybody's: the mark is checked like one on the disk, names and sizes too, and each file
against its digest. An entry that is not whole is computed again, and written anew. A store that fails is not asked
again in this run: it costs one warning, and never the work.
"""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

from tasks.cache import making, marks, store
from tasks.cache.making import OpenEntry, Outcome
from tasks.cache.object_store import Objects, StoreError, WrongContent
from tasks.cache.store import MARK, sha256_of
from tasks.errors import NotFoundInClip
from tasks.records import StoredFile


class SecondLevel:
    """The entries behind an address; used by several threads. ``tell`` prints a line."""

    def __init__(self, address: str, tell: Callable[[str], None]) -> None:
        self._address, self._tell = address, tell
        self._damaged: set[str] = set()  # keys whose entry is to be written anew
        self._turn, self._given_up = Lock(), False
        self._objects: Objects | None = None
        try:
            self._objects = Objects(address)
        except StoreError as error:
            self._give_up(error)

    def pull(self, entry: OpenEntry) -> bool:
        """Finish an entry that was begun with what the store holds of it; whether that was all of it."""
        objects, place = self._objects, entry.place
        if objects is None:
            return False
        if (place / marks.UNUSABLE).exists():  # by an earlier run: the same bytes would fail again
            self._damaged.add(entry.key)
            return False
        try:
            entry.outcome = _pulled(objects, entry.folder, place)
        except StoreError as error:
            self._give_up(error)
        except (WrongContent, ValueError, KeyError, TypeError):  # the mark may be anything
            self._damaged.add(entry.key)
            stage = place.parent.name
            self._tell(f"storage: {self._address}: {stage}/{entry.key} is damaged there; it is computed again")
        except OSError:  # of our own disk: whoever computes will meet it, and says so
            pass
        if entry.outcome is None:
            shutil.rmtree(entry.folder, ignore_errors=True)
            entry.folder.mkdir(parents=True, exist_ok=True)
        return entry.outcome is not None

    def push(self, folder: Path) -> None:
        """Store a finished entry, its mark last."""
        objects, name = self._objects, f"{folder.parent.name}/{folder.name}"
        if objects is None:
            return
        try:
            mark = (folder / MARK).read_bytes()
            marked = store.read_mark(folder)
            for file, stored in marked[0].files.items() if marked else ():
                objects.put(f"{name}/{stored.sha256}", folder / file)
            (objects.put if folder.name in self._damaged else objects.put_first)(f"{name}/{MARK}", mark)
        except StoreError as error:
            self._give_up(error)
        except OSError:  # the entry was removed meanwhile
            return

    def _give_up(self, error: StoreError) -> None:
        with self._turn:
            first, self._given_up, self._objects = not self._given_up, True, None
        if first:
            self._tell(f"storage: {self._address}: {error}; this run goes on without it")


def _pulled(objects: Objects, work: Path, place: Path) -> Outcome | None:
    """Fill ``work`` with the entry of ``place`` and put it there; None where the store has none.

    ``ValueError`` and ``WrongContent`` for an entry that cannot be what this program wrote.
    """
    name = f"{place.parent.name}/{place.name}"
    content = objects.read(f"{name}/{MARK}", marks.MOST_MARK_BYTES)
    if content is None:
        return None
    (work / MARK).write_bytes(content)
    mark = marks.read_fields(work / MARK)
    (work / MARK).unlink()
    if mark.get("schema") != store.SCHEMA:
        raise ValueError("schema")
    if "finding" in mark:
        return _pulled_finding(mark, work, place)
    artifact, about = marks.artifact_of(mark, place), marks.about_of(mark)
    if sum(file.size for file in artifact.files.values()) > shutil.disk_usage(work).free:
        return None
    files = {}
    for file, stored in artifact.files.items():
        if not objects.fetch(f"{name}/{stored.sha256}", work / file, stored.size):
            raise ValueError("a file is missing")
        if sha256_of(work / file) != stored.sha256:
            raise ValueError("digest")
        files[file] = StoredFile(stored.sha256, stored.size, (work / file).stat().st_mtime_ns)
    return making.mark(work, replace(artifact, files=files), {"about": about})


def _pulled_finding(mark: dict[str, Any], work: Path, place: Path) -> NotFoundInClip:
    looked = marks.looked_of(mark, place)
    finding = {name: str(mark["finding"][name]) for name in ("kind", "sentence")}
    making.mark(work, looked, {"about": marks.about_of(mark), "finding": finding})
    found = store.read_finding(place)
    if found is None:
        raise ValueError("finding")
    return found[0]
