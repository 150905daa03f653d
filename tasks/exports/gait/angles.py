"""Export ``angles``: joint angles over time, and over the stride."""

from math import isnan
from pathlib import Path
from typing import Any

import numpy as np

from tasks.exports.gait.events import gait_notes
from tasks.exports.gait.markers import read_track
from tasks.exports.requests import ExportRequest
from tasks.exports.text_files import write_rows
from tasks.maths.gait.angles import ANGLE_NAMES, gait_cycles, joint_angles
from tasks.maths.gait.figures import measured_gait
from tasks.maths.gait.side_view import distance_reason
from tasks.media.files.tables import write_json
from tasks.records import Tick, read_clip


def write_angles(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``angles.csv``, one row a frame in degrees, and ``angles.json``: mean and deviation over the stride.

    A cell of the CSV is empty where the person is not seen walking from the side. The cycles have 101 points, from heel
    strike to heel strike of the same leg; there are none where the events do not apply, and ``why_not`` says why.
    """
    clip = read_clip(request.clip)
    track = read_track(request, clip)
    gait = measured_gait(track, clip.pixel_aspect_value)
    angles = np.full((track.frames, len(ANGLE_NAMES)), np.nan)
    for part in gait.parts:
        angles[part.first : part.first + len(part.time_s)] = np.stack(list(joint_angles(part).values()), axis=1)
    rows = [
        (frame, f"{time_s:.6f}", *("" if isnan(value) else f"{value:.2f}" for value in row))
        for frame, (time_s, row) in enumerate(zip(track.time_s.tolist(), angles.tolist(), strict=True))
    ]
    write_rows(folder / "angles.csv", ("frame", "time_s", *(f"{name}_deg" for name in ANGLE_NAMES)), rows)
    cycles = {} if gait.why_not else gait_cycles(gait.parts, gait.strides)
    write_json(
        folder / "angles.json",
        {
            "applies": not gait.why_not,
            "why_not": gait.why_not,
            "cycles": {name: {k: np.round(v, 3) for k, v in one._asdict().items()} for name, one in cycles.items()},
        },
        indent=None,
    )
    tick(track.frames)
    notes, reason = gait_notes("angles", gait), distance_reason(gait.parts)
    if reason:
        notes.append(f"exports: angles has none of the ankles, because {reason}")
    return {"frames": track.frames, "strides": len(gait.strides), "notes": notes}
