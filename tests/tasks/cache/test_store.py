import errno
import json
import multiprocessing
import os
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.cache import making, store
from tasks.cache.locks import LOCKS, lock
from tasks.errors import NobodyFound, OutputError, StillwalkError
from tasks.records import Artifact


def never() -> None: ...


def write_hello(folder: Path) -> dict[str, Any]:
    (folder / "hello.txt").write_text("hello")
    return {"frames": 3}


def made(cache: Path, run: str = "run") -> Artifact[Any]:
    return making.make(cache, "pose", "pose-1", run, write_hello, waiting=never)


def test_what_was_made_is_found_with_its_facts(tmp_path: Path) -> None:
    artifact = made(tmp_path)
    assert store.find(tmp_path, "pose", "pose-1") == artifact
    assert artifact.path("hello.txt").read_text() == "hello"
    assert artifact.facts == {"frames": 3}


def test_the_second_to_ask_gets_the_work_of_the_first(tmp_path: Path) -> None:
    assert made(tmp_path, "first").run_id == made(tmp_path, "second").run_id == "first"


@pytest.mark.parametrize("text", ["hell", "jello", ""])
def test_a_damaged_file_means_computing_again(tmp_path: Path, text: str) -> None:
    path = made(tmp_path).path("hello.txt")
    path.write_text(text)
    os.utime(path, ns=(1, 1))
    assert store.find(tmp_path, "pose", "pose-1") is None
    assert made(tmp_path, "second").run_id == "second"
    assert path.read_text() == "hello"


def test_a_missing_file_or_mark_means_computing_again(tmp_path: Path) -> None:
    for name in ("hello.txt", store.MARK):
        folder = Path(made(tmp_path).folder)
        (folder / name).unlink()
        assert store.find(tmp_path, "pose", "pose-1") is None


def test_a_file_that_was_only_touched_is_still_good(tmp_path: Path) -> None:
    os.utime(made(tmp_path).path("hello.txt"), ns=(5, 5))
    assert store.find(tmp_path, "pose", "pose-1") is not None


def test_a_mark_of_another_schema_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path)
    monkeypatch.setattr(store, "SCHEMA", store.SCHEMA + 1)
    assert store.find(tmp_path, "pose", "pose-1") is None


@pytest.mark.parametrize("text", ["", "{", "null", "[1]", "3"])
def test_a_damaged_mark_means_computing_again(tmp_path: Path, text: str) -> None:
    (Path(made(tmp_path).folder) / store.MARK).write_text(text)
    assert made(tmp_path, "second").run_id == "second"


def test_a_moved_cache_keeps_its_entries(tmp_path: Path) -> None:
    made(tmp_path / "old")
    (tmp_path / "old").rename(tmp_path / "new")
    found = store.find(tmp_path / "new", "pose", "pose-1")
    assert found is not None
    assert found.path("hello.txt").read_text() == "hello"


def test_a_failure_leaves_nothing_behind(tmp_path: Path) -> None:
    def fail(folder: Path) -> dict[str, Any]:
        (folder / "half.txt").write_text("half")
        raise StillwalkError("broken")

    with pytest.raises(StillwalkError, match="broken"):
        making.make(tmp_path, "pose", "pose-1", "run", fail, waiting=never)
    assert list((tmp_path / "pose").rglob("*")) == []


UNWRITABLE = [
    (errno.ENOSPC, "the disk is full; free some space, or choose another place with cache_dir=; finished stages"),
    (errno.EACCES, "Permission denied; make it writable, or choose another place with cache_dir=$"),
    (errno.EFBIG, r"a file would be larger than is allowed; raise the limit \(ulimit -f\), or choose another place"),
    (errno.ENOENT, "it is not there, and no folder can be made there; choose another place with cache_dir=$"),
    (errno.ENAMETOOLONG, "File name too long; choose another place with cache_dir=$"),
]


@pytest.mark.parametrize(("code", "sentence"), UNWRITABLE)
def test_what_cannot_be_written_has_the_cure_that_helps(code: int, sentence: str, tmp_path: Path) -> None:
    def fail(_: Path) -> dict[str, Any]:
        raise OSError(code, os.strerror(code))

    with pytest.raises(OutputError, match=rf"^{re.escape(str(tmp_path))}: {sentence}"):
        making.make(tmp_path, "pose", "pose-1", "run", fail, waiting=never)


def test_a_sentence_names_the_file_and_not_its_place_in_the_cache(tmp_path: Path) -> None:
    def fail(folder: Path) -> dict[str, Any]:
        raise OutputError(f"{folder / 'stabilized.mp4'}: holds 2 frames instead of 3; run again")

    with pytest.raises(OutputError) as told:
        making.make(tmp_path, "render", "render-1", "run", fail, waiting=never)
    assert str(told.value) == f"stabilized.mp4: holds 2 frames instead of 3; run again (it was made in {tmp_path})"


def test_an_unknown_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match=r"hello\.txt"):
        made(tmp_path).path("goodbye.txt")


def slow(folder: Path) -> dict[str, Any]:
    with (folder.parents[1] / "computed").open("a") as log:
        log.write(f"{os.getpid()}\n")
    time.sleep(0.5)
    return write_hello(folder)


