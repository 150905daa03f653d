"""Whether the file locks of a disk hold: among the processes of this machine, and among machines.

A network disk may have none, may accept each without a word, or may keep them to one machine. The cache is right
without them (see ``tasks.cache.making``); then commands that run at the same time may compute the same thing twice.
"""

import fcntl
import os
import re
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Final

from tasks.untrusted.paths import NO_LOCKS_ERRORS, exists, resolved, write_problem

MOUNTS: Final = Path("/proc/self/mounts")  # Linux only
# FUSE keeps flock in the kernel of one machine unless a file system asks for it (FUSE_FLOCK_LOCKS in Linux's fuse.h).
# These store elsewhere, and are not known to ask.
OWN_MACHINE_TYPES: Final = (
    "fuse.sshfs",
    "fuse.s3fs",
    "fuse.rclone",
    "fuse.gcsfuse",
    "fuse.goofys",
    "fuse.mount-s3",
    "fuse.blobfuse",
    "fuse.blobfuse2",
    "fuse.davfs",
)
# nfs(5), lustre's client and mount.cifs(8): options with which flock does not reach the server.
OWN_MACHINE_OPTIONS: Final = {
    "nfs": {"nolock", "local_lock=flock", "local_lock=all"},
    "nfs4": {"nolock", "local_lock=flock", "local_lock=all"},
    "lustre": {"localflock"},
    "cifs": {"nobrl"},
    "smb3": {"nobrl"},
}


def lock_fault(folder: Path) -> str:
    """Why locks on files in a folder do not hold everywhere, as a clause; empty if they do, or if nothing is known.

    A folder that is not there yet is judged by the nearest one that is.
    """
    return _fault_of(next(parent for parent in (folder, *folder.parents) if exists(parent)))


@lru_cache  # each look makes a file
def _fault_of(folder: Path) -> str:
    return lock_problem(folder) or _kept_to_one_machine(folder)


def lock_problem(folder: Path) -> str:
    """Why processes of this machine cannot lock files in an existing folder, as a clause.

    Empty if they can, or if no file can be created there.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".stillwalk-lock-") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            second = os.open(file.name, os.O_RDWR)
            try:
                fcntl.flock(second, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return ""
            finally:
                os.close(second)
    except OSError as error:
        return write_problem(error)[0] if error.errno in NO_LOCKS_ERRORS else ""
    return "its disk accepts file locks and does not keep them"


def _kept_to_one_machine(folder: Path) -> str:
    kind, options = _mount_of(folder, MOUNTS)
    if kind in OWN_MACHINE_TYPES or OWN_MACHINE_OPTIONS.get(kind, set()) & options:
        return f"its file locks hold on this machine only ({kind})"
    return ""


def _mount_of(folder: Path, mounts: Path) -> tuple[str, set[str]]:
    """Type and options of the file system that holds a folder; empty where that cannot be told."""
    try:
        lines = os.fsdecode(mounts.read_bytes()).split("\n")  # a name may hold anything else
        place = resolved(folder)
    except OSError:
        return "", set()
    found = ("", set[str]())
    longest = 0
    for line in lines:
        _, point, kind, options, *_ = (*line.split(" "), "", "", "", "")
        path = Path(re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), point))
        if place.is_relative_to(path) and len(path.parts) >= longest:  # of two on one place, the last is seen
            found, longest = (kind, set(options.split(","))), len(path.parts)
    return found
