"""Everybody's tracks on disk, as the pose stage finds them, before anybody is chosen.

- ``people.parquet``: tidy, 33 rows for every sighting: ``frame``, ``time_s``, ``track``, ``landmark``, ``x_px``,
  ``y_px``, ``z``, ``visibility``, ``presence``;
- ``steps.parquet``: ``frame``, ``track`` and the fields of ``tasks.maths.tracking.steps.Step``, from a track's first
  frame to a while after its last one;
- ``clothes.parquet``: ``frame``, ``track`` and the colours of torso and thighs, some times a second;
- ``looked.parquet``: ``frame``, ``time_s``, and whether the model looked at the frame, for every frame of the clip;
- ``bodies.npz``: the mask that came with each sighting, in the order of ``people.parquet`` (see ``masks_file``).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.maths.body.landmarks import CLOTHES_REGIONS, COLOR_BINS, LANDMARK_COUNT, LANDMARK_NAMES
from tasks.maths.tracking import steps
from tasks.maths.tracking.tracks import Track
from tasks.media.files.arrow import arrow_type, to_arrow
from tasks.media.files.masks_file import Mask, MaskWriter, mask_writer, read_masks
from tasks.media.files.pose_file import VALUES
from tasks.media.files.tables import SCHEMA_VERSION, read_table

Floats = NDArray[np.float64]

_CHUNK_ROWS: Final = 16_384
_CLOTHES: Final = (CLOTHES_REGIONS, 3, COLOR_BINS)
_WHO: Final = [("frame", np.int64), ("track", np.int32)]
_COLOR_NAMES: Final = [
    f"{region}_{channel}_{number}"
    for region in ("torso", "thighs")
    for channel in ("l", "a", "b")
    for number in range(COLOR_BINS)
]
_COLUMNS: Final[dict[str, list[tuple[str, type]]]] = {
    "people.parquet": [
        *(("frame", np.int64), ("time_s", np.float64), ("track", np.int32), ("landmark", str)),
        *((name, np.float32) for name in VALUES),
    ],
    "steps.parquet": [
        *_WHO,
        *((name, np.int32 if name in steps.STEP_COUNT_FIELDS else np.float64) for name in steps.STEP_FIELDS),
    ],
    "clothes.parquet": [*_WHO, *((name, np.float32) for name in _COLOR_NAMES)],
    "looked.parquet": [("frame", np.int64), ("time_s", np.float64), ("looked", np.bool_)],
}


class _Rows:
    """Gathers rows and writes them in chunks; memory does not grow with the clip."""

    def __init__(self, writer: Any, schema: Any, kinds: Sequence[type]) -> None:
        self._writer, self._schema, self._kinds = writer, schema, kinds
        self._columns: list[list[Any]] = [[] for _ in kinds]

    def add(self, *columns: list[Any]) -> None:
        for held, new in zip(self._columns, columns, strict=True):
            held.extend(new)
        if len(self._columns[0]) >= _CHUNK_ROWS:
            self.flush()

    def flush(self) -> None:
        arrays = [to_arrow(np.array(held, kind)) for held, kind in zip(self._columns, self._kinds, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        for held in self._columns:
            held.clear()


class PeopleWriter:
    """Takes what is found in a frame, frame by frame, tracks in any order."""

    def __init__(self, rows: Mapping[str, _Rows], bodies: MaskWriter) -> None:
        self._rows = rows
        self._bodies = bodies

    def frame(self, frame: int, time_s: float, looked: bool) -> None:
        """The next frame of the clip, and whether the model looked at it."""
        self._rows["looked.parquet"].add([frame], [time_s], [looked])

    def sighting(self, frame: int, time_s: float, track: int, landmarks: Floats, body: Mask) -> None:
        """The landmarks (33, 5) of one person, and the mask that came with them."""
        values = landmarks.astype(np.float32).T.tolist()
        who = ([frame] * LANDMARK_COUNT, [time_s] * LANDMARK_COUNT, [track] * LANDMARK_COUNT, list(LANDMARK_NAMES))
        self._rows["people.parquet"].add(*who, *values)
        self._bodies.write(body)

    def clothes(self, frame: int, track: int, shares: NDArray[np.float32]) -> None:
        """The colours (REGIONS, 3, COLOR_BINS) that one person wears."""
        self._rows["clothes.parquet"].add([frame], [track], *([value] for value in shares.ravel().tolist()))

    def step(self, frame: int, track: int, step: steps.Step) -> None:
        """How the torso of one person moved since the frame before."""
        self._rows["steps.parquet"].add([frame], [track], *([value] for value in astuple(step)))


@contextmanager
def people_writer(folder: Path) -> Iterator[PeopleWriter]:
    """Open the five files in ``folder``; they are whole when the block ends without an exception.

    The same calls give the same bytes. ``OutputError`` when a file cannot be written.
    """
    metadata = {b"stillwalk.schema": str(SCHEMA_VERSION).encode()}
    try:
        with ExitStack() as stack:
            rows = {}
            for name, columns in _COLUMNS.items():
                kinds = [kind for _, kind in columns]
                schema = pa.schema([(name, arrow_type(kind)) for name, kind in columns], metadata=metadata)
                file = pq.ParquetWriter(folder / name, schema, compression="zstd", compression_level=3)
                rows[name] = _Rows(stack.enter_context(file), schema, kinds)
            yield PeopleWriter(rows, stack.enter_context(mask_writer(folder / "bodies.npz")))
            for held in rows.values():
                held.flush()
    except OSError as error:
        reason = error.strerror or error
        raise OutputError(f"{folder}: cannot be written to ({reason}); free space there") from error


def read_looked(path: Path) -> tuple[Floats, NDArray[np.bool_]]:
    """(n,) time of every frame of the clip, and whether the model looked at it."""
    table = read_table(path)
    return table["time_s"].astype(np.float64), table["looked"].astype(np.bool_)


def read_tracks(people: Path, clothes: Path) -> list[Track]:
    """Everybody's tracks by number; ``OutputError`` when a file is missing or damaged."""
    table = read_table(people, ["frame", "track", "time_s", *VALUES])
    frame, number, time_s = (table[name].reshape(-1, LANDMARK_COUNT)[:, 0] for name in ("frame", "track", "time_s"))
    landmarks = np.stack([table[name].reshape(-1, LANDMARK_COUNT) for name in VALUES], axis=-1).astype(np.float64)
    worn = read_table(clothes)
    shares = np.stack([worn[name] for name in _COLOR_NAMES], axis=-1).astype(np.float64).reshape(-1, *_CLOTHES)
    tracks = []
    for track in np.unique(number):
        mine, mine_worn = number == track, worn["track"] == track
        tracks.append(
            Track(
                frames=frame[mine],
                time_s=time_s[mine],
                landmarks=landmarks[mine],
                clothes=_at_frames(frame[mine], worn["frame"][mine_worn], shares[mine_worn]),
                origin=number[mine].astype(np.int64),
            )
        )
    return tracks


