"""Keeping the process small: what the C library holds back for later is given to others."""

import ctypes
from typing import Final

ARENAS: Final = 2  # heaps of malloc; the default, 8 for each core, had taken a third more memory at its peak
_M_ARENA_MAX: Final = -8  # glibc's malloc.h


def use_few_heaps() -> None:
    """Let all threads share a few heaps; to be called before threads start. Does nothing without glibc."""
    function = getattr(ctypes.CDLL(None), "mallopt", None)
    if function is not None:
        function(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Return freed memory to the system: after a stage its frames are freed, but not given back by themselves."""
    function = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if function is not None:
        function(0)
