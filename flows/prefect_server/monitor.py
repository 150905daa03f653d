"""Registers the running runs of this machine, so that the next command can report killed ones to the server.

Each run locks its own file in Prefect's home. The kernel releases the lock when the process ends in any way. A run that
has reported its end removes the file, so an unlocked file belongs to a run whose end was never reported.
"""

import fcntl
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound
from prefect.settings import PREFECT_HOME
from prefect.states import Crashed

from tasks.execution.progress_artifact import REFUSALS, connected

RUNS_FOLDER_NAME: Final = "stillwalk-runs"
MAX_KNOWN_RUNS: Final = 20  # runs of servers that no longer exist would be looked up again and again
LATE_S: Final = 6.0  # between two looks at a killed run: a server writes what tasks told it every 5 s, by default
KILLED_MESSAGE: Final = (
    "the program was killed, or lost this server; finished stages are kept, run the same command again"
)


@contextmanager
def registered_run(run_id: UUID, api: str) -> Iterator[threading.Event]:
    """Register the run while the block runs, and meanwhile report killed runs to the server at ``api``.

    Set the event if the end of this run could not be reported. Where Prefect's home cannot be written, nothing is
    registered or reported.
    """
    folder = PREFECT_HOME.value() / RUNS_FOLDER_NAME
    own = folder / str(run_id)
    unreported = threading.Event()
    descriptor = None
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        killed = [path for path in _newest(folder) if _is_unlocked(path)]
        temporary = own.with_name(f".{own.name}")  # until it is locked: others would take it for a killed run
        descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        temporary.rename(own)
        if killed:
            threading.Thread(target=_report_killed, args=(killed, api), daemon=True).start()
    try:
        yield unreported
    finally:
        if descriptor is not None:
            if not unreported.is_set():
                own.unlink(missing_ok=True)
            os.close(descriptor)


def _newest(folder: Path) -> list[Path]:
    """Files of the latest runs; older ones are removed."""
    found = sorted(folder.glob("[!.]*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[MAX_KNOWN_RUNS:]:
        if _is_unlocked(path):
            path.unlink(missing_ok=True)
    return found[:MAX_KNOWN_RUNS]


def _is_unlocked(path: Path) -> bool:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
        return True
    return False


def _report_killed(killed: Sequence[Path], api: str) -> None:
    """Report the ends of runs. One is forgotten when a look at it finds nothing to report.

    What a run told last may reach the server's database after the first look. Where this process ends before the next
    one, the next command goes on.
    """
    with suppress(*REFUSALS), connected(api) as client:
        while killed := [path for path in killed if _report(client, path)]:
            time.sleep(LATE_S)


def _report(client: SyncPrefectClient, path: Path) -> bool:
    """Report the end of a run, if the server does not know it; False where there is nothing to report.

    The run is forgotten then, unless it is one of another server.
    """
    try:
        run = client.read_flow_run(UUID(path.name))
    except ObjectNotFound:
        return False
    state: State[Any] = Crashed(message=KILLED_MESSAGE)
    tasks = client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id])))
    open_tasks = [one for one in tasks if one.state is not None and not one.state.is_final()]
    for task_run in open_tasks:
        client.set_task_run_state(task_run.id, state, force=True)
    is_open = run.state is not None and not run.state.is_final()
    if is_open:
        client.set_flow_run_state(run.id, state, force=True)
    if not open_tasks and not is_open:
        path.unlink(missing_ok=True)
        return False
    return True
