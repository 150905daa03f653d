"""Keep the memory of the process small, and spend little time in the garbage collector."""

import ctypes
import gc
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ARENAS: Final = 2  # heaps of malloc; the default, 8 for each core, had taken a third more memory at its peak
LARGE: Final = 4 << 20  # bytes: what is larger than a plane of 1080p is given back as soon as it is freed
IDLE: Final = 8 << 20  # bytes that a heap may keep at its end: glibc lets it grow to twice the largest that was freed
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # glibc's malloc.h
_PR_SET_THP_DISABLE: Final = 41  # Linux's prctl.h
_MADV_DONTNEED: Final = 4  # Linux's mman.h
_MAPPINGS: Final = Path("/proc/self/smaps")
_LIBRARY: Final = re.compile(r"/.*\.so(\.\d\w*)*")  # not ld.so.cache


def stay_small() -> None:
    """Let all threads share a few heaps of small pages; to be called before threads start. Linux with glibc only.

    Encoders and numpy ask for pages of 2 MB, of which they then touch a part. With these bounds a run takes 30 MB less
    at its peak, and no more time; with lower ones planes are mapped anew for each picture, which costs a tenth.

    Arrow takes its memory from the same heaps, unless its own variable says otherwise; to be called before Arrow is
    loaded. Its other allocator keeps what is freed: ``give_back`` does not reach it.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
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


def give_back_code() -> None:
    """Let the process hold only those pages of its libraries that are used from now on. Linux only.

    Pages that were read while modules were loaded, or for models that are closed, would count to the end of the
    process. Whatever is used again comes back from the page cache of the system. Only pages that nobody has written to
    are let go. 120 MB before the render of a cold run, for 20 to 30 ms of CPU time (measured with 870 mappings).
    """
    advise = getattr(ctypes.CDLL(None), "madvise", None)
    if advise is None:
        return
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for first, end in _unwritten_code():
        advise(first, end - first, _MADV_DONTNEED)  # a refusal, as of locked pages, does no harm


def _unwritten_code() -> Iterator[tuple[int, int]]:
    """The addresses of each mapping of a library that is read-only and has pages in memory, all of them as in the file.

    Libraries only, as they stay mapped. Another thread may unmap any other file meanwhile, as Arrow does with a table
    and the loader with its cache. Then it may keep data of its own at that address: of 1,004 such buffers 97 became
    zeros.
    """
    try:
        lines = _MAPPINGS.read_text(errors="replace").splitlines()
    except OSError:
        return
    span, kb = "", dict[str, str]()
    for line in lines:
        name, *rest = line.split(maxsplit=5)
        if not name.endswith(":"):  # the head of a mapping: addresses, rights, offset, device, inode, file
            kb.clear()
            span = name if rest[0] in ("r-xp", "r--p") and rest[4:] and _LIBRARY.fullmatch(rest[4]) else ""
        elif span and name in ("Rss:", "Anonymous:", "Swap:"):  # in this order; what was written to may be swapped out
            kb[name] = rest[0]
            if name == "Swap:" and kb.get("Rss:") != "0" and kb.get("Anonymous:") == kb["Swap:"] == "0":
                first, _, end = span.partition("-")
                yield int(first, 16), int(end, 16)