def compete(cache: Path, run: str) -> None:
    making.make(cache, "pose", "pose-1", run, slow, waiting=never)


def test_of_two_processes_one_computes_and_one_waits(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    racers = [spawn.Process(target=compete, args=(tmp_path, str(number))) for number in range(2)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(30)
    assert [racer.exitcode for racer in racers] == [0, 0]
    assert len((tmp_path / "computed").read_text().splitlines()) == 1


def hang(folder: Path) -> dict[str, Any]:
    (folder / "half.txt").write_text("half")
    (folder.parents[1] / "hanging").touch()
    time.sleep(60)
    return {}


def be_killed(cache: Path) -> None:
    making.make(cache, "pose", "pose-1", "killed", hang, waiting=never)


def test_after_a_kill_the_next_one_neither_waits_nor_finds_a_half(tmp_path: Path) -> None:
    victim = multiprocessing.get_context("spawn").Process(target=be_killed, args=(tmp_path,))
    victim.start()
    while not (tmp_path / "hanging").exists():
        time.sleep(0.05)
    assert victim.pid is not None
    os.kill(victim.pid, signal.SIGKILL)
    victim.join(10)
    artifact = made(tmp_path, "second")
    assert sorted(artifact.files) == ["hello.txt"]
    assert [path.name for path in (tmp_path / "pose").iterdir()] == ["pose-1"]  # what was begun is gone


def test_a_lock_tells_whether_its_file_was_there(tmp_path: Path) -> None:
    for expected in (True, False):
        with lock(tmp_path / LOCKS / "pose-1", never) as is_first:
            assert is_first is expected


def seen_nobody(cache: Path, looked: list[Path]) -> None:
    def look(folder: Path) -> dict[str, Any]:
        looked.append(folder)
        (folder / "begun.parquet").touch()
        raise NobodyFound("no person found in 9 frames; check the video")

    with pytest.raises(NobodyFound, match=r"^no person found in 9 frames; check the video$"):
        making.make(cache, "pose", "pose-1", "run", look, waiting=never)


def test_what_a_stage_did_not_find_is_not_looked_for_again(tmp_path: Path) -> None:
    looked: list[Path] = []
    seen_nobody(tmp_path, looked)
    seen_nobody(tmp_path, looked)
    assert len(looked) == 1
    assert store.find(tmp_path, "pose", "pose-1") is None
    assert [path.name for path in (tmp_path / "pose" / "pose-1").iterdir()] == [store.MARK]


def test_what_is_kept_about_a_finding_and_its_last_use_are_read_with_it(tmp_path: Path) -> None:
    def look(_: Path) -> dict[str, Any]:
        raise NobodyFound("no person found")

    folder = tmp_path / "pose" / "pose-1"
    for _ in range(2):
        with pytest.raises(NobodyFound) as told:
            making.make(tmp_path, "pose", "pose-1", "run", look, waiting=never, about={"video": "Übung"})
        assert told.value.key == "pose-1"
        read = store.read_finding(folder)
        assert read is not None
        assert (str(read[0]), read[0].key, read[1].key, read[2]) == (
            "no person found",
            "pose-1",
            "pose-1",
            {"video": "Übung"},
        )
        assert store.read_mark(folder) is None
        assert (folder / store.MARK).stat().st_mtime > 10
        os.utime(folder / store.MARK, (5, 5))


@pytest.mark.parametrize("text", ["", "{}", '{"schema": 1, "finding": {"kind": "Path", "sentence": "x"}}'])
def test_a_finding_that_cannot_be_read_is_looked_for_again(tmp_path: Path, text: str) -> None:
    looked: list[Path] = []
    seen_nobody(tmp_path, looked)
    (tmp_path / "pose" / "pose-1" / store.MARK).write_text(text)
    seen_nobody(tmp_path, looked)
    assert len(looked) == 2


def test_any_other_failure_leaves_no_finding(tmp_path: Path) -> None:
    def fail(folder: Path) -> dict[str, Any]:
        raise StillwalkError("the model is out")

    with pytest.raises(StillwalkError):
        making.make(tmp_path, "pose", "pose-1", "run", fail, waiting=never)
    assert store.finding(tmp_path, "pose", "pose-1") is None


def test_a_mark_of_the_first_version_is_computed_again_not_misread(tmp_path: Path) -> None:
    mark = Path(made(tmp_path, "first").folder) / store.MARK
    then = json.loads(mark.read_text()) | {"schema": 1}
    then.pop("about")
    mark.write_text(json.dumps(then))
    assert store.find(tmp_path, "pose", "pose-1") is None
    assert made(tmp_path, "second").run_id == "second"
    assert made(tmp_path, "third").run_id == "second"


def test_what_is_kept_about_an_artifact_is_read_with_it(tmp_path: Path) -> None:
    made_ = making.make(tmp_path, "pose", "pose-1", "run", write_hello, waiting=never, about={"video": "Übung"})
    assert store.read_mark(Path(made_.folder)) == (made_, {"video": "Übung"})
    assert store.broken_files(made_) == []
    made_.path("hello.txt").write_text("hullo")
    os.utime(made_.path("hello.txt"), ns=(1, 1))
    assert store.broken_files(made_) == ["hello.txt"]
