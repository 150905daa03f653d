"""A result record that somebody has put into the cache: nothing of it runs, whatever serializer it names."""

import base64
import bz2
import json
import pickle
import shutil
import zlib
from pathlib import Path

import pytest

from tasks.cache import making, marks, store
from tests.support import program

ASKED = (*program.DEMO, "outputs=[pose]")


class Opened:
    """Whoever unpickles it makes the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (str(self.path), "w")


def coded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def records(opened: Path) -> dict[str, str]:
    """A record of each serializer that Prefect knows, and some that are no records."""

    def record(serializer: dict[str, object], result: str) -> str:
        return json.dumps({"metadata": {"storage_key": "x", "serializer": serializer}, "result": result})

    pickled = pickle.dumps(Opened(opened))
    return {
        "pickle": record({"type": "pickle"}, coded(pickled)),
        "cloudpickle": record({"type": "pickle", "picklelib": "cloudpickle"}, coded(pickled)),
        "compressed": record(
            {"type": "compressed/pickle", "compressionlib": "bz2", "serializer": {"type": "pickle"}},
            coded(bz2.compress(coded(pickled).encode())),
        ),
        "compressed json": record(
            {"type": "compressed/json", "compressionlib": "zlib", "serializer": {"type": "json"}},
            coded(zlib.compress(b'"stray"')),
        ),
        "json": record({"type": "json"}, '"stray"'),
        "json of a class": record({"type": "json"}, '{"__class__": "os.system", "data": "true"}'),
        "unknown": record({"type": "no-such-serializer"}, "x"),
        "no record": "[]",
        "deep": "[" * 100_000,
        "nothing": "",
    }


KINDS = list(records(Path()))


@pytest.mark.parametrize("kind", KINDS)
def test_an_entry_beside_a_foreign_record_counts_as_damaged_and_is_made_again(kind: str, tmp_path: Path) -> None:
    def compute(folder: Path) -> dict[str, object]:
        (folder / "a").touch()
        return {}

    def made(run: str) -> str:
        return making.make(tmp_path, "pose", "pose-1", run, compute, waiting=lambda: None).run_id

    made("first")
    (tmp_path / marks.RECORDS).mkdir()
    (tmp_path / marks.RECORDS / "pose-1").write_text(records(tmp_path / "opened")[kind])
    assert store.find(tmp_path, "pose", "pose-1") is None
    assert "record" in store.damage(tmp_path, "pose", "pose-1")
    assert [made("second"), made("third")] == ["second", "second"]
    assert not (tmp_path / "opened").exists()


def test_a_record_as_older_versions_had_it_voids_nothing(tmp_path: Path) -> None:
    (tmp_path / marks.RECORDS).mkdir()
    ours = {"metadata": {"serializer": {"type": "stillwalk-artifact"}}, "result": "{}"}
    (tmp_path / marks.RECORDS / "pose-1").write_text(json.dumps(ours))
    assert not marks.is_foreign_record(tmp_path, "pose-1")


def test_a_run_beside_foreign_records_executes_none_and_says_so(finished: Path, api: str, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    place = (f"cache_dir={cache}", f"output_dir={tmp_path / 'outputs'}")
    assert not (finished / "outputs" / ".cache" / marks.RECORDS).exists()  # nothing of Prefect's is written there
    ours = {"demo", "decode", "pose", "people", "subject", "offsets", "trajectory"}
    for stage in ours:
        shutil.copytree(finished / "outputs" / ".cache" / stage, cache / stage)
    keys = sorted(path.name for path in cache.glob("*/*-*") if path.is_dir())
    opened = tmp_path / "opened"
    poison = list(records(opened).values())
    (cache / marks.RECORDS).mkdir()
    for number, key in enumerate(keys):
        (cache / marks.RECORDS / key).write_text(poison[number % len(poison)])
    done = program.run(*ASKED, *place, cwd=tmp_path, api=api)
    assert done.status == 0, done.err
    assert not opened.exists()
    assert len([line for line in done.err.splitlines() if "is computed again" in line]) == len(keys)
    assert program.ran(tmp_path / "outputs" / "demo") == ours | {"report.html"}
    again = program.run(*ASKED, *place, cwd=tmp_path, api=api)
    assert (again.status, again.err) == (0, "")
    assert program.ran(tmp_path / "outputs" / "demo") == set()
