"""Export ``trc``: the landmarks as markers for OpenSim and Pose2Sim."""

from pathlib import Path
from typing import Any

from tasks.exports.gait.markers import DEPTH_NOTE, read_markers
from tasks.exports.requests import ExportRequest
from tasks.exports.text_files import write_text
from tasks.maths.body.landmarks import LANDMARK_NAMES
from tasks.records import Tick

FILE_NAME = "pose.trc"


def write_trc(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``pose.trc``: 33 markers, tab-separated, in metres with a scale and else in pixels.

    A marker that was not seen has empty cells, as OpenSim reads them.
    """
    markers = read_markers(request)
    count, rate = len(markers.time_s), f"{markers.rate_hz:.6f}"
    head = ("DataRate", "CameraRate", "NumFrames", "NumMarkers", "Units", "OrigDataRate", "OrigDataStartFrame")
    values = (rate, rate, count, len(LANDMARK_NAMES), markers.unit, rate, 1)
    axes = [f"{axis}{number}" for number in range(1, len(LANDMARK_NAMES) + 1) for axis in "XYZ"]
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{FILE_NAME}",
        "\t".join((*head, "OrigNumFrames")),
        "\t".join(map(str, (*values, count))),
        "Frame#\tTime\t" + "\t\t\t".join(LANDMARK_NAMES) + "\t\t",
        "\t\t" + "\t".join(axes),
        "",
    ]
    # One format for a whole row: cell by cell takes three times as long.
    row = "\t".join(["%d", "%.6f", *["%.5f"] * len(axes)])
    rows = zip(markers.time_s.tolist(), markers.places.reshape(count, -1).tolist(), strict=True)
    body = "\n".join(row % (frame, time_s, *places) for frame, (time_s, places) in enumerate(rows, start=1))
    write_text(folder / FILE_NAME, "\n".join(lines) + "\n" + body.replace("nan", "") + "\n")
    tick(count)
    return {"frames": count, "unit": markers.unit, "depth": DEPTH_NOTE, "notes": markers.notes}
