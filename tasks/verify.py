"""Stage: the independent judge of a rendered video, on the file itself, as a viewer gets it.

A fresh pose run and a torso feature track know nothing of the path that was planned. The pose run has a noise of its
own (about 1.4 px in x and 2.1 px in y on a person of 340 px), which its figures carry; the features' step has not.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths import metrics
from tasks.maths.anchor import hip_centre
from tasks.maths.landmarks import PoseTrack
from tasks.maths.steps import Step, from_table, gather
from tasks.media.features import TorsoMotion
from tasks.media.frames import frames
from tasks.media.prefetch import prefetched
from tasks.media.probe import scan
from tasks.media.tables import read_json, read_table, write_json
from tasks.models.pose import open_pose
from tasks.models.sources import model_files
from tasks.records import Clip, Tick
from tasks.requests import VerifyRequest

Floats = NDArray[np.float64]
LANDMARKS = 33


class Seen(NamedTuple):
    """One frame as the models take it."""

    time_s: float
    rgb: NDArray[np.uint8]
    luma: NDArray[np.uint8]


def verify_render(request: VerifyRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``verified.json``: lock and tremble measured in the rendered file; facts: the same figures.

    ``residual_step`` is the rms step of the torso's features from frame to frame, ``residual_step_before`` the same in
    the source. The rest are the lock metrics of the hip centre that a fresh pose run finds.
    """
    rendered = request.rendered.path("stabilized.mp4")
    clip, _ = scan(rendered, request.rendered.files["stabilized.mp4"].sha256, lambda _: None, strict=True)
    frame = read_json(request.trajectory.path("framing.json"))
    track, steps = _watch(request, rendered, clip, tick)
    anchor = hip_centre(track, min_confidence=request.min_confidence, weighted=False)
    boxes = metrics.visible_boxes(track.xy_px, track.visibility)
    width, height = clip.size_px
    lock = metrics.lock(
        anchor.xy_px, track.time_s, np.array(frame["target_px"]), (width, height), metrics.person_height(boxes)
    )
    before = from_table(read_table(request.pose.path("motion.parquet"))).xy()
    verified = {
        **lock,
        "residual_step": step_rms(steps),
        "residual_step_before": step_rms(before),
        "detection": float(track.found.mean()),
    }
    finite = {name: round(value, 6) if np.isfinite(value) else None for name, value in verified.items()}
    write_json(folder / "verified.json", finite)
    return {"frames": clip.frames, **finite}


def step_rms(steps_xy: Floats) -> float:
    """Root mean square length of the steps (n, 2) that could be measured; NaN when there is none."""
    length = np.linalg.norm(steps_xy, axis=1)
    seen = np.isfinite(length)
    return float(np.sqrt(np.mean(length[seen] ** 2))) if seen.any() else float("nan")


def _watch(request: VerifyRequest, rendered: Path, clip: Clip, tick: Tick) -> tuple[PoseTrack, Floats]:
    times, found = [], []
    rows: list[Step] = []
    motion = TorsoMotion()
    files = model_files(request.settings.model.value, request.models.dir, request.models.download)
    with (
        open_pose(files, device=request.device.value) as (estimator, _),
        prefetched(_seen(rendered, clip)) as stream,
    ):
        for item in stream:
            person = estimator(item.rgb, item.time_s)
            marks = np.full((LANDMARKS, 5), np.nan) if person is None else person.landmarks
            seen = person is not None
            rows.append(motion.step(item.luma, marks[:, :2] if seen else None, marks[:, 3] if seen else None))
            times.append(item.time_s)
            found.append(marks)
            tick(len(times))
    table = np.array(found)
    track = PoseTrack(np.array(times), table[..., :2], table[..., 2], table[..., 3], table[..., 4])
    return track, gather(rows).xy()


def _seen(video: Path, clip: Clip) -> Iterator[Seen]:
    for picture in frames(video, clip):
        luma = picture.luma >> (picture.layout.depth - 8) if picture.layout.depth > 8 else picture.luma
        yield Seen(float(picture.pts * clip.time_base), picture.rgb(), luma.astype(np.uint8, copy=False))
