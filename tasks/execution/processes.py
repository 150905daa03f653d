"""Stages computed here, in the thread that asks, or apart, in a process of its own (``runner=processes``).

A worker is a spawned process, never a forked one: MediaPipe does not survive a fork. It serves one stage at a time and
is kept for the next; over a pipe it tells how far it is and hears that it is to stop. It ends itself when the one who
asks is gone. A ``ProcessPoolExecutor`` is not used: one that dies takes all that it does with it, and its semaphores
outlive a process that is cut off.
"""

import errno
import importlib
import multiprocessing
import os
import shutil
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeAlias

from tasks.errors import Interrupted, OutputError, StillwalkError, WorkerDied
from tasks.execution.memory import give_back, stay_small
from tasks.execution.progress import INTERRUPTED
from tasks.records import Tick
from tasks.requests import AnyRequest

POLL_S = 0.1
STOP = "stop"
STOP_S = 1.0  # that a worker has to stop by itself
UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM)
Facts = dict[str, Any]
Answer: TypeAlias = list[Facts | Exception]
Tell: TypeAlias = Callable[[int, Facts | Exception], None]
_importing = threading.Lock()


@dataclass(frozen=True)
class Computation:
    """Requests to be computed, each into its folder; several are made together in one pass."""

    requests: Sequence[AnyRequest]
    folders: Sequence[Path]

    @property
    def title(self) -> str:
        """What it is called: by its stage where it makes several outputs."""
        return self.requests[0].stage if self.requests[0].compute_together else self.requests[0].title


def here(work: Computation, tick: Tick, tell: Tell) -> None:
    """Compute it in this thread; ``tell`` its facts or its error by its place, for each request, from any thread."""
    functions = [_function(request.compute) for request in work.requests]
    together = work.requests[0].compute_together

    def told(place: int, outcome: Facts | Exception) -> None:
        tell(place, _about_the_disk(outcome) if isinstance(outcome, OutputError) else outcome)

    if together:
        _function(together)(work.requests, functions, work.folders, tick, told)
        return
    for place, (request, folder) in enumerate(zip(work.requests, work.folders, strict=True)):
        try:
            outcome: Facts | Exception = functions[place](request, folder, tick)
        except Exception as error:  # noqa: BLE001 - it is told
            outcome = error
        told(place, outcome)


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


def apart(work: Computation, tick: Tick, tell: Tell) -> None:
    """Compute it in another process; once more when that dies, and then ``WorkerDied``."""
    for _ in range(2):
        worker = _take()
        try:
            outcomes = worker.compute(work, tick)
        except _Gone:
            worker.end()
            for folder in work.folders:
                shutil.rmtree(folder)  # what the dead one has left
                folder.mkdir()
            continue
        except BaseException:
            if worker.answered:
                _idle.append(worker)
            else:  # it is still at work: what it says next would be taken for an answer to another question
                worker.end()
            raise
        _idle.append(worker)
        for place, outcome in enumerate(outcomes):
            tell(place, outcome)
        return
    cure = "memory may have run out: close other programs, or give workers=1, and run the same command again"
    raise WorkerDied(f"{work.title}: its process was killed twice; {cure}")


@contextmanager
def kept() -> Iterator[None]:
    """End the workers when the block ends."""
    try:
        yield
    finally:
        while _idle:
            _idle.pop().end()


class _Gone(Exception):
    """The process is dead: nobody is at the other end of the pipe."""


class Worker:
    """One process, and our end of the pipe to it."""

    def __init__(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.answered = True  # nothing is asked that it has not answered
        self._pipe, its_end = spawn.Pipe()
        self._process = spawn.Process(target=_serve, args=(its_end,), daemon=True)
        resource_tracker.ensure_running()  # which process.start() starts else, and with it undoes the mask
        # Ctrl-C goes to all processes of a terminal; the worker, which inherits the mask, is to be asked by us.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            its_end.close()

    def compute(self, work: Computation, tick: Tick) -> Answer:
        """Have it computed, telling ``tick`` of its progress; ``_Gone`` when the process dies."""
        self.answered = False
        answer = self._exchanged(work)
        frames_done = 0
        while True:
            self.answered = isinstance(answer, list)
            if isinstance(answer, list):
                return answer
            frames_done = frames_done if answer is None else answer
            try:
                tick(frames_done)
            except Interrupted:
                self._stop()
                raise
            answer = self._exchanged(None)

    def _exchanged(self, question: Computation | None) -> Answer | int | None:
        """Send a question, if any, and wait a while for what comes back: an answer, frames done, or nothing."""
        try:
            if question is not None:
                self._pipe.send(question)
            received: Answer | int | None = self._pipe.recv() if self._pipe.poll(POLL_S) else None
        except (EOFError, ConnectionError) as error:
            raise _Gone from error
        return received

    def _stop(self) -> None:
        """Ask it to stop, and wait a while until it has: only then nothing is written any more."""
        with suppress(OSError):
            self._pipe.send(STOP)
        self._process.join(STOP_S)
        self._process.kill()

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    def end(self) -> None:
        """Let the process end; it is not waited for."""
        self._pipe.close()


_idle: list[Worker] = []


def _take() -> Worker:
    while _idle:
        with suppress(IndexError):  # another thread was quicker
            worker = _idle.pop()
            if worker.alive:
                return worker
            worker.end()
    return Worker()


def _serve(pipe: Connection) -> None:
    """Compute what comes through the pipe, until nobody is at its other end or it is told to stop."""
    stay_small()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, ConnectionError):
        while (asked := pipe.recv()) != STOP:
            answer = _answer(asked, pipe)
            give_back()
            pipe.send(answer)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _answer(work: Computation, pipe: Connection) -> Answer:
    told_s = time.monotonic()
    outcomes: dict[int, Facts | Exception] = {}

    def tick(frames_done: int) -> None:
        nonlocal told_s
        if pipe.poll():  # it can only be the wish to stop
            raise Interrupted(INTERRUPTED)
        if time.monotonic() - told_s > POLL_S:
            told_s = time.monotonic()
            pipe.send(frames_done)

    def tell(place: int, outcome: Facts | Exception) -> None:
        outcomes[place] = outcome

    try:
        here(work, tick, tell)
    except Exception as error:  # noqa: BLE001 - it is the outcome of all
        outcomes = dict.fromkeys(range(len(work.requests)), error)
    return [_sendable(outcomes[place]) for place in range(len(work.requests))]


def _sendable(outcome: Facts | Exception) -> Facts | Exception:
    """An outcome that passes through a pipe: a fault of the program is told by its name and text."""
    if isinstance(outcome, dict | StillwalkError):
        return outcome
    if isinstance(outcome, OSError):  # plain, for libraries have kinds of their own that do not pass through a pipe
        return OSError(outcome.errno, outcome.strerror or str(outcome))
    return RuntimeError("".join(traceback.format_exception_only(outcome)).strip())
