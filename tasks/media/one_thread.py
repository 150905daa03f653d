"""OpenCV without threads of its own, for small pictures: handing out the work costs more than doing it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import cv2

_lock = threading.Lock()
_open: list[int] = []  # for each open block how many threads were usual before the first


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block OpenCV computes in the thread that calls it, everywhere in this process.

    Blocks may overlap: when the last one ends, the number of threads is what it was before the first.
    """
    with _lock:
        _open.append(_open[0] if _open else cv2.getNumThreads())
        cv2.setNumThreads(1)
    try:
        yield
    finally:
        with _lock:
            usual = _open.pop()
            if not _open:
                cv2.setNumThreads(usual)
