"""FFmpeg's log, which is off but for the moments in which one of its lines is needed."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import av.logging

_lock = threading.Lock()


@contextmanager
def ffmpeg_log(level: int) -> Iterator[None]:
    """Have PyAV take FFmpeg's log lines up to ``level`` while the block runs; one block at a time in the process.

    Afterwards the log is off again. It must not stay on: its lines then need Python's lock in FFmpeg's own threads, and
    a thread that closes a decoder holds that lock while it waits for them. Two blocks that each restored the level they
    had found left it on now and then, and a program that hung.
    """
    with _lock:
        av.logging.set_level(level)
        try:
            yield
        finally:
            av.logging.set_level(None)
