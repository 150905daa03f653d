"""Let a stream be made in a thread of its own, a few items ahead of who takes them."""

import queue
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

Item = TypeVar("Item")


@contextmanager
def prefetched(items: Iterable[Item], *, ahead: int = 1) -> Iterator[Iterator[Item]]:
    """The same items in the same order, made in a thread, at most ``ahead`` of them waiting.

    What making an item raises is raised where it would have been taken. Leaving the block early stops the
    thread and closes ``items`` before the block ends.
    """
    waiting: queue.Queue[tuple[bool, Item | BaseException | None]] = queue.Queue(ahead)
    left = threading.Event()

    def put(is_item: bool, content: Item | BaseException | None) -> bool:
        while not left.is_set():
            try:
                waiting.put((is_item, content), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        source = iter(items)
        try:
            if all(put(True, item) for item in source):
                put(False, None)
        except BaseException as error:  # noqa: BLE001 - it is raised again in the other thread
            put(False, error)
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()

    def take() -> Iterator[Item]:
        while True:
            is_item, content = waiting.get()
            if not is_item:
                if content is not None:
                    raise content  # type: ignore[misc]
                return
            yield content  # type: ignore[misc]

    thread = threading.Thread(target=make, name="prefetch", daemon=True)
    thread.start()
    try:
        yield take()
    finally:
        left.set()
        thread.join()
