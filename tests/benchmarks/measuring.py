"""Run the program, or another tool, as a process of its own and measure it by the resource usage the kernel reports."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER_START_S = 180
SAID_CHARACTERS = 300  # of a tool that failed


@dataclass(frozen=True)
class Spent:
    """Resources of a process and of its children that ended; ``peak_mb`` is that of the largest one."""

    wall_s: float
    cpu_s: float
    peak_mb: float = 0.0


Watch = Callable[[int], None]
"""What looks at a process, by its id, until it ends."""


def program(video: Path, folder: Path, api: str, *overrides: str, watch: Watch | None = None) -> Spent:
    """Run the program on ``video``, a file or a folder, into ``folder/out``. A failure ends the benchmark."""
    where = f"output_dir={folder / 'out'}"
    command = [sys.executable, "-m", "flows.stabilize", f"video={video.absolute()}", where, *overrides]
    environment = {**os.environ, "PREFECT_API_URL": api, "PREFECT_HOME": str(folder / ".prefect")}
    spent, status, said = measured(command, environment, watch)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}:\n{said}")
    return spent


class PeerFailed(Exception):
    """Another tool did not make a video; the message holds the end of what it printed."""


def peer(video: Path, tool: Path, python: str, out: Path) -> Spent:
    """Run another tool, ``src/run.py`` in the folder ``tool``, on ``video``; it writes its videos into ``out``.

    ``PeerFailed`` is raised where it ends with an error, and where it writes no video and says nothing of it.
    """
    out.mkdir()
    command = [python, "src/run.py", "--input", str(video.absolute()), "--output_dir", str(out.absolute())]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # it has its own modules
    try:
        spent, status, said = measured(command, environment, where=tool)
    except OSError as error:
        raise PeerFailed(str(error)) from error
    end = " ".join(said.split())[-SAID_CHARACTERS:]
    if status:
        raise PeerFailed(f"it ended with {status}: {end}")
    if not any(made.stat().st_size for made in out.glob("*.mp4")):
        raise PeerFailed(f"it wrote no video: {end}")
    return spent


def measured(
    command: list[str], environment: dict[str, str], watch: Watch | None = None, where: Path = ROOT
) -> tuple[Spent, int, str]:
    """Run a command to its end in the folder ``where``; return its resources, its exit status and what it printed.

    ``watch`` runs beside it, in a thread.
    """
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=where, env=environment, stdout=said, stderr=said)
        watcher = threading.Thread(target=watch, args=(process.pid,)) if watch else None
        if watcher:
            watcher.start()
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        if watcher:
            watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        peak_mb = usage.ru_maxrss * 1.024e-3  # Linux reports units of 1024 bytes
        spent = Spent(wall_s, usage.ru_utime + usage.ru_stime, peak_mb)
        return spent, process.returncode, said.read()


@contextmanager
def server(work: Path) -> Iterator[str]:
    """Start a Prefect server on loopback and yield the address of its API."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    environment = {**os.environ, "PREFECT_HOME": str(work / ".server"), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    environment.pop("PREFECT_API_URL", None)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet) as process:
        try:
            wait_for(f"http://127.0.0.1:{port}/api/health")
            yield f"http://127.0.0.1:{port}/api"
        finally:
            process.terminate()
            process.wait(30)


def wait_for(address: str) -> None:
    deadline = time.monotonic() + SERVER_START_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    raise SystemExit(f"the Prefect server does not answer at {address}")
