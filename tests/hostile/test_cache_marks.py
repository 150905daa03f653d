"""Marks and files of a cache that somebody else has made: read as data, or not at all."""

import json
import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from flows.report.chart_svg import read_chart_svg
from flows.results.index import read_sweep_index
from flows.results.received import is_below
from flows.results.result import read_record
from tasks.cache import locks, making, marks, store
from tasks.cache.entries import register_output_folder, registered_output_folders
from tasks.cache.integrity import forgetting_unusable
from tasks.errors import OutputError, UnreadableFile
from tasks.media.files import masks_file, tables
from tasks.media.files.masks_file import read_masks
from tasks.media.files.tables import read_json, read_table
from tasks.records import AnyArtifact, Artifact
from tasks.untrusted import json_file
from tests.hostile.test_cache_records import Opened

FILE = {"sha256": "0" * 64, "size": 0, "mtime_ns": 0}


def made(cache: Path, key: str = "pose-1") -> Path:
    def compute(folder: Path) -> dict[str, Any]:
        (folder / "a.txt").write_text("a")
        return {"frames": 3}

    return Path(making.make(cache, "pose", key, "run", compute, waiting=lambda: None).folder)


@pytest.mark.parametrize(
    "change",
    [
        {"files": {"../../../secret": FILE}},
        {"files": {"/etc/passwd": FILE}},
        {"files": {"..": FILE}},
        {"files": {"a\x1b[2J": FILE}},
        {"files": {"a": FILE | {"size": True}}},
        {"files": {"a": FILE | {"size": "1"}}},
        {"files": {"a": FILE | {"sha256": "x"}}},
        {"files": {"a": FILE | {"more": 1}}},
        {"files": {"a": None}},
        {"files": [1]},
        {"facts": []},
        {"facts": {"notes": 5}},
        {"facts": {"notes": [{}]}},
        {"facts": {"frames": "many"}},
        {"facts": {"why": {"a": 1}}},
        {"stage": "masks"},
        {"key": "pose-2"},
        {"key": ["pose-1"]},
        {"run_id": 7},
        {"seconds": "long"},
        {"seconds": -1},
        {"about": 1},
        {"about": {"video": 1}},
        {"about": {"shaped_by": []}},
    ],
)
def test_a_mark_that_this_program_cannot_have_written_is_none(change: dict[str, Any], tmp_path: Path) -> None:
    folder = made(tmp_path)
    mark = json.loads((folder / store.MARK).read_text())
    (folder / store.MARK).write_text(json.dumps(mark | change))
    assert store.find(tmp_path, "pose", "pose-1") is None
    assert store.read_mark(folder) is None
    assert store.damage(tmp_path, "pose", "pose-1") == "done.json is missing or damaged"
    made(tmp_path)
    assert store.find(tmp_path, "pose", "pose-1") is not None


@pytest.mark.parametrize(
    "text", ["[" * 200_000, '{"a":' * 100_000, "1" * 5000, "\ud800".encode(errors="surrogatepass")]
)
def test_json_of_any_depth_or_size_is_an_error_of_value(text: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError):
        json_file.read_object(path)
    with pytest.raises(OutputError):
        read_json(path)
    assert read_record(tmp_path) == {}


def test_a_file_larger_than_its_bound_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": 1}')
    assert json_file.read_object(tmp_path / "a.json", 8) == {"a": 1}
    with pytest.raises(ValueError, match="more than 7 bytes"):
        json_file.read_object(tmp_path / "a.json", 7)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link(path: Path) -> None:
    path.symlink_to(path.parents[3] / "secret")


