"""Memory: the process is kept small, and little time is spent on looking for what could be freed."""

import ctypes
import gc
from typing import Final

ARENAS: Final = 2  # heaps of malloc; the default, 8 for each core, had taken a third more memory at its peak
LARGE: Final = 4 << 20  # bytes: what is larger than a plane of 1080p is given back as soon as it is freed
IDLE: Final = 8 << 20  # bytes that a heap may keep at its end: glibc lets it grow to twice the largest that was freed
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # glibc's malloc.h
_PR_SET_THP_DISABLE: Final = 41  # Linux's prctl.h


def stay_small() -> None:
    """Let all threads share a few heaps of small pages; to be called before threads start. Linux with glibc only.

    Encoders and numpy ask for pages of 2 MB, of which they then touch a part. With these bounds a run takes 30 MB less
    at its peak, and no more time; with lower ones planes are mapped anew for each picture, which costs a tenth.
    """
    library = ctypes.CDLL(None)
    for name, arguments in (
        ("mallopt", (_M_ARENA_MAX, ARENAS)),
        ("mallopt", (_M_MMAP_THRESHOLD, LARGE)),
        ("mallopt", (_M_TRIM_THRESHOLD, IDLE)),
        ("prctl", (_PR_SET_THP_DISABLE, 1, 0, 0, 0)),
    ):
        function = getattr(library, name, None)
        if function is not None:
            function(*arguments)


def keep_what_is_loaded() -> None:
    """Exclude all present objects from later garbage collections: most belong to modules, which are never freed.

    A whole collection took 0.16 s, and all threads wait for it.
    """
    gc.freeze()


def give_back() -> None:
    """Return freed memory to the system: after a stage its frames are freed, but not given back by themselves."""
    function = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if function is not None:
        function(0)
