"""The results of one video as typed tables, and its frames and masks as NumPy arrays that are read when asked for.

Points are ``(x, y)`` in pixels, the centre of the first pixel at ``(0, 0)``. Missing values are NaN.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from flows.results.result import PERSON_FOLDERS, RECORD_NAME, REPORT_NAME, read_record
from tasks.errors import OutputError, first_few
from tasks.maths.body.landmarks import LANDMARK_NAMES
from tasks.media.files.masks_file import read_masks
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import matrices_of, points_of, read_table
from tasks.media.input.frames import read_frames
from tasks.media.input.probe import scan_video
from tasks.media.matting.run_lengths import mask_in_source
from tasks.records import Clip
from tasks.untrusted.json_file import read_object

if TYPE_CHECKING:
    import pandas

VIDEO_SUFFIXES: Final = (".mp4", ".mov", ".webm")
METRICS_NAME: Final = "metrics.json"
OF_EVERY_RUN: Final = (REPORT_NAME, METRICS_NAME, RECORD_NAME)
CLIP_NUMBERS: Final = ("width_px", "height_px", "frames")  # of the clip, in run.json


@dataclass(frozen=True)
class Trajectory:
    """How each of n frames is moved: ``trajectory.parquet``."""

    time_s: NDArray[np.float64]  # (n,) of the file
    anchor_px: NDArray[np.float64]  # (n, 2) source
    state: NDArray[np.str_]  # (n,) measured, bridged, interpolated, held or absent
    to_output: NDArray[np.float64]  # (n, 2, 3) affine maps from source to output pixels
    to_source: NDArray[np.float64]  # (n, 2, 3) their inverses


@dataclass(frozen=True)
class Pose:
    """The 33 landmarks of the person in each of n frames: ``pose.parquet``."""

    time_s: NDArray[np.float64]  # (n,) of the file
    landmarks: tuple[str, ...]  # names of the 33
    xy_px: NDArray[np.float64]  # (n, 33, 2) source
    z: NDArray[np.float64]  # (n, 33) depth as MediaPipe gives it, in px of the source
    visibility: NDArray[np.float64]  # (n, 33) 0 to 1
    presence: NDArray[np.float64]  # (n, 33) 0 to 1


class Frames:
    """The frames of a video file as RGB arrays (h, w, 3) uint8. Nothing is decoded before the first is asked for.

    Iterating decodes from the beginning, with a few frames in memory. An index decodes up to that frame.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def _clip(self) -> Clip:
        return scan_video(self.path, "", lambda frames: None)[0]

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height."""
        return self._clip.size_px

    @property
    def rate_hz(self) -> float:
        """Mean frame rate."""
        return float(self._clip.rate)

    def __len__(self) -> int:
        return self._clip.frames

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (frame.rgb() for frame in read_frames(self.path, self._clip))

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        place = _place(index, len(self))
        frames = read_frames(self.path, self._clip)
        try:
            return next(frame.rgb() for frame in frames if frame.index == place)
        finally:
            frames.close()  # type: ignore[attr-defined]  # a generator: with it the file closes


class Masks:
    """The probability that each pixel of the source is the person: arrays (h, w) uint8, 255 certain; ``masks.npz``.

    Iterating unpacks 64 masks at a time.
    """

    def __init__(self, path: Path, size_px: tuple[int, int], frames: int) -> None:
        self.path = path
        self.size_px = size_px
        self._frames = frames

    def __len__(self) -> int:
        return self._frames

    def __iter__(self) -> Iterator[NDArray[np.uint8]]:
        return (mask_in_source(mask, self.size_px) for mask in read_masks(self.path))

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        place = _place(index, len(self))
        return next(
            mask_in_source(mask, self.size_px) for number, mask in enumerate(read_masks(self.path)) if number == place
        )


@dataclass(frozen=True)
class Results:
    """What a run has left in the folder of a video."""

    folder: Path
    record: dict[str, Any]  # run.json

    @cached_property
    def metrics(self) -> dict[str, Any]:
        """The figures of ``metrics.json``: planned, and verified with ``verify=true``."""
        try:
            return read_object(self.folder / METRICS_NAME)
        except (OSError, ValueError) as error:
            raise OutputError(f"{self.folder / METRICS_NAME}: cannot be read ({error}); run again") from error

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of the upright source."""
        return self.record["clip"]["width_px"], self.record["clip"]["height_px"]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files that the run delivered, as in ``path("stabilized.mp4")``."""
        return tuple(sorted(self.record["deliverables"]))

    def path(self, name: str) -> Path:
        """Path of one of its files, or of the page and figures of every run; ``OutputError`` where it made none."""
        if name not in self.record["deliverables"] and name not in OF_EVERY_RUN:
            fact = f"it holds no {name}, but {first_few(self.files)}"
            raise OutputError(f"{self.folder}: {fact}; ask for it in outputs= or exports=")
        return self.folder / name

    def table(self, name: str) -> "pandas.DataFrame":
        """One of its files as a DataFrame: ``pose.parquet``, ``exports/events.csv``, or another of that kind.

        ``OutputError`` where the run did not make it, where it is no table, or where it cannot be read.
        """
        import pandas  # here: it takes half a second, and most callers need no DataFrame

        path = self.path(name)
        readers = {".parquet": pandas.read_parquet, ".csv": pandas.read_csv}
        if path.suffix not in readers:
            tables = [file for file in self.files if Path(file).suffix in readers]
            raise OutputError(f"{path}: it is no table; those of this run are {', '.join(tables)}")
        try:
            return readers[path.suffix](path)
        except (OSError, ValueError) as error:
            raise OutputError(f"{path}: cannot be read ({error}); run again") from error

    @cached_property
    def trajectory(self) -> Trajectory:
        """The path of the anchor, and how each frame is moved."""
        path = self.path("trajectory.parquet")
        table = read_table(path)
        try:
            return Trajectory(
                table["time_s"],
                points_of(table, "anchor"),
                table["state"].astype(str),
                matrices_of(table, "to_output"),
                matrices_of(table, "to_source"),
            )
        except KeyError as error:
            raise OutputError(f"{path}: it has no column {error}; run again") from error

    @cached_property
    def pose(self) -> Pose:
        """The landmarks of the person; the run needs ``pose`` in ``outputs``."""
        track = read_pose(self.path("pose.parquet"))
        return Pose(track.time_s, LANDMARK_NAMES, track.xy_px, track.z, track.visibility, track.presence)

    @property
    def masks(self) -> Masks:
        """The person in each frame of the source; the run needs ``masks`` in ``outputs``."""
        return Masks(self.path("masks.npz"), self.size_px, self.record["clip"]["frames"])

    def frames(self, video: str = "stabilized") -> Frames:
        """The frames of one of its videos, such as ``stabilized``, ``comparison`` or ``person``."""
        named = [name for name in self.files if name.removesuffix(Path(name).suffix) == video]
        found = [name for name in named if name.endswith(VIDEO_SUFFIXES)]
        return Frames(self.path(found[0] if found else f"{video}.mp4"))

    def people(self) -> "list[Results]":
        """With ``subject=all``: the results of each person, by number; empty otherwise.

        ``OutputError`` where the run of one of them failed.
        """
        found = [load(folder) for folder in self.folder.glob(PERSON_FOLDERS) if read_record(folder)]
        return sorted(found, key=lambda one: int(one.record.get("person", 0)))


def load(folder: str | os.PathLike[str]) -> Results:
    """The results in ``folder``, such as ``outputs/walk``. Only ``run.json`` is read here.

    ``OutputError`` where the folder holds no results, or those of a run that failed.
    """
    place = Path(folder)
    record = read_record(place)
    if not record:
        raise OutputError(f"{place}: it holds no {RECORD_NAME}; name the folder of a video, such as outputs/walk")
    if record.get("error"):
        raise OutputError(f"{place}: the run failed: {record['error']}")
    clip = record.get("clip")
    whole = isinstance(clip, dict) and all(isinstance(clip.get(name), int) for name in CLIP_NUMBERS)
    if not whole or not isinstance(record.get("deliverables"), dict):
        raise OutputError(f"{place / RECORD_NAME}: it is not whole; run again")
    return Results(place, record)


def _place(index: int, length: int) -> int:
    if not -length <= index < length:
        raise IndexError(f"frame {index} of {length}")
    return index % length
