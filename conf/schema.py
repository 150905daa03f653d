"""Every setting: its type, default, unit and one sentence. YAML only chooses among these.

Validation that needs no video happens in ``__post_init__`` when the composed configuration becomes objects; what
needs the picture's size is checked by ``flows.preflight`` before any work.
"""

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Any

from omegaconf import MISSING

from tasks.errors import SettingError


class Device(Enum):
    cpu = "cpu"
    gpu = "gpu"
    auto = "auto"


class FrameMode(Enum):
    stream = "stream"
    memory = "memory"


class PoseModel(Enum):
    lite = "lite"
    full = "full"
    heavy = "heavy"


class MaskModel(Enum):
    general = "general"
    landscape = "landscape"


class MaskSource(Enum):
    selfie_box = "selfie_box"
    selfie_frame = "selfie_frame"
    landmarker = "landmarker"


class AnchorMethod(Enum):
    simple = "simple"
    weighted = "weighted"


class Smoother(Enum):
    moving = "moving"
    gaussian = "gaussian"
    savgol = "savgol"
    butterworth = "butterworth"
    kalman = "kalman"
    l1 = "l1"
    none = "none"


class BorderMode(Enum):
    reflect = "reflect"
    constant = "constant"


class Interpolation(Enum):
    linear = "linear"
    cubic = "cubic"
    lanczos = "lanczos"


class Nobody(Enum):
    original = "original"
    color = "color"


class Output(Enum):
    stabilized = "stabilized"
    comparison = "comparison"
    person = "person"
    pose = "pose"
    masks = "masks"


class Server(Enum):
    auto = "auto"
    ephemeral = "ephemeral"


def require(truth: bool, setting: str, fact: str, cure: str) -> None:
    """Raise a ``SettingError`` of one line that names the setting, the fact and the cure, unless ``truth``."""
    if not truth:
        raise SettingError(f"{setting}: {fact}; {cure}")


def color(setting: str, value: list[int]) -> None:
    """Require an ``[r,g,b]`` of bytes."""
    fine = len(value) == 3 and all(0 <= part <= 255 for part in value)
    require(fine, setting, f"{value} is not a colour", "give [r,g,b], each from 0 to 255")


@dataclass
class DecodeConf:
    strict: bool = False  # a file that breaks midway is an error instead of a shorter clip
    frames: FrameMode = FrameMode.stream  # memory: decode once, hold the clip's frames for all its stages
    memory_mb: int = 2048  # memory: the most that held frames may take; a longer clip is streamed, and said so

    def __post_init__(self) -> None:
        require(self.memory_mb > 0, "decode.memory_mb", f"{self.memory_mb} MB holds no frame", "give 1 or more")


@dataclass
class ModelsConf:
    dir: str | None = None  # a folder with .task or .tflite files; null: those inside the mediapipe wheel
    download: bool = False  # fetch a missing official pose model once, checksummed, into the cache


@dataclass
class PoseConf:
    model: PoseModel = PoseModel.full  # full is inside the wheel; lite and heavy need models.dir or models.download
    min_detection: float = 0.5  # probability: below it the detector sees nobody
    min_tracking: float = 0.5  # probability: below it the tracker gives up and detection runs again
    every: int = 1  # frames: the model looks at every N-th one; between them the torso's motion carries

    def __post_init__(self) -> None:
        require(self.every >= 1, "pose.every", f"every {self.every} frames is never", "give 1 or more")
        for name in ("min_detection", "min_tracking"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"pose.{name}", f"{value} is not a probability", "give 0 to 1")


@dataclass
class MasksConf:
    model: MaskModel = MaskModel.general
    source: MaskSource = MaskSource.selfie_box  # on the person's box, on the whole frame, or the pose model's own
    fallback_fps: float | None = None  # landscape takes over when general is slower than this; null: never
    box_margin: float = 0.15  # of the box's size, added on each side
    smoothing: bool = True  # over time, without lag
    refine: bool = False  # joint bilateral filter, the frame as its guide

    def __post_init__(self) -> None:
        fallback = self.fallback_fps
        require(
            fallback is None or fallback > 0,
            "masks.fallback_fps",
            f"{fallback} is no speed",
            "give null or > 0",
        )
        margin = self.box_margin
        require(0 <= margin <= 2, "masks.box_margin", f"{margin} is out of range", "give 0 to 2 (0.15 is 15 %)")


@dataclass
class AnchorConf:
    method: AnchorMethod = AnchorMethod.simple  # mean of the two hips, or weighted by their visibility
    min_confidence: float = 0.5  # visibility below which a hip counts as missing
    interpolate: bool = True  # bridge gaps by straight lines; false: hold the last point

    def __post_init__(self) -> None:
        value = self.min_confidence
        require(0 <= value <= 1, "anchor.min_confidence", f"{value} is not a probability", "give 0 to 1")


