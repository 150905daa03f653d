"""What is computed for one task, and how its outcomes pass from one process to another."""

import errno
import importlib
import os
import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from conf.input import MOST_TRACKED_PEOPLE
from tasks.errors import OutputError, StillwalkError
from tasks.execution.memory import give_back_code
from tasks.records import LANDMARKS, AnyArtifact, Artifact, Clip, DecodedClip, Facts, Tell, Tick
from tasks.requests import AnyRequest
from tasks.untrusted.json_file import read_object

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
CLIP_FILE: Final = "clip.json"
CLIPS_KEPT: Final = 64  # a few KB each
STOP_S: Final = 1.0  # that a worker, of a cluster or of a process, has to stop by itself
LARGE_PASS_PX: Final = 100_000_000  # of all frames: less takes less memory and too little time to look for more
Answer: TypeAlias = list[Facts | Exception]
"""The outcome of each request of a computation, in a form that passes to another process."""
_importing = threading.Lock()


def shared_title(requests: Sequence[AnyRequest]) -> str:
    """What one task for several requests is called: by their stages where they are computed in one pass."""
    in_pass = dict.fromkeys(request.stage for request in requests if request.compute_together)
    return " and ".join(in_pass) or requests[0].title


@dataclass(frozen=True)
class Computation:
    """Requests to be computed, each into its folder; several are made together in one pass."""

    requests: Sequence[AnyRequest]
    folders: Sequence[Path]

    @property
    def title(self) -> str:
        return shared_title(self.requests)


Compute: TypeAlias = Callable[[Computation, Tick, Tell], None]
"""Computes it somewhere: ``here``, or what another module of this package offers in its place."""


def here(work: Computation, tick: Tick, tell: Tell) -> None:
    """Compute it in this thread; ``tell`` its facts or its error by its place, for each request, from any thread."""
    for request in work.requests:
        require_tables_of_clip(request)
    functions = [_function(request.compute) for request in work.requests]
    together = work.requests[0].compute_together

    def told(place: int, outcome: Facts | Exception) -> None:
        tell(place, _about_the_disk(outcome) if isinstance(outcome, OutputError) else outcome)

    if together:
        if work.requests[0].takes_most_memory and _frames_px(work.requests[0]) >= LARGE_PASS_PX:
            give_back_code()
        _function(together)(work.requests, functions, work.folders, tick, told)
        return
    for place, (request, folder) in enumerate(zip(work.requests, work.folders, strict=True)):
        try:
            outcome: Facts | Exception = functions[place](request, folder, tick)
        except Exception as error:  # noqa: BLE001 - it is told
            outcome = error
        told(place, outcome)


def clip_of(request: AnyRequest) -> Clip | None:
    """What decoding has shown of the video that a request is about; None before it is decoded."""
    clip: Artifact[DecodedClip] | None = getattr(request, "clip", None)
    return None if clip is None else _clip(clip.path(CLIP_FILE), clip.files[CLIP_FILE].sha256)


@lru_cache(maxsize=CLIPS_KEPT)
def _clip(path: Path, _sha256: str) -> Clip:
    """The clip in a file, remembered: each task asks several times, and few videos are worked on at once."""
    return Clip.from_json(read_object(path))


def require_tables_of_clip(request: AnyRequest) -> None:
    """``UnreadableFile`` where a table that the request takes has more rows than its clip has landmarks of people.

    Of equal values a file of some KB may claim gigabytes: whoever wrote the cache may be somebody else.
    """
    clip = clip_of(request)
    taken = [artifact.path(name) for artifact in artifacts_of(request) for name in artifact.files]
    tables = [path for path in taken if path.suffix == ".parquet"]
    if clip is None or not tables:
        return
    from tasks.media.files.tables import require_rows  # here, where pyarrow is needed in any case

    frames = clip.skipped + clip.frames + clip.skipped_after
    for table in tables:
        require_rows(table, frames * len(LANDMARKS) * MOST_TRACKED_PEOPLE)


def artifacts_of(request: AnyRequest) -> list[AnyArtifact]:
    """The artifacts that a request takes."""
    return [value for value in vars(request).values() if isinstance(value, Artifact)]


def _frames_px(request: AnyRequest) -> int:
    clip = clip_of(request)
    return 0 if clip is None else clip.frames * clip.width_px * clip.height_px


def _function(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    with _importing:  # one thread at a time: of two that first import PyAV at once, one had met it half made
        found: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return found


def _about_the_disk(error: OutputError) -> Exception:
    """A plain ``OSError`` where the disk is the reason (full, read-only): it is reported for the whole cache.

    Any other error is returned unchanged.
    """
    code = getattr(error.__cause__, "errno", None)
    if code not in UNWRITABLE:
        return error
    plain = OSError(code, os.strerror(code))
    plain.__cause__ = error
    return plain


def outcomes_of(work: Computation, tick: Tick) -> Answer:
    """Compute it in this thread for another process."""
    outcomes: dict[int, Facts | Exception] = {}
    try:
        here(work, tick, outcomes.__setitem__)
    except Exception as error:  # noqa: BLE001 - it is the outcome of all
        outcomes = dict.fromkeys(range(len(work.requests)), error)
    return [_sendable(outcomes[place]) for place in range(len(work.requests))]


def _sendable(outcome: Facts | Exception) -> Facts | Exception:
    """An outcome that passes to another process: a fault of the program is told by its name and text."""
    if isinstance(outcome, dict | StillwalkError):
        return outcome
    if isinstance(outcome, OSError):  # plain, for libraries have kinds of their own that do not pass
        return OSError(outcome.errno, outcome.strerror or str(outcome))
    return RuntimeError("".join(traceback.format_exception_only(outcome)).strip())
