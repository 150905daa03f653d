from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.states import Running

from flows.prefect_server import monitor


class LateServer:
    """A server that knows one run; a task of it is written only after the first look."""

    def __init__(self, run: UUID) -> None:
        self.run, self.looks = SimpleNamespace(id=run, state=Running()), 0
        self.task = SimpleNamespace(id=uuid4(), state=Running())

    def read_flow_run(self, run: UUID) -> SimpleNamespace:
        if run != self.run.id:
            raise ObjectNotFound(Exception())
        self.looks += 1
        return self.run

    def read_task_runs(self, **_: Any) -> list[SimpleNamespace]:
        return [self.task] if self.looks > 1 else []

    def set_task_run_state(self, task: UUID, state: State[Any], *, force: bool) -> None:
        self.task.state = state

    def set_flow_run_state(self, run: UUID, state: State[Any], *, force: bool) -> None:
        self.run.state = state


def test_a_killed_run_is_looked_at_until_nothing_is_left_to_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, foreign = (tmp_path / str(uuid4()) for _ in range(2))
    ours.touch()
    foreign.touch()
    server = LateServer(UUID(ours.name))

    @contextmanager
    def connected(api: str) -> Iterator[LateServer]:
        yield server

    monkeypatch.setattr(monitor, "connected", connected)
    monkeypatch.setattr(monitor, "LATE_S", 0)
    monitor._report_killed([ours, foreign], "api")
    assert server.run.state.is_crashed() and server.task.state.is_crashed()
    assert server.looks == 3
    assert [*tmp_path.iterdir()] == [foreign]  # its own server may still be told
