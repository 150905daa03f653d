"""Export ``nuke``: the move as a Transform node, and a Reformat node for the size of the output."""

from pathlib import Path
from typing import Any

from tasks.exports.editors.keyframes import joined, read_keyframes
from tasks.exports.requests import ExportRequest
from tasks.exports.text_files import write_text
from tasks.records import Tick

FIRST_FRAME = 1  # Nuke gives this number to the first frame of a movie


def write_nuke(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``nuke.nk``, to be pasted into a script under the Read node of the source.

    Positions count from the lower left corner, angles counter-clockwise. The Reformat node keeps that corner in place.
    """
    keys = read_keyframes(request)
    (width, height), (out_width, out_height) = keys.source_px, keys.output_px
    shift_px = keys.raised_px() - [width / 2, height / 2]
    first = f"curve x{FIRST_FRAME + keys.first}"
    text = f"""Transform {{
 translate {{{{{first} {joined(shift_px[:, 0])}}} {{{first} {joined(shift_px[:, 1])}}}}}
 rotate {{{{{first} {joined(-keys.turn_deg)}}}}}
 scale {{{{{first} {joined(keys.scale)}}}}}
 center {{{width / 2} {height / 2}}}
 filter Cubic
 name Stillwalk
}}
Reformat {{
 type "to box"
 box_width {out_width}
 box_height {out_height}
 box_fixed true
 resize none
 center false
 black_outside true
 name StillwalkSize
}}
"""
    write_text(folder / "nuke.nk", text)
    tick(len(keys.scale))
    return {"frames": len(keys.scale), "notes": keys.notes}
