"""The cache made smaller: what goes, what stays, what is refused."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.cli import cache_commands
from tasks.cache import locks, making, prune, store
from tasks.cache.entries import entries, register_output_folder, stages

DAY_S = 86_400
RECORD = {"metadata": {"serializer": {"type": "stillwalk-artifact"}}}  # as older versions had Prefect write them


def never() -> None: ...


def key(stage: str, number: int) -> str:
    return f"{stage}-{number:024}"


def add(
    cache: Path,
    stage: str,
    number: int,
    *,
    size: int = 1000,
    days: float = 0,
    video: str = "walk",
    digest: str | None = None,
) -> None:
    def compute(folder: Path) -> dict[str, Any]:
        (folder / "data").write_bytes(bytes(size))
        return {}

    about = {"video": video, "sha256": f"{video:0<8}" if digest is None else digest, "shaped_by": {}}
    made = making.make(cache, stage, key(stage, number), "run", compute, waiting=never, about=about)
    (cache / "records").mkdir(exist_ok=True)
    (cache / "records" / key(stage, number)).write_text(json.dumps(RECORD))
    then = time.time() - days * DAY_S
    os.utime(Path(made.folder) / store.MARK, (then, then))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose cache holds four entries; a ``run.json`` refers to two of them."""
    monkeypatch.chdir(tmp_path)
    cache = tmp_path / "outputs" / ".cache"
    add(cache, "pose", 1, size=3000, days=40)
    add(cache, "pose", 2, size=2000, days=1, video="Übung")
    add(cache, "render", 3, size=5_000_000, days=35)
    add(cache, "render", 4, size=4000)
    folder = tmp_path / "outputs" / "sweeps" / "walk"
    folder.mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps({"stages": [{"key": key("pose", 1)}, {"key": key("render", 4)}]}))
    return tmp_path


def left(home: Path) -> set[str]:
    cache = home / "outputs" / ".cache"
    return {entry.artifact.key for stage in stages(cache) for entry in entries(cache, stage)}


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cache_command(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        status = cache_commands.run_cache_command(list(arguments))
        told = capsys.readouterr()
        return status, told.out, told.err

    return run


def test_it_shows_size_and_age_by_stage_and_by_video(home: Path, cache_command: Run) -> None:
    status, out, _ = cache_command()
    assert status == 0
    assert "5.0 MB in 4 entries" in out
    words = [line.split() for line in out.splitlines()]
    assert ["render", "2", "5.0", "MB", "just", "now"] in words
    assert ["pose", "2", "5.0", "KB", "1", "day", "ago"] in words
    assert ["Übung", "1", "2.0", "KB", "1", "day", "ago"] in words


def test_a_download_is_counted_to_the_video_that_it_gives(home: Path, cache_command: Run) -> None:
    """Its own entry knows no digest of the video."""
    add(home / "outputs" / ".cache", "download", 5, digest="")
    words = [line.split() for line in cache_command()[1].splitlines()]
    assert ["walk", "4", "5.0", "MB", "just", "now"] in words


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        (["--older-than", "30d"], {key("pose", 2), key("render", 4)}),
        (["--older-than", "36d"], {key("pose", 2), key("render", 4), key("render", 3)}),
        (["--older-than", "12h"], {key("render", 4)}),
        (["--larger-than", "10MB"], {key("pose", 1), key("pose", 2), key("render", 3), key("render", 4)}),
        (["--larger-than", "6KB"], {key("pose", 2), key("render", 4)}),
        (["--larger-than", "0MB"], set()),
        (["--unused"], {key("pose", 1), key("render", 4)}),
    ],
)
def test_what_is_named_goes_with_its_records_and_the_rest_stays(
    home: Path, cache_command: Run, options: list[str], kept: set[str]
) -> None:
    before = sorted(home.rglob("*"))
    status, foretold, err = cache_command("prune", *options, "--dry-run")
    assert (status, err, sorted(home.rglob("*"))) == (0, "", before)
    status, out, err = cache_command("prune", *options)
    assert (status, err) == (0, "")
    assert out == foretold.replace("would be removed", "removed")
    assert left(home) == kept
    cache = home / "outputs" / ".cache"
    assert {path.name for path in (cache / "records").iterdir()} == kept
    for name in kept:
        assert store.find(cache, name.partition("-")[0], name) is not None


def test_what_was_left_over_goes_too(home: Path, cache_command: Run) -> None:
    cache = home / "outputs" / ".cache"
    work = cache / "pose" / f".{key('pose', 9)}.work"
    work.mkdir()
    (work / "half").write_text("half")
    mark = cache / "pose" / key("pose", 1) / store.MARK
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"schema": 1}))  # of an older version
    (cache / "records" / key("gone", 1)).write_text(json.dumps(RECORD))
    status, out, _ = cache_command("prune", "--larger-than", "1GB")
    assert status == 0
    assert "0 entries and " in out
    assert left(home) == {key("pose", 2), key("render", 3), key("render", 4)}
    assert {path.name for path in (cache / "pose").iterdir()} == {key("pose", 2)}
    assert {path.name for path in (cache / "records").iterdir()} == {key("pose", 2), key("render", 3), key("render", 4)}
    assert [path.name for path in (cache / "locks").iterdir()] == [locks.IN_USE]


