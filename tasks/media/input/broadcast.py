"""Give several threads the same items from one pass over a stream."""

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def read_side_by_side(
    items: Iterable[Item],
    functions: "Sequence[Callable[[Reader[Item]], Result]]",
    tell: Callable[[int, Result | Exception], None],
    *,
    wanted: int | None = None,
) -> None:
    """Give each function all ``items``, in a thread of its own.

    ``tell`` is called once for each, in any order and from any thread, with its place and what it returned or raised.
    One that fails does not stop the others. Only when the first ``wanted`` of them (None: all) have failed, the rest
    gets no more items.
    """
    needed, failed = len(functions) if wanted is None else wanted, set[int]()

    def read(place: int, reader: Reader[Item]) -> None:
        outcome: Result | Exception
        try:
            outcome = functions[place](reader)
        except Exception as error:  # noqa: BLE001 - it is told, and the others go on
            outcome = error
        finally:
            reader.close()
        if isinstance(outcome, Exception) and place < needed:
            failed.add(place)
            if len(failed) == needed:
                for one in readers:
                    one.close()
        tell(place, outcome)

    with broadcast(items, len(functions)) as readers, ThreadPoolExecutor(len(functions), "reader") as threads:
        for done in [threads.submit(read, place, reader) for place, reader in enumerate(readers)]:
            done.result()


@contextmanager
def broadcast(items: Iterable[Item], readers: int) -> Iterator[list["Reader[Item]"]]:
    """Give each of ``readers`` threads the same items in the same order, made in a thread of its own.

    The next item is made when every reader has taken the one before it. A reader that stops early must be closed; the
    others go on, and the pass ends with the last one. What making an item raises is raised by every reader in its
    place. Leaving the block closes all readers, stops the thread and closes ``items``.
    """
    stream = _Stream[Item]()
    made = [Reader(stream) for _ in range(readers)]
    stream.open = set(made)
    thread = threading.Thread(target=stream.run, args=(items,), name="broadcast", daemon=True)
    thread.start()
    try:
        yield made
    finally:
        for reader in made:
            reader.close()
        thread.join()


class Reader(Iterator[Item]):
    """One thread's view of the stream: an iterator that can be closed."""

    def __init__(self, stream: "_Stream[Item]") -> None:
        self._stream = stream

    def __next__(self) -> Item:
        return self._stream.take(self)

    def close(self) -> None:
        """Stop reading."""
        self._stream.leave(self)


class _Stream(Generic[Item]):
    """The item that waits for readers, and who has not taken it yet."""

    def __init__(self) -> None:
        self.open: set[Reader[Item]] = set()
        lock = threading.Lock()
        self._change = threading.Condition(lock)  # readers wait for it
        self._taken = threading.Condition(lock)  # the maker waits for it
        self._waiting: list[Item] = []  # the item that some reader has not taken yet
        self._untaken: set[Reader[Item]] = set()
        self._ended = False
        self._error: BaseException | None = None

    def run(self, items: Iterable[Item]) -> None:
        """Make the items until they end or nobody reads any more."""
        source = iter(items)
        error: BaseException | None = None
        try:
            for item in source:
                if not self._offer(item):
                    break
                del item  # a frame must not be kept while the next one is made
        except BaseException as raised:  # noqa: BLE001 - every reader raises it in its own thread
            error = raised
        finally:
            close = getattr(source, "close", None)
            if close is not None:
                close()
        with self._change:
            self._ended, self._error = True, error
            self._change.notify_all()

    def _offer(self, item: Item) -> bool:
        """Hand out an item and wait until each reader has it; False when nobody reads."""
        with self._change:
            if not self.open:
                return False
            self._waiting, self._untaken = [item], set(self.open)
            self._change.notify_all()
            self._taken.wait_for(lambda: not self._untaken)
            return bool(self.open)

    def take(self, reader: Reader[Item]) -> Item:
        with self._change:
            self._change.wait_for(lambda: reader in self._untaken or self._ended or reader not in self.open)
            if reader in self._untaken:
                (item,) = self._waiting
                self._passed(reader)
                return item
            if reader in self.open and self._error is not None:
                raise self._error
            raise StopIteration

    def leave(self, reader: Reader[Item]) -> None:
        with self._change:
            self.open.discard(reader)
            self._passed(reader)
            self._change.notify_all()  # the reader itself may wait in another thread

    def _passed(self, reader: Reader[Item]) -> None:
        self._untaken.discard(reader)
        if not self._untaken:
            self._waiting = []
            self._taken.notify()
