"""Which runs of this machine are alive: of one that was killed, the next command tells the server.

Each run holds a lock on a file of its own in Prefect's home, which the kernel drops when the process dies, by whatever
death; one that has told its end removes the file. A file that nobody holds is a run whose end was never told.
"""

import fcntl
import os
import threading
from collections.abc import Iterator
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

FOLDER: Final = "stillwalk-runs"
MOST: Final = 20  # told at once: the runs of servers that are no more would be asked for again and again
MESSAGE: Final = "the program was killed, or had lost this server; finished stages are kept, run the same command again"


@contextmanager
def alive(run_id: UUID, api: str) -> Iterator[threading.Event]:
    """Have the run known as alive while the block runs; meanwhile, the server at ``api`` is told who has died.

    What it gives is to be set where the end of this run could not be told. Where Prefect's home cannot be written,
    nothing is known, and nothing is told.
    """
    folder = PREFECT_HOME.value() / FOLDER
    own = folder / str(run_id)
    untold = threading.Event()
    descriptor = None
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        dead = [path for path in _newest(folder) if _nobodys(path)]
        beside = own.with_name(f".{own.name}")  # until it is held: others would take it for a dead one's
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        beside.rename(own)
        if dead:
            threading.Thread(target=_tell, args=(dead, api), daemon=True).start()
    try:
        yield untold
    finally:
        if descriptor is not None:
            if not untold.is_set():
                own.unlink(missing_ok=True)
            os.close(descriptor)


def _newest(folder: Path) -> list[Path]:
    """Files of the latest runs; those that are too many are forgotten."""
    found = sorted(folder.glob("[!.]*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[MOST:]:
        if _nobodys(path):
            path.unlink(missing_ok=True)
    return found[:MOST]


def _nobodys(path: Path) -> bool:
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(descriptor)
        return True
    return False


def _tell(dead: list[Path], api: str) -> None:
    with suppress(*REFUSALS), connected(api) as client:
        for path in dead:
            if _told(client, path):
                path.unlink(missing_ok=True)


def _told(client: SyncPrefectClient, path: Path) -> bool:
    """Whether the run's end is known to the server now; not where it is a run of another server."""
    try:
        run = client.read_flow_run(UUID(path.name))
    except ObjectNotFound:
        return False
    state: State[Any] = Crashed(message=MESSAGE)
    for task_run in client.read_task_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))):
        if task_run.state is not None and not task_run.state.is_final():
            client.set_task_run_state(task_run.id, state, force=True)
    if run.state is not None and not run.state.is_final():
        client.set_flow_run_state(run.id, state, force=True)
    return True
