"""What each stage is asked: one frozen dataclass a stage, naming its settings and the artifacts it takes.

A request is all that a stage's key is made of, except fields annotated ``UNKEYED`` (such as the path of a video, whose
content's digest is keyed). ``compute`` names ``module:function`` as text: a run that finds all in the cache imports no
library. The function, ``(request, folder: Path, tick: Tick) -> dict[str, Any]``, writes files into ``folder`` and gives
facts for the summary. Those of ``compute_together`` share decoded frames: see ``tasks.render``, ``tasks.passes``.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Generic, Self, TypeAlias, cast

from conf.clip import ClipConf
from conf.demo import DemoConf
from conf.enums import Device
from conf.input import DecodeConf, MasksConf, ModelsConf, PoseConf, SubjectConf
from conf.lock import AnchorConf, CropConf, LockConf, SmoothingConf
from conf.render import BackgroundConf, BorderConf, ComparisonConf, EncodeConf, OverlayConf, RenderConf
from tasks.records import (
    AnchorOffsets,
    Artifact,
    ChosenSubject,
    Content,
    CoveredWindow,
    DecodedClip,
    DownloadedVideo,
    DrawnCharts,
    DrawnDemo,
    ExportedFiles,
    FoundPeople,
    Kind,
    NumberedPeople,
    PersonMasks,
    PersonMattes,
    RenderedVideo,
    ScenePlates,
    SmoothPath,
    VerifiedLock,
)
from tasks.untrusted.corrections_file import Corrections

UNKEYED = "where the bytes lie, not what they are"  # marks a field of a request that does not shape the result


@dataclass(frozen=True)
class Request(Generic[Kind]):
    """What every request states about its stage; ``Kind`` is what its artifact holds."""

    stage: ClassVar[str]
    libraries: ClassVar[tuple[str, ...]]
    compute_together: ClassVar[str] = ""  # module:function that makes several of them in one pass
    takes_most_memory: ClassVar[bool] = False  # of all stages, where the clip is large
    at_head: ClassVar[bool] = False  # computed by the process of the command, and not kept in a shared store

    @property
    def compute(self) -> str:
        """``module:function`` that computes the stage."""
        raise NotImplementedError

    @property
    def title(self) -> str:
        """The name of the stage in a run: the delivered file, for a render."""
        return self.stage

    @property
    def by_product(self) -> "Request[Content] | None":
        """What is made on the way and kept, unless it is given; both are computed together."""
        return None

    def with_by_product(self, found: Artifact[Content]) -> Self:
        """The same request, given what the cache has of its by-product: its result does not change."""
        raise NotImplementedError


AnyRequest: TypeAlias = Request[Content]


@dataclass(frozen=True)
class FramesRequest(Request[Kind]):
    """What every request of a stage states that reads the frames of the video."""

    source: Annotated[Path, UNKEYED]
    cache_mb: Annotated[int | None, UNKEYED] = field(default=None, kw_only=True)  # of frames; None: streamed


@dataclass(frozen=True)
class DemoRequest(Request[DrawnDemo]):
    """Draw the demo walker: ``demo.mp4`` and ``truth.parquet``."""

    stage: ClassVar[str] = "demo"
    compute: ClassVar[str] = "tasks.demo.demo_video:draw_demo"
    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python", "pyarrow", "scipy")
    settings: DemoConf


@dataclass(frozen=True)
class DownloadRequest(Request[DownloadedVideo]):
    """Download an object of a store: the file ``file``. The other fields are what the store says about it."""

    stage: ClassVar[str] = "download"
    compute: ClassVar[str] = "tasks.cache.download:download_video"
    libraries: ClassVar[tuple[str, ...]] = ()
    at_head: ClassVar[bool] = True  # only there the credentials have to be
    address: str  # s3://bucket/name
    size: int  # bytes
    etag: str
    modified: str

    @property
    def file(self) -> str:
        """``video``, with the object's suffix where that is one of a plain name."""
        suffix = PurePosixPath(self.address).suffix
        return f"video{suffix if suffix[1:].isalnum() and suffix.isascii() else ''}"


@dataclass(frozen=True)
class DecodeRequest(Request[DecodedClip]):
    """Tell what the file is, ``clip.json`` (a ``Clip``), and when its frames are shown, ``frames.parquet``."""

    stage: ClassVar[str] = "decode"
    compute: ClassVar[str] = "tasks.decode:decode"
    libraries: ClassVar[tuple[str, ...]] = ("av", "pyarrow")
    source: Annotated[Path, UNKEYED]
    digest: str  # sha256 of the file's bytes
    settings: DecodeConf
    part: ClipConf = field(default_factory=ClipConf)
    by_decoding: bool = False  # its packets are known not to tell its frames (see tasks.media.input.packet_table)


