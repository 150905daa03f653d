"""Ctrl-C and SIGTERM: the first asks the stages to stop; what has not after a while, and a second, is cut off.

Nothing half-written stays in either case: what is being written lies beside its place and is removed.
"""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

from tasks.cache import store
from tasks.execution import progress

GRACE_S = 1.5  # to stop by itself; loading a model, or a server that does not answer, may take longer
LAST_WORDS_S = 0.5  # for what is told to the server before a cut
SHOW_CURSOR = "\r\x1b[J\x1b[?25h"  # which progress bars hide
TAKEN = (signal.SIGINT, signal.SIGTERM)
_saying = threading.Lock()  # taken once, never given back
_terminal = 2  # standard error; while a model loads, the descriptor 2 leads elsewhere
_signals: list[int] = []  # that have come
_last_words: list[Callable[[], object]] = []


def end_at_once() -> None:
    """Take both signals from now on, where no stage has anything to finish: the process ends with one line."""
    global _terminal
    _terminal = os.dup(2)
    for number in TAKEN:
        signal.signal(number, _cut_off)


@contextmanager
def reader_may_leave() -> Iterator[None]:
    """End the block without a word where nobody reads on what it prints, as behind ``| head``, and print no more.

    Not by SIGPIPE, which Python ignores for good reason: a server that is gone would end the program, too.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())  # where what is still held back goes
        os.close(nowhere)


@contextmanager
def interruptible() -> Iterator[None]:
    """Take both signals while the block runs; to be entered inside the flow, for Prefect sets a handler of its own.

    Outside the main thread, where no signal arrives, nothing is done. A thread of its own hears of them: Python's
    handlers run in the main thread, and one that was about to wait when the signal came goes on waiting.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    hearing, telling = socket.socketpair()
    telling.setblocking(False)
    listener = threading.Thread(target=_listen, args=(hearing,), daemon=True)
    listener.start()
    wakeup_before = signal.set_wakeup_fd(telling.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, _leave_to_listener) for number in TAKEN}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup_before)
        telling.close()
        listener.join()
        hearing.close()


def _leave_to_listener(number: int, _: FrameType | None) -> None:
    """Python tells the listener itself, wherever the signal comes upon it."""


def _listen(hearing: socket.socket) -> None:
    while received := hearing.recv(1):
        number = received[0]
        if number not in TAKEN:
            continue
        if progress.stop.is_set():
            _cut_off(number, None)
        progress.stop.set()
        _signals.append(number)
        threading.Thread(target=_wait_and_cut_off, args=(number,), daemon=True).start()


@contextmanager
def last_words(say: Callable[[], object]) -> Iterator[None]:
    """Have ``say`` called, for half a second at most, where the process is cut off while the block runs."""
    _last_words.append(say)
    try:
        yield
    finally:
        _last_words.remove(say)


def leave(flush: Callable[[], object]) -> NoReturn:
    """End the process after a signal, when the stages have stopped: Python's own end may wait for threads.

    ``flush`` is called first, within what is left of the time.
    """
    _say()
    sys.stdout.flush()
    flush()
    _cut_off(_signals[0] if _signals else signal.SIGINT, None)


def _wait_and_cut_off(number: int) -> None:
    time.sleep(GRACE_S)  # a process that ends by itself takes this thread with it
    sayers = [threading.Thread(target=say, daemon=True) for say in tuple(_last_words)]
    for sayer in sayers:
        sayer.start()
    until_s = time.monotonic() + LAST_WORDS_S
    for sayer in sayers:
        sayer.join(max(0.0, until_s - time.monotonic()))
    _cut_off(number, None)


def _cut_off(number: int, _: FrameType | None) -> NoReturn:
    """End the process now: no half-written file stays, and no child of it."""
    _say()  # first: what comes now takes a moment where the disk is busy
    for child in _children():
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    store.abandon()
    os._exit(128 + number)


def _say() -> None:
    """Say once that the run was interrupted."""
    if _saying.acquire(blocking=False):
        cursor = SHOW_CURSOR if sys.stderr.isatty() else ""
        said = f"{cursor}stillwalk: {progress.INTERRUPTED}\n"
        os.write(_terminal, said.encode())  # not print: the signal may have come in the midst of one


def _children() -> list[int]:
    """Process ids of our own children, such as a server that was started for this run."""
    found: list[int] = []
    for listing in Path("/proc/self/task").glob("*/children"):  # by thread
        with suppress(OSError):  # a thread that has just ended
            found += map(int, listing.read_text().split())
    return found
