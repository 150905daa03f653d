"""Lines that stages print while others work."""

import io
import sys

import pytest

from tasks.execution.progress import tell


class Writes(io.StringIO):
    """A stream that keeps each write apart."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []

    def write(self, text: str) -> int:
        self.parts.append(text)
        return len(text)


def test_a_line_is_one_write_so_that_no_other_thread_writes_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    writes = Writes()
    monkeypatch.setattr(sys, "stderr", writes)
    tell("demo: two\nlines")
    assert writes.parts == ["stillwalk: demo: two\\nlines\n"]
