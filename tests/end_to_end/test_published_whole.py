"""A full disk, a folder that may not be written, a kill: done for real, each ends in a line and in no half file."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from flows.results.atomic_files import PART_SUFFIX
from tasks.media.output.written_check import check_written_video
from tests.support import program
from tests.support.program import DEMO

FRAMES = 36
OTHER = "smoothing.window=9"
VIDEOS = {"stabilized.mp4", "comparison.mp4", "person.mp4"}
APART = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]  # mounts that only one process sees
START_S = 120
BLOCK = 4096


@pytest.fixture
def home(finished: Path, tmp_path: Path) -> Path:
    shutil.copytree(finished / "outputs", tmp_path / "outputs")
    return tmp_path


@pytest.fixture
def mounts(tmp_path_factory: pytest.TempPathFactory) -> None:
    trial = [*APART, "mount", "-t", "tmpfs", "none", str(tmp_path_factory.mktemp("trial"))]
    if shutil.which("unshare") is None or subprocess.run(trial, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a small disk")


def run_after(prepare: str, *overrides: str, home: Path, api: str) -> program.Ended:
    """Run the program behind the shell command ``prepare``; ``left`` then holds what lay on the mounted ``small``."""
    program_ = shlex.join([sys.executable, "-P", "-m", "flows.stabilize", *overrides])
    script = f"mkdir -p small && {prepare} && {{ {program_}; status=$?; cp -a small left; exit $status; }}"
    environment = {
        **os.environ,
        "PREFECT_API_URL": api,
        "PREFECT_HOME": str(home / ".prefect"),
        "PYTHONPATH": str(program.ROOT),
    }
    pipe = subprocess.PIPE
    command = [*APART, "sh", "-c", script]
    return program.ended(subprocess.Popen(command, cwd=home, env=environment, stdout=pipe, stderr=pipe, text=True))


def the_line(done: program.Ended) -> str:
    assert done.status == 1, done.err
    assert "Traceback" not in done.err
    (line,) = [line for line in done.err.splitlines() if line.startswith("demo: FAILED: ")]
    return line


def half_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.name.endswith((PART_SUFFIX, ".work"))]


def assert_whole(home: Path) -> None:
    for name in VIDEOS:
        check_written_video(home / "outputs" / "demo" / name, FRAMES)
    assert half_files(home / "outputs") == []


def blocks(path: Path) -> int:
    """Bytes that a file or folder takes of a small disk in memory."""
    return -(-max(path.stat().st_size, 1) // BLOCK) * BLOCK


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix == ".mp4"}


@pytest.mark.usefixtures("mounts")
def test_a_full_disk_under_the_cache_keeps_what_was_finished(home: Path, api: str) -> None:
    shutil.move(home / "outputs" / ".cache", home / "cache")
    before = contents(home / "outputs" / "demo")
    size = sum(blocks(path) for path in (home / "cache").rglob("*")) + 60_000
    small = f"mount -t tmpfs -o size={size} none small && cp -a cache/. small"
    line = the_line(run_after(small, *DEMO, OTHER, "cache_dir=small", home=home, api=api))
    assert "small: the disk is full; free some space, or choose another place with cache_dir=; finished" in line
    assert contents(home / "outputs" / "demo") == before
    assert half_files(home) == []
    shutil.move(home / "left", home / "outputs" / ".cache")
    assert program.run(*DEMO, OTHER, cwd=home, api=api).status == 0
    assert {"decode", "pose", "masks", "offsets"} & program.ran(home / "outputs" / "demo") == set()
    assert_whole(home)


@pytest.mark.usefixtures("mounts")
def test_a_full_disk_under_the_deliverables_leaves_whole_ones_only(home: Path, api: str) -> None:
    sizes = {path.name: path.stat().st_size for path in (home / "outputs" / "demo").iterdir()}
    small = f"mount -t tmpfs -o size={sum(sizes.values()) // 2} none small"
    cache = f"cache_dir={home / 'outputs' / '.cache'}"
    line = the_line(run_after(small, *DEMO, "output_dir=small", cache, home=home, api=api))
    assert "the disk is full; free some space, or choose another place with output_dir=" in line
    left = {path.name: path.stat().st_size for path in (home / "left" / "demo").iterdir()}
    assert {name: sizes[name] for name in left} == left
    assert half_files(home / "left") == []
    assert "run.json" not in left
    assert program.run(*DEMO, cwd=home, api=api).status == 0
    assert program.ran(home / "outputs" / "demo") == set()


@pytest.mark.usefixtures("mounts")
def test_a_folder_that_may_not_be_written_is_a_line(home: Path, api: str) -> None:
    sealed = "mount -t tmpfs none small && mount -o remount,ro small"
    cache = f"cache_dir={home / 'outputs' / '.cache'}"
    for setting, where in (("output_dir", ("output_dir=small", cache)), ("cache_dir", ("cache_dir=small",))):
        done = run_after(sealed, *DEMO, OTHER, *where, home=home, api=api)
        assert done.status == 2
        assert f"small is not writable; make it writable, or choose another place with {setting}=" in done.err
        assert len(done.err.splitlines()) == 1
    assert_whole(home)


def test_a_kill_while_rendering_loses_the_renders_only(home: Path, api: str) -> None:
    before = contents(home / "outputs" / "demo")
    process = program.start_copy(*DEMO, OTHER, cwd=home, api=api)
    deadline = time.monotonic() + START_S
    while not list(home.glob("outputs/.cache/render/.*.work/*.mp4")):
        assert process.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert contents(home / "outputs" / "demo") == before
    done = program.run(*DEMO, OTHER, cwd=home, api=api)
    assert done.status == 0, done.err
    assert {"decode", "pose", "masks", "offsets"} & program.ran(home / "outputs" / "demo") == set()
    assert_whole(home)
    assert contents(home / "outputs" / "demo") != before
