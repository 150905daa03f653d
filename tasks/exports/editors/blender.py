"""Export ``blender``: a script that puts the source into Blender's Video Sequencer and moves it."""

from pathlib import Path
from typing import Any

import numpy as np

from tasks.exports.editors.keyframes import joined, read_keyframes
from tasks.exports.requests import ExportRequest
from tasks.exports.text_files import write_text
from tasks.records import Tick

SCRIPT = """# Made by Stillwalk. In Blender: Scripting, open this file, name the video in SOURCE, and run it.
import bpy

SOURCE = "//walk.mp4"  # // is the folder of the .blend file
RATE = {rate}
FIRST = {first}  # frame of the video that has the first key, counted from 1
SIZE = {size}
# For each frame: offset to the right and up in pixels, scale, and rotation counter-clockwise in radians.
KEYS = [
{keys}
]

scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = SIZE
scene.render.resolution_percentage = 100
scene.render.fps = round(RATE)
scene.render.fps_base = round(RATE) / RATE
scene.frame_start, scene.frame_end = FIRST, FIRST + len(KEYS) - 1
editor = scene.sequence_editor or scene.sequence_editor_create()
strips = editor.strips if hasattr(editor, "strips") else editor.sequences  # renamed in Blender 4.4
strip = strips.new_movie("Stillwalk", bpy.path.abspath(SOURCE), 1, 1, fit_method="ORIGINAL")
for frame, (right, up, scale, rotation) in enumerate(KEYS, start=FIRST):
    values = dict(offset_x=right, offset_y=up, scale_x=scale, scale_y=scale, rotation=rotation)
    for name, value in values.items():
        setattr(strip.transform, name, value)
        strip.transform.keyframe_insert(name, frame=frame)
"""


def write_blender(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``blender.py``. Offsets count from the middle of the output, angles counter-clockwise."""
    keys = read_keyframes(request)
    offset_px = keys.raised_px() - np.array(keys.output_px) / 2
    columns = np.column_stack([offset_px, keys.scale, -np.deg2rad(keys.turn_deg)])
    rows = "\n".join(f"    ({joined(row).replace(' ', ', ')})," for row in columns)
    text = SCRIPT.format(rate=f"{float(keys.rate_hz):.9g}", size=keys.output_px, keys=rows, first=keys.first + 1)
    write_text(folder / "blender.py", text)
    tick(len(keys.scale))
    return {"frames": len(keys.scale), "notes": keys.notes}
