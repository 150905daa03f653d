"""What the outputs of a clip share: how each of its frames moves, the moved picture, and the file that it goes into."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.path import framing
from tasks.media.files.tables import matrices_of, points_of, read_json, read_table
from tasks.media.input.frame_cache import cached_frames
from tasks.media.input.frames import Frame
from tasks.media.input.prefetch import prefetched
from tasks.media.output.audio_clock import sound_source
from tasks.media.output.output_file import PictureStream
from tasks.media.output.video_writer import VideoWriter
from tasks.media.output.written_check import check_written_video
from tasks.media.planes.borders import blur_border, fill_border
from tasks.media.planes.layout import PixelLayout, Planes, clip_layout, tags_for_height
from tasks.media.planes.plane_color import plane_values
from tasks.media.planes.region import Region
from tasks.media.planes.warp import warp_planes
from tasks.media.scene.border import Origin, SceneFiles
from tasks.media.scene.clean_part import CleanPart
from tasks.records import Artifact, Clip, DecodedClip, ScenePlates, SmoothPath, read_clip

Pair = tuple[Frame, Planes]
Made = TypeVar("Made")

SCENES: Final = ("scene", "reflect")  # borders that show the background without the people
MIRRORS: Final = (*SCENES, "mirror")
LARGE_PX: Final = 1_500_000  # of a picture: encoders of several such videos decide how much memory a run takes
STABILIZED: Final = "stabilized"  # the file's name without its suffix


@dataclass(frozen=True)
class Placement:
    """How each frame of a clip is placed in the output."""

    clip: Clip
    layout: PixelLayout
    size_px: tuple[int, int]  # of the output
    target_xy: NDArray[np.float64]  # (n, 2) in the output
    to_output: Floats  # (frames, 2, 3), source to output
    anchor_xy: Floats  # (frames, 2), in the source
    time_s: Floats  # (frames,)

    @cached_property
    def own_share(self) -> Floats:
        """The share (frames,) of the output that shows the frame itself; of all frames at once, which is faster."""
        return framing.visible_area(self.to_output, self.clip.size_px, self.size_px)

    def values(self, rgb: list[int]) -> tuple[int, ...]:
        """A colour, one value a plane."""
        return plane_values(rgb, self.layout, self.clip.color, self.clip.height_px)

    def stream(self, size_px: tuple[int, int]) -> PictureStream:
        """Pictures of ``size_px`` that are made from the clip's frames, with their times."""
        clip = self.clip
        color = tags_for_height(clip.color, clip.height_px, size_px[1])
        return PictureStream(size_px, self.layout, clip.time_base, clip.rate, color, Fraction(clip.pixel_aspect))


@dataclass(frozen=True)
class Edge:
    """What fills the part of the output that the source does not cover, and how pixels are interpolated."""

    mode: str  # scene, reflect, mirror, replicate, constant or blur
    rgb: tuple[int, ...]  # for constant
    interpolation: str


class Choice(Protocol):
    """One of the values that a setting can have."""

    @property
    def value(self) -> Any: ...


class AskedBorder(Protocol):
    """The settings of the border."""

    @property
    def mode(self) -> Choice: ...
    @property
    def color(self) -> list[int]: ...


class AskedOutput(Protocol):
    """What a request for an output says of both."""

    @property
    def border(self) -> AskedBorder: ...
    @property
    def render(self) -> "AskedRender": ...


class AskedRender(Protocol):
    """The settings of the render."""

    @property
    def interpolation(self) -> Choice: ...


def edge_of(asked: AskedOutput) -> Edge:
    """The border and the interpolation that an output is asked to have; outputs with equal ones share pictures."""
    return Edge(asked.border.mode.value, tuple(asked.border.color), asked.render.interpolation.value)


class FrameScene(NamedTuple):
    """The scene of a clip, and where people hide it in one frame: (h, w), small, 255 there."""

    files: SceneFiles
    hidden: NDArray[np.uint8]


class RenderFrame:
    """A picture of the clip and how it stands in the output: moved once for all outputs that show the same border.

    ``shown`` are the borders with which some output of the pass shows every picture.
    """

    def __init__(
        self,
        picture: Frame,
        placement: Placement,
        scene: FrameScene | None = None,
        shown: frozenset[Edge] = frozenset(),
    ) -> None:
        self.picture, self.placement, self.scene, self.shown = picture, placement, scene, shown
        self._lock, self._making = Lock(), Lock()
        self._moved: dict[Edge, tuple[Planes, Origin]] = {}
        self._made: dict[Callable[[RenderFrame], object], object] = {}

    def moved(self, edge: Edge) -> Planes:
        """The whole picture, moved; not to be written to."""
        with self._lock:
            if edge not in self._moved:
                self._moved[edge] = moved(self.picture, self.placement, edge, self.scene)
                for plane in self._moved[edge][0]:
                    plane.flags.writeable = False
            return self._moved[edge][0]

    def moved_for_others(self, interpolation: str) -> Planes | None:
        """The whole picture as another output of the pass shows it anyway, with any border; None where none does."""
        edge = next((edge for edge in self.shown if edge.interpolation == interpolation), None)
        return None if edge is None else self.moved(edge)

    def once(self, make: Callable[["RenderFrame"], Made]) -> Made:
        """What ``make`` gives for this frame. Functions that are equal are called once, for all outputs."""
        with self._making:
            if make not in self._made:
                self._made[make] = make(self)
            return cast(Made, self._made[make])

    def clean_part(self, box: Region, step_px: int = 1) -> CleanPart | None:
        """The background over ``box`` of the picture, in source px; None without a plate that is trusted.

        Only every ``step_px``-th pixel is shown, 1 or an even number: see ``sparse_clean_part``.
        """
        if self.scene is None:
            return None
        border = self.scene.files.continued
        return border.clean_part(self.picture.index, self.picture.planes, self.scene.hidden, box, step_px)

    def origin(self, edge: Edge) -> Origin:
        """Where the pixels of the moved picture come from."""
        self.moved(edge)
        return self._moved[edge][1]


