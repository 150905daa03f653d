"""Stages for the tests of workers: small, and importable by a process that is started anew."""

import errno
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from tasks.errors import OutputError, UnreadableFile, VideoError
from tasks.records import Artifact, Content, Tick
from tasks.requests import UNKEYED, Request


@dataclass(frozen=True)
class WorkerRequest(Request[Content]):
    """A request whose stage is one of the functions below."""

    function: str
    stage: ClassVar[str] = "any"
    libraries: ClassVar[tuple[str, ...]] = ()

    @property
    def compute(self) -> str:
        return f"tests.support.worker_stages:{self.function}"


@dataclass(frozen=True)
class TogetherRequest(WorkerRequest):
    """One of several that are made in one pass."""

    stage: ClassVar[str] = "pass"
    compute_together: ClassVar[str] = "tests.support.worker_stages:write_all"
    takes_most_memory: ClassVar[bool] = True


@dataclass(frozen=True)
class KeptRequest(TogetherRequest):
    """A by-product."""

    stage: ClassVar[str] = "kept"


@dataclass(frozen=True)
class ThriftyRequest(TogetherRequest):
    """One with a by-product, which its function may be given."""

    kept: str = "write"  # the function that makes the by-product
    given: Annotated[Artifact[Content] | None, UNKEYED] = None

    @property
    def by_product(self) -> KeptRequest | None:
        return KeptRequest(self.kept) if self.given is None else None

    def with_by_product(self, found: Artifact[Content]) -> Self:
        return replace(self, given=found)


def write_all(
    requests: Sequence[TogetherRequest],
    functions: Sequence[Callable[..., dict[str, Any]]],
    folders: Sequence[Path],
    tick: Tick,
    tell: Callable[[int, dict[str, Any] | Exception], None],
) -> None:
    """Make each with its own function, the last one first."""
    for place in reversed(range(len(requests))):
        try:
            tell(place, functions[place](requests[place], folders[place], tick))
        except Exception as error:  # noqa: BLE001 - it is told
            tell(place, error)


def write(_: WorkerRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    tick(1)
    (folder / "made").write_text("made")
    return {"process": os.getpid()}


def write_two(request: WorkerRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    return write(request, folder, tick)


def say_given(request: ThriftyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    return {"given": "" if request.given is None else request.given.key}


def say_given_too(request: ThriftyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    return say_given(request, folder, tick)


def misread(request: ThriftyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """What it was given has the bytes that its mark states, and still cannot be read."""
    if request.given is not None:
        raise UnreadableFile(request.given.path("made"), "a box in it is empty")
    return {"given": ""}


def die_once(request: WorkerRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    beside = folder.with_name("died")
    if not beside.exists():
        beside.touch()
        (folder / "half").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    return write(request, folder, tick)


def die(_: WorkerRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    with folder.with_name("deaths").open("a") as log:
        log.write("x")
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def refuse(_: WorkerRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    raise VideoError("a.mp4: this is no video")


def err(_: WorkerRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    raise KeyError(f"pid {os.getpid()}")


def fill(_: WorkerRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    raise ConnectionResetError(errno.ENOSPC, "No space left on device")  # not to be taken for the pipe's own


def overflow(_: WorkerRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    raise OutputError("a.mp4: cannot be written; free space there") from OSError(errno.ENOSPC, "no room")


def count(_: WorkerRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    for frame in range(100_000):
        tick(frame)
        time.sleep(0.01)
    return {}
