"""Interrupted or killed in any stage, with any runner: no half-written file, and at last the same bytes."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from flows.cli import cache_commands
from flows.cli.interrupt import SIGNAL_GRACE_S
from flows.results.atomic_files import PART_SUFFIX
from tests.support import program, server_page
from tests.support.program import DEMO

START_S = 120
TRIES = 10
STAGES = ("decode", "pose", "subject", "masks", "offsets", "trajectory", "render")
DATA = ("pose.json", "pose.csv", "pose.parquet", "trajectory.parquet", "masks.npz")
RENDERED = ("stabilized.mp4", "comparison.mp4", "person.mp4", "metrics.json")  # which tells what was rendered


@pytest.fixture
def home(finished: Path, tmp_path: Path) -> Path:
    """A home in which the demo is drawn, and nothing else is done."""
    shutil.copytree(finished / "outputs" / ".cache" / "demo", cache(tmp_path) / "demo")
    return tmp_path


def cache(home: Path) -> Path:
    return home / "outputs" / ".cache"


def started(home: Path, api: str, stage: str, *overrides: str) -> program.Copy:
    """The program, in the midst of a stage; where that was over before it was seen, it is killed and asked again."""
    for _ in range(TRIES):
        before = set(works(home, stage))
        process = program.start_copy(*DEMO, *overrides, cwd=home, api=api)
        if _seen(home, stage, process, before):
            return process
        process.kill()
        process.communicate()
        shutil.rmtree(cache(home) / stage)
        shutil.rmtree(home / "outputs" / "demo", ignore_errors=True)
    return pytest.fail(f"{stage} was over before it was seen, {TRIES} times")


def _seen(home: Path, stage: str, process: program.Copy, before: set[tuple[str, int]]) -> bool:
    deadline = time.monotonic() + START_S
    while not set(works(home, stage)) - before:
        if process.poll() is not None or any(cache(home).glob(f"{stage}/*/done.json")):
            return False
        assert time.monotonic() < deadline
        time.sleep(0.002)
    return True


def works(home: Path, stage: str) -> Iterator[tuple[str, int]]:
    """Folders in which a stage is computed, or was until a kill, each with the time of its last change."""
    for path in cache(home).glob(f"{stage}/.*.work"):
        with suppress(FileNotFoundError):
            yield path.name, path.stat().st_mtime_ns


def halves(home: Path) -> list[Path]:
    return [path for path in (home / "outputs").rglob("*") if path.name.endswith((PART_SUFFIX, ".work"))]


def children_of(process: subprocess.Popen[str] | program.Copy) -> Iterator[int]:
    for listing in Path(f"/proc/{process.pid}/task").glob("*/children"):
        yield from map(int, listing.read_text().split())


def command_of(process_id: int) -> bytes:
    """The command line of a process; empty where it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{process_id}/cmdline").read_bytes()
    return b""


def workers_of(process: program.Copy) -> Iterator[int]:
    return (child for child in children_of(process) if b"spawn_main" in command_of(child))


def runs_of(home: Path) -> list[str]:
    """Ids of the flow runs of which it is not known that their end was told."""
    return [path.name for path in (home / ".prefect" / "stillwalk-runs").glob("[!.]*")]


def state_of(api: str, run: str) -> tuple[str, set[str]]:
    """The state of a flow run and those of its tasks."""
    return server_page.ask(api, f"/flow_runs/{run}")["state_type"], set(server_page.task_runs(api, run).values())


def recorded_state(home: Path) -> str:
    """The state of the only flow run in the database of the home, whose server has ended."""
    with closing(sqlite3.connect(home / ".prefect" / "prefect.db")) as database:
        ((state,),) = database.execute("SELECT state_type FROM flow_run")
    return str(state)


def assert_same(home: Path, finished: Path, names: tuple[str, ...] = DATA + RENDERED) -> None:
    for name in names:
        here, there = (folder / "outputs" / "demo" / name for folder in (home, finished))
        assert here.read_bytes() == there.read_bytes(), name