@dataclass(frozen=True)
class PoseRequest(FramesRequest[FoundPeople]):
    """Find everybody: ``people.parquet``, ``steps.parquet``, ``clothes.parquet``, ``looked.parquet``, ``bodies.npz``,
    small pictures: ``portraits.zip``, how the camera moves: ``camera.parquet``, and ``repeated.parquet``.
    """

    stage: ClassVar[str] = "pose"
    compute: ClassVar[str] = "tasks.pose:estimate_pose"
    libraries: ClassVar[tuple[str, ...]] = ("av", "mediapipe", "numpy", "opencv-python", "pyarrow")
    clip: Artifact[DecodedClip]
    settings: PoseConf
    models: Annotated[ModelsConf, UNKEYED]
    model_digests: dict[str, str]  # by name, of the models that the settings choose
    device: Device


@dataclass(frozen=True)
class SceneRequest(FramesRequest[ScenePlates]):
    """Make clean plates of the background, ``plates.zip``; ``hidden.npz``: where people hide it; ``camera.parquet``."""

    stage: ClassVar[str] = "scene"
    compute: ClassVar[str] = "tasks.scene:build_scene"
    compute_together: ClassVar[str] = "tasks.passes.decode_once:decode_once"
    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python", "pyarrow")
    clip: Artifact[DecodedClip]
    found: Artifact[FoundPeople]  # everybody, and the camera's motion


@dataclass(frozen=True)
class PeopleRequest(Request[NumberedPeople]):
    """Number everybody: ``people.json``, and ``person-1.jpg``, ...: a picture of each."""

    stage: ClassVar[str] = "people"
    compute: ClassVar[str] = "tasks.people:describe_people"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "pyarrow")
    clip: Artifact[DecodedClip]
    found: Artifact[FoundPeople]
    min_seen_s: float


@dataclass(frozen=True)
class SubjectRequest(Request[ChosenSubject]):
    """Choose whom to follow: ``pose.parquet``, ``pose.csv``, ``motion.parquet``, ``subject.json``."""

    stage: ClassVar[str] = "subject"
    compute: ClassVar[str] = "tasks.subject:choose_subject"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "pyarrow")
    clip: Artifact[DecodedClip]
    found: Artifact[FoundPeople]
    settings: SubjectConf
    people: tuple[tuple[int, int], ...] = ()  # corrections: frame from which on, number of the person


@dataclass(frozen=True)
class MasksRequest(FramesRequest[PersonMasks]):
    """Segment the person: ``masks.npz``, raw probabilities at model size with their boxes."""

    stage: ClassVar[str] = "masks"
    compute: ClassVar[str] = "tasks.masks:segment_person"
    compute_together: ClassVar[str] = "tasks.passes.decode_once:decode_once"
    libraries: ClassVar[tuple[str, ...]] = ("av", "mediapipe", "opencv-python", "numpy", "pyarrow", "scipy")
    clip: Artifact[DecodedClip]
    found: Artifact[FoundPeople]  # with the pose model's own masks
    subject: Artifact[ChosenSubject]
    settings: MasksConf
    models: Annotated[ModelsConf, UNKEYED]
    model_digests: dict[str, str]  # by name, of the models that the settings choose
    device: Device
    absences: tuple[tuple[int, int], ...] = ()  # corrections: first and last frames in which nobody is cut out


@dataclass(frozen=True)
class OffsetsRequest(Request[AnchorOffsets]):
    """Find the anchor of each frame and its offset: ``offsets.parquet``, ``framing.json``, ``pose.json``."""

    stage: ClassVar[str] = "offsets"
    compute: ClassVar[str] = "tasks.offsets:measure_offsets"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "pyarrow")
    clip: Artifact[DecodedClip]
    subject: Artifact[ChosenSubject]
    settings: AnchorConf
    target: tuple[float, float] | str
    crop: CropConf
    masks: Artifact[PersonMasks] | None = None  # with anchor.masks
    corrections: Corrections = field(default_factory=Corrections)  # without those of who is followed


@dataclass(frozen=True)
class PathRequest(Request[Kind]):
    """What every request of a stage states that smooths the offsets into a path."""

    libraries: ClassVar[tuple[str, ...]] = ("numpy", "scipy", "pyarrow")
    clip: Artifact[DecodedClip]
    subject: Artifact[ChosenSubject]
    offsets: Artifact[AnchorOffsets]
    settings: SmoothingConf
    crop: CropConf
    lock: LockConf = field(default_factory=LockConf)
    target: str = ""  # auto or natural, if what is shown depends on more than the offsets; else empty
    found: Artifact[FoundPeople] | None = None  # for the camera's motion and repeated frames; None: there are none


@dataclass(frozen=True)
class TrajectoryRequest(PathRequest[SmoothPath]):
    """Smooth the offsets: ``trajectory.parquet``, ``framing.json`` and ``metrics.json``."""

    stage: ClassVar[str] = "trajectory"
    compute: ClassVar[str] = "tasks.trajectory:plan_trajectory"
    window_px: tuple[int, int] | None = None  # width and height that all videos of a run share; None: its own


@dataclass(frozen=True)
class RoomRequest(PathRequest[CoveredWindow]):
    """Find the largest window that every frame covers, or that keeps ``crop.keep``: ``room.json``."""

    stage: ClassVar[str] = "room"
    compute: ClassVar[str] = "tasks.trajectory:find_room"


