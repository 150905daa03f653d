"""Landmarks on disk: ``pose.parquet`` and ``pose.csv``, tidy, 33 rows for every frame of the clip.

Columns: ``frame`` int64, ``time_s`` float64, ``landmark`` (its name), then ``x_px``, ``y_px``, ``z``,
``visibility``, ``presence`` as float32, NaN (empty in the CSV) where nobody was found.
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

from tasks.errors import OutputError
from tasks.maths.body.landmarks import LANDMARK_COUNT, LANDMARK_NAMES, PoseTrack
from tasks.media.files.arrow import to_arrow, to_numpy
from tasks.media.files.tables import SCHEMA_VERSION

VALUES: Final = ("x_px", "y_px", "z", "visibility", "presence")
_SCHEMA: Final = pa.schema(
    [
        ("frame", pa.int64()),
        ("time_s", pa.float64()),
        ("landmark", pa.string()),
        *((name, pa.float32()) for name in VALUES),
    ],
    metadata={b"stillwalk.schema": str(SCHEMA_VERSION).encode()},
)
_CHUNK_FRAMES: Final = 512


@dataclass
class PoseWriter:
    """Takes the landmarks frame by frame and writes them in chunks; memory does not grow with the clip."""

    _parquet: Any
    _csv: Any
    _frame: int = 0
    _times_s: list[float] = field(default_factory=list)
    _values: list[NDArray[np.float32]] = field(default_factory=list)

    def write(self, time_s: float, landmarks: NDArray[np.float64] | None) -> None:
        """Add the next frame: ``(33, 5)`` of the five values in their order, or None for nobody."""
        missing = np.full((LANDMARK_COUNT, len(VALUES)), np.nan, np.float32)
        self._times_s.append(time_s)
        self._values.append(missing if landmarks is None else landmarks.astype(np.float32))
        if len(self._times_s) == _CHUNK_FRAMES:
            self.flush()

    def flush(self) -> None:
        """Write what has been gathered."""
        count = len(self._times_s)
        if not count:
            return
        values = np.concatenate(self._values)
        columns: list[Any] = [
            to_arrow(np.repeat(np.arange(self._frame, self._frame + count, dtype=np.int64), LANDMARK_COUNT)),
            to_arrow(np.repeat(np.asarray(self._times_s, np.float64), LANDMARK_COUNT)),
            to_arrow(np.tile(np.array(LANDMARK_NAMES), count)),
        ]
        nans = [to_arrow(column) for column in values.T]
        nulls = [to_arrow(column, nan_is_null=True) for column in values.T]
        self._parquet.write_table(pa.Table.from_arrays(columns + nans, schema=_SCHEMA))
        self._csv.write_table(pa.Table.from_arrays(columns + nulls, schema=_SCHEMA))
        self._frame += count
        self._times_s.clear()
        self._values.clear()


@contextmanager
def pose_writer(parquet: Path, csv: Path) -> Iterator[PoseWriter]:
    """Open both files for writing; they are whole when the block ends without an exception.

    The same landmarks give the same bytes. ``OutputError`` when a file cannot be written.
    """
    try:
        with ExitStack() as stack:
            rows = stack.enter_context(pq.ParquetWriter(parquet, _SCHEMA, compression="zstd", compression_level=3))
            text = stack.enter_context(pa.OSFile(str(csv), "wb"))
            text.write((",".join(_SCHEMA.names) + "\n").encode())
            options = pa_csv.WriteOptions(include_header=False, quoting_style="none")
            lines = stack.enter_context(pa_csv.CSVWriter(text, _SCHEMA, write_options=options))
            writer = PoseWriter(rows, lines)
            yield writer
            writer.flush()
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{parquet}: cannot be written ({reason}); free space there") from error


def write_pose(parquet: Path, csv: Path, track: PoseTrack) -> None:
    """Write a whole ``track`` to both files; ``OutputError`` when one cannot be written."""
    values = np.concatenate([track.xy_px, np.stack([track.z, track.visibility, track.presence], axis=-1)], axis=-1)
    with pose_writer(parquet, csv) as writer:
        for time_s, landmarks in zip(track.time_s, values, strict=True):
            writer.write(float(time_s), landmarks)


def read_pose(parquet: Path) -> PoseTrack:
    """Read ``pose.parquet``; ``OutputError`` when it is missing, damaged, or not 33 landmarks a frame."""
    try:
        with parquet.open("rb") as file:
            table = pq.ParquetFile(file).read()  # pq.read_table loads pandas
        wrong = _wrong(table)
    except (OSError, pa.ArrowInvalid) as error:
        wrong = str(getattr(error, "strerror", None) or error).splitlines()[0]
    if wrong:
        raise OutputError(f"{parquet}: cannot be read ({wrong}); delete it and run again")
    grid = {name: _grid(table, name) for name in VALUES}
    return PoseTrack(
        time_s=_grid(table, "time_s")[:, 0].copy(),
        xy_px=np.stack([grid["x_px"], grid["y_px"]], axis=-1),
        z=grid["z"],
        visibility=grid["visibility"],
        presence=grid["presence"],
    )


def _grid(table: Any, name: str) -> NDArray[np.float64]:
    return to_numpy(table.column(name)).astype(np.float64).reshape(-1, LANDMARK_COUNT)


def _wrong(table: Any) -> str:
    """What keeps ``table`` from being a pose, in a few words; empty when nothing does."""
    found = (table.schema.metadata or {}).get(b"stillwalk.schema", b"none").decode()
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