def test_after_a_kill_in_any_stage_the_same_command_gives_the_same_bytes(home: Path, finished: Path, api: str) -> None:
    # All stages are kept in the same way: one that is computed alone, one beside another, one that makes several files.
    for stage in ("pose", "masks", "render"):
        killed = started(home, api, stage, "workers=1")
        killed.kill()
        killed.communicate()
        assert not (home / "outputs" / "demo").exists()
    runs = runs_of(home)  # of the one before it, a command may be killed before it has told
    states = {state_of(api, run)[0] for run in runs}  # or after it has told, and before it has noted that
    assert "RUNNING" in states and states <= {"RUNNING", "CRASHED"}
    done = program.run(*DEMO, cwd=home, api=api)  # which finds the killed ones in Prefect's own folder
    assert done.status == 0, done.err
    assert program.ran(home / "outputs" / "demo") & set(STAGES) == set()  # renders are named by their file
    assert halves(home) == []
    assert_same(home, finished)
    for _ in range(TRIES):
        if runs_of(home):  # a command that ends before its second look leaves that to the next one
            assert program.run(*DEMO, cwd=home, api=api).status == 0
    assert runs_of(home) == []
    for run in runs:
        state, tasks = state_of(api, run)
        assert state == "CRASHED"
        assert not {"Running", "Pending"} & tasks


@pytest.mark.parametrize(
    ("stage", "number", "runner"),
    [
        ("pose", signal.SIGINT, "threads"),
        ("masks", signal.SIGTERM, "threads"),
        ("pose", signal.SIGINT, "processes"),
        ("pose", signal.SIGINT, "dask"),
    ],
)
def test_an_interrupted_run_ends_with_one_line_and_no_half_written_file(
    finished: Path, tmp_path: Path, api: str, stage: str, number: int, runner: str
) -> None:
    shutil.copytree(finished / "outputs" / ".cache", cache(tmp_path))
    shutil.rmtree(cache(tmp_path) / stage)
    process = started(tmp_path, api, stage, f"runner={runner}")
    (run,) = runs_of(tmp_path)
    process.send_signal(number)
    done = program.ended(process)
    # A server too busy to hear of it in time is told by the next command: see the test of kills.
    assert state_of(api, run)[0] == "CANCELLED" or runs_of(tmp_path) == [run]
    assert done.status == 128 + number
    assert done.err == "stillwalk: interrupted; what is finished is kept, run the same command again to go on\n"
    assert halves(tmp_path) == []
    assert not (tmp_path / "outputs" / "demo").exists()
    kept = {path.parents[1].name for path in cache(tmp_path).glob("*/*/done.json")}
    assert kept == {"demo", "people", "scene", "matte", *STAGES} - {stage}


def test_entries_of_a_running_command_are_not_pruned(finished: Path, tmp_path: Path, api: str) -> None:
    shutil.copytree(finished / "outputs" / ".cache", cache(tmp_path))
    shutil.rmtree(cache(tmp_path) / "pose")
    process = started(tmp_path, api, "pose")
    process.send_signal(signal.SIGSTOP)  # else it might be done before it is asked for
    try:
        assert cache_commands.run_cache_command(["prune", "--larger-than", "0MB", f"cache_dir={cache(tmp_path)}"]) == 2
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.communicate()


def test_a_killed_worker_process_changes_no_key_and_no_byte(home: Path, finished: Path, api: str) -> None:
    process = started(home, api, "pose", "runner=processes", "outputs=[pose,masks]")
    victims = list(workers_of(process))
    while not victims:
        victims = list(workers_of(process))
    for victim in victims:
        subprocess.run(["kill", "-9", str(victim)], check=True)
    done = program.ended(process)
    assert (done.status, done.err) == (0, "")
    assert_same(home, finished, DATA)
    keys = [{entry.parent.name for entry in cache(one).glob("*/*/done.json")} for one in (home, finished)]
    assert {"decode", "pose", "masks", "trajectory"} <= {key.partition("-")[0] for key in keys[0]}
    assert keys[0] <= keys[1]


def test_a_server_of_one_run_records_its_end_and_ends_with_it(home: Path, database: Path, api: str) -> None:
    (home / ".prefect").mkdir()
    shutil.copy(database, home / ".prefect" / "prefect.db")
    process = program.start(*DEMO, "server=ephemeral", cwd=home, api=api, leads=True)
    (run,) = server_page.until(lambda: runs_of(home))
    (server,) = [child for child in children_of(process) if b"local_server" in command_of(child)]
    assert os.getsid(server) != os.getsid(process.pid)  # Ctrl-C in a terminal does not reach it
    interrupted_s = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    done = program.ended(process)
    waited_s = time.monotonic() - interrupted_s
    assert done.status == 130
    assert done.err == "stillwalk: interrupted; what is finished is kept, run the same command again to go on\n"
    server_page.until(lambda: not command_of(server))
    # A server too busy to answer within the grace period is told by the next command: see the test of kills.
    assert runs_of(home) == [] or (runs_of(home) == [run] and waited_s >= SIGNAL_GRACE_S)
    assert recorded_state(home) == "CANCELLED" or runs_of(home) == [run]


