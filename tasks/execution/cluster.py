"""Stages computed on the workers of a Dask cluster (``runner=dask``). Only this module imports Dask.

Prefect, keys, locks, entries of the cache and records stay here, on the head. A task's thread sends its computation to
the scheduler and waits; the worker writes into the entry's folder, which it must see. Dask repeats what a worker that
died had begun; the scheduler's setting ``allowed-failures`` says how often.
"""

import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from pathlib import Path
from typing import Any, Final, cast
from urllib.parse import urlsplit

import dask.config

# Its log on standard error would tell of each worker that comes and goes, and of a lost connection with a traceback. It
# reads this when it is imported. A dot in a key of its own ("distributed.client") would otherwise be taken for a path.
dask.config.set({"logging": dict.fromkeys(("distributed", "distributed.client", "bokeh"), "critical")})

from distributed import Client, Future, KilledWorker, LocalCluster, get_worker  # noqa: E402

from tasks.errors import ClusterError, Interrupted, SettingError, WorkerDied  # noqa: E402
from tasks.execution import cluster_worker, progress  # noqa: E402
from tasks.execution.cluster_worker import SIGN, Build, Reply  # noqa: E402
from tasks.execution.computation import STOP_S, Computation  # noqa: E402
from tasks.records import Tell, Tick  # noqa: E402

CONNECT_S: Final = 15.0
WORKER_S: Final = 30.0  # within which a cluster without workers gets its first one
LOCAL_DEATHS: Final = 1  # of workers that a computation may cause on this machine before it is given up
_POLL_S: Final = 0.1
_ENDED: Final = -1  # what a worker tells instead of the number of frames


