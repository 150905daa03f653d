"""``storage=``: entries that other machines have made, and stores that fail."""

import importlib.util
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conf.machines import check_storage
from tasks.cache import making, marks, object_store, store
from tasks.cache.integrity import forgetting_unusable
from tasks.cache.making import OpenEntry, Outcome, WantedEntry
from tasks.cache.object_store import _clause
from tasks.cache.second_level import SecondLevel
from tasks.errors import NobodyFound, OutputError, SettingError
from tasks.records import Artifact
from tests.support.s3_server import SECRET, Bucket, bucket_in_use

KEY = "pose-0123456789abcdef01234567"
WANTED = WantedEntry("pose", KEY, {"video": "walk"})


@dataclass
class Machine:
    """A machine with a cache of its own, which makes one entry as a run does."""

    cache: Path
    address: str
    text: str = "hello"
    told: list[str] = field(default_factory=list)
    computed: int = 0
    blind: bool = False

    def make(self) -> Outcome:
        level = SecondLevel(self.address, self.told.append)

        def compute(entries: Sequence[OpenEntry]) -> None:
            for entry in entries:
                self.computed += 1
                if self.blind:
                    raise NobodyFound("nobody")
                (entry.folder / "hello.txt").write_text(self.text)
                entry.finish({"frames": 3})

        (outcome,) = making.make_all(
            self.cache, [WANTED], str(self.cache), compute, waiting=lambda: None, pull=level.pull
        )
        if self.computed:
            level.push(self.cache / "pose" / KEY)
        return outcome


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    with bucket_in_use(monkeypatch) as server:
        yield server