@dataclass
class SmoothingConf:
    kind: Smoother = Smoother.moving  # what calms the path of the lock; all but none, without lag
    window: int = 5  # frames, odd, for moving, gaussian, savgol; partial windows at the ends
    window_s: float | None = None  # seconds: the same, at any frame rate; when given it goes before window
    cutoff_hz: float = 3.0  # for butterworth, kalman: of faster motion less than half the amplitude is left
    order: int = 2  # savgol: of its polynomial; butterworth: of the filter, which acts twice
    budget_px: float = 10.0  # for l1: how far, on each axis, the subject may be from the target for a calmer path

    def __post_init__(self) -> None:
        fact = f"{self.window} is not an odd number of frames of at least 1"
        require(self.window >= 1 and self.window % 2 == 1, "smoothing.window", fact, "give 1, 3, 5, ...")
        seconds = self.window_s
        fine = seconds is None or 0 < seconds < float("inf")
        require(fine, "smoothing.window_s", f"{seconds} s is no length of time", "give null or more than 0")
        cutoff = self.cutoff_hz
        fact = f"{cutoff} Hz is no frequency"
        require(0 < cutoff < float("inf"), "smoothing.cutoff_hz", fact, "give more than 0, such as 3")
        require(1 <= self.order <= 8, "smoothing.order", f"{self.order} is out of range", "give 1 to 8")
        budget = self.budget_px
        fact = f"{budget} px is no distance"
        require(0 <= budget < float("inf"), "smoothing.budget_px", fact, "give 0 or more")


@dataclass
class LockConf:
    """How strictly the subject is held."""

    x: float = 1.0  # strength across, 0 to 1: 1 locks, 0 holds the frame still, the subject at the target on the whole
    y: float = 1.0  # strength up and down, the same
    dead_zone_px: float = 0.0  # pixels from the target, on each axis, that the subject may go before the frame follows
    max_speed_px_s: float | None = None  # pixels a second, on each axis, that the frame moves at most; null: no limit
    scale: bool = False  # hold the size too: who comes nearer stays as large as in the median frame
    roll: bool = False  # hold upright: what the body leans for seconds is taken as the camera's tilt, and undone

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"lock.{name}", f"{value} is no strength", "give 0 (still frame) to 1 (locked)")
        zone = self.dead_zone_px
        require(0 <= zone < float("inf"), "lock.dead_zone_px", f"{zone} px is no distance", "give 0 or more")
        speed = self.max_speed_px_s
        fine = speed is None or 0 <= speed < float("inf")
        require(fine, "lock.max_speed_px_s", f"{speed} px/s is no speed", "give 0 or more, or null for no limit")


@dataclass
class CropConf:
    size: list[int] | None = None  # [width,height] in pixels of a window that follows the person; null: whole frame

    def __post_init__(self) -> None:
        size = self.size
        fine = size is None or (len(size) == 2 and min(size) >= 16)
        require(fine, "crop.size", f"{size} is not a window", "give [width,height] of at least 16 pixels, or null")


@dataclass
class BorderConf:
    mode: BorderMode = BorderMode.reflect  # what fills the part of the output that the source does not cover
    color: list[int] = field(default_factory=lambda: [0, 0, 0])  # [r,g,b] for constant

    def __post_init__(self) -> None:
        color("border.color", self.color)


@dataclass
class BackgroundConf:
    color: list[int] = field(default_factory=lambda: [0, 177, 64])  # [r,g,b] behind the person; chroma green
    nobody: Nobody = Nobody.original  # what a frame without a person shows: its whole picture, or the colour alone

    def __post_init__(self) -> None:
        color("background.color", self.color)


@dataclass
class RenderConf:
    interpolation: Interpolation = Interpolation.cubic  # between pixels, in the one resampling of a frame


@dataclass
class EncodeConf:
    crf: int = 18  # x264's constant rate factor; lower is better and larger
    preset: str = "veryfast"  # x264's speed against size

    def __post_init__(self) -> None:
        require(
            0 <= self.crf <= 51,
            "encode.crf",
            f"{self.crf} is out of range",
            "give 0 to 51; 18 looks lossless",
        )
        presets = (
            "ultrafast",
            "superfast",
            "veryfast",
            "faster",
            "fast",
            "medium",
            "slow",
            "slower",
            "veryslow",
        )
        require(self.preset in presets, "encode.preset", f"x264 has no {self.preset!r}", f"give one of {presets}")


