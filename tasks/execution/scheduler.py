"""Who computes when: a few pieces of work at once, and those that belong together side by side."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition
from types import TracebackType
from typing import Final, Self

from tasks.execution.progress import check_stop

_POLL_S: Final = 0.2  # between two looks at whether the user asked for an end


class Group:
    """Pieces of work that share what they read: they begin when each is ready, and count as one.

    Members are named in a ``with`` block, which ends when all are; each then ``meet``s the others. Whoever will not
    come, or is done, must ``leave``.
    """

    def __init__(self) -> None:
        self._change = Condition()
        self._complete = False
        self._awaited: set[str] = set()
        self._ready: set[str] = set()
        self.workers_taken = 0  # by its members: see ``Turns``

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._change:
            self._complete = True
            self._change.notify_all()

    def expect(self, member: str) -> None:
        """Name a member."""
        with self._change:
            self._awaited.add(member)

    def meet(self, member: str) -> None:
        """Wait until each member is ready or has left; ``Interrupted`` when the user asks for an end."""
        with self._change:
            self._awaited.discard(member)
            self._ready.add(member)
            self._change.notify_all()
            while not self._complete or self._awaited:
                self._change.wait(_POLL_S)
                check_stop()

    def leave(self, member: str) -> None:
        """Be no longer counted on."""
        with self._change:
            self._awaited.discard(member)
            self._ready.discard(member)
            self._change.notify_all()

    def size(self) -> int:
        """How many are at work."""
        with self._change:
            return len(self._ready)


class Turns:
    """At most ``count`` pieces of work at once."""

    def __init__(self, count: int) -> None:
        self._change = Condition()
        self._free = count

    @contextmanager
    def work(self, group: Group | None) -> Iterator[None]:
        """Wait for a worker and hold it for the block; those of one ``group`` hold one together.

        ``Interrupted`` when the user asks for an end meanwhile.
        """
        with self._change:
            while not (self._free or (group is not None and group.workers_taken)):
                self._change.wait(_POLL_S)
                check_stop()
            self._count(group, 1)
            self._change.notify_all()
        try:
            yield
        finally:
            with self._change:
                self._count(group, -1)
                self._change.notify_all()

    def _count(self, group: Group | None, change: int) -> None:
        if group is None:
            self._free -= change
            return
        alone = group.workers_taken == (0 if change > 0 else 1)
        group.workers_taken += change
        if alone:
            self._free -= change
