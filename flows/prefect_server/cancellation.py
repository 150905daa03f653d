"""Watches the Prefect server during a run: Cancel in the UI stops the stages; a lost server does not.

Prefect itself only marks a cancelled command-line run as ``Cancelling``, and without its server it repeats every
request for minutes. The stages need no server: they continue, and only the record in the UI stays unfinished.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from uuid import UUID

from prefect.client.orchestration import SyncPrefectClient
from prefect.context import FlowRunContext
from prefect.exceptions import Abort, ObjectNotFound
from prefect.states import Cancelled

from flows.cli import interrupt
from flows.prefect_server.monitor import registered_run
from flows.prefect_server.server_choice import server_answers
from flows.results.result import Result
from tasks.execution import progress
from tasks.execution.progress_artifact import REFUSALS, connected, current_api

RUN_POLL_S: Final = 2.0
SERVER_LOST_S: Final = 10.0  # without an answer for this time the server counts as lost
SERVER_ANSWER_S: Final = 2.0


class Concluded(Abort):
    """The run is over and Prefect's engine must not contact the server again; carries the results of the videos.

    ``run_error``: what went wrong apart from the videos. ``lost``: the server is lost, and Prefect's own threads would
    try to reach it for minutes. ``told``: the server knows how the run ended; otherwise the next command tells it.
    """

    def __init__(self, results: list[Result], run_error: str, *, lost: bool, told: bool) -> None:
        super().__init__("the run is over")
        self.results, self.run_error, self.lost, self.told = results, run_error, lost, told


class ServerWatch:
    """Watches the server for one run: whether it answers, and whether the run was cancelled there."""

    def __init__(self, api: str, run_id: UUID) -> None:
        self.api, self._run_id = api, run_id
        self._over = threading.Event()
        self._answered_s = time.monotonic()
        self._lost = False
        self._cancelled = False

    def poll(self) -> None:
        """Ask for the run's state every few seconds until the run is over; for a separate thread."""
        if self._over.wait(RUN_POLL_S):  # a cached run is over before a client is needed
            return
        with connected(self.api) as client:
            self._read_state(client)
            while not self._over.wait(RUN_POLL_S):
                self._read_state(client)

    def _read_state(self, client: SyncPrefectClient) -> None:
        try:
            state = client.read_flow_run(self._run_id).state
        except ObjectNotFound:  # somebody deleted the run
            state = None
        except REFUSALS:
            if not self._lost and time.monotonic() > self._answered_s + SERVER_LOST_S and not progress.stop.is_set():
                self._lost = True
                progress.tell(f"the Prefect server at {self.api} does not answer; the run continues without it")
            return
        self._answered_s, self._lost = time.monotonic(), False
        if state and (state.is_cancelling() or state.is_cancelled()):
            self._cancelled = True
            progress.stop.set()

    def conclude(self, results: list[Result], run_error: str = "") -> None:
        """Return if Prefect can finish the run; else report what is possible and raise ``Concluded``."""
        self._over.set()
        if not self._reachable():
            if not self._lost and not progress.stop.is_set():
                fact = f"the Prefect server at {self.api} is lost"
                progress.tell(f"{fact}; its record of this run stays unfinished")
            raise Concluded(results, run_error, lost=True, told=False)
        if progress.stop.is_set():
            told = self.report_cancelled()
            if self._cancelled:
                progress.tell("cancelled in Prefect's UI")
            raise Concluded(results, run_error, lost=False, told=told)

    def report_cancelled(self) -> bool:
        """Report to the server that somebody ended the run. Returns whether the server took note of it."""
        reason = "cancelled in the UI" if self._cancelled else "interrupted"
        with suppress(*REFUSALS), connected(self.api) as client:
            client.set_flow_run_state(self._run_id, Cancelled(message=f"{reason}; finished stages are kept"))
            return True
        return False

    def _reachable(self) -> bool:
        """Whether the server answers; waits for one that has just been lost, because it may start again.

        After Ctrl-C it does not wait: the signal may have reached the server too.
        """
        while not server_answers(self.api, SERVER_ANSWER_S):
            if progress.stop.is_set() or time.monotonic() > self._answered_s + SERVER_LOST_S:
                return False
            time.sleep(0.5)
        return True

    def stop(self) -> None:
        self._over.set()


@contextmanager
def server_watch() -> Iterator[ServerWatch]:
    """Watch the server of the current flow run while the block runs."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("there is no flow run to watch")
    logging.raiseExceptions = False  # else Prefect prints a line for each log record that does not reach the server
    watch = ServerWatch(current_api(), context.flow_run.id)
    threading.Thread(target=watch.poll, daemon=True).start()
    with registered_run(context.flow_run.id, watch.api) as unreported, interrupt.farewell(watch.report_cancelled):
        try:
            yield watch
        except Concluded as end:
            if not end.told:
                unreported.set()
            raise
        finally:
            watch.stop()
