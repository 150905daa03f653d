"""Runs the program as a user does: as a process of its own, and reads what it left."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
TIMEOUT_S = 240
DEMO = ("video=demo", "demo.seconds=1.2", "demo.width=640", "demo.height=360")  # small and short: 36 frames


# A process that has loaded the program, and for each line that it reads runs a command in a copy of itself.
# It tells the copy's process id, and at its end the exit status.
# ``flow``: it has loaded Prefect, with the server at ``PREFECT_API_URL``, and the stages too.
STARTER = """
import json, os, sys
from pathlib import Path
import flows.run
from flows.stabilize import main
refresh = lambda: None
if sys.argv[1:] == ["flow"]:
    from conf.enums import Server
    from flows.prefect_server.server_choice import choose_server
    choose_server(Server.auto, Path.cwd())
    import flows.flow, prefect.flow_engine, prefect.task_engine, tasks.media.report.small_jpeg
    import tasks.decode, tasks.masks, tasks.people, tasks.pose, tasks.render, tasks.scene, tasks.trajectory
    from prefect.context import refresh_global_settings_context as refresh
for line in sys.stdin:
    folder, cwd, environment, arguments = json.loads(line)
    child = os.fork()
    if child:
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
    else:
        for descriptor, path in ((0, os.devnull), (1, f"{folder}/out"), (2, f"{folder}/err")):
            os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), descriptor)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(environment)
        refresh()
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


_starters: dict[str, list[subprocess.Popen[bytes]]] = {}  # those that are free, by the address of their server
_left = ExitStack()  # ends them, and removes their folders


def start(*arguments: str, cwd: Path, api: str, root: Path = ROOT, leads: bool = False) -> subprocess.Popen[str]:
    """Start the program of the repository at ``root`` in the folder ``cwd``, with the server at ``api``.

    ``leads``: it leads a process group of its own, as a command does in a terminal.
    """
    command = [sys.executable, "-P", "-m", "flows.stabilize", *arguments]
    pipe, environment = subprocess.PIPE, _environment(cwd, api, root)
    return subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=pipe, stderr=pipe, text=True, start_new_session=leads
    )


def _environment(cwd: Path, api: str, root: Path = ROOT) -> dict[str, str]:
    ours = {"PREFECT_API_URL": api, "PYTHONPATH": str(root), "PREFECT_HOME": str(cwd / ".prefect")}
    return {name: value for name, value in {**os.environ, **ours}.items() if name != "HYDRA_FULL_ERROR"}


def ended(process: "subprocess.Popen[str] | Copy") -> Ended:
    """Wait for the end, at most ``TIMEOUT_S``."""
    try:
        out, err = process.communicate(timeout=TIMEOUT_S)
    except (subprocess.TimeoutExpired, TimeoutError):
        process.kill()
        raise
    assert process.returncode is not None
    return without_progress(process.returncode, out, err)


class Copy:
    """A run in a copy of a process that has loaded the program, with the methods of ``Popen`` that tests use."""

    def __init__(self, arguments: Sequence[str], cwd: Path, api: str) -> None:
        free = _starters.setdefault(api, [])
        self._api, self._starter = api, free.pop() if free else _started(api)
        self._folder = Path(_left.enter_context(tempfile.TemporaryDirectory()))
        assert self._starter.stdin is not None and self._starter.stdout is not None
        wanted = [str(self._folder), str(cwd), _environment(cwd, api), arguments]
        self._starter.stdin.write(json.dumps(wanted).encode() + b"\n")
        self._told = self._starter.stdout
        self.pid = int(self._told.readline())
        self.returncode: int | None = None

    def poll(self, timeout_s: float = 0) -> int | None:
        """The exit status; None while it runs, for at most ``timeout_s``."""
        if self.returncode is None and select.select([self._told], [], [], timeout_s)[0]:
            self.returncode = int(self._told.readline())
            _starters[self._api].append(self._starter)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float = TIMEOUT_S) -> tuple[str, str]:
        """What it wrote, when it has ended; ``TimeoutError``."""
        if self.poll(timeout) is None:
            raise TimeoutError(self.pid)
        return (self._folder / "out").read_text(), (self._folder / "err").read_text()


def start_copy(*arguments: str, cwd: Path, api: str) -> Copy:
    """Start the program in a copy of a process that has loaded it: a start takes 2 to 3 s, most of it for imports.

    Standard input is empty. What is read while the program is loaded, such as Prefect's address and token, needs
    ``start``.
    """
    assert _is_none(api) or not any(one.startswith("server=") for one in arguments)
    return Copy(arguments, cwd, api)


def shell(line: str, *, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a line of a shell, in which PROGRAM stands for the command; ``environment`` is added to that of the tests."""
    command = ["sh", "-c", line.replace("PROGRAM", f"{sys.executable} -P -m flows.stabilize")]
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)


def run(*arguments: str, cwd: Path, api: str) -> Ended:
    """Run the program in such a copy."""
    return ended(start_copy(*arguments, cwd=cwd, api=api))


def _started(api: str) -> subprocess.Popen[bytes]:
    """A starter, whose lines are read one by one; until a copy begins, Prefect's folder is one of its own."""
    home = Path(_left.enter_context(tempfile.TemporaryDirectory()))
    command = [sys.executable, "-P", "-c", STARTER, *([] if _is_none(api) else ["flow"])]
    pipe, environment = subprocess.PIPE, _environment(home, api)
    return _left.enter_context(
        subprocess.Popen(command, cwd=home, env=environment, stdin=pipe, stdout=pipe, bufsize=0, start_new_session=True)
    )


def _is_none(api: str) -> bool:
    return api in ("", NO_SERVER)


def end_starters() -> None:
    """To be called at the end of the tests."""
    _starters.clear()
    _left.close()


def run_each(commands: Sequence[Sequence[str]], *, cwd: Path) -> list[Ended]:
    """Run commands that end before a server is asked."""
    return [run(*command, cwd=cwd, api=NO_SERVER) for command in commands]


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
