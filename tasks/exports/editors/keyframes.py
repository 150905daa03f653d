"""The move of a video for an editor: where the middle of the picture lies, how large it is, and how it is turned."""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from tasks.exports.requests import ExportRequest
from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.media.files.tables import matrices_of, read_json, read_table
from tasks.records import read_clip

DIGITS = 5  # behind the point: with it the corners of a picture 4096 px wide are off by 0.03 px at most


class Keyframes(NamedTuple):
    """One key for each frame. Positions count from the upper left corner of the output, in px, y down."""

    middle_px: Floats  # (n, 2) of the source's picture
    scale: Floats  # (n,) 1: as large as the source
    turn_deg: Floats  # (n,) clockwise
    source_px: tuple[int, int]  # width, height
    output_px: tuple[int, int]
    rate_hz: Fraction
    first: int  # number of the first key's frame in the file
    file_frames: int  # of the whole file, of which the keys may cover a part
    pixel_aspect: float
    notes: list[str]

    def raised_px(self) -> Floats:
        """The middle (n, 2) from the lower left corner, y up."""
        return np.stack([self.middle_px[:, 0], self.output_px[1] - self.middle_px[:, 1]], axis=1)


def read_keyframes(request: ExportRequest) -> Keyframes:
    """The keys of a trajectory, with a note where an editor may show the frames at other times than the file."""
    clip = read_clip(request.clip)
    path = read_table(request.file(request.trajectory, "trajectory.parquet"))
    matrices = matrices_of(path, "to_output")
    width, height = read_json(request.file(request.trajectory, "framing.json"))["output_size_px"]
    middle = (np.array(clip.size_px) - 1) / 2
    aspect = clip.pixel_aspect_value
    notes = []
    if clip.variable_rate:
        fact = f"exports: {request.export} has one key for each frame of the file, whose frames are uneven"
        notes = [f"{fact}; in an editor with an even rate use the keys with stabilized.mp4's own times"]
    return Keyframes(
        affine.apply(matrices, np.broadcast_to(middle, (len(matrices), 2))) + 0.5,
        affine.length_scale(matrices),
        np.rad2deg(np.arctan2(matrices[:, 1, 0] / aspect, matrices[:, 0, 0])),
        clip.size_px,
        (width, height),
        clip.rate,
        clip.skipped,
        clip.skipped + len(matrices) + clip.skipped_after,
        aspect,
        notes,
    )


def written(value: float) -> str:
    """A number as the files hold it."""
    return f"{value:.{DIGITS}f}"


def joined(values: Iterable[float]) -> str:
    """Numbers with spaces between them."""
    return " ".join(map(written, values))
