"""The program's output: names, tags and files cannot send control sequences to the terminal."""

import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

from tasks.untrusted.plain_text import printable_lines


class PrintableStream:
    """A text stream that writes control characters as escapes; everything else is the inner stream's."""

    def __init__(self, stream: TextIO) -> None:
        self.inner = stream

    def write(self, text: str) -> int:
        self.inner.write(printable_lines(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)


def guard_output() -> None:
    """Let everything that the program prints from now on pass through ``PrintableStream``."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is not None and not isinstance(stream, PrintableStream):
            setattr(sys, name, cast(TextIO, PrintableStream(stream)))


def inner_stream(stream: TextIO) -> TextIO:
    """The stream without the guard, for progress bars: they move the cursor and escape all text themselves."""
    return stream.inner if isinstance(stream, PrintableStream) else stream