@pytest.mark.parametrize("put", [pipe, link])
def test_pipes_and_links_in_an_entry_are_neither_waited_for_nor_followed(
    put: Callable[[Path], None], tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    cache = tmp_path / "cache"
    folder = made(cache)
    (folder / "a.txt").rename(secret)  # the same bytes and time
    put(folder / "a.txt")
    assert store.find(cache, "pose", "pose-1") is None
    (folder / store.MARK).unlink()
    pipe(folder / store.MARK)
    assert store.find(cache, "pose", "pose-1") is None


def test_a_link_in_the_place_of_an_entry_is_replaced_and_what_it_leads_to_stays(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "letter").touch()
    (tmp_path / "cache" / "pose").mkdir(parents=True)
    (tmp_path / "cache" / "pose" / "pose-1").symlink_to(home)
    made(tmp_path / "cache")
    assert not (tmp_path / "cache" / "pose" / "pose-1").is_symlink()
    assert [path.name for path in home.iterdir()] == ["letter"]


def test_a_lock_that_leads_elsewhere_makes_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "cache" / locks.LOCKS).mkdir(parents=True)
    (tmp_path / "cache" / locks.LOCKS / "pose-1").symlink_to(tmp_path / "made")
    with pytest.raises(OutputError):
        made(tmp_path / "cache")
    assert not (tmp_path / "made").exists()


def test_a_note_that_this_program_has_not_made_names_no_folder(tmp_path: Path) -> None:
    cache, ours = tmp_path / "cache", tmp_path / "outputs"
    register_output_folder(cache, ours)
    notes = cache / store.FOLDERS
    pipe(notes / "pipe")
    (notes / "folder").mkdir()
    (notes / "bytes").write_bytes(b"\xff\0")
    (notes / "root").write_text("/")
    with (notes / "long").open("wb") as file:
        file.truncate(1 << 40)
    assert registered_output_folders(cache) == [ours]


