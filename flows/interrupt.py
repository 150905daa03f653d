"""Ctrl-C and SIGTERM: the first asks the stages to stop, the second ends the process at once."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from tasks import progress


@contextmanager
def interruptible() -> Iterator[None]:
    """Take both signals while the block runs; to be entered inside the flow, for Prefect sets a handler of its own.

    Outside the main thread, where no signal arrives, nothing is done.
    """

    def ask(number: int, _: FrameType | None) -> None:
        if progress.stop.is_set():
            os._exit(128 + number)
        progress.stop.set()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
