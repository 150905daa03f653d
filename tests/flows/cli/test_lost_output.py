"""What cannot be told ends no run: a log on a full disk, a reader who has gone."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import program

FULL = Path("/dev/full")
LINE = (
    "stillwalk: standard output: the disk is full; free some space, or send it elsewhere, "
    "and type the same command again\n"
)
NOBODY = "http://127.0.0.1:9"

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="this system has no file that is always full")


def shell(line: str, home: Path, api: str, unbuffered: str = "") -> subprocess.CompletedProcess[str]:
    places = {"PREFECT_API_URL": api, "PREFECT_HOME": str(home / ".prefect")}
    return program.shell(line, cwd=home, **places, PYTHONUNBUFFERED=unbuffered)


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["--version", "--help=all", "video=demo plan=true"])
def test_output_that_a_full_disk_cannot_hold_is_one_line(tmp_path: Path, command: str, unbuffered: str) -> None:
    done = shell(f"PROGRAM {command} > {FULL}", tmp_path, NOBODY, unbuffered)
    assert (done.returncode, done.stderr) == (1, LINE)


def test_errors_that_nobody_reads_change_no_status(tmp_path: Path) -> None:
    assert shell(f"PROGRAM video=none.mp4 2> {FULL}", tmp_path, NOBODY, "1").returncode == 2


def test_a_reader_who_has_read_enough_is_no_error(tmp_path: Path) -> None:
    done = shell("{ PROGRAM --help=all; echo $? >&2; } | head -1", tmp_path, NOBODY)
    assert (done.stdout.count("\n"), done.stderr) == (1, "0\n")


def test_all_videos_are_done_while_neither_results_nor_errors_can_be_told(
    finished: Path, drawn: Path, tmp_path: Path, api: str
) -> None:
    shutil.copytree(finished / "outputs", tmp_path / "outputs")
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).symlink_to(drawn)
    done = shell(f"PROGRAM 'video=[a.mp4,b.mp4]' > {FULL} 2>&1", tmp_path, api)
    assert done.returncode == 1
    for name in ("a", "b"):
        assert not program.record(tmp_path / "outputs" / name).get("error")
    assert (tmp_path / "outputs" / "index.html").exists()
