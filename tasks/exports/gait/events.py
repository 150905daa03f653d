"""Export ``events``: heel strikes and toe offs, and the figures of the gait."""

from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np

from tasks.exports.gait.markers import px_per_metre, read_track
from tasks.exports.requests import ExportRequest
from tasks.exports.text_files import write_rows
from tasks.maths.body.landmarks import hip_midpoint
from tasks.maths.frame_times import nearest_index
from tasks.maths.gait.figures import Gait, measured_gait
from tasks.maths.gait.ground import GroundFigure, ground_figures, measured_steps
from tasks.maths.gait.side_view import distance_reason
from tasks.media.files.camera_file import read_camera
from tasks.media.files.tables import write_json
from tasks.records import Tick, read_clip

METHOD: Final = (
    "Strides: farthest points of heel and toes before and behind the hips (Zeni et al. 2008). Instants: pitch of the"
    " foot, where the raised toes begin to fall (heel strike) and where the rise of the heel ends (toe off). Positions"
    " smoothed by a Butterworth filter of 6 Hz, forwards and backwards; read between frames by a cubic spline. Steps:"
    " from the toes of the hind foot to the heel of the front foot while both stand, and the length of a flat foot."
)
LEAST_DIFFERENCE: Final = 0.15  # of the speed: four times its error


def write_events(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``events.csv``, one row a contact, and ``events.json``: method, figures, strides, lengths and speeds.

    ``applies`` in the JSON is false where there are no figures, and ``why_not`` says why.
    """
    clip = read_clip(request.clip)
    track = read_track(request, clip)
    aspect = clip.pixel_aspect_value
    gait = measured_gait(track, aspect)
    rows = [
        (f"{event.time_s:.4f}", int(nearest_index(np.array([event.time_s]), track.time_s)[0]), event.side, event.kind)
        for event in gait.events
    ]
    write_rows(folder / "events.csv", ("time_s", "frame", "side", "event"), rows)
    scale, px_per_m = request.scale, None
    if scale is not None and scale.given and track.found.any():
        px_per_m = px_per_metre(scale, track, aspect)
    ground: dict[str, GroundFigure] = {}
    lengths_why_not = gait.why_not or distance_reason(gait.parts)
    if not lengths_why_not:
        camera, _ = read_camera(request.file(request.found, "camera.parquet"))
        steps = measured_steps(gait, hip_midpoint(track.xy_px), track.time_s, camera, aspect)
        from_height = scale is not None and scale.height_m is not None
        ground = ground_figures(steps, px_per_m, from_height=from_height)
    write_json(
        folder / "events.json",
        {
            "applies": not gait.why_not,
            "why_not": gait.why_not,
            "lengths_why_not": lengths_why_not,
            "method": METHOD,
            "time": request.time.value,
            "slowed": clip.slowed,
            "px_per_m": px_per_m,
            "figures": {name: asdict(figure) for name, figure in gait.figures.items()}
            | {name: asdict(figure) for name, figure in ground.items()},
            "strides": [stride._asdict() for stride in gait.strides],
        },
    )
    tick(track.frames)
    notes = gait_notes("events", gait) + _notes(ground)
    if lengths_why_not and not gait.why_not:
        notes.append(f"exports: events has no lengths and no speed over the ground, because {lengths_why_not}")
    return {"frames": track.frames, "strides": len(gait.strides), "notes": notes}


def _notes(ground: dict[str, GroundFigure]) -> list[str]:
    """A line where the walk over the background is not that over the ground."""
    unit = next((unit for unit in ("m", "px") if f"background_speed_{unit}_per_s" in ground), None)
    if unit is None or f"speed_{unit}_per_s" not in ground:
        return []
    by_feet, by_camera = ground[f"speed_{unit}_per_s"], ground[f"background_speed_{unit}_per_s"]
    if abs(by_feet.mean - by_camera.mean) <= LEAST_DIFFERENCE * by_feet.mean:
        return []
    fact = f"{by_feet.mean:.3g} {unit}/s over the ground, {by_camera.mean:.3g} {unit}/s over the background"
    return [f"exports: events has {fact}, as on a treadmill or with a camera that travels along; the first counts"]


def gait_notes(export: str, gait: Gait) -> list[str]:
    """A line for the summary where an export of the gait has no figures."""
    return [f"exports: {export} has no figures, because {gait.why_not}"] if gait.why_not else []