@pytest.fixture(params=["s3", "file"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        request.getfixturevalue("s3")
        return "s3://walks/cache"
    (tmp_path / "store").mkdir()
    return f"file://{tmp_path}/store"


def mark_of(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "done.json").read_text())
    return found


def test_what_one_machine_has_made_another_one_does_not_compute(address: str, tmp_path: Path) -> None:
    first, second = Machine(tmp_path / "a", address), Machine(tmp_path / "b", address)
    made, found = first.make(), second.make()
    assert isinstance(made, Artifact) and isinstance(found, Artifact)
    assert (first.computed, second.computed, first.told, second.told) == (1, 0, [], [])
    assert found == store.find(tmp_path / "b", "pose", KEY)
    assert (found.run_id, found.facts, found.path("hello.txt").read_text()) == (made.run_id, made.facts, "hello")
    assert store.read_mark(Path(found.folder)) == (found, {"video": "walk"})


def test_that_nobody_was_found_is_known_to_other_machines(address: str, tmp_path: Path) -> None:
    first, second = Machine(tmp_path / "a", address, blind=True), Machine(tmp_path / "b", address)
    first.make()
    found = second.make()
    assert isinstance(found, NobodyFound) and (str(found), found.key, second.computed) == ("nobody", KEY, 0)
    assert store.find(tmp_path / "b", "pose", KEY) is None


def test_the_mark_is_written_last_and_only_if_there_is_none(s3: Bucket, tmp_path: Path) -> None:
    """Two machines that computed at the same time, and got other bytes, leave the entry of the first."""
    first, second = Machine(tmp_path / "a", "s3://walks"), Machine(tmp_path / "b", "s3://walks", text="other")
    first.make()
    puts = [asked for asked in s3.asked if asked.startswith("PUT")]
    assert [one.rpartition("/")[2] == "done.json" for one in puts] == [False, True]
    mark, s3.status, s3.refused_method = s3.objects[f"/walks/pose/{KEY}/done.json"], 404, "GET"
    second.make()
    assert (second.computed, s3.objects[f"/walks/pose/{KEY}/done.json"]) == (1, mark)
    s3.status = 0
    third = Machine(tmp_path / "c", "s3://walks")
    third.make()
    assert (third.computed, third.told) == (0, [])


def test_an_upload_that_was_cut_off_is_no_entry(s3: Bucket, tmp_path: Path) -> None:
    Machine(tmp_path / "a", "s3://walks").make()
    del s3.objects[f"/walks/pose/{KEY}/done.json"]
    second = Machine(tmp_path / "b", "s3://walks")
    second.make()
    assert (second.computed, second.told) == (1, [])
    assert f"/walks/pose/{KEY}/done.json" in s3.objects


@pytest.mark.parametrize("damage", ["bytes", "size", "gone", "mark", "name", "kind"])
def test_a_damaged_entry_is_computed_again_and_written_anew(damage: str, s3: Bucket, tmp_path: Path) -> None:
    Machine(tmp_path / "a", "s3://walks").make()
    place = f"/walks/pose/{KEY}/done.json"
    (file,) = set(s3.objects) - {place}
    mark = json.loads(s3.objects[place])
    stored = mark["files"]["hello.txt"]
    changed: dict[str, Any] = {
        "mark": {"files": 5},
        "name": {"files": {"../../../evil": stored}},
        "kind": {"finding": {"kind": "SystemExit", "sentence": "x"}},
    }
    if damage in changed:
        s3.objects[place] = json.dumps(mark | changed[damage]).encode()
    elif damage == "gone":
        del s3.objects[file]
    else:
        s3.objects[file] = b"jello" if damage == "bytes" else b"hello" * 1000
    second, third = Machine(tmp_path / "b", "s3://walks"), Machine(tmp_path / "c", "s3://walks")
    assert isinstance(second.make(), Artifact) and isinstance(third.make(), Artifact)
    line = f"storage: s3://walks: pose/{KEY} is damaged there; it is computed again"
    assert (second.computed, second.told, third.computed, third.told) == (1, [line], 0, [])
    assert not list(tmp_path.rglob("evil"))


@pytest.mark.parametrize("elapsed", ["3.538ms", "2.507ms", "41ms"])
def test_only_the_status_of_an_answer_counts_as_one(elapsed: str) -> None:
    message = f"Error performing GET http://127.0.0.1:36/walks in {elapsed} - Server returned status code: 500 Internal"
    assert _clause(message) == "it answers with status 500"


@pytest.mark.parametrize(
    ("status", "method", "clause"),
    [
        (403, "", "it refuses the credentials, or there are none"),
        (507, "PUT", "it is full"),
        (500, "", "it answers with status 500"),
    ],
)
def test_a_store_that_fails_costs_one_warning(
    status: int, method: str, clause: str, s3: Bucket, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    s3.status, s3.refused_method = status, method
    machine = Machine(tmp_path / "a", "s3://walks")
    assert isinstance(machine.make(), Artifact)
    assert machine.told == [f"storage: s3://walks: {clause}; this run goes on without it"]
    assert SECRET not in "".join([*machine.told, *capfd.readouterr()])


def test_a_store_that_is_gone_costs_one_warning(s3: Bucket, tmp_path: Path) -> None:
    s3.server_close()
    machine = Machine(tmp_path / "a", "s3://walks")
    assert isinstance(machine.make(), Artifact)
    assert [line.partition("; this run")[0] for line in machine.told] == ["storage: s3://walks: it cannot be reached"]


def test_a_folder_that_is_gone_costs_one_warning(tmp_path: Path) -> None:
    machine = Machine(tmp_path / "a", f"file://{tmp_path}/none")
    assert isinstance(machine.make(), Artifact)
    assert len(machine.told) == 1 and "there is no such bucket or folder" in machine.told[0]


def test_an_answer_that_is_cut_off_is_survived(s3: Bucket, tmp_path: Path) -> None:
    Machine(tmp_path / "a", "s3://walks").make()
    s3.cut = True
    second = Machine(tmp_path / "b", "s3://walks")
    assert isinstance(second.make(), Artifact)
    assert (second.computed, len(second.told)) == (1, 1)


def test_what_could_not_be_used_is_not_fetched_again(s3: Bucket, tmp_path: Path) -> None:
    """Its files may have the digests that its mark states, and still not be what this program writes."""
    Machine(tmp_path / "a", "s3://walks", text="evil").make()
    second = Machine(tmp_path / "b", "s3://walks")
    got = second.make()
    assert isinstance(got, Artifact)
    with pytest.raises(OutputError, match="it was forgotten"), forgetting_unusable([got], "this run"):
        raise ValueError("unusable")
    second.computed = 0
    made = second.make()
    assert isinstance(made, Artifact)
    assert (second.computed, made.path("hello.txt").read_text()) == (1, "hello")
    third = Machine(tmp_path / "c", "s3://walks")
    third.make()
    assert (third.computed, (tmp_path / "c/pose" / KEY / "hello.txt").read_text()) == (0, "hello")
    assert not (tmp_path / "b/pose" / KEY / marks.UNUSABLE).exists()


@pytest.mark.parametrize(
    "address", ["s3://", "bucket", "file://folder", "http://x/y", "s3://a/b c", "s3:///x", f"az://c/x?sig={SECRET}"]
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(SettingError, match=r"^storage: ") as refused:
        check_storage(address)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("address", [None, "s3://b", "s3://b/p/q", "gs://b/p", "az://c/p", "file:///mnt/store"])
def test_an_address_is_accepted(address: str | None) -> None:
    check_storage(address)


def test_without_the_library_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SettingError, match=r"obstore is not installed; type `pip install '\.\[storage\]'`"):
        object_store.require_installed("storage", "leave out storage=")
