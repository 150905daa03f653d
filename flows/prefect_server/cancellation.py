"""A run's eye on its server: Cancel in the UI stops the stages; a server that goes away stops nothing.

Prefect itself only notes a cancelled command-line run as ``Cancelling``, and without its server repeats every request
for minutes. The stages need no server: they go on, and only the record in the UI stays unfinished.
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
from flows.prefect_server.monitor import alive
from flows.prefect_server.server_choice import answers
from flows.results.result import Result
from tasks.execution import progress
from tasks.execution.progress_artifact import REFUSALS, connected, current_api

POLL_S: Final = 2.0
LOST_S: Final = 10.0  # without an answer, and the server counts as gone
ANSWER_S: Final = 2.0


class Concluded(Abort):
    """The run is over and Prefect's engine has nothing left to tell the server; carries what became of the videos.

    ``also``: what else went wrong. ``lost``: there is no server any more, and Prefect's own threads would try to
    reach it for minutes.
    """

    def __init__(self, results: list[Result], also: str, *, lost: bool) -> None:
        super().__init__("the run is over")
        self.results, self.also, self.lost = results, also, lost


class Watch:
    """What one run knows of its server and of the wishes that arrive through it."""

    def __init__(self, api: str, run_id: UUID) -> None:
        self.api, self._run_id = api, run_id
        self._over = threading.Event()
        self._answered_s = time.monotonic()
        self._lost = False
        self._cancelled = False

    def look_on(self) -> None:
        """Ask for the run's state again and again, until the run is over; for a thread of its own."""
        if self._over.wait(POLL_S):  # as a cached run is, before a client for it is made
            return
        with connected(self.api) as client:
            self._look(client)
            while not self._over.wait(POLL_S):
                self._look(client)

    def _look(self, client: SyncPrefectClient) -> None:
        try:
            state = client.read_flow_run(self._run_id).state
        except ObjectNotFound:  # somebody has deleted the run: there is nothing to be told any more
            state = None
        except REFUSALS:
            if not self._lost and time.monotonic() > self._answered_s + LOST_S and not progress.stop.is_set():
                self._lost = True
                progress.tell(f"the Prefect server at {self.api} does not answer; the work goes on without it")
            return
        self._answered_s, self._lost = time.monotonic(), False
        if state and (state.is_cancelling() or state.is_cancelled()):
            self._cancelled = True
            progress.stop.set()

    def settle(self, results: list[Result], also: str = "") -> None:
        """Return when Prefect can do the rest; else tell the server what can be told and raise ``Concluded``."""
        self._over.set()
        if not self._reachable():
            if not self._lost and not progress.stop.is_set():
                fact = f"the Prefect server at {self.api} has gone away"
                progress.tell(f"{fact}; its record of this run stays unfinished")
            raise Concluded(results, also, lost=True)
        if progress.stop.is_set():
            self.tell_cancelled()
            if self._cancelled:
                progress.tell("cancelled in Prefect's UI")
            raise Concluded(results, also, lost=False)

    def tell_cancelled(self) -> None:
        """Tell the server that the run ended because somebody wished it."""
        why = "cancelled in the UI" if self._cancelled else "interrupted"
        with suppress(*REFUSALS), connected(self.api) as client:
            client.set_flow_run_state(self._run_id, Cancelled(message=f"{why}; finished stages are kept"))

    def _reachable(self) -> bool:
        """Whether the server answers, after waiting for one that has just gone: it may be about to start again.

        Ctrl-C does not wait: a server made for this run alone has got it too.
        """
        while not answers(self.api, ANSWER_S):
            if progress.stop.is_set() or time.monotonic() > self._answered_s + LOST_S:
                return False
            time.sleep(0.5)
        return True

    def end(self) -> None:
        self._over.set()


@contextmanager
def watched() -> Iterator[Watch]:
    """Watch over the flow run that this is called in, while the block runs."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("there is no flow run to watch over")
    logging.raiseExceptions = False  # else Prefect prints a line for each log that does not reach the server
    watch = Watch(current_api(), context.flow_run.id)
    threading.Thread(target=watch.look_on, daemon=True).start()
    with alive(context.flow_run.id, watch.api) as untold, interrupt.farewell(watch.tell_cancelled):
        try:
            yield watch
        except Concluded as end:
            if end.lost:
                untold.set()
            raise
        finally:
            watch.end()
