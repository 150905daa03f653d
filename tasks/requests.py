"""What each stage is asked: one frozen dataclass a stage, naming its settings and the artifacts it takes.

A request is all that a stage's key is made of, but for fields annotated ``UNKEYED`` (the path of a video whose content
digest is keyed through its ``decode`` artifact). ``compute`` names ``module:function`` as text, so that a run served
from the cache imports none of the libraries that computing needs. The function has the signature
``(request, folder: Path, tick: Tick) -> dict[str, Any]``: it writes the files named in ``folder`` and returns facts
for the summary.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, ClassVar, Protocol

from conf.schema import (
    AnchorConf,
    BackgroundConf,
    BorderConf,
    ComparisonConf,
    CropConf,
    DecodeConf,
    DemoConf,
    Device,
    EncodeConf,
    LockConf,
    MasksConf,
    ModelsConf,
    PoseConf,
    PoseModel,
    RenderConf,
    SmoothingConf,
    SubjectConf,
)
from tasks.records import Artifact

UNKEYED = "where the bytes lie, not what they are"
"""Marks a field of a request that does not shape the result."""


class Request(Protocol):
    """What every request states about its stage."""

    stage: ClassVar[str]
    output: ClassVar[str]  # the deliverable a render makes; empty for the others
    compute: ClassVar[str]
    libraries: ClassVar[tuple[str, ...]]


@dataclass(frozen=True)
class DemoRequest:
    """Draw the demo walker: ``demo.mp4`` and ``truth.parquet``."""

    stage: ClassVar[str] = "demo"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.demo:draw_demo"
    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python")
    settings: DemoConf


@dataclass(frozen=True)
class DecodeRequest:
    """Decode the file once: ``clip.json`` (a ``Clip``) and ``frames.parquet``."""

    stage: ClassVar[str] = "decode"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.decode:decode"
    libraries: ClassVar[tuple[str, ...]] = ("av", "pyarrow")
    source: Annotated[Path, UNKEYED]
    digest: str  # sha256 of the file's bytes
    settings: DecodeConf


@dataclass(frozen=True)
class PoseRequest:
    """Find everybody: ``people.parquet``, ``steps.parquet``, ``clothes.parquet``, ``looked.parquet``."""

    stage: ClassVar[str] = "pose"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.pose:estimate_pose"
    libraries: ClassVar[tuple[str, ...]] = ("av", "mediapipe", "opencv-python", "pyarrow")
    source: Annotated[Path, UNKEYED]
    held_mb: Annotated[int | None, UNKEYED] = field(default=None, kw_only=True)  # memory for frames; None: streamed
    clip: Artifact
    settings: PoseConf
    models: Annotated[ModelsConf, UNKEYED]
    model_digests: dict[str, str]  # by name, of the models that the settings choose
    device: Device


@dataclass(frozen=True)
class SubjectRequest:
    """Choose whom to follow: ``pose.parquet``, ``pose.csv``, ``motion.parquet``, ``subject.json``."""

    stage: ClassVar[str] = "subject"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.subject:choose_subject"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "pyarrow")
    clip: Artifact
    pose: Artifact
    settings: SubjectConf


@dataclass(frozen=True)
class MasksRequest:
    """Segment the person: ``masks.npz``, raw probabilities at model size with their boxes."""

    stage: ClassVar[str] = "masks"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.masks:segment_person"
    libraries: ClassVar[tuple[str, ...]] = ("av", "mediapipe", "opencv-python", "numpy", "pyarrow")
    source: Annotated[Path, UNKEYED]
    held_mb: Annotated[int | None, UNKEYED] = field(default=None, kw_only=True)  # memory for frames; None: streamed
    clip: Artifact
    pose: Artifact
    settings: MasksConf
    models: Annotated[ModelsConf, UNKEYED]
    model_digests: dict[str, str]  # by name, of the models that the settings choose
    device: Device
    pose_model: PoseModel  # whose mask is taken with masks.source=landmarker


@dataclass(frozen=True)
class OffsetsRequest:
    """Find the anchor a frame and its offset to the target: ``offsets.parquet``, ``framing.json``, ``pose.json``."""

    stage: ClassVar[str] = "offsets"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.offsets:measure_offsets"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "pyarrow")
    clip: Artifact
    pose: Artifact
    settings: AnchorConf
    target: tuple[float, float] | str
    crop: CropConf


@dataclass(frozen=True)
class TrajectoryRequest:
    """Smooth the offsets: ``trajectory.parquet``, ``framing.json`` and ``metrics.json``."""

    stage: ClassVar[str] = "trajectory"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.trajectory:plan_trajectory"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "pyarrow")
    clip: Artifact
    pose: Artifact
    offsets: Artifact
    settings: SmoothingConf
    crop: CropConf
    lock: LockConf = field(default_factory=LockConf)


@dataclass(frozen=True)
class MovedRequest:
    """What every moved picture is made from."""

    stage: ClassVar[str] = "render"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = ""
    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python")
    source: Annotated[Path, UNKEYED]
    held_mb: Annotated[int | None, UNKEYED] = field(default=None, kw_only=True)  # memory for frames; None: streamed
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
    """Render ``stabilized.mp4``, and ``contact.jpg`` for the report."""

    output: ClassVar[str] = "stabilized.mp4"
    compute: ClassVar[str] = "tasks.render:render_stabilized"


@dataclass(frozen=True)
class ComparisonRequest(RenderRequest):
    """Render ``comparison.mp4``: original left, stabilized right."""

    output: ClassVar[str] = "comparison.mp4"
    compute: ClassVar[str] = "tasks.render:render_comparison"
    comparison: ComparisonConf = field(default_factory=ComparisonConf)


@dataclass(frozen=True)
class PersonRequest(RenderRequest):
    """Render ``person.mp4``: the person before a background."""

    output: ClassVar[str] = "person.mp4"
    compute: ClassVar[str] = "tasks.render:render_person"


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
class PreviewRequest(MovedRequest):
    """Make ``preview.webp``, a small moving picture."""

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
