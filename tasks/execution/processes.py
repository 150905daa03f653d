"""Compute each stage in a process of its own (``runner=processes``).

A worker is a spawned process, never a forked one: MediaPipe does not survive a fork. It serves one stage at a time and
is kept for the next; over a pipe it tells how far it is and hears that it is to stop. It ends itself when the one who
asks is gone. A ``ProcessPoolExecutor`` is not used: one that dies takes all that it does with it, and its semaphores
outlive a process that is cut off.
"""

import multiprocessing
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection

from tasks.errors import Interrupted, WorkerDied
from tasks.execution.computation import STOP_S, Answer, Computation, outcomes_of
from tasks.execution.memory import give_back, stay_small
from tasks.execution.progress import INTERRUPTED
from tasks.records import Tell, Tick

POLL_S = 0.1
STOP = "stop"


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

    def tick(frames_done: int) -> None:
        nonlocal told_s
        if pipe.poll():  # it can only be the wish to stop
            raise Interrupted(INTERRUPTED)
        if time.monotonic() - told_s > POLL_S:
            told_s = time.monotonic()
            pipe.send(frames_done)

    return outcomes_of(work, tick)
