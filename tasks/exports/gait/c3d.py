"""Export ``c3d``: the landmarks as markers, with the events of the gait."""

from pathlib import Path
from typing import Any, Final

from tasks.exports.gait.markers import DEPTH_NOTE, read_markers, read_track
from tasks.exports.requests import ExportRequest
from tasks.maths.body.landmarks import LANDMARK_NAMES
from tasks.maths.gait.figures import measured_gait
from tasks.media.files import c3d_file
from tasks.media.files.c3d_file import ContactMark
from tasks.records import Tick, read_clip

LABELS: Final = {"heel strike": "Foot Strike", "toe off": "Foot Off"}


def write_c3d(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``pose.c3d``: 33 markers at an even rate, in metres with a scale and else in pixels, and the gait's events.

    Times of events count from the first frame, as C3D has it.
    """
    markers = read_markers(request)
    clip = read_clip(request.clip)
    gait = measured_gait(read_track(request, clip), clip.pixel_aspect_value)
    start_s = float(markers.time_s[0])
    marks = [ContactMark(one.side.title(), LABELS[one.kind], one.time_s - start_s) for one in gait.events]
    c3d_file.write_c3d(
        folder / "pose.c3d", LANDMARK_NAMES, markers.places, markers.rate_hz, markers.unit, marks, "depth is guessed"
    )
    notes = list(markers.notes)
    if len(marks) > c3d_file.MOST_EVENTS:
        notes.append(f"exports: c3d holds the first {c3d_file.MOST_EVENTS} of {len(marks)} events; events.csv has all")
    tick(len(markers.time_s))
    return {"frames": len(markers.time_s), "unit": markers.unit, "depth": DEPTH_NOTE, "notes": notes}
