"""A stream from another thread is the same stream."""

import threading
from collections.abc import Iterator

import pytest

from tasks.media.input.prefetch import prefetched


def test_the_items_come_in_their_order_and_are_made_elsewhere() -> None:
    makers = set()

    def make() -> Iterator[int]:
        for number in range(200):
            makers.add(threading.get_ident())
            yield number

    with prefetched(make()) as stream:
        assert list(stream) == list(range(200))
    assert makers and threading.get_ident() not in makers


def test_only_a_few_wait() -> None:
    made = []

    def make() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    with prefetched(make(), ahead=2) as stream:
        for taken in stream:
            assert len(made) <= taken + 1 + 2 + 1, "taken, waiting, and the one that waits to wait"


def test_an_exception_comes_out_where_it_would_have() -> None:
    def make() -> Iterator[int]:
        yield 1
        raise LookupError("the third frame is broken")

    with prefetched(make()) as stream:
        assert next(stream) == 1
        with pytest.raises(LookupError, match="third frame"):
            next(stream)


def test_leaving_early_closes_the_source_and_ends_the_thread() -> None:
    closed = threading.Event()

    def make() -> Iterator[int]:
        try:
            yield from range(10**9)
        finally:
            closed.set()

    before = threading.active_count()
    with prefetched(make()) as stream:
        assert next(stream) == 0
    assert closed.is_set()
    assert threading.active_count() == before


def test_an_exception_in_the_block_passes_and_ends_the_thread() -> None:
    before = threading.active_count()
    with pytest.raises(KeyError), prefetched(iter(range(10**9))) as stream:
        next(stream)
        raise KeyError("stop")
    assert threading.active_count() == before
