"""Every setting: its type, default, unit and one sentence. YAML only chooses among these.

Validation that needs no video happens in ``__post_init__`` when the composed configuration becomes objects; what
needs the picture's size is checked by ``flows.preflight`` before any work.
"""

import re
from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import Any

from omegaconf import MISSING

from tasks.errors import SettingError
from tasks.records import LANDMARKS


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


class AnchorPoint(Enum):
    auto = "auto"
    hips = "hips"
    shoulders = "shoulders"
    torso = "torso"
    head = "head"


class Away(Enum):
    hold = "hold"
    ease = "ease"
    cut = "cut"


class SubjectRule(Enum):
    auto = "auto"
    largest = "largest"
    centre = "centre"
    first = "first"


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
    replicate = "replicate"
    constant = "constant"
    blur = "blur"


class Crop(Enum):
    none = "none"
    fixed = "fixed"
    auto = "auto"
    follow = "follow"
    expand = "expand"


class Background(Enum):
    keep = "keep"
    color = "color"
    blur = "blur"
    image = "image"
    transparent = "transparent"


class AlphaFile(Enum):
    webm = "webm"
    mov = "mov"
    png = "png"


class Interpolation(Enum):
    linear = "linear"
    cubic = "cubic"
    lanczos = "lanczos"


class ComparisonLayout(Enum):
    horizontal = "horizontal"
    vertical = "vertical"


class Nobody(Enum):
    original = "original"
    color = "color"


class Output(Enum):
    stabilized = "stabilized"
    comparison = "comparison"
    person = "person"
    pose = "pose"
    masks = "masks"
    overlay = "overlay"
    preview = "preview"


class VideoCodec(Enum):
    x264 = "x264"
    x265 = "x265"
    av1 = "av1"
    nvenc = "nvenc"


class Server(Enum):
    auto = "auto"
    ephemeral = "ephemeral"


X26_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
PRESETS = {
    VideoCodec.x264: X26_PRESETS,
    VideoCodec.x265: X26_PRESETS,
    VideoCodec.av1: tuple(str(number) for number in range(14)),
    VideoCodec.nvenc: tuple(f"p{number}" for number in range(1, 8)),
}


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
    people: int = 3  # the most that are followed at once; 1: whoever is found first, a little faster

    def __post_init__(self) -> None:
        require(1 <= self.people <= 8, "pose.people", f"{self.people} is out of range", "give 1 to 8")
        require(self.every >= 1, "pose.every", f"every {self.every} frames is never", "give 1 or more")
        for name in ("min_detection", "min_tracking"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"pose.{name}", f"{value} is not a probability", "give 0 to 1")


@dataclass
class SubjectConf:
    rule: SubjectRule = SubjectRule.auto  # of several people; auto: seen long, large, near the middle, walking
    point: list[float] | None = None  # [x,y] in pixels or fractions of the picture: whoever is there; null: by rule
    at_s: float | None = None  # seconds after the beginning at which point holds; null: whoever is there first

    def __post_init__(self) -> None:
        point, at_s = self.point, self.at_s
        fine = point is None or (len(point) == 2 and min(point) >= 0)
        cure = "give [x,y] in pixels, or fractions such as [0.5,0.6]"
        require(fine, "subject.point", f"{point} is not a point of the picture", cure)
        require(at_s is None or at_s >= 0, "subject.at_s", f"{at_s} s is before the beginning", "give 0 or more")
        alone = at_s is not None and point is None
        require(not alone, "subject.at_s", "a time without a point says nothing", "give subject.point=[x,y] too")


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
    point: AnchorPoint = AnchorPoint.auto  # auto: the hips; where they are not seen, what is, without a jump
    landmarks: Any = None  # {name: weight} of landmarks whose mean is the anchor, before point
    fusion: bool = True  # join the pose with the torso's own motion from frame to frame
    crossover_hz: float | None = None  # of fusion: slower than this the pose leads; null: chosen by the clip
    trust_s: float = 1.0  # of fusion: so long the torso's motion carries the anchor without a pose
    longest_gap_s: float = 1.0  # a person not seen for longer is away, and not guessed at
    away: Away = Away.hold  # while nobody is there: hold the picture, ease back to the original frame, or cut to it
    ease_s: float = 0.5  # that a glide to rest, and back, takes

    def __post_init__(self) -> None:
        value = self.min_confidence
        require(0 <= value <= 1, "anchor.min_confidence", f"{value} is not a probability", "give 0 to 1")
        hz = self.crossover_hz
        require(hz is None or hz > 0, "anchor.crossover_hz", f"{hz} Hz is no frequency", "give null or more than 0")
        for name in ("trust_s", "longest_gap_s", "ease_s"):
            seconds = getattr(self, name)
            require(seconds >= 0, f"anchor.{name}", f"{seconds} s lies in the past", "give 0 or more")
        self._check_landmarks()

    def _check_landmarks(self) -> None:
        weights = self.landmarks  # no dict by type: OmegaConf cannot put names of the user's choice into one
        if weights is None:
            return
        cure = "give names such as left_hip with weights above 0, as in anchor.landmarks='{left_hip: 1, nose: 0.5}'"
        require(isinstance(weights, dict) and bool(weights), "anchor.landmarks", f"{weights!r} names none", cure)
        unknown = sorted(str(name) for name in set(weights) - set(LANDMARKS))
        require(not unknown, "anchor.landmarks", f"there is no {', '.join(unknown)}", cure)
        fine = all(isinstance(weight, int | float) and weight > 0 for weight in weights.values())
        require(fine, "anchor.landmarks", f"{weights} has a weight that is not above 0", cure)


