"""The program's output: names, tags and files cannot send control sequences to the terminal.

Output that cannot be written ends no work.
"""

import io
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, TextIO, cast

from flows.cli.status_lines import StatusLines, terminal_lines
from tasks.untrusted.paths import write_problem
from tasks.untrusted.plain_text import printable_lines

_status: list[StatusLines] = []  # of the terminal that standard error is; empty where it is none
_lost: list[OSError] = []  # why standard output could not be written


class PrintableStream:
    """A text stream that writes control characters as escapes; everything else is the inner stream's.

    On a terminal, status lines make room for what is written. Once it cannot be written, the rest goes nowhere.
    """

    def __init__(self, stream: TextIO) -> None:
        self.inner = stream
        self._on_terminal = stream.isatty()

    def write(self, text: str) -> int:
        shown = printable_lines(text)
        try:
            if _status and self._on_terminal:
                with _status[0].above(shown):
                    self.inner.write(shown)
                    self.inner.flush()
            else:
                self.inner.write(shown)
        except OSError as error:
            self._lead_nowhere(error)
        return len(text)

    def flush(self) -> None:
        try:
            self.inner.flush()
        except OSError as error:
            self._lead_nowhere(error)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def _lead_nowhere(self, error: OSError) -> None:
        """Write no more. A reader who has gone, as with ``| head``, wants no more; anything else is told."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self.inner.fileno())  # for what is still buffered too
        os.close(nowhere)
        if not isinstance(error, BrokenPipeError) and self is cast(object, sys.stdout):
            _lost.append(error)
            fact, cure = write_problem(error)
            cures = f"{cure}, or send it elsewhere" if cure else "send it elsewhere"
            print(f"stillwalk: standard output: {fact}; {cures}, and type the same command again", file=sys.stderr)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def open_closed_streams() -> None:
    """Let standard streams that the caller has closed lead nowhere; else the next file that is opened takes a place.

    To be called before any file is opened.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest free number, which is this one
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(descriptor, "r" if name == "stdin" else "w"))


def guard_output() -> None:
    """Let everything that the program prints from now on pass through ``PrintableStream``."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, PrintableStream):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # a name that the terminal's encoding does not have
            if name == "stderr" and (lines := terminal_lines(stream)):
                _status[:] = [lines]
            setattr(sys, name, cast(TextIO, PrintableStream(stream)))


def is_output_lost() -> bool:
    """Whether a part of standard output could not be written, though somebody may want it."""
    return bool(_lost)


def show_status(lines: Sequence[str]) -> None:
    """Show these lines at the bottom of the terminal, in place of those before; nothing where there is none."""
    for status in _status:
        status.show(lines)


def close_status() -> None:
    """Clear the status lines and draw no more."""
    for status in _status:
        status.close()


def has_status_lines() -> bool:
    """Whether standard error is a terminal that can show them."""
    return bool(_status)
