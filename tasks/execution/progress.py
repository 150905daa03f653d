"""How a stage that computes tells of its progress, and learns that it should stop.

The one who shows progress sets ``listener``; a stage knows neither the terminal nor the server.
"""

import sys
import threading
from dataclasses import dataclass

from tasks.errors import Interrupted
from tasks.untrusted.plain_text import one_line


@dataclass(frozen=True)
class Work:
    """One stage of one video that is being computed; ``frames`` is 0 while the length is unknown."""

    video: str
    stage: str
    frames: int


class Listener:
    """Told of a run and of its work; called from several threads. This one shows nothing of it.

    A run is ``doing`` something before its stages start, and ``expected`` to give ``count`` results. It has ``asked``
    for the work of so many more of them. Work is ``planned``, then maybe ``started``, ``advanced`` and ``ended``, and
    at last ``settled``: computed, found in the cache, or failed. Each result is ``finished``; ``setting`` is its name
    in a sweep.
    """

    def doing(self, what: str) -> None: ...
    def expected(self, count: int, noun: str) -> None: ...
    def asked(self, results: int) -> None: ...
    def planned(self, work: Work) -> None: ...
    def started(self, work: Work) -> None: ...
    def advanced(self, work: Work, frames_done: int) -> None: ...
    def ended(self, work: Work) -> None: ...
    def settled(self, work: Work) -> None: ...
    def finished(self, video: str, setting: str) -> None: ...


INTERRUPTED = "interrupted; what is finished is kept, run the same command again to go on"
listener = Listener()
stop = threading.Event()
"""Set when the user asked for an end."""


def tell(line: str) -> None:
    """Print a line on standard error while stages run; names and file content in it stay text."""
    # One write. print makes two, and what another thread writes between them ends up in the same line.
    sys.stderr.write(f"stillwalk: {one_line(line)}\n")
    sys.stderr.flush()


def check_stop() -> None:
    """Raise ``Interrupted`` once the user has asked for an end."""
    if stop.is_set():
        raise Interrupted(INTERRUPTED)


class Meter:
    """Hands a stage its ``Tick`` and reports to the listener while it works; a context manager."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.frames_done = 0
        self.whole = False  # whether the work came to its end

    def __enter__(self) -> "Meter":
        check_stop()
        listener.started(self.work)
        return self

    def __call__(self, frames_done: int) -> None:
        check_stop()
        self.frames_done = frames_done
        listener.advanced(self.work, frames_done)

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        self.whole = failure is None
        listener.ended(self.work)
