"""What is read and who is found in it: decoding, models, pose, subject, masks."""

from dataclasses import dataclass

from conf.checks import LONGEST_S, at_most, require
from conf.choices import FrameMode, MaskModel, MaskSource, PoseModel, SubjectRule

RAREST = 10_000  # frames from one look to the next: minutes, in which nobody is seen


@dataclass
class DecodeConf:
    strict: bool = False  # a file that breaks midway, or lacks frames there, is an error instead of a shorter clip
    frames: FrameMode = FrameMode.stream  # memory: decode once, hold the clip's frames for all its stages
    memory_mb: int = 2048  # memory: the most that held frames may take; a longer clip is streamed, and said so

    def __post_init__(self) -> None:
        require(self.memory_mb > 0, "decode.memory_mb", f"{self.memory_mb} MB holds no frame", "give 1 or more")


@dataclass
class ModelsConf:
    dir: str | None = None  # a folder with .task or .tflite files; null: those inside the mediapipe wheel
    download: bool = False  # fetch a missing official pose model once, checksummed, into outputs/cache/models


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
        at_most(RAREST, "pose.every", self.every, "frames")
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
        at_most(LONGEST_S, "subject.at_s", at_s, "s")
        alone = at_s is not None and point is None
        require(not alone, "subject.at_s", "a time without a point says nothing", "give subject.point=[x,y] too")


@dataclass
class MasksConf:
    model: MaskModel = MaskModel.general
    source: MaskSource = MaskSource.selfie_box  # on the person's box, on the whole frame, or the pose model's own
    fallback_fps: float | None = None  # landscape takes over when general is slower than this; null: never
    box_margin: float = 0.15  # of the box's size, added on each side
    body: bool = True  # where the pose model's own mask of the person is sure, it decides over the selfie model's
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
        fine = self.body or self.source is not MaskSource.landmarker
        require(fine, "masks.body", "masks.source=landmarker is that very mask", "choose masks.source=selfie_box")
        margin = self.box_margin
        require(0 <= margin <= 2, "masks.box_margin", f"{margin} is out of range", "give 0 to 2 (0.15 is 15 %)")
