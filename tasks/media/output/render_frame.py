"""What the videos of a clip share: how each of its frames moves, the moved picture, and the file that it goes into."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.media.files.tables import read_json, read_table
from tasks.media.input.frame_cache import cached_frames
from tasks.media.input.frames import Frame
from tasks.media.input.prefetch import prefetched
from tasks.media.output.audio_clock import sound_source
from tasks.media.output.output_file import check_written_video
from tasks.media.output.video_writer import VideoWriter
from tasks.media.planes.borders import blur_border, fill_border
from tasks.media.planes.layout import PixelLayout, Planes, clip_layout
from tasks.media.planes.plane_color import plane_values, tags_for_height
from tasks.media.planes.warp import warp_planes
from tasks.records import Artifact, Clip, Tick, read_clip

Floats = NDArray[np.float64]
Pair = tuple[Frame, Planes]


@dataclass(frozen=True)
class Plan:
    """What every output needs to know: the clip, its layout, and how each of its frames moves."""

    clip: Clip
    layout: PixelLayout
    size_px: tuple[int, int]  # of the output
    target_xy: tuple[float, float]  # in the output
    to_output: Floats  # (frames, 2, 3), source to output
    anchor_xy: Floats  # (frames, 2), in the source
    time_s: Floats  # (frames,)

    def values(self, rgb: list[int]) -> tuple[int, ...]:
        """A colour, one value a plane."""
        return plane_values(rgb, self.layout, self.clip.color, self.clip.height_px)


@dataclass(frozen=True)
class Edge:
    """What fills the part of the output that the source does not cover, and how pixels are interpolated."""

    mode: str  # reflect, replicate, constant or blur
    rgb: tuple[int, ...]  # for constant
    interpolation: str


class Scene:
    """A picture of the clip, and how it stands in the output: moved once for all videos that show it so."""

    def __init__(self, picture: Frame, plan: Plan) -> None:
        self.picture = picture
        self._plan = plan
        self._lock = Lock()
        self._moved: dict[Edge, Planes] = {}

    def moved(self, edge: Edge) -> Planes:
        """The whole picture, moved; not to be written to."""
        with self._lock:
            if edge not in self._moved:
                self._moved[edge] = moved(self.picture, self._plan, edge)
                for plane in self._moved[edge]:
                    plane.flags.writeable = False
            return self._moved[edge]


class Shared(Protocol):
    """One pass over the pictures for several videos: see ``sharing``."""

    def read(self, make: Callable[[], Iterator[Scene]]) -> Iterator[Scene]: ...


def scenes(source: Path, plan: Plan, *, held_mb: int | None, shared: Shared | None) -> Iterator[Scene]:
    """Every picture in order, decoded as ``frames_of`` says; with ``shared`` together with the clip's other videos."""

    def make() -> Iterator[Scene]:
        for picture in cached_frames(source, plan.clip, cache_mb=held_mb):
            yield Scene(picture, plan)

    return make() if shared is None else shared.read(make)


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


def read_plan(decoded: Artifact, trajectory: Artifact) -> Plan:
    """What the decode and trajectory stages have found out."""
    clip = read_clip(decoded)
    path = read_table(trajectory.path("trajectory.parquet"))
    frame = read_json(trajectory.path("framing.json"))
    (width, height), (x, y) = frame["output_size_px"], frame["target_px"]
    to_output = np.stack([path[f"to_output_{row}{column}"] for row in range(2) for column in range(3)], axis=1)
    anchor_xy = np.stack([path["anchor_x_px"], path["anchor_y_px"]], axis=1)
    matrices = to_output.reshape(-1, 2, 3)
    return Plan(clip, clip_layout(clip), (width, height), (x, y), matrices, anchor_xy, path["time_s"])


def moved(picture: Frame, plan: Plan, edge: Edge) -> Planes:
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
        return fill_border(planes, plan.clip.size_px, plan.layout, matrix, plan.values(list(edge.rgb)), sited)
    if edge.mode != "blur":
        return planes
    return blur_border(planes, picture.planes, plan.layout, matrix, plan.values([0, 0, 0]), sited)


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
    sink = VideoWriter(
        path,
        size_px=size_px,
        layout=plan.layout,
        time_base=plan.clip.time_base,
        rate=plan.clip.rate,
        color=tags_for_height(plan.clip.color, plan.clip.height_px, size_px[1]),
        pixel_aspect=Fraction(plan.clip.pixel_aspect),
        crf=encoding.crf,
        preset=encoding.preset,
        sound=sound_source(sound, plan.clip),
        codec=encoding.codec.value,
        hdr=plan.clip.hdr,
    )
    with sink, prefetched(pairs) as ready:
        for done, (picture, planes) in enumerate(ready, start=1):
            sink.write(planes, picture.pts, picture.duration)
            tick(done)
    check_written_video(path, plan.clip.frames)
    return {"frames": plan.clip.frames, "size_px": list(size_px), "notes": sink.notes}
