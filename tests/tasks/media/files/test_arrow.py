import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from tasks.media.files.arrow import arrow_type, to_arrow, to_numpy

COLUMNS = [
    np.array([3, -1, 7], np.int64),
    np.array([3, -1], np.int32),
    np.array([0.5, np.nan, -2.0], np.float64),
    np.arange(12, dtype=np.float32)[::3],  # not contiguous
    np.array([True, False, True, True, False, True, False, True, True]),
    np.array(["hip", "", "Füße", "🚶"], object),
    np.array([], np.float64),
    np.array([], object),
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: f"{column.dtype}-{len(column)}")
def test_a_column_comes_back_as_it_was(column: NDArray[np.generic]) -> None:
    back = to_numpy(pa.chunked_array([to_arrow(column)]))
    assert back.dtype == column.dtype
    np.testing.assert_array_equal(back, column)


@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: f"{column.dtype}-{len(column)}")
def test_it_is_what_arrow_itself_makes(column: NDArray[np.generic]) -> None:
    kind = str if column.dtype == object else column.dtype.type
    theirs = pa.array(column, arrow_type(kind), from_pandas=False)
    mine = to_arrow(column)
    mine.validate(full=True)
    assert mine.type == theirs.type
    np.testing.assert_array_equal(mine.to_numpy(zero_copy_only=False), theirs.to_numpy(zero_copy_only=False))


def test_several_chunks_are_one_column_that_may_be_written_to() -> None:
    joined = to_numpy(pa.chunked_array([to_arrow(np.arange(3.0)), to_arrow(np.arange(3.0, 5.0))]))
    joined[0] = 9.0
    np.testing.assert_array_equal(joined, [9.0, 1.0, 2.0, 3.0, 4.0])


def test_nan_becomes_nothing_where_that_is_asked_for() -> None:
    column = np.array([np.nan, 1.0, *range(9), np.nan], np.float32)
    assert to_arrow(column).null_count == 0
    assert to_arrow(column, nan_is_null=True).to_pylist() == [None, 1.0, *range(9), None]


def test_complex_numbers_are_no_column() -> None:
    with pytest.raises(TypeError, match="complex"):
        to_arrow(np.array([1j]))


def test_tables_are_written_and_read_without_pandas(tmp_path: Path) -> None:
    code = (
        "import sys, numpy as np; from pathlib import Path; "
        "from tasks.media.files.tables import read_table, write_table;"
        f"path = Path({str(tmp_path / 'table.parquet')!r});"
        "write_table(path, {'a': np.arange(3.0), 'b': ['x', 'y', 'z'], 'c': np.array([True, False, True])});"
        "print(read_table(path)['b'].tolist(), {'pandas', 'pyarrow.dataset'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['x', 'y', 'z'] set()\n"
