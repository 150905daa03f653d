"""Lines at the bottom of a terminal: what is printed scrolls above them, and they are gone at the end."""

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from flows.cli.status_lines import StatusLines, clipped
from tests.support import program


class Screen:
    """A terminal that knows the few control sequences that are used."""

    def __init__(self) -> None:
        self.rows = [""]
        self.row = 0

    def write(self, text: str) -> None:
        for part in re.findall(r"\x1b\[\d*[AJ]|[\r\n]|[^\x1b\r\n]+", text):
            if part == "\n":
                self.row += 1
                self.rows += [""] * (self.row + 1 - len(self.rows))
            elif part.endswith("A") and part.startswith("\x1b"):
                self.row -= int(part[2:-1])
            elif part == "\x1b[J":
                self.rows[self.row :] = [""]
            elif part != "\r":
                self.rows[self.row] += part


def test_lines_are_replaced_and_what_is_printed_stays_above_them() -> None:
    screen = Screen()
    status = StatusLines(screen.write, lambda: 20)
    status.show(["one", "two", "three"])
    status.show(["four", "five"])
    assert screen.rows == ["four", "five"]
    with status.above("printed\n"):
        screen.write("printed\n")
    status.show(["six"])
    assert screen.rows == ["printed", "six"]
    status.show([])
    assert screen.rows == ["printed", ""]


def test_a_line_is_clipped_to_the_terminal_and_cannot_send_control_sequences() -> None:
    screen = Screen()
    StatusLines(screen.write, lambda: 11).show(["x\x1b[2J" + "y" * 40])
    assert screen.rows == ["x\\x1b[2Jyy"]
    assert [clipped("歩く人", columns) for columns in (1, 2, 5, 6)] == ["", "歩", "歩く", "歩く人"]


def test_nothing_is_drawn_into_an_unfinished_line_or_after_the_end() -> None:
    screen = Screen()
    status = StatusLines(screen.write, lambda: 20)
    with status.above("half"):
        screen.write("half")
    status.show(["lost"])
    assert screen.rows == ["half"]
    with status.above("\n"):
        screen.write("\n")
    status.show(["shown"])
    status.close()
    status.show(["late"])
    assert screen.rows == ["half", ""]


def test_a_run_in_a_terminal_says_at_once_that_it_starts_and_leaves_only_its_results(
    finished: Path, tmp_path: Path, api: str
) -> None:
    shutil.copytree(finished / "outputs" / ".cache", tmp_path / "outputs" / ".cache")
    leader, follower = pty.openpty()
    environment = {**os.environ, "PREFECT_API_URL": api, "PYTHONPATH": str(program.ROOT), "TERM": "xterm"}
    command = [sys.executable, "-P", "-m", "flows.stabilize", *program.DEMO]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment, stdin=follower, stdout=follower, stderr=follower
    ) as run:
        os.close(follower)
        shown = b""
        while run.poll() is None or b"done in" not in shown:
            try:
                shown += os.read(leader, 4096)
            except OSError:  # the other end is closed
                break
    os.close(leader)
    assert run.returncode == 0
    assert shown.startswith(b"starting")
    screen = Screen()
    screen.write(shown.decode().replace("\r\n", "\n"))
    assert screen.rows[0].startswith("demo: ") and screen.rows[-2].startswith("1 of 1 video done in ")


def test_a_run_whose_output_is_piped_says_what_it_does_in_plain_lines(finished: Path, tmp_path: Path, api: str) -> None:
    shutil.copytree(finished / "outputs" / ".cache", tmp_path / "outputs" / ".cache")
    done = program.ended(program.start(*program.DEMO, cwd=tmp_path, api=api))
    assert (done.status, done.err) == (0, "")
    assert done.progress and all("\x1b" not in line for line in done.progress)
    assert re.fullmatch(r"\[0:\d\d\] start.+", done.progress[0])


@pytest.mark.parametrize("arguments", [("--version",), ("outputs=[nothing]",)])
def test_what_does_not_run_says_nothing_of_progress(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = program.run(*arguments, cwd=tmp_path, api="http://127.0.0.1:9/api")
    assert done.progress == ()