@dataclass
class SmoothingConf:
    kind: Smoother = Smoother.moving  # what calms the path of the lock; all but none, without lag
    window: int = 5  # frames, odd, for moving, gaussian, savgol; partial windows at the ends
    window_s: float | None = None  # seconds: the same, at any frame rate; when given it goes before window
    cutoff_hz: float = 3.0  # for butterworth, kalman: of faster motion less than half the amplitude is left
    order: int = 2  # savgol: of its polynomial; butterworth: of the filter, which acts twice
    budget_px: float = 5.0  # for l1: how far, on each axis, the subject may be from the target for a calmer path

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
    mode: Crop = Crop.none  # follow: with the person; fixed: a part; auto: the most without a border; expand: all
    size: list[int] | None = None  # for follow: [width,height] in pixels of the window; given alone, it chooses follow
    aspect: str | None = None  # for follow: the largest window that looks so, such as 9:16; alone, it chooses follow
    window: list[int] | None = None  # for fixed: [x,y,width,height] in pixels of the stabilized picture

    def __post_init__(self) -> None:
        size, aspect, window = self.size, self.aspect, self.window
        fine = size is None or (len(size) == 2 and min(size) >= 16)
        require(fine, "crop.size", f"{size} is not a window", "give [width,height] of at least 16 pixels, or null")
        fine = aspect is None or re.fullmatch(r"\d*\.?\d*[1-9]\d*:\d*\.?\d*[1-9]\d*", aspect) is not None
        require(fine, "crop.aspect", f"{aspect!r} is no aspect ratio", "give one such as 9:16, 1:1 or 2.35:1")
        fine = window is None or (len(window) == 4 and min(window[2:]) >= 16)
        require(fine, "crop.window", f"{window} is no window", "give [x,y,width,height] of at least 16 pixels, or null")
        if self.mode is Crop.none and (size or aspect or window):
            self.mode = Crop.fixed if window else Crop.follow
        self._check_mode()

    def _check_mode(self) -> None:
        given = [name for name in ("size", "aspect", "window") if getattr(self, name) is not None]
        takes = {Crop.follow: ("size", "aspect"), Crop.fixed: ("window",)}.get(self.mode, ())
        wrong = [name for name in given if name not in takes]
        cure = "leave it out, or choose crop=follow for size or aspect, crop=fixed for window"
        require(not wrong, f"crop.{wrong[0]}" if wrong else "crop", f"crop={self.mode.value} takes none", cure)
        cure = f"give crop.{' or crop.'.join(takes)}"
        require(not takes or bool(given), "crop", f"{self.mode.value} wants to know which window", cure)
        cure = "give one of them"
        require(len(given) < 2, "crop.aspect", "crop.size is given too", cure)


@dataclass
class BorderConf:
    mode: BorderMode = BorderMode.reflect  # what fills the part of the output that the source does not cover
    color: list[int] = field(default_factory=lambda: [0, 0, 0])  # [r,g,b] for constant

    def __post_init__(self) -> None:
        color("border.color", self.color)


