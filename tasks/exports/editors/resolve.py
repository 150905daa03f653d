"""Export ``resolve``: the move as a Transform tool of Fusion, alone or inside DaVinci Resolve."""

from pathlib import Path
from typing import Any

from tasks.exports.editors.keyframes import read_keyframes
from tasks.exports.requests import ExportRequest
from tasks.exports.text_files import write_text
from tasks.maths.arrays import Floats
from tasks.records import Tick


def write_resolve(request: ExportRequest, folder: Path, tick: Tick) -> dict[str, Any]:
    """Write ``resolve.setting``, to be dragged onto the Fusion page behind the source; the first frame is 0.

    Positions are shares of the source's size from its lower left corner, angles count counter-clockwise. A Crop tool
    behind the Transform gives the size of the output, measured from the same corner.
    """
    keys = read_keyframes(request)
    places = keys.raised_px() / keys.source_px
    splines = {"X": places[:, 0], "Y": places[:, 1], "Angle": -keys.turn_deg, "Size": keys.scale}
    width, height = keys.output_px
    text = f"""{{
\tTools = ordered() {{
\t\tStillwalk = Transform {{
\t\t\tInputs = {{
\t\t\t\tCenter = Input {{ SourceOp = "StillwalkPath", Source = "Value", }},
\t\t\t\tAngle = Input {{ SourceOp = "StillwalkAngle", Source = "Value", }},
\t\t\t\tSize = Input {{ SourceOp = "StillwalkSize", Source = "Value", }},
\t\t\t\tClippingMode = Input {{ Value = FuID {{ "None" }}, }},
\t\t\t}},
\t\t\tViewInfo = OperatorInfo {{ Pos = {{ 0, 0 }} }},
\t\t}},
\t\tStillwalkCrop = Crop {{
\t\t\tInputs = {{
\t\t\t\tXSize = Input {{ Value = {width}, }},
\t\t\t\tYSize = Input {{ Value = {height}, }},
\t\t\t\tInput = Input {{ SourceOp = "Stillwalk", Source = "Output", }},
\t\t\t}},
\t\t\tViewInfo = OperatorInfo {{ Pos = {{ 110, 0 }} }},
\t\t}},
\t\tStillwalkPath = XYPath {{
\t\t\tShowKeyPoints = false,
\t\t\tInputs = {{
\t\t\t\tX = Input {{ SourceOp = "StillwalkX", Source = "Value", }},
\t\t\t\tY = Input {{ SourceOp = "StillwalkY", Source = "Value", }},
\t\t\t}},
\t\t}},
{"".join(_spline(f"Stillwalk{name}", values, keys.first) for name, values in splines.items())}\t}}
}}
"""
    write_text(folder / "resolve.setting", text)
    tick(len(keys.scale))
    return {"frames": len(keys.scale), "notes": keys.notes}


def _spline(name: str, values: Floats, first: int) -> str:
    keys = "".join(
        f"\t\t\t\t[{frame}] = {{ {value:.8f}, Flags = {{ Linear = true }} }},\n"
        for frame, value in enumerate(values, start=first)
    )
    return f"\t\t{name} = BezierSpline {{\n\t\t\tKeyFrames = {{\n{keys}\t\t\t}}\n\t\t}},\n"