def test_a_note_that_leads_elsewhere_makes_nothing_there(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    register_output_folder(cache, tmp_path / "outputs")
    (note,) = (cache / store.FOLDERS).iterdir()
    note.unlink()
    note.symlink_to(tmp_path / "made")
    register_output_folder(cache, tmp_path / "outputs")
    assert not (tmp_path / "made").exists()


def test_arrays_of_objects_are_refused(tmp_path: Path) -> None:
    np.savez(
        tmp_path / "masks.npz", boxes=np.array([print], dtype=object), states=np.zeros(1), chunk_frames=np.array(1)
    )
    with pytest.raises(OutputError, match="allow_pickle"):
        list(read_masks(tmp_path / "masks.npz"))


def test_masks_that_would_unpack_to_too_much_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    np.savez_compressed(tmp_path / "masks.npz", boxes=np.zeros(100_000))
    monkeypatch.setattr(masks_file, "MAX_MEMBER_BYTES", 1000)
    with pytest.raises(OutputError, match="more than 1000 bytes"):
        list(read_masks(tmp_path / "masks.npz"))


def test_tables_that_would_unpack_to_too_much_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables.write_table(tmp_path / "a.parquet", {"a": np.zeros(1000)})
    monkeypatch.setattr(tables, "MAX_TABLE_ROWS", 999)
    with pytest.raises(OutputError, match="it claims 1000 rows"):
        read_table(tmp_path / "a.parquet")


def test_a_table_that_names_a_python_type_runs_nothing(tmp_path: Path) -> None:
    opened = tmp_path / "opened"
    named = {
        b"ARROW:extension:name": b"arrow.py_extension_type",
        b"ARROW:extension:metadata": pickle.dumps(Opened(opened)),
    }
    schema = pa.schema([pa.field("a", pa.int64(), metadata=named)], metadata={b"stillwalk.schema": b"1"})
    with (tmp_path / "a.parquet").open("wb") as file:
        pq.write_table(pa.Table.from_arrays([pa.array([1])], schema=schema), file)
    with suppress(OutputError):  # of pyarrow's versions some refuse it
        read_table(tmp_path / "a.parquet")
    assert not opened.exists()


def test_what_stumbles_over_anothers_files_forgets_them_and_says_so(tmp_path: Path) -> None:
    folder = made(tmp_path)
    artifact = store.find(tmp_path, "pose", "pose-1")
    assert artifact is not None
    told = r"^pose: what an earlier run stored .* run the same command again$"
    with pytest.raises(OutputError, match=told), forgetting_unusable([artifact], "another run"):
        raise KeyError("looked")
    assert not (folder / store.MARK).exists()


@pytest.mark.parametrize("run_id", ["another run", "run"])
def test_of_several_only_what_cannot_be_read_is_forgotten_and_nothing_of_its_own_run(
    run_id: str, tmp_path: Path
) -> None:
    artifacts = []
    for key in ("pose-1", "pose-2"):
        folder = made(tmp_path, key=key)
        artifacts.append(store.find(tmp_path, "pose", key))
    found = [one for one in artifacts if one is not None]
    with pytest.raises(OutputError) as told, forgetting_unusable(found, run_id):
        raise UnreadableFile(folder / "a.txt", "it is empty")
    kept = [(Path(one.folder) / store.MARK).exists() for one in found]
    is_own = run_id == "run"
    assert kept == [True, is_own]
    assert str(told.value).endswith("delete it and run again" if is_own else "run the same command again")


def test_what_stumbles_over_files_of_its_own_run_is_a_fault_of_the_program() -> None:
    own: AnyArtifact = Artifact("pose", "pose-1", "", {}, {}, "run", 0.0)
    with pytest.raises(KeyError), forgetting_unusable([own], "run"):
        raise KeyError("looked")


SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">{}</svg>'


@pytest.mark.parametrize(
    "inner",
    [
        "<script>alert(1)</script>",
        '<g onload="alert(1)"/>',
        '<rect onclick="alert(1)"/>',
        '<a href="javascript:alert(1)"><text>x</text></a>',
        '<use xlink:href="http://evil.example/a.svg"/>',
        '<image href="http://evil.example/a.png"/>',
        "<foreignObject/>",
        '<rect style="fill: url(http://evil.example/)"/>',
        '<rect style="position: fixed; width: 100%"/>',
        "<style>*{}</style>",
        "<!-- --><g/>",
        '<x:script xmlns:x="http://www.w3.org/1999/xhtml"/>',
        "<g></svg><script>alert(1)</script><svg>",
    ],
)
def test_a_chart_that_is_more_than_a_drawing_enters_no_page(inner: str, tmp_path: Path) -> None:
    path = tmp_path / "path_x.svg"
    path.write_text(SVG.format(inner))
    with pytest.raises(ValueError, match="drawing"):
        read_chart_svg(path)
    path.write_text(SVG.format('<g id="a"><path d="M 0 0" style="stroke: var(--line)" clip-path="url(#b)"/></g>'))
    assert "<path" in read_chart_svg(path)


@pytest.mark.parametrize(
    "change",
    [
        {"video": []},
        {"deliverables": []},
        {"deliverables": {"../a": {}}},
        {"deliverables": {"exports/../a": {}}},
        {"deliverables": {"exports/": {}}},
        {"from_earlier_runs": {"exports//etc": ""}},
        {"from_earlier_runs": {"a": 1}},
        {"sha256_from_earlier_runs": {"a": 1}},
        {"error": 1},
    ],
)
def test_a_record_that_is_not_as_ours_is_none(change: dict[str, Any], tmp_path: Path) -> None:
    ours = {"video": {"sha256": "", "path": "/walk.mp4"}, "error": "", "deliverables": {"pose.csv": {"sha256": ""}}}
    (tmp_path / "run.json").write_text(json.dumps(ours))
    assert read_record(tmp_path) == ours
    (tmp_path / "run.json").write_text(json.dumps(ours | change))
    assert read_record(tmp_path) == {}


@pytest.mark.parametrize(
    "change",
    [
        {"folder": "../../.ssh"},
        {"folder": "/etc"},
        {"folder": "javascript:alert(1)"},
        {"metrics": {"a": "b"}},
        {"metrics": {"lock_rms": 10**400}},
        {"metrics": {"lock_rms": 1e308}},
        {"error": "\ud800"},
        {"best": "x"},
    ],
)
def test_an_index_that_is_not_as_ours_is_none(change: dict[str, Any], tmp_path: Path) -> None:
    row = {"video": "walk", "setting": "a", "folder": "a/walk", "error": "", "metrics": {"lock_rms": 1.5}}
    (tmp_path / "sweep.json").write_text(json.dumps({"schema": 1, "rows": [row]}))
    assert read_sweep_index(tmp_path)
    (tmp_path / "sweep.json").write_text(json.dumps({"schema": 1, "rows": [row | change]}))
    assert read_sweep_index(tmp_path) == {}
    assert is_below("a/b.c")


def test_every_mark_is_small_and_names_few_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made(tmp_path)
    monkeypatch.setattr(marks, "MOST_MARK_BYTES", 10)
    assert store.find(tmp_path, "pose", "pose-1") is None
