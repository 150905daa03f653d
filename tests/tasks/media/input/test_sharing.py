"""One stream for several readers: each gets all of it, what it costs is paid once, and nobody hangs on another."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from tasks.media.input.sharing import Sharing


class Source:
    """Counts how often it is read, and how far."""

    def __init__(self, length: int = 50, fails_at: int | None = None) -> None:
        self.length, self.fails_at = length, fails_at
        self.opened = self.made = self.closed = 0

    def __call__(self) -> Iterator[int]:
        self.opened += 1
        try:
            for item in range(self.length):
                if item == self.fails_at:
                    raise OSError("broken")
                self.made += 1
                yield item
        finally:
            self.closed += 1


def side_by_side(*readers: Callable[[], None]) -> None:
    threads = [threading.Thread(target=reader, daemon=True) for reader in readers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_each_reader_gets_every_item_in_order_and_they_are_made_once() -> None:
    source, sharing = Source(), Sharing[int](lambda: 3)
    got: list[list[int]] = [[], [], []]
    side_by_side(*(lambda one=one: one.extend(sharing.read(source)) for one in got))
    assert got == [list(range(50))] * 3
    assert (source.opened, source.made, source.closed) == (1, 50, 1)


def test_no_more_items_are_held_than_the_slowest_reader_lags() -> None:
    source, sharing = Source(), Sharing[int](lambda: 2, ahead=3)
    lag: list[int] = []

    def slow() -> None:
        for item in sharing.read(source):
            time.sleep(0.001)
            lag.append(source.made - item - 1)

    side_by_side(slow, lambda: deque(sharing.read(source), maxlen=0).clear())
    assert 0 < max(lag) <= 3


def test_who_comes_late_reads_alone() -> None:
    source, sharing = Source(), Sharing[int](lambda: 1)
    first = sharing.read(source)
    assert next(first) == 0
    assert list(sharing.read(source)) == list(range(50))
    assert list(first) == list(range(1, 50))
    assert (source.opened, source.closed) == (2, 2)


def test_nobody_waits_long_for_who_does_not_come() -> None:
    source, sharing = Source(), Sharing[int](lambda: 2, join_s=0.1)
    assert list(sharing.read(source)) == list(range(50))


def test_a_reader_that_leaves_keeps_nobody_waiting() -> None:
    source, sharing = Source(), Sharing[int](lambda: 2, ahead=2)
    got: list[int] = []

    def leaves() -> None:
        reader = sharing.read(source)
        next(reader)
        reader.close()  # type: ignore[attr-defined]

    side_by_side(leaves, lambda: got.extend(sharing.read(source)))
    assert got == list(range(50))
    assert (source.opened, source.closed) == (1, 1)


def test_a_reader_that_stands_still_is_left_behind_and_goes_on_by_itself() -> None:
    source, sharing = Source(), Sharing[int](lambda: 2, ahead=2, patience_s=0.1)
    got: list[int] = []
    still: list[int] = []
    done = threading.Event()

    def stands() -> None:
        for item in sharing.read(source):
            if item == 5:
                assert done.wait(10)
            still.append(item)

    def goes_on() -> None:
        got.extend(sharing.read(source))
        done.set()

    side_by_side(stands, goes_on)
    assert got == still == list(range(50))
    assert (source.opened, source.closed) == (2, 2)


def test_an_error_reaches_every_reader_after_the_items_before_it() -> None:
    source, sharing = Source(fails_at=7), Sharing[int](lambda: 2)
    got: list[list[int]] = [[], []]

    def read(mine: list[int]) -> None:
        with pytest.raises(OSError, match="broken"):
            mine.extend(sharing.read(source))

    side_by_side(lambda: read(got[0]), lambda: read(got[1]))
    assert got == [list(range(7))] * 2
    assert source.opened == 1


def test_all_gone_closes_the_stream() -> None:
    source, sharing = Source(), Sharing[int](lambda: 1)
    reader = sharing.read(source)
    next(reader)
    reader.close()  # type: ignore[attr-defined]
    assert source.closed == 1