@dataclass
class BackgroundConf:
    mode: Background = Background.color  # what stands behind the person; keep: all of the picture
    color: list[int] = field(default_factory=lambda: [0, 177, 64])  # [r,g,b] for color; chroma green
    blur_px: float = 24.0  # for blur: standard deviation, in pixels of the output
    image: str | None = None  # for image: a picture's file; it fills the frame, what is too much cut off
    alpha: AlphaFile = AlphaFile.webm  # for transparent: person.webm (VP9), person.mov (ProRes 4444), person_png.zip
    on: list[Output] = field(default_factory=lambda: [Output.person])  # videos that get it; person else has the colour
    nobody: Nobody = Nobody.original  # what a frame without a person shows: its whole picture, or (color) none of it

    def __post_init__(self) -> None:
        color("background.color", self.color)
        blur = self.blur_px
        require(0.5 <= blur <= 500, "background.blur_px", f"{blur} px is out of range", "give 0.5 to 500")
        wanted, given = self.mode is Background.image, self.image is not None
        cure = "name a picture such as background.image=beach.jpg"
        require(given or not wanted, "background.image", "no picture was given", cure)
        cure = "add background=image, or leave the picture out"
        require(wanted or not given, "background.image", f"background={self.mode.value} uses no picture", cure)
        names = [output.value for output in self.on]
        fine = bool(names) and set(names) <= {"stabilized", "comparison", "person"}
        fact = f"{names} is not a list of videos"
        require(fine, "background.on", fact, "name some of stabilized, comparison, person")
        alone = self.mode is not Background.transparent or names == ["person"]
        require(alone, "background.on", f"{names} cannot be transparent", "give [person] with background=transparent")


@dataclass
class RenderConf:
    interpolation: Interpolation = Interpolation.cubic  # between pixels, in the one resampling of a frame


@dataclass
class EncodeConf:
    codec: VideoCodec = VideoCodec.x264  # encode=x265, av1 or nvenc chooses fitting crf and preset with it
    crf: int = 18  # constant quality on the codec's own scale; lower is better and larger
    # Of H.264's, veryfast is where time and size balance: at equal PSNR superfast takes 0.6 of its time and about a
    # fifth more space, faster 1.8 times its time and about a fifteenth less space (1920x1088, a jogger, 60 frames).
    preset: str = "veryfast"  # the codec's own word for speed against size

    def __post_init__(self) -> None:
        best, worst = (1, 63) if self.codec is VideoCodec.av1 else (0, 51)
        fact = f"{self.crf} is not on the scale of {self.codec.value}"
        cure = f"give {best} (best) to {worst}, or leave it out: encode={self.codec.value} chooses"
        require(best <= self.crf <= worst, "encode.crf", fact, cure)
        presets = PRESETS[self.codec]
        fact = f"{self.codec.value} has no {self.preset!r}"
        cure = f"choose encode={self.codec.value}, or give one of {', '.join(presets)}"
        require(self.preset in presets, "encode.preset", fact, cure)


@dataclass
class ComparisonConf:
    layout: ComparisonLayout = ComparisonLayout.horizontal  # original left of stabilized, or above it
    labels: bool = False  # write original and stabilized in the corners
    max_width: int = 1920  # pixels of the whole; wider ones are scaled down

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
            fine = 64 <= value <= 4096 and value % 2 == 0
            require(fine, f"demo.{name}", f"{value} px cannot be drawn", "give an even number from 64 to 4096")
        rate = self._rate()
        require(0 < rate <= 1000, "demo.fps", f"{self.fps!r} is no frame rate", "give 30, 59.94 or 30000/1001")
        fine = self.seconds * rate >= 1 and self.seconds <= 3600
        require(fine, "demo.seconds", f"{self.seconds} s holds no frame, or too many", "give up to 3600")
        require(
            0.01 <= abs(self.speed) <= 1, "demo.speed", f"{self.speed} is no walk", "give 0.01 to 1, or -1 to -0.01"
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
    outputs: list[Output] = field(
        default_factory=lambda: [Output.stabilized, Output.comparison, Output.person, Output.pose, Output.masks]
    )  # overlay: what was seen, drawn on a copy; preview: a small moving picture
    device: Device = Device.cpu
    server: Server = Server.auto  # auto: PREFECT_API_URL, else a healthy local server, else one for this run
    verify: bool = False  # measure the lock once more, on the rendered file, by a fresh look at it
    workers: int = 2  # stages computed at once
    target: Any = "center"  # where the hips stay: center, or [x,y] in pixels or in fractions of the output
    decode: DecodeConf = field(default_factory=DecodeConf)
    models: ModelsConf = field(default_factory=ModelsConf)
    pose: PoseConf = field(default_factory=PoseConf)
    subject: SubjectConf = field(default_factory=SubjectConf)
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