@dataclass(frozen=True)
class MatteRequest(Request[PersonMattes]):
    """Tell the person from the clean plates: ``mattes.zip``. The pass that renders the first cut-out makes it."""

    stage: ClassVar[str] = "matte"
    compute: ClassVar[str] = "tasks.rendering.mattes:write_mattes"
    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python", "pyarrow")
    clip: Artifact[DecodedClip]
    masks: Artifact[PersonMasks]
    scene: Artifact[ScenePlates]
    offsets: Artifact[AnchorOffsets]  # for the anchor: neighbours in time are aligned by it
    smoothing: bool  # of the masks, as in MasksConf
    refine: bool


@dataclass(frozen=True, kw_only=True)
class RenderRequest(FramesRequest[RenderedVideo]):
    """Render one output of a video, the file ``output``.

    ``stabilized`` and ``comparison`` come with a contact sheet and kymographs for the report. ``person`` has
    ``background`` behind it, or nothing. On ``overlay`` is drawn what the program saw. ``preview.webp`` is small.
    """

    stage: ClassVar[str] = "render"
    libraries: ClassVar[tuple[str, ...]] = ("av", "numpy", "opencv-python", "pillow")
    compute_together: ClassVar[str] = "tasks.render:render_outputs"
    takes_most_memory: ClassVar[bool] = True
    output: str  # the name of the file; its ending says which container
    clip: Artifact[DecodedClip]
    trajectory: Artifact[SmoothPath]
    border: BorderConf
    render: RenderConf
    encode: EncodeConf | None = None  # of everything but the preview
    comparison: ComparisonConf | None = None  # of the comparison
    background: BackgroundConf | None = None  # None: the picture's own
    image: Annotated[Path | None, UNKEYED] = None  # the background's picture
    image_digest: str = ""  # sha256 of its bytes
    matte: MasksConf | None = None  # with a background: how its masks are used
    masks: Artifact[PersonMasks] | None = None  # with a background
    scene: Artifact[ScenePlates] | None = None  # with border=scene and reflect, and with masks.plate
    anchor: Annotated[Artifact[AnchorOffsets] | None, UNKEYED] = None  # for the mattes: the path has the same anchor
    mattes: Annotated[Artifact[PersonMattes] | None, UNKEYED] = None  # what these give, where the cache has it
    subject: Artifact[ChosenSubject] | None = None  # of the overlay
    offsets: Artifact[AnchorOffsets] | None = None  # of the overlay
    numbers: OverlayConf | None = None  # of the overlay, where it shows some
    events: Artifact[ExportedFiles] | None = None  # of the overlay, with numbers
    angles: Artifact[ExportedFiles] | None = None

    @property
    def title(self) -> str:
        return self.output

    @property
    def by_product(self) -> MatteRequest | None:
        if self.matte is None or self.masks is None or self.scene is None or self.anchor is None or self.mattes:
            return None
        return MatteRequest(self.clip, self.masks, self.scene, self.anchor, self.matte.smoothing, self.matte.refine)

    def with_by_product(self, found: Artifact[Content]) -> Self:
        return replace(self, mattes=cast(Artifact[PersonMattes], found))

    @property
    def compute(self) -> str:
        kind = self.output.partition(".")[0].partition("_")[0]
        module = kind if kind in ("overlay", "preview") else "videos"
        return f"tasks.rendering.{module}:render_{kind}"


@dataclass(frozen=True)
class VerifyRequest(Request[VerifiedLock]):
    """Measure the lock in the rendered file, by a second pose run: ``verified.json``."""

    stage: ClassVar[str] = "verify"
    compute: ClassVar[str] = "tasks.verify:verify_render"
    libraries: ClassVar[tuple[str, ...]] = ("av", "mediapipe", "numpy", "opencv-python", "pyarrow")
    clip: Artifact[DecodedClip]
    subject: Artifact[ChosenSubject]
    trajectory: Artifact[SmoothPath]
    rendered: Artifact[RenderedVideo]  # the stabilized video
    settings: PoseConf
    models: Annotated[ModelsConf, UNKEYED]
    model_digests: dict[str, str]
    device: Device
    min_confidence: float  # visibility below which a hip counts as missing


@dataclass(frozen=True)
class ChartsRequest(Request[DrawnCharts]):
    """Draw the charts of ``report.html``: SVG files, and ``spans.json``."""

    stage: ClassVar[str] = "render"
    title: ClassVar[str] = "report.html"
    compute: ClassVar[str] = "tasks.rendering.charts:draw_charts"
    libraries: ClassVar[tuple[str, ...]] = ("matplotlib", "numpy", "pyarrow")
    clip: Artifact[DecodedClip]
    subject: Artifact[ChosenSubject]
    offsets: Artifact[AnchorOffsets]
    trajectory: Artifact[SmoothPath]
    verified: Artifact[VerifiedLock] | None = None
    angles: Artifact[ExportedFiles] | None = None  # where they are exported
