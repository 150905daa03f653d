"""Stages in processes of their own: their answers, their deaths, and the wish to stop."""

import errno
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.errors import Interrupted, VideoError, WorkerDied
from tasks.execution import processes
from tasks.execution.computation import Computation, Compute, here
from tasks.records import Tick
from tests.support.worker_stages import TogetherRequest, WorkerRequest


def nobody(_: int) -> None: ...


def computed(compute: Compute, name: str, folder: Path, tick: Tick = nobody) -> dict[str, Any]:
    """The facts of a stage of that name; raises what it fails with."""
    told: list[dict[str, Any] | Exception] = []
    compute(Computation([WorkerRequest(name)], [folder]), tick, lambda _, outcome: told.append(outcome))
    (outcome,) = told
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


@pytest.fixture(scope="module", autouse=True)
def ended() -> Iterator[None]:
    with processes.kept():
        yield
    for process in multiprocessing.active_children():
        process.join(20)
    assert multiprocessing.active_children() == []


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    work = tmp_path / "work"
    work.mkdir()
    return work


def test_a_stage_apart_gives_what_it_gives_here_and_the_process_is_kept(folder: Path) -> None:
    facts = computed(processes.apart, "write", folder)
    assert (folder / "made").read_text() == "made"
    assert facts["process"] != os.getpid()
    assert computed(processes.apart, "write", folder) == facts
    assert computed(here, "write", folder) == {"process": os.getpid()}


def test_one_that_is_killed_is_tried_once_more_in_an_empty_folder(folder: Path) -> None:
    computed(processes.apart, "die_once", folder)
    assert [path.name for path in folder.iterdir()] == ["made"]


def test_one_that_is_killed_twice_is_a_sentence(folder: Path) -> None:
    with pytest.raises(WorkerDied, match="any: its process was killed twice; memory may have run out"):
        computed(processes.apart, "die", folder)
    assert folder.with_name("deaths").read_text() == "xx"


def test_what_a_user_did_arrives_as_it_was_raised_and_a_fault_with_its_kind(folder: Path) -> None:
    with pytest.raises(VideoError, match="this is no video"):
        computed(processes.apart, "refuse", folder)
    with pytest.raises(RuntimeError, match="KeyError: 'pid "):
        computed(processes.apart, "err", folder)
    with pytest.raises(OSError, match="No space left on device") as caught:
        computed(processes.apart, "fill", folder)
    assert caught.value.errno == errno.ENOSPC


def test_a_file_that_a_full_disk_has_no_room_for_is_a_fact_about_the_disk(folder: Path) -> None:
    for compute in (here, processes.apart):
        with pytest.raises(OSError, match="No space left on device") as caught:
            computed(compute, "overflow", folder)
        assert caught.value.errno == errno.ENOSPC


@pytest.mark.parametrize("compute", [here, processes.apart])
def test_of_several_that_are_made_together_one_fails_alone(tmp_path: Path, compute: Compute) -> None:
    names = ("write", "refuse", "err", "write")
    folders = [tmp_path / str(place) for place in range(len(names))]
    for each in folders:
        each.mkdir()
    told: dict[int, dict[str, Any] | Exception] = {}
    compute(Computation([TogetherRequest(name) for name in names], folders), nobody, told.__setitem__)
    assert [type(told[place]) is dict for place in range(4)] == [True, False, False, True]
    assert str(told[1]) == "a.mp4: this is no video"
    assert "pid " in str(told[2])
    assert [sorted(path.name for path in each.iterdir()) for each in folders] == [["made"], [], [], ["made"]]


def test_one_that_was_killed_between_two_stages_is_replaced(folder: Path) -> None:
    process = computed(processes.apart, "write", folder)["process"]
    os.kill(process, signal.SIGKILL)
    while _runs(process):
        time.sleep(0.01)
    assert computed(processes.apart, "write", folder)["process"] != process


def test_progress_arrives_and_the_wish_to_stop_goes_back(folder: Path) -> None:
    told: list[int] = []

    def tick(frames_done: int) -> None:
        told.append(frames_done)
        if frames_done > 10:
            raise Interrupted("enough")

    with pytest.raises(Interrupted, match="enough"):
        computed(processes.apart, "count", folder, tick)
    assert 10 < told[-1] < 99_999
    assert told == sorted(told)


def lead(folder: Path) -> None:
    def tick(_: int) -> None:
        (folder / "pid").write_text(_child())

    computed(processes.apart, "count", folder, tick)


def _child() -> str:
    (process,) = multiprocessing.active_children()
    return str(process.pid)


def test_a_worker_ends_with_the_one_who_asked(folder: Path) -> None:
    leader = multiprocessing.get_context("spawn").Process(target=lead, args=(folder,))
    leader.start()
    while not (folder / "pid").exists() or not (folder / "pid").read_text():
        assert leader.is_alive()
        time.sleep(0.02)
    worker = int((folder / "pid").read_text())
    assert leader.pid is not None
    os.kill(leader.pid, signal.SIGKILL)
    leader.join()
    deadline = time.monotonic() + 20
    while _runs(worker) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not _runs(worker)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False
