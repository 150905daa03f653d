"""One stream read by several threads at about the same pace: what an item costs is paid once."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from threading import Condition
from typing import Final, Generic, TypeVar, cast

Item = TypeVar("Item")

AHEAD: Final = 1  # items made before the slowest reader takes them
JOIN_S: Final = 3.0  # that the first reader waits for the others
PATIENCE_S: Final = 30.0  # without a move, after which a reader is left behind
_POLL_S: Final = 0.05


@dataclass(eq=False)
class _Reader:
    taken: int = 0
    left_behind: bool = False


class Sharing(Generic[Item]):
    """Several readers of one stream, each in a thread of its own.

    Whoever needs an item that is not there yet makes it, for all. The first reader waits for as many as ``expected``
    says, but no longer than ``JOIN_S``; who comes when the first item is made reads a stream of its own, and so does
    from then on who keeps the others waiting for ``PATIENCE_S``.
    """

    def __init__(
        self,
        expected: Callable[[], int],
        *,
        ahead: int = AHEAD,
        join_s: float = JOIN_S,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._expected, self._ahead, self._join_s, self._patience_s = expected, ahead, join_s, patience_s
        self._change = Condition()
        self._readers: list[_Reader] = []
        self._begun = False
        self._making = False
        self._source: Iterator[Item] | None = None
        self._items: deque[Item] = deque()  # those that somebody has not taken yet
        self._made = 0
        self._end: BaseException | None = None  # what ended the stream; StopIteration when it is complete

    def read(self, make: Callable[[], Iterator[Item]]) -> Iterator[Item]:
        """The items of ``make()``, made by this call or another reader's, who must mean the same stream.

        What making an item raises is raised by every reader, in the item's place.
        """
        reader = self._joined()
        if reader is None:
            yield from make()
            return
        try:
            while not reader.left_behind:
                try:
                    yield from self._next(reader, make)
                except StopIteration:
                    return
        finally:
            self._leave(reader)
        yield from islice(make(), reader.taken, None)

    def _joined(self) -> _Reader | None:
        with self._change:
            if self._begun:
                return None
            reader = _Reader()
            self._readers.append(reader)
            until = time.monotonic() + self._join_s
            while not self._begun and len(self._readers) < self._expected() and time.monotonic() < until:
                self._change.wait(_POLL_S)
            self._begun = True
            self._change.notify_all()
            return reader

    def _next(self, reader: _Reader, make: Callable[[], Iterator[Item]]) -> tuple[Item, ...]:
        """The next item; none where the reader was left behind. Raises what ended the stream."""
        while True:
            with self._change:
                if not self._wait(reader):
                    return ()
                if reader.taken < self._made:
                    return (self._take(reader),)
                if self._end is not None:
                    raise self._end
                self._making = True
            self._make(make)

    def _wait(self, reader: _Reader) -> bool:
        """Wait until there is an item to take or to make, or the end; False where the reader was left behind."""
        while not reader.left_behind:
            if reader.taken < self._made or self._end is not None:
                return True
            if not self._making and len(self._items) < self._ahead:
                return True
            moved = self._change.wait(self._patience_s)
            if not moved and not self._making and len(self._items) >= self._ahead:
                self._leave_behind_the_slowest()
        return False

    def _take(self, reader: _Reader) -> Item:
        item = self._items[reader.taken - self._made]  # counted from the end
        reader.taken += 1
        self._forget_taken()
        return item

    def _make(self, make: Callable[[], Iterator[Item]]) -> None:
        made: list[Item] = []
        end: BaseException | None = None
        try:
            if self._source is None:
                self._source = make()
            made.append(next(self._source))
        except BaseException as error:  # noqa: BLE001 - each reader raises it in its own thread
            end = error
        with self._change:
            self._making = False
            self._end = end
            self._items.extend(made)
            self._made += len(made)
            self._change.notify_all()

    def _leave_behind_the_slowest(self) -> None:
        slowest = min(reader.taken for reader in self._readers)
        for reader in [reader for reader in self._readers if reader.taken == slowest]:
            reader.left_behind = True
            self._readers.remove(reader)
        self._forget_taken()

    def _leave(self, reader: _Reader) -> None:
        with self._change:
            if reader in self._readers:
                self._readers.remove(reader)
            self._forget_taken()
            close = None if self._readers else getattr(self._source, "close", None)
        if close is not None:
            cast(Callable[[], None], close)()

    def _forget_taken(self) -> None:
        needed = self._made - min((reader.taken for reader in self._readers), default=self._made)
        while len(self._items) > needed:
            self._items.popleft()
        self._change.notify_all()
