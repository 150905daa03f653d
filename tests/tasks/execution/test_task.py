"""Requests as tasks: never more at once than there are slots, and of several outputs each has its own entry."""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from conf.demo import DemoConf
from tasks.cache import store
from tasks.cache.keys import stage_key
from tasks.cache.locks import LOCKS, lock
from tasks.cache.making import OpenEntry, Outcome
from tasks.cache.second_level import SecondLevel
from tasks.errors import Interrupted, OutputError, VideoError
from tasks.execution import progress
from tasks.execution.computation import Computation, Compute, here
from tasks.execution.processes import apart
from tasks.execution.task import Call, Slots, outcomes
from tasks.records import Tell, Tick
from tasks.requests import DemoRequest
from tests.support.threads import run_together
from tests.support.worker_stages import KeptRequest, ThriftyRequest, TogetherRequest


@pytest.fixture
def stopped() -> Iterator[None]:
    progress.stop.set()
    yield
    progress.stop.clear()


class Count:
    """How many are at work, and the most there ever were."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self._lock = threading.Lock()

    def work(self, slots: Slots) -> None:
        with slots.work():
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(0.02)
            with self._lock:
                self.now -= 1


def test_no_more_work_at_once_than_there_are_slots() -> None:
    slots, count = Slots(2), Count()
    run_together(*[lambda: count.work(slots)] * 8)
    assert count.most == 2


def test_an_interrupt_ends_the_waiting_for_a_slot(stopped: None) -> None:
    with pytest.raises(Interrupted), Slots(0).work():
        pass


def call(cache: Path, run_id: str, *names: str, compute: Compute = here) -> Call:
    requests = [TogetherRequest(name) for name in names]
    return Call("render", "a", "a", lambda _: requests, cache, run_id, Slots(1), compute=compute)


@pytest.mark.parametrize("compute", [here, apart])
def test_an_output_that_fails_loses_no_other_and_is_all_that_is_made_again(tmp_path: Path, compute: Compute) -> None:
    made, failed = outcomes(call(tmp_path, "first", "write", "refuse", compute=compute), [])
    assert isinstance(failed, VideoError) and str(failed) == "a.mp4: this is no video"
    assert not isinstance(made, Exception) and made.run_id == "first"
    again, extra = outcomes(call(tmp_path, "second", "write", "fill"), [])
    assert again == made
    assert isinstance(extra, Exception) and "the disk is full" in str(extra)
    assert [path.name for path in (tmp_path / "pass").iterdir()] == [made.key]


def test_only_what_is_missing_is_computed(tmp_path: Path) -> None:
    outcomes(call(tmp_path, "first", "write"), [])
    found, made = outcomes(call(tmp_path, "second", "write", "write_two"), [])
    assert not isinstance(found, Exception) and not isinstance(made, Exception)
    assert (found.run_id, made.run_id) == ("first", "second")


def test_each_output_is_finished_as_soon_as_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    first, last = TogetherRequest("look"), TogetherRequest("write")  # the last one is made first

    def look(*_: Any) -> dict[str, Any]:
        seen.append(store.find(tmp_path, "pass", stage_key(last)) is not None)
        return {}

    monkeypatch.setattr("tests.support.worker_stages.look", look, raising=False)
    outcomes(Call("render", "a", "a", lambda _: [first, last], tmp_path, "run", Slots(1)), [])
    assert seen == [True]


def test_two_tasks_with_the_same_outputs_in_another_order_do_not_wait_for_each_other_for_ever(tmp_path: Path) -> None:
    names = ("write", "write_two")
    run_together(
        lambda: outcomes(call(tmp_path, "one", *names), []).clear(),
        lambda: outcomes(call(tmp_path, "two", *reversed(names)), []).clear(),
    )
    assert len([path for path in (tmp_path / "pass").iterdir() if (path / store.MARK).exists()]) == 2


def thrifty(
    cache: Path,
    run_id: str,
    function: str,
    kept: str = "write",
    compute: Compute = here,
    slots: Slots | None = None,
) -> str:
    """What the function says that it was given of its by-product."""
    request = ThriftyRequest(function, kept)
    task = Call("render", "a", "a", lambda _: [request], cache, run_id, slots or Slots(1), compute=compute)
    (made,) = outcomes(task, [])
    assert not isinstance(made, Exception)
    return str(made.facts.get("given", "made"))


@pytest.mark.parametrize("compute", [here, apart])
def test_a_by_product_is_kept_once_and_given_to_those_who_would_make_it_again(tmp_path: Path, compute: Compute) -> None:
    key = stage_key(KeptRequest("write"))
    assert thrifty(tmp_path, "first", "say_given", compute=compute) == ""
    assert store.find(tmp_path, "kept", key) is not None
    assert thrifty(tmp_path, "second", "say_given", compute=compute) == ""  # cached: nothing was computed
    shutil.rmtree(tmp_path / "pass")
    assert thrifty(tmp_path, "third", "say_given", compute=compute) == key
    found = store.find(tmp_path, "kept", key)
    assert found is not None and found.run_id == "first"


def test_a_by_product_that_was_damaged_is_made_anew(tmp_path: Path) -> None:
    thrifty(tmp_path, "first", "say_given")
    shutil.rmtree(tmp_path / "pass")
    kept = tmp_path / "kept" / stage_key(KeptRequest("write")) / "made"
    times_ns = kept.stat().st_mtime_ns
    kept.write_text("mads")
    os.utime(kept, ns=(times_ns, times_ns))
    assert thrifty(tmp_path, "second", "say_given") == ""
    assert kept.read_text() == "made"


@pytest.mark.parametrize("compute", [here, apart])
def test_a_whole_file_of_another_run_that_cannot_be_read_is_forgotten_and_made_anew(
    tmp_path: Path, compute: Compute
) -> None:
    request = ThriftyRequest("misread")

    def run(run_id: str) -> Outcome:
        (made,) = outcomes(Call("render", "a", "a", lambda _: [request], tmp_path, run_id, Slots(1), compute), [])
        return made

    assert not isinstance(run("first"), Exception)
    shutil.rmtree(tmp_path / "pass")
    failed = run("second")
    assert isinstance(failed, OutputError)
    assert str(failed).endswith(
        "made: cannot be read (a box in it is empty); it was forgotten, run the same command again"
    )
    assert not isinstance(run("third"), Exception)
    found = store.find(tmp_path, "kept", stage_key(KeptRequest("write")))
    assert found is not None and found.run_id == "third"


def test_a_by_product_is_not_made_for_what_the_cache_has(tmp_path: Path) -> None:
    thrifty(tmp_path, "first", "say_given")
    shutil.rmtree(tmp_path / "kept")
    thrifty(tmp_path, "second", "say_given")
    assert not (tmp_path / "kept").exists()


def test_a_by_product_that_fails_or_that_another_makes_takes_nothing_from_the_result(tmp_path: Path) -> None:
    assert thrifty(tmp_path, "first", "say_given", kept="refuse") == ""
    assert list((tmp_path / "kept").iterdir()) == []
    with lock(tmp_path / LOCKS / stage_key(KeptRequest("write_two")), lambda: None):
        assert thrifty(tmp_path, "second", "say_given", kept="write_two") == ""
    assert list((tmp_path / "kept").iterdir()) == []


def test_whoever_has_waited_for_a_slot_is_given_the_by_product_that_was_made_meanwhile(tmp_path: Path) -> None:
    slots, given = Slots(1), list[str]()

    def work(function: str) -> None:
        given.append(thrifty(tmp_path, function, function, slots=slots))

    threads = [threading.Thread(target=work, args=[name], daemon=True) for name in ("say_given", "say_given_too")]
    with slots.work():
        for thread in threads:
            thread.start()
        time.sleep(0.2)  # until both wait for the slot
    for thread in threads:
        thread.join(20)
    assert sorted(given) == ["", stage_key(KeptRequest("write"))]


class Holder:
    """A second level of the cache that has one entry."""

    def __init__(self, key: str) -> None:
        self._key = key

    def pull(self, entry: OpenEntry) -> bool:
        if entry.key == self._key:
            entry.finish({})
        return entry.outcome is not None

    def push(self, folder: Path) -> None:
        pass


def test_no_by_product_is_made_where_what_it_is_made_with_came_from_a_store(tmp_path: Path) -> None:
    asked = [ThriftyRequest("say_given"), TogetherRequest("write")]
    level = cast(SecondLevel, Holder(stage_key(asked[0])))
    task = Call("render", "a", "a", lambda _: asked, tmp_path, "run", Slots(1), level=level)
    assert not any(isinstance(outcome, Exception) for outcome in outcomes(task, []))
    assert len(list((tmp_path / "pass").glob(f"*/{store.MARK}"))) == 2 and not (tmp_path / "kept").exists()


class Frames(progress.Listener):
    """Keeps the number of frames that each piece of work has."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def started(self, work: progress.Work) -> None:
        self.seen.append(work.frames)


def test_the_frames_of_the_demo_are_known_before_it_is_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = Frames()
    monkeypatch.setattr(progress, "listener", frames)

    def compute(work: Computation, tick: Tick, tell: Tell) -> None:
        tell(0, {})

    request = DemoRequest(DemoConf(seconds=0.35, fps="24"))
    outcomes(Call("demo", "demo", "demo", lambda _: [request], tmp_path, "run", Slots(1), compute=compute), [])
    assert frames.seen == [8]
