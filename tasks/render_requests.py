"""What the stages are asked that make pictures, or look at them again: see ``tasks.requests``."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Protocol

from conf.enums import Device
from conf.input import MasksConf, ModelsConf, PoseConf
from conf.render import BackgroundConf, BorderConf, ComparisonConf, EncodeConf, RenderConf
from tasks.records import Artifact
from tasks.requests import UNKEYED


class Shared(Protocol):
    """One pass over a clip's pictures for several videos of it: see ``tasks.media.input.sharing``."""

    def read(self, make: Callable[[], Iterator[Any]]) -> Iterator[Any]:
        """The items of ``make()``, made by whoever needs them first."""
        ...


@dataclass(frozen=True)
class MovedRequest:
    """What every moved picture is made from."""

    stage: ClassVar[str] = "render"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = ""
    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python")
    source: Annotated[Path, UNKEYED]
    held_mb: Annotated[int | None, UNKEYED] = field(default=None, kw_only=True)  # memory for frames; None: streamed
    shared: Annotated[Shared | None, UNKEYED] = field(default=None, kw_only=True)  # with the clip's other videos
    clip: Artifact
    trajectory: Artifact
    border: BorderConf
    render: RenderConf


@dataclass(frozen=True)
class RenderRequest(MovedRequest):
    """What the videos are made from that are delivered. The background is their own where ``background`` is None."""

    encode: EncodeConf
    background: BackgroundConf | None = None
    image: Annotated[Path | None, UNKEYED] = None  # the background's picture
    image_digest: str = ""  # sha256 of its bytes
    matte: MasksConf | None = None  # with a background: how its masks are used
    masks: Artifact | None = None  # with a background


@dataclass(frozen=True)
class StabilizedRequest(RenderRequest):
    """Render ``stabilized.mp4``, and for the report ``contact.jpg`` and kymographs."""

    output: ClassVar[str] = "stabilized.mp4"
    compute: ClassVar[str] = "tasks.render:render_stabilized"


@dataclass(frozen=True)
class StabilizedInMovRequest(StabilizedRequest):
    """The same in QuickTime, where ProRes is at home."""

    output: ClassVar[str] = "stabilized.mov"


@dataclass(frozen=True)
class ComparisonRequest(RenderRequest):
    """Render ``comparison.mp4``: original left, stabilized right; and for the report what ``stabilized.mp4`` has."""

    output: ClassVar[str] = "comparison.mp4"
    compute: ClassVar[str] = "tasks.render:render_comparison"
    comparison: ComparisonConf = field(default_factory=ComparisonConf)


@dataclass(frozen=True)
class ComparisonInMovRequest(ComparisonRequest):
    """The same in QuickTime."""

    output: ClassVar[str] = "comparison.mov"


@dataclass(frozen=True)
class PersonRequest(RenderRequest):
    """Render ``person.mp4``: the person before a background."""

    output: ClassVar[str] = "person.mp4"
    compute: ClassVar[str] = "tasks.render:render_person"


@dataclass(frozen=True)
class PersonInMovRequest(PersonRequest):
    """The same in QuickTime."""

    output: ClassVar[str] = "person.mov"


@dataclass(frozen=True)
class PersonWebmRequest(RenderRequest):
    """Render ``person.webm``: the person before nothing, VP9 with opacity."""

    output: ClassVar[str] = "person.webm"
    compute: ClassVar[str] = "tasks.render:render_alpha"


@dataclass(frozen=True)
class PersonMovRequest(RenderRequest):
    """Render ``person.mov``: the person before nothing, ProRes 4444."""

    output: ClassVar[str] = "person.mov"
    compute: ClassVar[str] = "tasks.render:render_alpha"


@dataclass(frozen=True)
class PersonPngRequest(RenderRequest):
    """Render ``person_png.zip``: the person before nothing, a PNG file a frame."""

    output: ClassVar[str] = "person_png.zip"
    compute: ClassVar[str] = "tasks.render:render_alpha"


@dataclass(frozen=True)
class OverlayRequest(MovedRequest):
    """Render ``overlay.mp4``: the stabilized picture with what the program saw drawn on it."""

    output: ClassVar[str] = "overlay.mp4"
    compute: ClassVar[str] = "tasks.overlay:render_overlay"
    encode: EncodeConf
    pose: Artifact
    offsets: Artifact


@dataclass(frozen=True)
class OverlayInMovRequest(OverlayRequest):
    """The same in QuickTime."""

    output: ClassVar[str] = "overlay.mov"


@dataclass(frozen=True)
class PreviewRequest(MovedRequest):
    """Make ``preview.webp``, a small moving picture."""

    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python", "pillow")
    output: ClassVar[str] = "preview.webp"
    compute: ClassVar[str] = "tasks.preview:render_preview"


@dataclass(frozen=True)
class VerifyRequest:
    """Judge the rendered file by a fresh look at it: ``verified.json``."""

    stage: ClassVar[str] = "verify"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.verify:verify_render"
    libraries: ClassVar[tuple[str, ...]] = ("av", "mediapipe", "numpy", "opencv-python", "pyarrow")
    clip: Artifact
    pose: Artifact
    trajectory: Artifact
    rendered: Artifact  # of the stabilized video
    settings: PoseConf
    models: Annotated[ModelsConf, UNKEYED]
    model_digests: dict[str, str]
    device: Device
    min_confidence: float  # visibility below which a hip counts as missing


@dataclass(frozen=True)
class ChartsRequest:
    """Draw the charts of ``report.html``: SVG files, and ``spans.json``."""

    stage: ClassVar[str] = "render"
    output: ClassVar[str] = "report.html"
    compute: ClassVar[str] = "tasks.charts:draw_charts"
    libraries: ClassVar[tuple[str, ...]] = ("matplotlib", "numpy", "pyarrow")
    clip: Artifact
    offsets: Artifact
    trajectory: Artifact
    verified: Artifact | None = None
