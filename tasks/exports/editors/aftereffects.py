"""Export ``aftereffects``: the move as keyframes for the clipboard of After Effects."""

from pathlib import Path
from typing import Any

from tasks.exports.editors.keyframes import read_keyframes, written
from tasks.exports.requests import ExportRequest
from tasks.exports.text_files import write_text
from tasks.records import Tick


def write_aftereffects(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``aftereffects.txt``: anchor point, position, scale and rotation of the layer, one key for each frame.

    The composition has the size of the output. Positions count from its upper left corner, angles clockwise.
    """
    keys = read_keyframes(request)
    width, height = keys.source_px
    lines = [
        "Adobe After Effects 8.0 Keyframe Data",
        "",
        f"\tUnits Per Second\t{float(keys.rate_hz):.6g}",
        f"\tSource Width\t{width}",
        f"\tSource Height\t{height}",
        f"\tSource Pixel Aspect Ratio\t{keys.pixel_aspect:.6g}",
        f"\tComp Pixel Aspect Ratio\t{keys.pixel_aspect:.6g}",
        "",
    ]
    percent = [written(100 * scale) for scale in keys.scale]
    tables: dict[str, tuple[str, list[list[str]]]] = {
        "Anchor Point": ("X pixels\tY pixels\tZ pixels", [[written(width / 2), written(height / 2), "0"]]),
        "Position": ("X pixels\tY pixels\tZ pixels", [[written(x), written(y), "0"] for x, y in keys.middle_px]),
        "Scale": ("X percent\tY percent\tZ percent", [[size, size, "100"] for size in percent]),
        "Rotation": ("Degrees", [[written(turn)] for turn in keys.turn_deg]),
    }
    for name, (heads, rows) in tables.items():
        lines += [f"Transform\t{name}", f"\tFrame\t{heads}\t"]
        lines += ["\t".join(["", str(frame), *row, ""]) for frame, row in enumerate(rows, start=keys.first)]
        lines.append("")
    write_text(folder / "aftereffects.txt", "\n".join([*lines, "", "End of Keyframe Data"]) + "\n")
    tick(len(keys.scale))
    return {"frames": len(keys.scale), "notes": keys.notes}
