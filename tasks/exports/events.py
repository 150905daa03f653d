"""Export ``events``: heel strikes and toe offs, and the figures of the gait."""

import csv
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import numpy as np

from tasks.errors import OutputError
from tasks.maths.frame_times import nearest_index
from tasks.maths.gait.figures import Gait, measured_gait
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import write_json
from tasks.records import Tick, read_clip
from tasks.requests import ExportRequest

METHOD: Final = (
    "Strides: farthest points of heel and toes before and behind the hips (Zeni et al. 2008). Instants: pitch of the"
    " foot, where the raised toes begin to fall (heel strike) and where the rise of the heel ends (toe off). Positions"
    " smoothed by a Butterworth filter of 6 Hz, forwards and backwards; read between frames by a cubic spline."
)


def write_events(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``events.csv``, one row a contact, and ``events.json``: method, figures and strides.

    ``applies`` in the JSON is false where there are no figures, and ``why_not`` says why.
    """
    track = read_pose(request.pose_file)
    gait = measured_gait(track, float(Fraction(read_clip(request.clip).pixel_aspect)))
    rows = [
        (f"{event.time_s:.4f}", int(nearest_index(np.array([event.time_s]), track.time_s)[0]), event.side, event.kind)
        for event in gait.events
    ]
    write_rows(folder / "events.csv", ("time_s", "frame", "side", "event"), rows)
    write_json(
        folder / "events.json",
        {
            "applies": not gait.why_not,
            "why_not": gait.why_not,
            "method": METHOD,
            "figures": {name: asdict(figure) for name, figure in gait.figures.items()},
            "strides": [stride._asdict() for stride in gait.strides],
        },
    )
    tick(track.frames)
    return {"frames": track.frames, "strides": len(gait.strides), "notes": gait_notes("events", gait)}


def gait_notes(export: str, gait: Gait) -> list[str]:
    """A line for the summary where an export of the gait has no figures."""
    return [f"exports: {export} has no figures, because {gait.why_not}"] if gait.why_not else []


def write_rows(path: Path, names: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Write a CSV file; ``OutputError`` where it cannot be written."""
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(names)
            writer.writerows(rows)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); free space there") from error
