import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from conf.config import Config
from conf.enums import Server
from flows.prefect_server import own_server
from flows.prefect_server.own_server import GUARD_SCRIPT, OwnServer
from flows.prefect_server.server_choice import server_answers
from tasks.errors import SettingError
from tests.support import program, server_page

DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
HEARS = "import time; print(flush=True); time.sleep(600)"


def process(code: str, name: str) -> subprocess.Popen[str]:
    started = subprocess.Popen([sys.executable, "-c", code, name], stdout=subprocess.PIPE, text=True)
    assert started.stdout is not None
    started.stdout.readline()
    return started


def guard() -> subprocess.Popen[str]:
    """The guard, as soon as it ignores what interrupted runs send to their children."""
    started = subprocess.Popen(["/bin/sh", "-c", GUARD_SCRIPT], stdin=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not ignored(started.pid) >> (signal.SIGTERM - 1) & 1:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return started


def ignored(process_id: int) -> int:
    status = Path(f"/proc/{process_id}/status").read_text()
    return int(status.partition("SigIgn:")[2].split()[0], 16)


@pytest.mark.parametrize("code", [HEARS, DEAF])
def test_the_guard_ends_a_server_when_its_pipe_is_closed(code: str) -> None:
    with process(code, "prefect.server") as server:
        try:
            guarding = guard()
            guarding.terminate()
            guarding.communicate(f"{server.pid}\n", timeout=30)
            assert server.wait(30) < 0
        finally:
            server.kill()


def test_the_guard_ends_nothing_but_servers() -> None:
    with process(HEARS, "another") as other:
        try:
            guard().communicate(f"{other.pid}\n", timeout=30)
            assert other.poll() is None
        finally:
            other.kill()


def test_a_server_answers_after_the_wait_and_ends_on_request(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    server = OwnServer()
    try:
        server.wait()
        assert server_answers(server.api, 5)
    finally:
        server.end()
    assert not server_answers(server.api, 5)


def test_a_server_that_ends_before_it_answers_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_server, "APP", "prefect.server.no_such_module:create_app")
    server = OwnServer()
    with pytest.raises(
        SettingError, match=r"server: the Prefect server of this run ended with \d before it answered; start"
    ):
        server.wait()


def test_a_loaded_server_serves_only_when_it_is_told_to(tmp_path: Path) -> None:
    command = [sys.executable, "-P", "-m", "flows.prefect_server.local_server", "builtins:dict", "4200", "0"]
    environment = {**os.environ, "PYTHONPATH": str(program.ROOT), "STILLWALK_SERVER_TOKEN": "stillwalk:a"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[bool]:
    """Has an item when a server is loaded; no server is named, and none runs."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(own_server, "LOCAL_API", f"http://127.0.0.1:{port}/api")
    monkeypatch.setattr("flows.prefect_server.server_choice.LOCAL_API", f"http://127.0.0.1:{port}/api")
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    found: list[bool] = []
    monkeypatch.setattr(own_server, "loading_server", lambda: found.append(True))
    return found


@pytest.mark.parametrize("server", list(Server))
def test_a_server_is_loaded_early_where_a_run_will_need_one(loaded: list[bool], tmp_path: Path, server: Server) -> None:
    own_server.load_early(Config(video="a.mp4", server=server), tmp_path)
    assert loaded == [True]


def test_no_server_is_loaded_early_for_a_dry_run_or_a_first_run(
    loaded: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own_server.load_early(Config(video="a.mp4", plan=True), tmp_path)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "new"))
    own_server.load_early(Config(video="a.mp4"), tmp_path)
    assert not loaded and not (tmp_path / "new").exists()


def test_no_server_is_loaded_early_where_another_may_be_used(
    loaded: list[bool], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        api = f"http://127.0.0.1:{listening.getsockname()[1]}/api"
        monkeypatch.setattr(own_server, "LOCAL_API", api)
        own_server.load_early(Config(video="a.mp4"), tmp_path)
    monkeypatch.setenv("PREFECT_API_URL", api)
    own_server.load_early(Config(video="a.mp4"), tmp_path)
    assert not loaded


def servers_of(home: Path) -> Iterator[int]:
    """The servers of runs in a home, also of runs that have ended."""
    for process_folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            is_server = b"local_server" in (process_folder / "cmdline").read_bytes()
            if is_server and f"PREFECT_HOME={home}".encode() in (process_folder / "environ").read_bytes().split(b"\0"):
                yield int(process_folder.name)


def test_a_refused_run_leaves_no_server_and_no_database(tmp_path: Path) -> None:
    home = tmp_path / ".prefect"
    home.mkdir()
    done = program.run("video=missing.mp4", "server=ephemeral", cwd=tmp_path, api="")
    assert done.status == 2 and "there is no such file" in done.err
    assert not list(servers_of(home)) and not list(home.iterdir())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_ends_while_its_server_loads_ends_the_server(tmp_path: Path, number: signal.Signals) -> None:
    home = tmp_path / ".prefect"
    home.mkdir()
    process = program.start(*program.DEMO, "server=ephemeral", cwd=tmp_path, api="")
    server_page.until(lambda: list(servers_of(home)))
    process.send_signal(number)
    assert program.ended(process).status in (128 + number, -number)
    server_page.until(lambda: not list(servers_of(home)))
