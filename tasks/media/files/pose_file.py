"""Landmarks of the followed person: ``pose.parquet`` and ``pose.csv``, tidy, 33 rows for every frame of the clip.

Columns: ``frame`` int64, ``time_s`` float64, ``landmark`` (its name), then ``x_px``, ``y_px``, ``z``,
``visibility``, ``presence`` as float32, which are NaN (empty in the CSV) where nobody was found.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.errors import UnreadableFile, writing
from tasks.maths.body.landmarks import LANDMARK_COUNT, LANDMARK_NAMES, PoseTrack
from tasks.media.files.tables import (
    SCHEMA_VERSION,
    read_parquet,
    schema_metadata,
    schema_version,
    to_arrow,
    to_numpy,
)

LANDMARK_VALUES: Final = ("x_px", "y_px", "z", "visibility", "presence")
_SCHEMA: Final = pa.schema(
    [
        ("frame", pa.int64()),
        ("time_s", pa.float64()),
        ("landmark", pa.string()),
        *((name, pa.float32()) for name in LANDMARK_VALUES),
    ],
    metadata=schema_metadata(),
)
_CHUNK_FRAMES: Final = 512


@dataclass
class PoseWriter:
    """Takes the landmarks frame by frame and writes them in chunks. Memory does not grow with the clip."""

    _parquet: Any
    _csv: Any
    _frame: int = 0
    _times_s: list[float] = field(default_factory=list)
    _values: list[NDArray[np.float32]] = field(default_factory=list)

    def write(self, time_s: float, landmarks: NDArray[np.float64]) -> None:
        """Add the next frame: the ``LANDMARK_VALUES`` of each landmark, (33, 5); NaN for nobody."""
        self._times_s.append(time_s)
        self._values.append(landmarks.astype(np.float32))
        if len(self._times_s) == _CHUNK_FRAMES:
            self.flush()

    def flush(self) -> None:
        """Write the frames that have been gathered."""
        count = len(self._times_s)
        if not count:
            return
        values = np.concatenate(self._values)
        columns: list[Any] = [
            to_arrow(np.repeat(np.arange(self._frame, self._frame + count, dtype=np.int64), LANDMARK_COUNT)),
            to_arrow(np.repeat(np.asarray(self._times_s, np.float64), LANDMARK_COUNT)),
            to_arrow(np.tile(np.array(LANDMARK_NAMES), count)),
        ]
        with_nan = [to_arrow(column) for column in values.T]
        with_null = [to_arrow(column, nan_is_null=True) for column in values.T]
        self._parquet.write_table(pa.Table.from_arrays(columns + with_nan, schema=_SCHEMA))
        self._csv.write_table(pa.Table.from_arrays(columns + with_null, schema=_SCHEMA))
        self._frame += count
        self._times_s.clear()
        self._values.clear()


@contextmanager
def pose_writer(parquet: Path, csv: Path) -> Iterator[PoseWriter]:
    """Open both files for writing. They are complete when the block ends without an exception.

    The same landmarks give the same bytes. ``OutputError`` if a file cannot be written.
    """
    with writing(parquet), ExitStack() as stack:
        rows = stack.enter_context(pq.ParquetWriter(parquet, _SCHEMA, compression="zstd", compression_level=3))
        text = stack.enter_context(pa.OSFile(str(csv), "wb"))
        text.write((",".join(_SCHEMA.names) + "\n").encode())
        options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
        lines = stack.enter_context(pa_csv.CSVWriter(text, _SCHEMA, write_options=options))
        writer = PoseWriter(rows, lines)
        yield writer
        writer.flush()


def write_pose(parquet: Path, csv: Path, track: PoseTrack) -> None:
    """Write a whole ``track`` to both files. ``OutputError`` if one cannot be written."""
    columns = zip(track.time_s.tolist(), track.xy_px, track.z, track.visibility, track.presence, strict=True)
    with pose_writer(parquet, csv) as writer:
        for time_s, *values in columns:
            writer.write(time_s, np.column_stack(values))


def read_pose(parquet: Path) -> PoseTrack:
    """Read ``pose.parquet``. ``OutputError`` if it is missing or damaged, or has not 33 landmarks a frame."""
    try:
        with parquet.open("rb") as file:
            table = read_parquet(file)
        fault = _schema_fault(table)
    except (OSError, ValueError, pa.ArrowException) as error:
        raise UnreadableFile.of(parquet, error) from error
    if fault:
        raise UnreadableFile(parquet, fault)
    return PoseTrack(
        time_s=_grid(table, "time_s")[:, 0].copy(),
        xy_px=np.stack([_grid(table, "x_px"), _grid(table, "y_px")], axis=-1),
        z=_grid(table, "z"),
        visibility=_grid(table, "visibility"),
        presence=_grid(table, "presence"),
    )


def _grid(table: Any, name: str) -> NDArray[np.float64]:
    """Column ``name`` as (frames, 33)."""
    return to_numpy(table.column(name)).astype(np.float64).reshape(-1, LANDMARK_COUNT)


def _schema_fault(table: Any) -> str:
    """Why ``table`` is not a pose, as a clause; empty if it is one."""
    found = schema_version(table.schema)
    if found != str(SCHEMA_VERSION):
        return f"schema version {found}, not {SCHEMA_VERSION}"
    if table.schema.names != _SCHEMA.names:
        return f"columns {table.schema.names}"
    if (
        table.num_rows % LANDMARK_COUNT
        or tuple(table.column("landmark")[:LANDMARK_COUNT].to_pylist()) != LANDMARK_NAMES[: table.num_rows]
    ):
        return f"{table.num_rows} rows are not the {LANDMARK_COUNT} landmarks of every frame"
    return ""
