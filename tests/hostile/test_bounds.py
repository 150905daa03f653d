"""Inputs without an end, or much too large, are refused with one line, soon and in little memory."""

import os
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import pytest

from flows.videos import MAX_LIST_BYTES, find_videos
from tasks.errors import SettingError
from tests.support.program import ROOT

NAMES_CPU_S = 10  # 20,000 names took more than a minute
MEMORY_KB = 1_200_000
LONGEST_S = 120  # on a busy machine; alone it takes a second


def refused(*overrides: str, cwd: Path) -> str:
    """Standard error of a dry run that refuses a setting, with the bounds on time and memory."""
    code = (
        "import re, sys; from flows.cli.command import run_command_line\n"
        "try:\n    run_command_line()\n"
        "finally:\n    print(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    arguments = [sys.executable, "-P", "-c", code, *overrides, "plan=true", "output_dir=out"]
    ended = subprocess.run(
        arguments, cwd=cwd, env=environment, capture_output=True, text=True, timeout=LONGEST_S, check=False
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("stillwalk: ") and ended.stderr.count("\n") == 1
    assert int(ended.stdout) < MEMORY_KB
    return ended.stderr


def png(path: Path, side_px: int) -> Path:
    """A black square with one bit for each pixel: small as a file."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    rows = bytes((1 + (side_px + 7) // 8) * side_px)
    header = struct.pack(">IIBBBBB", side_px, side_px, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + parts)
    return path


def test_a_list_that_never_ends_is_refused(tmp_path: Path) -> None:
    assert "the list /dev/zero is not a regular file; " in refused("video=@/dev/zero", cwd=tmp_path)


def test_a_list_that_is_a_pipe_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert "is not a regular file; " in refused("video=@pipe", cwd=tmp_path)


def test_a_huge_list_is_refused(tmp_path: Path) -> None:
    listing = tmp_path / "list.txt"
    with listing.open("wb") as file:
        file.truncate(40 << 30)  # a hole: it takes no place on the disk
    with pytest.raises(SettingError, match=rf"list\.txt is larger than {MAX_LIST_BYTES >> 20} MiB; "):
        find_videos(f"@{listing}")


@pytest.mark.parametrize("different", [True, False])
def test_many_names_are_read_soon(tmp_path: Path, different: bool) -> None:
    listing = tmp_path / "list.txt"
    listing.write_text("".join(f"{number}/walk{number if different else ''}.mp4\n" for number in range(20_000)))
    started_s = time.process_time()
    videos = find_videos(f"@{listing}")
    assert len({video.name for video in videos}) == 20_000
    assert time.process_time() - started_s < NAMES_CPU_S


def test_a_background_with_too_many_pixels_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    picture = png(tmp_path / "huge.png", 30_000)
    line = refused("video=demo", "background=image", f"background.image={picture}", cwd=tmp_path)
    assert f"background.image: {picture} has too many pixels; give a picture of at most 64 megapixels" in line


def test_a_huge_picture_file_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "huge.bmp").open("wb") as file:
        file.truncate(40 << 30)
    line = refused("video=demo", "background=image", "background.image=huge.bmp", cwd=tmp_path)
    assert "huge.bmp is larger than 256 MiB; " in line