class Cluster:
    """A connection to a scheduler. ``paths``: folders on its workers, by their names here."""

    def __init__(self, client: Client, paths: Mapping[str, str], own: LocalCluster | None = None) -> None:
        self.client = client
        self._paths, self._own = paths, own
        self._address = client.scheduler.address
        self._topic = f"stillwalk-{uuid.uuid4().hex}"
        self._frames: dict[str, int | None] = {}  # done, by computation; None: it waits for a worker
        self._avoided: dict[str, str] = {}  # workers that have refused, and why
        self._told_of_none = False
        self._telling = threading.Lock()
        client.subscribe_topic(self._topic, self._hear)

    @property
    def threads(self) -> int:
        """How much its workers compute at once, now."""
        return sum(self._threads().values())

    def _threads(self) -> dict[str, int]:
        """Threads of each worker, by its address."""
        self._require_connection()
        try:
            threads: dict[str, int] = self.client.nthreads()
        except OSError as error:  # of the connection
            raise ClusterError(self._lost()) from error
        return threads

    def require_workers(self, cache: Path, *, may_grow: bool) -> None:
        """``SettingError`` where no worker is there, unless it ``may_grow``, or where one would refuse all work."""
        if not may_grow:
            try:
                self.client.wait_for_workers(1, timeout=WORKER_S)
            except TimeoutError as error:
                cure = f"type `dask worker {self._address}`, or give workers= where the cluster grows with its work"
                raise SettingError(f"runner.address: {self._address} has no worker; {cure}") from error
        cache.mkdir(parents=True, exist_ok=True)
        sign = uuid.uuid4().hex
        (cache / SIGN).write_text(sign)
        place = cluster_worker.moved(cache, self._paths)
        try:
            refusals = self.client.run(_refusal, cluster_worker.own_build(), place, sign, on_error="return")
        finally:
            (cache / SIGN).unlink(missing_ok=True)
        for worker, refusal in refusals.items():
            if refusal:  # an exception: it could not find the function
                why = refusal if isinstance(refusal, str) else cluster_worker.ANOTHER_VERSION
                raise SettingError(f"runner=dask: worker {worker}: {why}")

    def compute(self, work: Computation, tick: Tick, tell: Tell) -> None:
        """Compute it on a worker; see ``tasks.execution.computation.Compute``."""
        sign = uuid.uuid4().hex
        for folder in work.folders:
            (folder / SIGN).write_text(sign)
        order = cluster_worker.packed(cluster_worker.sent(work, self._paths, sign))
        worker, reply = self._asked(work, order, tick)
        while reply.refusal:
            self._avoid(work, worker, reply.refusal)
            worker, reply = self._asked(work, order, tick)
        for place, (folder, outcome) in enumerate(zip(work.folders, reply.outcomes, strict=True)):
            if not isinstance(outcome, Exception) and not cluster_worker.await_files(folder, reply.sizes[place]):
                fact = f"what worker {worker} has made does not appear in {folder}"
                outcome = ClusterError(f"{work.title}: {fact}; share the folder itself with all workers")
            tell(place, outcome)

    def _asked(self, work: Computation, order: bytes, tick: Tick) -> tuple[str, Reply]:
        """Send an order, and wait for the reply and the address of the worker that gives it."""
        name = f"{work.title}-{uuid.uuid4().hex}"
        ended = threading.Event()
        usable = sorted(set(self._threads()) - set(self._avoided)) if self._avoided else None
        self._require_connection()
        self._frames[name] = None
        future = self.client.submit(_serve, order, self._topic, key=name, pure=False, workers=usable)
        future.add_done_callback(lambda _: ended.set())
        started_s = time.monotonic()
        try:
            while not ended.wait(_POLL_S):
                tick(self._frames[name] or 0)
                self._require_connection()
                if self._frames[name] is None and time.monotonic() - started_s > WORKER_S:
                    self._tell_of_none()
            return cast(tuple[str, Reply], self._result(work, future))
        except Interrupted:
            self._stop(name, future)
            raise
        finally:
            future.release()
            del self._frames[name]

    def _result(self, work: Computation, future: Future) -> Any:
        self._require_connection()
        try:
            error = future.exception()
        except CancelledError as cancelled:  # by the loss of the connection
            raise ClusterError(self._lost()) from cancelled
        if isinstance(error, KilledWorker):
            cure = "memory may have run out there: give its workers more, and run the same command again"
            raise WorkerDied(f"{work.title}: its worker died {error.allowed_failures + 1} times; {cure}") from error
        if error is not None:  # it could not find the function, or the reply could not be read here
            raise ClusterError(f"{work.title}: a worker failed ({error}): {cluster_worker.ANOTHER_VERSION}") from error
        return future.result()

    def _stop(self, name: str, future: Future) -> None:
        """Have it stopped, and wait a while until it has: only then nothing is written any more."""
        begun = self._frames[name] is not None
        with suppress(Exception):  # the scheduler may be gone too
            future.cancel()
        until_s = time.monotonic() + STOP_S
        while begun and self._frames[name] != _ENDED and time.monotonic() < until_s:
            time.sleep(_POLL_S / 4)

    def _avoid(self, work: Computation, worker: str, refusal: str) -> None:
        """Give no more work to a worker that came later and refuses; ``ClusterError`` where no other is left."""
        with self._telling:
            is_new = worker not in self._avoided
            self._avoided[worker] = refusal
        if not set(self._threads()) - set(self._avoided):
            raise ClusterError(f"{work.title}: worker {worker}: {refusal}")
        if is_new:
            progress.tell(f"worker {worker} is not used: {refusal}")

    def _tell_of_none(self) -> None:
        with self._telling:
            if not self._told_of_none and not self._threads():
                self._told_of_none = True
                progress.tell(
                    f"{self._address} has no worker; the run waits for one: type `dask worker {self._address}`"
                )

    def _require_connection(self) -> None:
        if self.client.status != "running":
            raise ClusterError(self._lost())

    def _lost(self) -> str:
        cure = "finished stages are kept, run the same command again when it is back"
        return f"the Dask scheduler at {self._address} is gone; {cure}"

    def _hear(self, event: tuple[float, tuple[str, int]]) -> None:
        name, frames_done = event[1]
        if name in self._frames:
            self._frames[name] = frames_done

    def close(self) -> None:
        """End the connection, and the workers where they are ours. After Ctrl-C these end with this process."""
        with suppress(Exception):  # what is left of a lost connection
            self.client.close(timeout=STOP_S)
        if self._own is not None and not progress.stop.is_set():
            with suppress(Exception):  # they end with us at the latest
                self._own.close(timeout=CONNECT_S)


