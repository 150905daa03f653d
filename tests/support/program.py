"""Runs the program as a user does: as a process of its own, and reads what it left."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 240
DEMO = ("video=demo", "demo.seconds=1.2", "demo.width=640", "demo.height=360")  # small and short: 36 frames


# Prefect is not loaded: who gets so far as to need it loads it alone.
COPIES = """
import json, os, sys
import flows.run
from flows.stabilize import main
folder, commands = sys.argv[1], json.loads(sys.argv[2])
for number, arguments in enumerate(commands):
    child = os.fork()
    if child:
        with open(f"{folder}/{number}.status", "w") as file:
            file.write(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])))
    else:
        for descriptor, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{folder}/{number}.{name}", os.O_WRONLY | os.O_CREAT), descriptor)
        sys.argv[1:] = arguments
        main()
        sys.exit()
"""
NO_SERVER = "http://127.0.0.1:9/api"
PROGRESS = re.compile(r"\[\d+:\d\d\] ")  # how a line begins that says how far the run is


@dataclass(frozen=True)
class Ended:
    """How a run ended; ``err`` is without the lines of ``progress``."""

    status: int
    out: str
    err: str
    progress: tuple[str, ...] = ()


def without_progress(status: int, out: str, err: str) -> Ended:
    """The outcome with the lines about progress apart from the others of standard error."""
    lines = err.splitlines(keepends=True)
    told = tuple(line.rstrip("\n") for line in lines if PROGRESS.match(line))
    return Ended(status, out, "".join(line for line in lines if not PROGRESS.match(line)), told)


def start(*arguments: str, cwd: Path, api: str, root: Path = ROOT, leads: bool = False) -> subprocess.Popen[str]:
    """Start the program of the repository at ``root`` in the folder ``cwd``, with the server at ``api``.

    ``leads``: it leads a process group of its own, as a command does in a terminal.
    """
    environment = {**os.environ, "PREFECT_API_URL": api, "PYTHONPATH": str(root), "PREFECT_HOME": str(cwd / ".prefect")}
    environment.pop("HYDRA_FULL_ERROR", None)
    command = [sys.executable, "-P", "-m", "flows.stabilize", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=leads
    )


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end, at most ``TIMEOUT_S``."""
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return without_progress(process.returncode, out, err)


def run(*arguments: str, cwd: Path, api: str, root: Path = ROOT) -> Ended:
    """Start and wait."""
    return ended(start(*arguments, cwd=cwd, api=api, root=root))


def run_each(commands: Sequence[Sequence[str]], *, cwd: Path) -> list[Ended]:
    """Run commands that end before a server is asked, each in a copy of one process that has loaded the program."""
    environment = {**os.environ, "PREFECT_API_URL": NO_SERVER, "PYTHONPATH": str(ROOT)}
    environment |= {"PREFECT_HOME": str(cwd / ".prefect")}
    environment.pop("HYDRA_FULL_ERROR", None)
    with tempfile.TemporaryDirectory() as folder:
        asked = [sys.executable, "-P", "-c", COPIES, folder, json.dumps(commands)]
        subprocess.run(asked, cwd=cwd, env=environment, stdin=subprocess.DEVNULL, check=True, timeout=TIMEOUT_S)
        said = [
            [Path(folder, f"{n}.{name}").read_text() for name in ("status", "out", "err")] for n in range(len(commands))
        ]
    return [without_progress(int(status), out, err) for status, out, err in said]


def record(folder: Path) -> dict[str, Any]:
    """``run.json`` of a video."""
    found: dict[str, Any] = json.loads((folder / "run.json").read_text())
    return found


def statuses(folder: Path) -> dict[str, str]:
    """``ran`` or ``cached`` for each stage, renders by their deliverable."""
    return {stage["output"] or stage["stage"]: stage["status"] for stage in record(folder)["stages"]}


def ran(folder: Path) -> set[str]:
    """Names of the stages that computed."""
    return {name for name, status in statuses(folder).items() if status == "ran"}
