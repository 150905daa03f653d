"""Run the program as a process of its own and measure it by the resource usage that the kernel reports."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVER_START_S = 180


@dataclass(frozen=True)
class Spent:
    """Resources of a process and of its children that ended; ``peak_mb`` is that of the largest one."""

    wall_s: float
    cpu_s: float
    peak_mb: float = 0.0


def program(video: Path, folder: Path, api: str, *overrides: str) -> Spent:
    """Run the program on ``video``, a file or a folder, into ``folder/out``. A failure ends the benchmark."""
    where = f"output_dir={folder / 'out'}"
    command = [sys.executable, "-m", "flows.stabilize", f"video={video.absolute()}", where, *overrides]
    environment = {**os.environ, "PREFECT_API_URL": api, "PREFECT_HOME": str(folder / ".prefect")}
    spent, status, said = measured(command, environment)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with {status}:\n{said}")
    return spent


def measured(command: list[str], environment: dict[str, str]) -> tuple[Spent, int, str]:
    """Run a command to its end; return its resources, its exit status and what it printed."""
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
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