@contextmanager
def connected(address: str | None, paths: Mapping[str, str], workers: int) -> Iterator[Cluster]:
    """A connection to the scheduler at ``address``, or to a cluster of ``workers`` processes on this machine.

    ``SettingError`` where nobody answers.
    """
    own = None if address else _local(workers)
    try:
        _require_answer(address)
        client = Client(address or own, name="stillwalk", set_as_default=False, timeout=CONNECT_S)
    except (OSError, ValueError) as error:  # a host that is not known, or no answer
        cure = "start one with `dask scheduler`, or leave the address out to use this machine"
        raise SettingError(f"runner.address: no Dask scheduler answers at {address}; {cure}") from error
    cluster = Cluster(client, {} if own else paths, own)
    try:
        yield cluster
    finally:
        cluster.close()


def _require_answer(address: str | None) -> None:
    """``OSError`` where what accepts the connection sends nothing, as no scheduler does: Dask would wait."""
    place = urlsplit(address or "")
    if place.scheme == "tcp" and place.hostname and place.port:
        with socket.create_connection((place.hostname, place.port), CONNECT_S) as connection:
            if not connection.recv(1):
                raise ConnectionError("the connection was closed")


def _local(workers: int) -> LocalCluster:
    """Processes of one thread each, which only this machine reaches."""
    dask.config.set({"distributed.scheduler.allowed-failures": LOCAL_DEATHS})
    _start_quiet_tracker()
    # As in tasks.execution.processes: Ctrl-C is not for the workers.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            host="127.0.0.1",
            # Dask's own port would be taken by another run beside this one; without a dashboard any other will do.
            scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
            memory_limit=0,  # Dask would kill a worker that takes more than its share
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_quiet_tracker() -> None:
    """Start Python's tracker of semaphores: after Ctrl-C it frees those of Dask, and it is not to warn of them."""
    name, before = "PYTHONWARNINGS", os.environ.get("PYTHONWARNINGS")
    os.environ[name] = ",".join(filter(None, (before, "ignore:resource_tracker")))
    resource_tracker.ensure_running()
    if before is None:
        del os.environ[name]
    else:
        os.environ[name] = before


def _refusal(build: Build, cache: Path, sign: str) -> str:
    """On a worker: why it would refuse all work; empty where it would not."""
    return cluster_worker.build_refusal(build) or cluster_worker.folder_refusal(cache, sign)


def _serve(order: bytes, topic: str) -> tuple[str, Reply]:
    """On a worker: compute an order, telling how far it is, until nobody waits for it any more."""
    worker = get_worker()
    name = worker.get_current_task()
    told_s = time.monotonic()

    def is_wanted() -> bool:
        """The scheduler takes a task back that was cancelled, or whose head is gone."""
        task = worker.state.tasks.get(name)
        return task is not None and task.state in ("executing", "long-running")

    def tick(frames_done: int) -> None:
        nonlocal told_s
        if not is_wanted():
            raise Interrupted(progress.INTERRUPTED)
        if time.monotonic() - told_s > 5 * _POLL_S:
            told_s = time.monotonic()
            worker.log_event(topic, (name, frames_done))

    worker.log_event(topic, (name, 0))
    try:
        return worker.address, cluster_worker.answered(order, tick, is_wanted)
    finally:
        worker.log_event(topic, (name, _ENDED))
