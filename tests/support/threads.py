"""Calls at the same time, each in a thread of its own."""

import threading
from collections.abc import Callable
from typing import Final

LONGEST_S: Final = 20.0  # such calls take far less: one that takes longer hangs


def run_together(*calls: Callable[[], None]) -> None:
    """Run the calls at the same time. It fails where one hangs."""
    threads = [threading.Thread(target=call, daemon=True) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONGEST_S)
    assert not any(thread.is_alive() for thread in threads)
