"""All detected people, as the pose stage finds them, before one of them is chosen.

- ``people.parquet``: tidy, 33 rows for every sighting: ``frame``, ``time_s``, ``track``, ``landmark``, ``x_px``,
  ``y_px``, ``z``, ``visibility``, ``presence``;
- ``steps.parquet``: ``frame``, ``track`` and the fields of ``tasks.maths.tracking.steps.Step``, from a track's first
  frame until some time after its last one;
- ``clothes.parquet``: ``frame``, ``track`` and the colours of torso and thighs, several times a second;
- ``looked.parquet``: ``frame``, ``time_s``, whether the model looked at the frame, and the number of its ``shot``, for
  every frame of the clip;
- ``bodies.npz``: the mask of each sighting, in the order of ``people.parquet`` (see ``masks_file``).
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tasks.errors import writing
from tasks.maths.arrays import Floats, equal_slices
from tasks.maths.body.landmarks import CLOTHES_REGIONS, COLOR_BINS, LANDMARK_COUNT, LANDMARK_NAMES
from tasks.maths.tracking import steps
from tasks.maths.tracking.tracks import Track
from tasks.media.files.masks_file import Mask, MaskWriter, mask_writer, read_masks
from tasks.media.files.pose_file import LANDMARK_VALUES
from tasks.media.files.tables import arrow_type, read_table, schema_metadata, to_arrow

_CHUNK_ROWS: Final = 16_384
_CLOTHES_SHAPE: Final = (CLOTHES_REGIONS, 3, COLOR_BINS)
_KEY_COLUMNS: Final = [("frame", np.int64), ("track", np.int32)]
_COLOR_COLUMNS: Final = [
    f"{region}_{channel}_{number}"
    for region in ("torso", "thighs")
    for channel in ("l", "a", "b")
    for number in range(COLOR_BINS)
]
_COLUMNS: Final[dict[str, list[tuple[str, type]]]] = {
    "people.parquet": [
        *(("frame", np.int64), ("time_s", np.float64), ("track", np.int32), ("landmark", str)),
        *((name, np.float32) for name in LANDMARK_VALUES),
    ],
    "steps.parquet": [
        *_KEY_COLUMNS,
        *((name, np.int32 if name in steps.STEP_COUNT_FIELDS else np.float64) for name in steps.STEP_FIELDS),
    ],
    "clothes.parquet": [*_KEY_COLUMNS, *((name, np.float32) for name in _COLOR_COLUMNS)],
    "looked.parquet": [("frame", np.int64), ("time_s", np.float64), ("looked", np.bool_), ("shot", np.int64)],
}
# Of Python's array: a number takes 1 to 8 bytes in it, in a list 32.
_ARRAY_CODES: Final[dict[type, str]] = {
    np.int64: "q",
    np.int32: "i",
    np.float64: "d",
    np.float32: "f",
    np.bool_: "B",
}


class _TableWriter:
    """Gathers rows and writes them in chunks of ``_CHUNK_ROWS``: memory grows up to one chunk of each table.

    Steps and clothes of one person reach it after 9 and 27 minutes at 30 Hz, and take 0.2 KB a frame until then.
    """

    def __init__(self, writer: Any, schema: Any, kinds: Sequence[type]) -> None:
        self._writer, self._schema, self._kinds = writer, schema, kinds
        self._columns: list[MutableSequence[Any]] = [
            array(_ARRAY_CODES[kind]) if kind in _ARRAY_CODES else [] for kind in kinds
        ]

    def add(self, *columns: list[Any]) -> None:
        for waiting, new in zip(self._columns, columns, strict=True):
            waiting.extend(new)
        if len(self._columns[0]) >= _CHUNK_ROWS:
            self.flush()

    def flush(self) -> None:
        arrays = [to_arrow(np.array(rows, kind)) for rows, kind in zip(self._columns, self._kinds, strict=True)]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        for rows in self._columns:
            del rows[:]


class PeopleWriter:
    """Takes the sightings frame by frame. The tracks of a frame may come in any order."""

    def __init__(self, tables: Mapping[str, _TableWriter], bodies: MaskWriter) -> None:
        self._tables = tables
        self._bodies = bodies

    def frame(self, frame: int, time_s: float, looked: bool, shot: int) -> None:
        """Add the next frame of the clip, whether the model looked at it, and the number of its shot."""
        self._tables["looked.parquet"].add([frame], [time_s], [looked], [shot])

    def sighting(self, frame: int, time_s: float, track: int, landmarks: Floats, body: Mask) -> None:
        """Add one person: the landmarks (33, 5) and the mask that came with them."""
        values = landmarks.astype(np.float32).T.tolist()
        keys = ([frame] * LANDMARK_COUNT, [time_s] * LANDMARK_COUNT, [track] * LANDMARK_COUNT, list(LANDMARK_NAMES))
        self._tables["people.parquet"].add(*keys, *values)
        self._bodies.write(body)

    def clothes(self, frame: int, track: int, shares: NDArray[np.float32]) -> None:
        """Add the colours of one person's clothes: shares (CLOTHES_REGIONS, 3, COLOR_BINS)."""
        self._tables["clothes.parquet"].add([frame], [track], *([value] for value in shares.ravel().tolist()))

    def step(self, frame: int, track: int, step: steps.Step) -> None:
        """Add the motion of one person's torso since the frame before."""
        self._tables["steps.parquet"].add([frame], [track], *([getattr(step, name)] for name in steps.STEP_FIELDS))


