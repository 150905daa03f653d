"""Memory: code that is not used any more is let go; ``decode.frames=memory`` gives the same results."""

import ctypes
import json
import mmap
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from tasks.execution import computation, memory
from tasks.execution.memory import give_back_code
from tasks.requests import AnyRequest
from tests.support import program
from tests.support.worker_stages import TogetherRequest

PAGE = mmap.PAGESIZE
STREAMED = "they were streamed"
ARROW_MB = """
from pathlib import Path
from tasks.execution.memory import give_back, stay_small

def held_mb():
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("RssAnon"))
    return int(line.split()[1]) / 1000

stay_small()
import pyarrow
pyarrow.repeat(1.5, 12_500)
before = held_mb()
arrays = [pyarrow.repeat(1.5, 12_500) for _ in range(800)]
full = held_mb()
del arrays
give_back()
print(full - before, held_mb() - before)
"""
only_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which pages a process holds")


def test_held_frames_give_the_same_pose_and_masks(finished: Path, drawn: Path, tmp_path: Path, api: str) -> None:
    asked = ("outputs=[pose,masks]", "decode.frames=memory", "decode.memory_mb=1000")
    done = program.run(f"video={drawn}", *asked, cwd=tmp_path, api=api)
    assert done.status == 0, done.err
    held, streamed = (home / "outputs" / "demo" for home in (tmp_path, finished))
    for name in ("pose.parquet", "masks.npz"):
        assert (held / name).read_bytes() == (streamed / name).read_bytes(), name
    assert (STREAMED in done.out, STREAMED in json.dumps(program.record(held)["warnings"])) == (False, False)


def test_a_clip_that_does_not_fit_is_streamed(finished: Path, drawn: Path, tmp_path: Path, api: str) -> None:
    shutil.copytree(finished / "outputs" / ".cache", tmp_path / "outputs" / ".cache")
    for stage in ("decode", "pose"):
        shutil.rmtree(tmp_path / "outputs" / ".cache" / stage)
    asked = ("outputs=[pose]", "decode.frames=memory", "decode.memory_mb=10")
    done = program.run(f"video={drawn}", *asked, cwd=tmp_path, api=api)
    assert done.status == 0, done.err
    folder = tmp_path / "outputs" / "demo"
    assert program.ran(folder) == {"decode", "pose"}  # what is made of it is the same as before
    assert (STREAMED in done.out, STREAMED in json.dumps(program.record(folder)["warnings"])) == (True, True)


def test_frames_in_memory_are_another_way_to_the_same_cache_entries(
    finished: Path, drawn: Path, tmp_path: Path, api: str
) -> None:
    shutil.copytree(finished / "outputs" / ".cache", tmp_path / "outputs" / ".cache")
    done = program.run(f"video={drawn}", "outputs=[pose]", "decode.frames=memory", cwd=tmp_path, api=api)
    assert done.status == 0, done.err
    assert program.ran(tmp_path / "outputs" / "demo") <= {"decode"}


def held_kb(ending: str) -> int:
    """How much of the files whose names end so the process holds in memory, unwritten."""
    kb, counts = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        name, *rest = line.split()
        if not name.endswith(":"):
            counts = bool(rest) and rest[0].startswith("r-") and rest[-1].endswith(ending)
        elif counts and name in ("Rss:", "Anonymous:"):
            kb += int(rest[0]) if name == "Rss:" else -int(rest[0])
    return kb


@only_linux
def test_what_arrow_frees_is_given_back() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARROW_")}
    done = subprocess.run([sys.executable, "-c", ARROW_MB], env=environment, capture_output=True, text=True, check=True)
    full_mb, left_mb = map(float, done.stdout.split())
    assert full_mb > 75
    assert left_mb < 0.2 * full_mb


@only_linux
def test_code_that_is_not_used_takes_no_memory_and_works_when_it_is_used_again() -> None:
    import cv2
    import numpy as np

    ramp = np.arange(4096, dtype=np.uint8).reshape(64, 64)
    before = cv2.GaussianBlur(ramp, (9, 9), 2)
    held = held_kb(".so")
    give_back_code()
    assert held_kb(".so") < 0.7 * held
    np.testing.assert_array_equal(cv2.GaussianBlur(ramp, (9, 9), 2), before)


@only_linux
def test_pages_of_a_file_that_were_written_to_are_kept(tmp_path: Path) -> None:
    """As the tables of addresses in a library are: written while it is loaded, and read-only after that."""
    path = tmp_path / "library.so"
    path.write_bytes(b"from the file".ljust(PAGE, b"."))
    with path.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), PAGE, flags=mmap.MAP_PRIVATE, prot=mmap.PROT_READ | mmap.PROT_WRITE)
    mapped[:7] = b"written"
    at = ctypes.addressof(ctypes.c_char.from_buffer(mapped))
    library = ctypes.CDLL(None, use_errno=True)
    assert library.mprotect(ctypes.c_void_p(at), PAGE, mmap.PROT_READ) == 0
    give_back_code()
    assert ctypes.string_at(at, 7) == b"written"


@pytest.mark.parametrize(
    ("rights", "file", "kb", "is_let_go"),
    [
        ("r-xp", "/lib/libav.so.1.1.1k", (8, 0, 0), True),
        ("r--p", "/my lib/cv2.abi3.so", (8, 0, 0), True),
        ("r--p", "/lib/libav.so", (0, 0, 0), False),
        ("r--p", "/lib/libav.so", (8, 4, 0), False),
        ("r--p", "/lib/libav.so", (4, 0, 4), False),  # what was written to is swapped out
        ("rw-p", "/lib/libav.so", (8, 0, 0), False),
        ("r--p", "/etc/ld.so.cache", (8, 0, 0), False),
        ("r--p", "/cache/pose/people.parquet", (8, 0, 0), False),
        ("r-xp", "", (8, 0, 0), False),
    ],
)
def test_only_libraries_are_let_go_as_other_files_may_be_unmapped_meanwhile(
    rights: str, file: str, kb: tuple[int, int, int], is_let_go: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rss, anonymous, swap = kb
    mappings = tmp_path / "smaps"
    mappings.write_text(
        f"1000-3000 {rights} 00000000 fe:00 260386    {file}\nSize:   8 kB\nRss:   {rss} kB\n"
        f"Anonymous:   {anonymous} kB\nSwap:   {swap} kB\nSwapPss:   {swap} kB\nVmFlags: rd mr mw me\n"
    )
    monkeypatch.setattr(memory, "_MAPPINGS", mappings)
    assert [*memory._unwritten_code()] == ([(0x1000, 0x3000)] if is_let_go else [])


@pytest.mark.parametrize(("most", "frames", "times"), [(True, 1, 0), (True, 48, 0), (True, 49, 1), (False, 49, 0)])
def test_code_is_let_go_before_a_large_pass_of_the_stage_that_takes_most_memory_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: bool, frames: int, times: int
) -> None:
    """It takes 30 ms: a second of 1920x1080 takes a hundred times that."""
    monkeypatch.setattr(TogetherRequest, "takes_most_memory", most)
    clip, calls = SimpleNamespace(frames=frames, width_px=1920, height_px=1080), list[int]()
    monkeypatch.setattr(computation, "clip_of", lambda _: clip)
    monkeypatch.setattr(computation, "give_back_code", lambda: calls.append(1))
    work = computation.Computation([cast(AnyRequest, TogetherRequest("write"))], [tmp_path])
    computation.here(work, lambda _: None, lambda _place, _outcome: None)
    assert len(calls) == times
