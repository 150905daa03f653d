"""Tables as Parquet and small records as JSON. The bytes of a file depend on nothing but its content.

Columns are converted on Arrow's own buffers: ``pyarrow.array`` and ``to_numpy`` would load pandas to ask whether a
value is one of its own, which costs 0.2 s and 45 MB in every run.
"""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.errors import UnreadableFile, writing
from tasks.untrusted.json_file import read_value

TableColumn = NDArray[Any] | Sequence[Any]
Columns = Mapping[str, NDArray[Any]]
"""A table that was read: arrays (n,) by the names of its columns."""

SCHEMA_VERSION = 1
"""To be raised when a column of any table changes its meaning. Older files are then refused instead of misread."""

MAX_TABLE_ROWS = 1 << 28  # 33 landmarks a frame: a day at 60 frames a second has 171 million rows
MAX_TABLE_BYTES = 16 << 30
MAX_TABLE_COLUMNS = 1000
_CELL_BYTES = 8
_VERSION_KEY = b"stillwalk.schema"


def write_table(path: Path, columns: Mapping[str, TableColumn], *, version: int = SCHEMA_VERSION) -> None:
    """Write ``columns``, all of one length (n,), as Parquet (zstd) in the given order.

    Arrays keep their dtype and NaN stays NaN; lists of str become strings. ``version`` is stored in the metadata.
    The same columns give the same bytes. ``OutputError`` if ``path`` cannot be written.
    """
    arrays = {name: to_arrow(_one_dimensional(column)) for name, column in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {lengths}")
    table = pa.Table.from_arrays(list(arrays.values()), names=list(arrays), metadata=schema_metadata(version))
    with writing(path), path.open("wb") as file:
        pq.write_table(table, file, compression="zstd", compression_level=3)


def read_table(
    path: Path, names: Sequence[str] | None = None, *, version: int = SCHEMA_VERSION
) -> dict[str, NDArray[Any]]:
    """All columns of a Parquet file, or those in ``names``: numbers (n,) in their dtype, text (n,) as objects (str).

    ``OutputError`` if the file is missing or damaged, or has another schema version.
    """
    try:
        with path.open("rb") as file:
            table = read_parquet(file, names)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UnreadableFile.of(path, error) from error
    found = schema_version(table.schema)
    if found != str(version):
        raise UnreadableFile(path, f"schema version {found}, not {version}")
    return {name: to_numpy(table.column(name)) for name in table.column_names}


def read_parquet(file: BinaryIO, names: Sequence[str] | None = None) -> pa.Table:
    """The table in an open Parquet file, or its columns in ``names``.

    ``ValueError`` if it would unpack to more than our tables can hold, ``pa.ArrowException`` if it is damaged.
    All is read in the calling thread: Arrow's own threads would still hold ``file``, a Python object, after the table
    is there, and a process that ends in that moment is aborted.
    """
    parquet = pq.ParquetFile(file, pre_buffer=False)  # pq.read_table loads pandas
    stored = parquet.metadata
    size_bytes = sum(stored.row_group(group).total_byte_size for group in range(stored.num_row_groups))
    rows, columns = stored.num_rows, stored.num_columns
    size_bytes = max(size_bytes, rows * columns * _CELL_BYTES)  # of equal values a file holds only one
    if rows > MAX_TABLE_ROWS or size_bytes > MAX_TABLE_BYTES or columns > MAX_TABLE_COLUMNS:
        raise ValueError(f"it claims {rows} rows in {size_bytes} bytes")
    return parquet.read(columns=names and list(names), use_threads=False)


def require_rows(path: Path, most: int) -> None:
    """``UnreadableFile`` where a Parquet file claims more than ``most`` rows; none of them is read."""
    try:
        with path.open("rb") as file:
            rows = pq.ParquetFile(file).metadata.num_rows
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UnreadableFile.of(path, error) from error
    if rows > most:
        raise UnreadableFile(path, f"it claims {rows} rows, and the clip has at most {most}")


def points_of(table: Columns, name: str) -> NDArray[np.float64]:
    """Points (n, 2) from the columns ``<name>_x_px`` and ``<name>_y_px``."""
    return np.stack([table[f"{name}_x_px"], table[f"{name}_y_px"]], axis=1)


def matrices_of(table: Columns, name: str) -> NDArray[np.float64]:
    """Matrices (n, 2, 3) from the columns of ``matrix_columns``."""
    return np.stack([table[column] for column in _cells(name)], axis=1).reshape(-1, 2, 3)


def matrix_columns(name: str, matrices: NDArray[np.float64]) -> dict[str, NDArray[np.float64]]:
    """The cells of matrices (n, 2, 3), by rows, as the columns ``<name>_00`` to ``<name>_12``."""
    return dict(zip(_cells(name), matrices.reshape(-1, 6).T, strict=True))


def _cells(name: str) -> list[str]:
    return [f"{name}_{row}{column}" for row in range(2) for column in range(3)]


def schema_metadata(version: int = SCHEMA_VERSION) -> dict[bytes, bytes]:
    """The metadata of a Parquet file that stores the schema version."""
    return {_VERSION_KEY: str(version).encode()}


def schema_version(schema: Any) -> str:
    """The schema version in the metadata of a ``pyarrow.Schema``; "none" if there is none."""
    return str((schema.metadata or {}).get(_VERSION_KEY, b"none").decode())


def write_json(path: Path, content: Any, *, indent: int | None = 2) -> None:
    """Write ``content`` as valid JSON in UTF-8, keys in their order. NaN and infinities become null.

    Accepts mappings, sequences, numpy arrays and numbers, and paths. ``OutputError`` if it cannot be written.
    """
    text = json.dumps(_jsonable(content), indent=indent, ensure_ascii=False, allow_nan=False)
    with writing(path):
        path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Content of a JSON file. ``OutputError`` if it is missing or not valid JSON."""
    try:
        return read_value(path)
    except (OSError, ValueError) as error:
        raise UnreadableFile.of(path, error) from error


def arrow_type(kind: type) -> Any:
    """The ``pyarrow.DataType`` of a column of ``kind``, a numpy scalar type or ``str``."""
    return pa.string() if kind is str else pa.from_numpy_dtype(kind)


def to_arrow(values: NDArray[Any], *, nan_is_null: bool = False) -> Any:
    """A ``pyarrow.Array`` (n,) of ``values`` (n,): numbers in their dtype, booleans, or text (str).

    NaN stays NaN unless ``nan_is_null``. ``TypeError`` for other values.
    """
    if values.dtype.kind == "b":
        return _arrow_array(pa.bool_(), len(values), _bits(values))
    if values.dtype.kind in "iuf":
        valid_bits = _bits(~np.isnan(values)) if nan_is_null else None
        kind = pa.from_numpy_dtype(values.dtype)
        return _arrow_array(kind, len(values), np.ascontiguousarray(values), valid_bits=valid_bits)
    if values.dtype.kind not in "OU":
        raise TypeError(f"no column is made of {values.dtype}")
    encoded = [text.encode() for text in values.tolist()]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return _arrow_array(pa.string(), len(values), ends, np.frombuffer(b"".join(encoded), np.uint8))


def to_numpy(column: Any) -> NDArray[Any]:
    """The values (n,) of a ``pyarrow.ChunkedArray`` without nulls: numbers and booleans in their dtype, text as str."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.from_dlpack(column.combine_chunks()).copy()
    return np.array(column.to_pylist(), np.bool_ if pa.types.is_boolean(column.type) else object)


def _arrow_array(kind: Any, length: int, *parts: NDArray[Any], valid_bits: NDArray[Any] | None = None) -> Any:
    """The array on these buffers. ``valid_bits`` has a bit for each value that is not null; None: none is null."""
    buffers = [None if part is None else pa.py_buffer(part) for part in (valid_bits, *parts)]
    return pa.Array.from_buffers(kind, length, buffers)


def _bits(flags: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.packbits(flags, bitorder="little")


def _one_dimensional(column: TableColumn) -> NDArray[Any]:
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"a column has one dimension, not {array.ndim}")
    return array


def _jsonable(value: Any) -> Any:
    if type(value) in (str, int, bool):  # first: there are many, and the other questions take longer
        return value
    if isinstance(value, Mapping):
        return {str(key): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        plain = value.dtype.kind in "biu" or (value.dtype.kind == "f" and bool(np.isfinite(value).all()))
        return value.tolist() if plain else _jsonable(value.tolist())
    if isinstance(value, list | tuple):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value