def read_bodies(people: Path, bodies: Path, track: NDArray[np.int64]) -> Iterator[Mask | None]:
    """For each frame the mask of whoever ``track`` (n,) follows there, None where that is nobody (0).

    ``OutputError`` when a file is missing or damaged.
    """
    frame, number = (column[::LANDMARK_COUNT].tolist() for column in read_table(people, ["frame", "track"]).values())
    found = read_masks(bodies)
    sightings = zip(frame, number, found, strict=True)
    at, now, mask = next(sightings, (len(track), 0, None))
    for index, wanted in enumerate(track.tolist()):
        mine: Mask | None = None
        while at == index:
            mine = mask if now == wanted else mine
            at, now, mask = next(sightings, (len(track), 0, None))
        yield mine


def _at_frames(frames: NDArray[np.int64], at: NDArray[np.int64], shares: Floats) -> Floats:
    """(k, ...) the shares of those frames at which they were measured, NaN elsewhere."""
    full = np.full((len(frames), *_CLOTHES), np.nan)
    full[np.searchsorted(frames, at)] = shares
    return full


def read_steps(path: Path, tracks: Iterable[int]) -> dict[int, tuple[NDArray[np.int64], steps.Steps]]:
    """Of each of ``tracks`` the frames (k,) at which its steps are known, and the steps."""
    table = read_table(path)
    found = {}
    for track in tracks:
        mine = table["track"] == track
        found[track] = table["frame"][mine], steps.Steps({name: table[name][mine] for name in steps.STEP_FIELDS})
    return found