STUCK = """
import os, signal, subprocess, sys, time
from functools import partial
from pathlib import Path
from flows.cli import interrupt
from tasks.cache import making
work = Path(sys.argv[1])
(work / "half").write_text("half")
making.unfinished.add(work)
child = subprocess.Popen(["sleep", "600"])
def wait():
    print(child.pid, flush=True)
    while True:
        time.sleep(0.01)  # asks nobody whether it should stop
interrupt.exit_on_signal()
os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # as while a model loads
if sys.argv[2] != "before":
    with interrupt.interruptible(), interrupt.farewell(lambda: print("told", flush=True)):
        if sys.argv[2] == "deaf":  # as a main thread that was about to wait when the signal came: another one takes it
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        wait()
wait()
"""


@pytest.mark.parametrize(("where", "signals"), [("before", 1), ("flow", 1), ("flow", 2), ("deaf", 1)])
def test_a_run_that_does_not_stop_is_ended_with_its_children_and_part_files(
    tmp_path: Path, where: str, signals: int
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    command = [sys.executable, "-c", STUCK, str(work), where]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=program.ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        for _ in range(signals):
            process.send_signal(signal.SIGINT)
            time.sleep(0.2)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out == ("told\n" if where != "before" and signals == 1 else "")
    assert err == "stillwalk: interrupted; what is finished is kept, run the same command again to go on\n"
    assert not work.exists()
    deadline = time.monotonic() + 20
    while command_of(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("where", ["before", "flow"])
def test_a_terminal_that_closes_ends_a_run_as_ctrl_c_does(tmp_path: Path, where: str) -> None:
    work = tmp_path / "work"
    work.mkdir()
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", STUCK, str(work), where]
    with subprocess.Popen(command, cwd=program.ROOT, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stderr.close()  # nothing can be told any more
        process.send_signal(signal.SIGHUP)
        assert process.wait(60) == 128 + signal.SIGHUP
    assert not work.exists()


def test_a_run_that_nohup_has_begun_outlives_its_terminal() -> None:
    code = """
import os, signal
from flows.cli import interrupt
interrupt.exit_on_signal()
with interrupt.interruptible():
    os.kill(os.getpid(), signal.SIGHUP)
os.kill(os.getpid(), signal.SIGHUP)
print("on")
"""
    command = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", code]
    assert subprocess.check_output(command, cwd=program.ROOT, text=True) == "on\n"


def test_the_program_handles_signals_before_it_loads_slow_modules() -> None:
    code = "import sys, flows.stabilize; print(sorted({'hydra', 'numpy', 'prefect'} & set(sys.modules)))"
    assert subprocess.check_output([sys.executable, "-c", code], cwd=program.ROOT, text=True) == "[]\n"


def test_a_dry_run_starts_and_writes_nothing(finished: Path) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in finished.rglob("*"))
    nowhere = "http://127.0.0.1:9/api"  # no server is asked
    done = program.run(*DEMO, "smoothing.window=9", "plan=true", cwd=finished, api=nowhere)
    assert (done.status, done.err) == (0, "")
    assert "smoothing.window: 5 -> 9" in done.out
    assert done.out.splitlines()[1:3] == ["  demo            cached", "  decode          cached"]
    assert sorted((path, path.stat().st_mtime_ns) for path in finished.rglob("*")) == before


@pytest.mark.parametrize("arguments", [("--help",), ("cache",), (*DEMO, "plan=true"), DEMO])
def test_a_closed_pipe_ends_the_program_silently(
    finished: Path, tmp_path: Path, api: str, arguments: tuple[str, ...]
) -> None:
    shutil.copytree(finished / "outputs", tmp_path / "outputs")
    process = program.start(*arguments, cwd=tmp_path, api=api)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    said = process.stderr.read()
    process.stderr.close()
    assert program.without_progress(process.wait(60), "", said).err == ""
    assert process.returncode == 0
