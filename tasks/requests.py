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

from conf.demo import DemoConf
from conf.enums import Device
from conf.input import DecodeConf, MasksConf, ModelsConf, PoseConf, SubjectConf
from conf.lock import AnchorConf, CropConf, LockConf, SmoothingConf
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
    compute: ClassVar[str] = "tasks.demo.demo_video:draw_demo"
    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python", "pyarrow", "scipy")
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
    """Find everybody: ``people.parquet``, ``steps.parquet``, ``clothes.parquet``, ``looked.parquet``, ``bodies.npz``,
    and how the camera moves: ``camera.parquet``.
    """

    stage: ClassVar[str] = "pose"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.pose:estimate_pose"
    libraries: ClassVar[tuple[str, ...]] = ("av", "mediapipe", "numpy", "opencv-python", "pyarrow")
    source: Annotated[Path, UNKEYED]
    held_mb: Annotated[int | None, UNKEYED] = field(default=None, kw_only=True)  # memory for frames; None: streamed
    clip: Artifact
    settings: PoseConf
    models: Annotated[ModelsConf, UNKEYED]
    model_digests: dict[str, str]  # by name, of the models that the settings choose
    device: Device


@dataclass(frozen=True)
class SceneRequest:
    """Make the clean plates of the background: ``plates.zip``, and ``hidden.npz``, where people hide it."""

    stage: ClassVar[str] = "scene"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.scene:build_scene"
    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python", "pyarrow")
    source: Annotated[Path, UNKEYED]
    held_mb: Annotated[int | None, UNKEYED] = field(default=None, kw_only=True)  # memory for frames; None: streamed
    clip: Artifact
    found: Artifact  # everybody, and the camera's motion


@dataclass(frozen=True)
class SubjectRequest:
    """Choose whom to follow: ``pose.parquet``, ``pose.csv``, ``motion.parquet``, ``subject.json``."""

    stage: ClassVar[str] = "subject"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.subject:choose_subject"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "pyarrow")
    clip: Artifact
    found: Artifact  # everybody
    settings: SubjectConf


@dataclass(frozen=True)
class MasksRequest:
    """Segment the person: ``masks.npz``, raw probabilities at model size with their boxes."""

    stage: ClassVar[str] = "masks"
    output: ClassVar[str] = ""
    compute: ClassVar[str] = "tasks.masks:segment_person"
    libraries: ClassVar[tuple[str, ...]] = ("av", "mediapipe", "opencv-python", "numpy", "pyarrow", "scipy")
    source: Annotated[Path, UNKEYED]
    held_mb: Annotated[int | None, UNKEYED] = field(default=None, kw_only=True)  # memory for frames; None: streamed
    clip: Artifact
    found: Artifact  # everybody, with the pose model's own masks
    pose: Artifact  # of whoever is followed
    settings: MasksConf
    models: Annotated[ModelsConf, UNKEYED]
    model_digests: dict[str, str]  # by name, of the models that the settings choose
    device: Device


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
    masks: Artifact | None = None  # with anchor.masks


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
    window_px: tuple[int, int] | None = None  # width and height that all videos of a run share; None: its own


@dataclass(frozen=True)
class RoomRequest(TrajectoryRequest):
    """Find the largest window that every frame covers: ``room.json``."""

    stage: ClassVar[str] = "room"
    compute: ClassVar[str] = "tasks.trajectory:find_room"
