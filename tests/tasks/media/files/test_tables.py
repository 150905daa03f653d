"""Tables and JSON survive the disk with the same bytes every time, and damage is one sentence."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.files.tables import (
    TableColumn,
    arrow_type,
    matrices_of,
    matrix_columns,
    points_of,
    read_json,
    read_table,
    to_arrow,
    to_numpy,
    write_json,
    write_table,
)

COLUMNS: dict[str, TableColumn] = {
    "frame": np.arange(4, dtype=np.int64),
    "x_px": np.array([0.1, np.nan, -1e-12, 3.0]),
    "visibility": np.array([0.1, 0.2, np.nan, 1.0], dtype=np.float32),
    "key": np.array([True, False, False, True]),
    "state": ["measured", "held", "", "über"],
}


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
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
    with pytest.raises(OutputError, match=r"a\.parquet: cannot be read \(schema version 7, not 1\); delete it"):
        read_table(tmp_path / "a.parquet")


@pytest.mark.parametrize("content", [b"", b"PAR1 no more", b"\0" * 400])
def test_a_damaged_table_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.parquet").write_bytes(content)
    with pytest.raises(OutputError, match="cannot be read") as caught:
        read_table(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)


def test_a_missing_table_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be read"):
        read_table(tmp_path / "none.parquet")


def test_json_is_valid_even_with_nan_and_infinity(tmp_path: Path) -> None:
    content = {"x": np.float64("nan"), "y": [float("inf"), 1.5], "n": np.int64(3), "where": tmp_path, "t": (1, 2)}
    write_json(tmp_path / "a.json", content)
    strict = json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail)
    assert strict == {"x": None, "y": [None, 1.5], "n": 3, "where": str(tmp_path), "t": [1, 2]}
    assert read_json(tmp_path / "a.json") == strict


@pytest.mark.parametrize("write", [write_table, write_json])
def test_a_missing_folder_is_one_sentence(tmp_path: Path, write: object) -> None:
    assert callable(write)
    with pytest.raises(OutputError, match=r"cannot be written \(No such file.*; free space"):
        write(tmp_path / "none" / "a", {"a": [1]})


def test_invalid_json_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"a": ')
    with pytest.raises(OutputError, match="cannot be read"):
        read_json(tmp_path / "a.json")


ARRAYS = [
    np.array([3, -1, 7], np.int64),
    np.array([3, -1], np.int32),
    np.array([0.5, np.nan, -2.0], np.float64),
    np.arange(12, dtype=np.float32)[::3],  # not contiguous
    np.array([True, False, True, True, False, True, False, True, True]),
    np.array(["hip", "", "Füße", "🚶"], object),
    np.array([], np.float64),
    np.array([], object),
]


@pytest.mark.parametrize("column", ARRAYS, ids=lambda column: f"{column.dtype}-{len(column)}")
def test_an_array_survives_the_conversion_to_arrow(column: NDArray[np.generic]) -> None:
    back = to_numpy(pa.chunked_array([to_arrow(column)]))
    assert back.dtype == column.dtype
    np.testing.assert_array_equal(back, column)


@pytest.mark.parametrize("column", ARRAYS, ids=lambda column: f"{column.dtype}-{len(column)}")
def test_the_conversion_gives_what_pyarrow_gives(column: NDArray[np.generic]) -> None:
    kind = str if column.dtype == object else column.dtype.type
    theirs = pa.array(column, arrow_type(kind), from_pandas=False)
    mine = to_arrow(column)
    mine.validate(full=True)
    assert mine.type == theirs.type
    np.testing.assert_array_equal(mine.to_numpy(zero_copy_only=False), theirs.to_numpy(zero_copy_only=False))


def test_several_chunks_become_one_writable_array() -> None:
    joined = to_numpy(pa.chunked_array([to_arrow(np.arange(3.0)), to_arrow(np.arange(3.0, 5.0))]))
    joined[0] = 9.0
    np.testing.assert_array_equal(joined, [9.0, 1.0, 2.0, 3.0, 4.0])


def test_nan_becomes_null_on_request() -> None:
    column = np.array([np.nan, 1.0, *range(9), np.nan], np.float32)
    assert to_arrow(column).null_count == 0
    assert to_arrow(column, nan_is_null=True).to_pylist() == [None, 1.0, *range(9), None]


def test_complex_numbers_are_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        to_arrow(np.array([1j]))


def told_by(code: str, path: Path) -> str:
    """What a process of its own prints that writes and reads the table at ``path``."""
    imports = (
        "import os, sys, numpy as np; from pathlib import Path; "
        "from tasks.media.files.tables import read_table, write_table; "
    )
    command = [sys.executable, "-c", f"{imports}path = Path({str(path)!r}); {code}"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_tables_are_written_and_read_without_pandas(tmp_path: Path) -> None:
    code = (
        "write_table(path, {'a': np.arange(3.0), 'b': ['x', 'y', 'z'], 'c': np.array([True, False, True])}); "
        "print(read_table(path)['b'].tolist(), {'pandas', 'pyarrow.dataset'} & set(sys.modules))"
    )
    assert told_by(code, tmp_path / "table.parquet") == "['x', 'y', 'z'] set()\n"


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the threads of a process are counted in /proc")
def test_a_table_is_read_in_the_calling_thread(tmp_path: Path) -> None:
    """A thread of Arrow that still holds the Python file while the process ends aborts it, after right results."""
    code = (
        "threads = lambda: len(os.listdir('/proc/self/task')); before = threads(); "
        "write_table(path, {str(n): np.arange(3.0) for n in range(9)}); read_table(path); print(threads() - before)"
    )
    assert told_by(code, tmp_path / "table.parquet") == "0\n"


def test_points_and_matrices_have_a_column_for_each_number(tmp_path: Path) -> None:
    matrices = np.arange(12.0).reshape(2, 2, 3)
    path = tmp_path / "a.parquet"
    write_table(
        path, {"hip_x_px": np.array([1.0, 2]), "hip_y_px": np.array([3.0, 4]), **matrix_columns("to", matrices)}
    )
    table = read_table(path)
    assert list(table) == ["hip_x_px", "hip_y_px", "to_00", "to_01", "to_02", "to_10", "to_11", "to_12"]
    assert table["to_12"].tolist() == [5.0, 11.0]
    assert np.array_equal(matrices_of(table, "to"), matrices)
    assert points_of(table, "hip").tolist() == [[1.0, 3.0], [2.0, 4.0]]