Frames = Iterator[RenderFrame]
FrameOutput = tuple[RenderFrame, Planes]  # and the planes of its picture in an output


def render_frames(
    source: Path,
    placement: Placement,
    *,
    cache_mb: int | None,
    scene: SceneFiles | None = None,
    shown: frozenset[Edge] = frozenset(),
) -> Frames:
    """Every picture in order, decoded as ``cached_frames`` says, with the ``scene`` that its border may show.

    ``shown`` is as in ``RenderFrame``.
    """
    pictures = cached_frames(source, placement.clip, cache_mb=cache_mb)
    if scene is None:
        yield from (RenderFrame(picture, placement, shown=shown) for picture in pictures)
        return
    for picture, hidden in zip(pictures, scene.hidden_people(), strict=True):
        yield RenderFrame(picture, placement, FrameScene(scene, hidden), shown)


class Encoding(Protocol):
    """The settings of the encoder."""

    @property
    def codec(self) -> Choice: ...
    @property
    def crf(self) -> int | None: ...
    @property
    def preset(self) -> str: ...
    @property
    def threads(self) -> int: ...


def read_placement(decoded: Artifact[DecodedClip], trajectory: Artifact[SmoothPath]) -> Placement:
    """What the decode and trajectory stages have found out."""
    clip = read_clip(decoded)
    path = read_table(trajectory.path("trajectory.parquet"))
    frame = read_json(trajectory.path("framing.json"))
    (width, height), target_xy = frame["output_size_px"], np.array(frame["targets_px"])[path["shot"]]
    matrices, anchor_xy = matrices_of(path, "to_output"), points_of(path, "anchor")
    return Placement(clip, clip_layout(clip), (width, height), target_xy, matrices, anchor_xy, path["time_s"])


def moved(picture: Frame, placement: Placement, edge: Edge, scene: FrameScene | None = None) -> tuple[Planes, Origin]:
    """The whole picture as it stands in the output, and where its pixels come from.

    The planes may be the picture's own. Without a ``scene`` every mirror is a plain one.
    """
    matrix, sited = placement.to_output[picture.index], placement.clip.color.chroma_location
    own = float(placement.own_share[picture.index])
    if scene is not None and edge.mode in SCENES:
        border = scene.files.continued if edge.mode == "scene" else scene.files.mirrored
        shown = (picture.index, picture.planes, scene.hidden)
        return border.fill(*shown, matrix, placement.size_px, own, edge.interpolation)
    planes = warp_planes(
        picture.planes,
        placement.layout,
        matrix,
        placement.size_px,
        chroma_location=sited,
        interpolation=edge.interpolation,
        border="reflect" if edge.mode in MIRRORS else "replicate",
    )
    origin = Origin(own, 0.0, 1 - own if edge.mode in MIRRORS else 0.0)
    if edge.mode == "constant":
        values = placement.values(list(edge.rgb))
        return fill_border(planes, placement.clip.size_px, placement.layout, matrix, values, sited), origin
    if edge.mode != "blur":
        return planes, origin
    black = placement.values([0, 0, 0])
    return blur_border(planes, picture.planes, placement.layout, matrix, black, sited), origin


def write_video(
    path: Path,
    placement: Placement,
    size_px: tuple[int, int],
    pairs: Iterator[Pair],
    *,
    encoding: Encoding,
    sound: Path,
    every_frame: bool,
) -> dict[str, Any]:
    """Encode ``pairs`` with their pictures' times and the sound; decoding and moving run beside it.

    The file is read back: see ``check_written_video`` for ``every_frame``. Facts: frames, size and notes.

    Every video but the stabilized one takes half of the encoder's threads: with its usual companions all encoders then
    take about as long, and one thread less of x264 takes 19 MB less for 1920x1088, at the same size and quality.
    Large ones also look fewer frames ahead, which takes 18 MB less for 1920x1088 and 0.6 to 1.1 % more bytes at the
    same PSNR: see docs/experiments/speed-render.md.
    """
    stabilized = path.stem == STABILIZED
    threads = encoding.threads if stabilized else max(encoding.threads // 2, 1)
    sink = VideoWriter(
        path,
        placement.stream(size_px),
        crf=encoding.crf,
        preset=encoding.preset,
        threads=threads,
        sound=sound_source(sound, placement.clip),
        codec=encoding.codec.value,
        hdr=placement.clip.hdr,
        short_look_ahead=not stabilized and size_px[0] * size_px[1] >= LARGE_PX,
    )
    # Without the source's pictures: those that wait need not be kept, 3 MB each of 1920x1088.
    moments = ((planes, picture.pts, picture.duration) for picture, planes in pairs)
    with sink, prefetched(moments) as ready:
        for planes, pts, duration in ready:
            sink.write(planes, pts, duration)
            del planes
    check_written_video(path, placement.clip.frames, sink.written, every_frame=every_frame)
    return {"frames": placement.clip.frames, "size_px": list(size_px), "notes": sink.notes}


def read_scene(plates: Artifact[ScenePlates], placement: Placement) -> SceneFiles:
    """What the scene stage has made."""
    clip = placement.clip
    return SceneFiles(
        plates=plates.path("plates.zip"),
        hidden=plates.path("hidden.npz"),
        camera=plates.path("camera.parquet"),
        layout=placement.layout,
        size_px=clip.size_px,
        chroma_location=clip.color.chroma_location,
    )
