"""Ordinary machines that lack something: a run is refused before any work, with one line that names the cure."""

import errno
import fcntl
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from conf.enums import Server
from flows import machine
from flows.prefect_server import server_choice
from flows.results.atomic_files import locked_folder
from flows.videos import find_videos
from tasks.cache.locks import lock
from tasks.errors import SettingError
from tests.support import program
from tests.support.program import DEMO, ROOT

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
NO_FLOCK = """
import errno, fcntl
def flock(descriptor, operation):
    raise OSError(errno.ENOLCK, "No locks available")
fcntl.flock = flock
"""
NO_ACCOUNT = """
import pwd
def getpwuid(number):
    raise KeyError(number)
pwd.getpwuid = getpwuid
"""
LONGEST_S = 120  # on a busy machine


def refused(tmp_path: Path, *, patch: str = "", before: Callable[[], None] | None = None, home: str | None = "") -> str:
    """The one line of a run that is refused. ``patch`` is run when Python starts, also in child processes."""
    (tmp_path / "sitecustomize.py").write_text(patch)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "PREFECT_HOME": str(tmp_path / ".prefect")}
    environment.pop("PREFECT_API_URL", None)
    if home is None:
        environment.pop("HOME", None)
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "flows.stabilize", *DEMO, "server=ephemeral"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
        preexec_fn=before,
    )
    assert ended.returncode == 2, ended.stderr
    assert ended.stderr.startswith("stillwalk: ") and ended.stderr.count("\n") == 1 + (patch == NO_FLOCK)
    return ended.stderr


def test_a_disk_without_file_locks_is_refused_for_the_database_of_prefect(tmp_path: Path) -> None:
    line = refused(tmp_path, patch=NO_FLOCK).splitlines()[-1]
    assert "PREFECT_HOME: " in line and "its disk has no file locks; choose another place with PREFECT_HOME=" in line


def test_a_user_without_a_home_folder_is_told_how_to_name_one(tmp_path: Path) -> None:
    line = refused(tmp_path, patch=NO_ACCOUNT, home=None)
    assert line.startswith("stillwalk: HOME: it is not set") and line.endswith("export HOME=/tmp\n")


def test_too_few_open_files_are_refused(tmp_path: Path) -> None:
    line = refused(tmp_path, before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40)))
    assert "open files: ulimit -n is 40, and a run with workers=" in line and "type ulimit -n 4096" in line


def test_a_low_limit_of_open_files_is_raised_where_the_system_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    now: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (40, 3000))
    monkeypatch.setattr(resource, "setrlimit", lambda *arguments: now.append(arguments))
    machine.raise_open_files_limit(2)
    assert now == [(resource.RLIMIT_NOFILE, (3000, 3000))]


@pytest.mark.parametrize("number", NO_LOCKS)
def test_a_disk_without_locks_stops_neither_cache_nor_results(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", flock)
    with lock(tmp_path / "locks" / "key", lambda: None), locked_folder(tmp_path / "out"):
        machine.check_folder("cache_dir", tmp_path / "new")
    line = r"^PREFECT_HOME: .*: its disk has no file locks; choose another place with PREFECT_HOME="
    with pytest.raises(SettingError, match=line):
        machine.check_locks("PREFECT_HOME", tmp_path)


def test_a_place_where_no_folder_can_be_made_is_refused() -> None:
    with pytest.raises(SettingError, match=r"^output_dir: /proc(: no folder can be made there| is not writable)"):
        machine.check_folder("output_dir", Path("/proc/out"))


@pytest.mark.parametrize("setting", ["output_dir", "cache_dir"])
def test_a_plan_refuses_a_folder_that_the_run_would_refuse(tmp_path: Path, setting: str) -> None:
    for plan in ("plan=true", "plan=false"):
        ended = program.shell(f"PROGRAM video=demo {setting}=/dev/null {plan}", cwd=tmp_path)
        fact = "/dev/null is a file, not a folder"
        assert ended.returncode == 2
        assert ended.stderr == f"stillwalk: {setting}: {fact}; choose another place with {setting}=\n"


@pytest.mark.parametrize("target", ["nowhere", "link"])
def test_a_link_that_leads_nowhere_is_no_place_for_a_folder(tmp_path: Path, target: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / target)
    for folder in (link, link / "walk"):
        with pytest.raises(
            SettingError, match=r"^output_dir: .*/link is a link that leads nowhere, not a folder; choose"
        ):
            machine.check_folder("output_dir", folder)


def test_a_video_that_is_a_link_to_itself_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    ended = program.shell(f"PROGRAM video=../{tmp_path.name}/loop.mp4", cwd=tmp_path)
    assert (ended.returncode, ended.stderr.count("\n"), "Traceback" in ended.stderr) == (2, 1, False)


def test_a_folder_with_locks_is_accepted_and_left_empty(tmp_path: Path) -> None:
    machine.check_folder("cache_dir", tmp_path / "new")
    assert not list(tmp_path.iterdir())


def test_a_nul_byte_in_a_list_is_refused(tmp_path: Path) -> None:
    listing = tmp_path / "list.txt"
    listing.write_bytes(b"a.mp4\nb\0c.mp4\n")
    with pytest.raises(SettingError, match=r"list\.txt is not a text file: it holds a NUL byte; give a text file"):
        find_videos(f"@{listing}")


@pytest.mark.parametrize("name", ["a\0b.mp4", "a\0*.mp4", "@a\0b.txt"])
def test_a_nul_character_in_a_name_is_refused(name: str) -> None:
    """The form in Prefect's UI can send one."""
    with pytest.raises(SettingError, match=r"^video: "):
        find_videos(name)


def test_a_home_folder_is_required_before_prefect_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(SettingError, match="HOME"):
        server_choice.choose_server(Server.ephemeral, tmp_path)


@pytest.mark.parametrize(
    ("given", "meant"), [(None, "usual"), ("", "usual"), ("home", "home"), ("~/prefect", "user/prefect")]
)
def test_the_folder_of_prefect_is_the_same_for_all(
    given: str | None, meant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ) | {"HOME": str(tmp_path / "user")})
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PREFECT_HOME", raising=False)
    if given is not None:
        monkeypatch.setenv("PREFECT_HOME", given)
    server_choice.choose_server(Server.ephemeral, tmp_path / "usual")
    assert os.environ["PREFECT_HOME"] == str(tmp_path / meant)


