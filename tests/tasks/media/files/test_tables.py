"""What goes to disk comes back, the same bytes every time, and damage is a sentence."""

import json
from pathlib import Path

import numpy as np
import pytest

from tasks.errors import OutputError
from tasks.media.files.tables import Column, read_json, read_table, write_json, write_table

COLUMNS: dict[str, Column] = {
    "frame": np.arange(4, dtype=np.int64),
    "x_px": np.array([0.1, np.nan, -1e-12, 3.0]),
    "visibility": np.array([0.1, 0.2, np.nan, 1.0], dtype=np.float32),
    "key": np.array([True, False, False, True]),
    "state": ["measured", "held", "", "über"],
}


def test_a_table_comes_back_as_it_was(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", COLUMNS)
    found = read_table(tmp_path / "a.parquet")
    assert list(found) == list(COLUMNS)
    for name, column in COLUMNS.items():
        np.testing.assert_array_equal(found[name], np.asarray(column))
    assert [found[name].dtype.kind for name in COLUMNS] == ["i", "f", "f", "b", "O"]
    assert found["visibility"].dtype == np.float32


def test_the_same_columns_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_table(tmp_path / f"{name}.parquet", COLUMNS)
        write_json(tmp_path / f"{name}.json", COLUMNS)
    for kind in ("parquet", "json"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()


def test_an_empty_table_keeps_its_types(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", {"pts": np.empty(0, np.int64)})
    assert read_table(tmp_path / "a.parquet")["pts"].dtype == np.int64


def test_columns_of_different_lengths_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="different lengths"):
        write_table(tmp_path / "a.parquet", {"a": [1], "b": [1, 2]})


def test_another_schema_version_is_refused(tmp_path: Path) -> None:
    write_table(tmp_path / "a.parquet", COLUMNS, version=7)
    with pytest.raises(OutputError, match=r"a\.parquet: schema version 7, not 1; delete it"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1 no more", b"\0" * 400])
def test_a_damaged_table_is_a_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(OutputError, match="cannot be read") as caught:
        read_table(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be read"):
        read_table(tmp_path / "none.parquet")


def test_json_is_valid_where_numbers_are_missing(tmp_path: Path) -> None:
    content = {"x": np.float64("nan"), "y": [float("inf"), 1.5], "n": np.int64(3), "where": tmp_path, "t": (1, 2)}
    write_json(tmp_path / "a.json", content)
    strict = json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    assert strict == {"x": None, "y": [None, 1.5], "n": 3, "where": str(tmp_path), "t": [1, 2]}
    assert read_json(tmp_path / "a.json") == strict


@pytest.mark.parametrize("write", [write_table, write_json])
def test_a_folder_that_is_not_there_is_a_sentence(tmp_path: Path, write: object) -> None:
    assert callable(write)
    with pytest.raises(OutputError, match=r"cannot be written \(No such file.*; free space"):
        write(tmp_path / "none" / "a", {"a": [1]})


def test_json_that_is_none_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": ')
    with pytest.raises(OutputError, match="cannot be read"):
        read_json(tmp_path / "a.json")
