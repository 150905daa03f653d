"""The overlay: what the program saw and did, drawn on a copy of the stabilized video."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tasks.errors import OutputError
from tasks.maths.anchor.states import ABSENT, MEASURED
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import PoseTrack
from tasks.maths.path import affine
from tasks.media.files.pose_file import read_pose
from tasks.media.files.tables import read_table
from tasks.media.output.render_frame import Edge, Frames, Pair, Placement, edge_of
from tasks.media.planes.drawing import LEAST_LABEL_PX, Brush, draw_label, make_label
from tasks.media.planes.layout import Planes
from tasks.rendering.overlay_numbers import Numbers, draw_numbers, read_numbers
from tasks.rendering.requested_video import write_requested
from tasks.requests import RenderRequest

ARM_AND_LEG: Final = (
    *((11, 13), (13, 15), (15, 17), (15, 19), (17, 19)),
    *((11, 23), (23, 25), (25, 27), (27, 29), (27, 31), (29, 31)),
)
BONES: Final = {  # pairs of landmarks
    "middle": ((11, 12), (23, 24), (7, 2), (2, 0), (0, 5), (5, 8)),
    "left": ARM_AND_LEG,
    "right": tuple((first + 1, second + 1) for first, second in ARM_AND_LEG),
}
GREY_BONE_VISIBILITY: Final = 0.5  # visibility of the less visible end below which a bone is drawn in grey
TRAIL_S: Final = 2.0  # of the anchor's path that is drawn
LABEL_HEIGHT: Final = 0.018  # of a capital, as a share of the shorter side: the line must fit into a portrait too

COLORS: Final = {
    "left": [70, 160, 255],
    "right": [255, 140, 60],
    "middle": [235, 235, 235],
    "unsure": [140, 140, 140],
    "shadow": [0, 0, 0],
    "trail": [255, 235, 110],
    "target": [255, 255, 255],
}
STATES: Final = {MEASURED: [70, 220, 110], ABSENT: [140, 140, 140]}
ESTIMATED: Final = [255, 120, 60]  # any other state: the anchor was not seen


@dataclass(frozen=True)
class Drawn:
    """What the overlay draws: arrays with one row a frame, in source pixels."""

    pose: PoseTrack
    anchor_xy: Floats  # (n, 2); NaN where the subject is away
    state: NDArray[Any]
    confidence: Floats
    shot: NDArray[np.int64]


def render_overlay(request: RenderRequest, placement: Placement, frames: Frames, folder: Path) -> dict[str, Any]:
    """Write ``overlay.mp4``: skeleton, anchor with its recent path and confidence, and target.

    Facts: frames, size and notes.
    """
    if request.offsets is None or request.subject is None:
        raise OutputError(f"{request.output}: has no pose to draw; this is a fault of the program")
    offsets = read_table(request.offsets.path("offsets.parquet"))
    away = (offsets["state"] == ABSENT)[:, None]
    anchor_xy = np.where(away, np.nan, placement.anchor_xy)
    pose = read_pose(request.subject.path("pose.parquet"))
    drawn = Drawn(pose, anchor_xy, offsets["state"], offsets["confidence"], offsets["shot"])
    edge = edge_of(request)
    pairs = drawn_pairs(frames, placement, drawn, edge, read_numbers(request))
    return write_requested(request, placement, placement.size_px, pairs, folder)


def drawn_pairs(
    frames: Frames, placement: Placement, drawn: Drawn, edge: Edge, numbers: Numbers | None
) -> Iterator[Pair]:
    """Every picture with its planes of the output, drawn on."""
    brush = Brush(placement.layout, placement.size_px, placement.clip.pixel_aspect_value)
    for frame in frames:
        planes, index = tuple(plane.copy() for plane in frame.moved(edge)), frame.picture.index
        draw_figure(brush, planes, placement, drawn, index)
        draw_lock(brush, planes, placement, drawn, index)
        write_words(planes, placement, drawn, index)
        if numbers is not None:
            draw_numbers(brush, planes, placement, numbers, index)
        yield frame.picture, planes


def draw_figure(brush: Brush, planes: Planes, placement: Placement, drawn: Drawn, frame: int) -> None:
    """Draw the skeleton: left and right in their colours, bones of low visibility in grey."""
    points = affine.apply(placement.to_output[frame], drawn.pose.xy_px[frame])
    seen = drawn.pose.visibility[frame]
    width_px = stroke_px(placement)
    lines: dict[str, list[Floats]] = {"unsure": [], **{name: [] for name in BONES}}
    for name, pairs in BONES.items():
        for pair in map(list, pairs):
            lines[name if seen[pair].min() >= GREY_BONE_VISIBILITY else "unsure"].append(points[pair])
    brush.lines(
        planes, [line for some in lines.values() for line in some], placement.values(COLORS["shadow"]), width_px + 2
    )
    for name, some in lines.items():
        brush.lines(planes, some, placement.values(COLORS[name]), width_px)


def draw_lock(brush: Brush, planes: Planes, placement: Placement, drawn: Drawn, frame: int) -> None:
    """Draw the anchor's path of the last ``TRAIL_S``, the target, and the anchor in the colour of its state."""
    width_px, matrix = stroke_px(placement), placement.to_output[frame]
    first = int(np.searchsorted(drawn.pose.time_s, drawn.pose.time_s[frame] - TRAIL_S))
    first = max(first, int(np.searchsorted(drawn.shot, drawn.shot[frame])))
    brush.lines(
        planes, [affine.apply(matrix, drawn.anchor_xy[first : frame + 1])], placement.values(COLORS["trail"]), width_px
    )
    target, reach = placement.target_xy[frame : frame + 1], 6.0 * width_px
    arms = [reach * np.array(arm) for arm in ([[-1.6, 0], [-0.7, 0]], [[0.7, 0], [1.6, 0]])]
    shape = np.array([1 / placement.clip.pixel_aspect_value, 1.0])
    arms = [target + arm * shape for arm in (*arms, *(arm[:, ::-1] for arm in arms))]
    for values, more in ((placement.values(COLORS["shadow"]), 2), (placement.values(COLORS["target"]), 0)):
        brush.rings(planes, target, values, reach, width_px + more)
        brush.lines(planes, arms, values, width_px + more)
    anchor = affine.apply(matrix, drawn.anchor_xy[frame : frame + 1])
    brush.dots(planes, anchor, placement.values(COLORS["shadow"]), 2.2 * width_px + 1)
    brush.dots(planes, anchor, placement.values(STATES.get(str(drawn.state[frame]), ESTIMATED)), 2.2 * width_px)


def write_words(planes: Planes, placement: Placement, drawn: Drawn, frame: int) -> None:
    """Write frame, time, anchor state and confidence into the lower left corner."""
    confidence = drawn.confidence[frame]
    sure = f", confidence {confidence:.2f}" if np.isfinite(confidence) else ""
    words = f"{frame}   {drawn.pose.time_s[frame]:.2f} s   {drawn.state[frame]}{sure}"
    capital_px = max(LABEL_HEIGHT * min(placement.size_px), LEAST_LABEL_PX)
    word = make_label(words, capital_px, placement.clip.pixel_aspect_value)
    corner = (0, max(placement.size_px[1] - word.ink.shape[0], 0))
    draw_label(planes, word, corner, placement.layout, placement.values([255, 255, 255]), placement.values([0, 0, 0]))


def stroke_px(placement: Placement) -> int:
    """Width of a line, by the shorter side of the output."""
    return max(round(min(placement.size_px) / 300), 1)
