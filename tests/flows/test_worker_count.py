"""``workers=auto`` follows what the process may use, not what the machine has."""

from pathlib import Path

import pytest

from conf.config import Config
from flows import worker_count as counting
from flows.config import settings
from flows.worker_count import usable_cores, usable_memory_bytes, worker_count
from tasks.errors import SettingError

settings.register_schema()


@pytest.fixture(autouse=True)
def large_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(64)))


def machine(tmp_path: Path, lines: str, files: dict[str, str]) -> tuple[Path, Path]:
    """A tree of control groups with ``files``, and the file that says in which of them the process is."""
    for name, text in files.items():
        (tmp_path / "groups" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "groups" / name).write_text(text + "\n")
    (tmp_path / "own").write_text(lines)
    return tmp_path / "groups", tmp_path / "own"


def test_version_2_limits_are_those_of_the_group_and_of_all_around_it(tmp_path: Path) -> None:
    files = {"a/cpu.max": "300000 100000", "a/b/cpu.max": "max 100000", "a/memory.max": "max", "a/b/memory.max": "5000"}
    groups, own = machine(tmp_path, "0::/a/b\n", files)
    assert usable_cores(groups, own) == 3
    assert usable_memory_bytes(groups, own) == 5000


def test_version_1_limits_are_read(tmp_path: Path) -> None:
    files = {
        "cpu,cpuacct/x": "",
        "cpu/job/cpu.cfs_quota_us": "150000",
        "cpu/job/cpu.cfs_period_us": "100000",
        "memory/memory.limit_in_bytes": "7000",
        "memory/job/memory.limit_in_bytes": str((1 << 63) - 4096),
    }
    groups, own = machine(tmp_path, "5:cpu,cpuacct:/job\n4:memory:/job\nbroken\n", files)
    assert usable_cores(groups, own) == 2
    assert usable_memory_bytes(groups, own) == 7000


def test_no_limit_is_the_machine(tmp_path: Path) -> None:
    groups, own = machine(tmp_path, "0::/\n", {"cpu.max": "max 100000", "memory.max": "max"})
    machine_bytes = usable_memory_bytes(tmp_path / "none", tmp_path / "none")
    assert usable_cores(groups, own) == 64
    assert usable_memory_bytes(groups, own) == machine_bytes and machine_bytes is not None


def test_less_than_a_core_is_one(tmp_path: Path) -> None:
    assert usable_cores(*machine(tmp_path, "0::/\n", {"cpu.max": "20000 100000"})) == 1


@pytest.mark.parametrize(("cores", "gigabytes", "workers"), [(64, 16, 16), (4, 16, 4), (4, 0.5, 1), (4, None, 4)])
def test_auto_takes_cores_that_have_memory(
    cores: int, gigabytes: float | None, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "usable_cores", lambda: cores)
    monkeypatch.setattr(counting, "usable_memory_bytes", lambda: None if gigabytes is None else int(gigabytes * 1e9))
    assert worker_count(Config(video="demo").workers) == workers


def test_a_number_is_taken_as_it_is() -> None:
    assert worker_count(settings.load(["video=demo", "workers=3"]).workers) == 3


@pytest.mark.parametrize("given", ["0", "many", "2.5", "-1"])
def test_anything_else_is_refused_in_one_line(given: str) -> None:
    with pytest.raises(SettingError, match=r"^workers: .*auto") as caught:
        settings.load(["video=demo", f"workers={given}"])
    assert "\n" not in str(caught.value)