@dataclass
class ComparisonConf:
    max_width: int = 1920  # pixels of the whole side-by-side; wider ones are scaled down

    def __post_init__(self) -> None:
        fact = f"{self.max_width} is too narrow"
        require(self.max_width >= 64, "comparison.max_width", fact, "give 64 pixels or more")


@dataclass
class DemoConf:
    """The drawn walker of ``video=demo``."""

    width: int = 960  # pixels, even
    height: int = 540  # pixels, even
    seconds: float = 6.0
    fps: str = "30"  # frames per second, a fraction such as 30000/1001 allowed
    speed: float = 0.2  # of the frame's width per second over the ground; negative: leftwards
    person: float = 0.63  # the person's height, as a share of the frame's
    heading_deg: float = 0.0  # 0: across the picture, 90: towards the camera
    turn_deg_s: float = 0.0  # change of the heading, degrees per second
    lean_deg: float = 0.0  # amplitude of the trunk's leaning forward and back, degrees
    limp: float = 0.0  # 0 even .. 1 strong
    shake_px: float = 3.0  # rms of the hand-held camera's shake, at 960 px width
    cut_above_hips: bool = False  # the camera looks up: the hips lie below the picture
    pole_s: float = 0.0  # seconds that the hips pass behind a post, halfway
    away_s: float = 0.0  # seconds that the walker is out of the picture, halfway
    crossing: bool = False  # a second person crosses in front, halfway
    seed: int = 1

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            require(value >= 64 and value % 2 == 0, f"demo.{name}", f"{value} px cannot be drawn", "give an even >= 64")
        rate = self._rate()
        require(rate > 0, "demo.fps", f"{self.fps!r} is no frame rate", "give 30, 59.94 or 30000/1001")
        require(self.seconds * rate >= 1, "demo.seconds", f"{self.seconds} s holds no frame", "give a longer time")
        require(
            abs(self.speed) >= 0.01, "demo.speed", f"{self.speed} is no walk", "give 0.01 or more, or -0.01 or less"
        )
        require(0.1 <= self.person <= 3, "demo.person", f"{self.person} is out of range", "give 0.1 to 3")
        require(0 <= self.limp <= 1, "demo.limp", f"{self.limp} is out of range", "give 0 to 1")
        require(abs(self.lean_deg) <= 45, "demo.lean_deg", f"{self.lean_deg} is out of range", "give 0 to 45")
        for name in ("shake_px", "pole_s", "away_s", "seed"):
            value = getattr(self, name)
            require(value >= 0, f"demo.{name}", f"{value} is negative", "give 0 or more")

    def _rate(self) -> Fraction:
        try:
            return Fraction(self.fps)
        except (ValueError, ZeroDivisionError):
            return Fraction(0)


@dataclass
class Config:
    """The whole configuration; ``stillwalk --help`` prints it."""

    video: Any = MISSING  # a file, a glob, a folder, a list of these, or demo
    output_dir: str = "outputs"  # deliverables go to output_dir/<video name>/
    cache_dir: str | None = None  # finished stages; null: .cache/ in output_dir
    outputs: list[Output] = field(default_factory=lambda: list(Output))
    device: Device = Device.cpu
    server: Server = Server.auto  # auto: PREFECT_API_URL, else a healthy local server, else one for this run
    verify: bool = False  # measure the lock once more, on the rendered file, by a fresh look at it
    workers: int = 2  # stages computed at once
    target: Any = "center"  # where the hips stay: center, or [x,y] in pixels or in fractions of the output
    decode: DecodeConf = field(default_factory=DecodeConf)
    models: ModelsConf = field(default_factory=ModelsConf)
    pose: PoseConf = field(default_factory=PoseConf)
    masks: MasksConf = field(default_factory=MasksConf)
    anchor: AnchorConf = field(default_factory=AnchorConf)
    smoothing: SmoothingConf = field(default_factory=SmoothingConf)
    lock: LockConf = field(default_factory=LockConf)
    crop: CropConf = field(default_factory=CropConf)
    border: BorderConf = field(default_factory=BorderConf)
    background: BackgroundConf = field(default_factory=BackgroundConf)
    render: RenderConf = field(default_factory=RenderConf)
    encode: EncodeConf = field(default_factory=EncodeConf)
    comparison: ComparisonConf = field(default_factory=ComparisonConf)
    demo: DemoConf = field(default_factory=DemoConf)

    def __post_init__(self) -> None:
        require(self.workers >= 1, "workers", f"{self.workers} workers do nothing", "give 1 or more")
        require(bool(self.outputs), "outputs", "the list is empty", f"name some of {[o.value for o in Output]}")