def test_what_is_not_of_the_cache_stays_even_in_its_folder(home: Path, cache_command: Run) -> None:
    cache = home / "outputs" / ".cache"
    for name in ("models/full.task", "pose/notes.txt", "holiday/2023/beach.jpg", "locks/my.lock", "records/mine"):
        (cache / name).parent.mkdir(parents=True, exist_ok=True)
        (cache / name).write_text("mine")
    assert cache_command("prune", "--larger-than", "0MB")[0] == 0
    left_over = {str(path.relative_to(cache)) for path in cache.rglob("*") if path.is_file()}
    mine = {"models/full.task", "pose/notes.txt", "holiday/2023/beach.jpg", "locks/my.lock", "records/mine"}
    assert left_over == mine | {f"locks/{locks.IN_USE}"}


@pytest.mark.parametrize("options", [(), ("--dry-run",)])  # what would go, nobody knows then
def test_beside_a_running_command_nothing_is_removed(home: Path, cache_command: Run, options: tuple[str, ...]) -> None:
    before = left(home)
    with locks.in_use(home / "outputs" / ".cache", never), locks.in_use(home / "outputs" / ".cache", never):
        status, out, err = cache_command("prune", "--larger-than", "0MB", *options)
    assert (status, out) == (2, "")
    assert "a running command uses it; nothing was removed" in err
    assert len(err.splitlines()) == 1
    assert left(home) == before


def test_a_run_that_starts_meanwhile_waits(home: Path) -> None:
    waited = []

    def waiting() -> None:
        waited.append(1)
        held.__exit__(None, None, None)

    held = prune.alone(home / "outputs" / ".cache")
    held.__enter__()
    with locks.in_use(home / "outputs" / ".cache", waiting):
        assert waited == [1]


def test_a_used_entry_is_young_again(home: Path, cache_command: Run) -> None:
    found = store.find(home / "outputs" / ".cache", "pose", key("pose", 1))
    assert found is not None
    store.touch(found)
    cache_command("prune", "--older-than", "30d")
    assert left(home) == {key("pose", 1), key("pose", 2), key("render", 4)}


def test_another_cache_is_named_as_in_a_run(home: Path, cache_command: Run) -> None:
    (home / "outputs" / ".cache").rename(home / "my cache [1]")
    assert "in 4 entries" in cache_command("cache_dir=my cache [1]")[1]
    (home / "outputs").rename(home / "done")
    assert cache_command("prune", "--unused", "cache_dir=my cache [1]", "output_dir=done")[0] == 0
    assert len(list((home / "my cache [1]").glob("*/*/done.json"))) == 2


def test_what_another_folder_that_shares_the_cache_refers_to_is_in_use(home: Path, cache_command: Run) -> None:
    cache, other = home / "outputs" / ".cache", home / "other"
    record = other / "sweeps" / "s" / "a" / "run.json"
    record.parent.mkdir(parents=True)
    record.write_text(json.dumps({"stages": [{"key": key("pose", 2)}]}))
    for folder in (other, home / "outputs", other):
        register_output_folder(cache, folder)
    assert cache_command("prune", "--unused")[0] == 0
    assert left(home) == {key("pose", 1), key("pose", 2), key("render", 4)}
    shutil.rmtree(other)
    status, out, _ = cache_command("prune", "--unused")
    assert (status, out.splitlines()[0]) == (
        0,
        f"{other}: it used this cache and no longer exists; entries that only it refers to count as unused",
    )
    assert left(home) == {key("pose", 1), key("render", 4)}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["prune"], "give --older-than 30d, --larger-than 5GB or --unused"),
        (["prune", "--older-than", "30"], "30 is not an age; give one such as"),
        (["prune", "--larger-than", "big"], "big is not a size; give one such as 500MB or 5GB"),
        (["prune", "--larger-than", f"{'9' * 400}TB"], "is not a size; give one such as 500MB or 5GB"),
        (["prune", "--unused", "--older-than", "3d"], "not allowed with"),
        (["prune", "--old"], "unrecognized arguments: --old"),
        (["--unused"], "type `stillwalk cache prune --unused`"),
        (["purge"], "purge is not known here; give prune, output_dir=... or cache_dir=..."),
        (["smoothing.window=5"], "smoothing.window=5 is not known here"),
        (["cache_dir=nowhere"], "there is no cache at"),
        (["prune", "--unused", "output_dir=empty", "cache_dir=outputs/.cache"], "empty holds no run.json"),
    ],
)
def test_a_mistake_is_one_line_and_removes_nothing(
    home: Path, cache_command: Run, arguments: list[str], sentence: str
) -> None:
    before = sorted(home.rglob("*"))
    status, out, err = cache_command(*arguments)
    assert (status, out) == (2, "")
    assert sentence in err
    assert len(err.splitlines()) == 1
    assert sorted(home.rglob("*")) == before


def test_many_removed_entries_are_summed_up(home: Path, cache_command: Run) -> None:
    for number in range(100, 300):
        add(home / "outputs" / ".cache", "trajectory", number, size=number)
    status, out, err = cache_command("prune", "--larger-than", "0MB")
    lines = out.splitlines()
    assert (status, err, len(lines)) == (0, "", 12)
    assert lines[0].startswith(key("render", 3))  # the largest first
    assert lines[-2] == "these are the largest; 194 more; of all: 200 trajectory, 2 pose, 2 render"
    assert lines[-1].startswith("204 entries and 0 leftovers of ")
