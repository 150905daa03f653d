"""Tables and small records on disk: Parquet and JSON whose bytes depend on nothing but their content."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.media.files.arrow import to_arrow, to_numpy

Column = NDArray[Any] | Sequence[Any]

SCHEMA_VERSION = 1
"""Raised when a column of any table changes its meaning; older files are then refused, not misread."""

_VERSION_KEY = b"stillwalk.schema"


def write_table(path: Path, columns: Mapping[str, Column], *, version: int = SCHEMA_VERSION) -> None:
    """Write ``columns``, all of one length, as Parquet (zstd) in the order given.

    Arrays keep their dtype and NaN stays NaN; lists of str become strings. ``version`` enters the metadata.
    The same columns give the same bytes. ``OutputError`` when ``path`` cannot be written.
    """
    arrays = {name: to_arrow(_flat(column)) for name, column in columns.items()}
    lengths = {name: len(array) for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of different lengths: {lengths}")
    metadata = {_VERSION_KEY: str(version).encode()}
    table = pa.Table.from_arrays(list(arrays.values()), names=list(arrays), metadata=metadata)
    try:
        with path.open("wb") as file:
            pq.write_table(table, file, compression="zstd", compression_level=3)
    except OSError as error:
        raise _unwritable(path, error) from error


def read_table(
    path: Path, names: Sequence[str] | None = None, *, version: int = SCHEMA_VERSION
) -> dict[str, NDArray[Any]]:
    """Columns of a Parquet file as arrays, numbers in their dtype, text as objects (str); all of them, or ``names``.

    ``OutputError`` when the file is missing, damaged, or of another schema version.
    """
    try:
        with path.open("rb") as file:
            table = pq.ParquetFile(file).read(columns=names and list(names))  # pq.read_table loads pandas
    except (OSError, pa.ArrowInvalid) as error:
        raise _unreadable(path, error) from error
    found = (table.schema.metadata or {}).get(_VERSION_KEY, b"none").decode()
    if found != str(version):
        raise OutputError(f"{path}: schema version {found}, not {version}; delete it and run again")
    return {name: to_numpy(table.column(name)) for name in table.column_names}


def write_json(path: Path, content: Any, *, indent: int | None = 2) -> None:
    """Write ``content`` as valid JSON, UTF-8, keys in their order; NaN and infinities become null.

    Takes mappings, sequences, numpy arrays and numbers, and paths. ``OutputError`` when it cannot be written.
    """
    text = json.dumps(_jsonable(content), indent=indent, ensure_ascii=False, allow_nan=False)
    try:
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise _unwritable(path, error) from error


def read_json(path: Path) -> Any:
    """Content of a JSON file; ``OutputError`` when it is missing or not valid JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _flat(column: Column) -> NDArray[Any]:
    array = np.asarray(column)
    if array.ndim != 1:
        raise ValueError(f"a column has one dimension, not {array.ndim}")
    return array


def _jsonable(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _jsonable(value.tolist())
    if isinstance(value, list | tuple):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return str(value) if isinstance(value, Path) else value


def _unwritable(path: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or error
    return OutputError(f"{path}: cannot be written ({reason}); free space there")


def _unreadable(path: Path, error: Exception) -> OutputError:
    reason = str(getattr(error, "strerror", None) or error).splitlines()[0]
    return OutputError(f"{path}: cannot be read ({reason}); delete it and run again")
