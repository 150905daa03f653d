"""Checks of the machine before any work: folders that can be written, file locks, and open files."""

import os
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from conf.validation import require
from tasks.cache.lock_probe import lock_fault, lock_problem
from tasks.errors import SettingError
from tasks.untrusted.paths import encoding_problem, length_problem, nearest_there, no_folder_reason

BASE_OPEN_FILES: Final = 64  # of a run; 35 were seen with one worker, and 111 with eight that write four videos each
OPEN_FILES_PER_WORKER: Final = 16
MAX_OPEN_FILES: Final = 4096  # what a run asks for


def check_path(setting: str, folder: Path) -> None:
    """Raise if the absolute path of ``folder`` is not in UTF-8, or too long for the files inside it."""
    fact = encoding_problem(str(folder))
    require(not fact, setting, fact, f"choose another place with {setting}=")
    fact = length_problem(folder)
    require(not fact, setting, fact, f"choose a shorter one with {setting}=")


def check_folder(setting: str, folder: Path, *, by_making_one: bool = True) -> None:
    """Raise unless folders can be made in ``folder``, or in its nearest existing parent.

    ``by_making_one``: one is made and removed. Else nothing is written, and some places that refuse are not noticed.
    """
    nearest = nearest_there(folder)
    cure = f"choose another place with {setting}="
    fact = no_folder_reason(nearest)
    require(not fact, setting, f"{nearest} {fact}, not a folder", cure)
    require(os.access(nearest, os.W_OK), setting, f"{nearest} is not writable", f"make it writable, or {cure}")
    if not by_making_one:
        return
    try:
        with tempfile.TemporaryDirectory(dir=nearest, prefix=".stillwalk-"):
            pass
    except OSError as error:  # as in /proc, which root may write, as far as its permissions say
        raise SettingError(f"{setting}: {nearest}: no folder can be made there ({error.strerror}); {cure}") from error


def check_locks(setting: str, folder: Path) -> None:
    """Raise unless this machine can lock files in an existing ``folder``: a database needs that."""
    fact = lock_problem(folder)
    require(not fact, setting, f"{folder}: {fact}", f"choose another place with {setting}=")


def lock_lines(output_dir: Path, cache: Path) -> Iterator[str]:
    """A line for each of the two folders where file locks do not hold; one where the reason is the same."""
    told: set[str] = set()
    for setting, folder in (("cache_dir", cache), ("output_dir", output_dir)):
        fault = lock_fault(folder)
        if fault and fault not in told:
            told.add(fault)
            yield f"{setting}: {folder}: {fault}; results stay right, but several commands may compute the same thing"


def raise_open_files_limit(workers: int) -> None:
    """Raise this process's limit of open files as far as the system allows; ``SettingError`` where that is too little.

    With too few, Prefect's client and its server wait for each other without end.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_OPEN_FILES)
    needed = min(BASE_OPEN_FILES + OPEN_FILES_PER_WORKER * workers, MAX_OPEN_FILES)
    fact = f"ulimit -n is {hard}, and a run with workers={workers} needs {needed}"
    cure = f"type ulimit -n {MAX_OPEN_FILES} in a new terminal, or raise nofile in /etc/security/limits.conf"
    require(allowed >= needed, "open files", fact, cure)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
