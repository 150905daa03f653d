"""Disks whose file locks do not hold are noticed, and the cache stays right without locks."""

import errno
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows import machine
from flows.cli import cache_commands
from flows.results.atomic_files import locked_folder, rename_parts, write_part
from tasks.cache import lock_probe, making, store
from tasks.cache.lock_probe import lock_fault
from tasks.records import AnyArtifact
from tests.support.program import ROOT

NO_LOCKS = "its disk has no file locks"
NOT_KEPT = "its disk accepts file locks and does not keep them"
Flock = Callable[[int, int], None]


def nothing() -> None: ...


def refusing(_: int, __: int) -> None:
    raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))


def lying(_: int, __: int) -> None: ...


@pytest.fixture(params=[refusing, lying])
def faulty(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Locks that are refused, or taken without effect; the fact that is to be told."""
    monkeypatch.setattr(fcntl, "flock", request.param)
    return {refusing: NO_LOCKS, lying: NOT_KEPT}[request.param]


def test_locks_of_this_disk_hold_and_nothing_is_left(tmp_path: Path) -> None:
    assert lock_fault(tmp_path / "new" / "cache") == ""
    assert list(machine.lock_lines(tmp_path / "out", tmp_path / "cache")) == []
    assert not list(tmp_path.iterdir())


def test_locks_that_do_not_hold_are_told_once(tmp_path: Path, faulty: str) -> None:
    (line,) = machine.lock_lines(tmp_path / "out", tmp_path / "cache")
    told = "; results stay right, but several commands may compute the same thing"
    assert line == f"cache_dir: {tmp_path / 'cache'}: {faulty}{told}"


@pytest.mark.parametrize(
    ("mount", "fault"),
    [
        ("server:/home {} nfs4 rw,local_lock=none 0 0", ""),
        ("server:/home {} nfs4 rw,local_lock=all 0 0", "its file locks hold on this machine only (nfs4)"),
        ("server:/home {} nfs rw,nolock 0 0", "its file locks hold on this machine only (nfs)"),
        ("me@server: {} fuse.sshfs rw,user_id=0 0 0", "its file locks hold on this machine only (fuse.sshfs)"),
        ("/dev/sda1 {} ext4 rw 0 0", ""),
    ],
)
def test_a_network_disk_that_keeps_locks_to_one_machine_is_known_by_its_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mount: str, fault: str
) -> None:
    mounts = tmp_path / "mounts"
    monkeypatch.setattr(lock_probe, "MOUNTS", mounts)
    for name in ("a folder", "no\xa0break", "caf\udce9"):  # the last is not in UTF-8
        folder = tmp_path / name
        folder.mkdir()
        place = str(folder).replace(" ", r"\040")
        lines = f"none / overlay rw,nolock 0 0\nproc /proc proc rw 0 0\n{mount.format(place)}\n"
        mounts.write_bytes(os.fsencode(lines))
        assert lock_fault(folder) == fault
    assert lock_fault(tmp_path / "elsewhere") == ""


def test_two_that_make_one_entry_without_locks_both_get_it_whole(tmp_path: Path, faulty: str) -> None:
    met = threading.Barrier(2)
    made: list[AnyArtifact] = []

    def compute(folder: Path) -> dict[str, Any]:
        (folder / "half").write_text("made")
        met.wait(20)  # both are in it
        (folder / "data").write_text("made")
        met.wait(20)
        return {}

    def make(run_id: str) -> None:
        made.append(making.make(tmp_path, "pose", "pose-1", run_id, compute, waiting=nothing))

    threads = [threading.Thread(target=make, args=(run_id,)) for run_id in ("first", "second")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 2 and made[0].files == made[1].files
    assert store.find(tmp_path, "pose", "pose-1") in made  # the first that was whole
    assert [path.name for path in (tmp_path / "pose").iterdir()] == ["pose-1"]


MAKING = """
import fcntl, sys
from pathlib import Path
from tasks.cache import making, store
fcntl.flock = lambda descriptor, operation: None
cache, ours = Path(sys.argv[1]), sys.argv[2]
def compute(folder):
    (folder / "data").write_bytes(bytes(2_000_000))
    return {}
for number in range(30):
    made = making.make(cache, "pose", f"pose-{number:024}", ours, compute, waiting=lambda: None)
    assert made.path("data").stat().st_size == 2_000_000
    assert not store.broken_files(made)
"""


def test_processes_that_make_the_same_entries_without_locks_all_find_them_whole(tmp_path: Path) -> None:
    command = [sys.executable, "-c", MAKING, str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    processes = [subprocess.Popen([*command, ours], env=environment) for ours in ("a", "b", "c")]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    names = {path.name for path in (tmp_path / "pose").iterdir()}
    assert names == {f"pose-{number:024}" for number in range(30)}


def test_results_are_published_whole_without_locks_and_other_runs_part_files_stay(tmp_path: Path, faulty: str) -> None:
    other = tmp_path / ".a.txt.01234567.stillwalk-part"
    with locked_folder(tmp_path):
        other.write_text("of another run")
        rename_parts([write_part(tmp_path / "a.txt", "whole")])
        write_part(tmp_path / "b.txt", "half")
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "a.txt"]


def test_a_cache_without_locks_is_pruned_only_by_who_knows_that_it_is_idle(
    tmp_path: Path, faulty: str, capsys: pytest.CaptureFixture[str]
) -> None:

    def compute(folder: Path) -> dict[str, Any]:
        (folder / "data").write_text("made")
        return {}

    making.make(tmp_path, "pose", f"pose-{1:024}", "run", compute, waiting=nothing)
    command = ["prune", "--larger-than", "0MB", f"cache_dir={tmp_path}"]
    assert cache_commands.run_cache_command(command) == 2
    fact = f"{tmp_path}: {faulty}, so nobody knows whether a command uses it"
    assert capsys.readouterr().err == f"stillwalk: {fact}; when no command uses it, on any machine, add --idle\n"
    assert cache_commands.run_cache_command([*command, "--idle"]) == 0
    assert not (tmp_path / "pose" / f"pose-{1:024}").exists()
