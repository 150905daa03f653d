"""What a worker of a cluster does with the computations that are sent to it, and why it may refuse one.

It computes the same bytes as the machine that asks, or nothing: it must have the same source, libraries and models, and
see the same files. Folders may have other names there (``runner.paths``).
"""

import hashlib
import importlib.metadata
import os
import pickle
import re
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from conf.input import ModelsConf
from tasks.cache.keys import ROOT, library_version
from tasks.errors import ModelError, SettingError, StillwalkError
from tasks.execution.computation import Answer, Computation, outcomes_of
from tasks.execution.memory import give_back, stay_small
from tasks.models.sources import model_digests
from tasks.records import Artifact, Tick
from tasks.requests import AnyRequest, Request
from tasks.untrusted.paths import expand_home, without_dots

SIGN: Final = ".stillwalk-cluster"  # a file with a random text: the worker sees the very folder that we see
APPEARS_S: Final = 5.0  # how long a file that another machine has made may be hidden: NFS remembers what it has seen
_POLL_S: Final = 0.2


@dataclass(frozen=True)
class Build:
    """The program and the libraries of a process, as far as they shape results."""

    source: str  # digest of the program's source
    libraries: Mapping[str, str]  # versions by name; "" where one is not installed


@dataclass(frozen=True)
class Order:
    """A computation for a worker, with the paths as they are there."""

    work: Computation
    build: Build
    sign: str  # what the file ``SIGN`` in each folder holds
    sizes: Mapping[Path, int]  # bytes of the user's files that it reads
    names: Sequence[tuple[str, str]]  # for messages: a path there, and the user's own name of it


@dataclass(frozen=True)
class Reply:
    """What a worker made of an order: why it refuses, in a sentence, or an outcome and the files of each request."""

    refusal: str = ""
    outcomes: Sequence[dict[str, Any] | Exception] = ()
    sizes: Sequence[Mapping[str, int]] = ()  # bytes of the files in each folder


@lru_cache
def own_build() -> Build:
    """The build of this process. Its source counts as it was at the first call."""
    digest = hashlib.sha256()
    for path in sorted(file for part in ("conf", "tasks") for file in (ROOT / part).rglob("*.py")):
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes())
    return Build(digest.hexdigest(), {name: _version(name) for name in sorted(_libraries_below(Request))})


def _libraries_below(base: type[AnyRequest]) -> set[str]:
    """The libraries of all stages. A class between, which several requests share, may state none."""
    names: set[str] = set()
    for kind in base.__subclasses__():
        names.update(getattr(kind, "libraries", ()), _libraries_below(kind))
    return names


def _version(distribution: str) -> str:
    try:
        return library_version(distribution)
    except (importlib.metadata.PackageNotFoundError, SettingError):  # the latter of OpenCV
        return ""


def packed(order: Order) -> bytes:
    """The order as bytes: a worker that cannot read them has another version, and can say so."""
    return pickle.dumps(order)


def answered(packed_order: bytes, tick: Tick, is_wanted: Callable[[], bool]) -> Reply:
    """Compute an order in this thread. ``is_wanted``: whether anybody still waits for it."""
    try:
        order: Order = pickle.loads(packed_order)
    except Exception:  # noqa: BLE001 - whatever a class of another version does
        return Reply(ANOTHER_VERSION)
    if refusal := build_refusal(order.build) or _files_refusal(order) or _models_refusal(order.work.requests):
        return Reply(refusal)
    _stay_small_once()
    attempts = [folder / f".{uuid.uuid4().hex}" for folder in order.work.folders]
    try:
        for attempt in attempts:  # of its own: a worker that was given up for dead may still write
            attempt.mkdir()
        outcomes = outcomes_of(replace(order.work, folders=attempts), tick)
        sizes = [_hand_over(attempt, is_wanted) for attempt in attempts]
    except OSError as error:
        outcomes, sizes = [OSError(error.errno, error.strerror)] * len(attempts), [{}] * len(attempts)
    finally:
        for attempt in attempts:
            shutil.rmtree(attempt, ignore_errors=True)
        give_back()
    folders = [(str(attempt), str(attempt.parent)) for attempt in attempts]
    return Reply("", _in_users_words(outcomes, [*folders, *order.names]), sizes)


def _hand_over(attempt: Path, is_wanted: Callable[[], bool]) -> dict[str, int]:
    """Move what was made into the folder of the request, and return the sizes of the files."""
    sizes = {path.name: path.stat().st_size for path in attempt.iterdir()}
    for name in sizes:
        if is_wanted():
            (attempt / name).replace(attempt.parent / name)
    return sizes


ANOTHER_VERSION: Final = "it has another version of Stillwalk; install the same one there, and restart it"


