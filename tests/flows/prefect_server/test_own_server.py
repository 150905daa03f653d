import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from flows.prefect_server import own_server
from flows.prefect_server.own_server import GUARD_SCRIPT, OwnServer, turn_to_start
from flows.prefect_server.server_choice import server_answers
from tasks.cache.locks import LOCKS
from tasks.errors import SettingError

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


def test_a_server_that_ends_before_it_answers_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setattr(own_server, "APP", "prefect.server.no_such_module:create_app")
    server = OwnServer()
    with pytest.raises(
        SettingError, match=r"server: the Prefect server of this run ended with \d before it answered; start"
    ):
        server.wait()


def test_a_server_whose_disk_is_full_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setattr(own_server, "APP", "prefect.server.no_such_module:create_app")
    monkeypatch.setattr(own_server, "LEAST_FREE_BYTES", 1 << 60)
    server = OwnServer()
    with pytest.raises(SettingError, match=rf": the disk of its database is full; free some space at {tmp_path}, or"):
        server.wait()


def test_only_one_run_at_a_time_makes_the_database(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        with turn_to_start(tmp_path):
            second = pool.submit(turn_to_start, tmp_path)
            with pytest.raises(TimeoutError):
                second.result(0.3)
            (tmp_path / own_server.DATABASE).touch()  # it is there before it is whole
            third = pool.submit(turn_to_start, tmp_path)
            with pytest.raises(TimeoutError):
                third.result(0.3)
        with closing(second.result(30)):  # once it is made, nobody waits for those who waited
            third.result(30)


def test_a_home_without_room_for_a_lock_is_one_line(tmp_path: Path) -> None:
    (tmp_path / LOCKS).touch()
    with pytest.raises(SettingError, match=r"^PREFECT_HOME: .*: no lock can be made there .*; choose another place"):
        turn_to_start(tmp_path)
