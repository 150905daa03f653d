"""Stages for the tests of workers: small, and importable by a process that is started anew."""

import errno
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, cast

from tasks.errors import OutputError, VideoError
from tasks.records import Tick
from tasks.requests import Request


@dataclass(frozen=True)
class AnyRequest:
    """A request whose stage is one of the functions below."""

    compute: str
    stage: ClassVar[str] = "any"
    output: ClassVar[str] = ""
    libraries: ClassVar[tuple[str, ...]] = ()


def asked(name: str) -> Request:
    return cast(Request, AnyRequest(f"tests.support.worker_stages:{name}"))


def write(_: AnyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    tick(1)
    (folder / "made").write_text("made")
    return {"process": os.getpid()}


def die_once(request: AnyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    beside = folder.with_name("died")
    if not beside.exists():
        beside.touch()
        (folder / "half").write_text("half")
        os.kill(os.getpid(), signal.SIGKILL)
    return write(request, folder, tick)


def die(_: AnyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    with folder.with_name("deaths").open("a") as log:
        log.write("x")
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def refuse(_: AnyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    raise VideoError("a.mp4: this is no video")


def err(_: AnyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    raise KeyError(f"pid {os.getpid()}")


def fill(_: AnyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    raise ConnectionResetError(errno.ENOSPC, "No space left on device")  # not to be taken for the pipe's own


def overflow(_: AnyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    raise OutputError("a.mp4: cannot be written; free space there") from OSError(errno.ENOSPC, "no room")


def count(_: AnyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    for frame in range(100_000):
        tick(frame)
        time.sleep(0.01)
    return {}
