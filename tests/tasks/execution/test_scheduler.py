"""Turns: never more than their number, a group counts as one and begins together."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tasks.errors import Interrupted
from tasks.execution import progress
from tasks.execution.scheduler import Group, Turns


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

    def work(self, workers: Turns, group: Group | None = None) -> None:
        with workers.work(group):
            with self._lock:
                self.now += 1
                self.most = max(self.most, self.now)
            time.sleep(0.02)
            with self._lock:
                self.now -= 1


def together(*pieces: Callable[[], None]) -> None:
    threads = [threading.Thread(target=piece, daemon=True) for piece in pieces]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_no_more_work_at_once_than_there_are_workers() -> None:
    workers, count = Turns(2), Count()
    together(*[lambda: count.work(workers)] * 8)
    assert count.most == 2


def test_a_group_counts_as_one() -> None:
    workers, group, count = Turns(1), Group(), Count()
    with group:
        for name in "abc":
            group.expect(name)
    begun: list[str] = []

    def member(name: str) -> None:
        group.meet(name)
        begun.append(name)
        count.work(workers, group)
        group.leave(name)

    together(*(lambda name=name: member(name) for name in "abc"))
    assert sorted(begun) == ["a", "b", "c"]
    assert count.most > 1
    assert group.size() == 0
    alone = Count()
    together(*[lambda: alone.work(workers)] * 3)
    assert alone.most == 1  # the worker is free again, and there is one only


def test_a_member_waits_until_all_are_named_and_each_is_ready_or_has_left() -> None:
    group, met = Group(), threading.Event()

    def first() -> None:
        group.meet("first")
        met.set()

    with group:
        for name in ("first", "cached", "late"):
            group.expect(name)
        thread = threading.Thread(target=first, daemon=True)
        thread.start()
        assert not met.wait(0.05)
        group.leave("cached")
    assert not met.wait(0.05)
    group.meet("late")
    thread.join(10)
    assert met.is_set()
    assert group.size() == 2


def test_an_interrupt_ends_the_waiting(stopped: None) -> None:
    group = Group()
    with group:
        group.expect("other")
        group.expect("mine")
    with pytest.raises(Interrupted):
        group.meet("mine")
    with pytest.raises(Interrupted), Turns(0).work(None):
        pass
