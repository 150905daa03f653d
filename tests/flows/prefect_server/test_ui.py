import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from flows.prefect_server import ui
from flows.prefect_server.own_server import DATABASE
from tasks.cache.locks import LOCKS, lock


class Taken(Exception):
    """Somebody else has the lock."""


def refuse() -> None:
    raise Taken


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Prefect's folder, not there yet; afterwards this process has its signal handlers and environment again."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield tmp_path / "home"
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("is_first", [True, False])
def test_runs_wait_until_the_server_has_made_the_database(
    home: Path, monkeypatch: pytest.MonkeyPatch, *, is_first: bool
) -> None:
    if not is_first:
        home.mkdir()
        (home / DATABASE).touch()
    waited = []

    def serve(app: str, port: int, descriptor: int) -> None:
        try:
            with lock(home / LOCKS / "first-start", refuse):
                waited.append(False)
        except Taken:
            waited.append(True)

    monkeypatch.setattr(ui, "run_server", serve)
    assert ui.run_ui(["--port", "0"]) == 0  # any free port
    assert waited == [is_first]


def test_a_place_that_cannot_hold_the_database_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "file" / "home"))
    assert ui.run_ui(["--port", "0"]) == 2
    assert capsys.readouterr().err == (
        f"stillwalk: PREFECT_HOME: {tmp_path}/file is a file, not a folder; choose another place with PREFECT_HOME=\n"
    )
    assert not list((tmp_path / "state" / "stillwalk").iterdir())