def test_a_folder_that_was_removed_meanwhile_is_one_line(tmp_path: Path) -> None:
    line = "mkdir gone && cd gone && rmdir ../gone && exec PROGRAM video=demo plan=true"
    ended = program.shell(line, cwd=tmp_path)
    fact = "the folder in which this was typed does not exist any more"
    assert (ended.returncode, ended.stderr) == (2, f"stillwalk: {fact}; change to another, such as with cd ~\n")


def test_an_address_without_its_end_is_told(api: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", dict(os.environ))
    for given in (api.removesuffix("/api"), f"{api.removesuffix('/api')}/"):
        monkeypatch.setenv("PREFECT_API_URL", given)
        with pytest.raises(SettingError, match=f"^PREFECT_API_URL: {given} is .* pages; give {api}$"):
            server_choice.choose_server(Server.auto, tmp_path)
    monkeypatch.setenv("PREFECT_API_URL", api)
    assert server_choice.choose_server(Server.auto, tmp_path) == api


def test_a_setting_that_prefect_does_not_take_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_CLIENT_MAX_RETRIES", "many")
    done = program.ended(program.start(*DEMO, "server=ephemeral", cwd=tmp_path, api=""))
    last = done.err.splitlines()[-1]  # Prefect itself prints some before
    assert (done.status, "Traceback" in done.err) == (2, False)
    assert last.startswith("stillwalk: PREFECT_: max_retries of Prefect's ClientSettings: Input should be a valid int")
    assert last.endswith(", and not 'many'; correct it: env | grep PREFECT_ shows what is set")


@pytest.mark.parametrize(
    ("lacking", "line"),
    [
        (
            "BlockingIOError(11, 'Resource temporarily unavailable')",
            "no more threads or processes may be started; raise",
        ),
        ("MemoryError()", "memory ran out; end other programs, give workers=1, or raise the limit (ulimit -v)"),
        ("OSError(24, 'Too many open files')", "no more files may be opened; raise the limit (ulimit -n)"),
        ("ValueError('odd')", "ValueError: odd; this is a fault of the program: please report it with the command"),
    ],
)
def test_what_nobody_foresaw_is_one_line(tmp_path: Path, lacking: str, line: str) -> None:
    said = said_when(lacking, tmp_path)
    assert said.startswith(f"stillwalk: {line}") and said.count("\n") == 1 and "Traceback" not in said


def test_what_nobody_foresaw_has_a_traceback_where_one_is_wanted(tmp_path: Path) -> None:
    assert "Traceback" in said_when("ValueError('odd')", tmp_path, HYDRA_FULL_ERROR="1")


def said_when(lacking: str, folder: Path, **environment: str) -> str:
    """What a run prints in which each start of a process raises ``lacking``."""
    fails = f"import subprocess\ndef fail(*_, **__): raise {lacking}\nsubprocess.Popen.__init__ = fail\n"
    (folder / "sitecustomize.py").write_text(fails)
    paths = {"PYTHONPATH": f"{folder}:{ROOT}", "PREFECT_HOME": str(folder)}
    ended = program.shell(f"PROGRAM {' '.join(DEMO)} server=ephemeral", cwd=folder, **paths, **environment)
    said = "".join(one for one in ended.stderr.splitlines(keepends=True) if not program.PROGRESS.match(one))
    assert ended.returncode == 1, said
    return said


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_name_that_the_terminal_cannot_show_is_shown_in_another_way(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "\u011bx.mp4").write_bytes(b"no video")
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "flows.stabilize", "video=[\u011bx.mp4,demo]", "plan=true"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=LONGEST_S,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (1, b"")
    shown = "\u011bx" if encoding == "utf-8" else r"\u011bx"
    assert ended.stdout.startswith(f"{shown}: ".encode())


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_streams_that_the_caller_closed_are_nowhere(tmp_path: Path, closed: str) -> None:
    for arguments, status in (("--help", 0), ("video=none.mp4", 2)):
        ended = program.shell(f"PROGRAM {arguments} {closed}", cwd=tmp_path)
        assert (ended.returncode, "Traceback" in ended.stderr) == (status, False), ended.stderr
    assert [*tmp_path.iterdir()] == []
