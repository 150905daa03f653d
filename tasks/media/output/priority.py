"""Keeping the process an ordinary one beside others."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_TASKS = Path("/proc/self/task")  # Linux: one folder a thread, under the number that its scheduler knows


@contextmanager
def same_priority() -> Iterator[None]:
    """Give this thread, and those that the block has started, the scheduling that this thread had before.

    SVT-AV1, run by root, makes the thread that opens it and all of its own real-time threads of the highest priority;
    children inherit that. Such a process, waiting in a loop, was seen to starve a whole machine for an hour.
    """
    if not _TASKS.is_dir():
        yield
        return
    policy, param, others = os.sched_getscheduler(0), os.sched_getparam(0), set(_threads())
    try:
        yield
    finally:
        for thread in (0, *(set(_threads()) - others)):
            with suppress(ProcessLookupError):  # it has ended meanwhile
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, param)


def _threads() -> Iterator[int]:
    return (int(folder.name) for folder in _TASKS.iterdir())
