"""Finished stages written by hand: what a later stage reads, without computing it."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.path import affine
from tasks.maths.scene.camera_path import CameraPath
from tasks.maths.tracking.steps import Step, steps_from_rows
from tasks.media.files.camera_file import write_camera
from tasks.media.files.pose_file import write_pose
from tasks.media.files.tables import write_json, write_table
from tasks.records import Artifact, Clip, ColorTags, StoredFile

PTS_PER_S = 90_000


def artifact(stage: str, folder: Path) -> Artifact[Any]:
    """All that lies in ``folder``, as the cache would hand it on."""
    files = {path.name: StoredFile("", path.stat().st_size, 0) for path in sorted(folder.iterdir())}
    return Artifact(stage, "key", str(folder), files, {}, "run", 0.0)


def write_still_camera(path: Path, time_s: NDArray[np.float64], size_px: tuple[int, int]) -> None:
    """``camera.parquet`` of a camera that stands still, with frames at ``time_s`` (n,)."""
    still = np.broadcast_to(affine.translation(np.zeros(2)), (len(time_s), 2, 3))
    camera = CameraPath(np.zeros(len(time_s), np.int64), still, np.ones(len(time_s)))
    write_camera(path, camera, [99] * len(time_s), time_s.tolist(), size_px)


def clip_artifact(folder: Path, track: PoseTrack, size_px: tuple[int, int]) -> Artifact[Any]:
    """The decode stage's files for frames at the track's own times."""
    folder.mkdir()
    count, time_s = track.frames, track.time_s
    clip = Clip(
        digest="0" * 64,
        width_px=size_px[0],
        height_px=size_px[1],
        rotation_deg=0,
        pixel_aspect="1",
        rate_hz="30000/1001",
        time_base_s=f"1/{PTS_PER_S}",
        variable_rate=False,
        frames=count,
        frames_declared=count,
        start_s=float(time_s[0]),
        duration_s=float(time_s[-1] - time_s[0]),
        codec="h264",
        pixel_format="yuv420p",
        color=ColorTags(),
        sound=(),
        broken="",
    )
    write_json(folder / "clip.json", dataclasses.asdict(clip))
    columns = {
        "frame": np.arange(count, dtype=np.int64),
        "pts": np.round(time_s * PTS_PER_S).astype(np.int64),
        "time_s": time_s,
        "duration_s": np.full(count, 1 / 30),
    }
    write_table(folder / "frames.parquet", columns)
    return artifact("decode", folder)


def pose_artifact(folder: Path, track: PoseTrack, steps: Iterable[Step] | None = None) -> Artifact[Any]:
    """The landmarks of one person, with the torso's steps; none could be measured unless they are given."""
    folder.mkdir()
    write_pose(folder / "pose.parquet", folder / "pose.csv", track)
    rows = [Step()] * track.frames if steps is None else steps
    write_table(
        folder / "motion.parquet",
        {
            "looked": np.ones(track.frames, dtype=bool),
            "shot": np.zeros(track.frames, np.int64),
            **steps_from_rows(rows).columns,
        },
    )
    return artifact("pose", folder)
