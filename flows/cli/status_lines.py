"""A few lines at the bottom of a terminal that are replaced in place, while other output scrolls above them."""

import os
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Final, TextIO

from tasks.untrusted.plain_text import one_line

CLEAR_DOWN: Final = "\r\x1b[J"
USUAL_WIDTH: Final = 80
CLOSE_S: Final = 0.2
Write = Callable[[str], object]


class StatusLines:
    """Lines that stay below everything that is printed; used from several threads.

    ``write`` writes to the terminal without any guard. Nothing is drawn while a printed line is not finished.
    """

    def __init__(self, write: Write, width: Callable[[], int]) -> None:
        self._write, self._width = write, width
        self._drawn = 0  # lines on the screen; the cursor stands at the end of the last one
        self._at_line_start = True
        self._closed = False
        self._lock = threading.RLock()

    def show(self, lines: Sequence[str]) -> None:
        """Replace the lines on the screen; without any, clear them."""
        with self._lock:
            if self._closed or not self._at_line_start:
                return
            shown = "\n".join(clipped(one_line(line), self._width() - 1) for line in lines)
            if self._drawn or lines:
                self._write(self._erasing() + shown)
            self._drawn = len(lines)

    @contextmanager
    def above(self, text: str) -> Iterator[None]:
        """Clear the lines while the block prints ``text``; the next ``show`` draws them below it."""
        with self._lock:
            if erasing := self._erasing():
                self._write(erasing)
                self._drawn = 0
            yield
            if text:
                self._at_line_start = text.endswith("\n")

    def close(self) -> None:
        """Clear the lines and draw no more; called before a forced exit, so it does not wait for long."""
        self._closed = True
        held = self._lock.acquire(timeout=CLOSE_S)
        if erasing := self._erasing():
            self._write(erasing)
            self._drawn = 0
        if held:
            self._lock.release()

    def _erasing(self) -> str:
        if not self._drawn:
            return ""
        up = f"\x1b[{self._drawn - 1}A" if self._drawn > 1 else ""
        return up + CLEAR_DOWN


def clipped(text: str, columns: int) -> str:
    """The text without what does not fit; East Asian characters take two columns, and combining marks none."""
    used = 0
    for place, sign in enumerate(text):
        wide = 2 if unicodedata.east_asian_width(sign) in "WF" else 1
        used += 0 if unicodedata.combining(sign) else wide
        if used > columns:
            return text[:place]
    return text


def terminal_lines(stream: TextIO) -> StatusLines | None:
    """Status lines on ``stream``, if it is a terminal that can move its cursor.

    They have a descriptor of their own: that of standard error points elsewhere while a model loads.
    """
    if not stream.isatty() or os.environ.get("TERM", "dumb") == "dumb":
        return None
    descriptor = os.dup(stream.fileno())

    def write(text: str) -> None:
        with suppress(OSError):  # the terminal was closed
            os.write(descriptor, text.encode(errors="replace"))

    def width() -> int:
        try:
            return os.get_terminal_size(descriptor).columns or USUAL_WIDTH
        except OSError:
            return USUAL_WIDTH

    return StatusLines(write, width)