@contextmanager
def people_writer(folder: Path) -> Iterator[PeopleWriter]:
    """Open the five files in ``folder``. They are complete when the block ends without an exception.

    The same calls give the same bytes. ``OutputError`` if a file cannot be written.
    """
    with writing(folder), ExitStack() as stack:
        tables = {}
        for name, columns in _COLUMNS.items():
            kinds = [kind for _, kind in columns]
            schema = pa.schema([(name, arrow_type(kind)) for name, kind in columns], metadata=schema_metadata())
            file = pq.ParquetWriter(folder / name, schema, compression="zstd", compression_level=3)
            tables[name] = _TableWriter(stack.enter_context(file), schema, kinds)
        yield PeopleWriter(tables, stack.enter_context(mask_writer(folder / "bodies.npz")))
        for table in tables.values():
            table.flush()


class LookedFrames(NamedTuple):
    """What is known of every frame of a clip, (n,) each."""

    time_s: Floats
    looked: NDArray[np.bool_]  # whether the model looked at it
    shot: NDArray[np.int64]  # the number of its shot, from 0 on


def read_looked(path: Path) -> LookedFrames:
    """``looked.parquet``. ``OutputError`` if it is missing or damaged."""
    table = read_table(path)
    return LookedFrames(table["time_s"].astype(np.float64), table["looked"].astype(np.bool_), table["shot"])


def read_tracks(people: Path, clothes: Path) -> list[Track]:
    """All tracks, in the order of their numbers. ``OutputError`` if a file is missing or damaged."""
    frame, number, time_s = (_grid(people, name)[:, 0].copy() for name in ("frame", "track", "time_s"))
    order = np.argsort(number, kind="stable")  # sightings of one track beside each other: tracks are parts, no copies
    frame, number, time_s = frame[order], number[order].astype(np.int64), time_s[order]
    landmarks = np.empty((len(number), LANDMARK_COUNT, len(LANDMARK_VALUES)))
    for place, name in enumerate(LANDMARK_VALUES):
        landmarks[..., place] = _grid(people, name)[order]
    worn = read_table(clothes)
    shares = np.stack([worn[name] for name in _COLOR_COLUMNS], axis=-1).astype(np.float64).reshape(-1, *_CLOTHES_SHAPE)
    tracks = []
    for rows in equal_slices(number):
        worn_rows = worn["track"] == number[rows.start]
        tracks.append(
            Track(
                frames=frame[rows],
                time_s=time_s[rows],
                landmarks=landmarks[rows],
                clothes=_spread_over_frames(frame[rows], worn["frame"][worn_rows], shares[worn_rows]),
                origin=number[rows],
            )
        )
    return tracks


def _grid(people: Path, name: str) -> NDArray[Any]:
    """Column ``name`` (sightings, 33) of ``people.parquet``. One is read at a time: all take 1.3 KB a sighting."""
    return read_table(people, [name])[name].reshape(-1, LANDMARK_COUNT)


def read_bodies(people: Path, bodies: Path, track: NDArray[np.int64]) -> Iterator[Mask | None]:
    """For each frame, the mask of the track whose number ``track`` (n,) has there; None for 0 or without a sighting.

    ``OutputError`` if a file is missing or damaged.
    """
    frame, number = (column[::LANDMARK_COUNT].tolist() for column in read_table(people, ["frame", "track"]).values())
    sightings = zip(frame, number, read_masks(bodies), strict=True)
    end = (len(track), 0, None)
    at, found, mask = next(sightings, end)
    for index, wanted in enumerate(track.tolist()):
        body: Mask | None = None
        while at == index:
            body = mask if found == wanted else body
            at, found, mask = next(sightings, end)
        yield body


def read_other_bodies(people: Path, bodies: Path, track: NDArray[np.int64]) -> Iterator[list[Mask]]:
    """For each frame, the masks of everybody but the track whose number ``track`` (n,) has there.

    ``OutputError`` if a file is missing or damaged.
    """
    frame, number = (column[::LANDMARK_COUNT].tolist() for column in read_table(people, ["frame", "track"]).values())
    sightings = zip(frame, number, read_masks(bodies), strict=True)
    following = next(sightings, None)
    for index, own in enumerate(track.tolist()):
        others = []
        while following is not None and following[0] == index:
            if following[1] != own:
                others.append(following[2])
            following = next(sightings, None)
        yield others


def read_steps(path: Path, tracks: Iterable[int]) -> dict[int, tuple[NDArray[np.int64], steps.Steps]]:
    """For each of ``tracks``, the frames (k,) in which its steps are known, and the steps."""
    table = read_table(path)
    found = {}
    for track in tracks:
        rows = table["track"] == track
        found[track] = table["frame"][rows], steps.Steps({name: table[name][rows] for name in steps.STEP_FIELDS})
    return found


def _spread_over_frames(frames: NDArray[np.int64], at: NDArray[np.int64], shares: Floats) -> Floats:
    """``shares`` (m, ...), measured in the frames ``at`` (m,), for all ``frames`` (k,): (k, ...), NaN elsewhere."""
    full = np.full((len(frames), *_CLOTHES_SHAPE), np.nan)
    full[np.searchsorted(frames, at)] = shares
    return full
