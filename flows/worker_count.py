"""How many stages run at once: ``workers=auto`` follows the cores and the memory that this process may use.

A container often may use less than the machine has. Linux states the limits in files of control groups: see
https://docs.kernel.org/admin-guide/cgroup-v2.html, and for version 1 the pages beside it.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conf.config import AUTO_WORKERS, MAX_WORKERS

MEMORY_PER_WORKER_BYTES: Final = 1_000_000_000
"""What a stage may take at its peak: a run with one clip of 1920x1080 stays below it."""
_GROUPS: Final = Path("/sys/fs/cgroup")
_OWN_GROUPS: Final = Path("/proc/self/cgroup")
_UNLIMITED_BYTES: Final = 1 << 60  # version 1 has no word for "no limit", but a number near the largest one


def worker_count(asked: int | str) -> int:
    """The number of workers: ``asked``, or for ``auto`` one for each usable core that has enough memory."""
    if asked != AUTO_WORKERS:
        return int(asked)
    memory = usable_memory_bytes()
    affordable = usable_cores() if memory is None else min(usable_cores(), memory // MEMORY_PER_WORKER_BYTES)
    return max(1, min(affordable, MAX_WORKERS))


def usable_cores(groups: Path = _GROUPS, own: Path = _OWN_GROUPS) -> int:
    """Cores that this process may use, at least 1: by its affinity and its control groups' shares of time."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    cores = len(affinity(0)) if affinity is not None else os.cpu_count() or 1
    shares = [cores]
    for folder in _group_folders(groups, own):
        quota, _, period = _read(folder / "cpu.max").partition(" ")  # version 2: "200000 100000" or "max 100000"
        if not quota:
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(period):
            shares.append(round(int(quota) / int(period)))
    return max(1, min(shares))


def usable_memory_bytes(groups: Path = _GROUPS, own: Path = _OWN_GROUPS) -> int | None:
    """Memory that this process may use: the machine's, or the least limit of its control groups; None if unknown."""
    limits = []
    if {"SC_PHYS_PAGES", "SC_PAGE_SIZE"} <= os.sysconf_names.keys():
        limits.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for folder in _group_folders(groups, own):
        limit = _read(folder / "memory.max") or _read(folder / "memory.limit_in_bytes")
        if limit.isdecimal() and int(limit) < _UNLIMITED_BYTES:
            limits.append(int(limit))
    return min(limits, default=None)


def _group_folders(groups: Path, own: Path) -> Iterator[Path]:
    """The folders of this process's control groups and of those around them, as far as they may be there.

    Each line of ``own`` is ``number:controllers:/path``. Version 2 has no controllers there, and one tree for all.
    """
    for line in _read(own).splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        for controller in controllers.split(","):
            root = groups / controller
            inner = root / path.lstrip("/")
            yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(root))


def _read(path: Path) -> str:
    """The text of a small file; "" where there is none."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
