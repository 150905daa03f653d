"""Ctrl-C, SIGTERM and the end of the terminal: the first signal asks the stages to stop.

After a grace period, or at a second signal, we exit.

No half-written file stays in either case: unfinished files have other names and are removed.
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
from typing import Final, NoReturn

from flows.cli.terminal_text import close_status, open_closed_streams
from tasks.cache import making
from tasks.execution import progress

SIGNAL_GRACE_S: Final = 1.5  # for the stages to stop; loading a model or a silent server may take longer
FAREWELL_S: Final = 0.5  # for the last messages to the server before a forced exit
HANDLED_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_message_lock = threading.Lock()  # acquired once and never released: the message is printed once
_terminal = 2  # standard error; while a model loads, descriptor 2 points elsewhere
_received: list[int] = []  # signals so far
_farewells: list[Callable[[], object]] = []


def exit_on_signal() -> None:
    """From now on each of the signals ends the process with one line: no stage is running yet."""
    global _terminal
    open_closed_streams()
    _terminal = os.dup(2)
    for number in _wanted_signals():
        signal.signal(number, _exit_now)


def _wanted_signals() -> list[signal.Signals]:
    """The signals that are handled: not the end of the terminal where the caller, as ``nohup`` does, ignores it."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [number for number in HANDLED_SIGNALS if not (ignored and number is signal.SIGHUP)]


@contextmanager
def interruptible() -> Iterator[None]:
    """Handle the signals while the block runs; enter it inside the flow, because Prefect sets its own handler.

    Outside the main thread, which no signal reaches, this does nothing. A listener thread receives the signals:
    Python runs handlers in the main thread, and that may have begun to wait when the signal came.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    receiver, sender = socket.socketpair()
    sender.setblocking(False)
    listener = threading.Thread(target=_listen, args=(receiver,), daemon=True)
    listener.start()
    wakeup_before = signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, _do_nothing) for number in _wanted_signals()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup_before)
        sender.close()
        listener.join()
        receiver.close()


def _do_nothing(number: int, _: FrameType | None) -> None:
    """Python itself notifies the listener, through the wake-up descriptor."""


def _listen(receiver: socket.socket) -> None:
    while received := receiver.recv(1):
        number = received[0]
        if number not in HANDLED_SIGNALS:
            continue
        if progress.stop.is_set():
            _exit_now(number, None)
        progress.stop.set()
        _received.append(number)
        threading.Thread(target=_exit_after_grace, args=(number,), daemon=True).start()


@contextmanager
def farewell(send: Callable[[], object]) -> Iterator[None]:
    """Call ``send``, for half a second at most, if the process is forced to exit while the block runs."""
    _farewells.append(send)
    try:
        yield
    finally:
        _farewells.remove(send)


def exit_interrupted(flush: Callable[[], object]) -> NoReturn:
    """Exit after a signal, when the stages have stopped: a normal exit might wait for threads.

    ``flush`` is called first, within the rest of the grace period.
    """
    _print_message()
    sys.stdout.flush()
    flush()
    _exit_now(_received[0] if _received else signal.SIGINT, None)


def _exit_after_grace(number: int) -> None:
    time.sleep(SIGNAL_GRACE_S)  # this thread ends with a process that exits by itself
    senders = [threading.Thread(target=send, daemon=True) for send in tuple(_farewells)]
    for thread in senders:
        thread.start()
    until_s = time.monotonic() + FAREWELL_S
    for thread in senders:
        thread.join(max(0.0, until_s - time.monotonic()))
    _exit_now(number, None)


def _exit_now(number: int, _: FrameType | None) -> NoReturn:
    """Exit at once, without half-written files and child processes."""
    _print_message()  # first: the rest may take a moment on a busy disk
    for child in _child_ids():
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
    making.abandon()
    os._exit(128 + number)


def _print_message() -> None:
    """Print once that the run was interrupted."""
    if _message_lock.acquire(blocking=False):
        message = f"stillwalk: {progress.INTERRUPTED}\n"
        with suppress(OSError):  # the terminal, or who read our errors, is gone
            close_status()
            os.write(_terminal, message.encode())  # not print: the signal may have interrupted one


def _child_ids() -> list[int]:
    """Process ids of our children, such as a server that was started for this run."""
    found: list[int] = []
    for listing in Path("/proc/self/task").glob("*/children"):  # by thread
        with suppress(OSError):  # the thread has just ended
            found += map(int, listing.read_text().split())
    return found
