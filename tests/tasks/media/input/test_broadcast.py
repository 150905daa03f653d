"""One stream for several readers: each gets all of it, what it costs is paid once, and nobody hangs on another."""

import time
from collections import deque
from collections.abc import Iterator

import pytest

from tasks.media.input.broadcast import Reader, broadcast, read_side_by_side
from tests.support.threads import run_together


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


@pytest.mark.parametrize("count", [1, 3])
def test_each_reader_gets_every_item_in_order_and_they_are_made_once(count: int) -> None:
    source = Source()
    got: list[list[int]] = [[] for _ in range(count)]
    with broadcast(source(), count) as readers:
        run_together(
            *(lambda mine=mine, reader=reader: mine.extend(reader) for mine, reader in zip(got, readers, strict=True))
        )
    assert got == [list(range(50))] * count
    assert (source.opened, source.made, source.closed) == (1, 50, 1)


def test_no_item_is_made_before_every_reader_has_taken_the_one_before() -> None:
    source = Source()
    lead: list[int] = []

    def slow(reader: Reader[int]) -> None:
        for item in reader:
            time.sleep(0.001)
            lead.append(source.made - item - 1)

    with broadcast(source(), 2) as (first, second):
        run_together(lambda: slow(first), lambda: deque(second, maxlen=0).clear())
    assert max(lead) <= 1


@pytest.mark.parametrize("read", [0, 1, 5])
def test_a_reader_that_leaves_keeps_nobody_waiting(read: int) -> None:
    source = Source()
    got: list[int] = []

    def leaves(reader: Reader[int]) -> None:
        for _ in range(read):
            next(reader)
        reader.close()
        assert list(reader) == []

    with broadcast(source(), 2) as (first, second):
        run_together(lambda: leaves(first), lambda: got.extend(second))
    assert got == list(range(50))
    assert (source.opened, source.closed) == (1, 1)


def test_an_error_reaches_every_reader_after_the_items_before_it() -> None:
    got: list[list[int]] = [[], []]

    def read(mine: list[int], reader: Reader[int]) -> None:
        with pytest.raises(OSError, match="broken"):
            mine.extend(reader)

    with broadcast(Source(fails_at=7)(), 2) as (first, second):
        run_together(lambda: read(got[0], first), lambda: read(got[1], second))
    assert got == [list(range(7))] * 2


def test_when_all_have_left_nothing_more_is_made_and_the_stream_is_closed() -> None:
    source = Source()
    with broadcast(source(), 2) as readers:
        run_together(*[lambda reader=reader: next(reader) for reader in readers])
        for reader in readers:
            reader.close()
    assert (source.made <= 2, source.closed) == (True, 1)


def test_each_function_reads_all_and_what_it_gave_or_raised_is_told_by_its_place() -> None:
    source, told = Source(), dict[int, object]()

    def fail(reader: Reader[int]) -> int:
        next(reader)
        raise OSError("full")

    read_side_by_side(source(), [fail, lambda reader: sum(reader)], told.__setitem__)
    assert isinstance(told[0], OSError) and told[1] == sum(range(50))
    assert (source.made, source.closed) == (50, 1)


def test_when_those_that_are_wanted_have_failed_the_rest_gets_no_more() -> None:
    source, told = Source(length=10_000), dict[int, object]()

    def fail(reader: Reader[int]) -> int:
        next(reader)
        raise OSError("full")

    def beside(reader: Reader[int]) -> int:
        return sum(1 for _ in reader)

    read_side_by_side(source(), [fail, beside], told.__setitem__, wanted=1)
    assert isinstance(told[0], OSError) and isinstance(told[1], int)
    assert told[1] <= source.made < 10_000 and source.closed == 1


def test_one_that_is_not_wanted_may_fail_and_those_that_are_get_all() -> None:
    source, told = Source(), dict[int, object]()

    def fail(reader: Reader[int]) -> int:
        next(reader)
        raise OSError("full")

    read_side_by_side(source(), [lambda reader: sum(reader), fail], told.__setitem__, wanted=1)
    assert isinstance(told[1], OSError) and told[0] == sum(range(50))
