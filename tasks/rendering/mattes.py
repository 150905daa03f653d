"""The by-product of a pass that cuts a person out: the mattes, for a later pass over the same clip."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tasks.errors import OutputError, counted
from tasks.media.files.mattes_file import matte_writer
from tasks.media.output.person_frames import PersonFrame
from tasks.media.output.render_frame import Placement
from tasks.requests import MatteRequest


def write_mattes(
    request: MatteRequest, placement: Placement, frames: Iterator[PersonFrame], folder: Path
) -> dict[str, Any]:
    """Write ``mattes.zip``; facts: the number of frames, and of those that have a matte."""
    known = []
    with matte_writer(folder / "mattes.zip", placement.layout) as writer:
        for frame in frames:
            writer.write(frame.matte)
            known.append(frame.matte is not None)
    if len(known) != placement.clip.frames:
        raise OutputError(f"{folder / 'mattes.zip'}: holds {counted(len(known), 'frame')}; run again")
    return {"frames": len(known), "mattes": sum(known)}
