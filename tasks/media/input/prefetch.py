"""Produce the items of a stream in a thread of its own, a few items ahead of the consumer."""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")

_PUT_POLL_S = 0.1  # how often a blocked producer checks whether the consumer has left


@dataclass(frozen=True)
class _End:
    """What the producer puts behind its last item."""

    error: BaseException | None = None  # that ended it early


@contextmanager
def prefetched(items: Iterable[Item], *, ahead: int = 1) -> Iterator[Iterator[Item]]:
    """The same items in the same order, produced in a thread that is at most ``ahead`` items ahead.

    An exception from producing an item is raised where the consumer would have got the item. Leaving the block early
    stops the thread and closes ``items`` before the block ends.
    """
    ready: queue.Queue[Item | _End] = queue.Queue(ahead)
    left = threading.Event()

    def put(content: Item | _End) -> bool:
        """Whether the consumer will get it: it may have left."""
        while not left.is_set():
            try:
                ready.put(content, timeout=_PUT_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        source = iter(items)
        try:
            for item in source:
                if not put(item):
                    return
                del item  # a picture must not be kept while the next one is made
            put(_End())
        except BaseException as error:  # noqa: BLE001 - it is raised again in the other thread
            put(_End(error))
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        yield _taken(ready)
    finally:
        left.set()
        thread.join()


def _taken(ready: "queue.Queue[Item | _End]") -> Iterator[Item]:
    """The items that come out of the queue, up to the end; the error that ended them is raised."""
    while True:
        content = ready.get()
        if isinstance(content, _End):
            if content.error is not None:
                raise content.error
            return
        yield content
        del content
