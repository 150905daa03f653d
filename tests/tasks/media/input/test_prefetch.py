"""A prefetched stream gives the same items as the stream itself."""

import threading
from collections.abc import Iterator

import pytest

from tasks.media.input.prefetch import prefetched


def test_items_come_in_order_from_another_thread() -> None:
    threads = set()

    def produce() -> Iterator[int]:
        for number in range(200):
            threads.add(threading.get_ident())
            yield number

    with prefetched(produce()) as stream:
        assert list(stream) == list(range(200))
    assert threads and threading.get_ident() not in threads


def test_only_a_few_items_are_produced_ahead() -> None:
    produced = []

    def produce() -> Iterator[int]:
        for number in range(100):
            produced.append(number)
            yield number

    with prefetched(produce(), ahead=2) as stream:
        for taken in stream:
            assert len(produced) <= taken + 1 + 2 + 1, "the taken ones, two in the queue, and one that waits for room"


def test_an_exception_is_raised_in_place_of_its_item() -> None:
    def produce() -> Iterator[int]:
        yield 1
        raise LookupError("the third frame is broken")

    with prefetched(produce()) as stream:
        assert next(stream) == 1
        with pytest.raises(LookupError, match="third frame"):
            next(stream)


def test_leaving_the_block_early_closes_the_source_and_ends_the_thread() -> None:
    closed = threading.Event()

    def produce() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.set()

    before = threading.active_count()
    with prefetched(produce()) as stream:
        assert next(stream) == 0
    assert closed.is_set()
    assert threading.active_count() == before


def test_an_exception_in_the_block_propagates_and_ends_the_thread() -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), prefetched(iter(range(10**9))) as stream:
        next(stream)
        raise KeyError("stop")
    assert threading.active_count() == before
