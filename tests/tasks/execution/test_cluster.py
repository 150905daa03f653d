"""Stages on the workers of a Dask cluster: their answers, their deaths, what they refuse, and the wish to stop."""

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import ClusterError, Interrupted, SettingError, VideoError, WorkerDied
from tasks.execution import cluster, cluster_worker
from tasks.execution.cluster import Cluster
from tasks.execution.computation import Computation
from tasks.records import Tick
from tests.support.program import ROOT
from tests.support.worker_stages import TogetherRequest, WorkerRequest

START_S = 60


@pytest.fixture(scope="module")
def workers() -> Iterator[Cluster]:
    """Two processes on this machine."""
    with cluster.connected(None, {}, 2) as connected:
        yield connected


def test_a_cluster_beside_another_takes_a_port_of_its_own_without_a_word() -> None:
    code = "from tasks.execution.cluster import _local\nif __name__ == '__main__':\n    with _local(0), _local(0): pass"
    done = subprocess.run(
        [sys.executable, "-W", "error::UserWarning", "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    return work


def nobody(_: int) -> None: ...


def computed(workers: Cluster, name: str, folder: Path, tick: Tick = nobody) -> dict[str, Any]:
    """The facts of a stage of that name; raises what it fails with."""
    told: list[dict[str, Any] | Exception] = []
    workers.compute(Computation([WorkerRequest(name)], [folder]), tick, lambda _, outcome: told.append(outcome))
    (outcome,) = told
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def test_a_stage_is_computed_elsewhere_and_leaves_only_its_files(workers: Cluster, folder: Path) -> None:
    assert workers.threads == 2
    assert computed(workers, "write", folder)["process"] != os.getpid()
    assert [path.name for path in folder.iterdir()] == ["made"]


def test_both_workers_compute_at_once(workers: Cluster, tmp_path: Path) -> None:
    folders = [tmp_path / str(place) for place in range(2)]
    met: set[int] = set()
    together = threading.Event()

    def tick_of(place: int) -> Tick:
        def tick(frames_done: int) -> None:
            met.update({place} if frames_done else {})
            if len(met) == len(folders):
                together.set()
            if together.is_set():
                raise Interrupted("enough")

        return tick

    def count(place: int) -> None:
        folders[place].mkdir()
        with pytest.raises(Interrupted):
            computed(workers, "count", folders[place], tick_of(place))

    threads = [threading.Thread(target=count, args=(place,)) for place in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(START_S)
    assert together.is_set()


def test_what_a_user_did_arrives_as_it_was_raised_and_a_fault_with_its_kind(workers: Cluster, folder: Path) -> None:
    with pytest.raises(VideoError, match=r"^a\.mp4: this is no video$"):
        computed(workers, "refuse", folder)
    with pytest.raises(RuntimeError, match="KeyError: 'pid "):
        computed(workers, "err", folder)
    for name in ("fill", "overflow"):
        with pytest.raises(OSError, match="No space left on device") as caught:
            computed(workers, name, folder)
        assert caught.value.errno == errno.ENOSPC


def test_of_several_that_are_made_together_one_fails_alone(workers: Cluster, tmp_path: Path) -> None:
    names = ("write", "refuse", "write")
    folders = [tmp_path / str(place) for place in range(len(names))]
    for each in folders:
        each.mkdir()
    told: dict[int, dict[str, Any] | Exception] = {}
    workers.compute(Computation([TogetherRequest(name) for name in names], folders), nobody, told.__setitem__)
    assert [type(told[place]) is dict for place in range(3)] == [True, False, True]
    assert str(told[1]) == "a.mp4: this is no video"
    assert [path.name for each in (folders[0], folders[2]) for path in each.iterdir()] == ["made", "made"]


def test_the_work_of_a_worker_that_is_killed_is_done_again(workers: Cluster, folder: Path) -> None:
    computed(workers, "die_once", folder)
    assert [path.name for path in folder.iterdir()] == ["made"]  # and not the half of the dead one


def test_work_that_kills_its_workers_ends_with_a_sentence(workers: Cluster, folder: Path) -> None:
    line = r"^any: its worker died 2 times; memory may have run out there: give its workers more, and run the same"
    with pytest.raises(WorkerDied, match=line):
        computed(workers, "die", folder)
    assert (folder / "deaths").read_text() == "xx"


def test_progress_arrives_and_the_wish_to_stop_goes_back_at_once(workers: Cluster, folder: Path) -> None:
    told: list[int] = []
    asked_s: list[float] = []

    def tick(frames_done: int) -> None:
        told.append(frames_done)
        if frames_done > 10:
            asked_s.append(time.monotonic())
            raise Interrupted("enough")

    with pytest.raises(Interrupted, match="enough"):
        computed(workers, "count", folder, tick)
    assert time.monotonic() - asked_s[0] < 3
    assert 10 < told[-1] < 99_999
    assert told == sorted(told)
    assert not [path for path in folder.iterdir() if path.name != cluster_worker.SIGN]  # nothing is written any more


def test_a_worker_of_another_version_refuses_before_any_work(
    workers: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers.require_workers(folder, may_grow=False)
    assert not list(folder.iterdir())
    build = replace(cluster_worker.own_build(), source="another")
    monkeypatch.setattr(cluster_worker, "own_build", lambda: build)
    line = r"^runner=dask: worker tcp://127.0.0.1:\d+: it has another version of Stillwalk; install the same one there"
    with pytest.raises(SettingError, match=line):
        workers.require_workers(folder, may_grow=False)


def test_a_worker_that_came_later_and_refuses_is_told_and_not_asked_again(
    workers: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workers.client.wait_for_workers(2, timeout=START_S)  # some were killed
    fresh = Cluster(workers.client, {})
    versions = {**cluster_worker.own_build().libraries, "numpy": "9.9"}
    build = replace(cluster_worker.own_build(), libraries=versions)
    monkeypatch.setattr(cluster_worker, "own_build", lambda: build)
    line = r"it has numpy [\d.]+, and 9\.9 is needed; install the same libraries there"
    with pytest.raises(ClusterError, match=rf"^any: worker tcp://127.0.0.1:\d+: {line}"):
        computed(fresh, "write", folder)
    assert capsys.readouterr().err.count("is not used: it has numpy") == 1  # the error tells of the last


def test_a_scheduler_that_does_not_answer_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    line = r"^runner\.address: no Dask scheduler answers at tcp://127.0.0.1:9; start one with `dask scheduler`"
    with pytest.raises(SettingError, match=line), cluster.connected("tcp://127.0.0.1:9", {}, 1):
        pass


@pytest.mark.parametrize("closes", [True, False])
def test_something_that_takes_the_connection_and_says_nothing_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, closes: bool
) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
        if closes:
            threading.Thread(target=lambda: server.accept()[0].close()).start()
        line = rf"^runner\.address: no Dask scheduler answers at {address}; start one with `dask scheduler`"
        with pytest.raises(SettingError, match=line), cluster.connected(address, {}, 1):
            pass


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A scheduler without workers, in a process of its own, and its address."""
    place = tmp_path / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(place)]
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield process, _address(place)
        finally:
            process.kill()


def _address(place: Path) -> str:
    from tasks.untrusted.json_file import read_object

    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        if place.exists() and place.stat().st_size:
            return str(read_object(place)["address"])
        time.sleep(0.05)
    return pytest.fail("the scheduler did not start")


def test_a_scheduler_that_is_killed_is_a_sentence_and_nothing_waits_for_it(
    elsewhere: tuple[subprocess.Popen[bytes], str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process, address = elsewhere
    monkeypatch.setattr(cluster, "WORKER_S", 0.2)
    with cluster.connected(address, {}, 1) as lonely:
        with pytest.raises(SettingError, match="has no worker; type `dask worker tcp://"):
            lonely.require_workers(folder, may_grow=False)
        lonely.require_workers(folder, may_grow=True)
        ticks: list[int] = []

        def kill(frames_done: int) -> None:
            ticks.append(frames_done)
            if len(ticks) == 5:
                process.kill()

        for _ in range(2):  # what is asked later fails too
            with pytest.raises(
                ClusterError, match=rf"^the Dask scheduler at {address} is gone; finished stages are kept"
            ):
                computed(lonely, "write", folder, kill)