def build_refusal(asked: Build) -> str:
    """Why this process would make other bytes than one of the build ``asked``, with the cure; empty if it would not."""
    own = own_build()
    for name, version in asked.libraries.items():
        there = own.libraries.get(name, "")
        if there != version:
            fact = f"it has {name} {there}, and {version} is needed" if there else f"it lacks {name} {version}"
            return f"{fact}; install the same libraries there (requirements.txt), and restart it"
    return "" if own.source == asked.source else ANOTHER_VERSION


def folder_refusal(folder: Path, sign: str) -> str:
    """Why this process cannot use a folder that holds ``sign``, with the cure; empty if it can."""
    if not _appears(lambda: (folder / SIGN).read_text() == sign):
        return f"it does not see {folder}; share the folder with it, or name its place there with runner.paths"
    if not os.access(folder, os.W_OK):
        return f"it may not write into {folder}; run it as the same user"
    return ""


def _files_refusal(order: Order) -> str:
    for folder in order.work.folders:
        if refusal := folder_refusal(folder, order.sign):
            return refusal
    for path, size in order.sizes.items():
        if not _appears(path.is_file):
            return f"it does not see {path}; share the file with it, or name its place there with runner.paths"
        if path.stat().st_size != size:
            return f"{path} is another file there; share the file itself with it, or name its place with runner.paths"
    return ""


def _appears(condition: Callable[[], bool]) -> bool:
    """Whether a condition on files becomes true within ``APPEARS_S``."""
    until_s = time.monotonic() + APPEARS_S
    while True:
        try:
            if condition():
                return True
        except OSError:
            pass
        if time.monotonic() > until_s:
            return False
        time.sleep(_POLL_S)


def _models_refusal(requests: Sequence[AnyRequest]) -> str:
    for request in requests:
        wanted: dict[str, str] = getattr(request, "model_digests", {})
        for name, digest in wanted.items():
            models: ModelsConf = getattr(request, "models", ModelsConf())
            try:
                own = model_digests([name], models.dir)[name]
            except ModelError as error:
                return f"there, {error}"
            if own != digest:
                return f"its file of the model '{name}' is another one; type `stillwalk models` there"
    return ""


def await_files(folder: Path, sizes: Mapping[str, int]) -> bool:
    """Whether all files that a worker has made can be seen here, whole. Removes all else from the folder."""
    for name, size in sizes.items():
        path = folder / name
        if not _appears(lambda path=path, size=size: path.stat().st_size == size):  # type: ignore[misc]
            return False
    for path in folder.iterdir():
        if path.name not in sizes:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    return True


def sent(work: Computation, paths: Mapping[str, str], sign: str) -> Order:
    """The order for a computation, with its paths as they are on a worker; ``paths``: folders there, by those here."""
    sizes: dict[Path, int] = {}
    names: list[tuple[str, str]] = []
    for request in work.requests:
        for path in (value for value in vars(request).values() if isinstance(value, Path)):
            there = moved(path, paths)
            sizes[there] = path.stat().st_size
            names.append((str(there), str(path)))
    names += [(there, here) for here, there in paths.items()]
    requests = [_moved_request(request, paths) for request in work.requests]
    folders = [moved(folder, paths) for folder in work.folders]
    return Order(Computation(requests, folders), own_build(), sign, sizes, names)


def moved(path: Path, paths: Mapping[str, str]) -> Path:
    """An absolute path on a worker. Of two folders in ``paths`` that hold it, the inner one decides."""
    place = without_dots(path)
    for here in sorted(paths, key=len, reverse=True):
        if place.is_relative_to(here):
            return Path(paths[here]) / place.relative_to(here)
    return place


def _moved_request(request: AnyRequest, paths: Mapping[str, str]) -> AnyRequest:
    return replace(request, **dict(_moved_fields(request, paths)))


def _moved_fields(request: AnyRequest, paths: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for name, value in vars(request).items():
        if isinstance(value, Path):
            yield name, moved(value, paths)
        elif isinstance(value, Artifact):
            yield name, replace(value, folder=str(moved(Path(value.folder), paths)))
        elif isinstance(value, ModelsConf) and value.dir is not None:
            yield name, ModelsConf(str(moved(expand_home(value.dir), paths)))


def _in_users_words(outcomes: Answer, names: Sequence[tuple[str, str]]) -> Answer:
    """The outcomes, with the user's names of files in errors. ``names``: paths there, and the user's own."""
    for outcome in outcomes:
        if isinstance(outcome, StillwalkError):
            outcome.args = tuple(_renamed(str(part), names) for part in outcome.args)
    return outcomes


def _renamed(text: str, names: Sequence[tuple[str, str]]) -> str:
    for there, own in names:
        text = re.sub(rf"(?<![\w./-]){re.escape(there)}(?![\w-]|\.\w)", lambda _, own=own: own, text)  # type: ignore[misc]
    return text


@lru_cache
def _stay_small_once() -> None:
    stay_small()
