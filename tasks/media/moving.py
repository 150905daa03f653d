"""What the videos of a clip share: how each of its frames moves, the moved picture, and the file that it goes into."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.media.frames import Picture
from tasks.media.layout import PixelLayout, Planes, layout_of
from tasks.media.plane_color import plane_values, tags_at
from tasks.media.prefetch import prefetched
from tasks.media.sink import VideoSink, verify_video
from tasks.media.soften import blur_beyond, color_beyond
from tasks.media.tables import read_json, read_table
from tasks.media.warp import warp_planes
from tasks.records import Artifact, Clip, Tick, read_clip

Floats = NDArray[np.float64]
Pair = tuple[Picture, Planes]


@dataclass(frozen=True)
class Plan:
    """What every output needs to know: the clip, its layout, and how each of its frames moves."""

    clip: Clip
    layout: PixelLayout
    size_px: tuple[int, int]  # of the output
    target_xy: tuple[float, float]  # in the output
    to_output: Floats  # (frames, 2, 3), source to output
    anchor_xy: Floats  # (frames, 2), in the source

    def values(self, rgb: list[int]) -> tuple[int, ...]:
        """A colour, one value a plane."""
        return plane_values(rgb, self.layout, self.clip.color, self.clip.height_px)


class Codec(Protocol):
    """An encoder's name."""

    @property
    def value(self) -> Any: ...


class Encoding(Protocol):
    """The settings of the encoder."""

    @property
    def codec(self) -> Codec: ...
    @property
    def crf(self) -> int | None: ...
    @property
    def preset(self) -> str: ...


@dataclass(frozen=True)
class Edge:
    """What fills the part of the output that the source does not cover, and how pixels are interpolated."""

    mode: str  # reflect, replicate, constant or blur
    rgb: list[int]  # for constant
    interpolation: str


def read_plan(decoded: Artifact, trajectory: Artifact) -> Plan:
    """What the decode and trajectory stages have found out."""
    clip = read_clip(decoded)
    path = read_table(trajectory.path("trajectory.parquet"))
    frame = read_json(trajectory.path("framing.json"))
    (width, height), (x, y) = frame["output_size_px"], frame["target_px"]
    to_output = np.stack([path[f"to_output_{row}{column}"] for row in range(2) for column in range(3)], axis=1)
    anchor_xy = np.stack([path["anchor_x_px"], path["anchor_y_px"]], axis=1)
    return Plan(clip, layout_of(clip), (width, height), (x, y), to_output.reshape(-1, 2, 3), anchor_xy)


def moved(picture: Picture, plan: Plan, edge: Edge) -> Planes:
    """The whole picture as it stands in the output; the planes may be the picture's own."""
    matrix, sited = plan.to_output[picture.index], plan.clip.color.chroma_location
    planes = warp_planes(
        picture.planes,
        plan.layout,
        matrix,
        plan.size_px,
        chroma_location=sited,
        interpolation=edge.interpolation,
        border="reflect" if edge.mode == "reflect" else "replicate",
    )
    if edge.mode == "constant":
        return color_beyond(planes, plan.clip.size_px, plan.layout, matrix, plan.values(edge.rgb), sited)
    if edge.mode != "blur":
        return planes
    return blur_beyond(planes, picture.planes, plan.layout, matrix, plan.values([0, 0, 0]), sited)


def write_video(
    path: Path,
    plan: Plan,
    size_px: tuple[int, int],
    pairs: Iterator[Pair],
    tick: Tick,
    *,
    encoding: Encoding,
    sound: Path,
) -> dict[str, Any]:
    """Encode ``pairs`` with their pictures' times and the sound; decoding and moving run beside it.

    The file is opened and counted. Facts: frames, size and notes.
    """
    sink = VideoSink(
        path,
        size_px=size_px,
        layout=plan.layout,
        time_base=plan.clip.time_base,
        rate=plan.clip.rate,
        color=tags_at(plan.clip.color, plan.clip.height_px, size_px[1]),
        pixel_aspect=Fraction(plan.clip.pixel_aspect),
        crf=encoding.crf,
        preset=encoding.preset,
        sound=sound,
        codec=encoding.codec.value,
        hdr=plan.clip.hdr,
    )
    with sink, prefetched(pairs) as ready:
        for done, (picture, planes) in enumerate(ready, start=1):
            sink.write(planes, picture.pts, picture.duration)
            tick(done)
    verify_video(path, plan.clip.frames)
    return {"frames": plan.clip.frames, "size_px": list(size_px), "notes": sink.notes}
