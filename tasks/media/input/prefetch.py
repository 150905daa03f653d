"""Produce the items of a stream in a thread of its own, a few items ahead of the consumer."""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")

_PUT_POLL_S = 0.1  # how often a blocked producer checks whether the consumer has left


@contextmanager
def prefetched(items: Iterable[Item], *, ahead: int = 1) -> Iterator[Iterator[Item]]:
    """The same items in the same order, produced in a thread that is at most ``ahead`` items ahead.

    An exception from producing an item is raised where the consumer would have got the item. Leaving the block early
    stops the thread and closes ``items`` before the block ends.
    """
    ready: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(ahead)
    left = threading.Event()

    def put(is_item: bool, content: Item | BaseException | None) -> bool:
        while not left.is_set():
            try:
                ready.put((is_item, content), timeout=_PUT_POLL_S)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        source = iter(items)
        try:
            for item in source:
                if not put(True, item):
                    return
                del item  # a picture must not be kept while the next one is made
            put(False, None)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the other thread
            put(False, error)
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    def consume() -> Iterator[Item]:
        while True:
            is_item, content = ready.get()
            if not is_item:
                if content is not None:
                    raise content  # type: ignore[misc]
                return
            yield content  # type: ignore[misc]
            del content

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        yield consume()
    finally:
        left.set()
        thread.join()
