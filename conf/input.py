"""Settings of what is read from a video: decoding, models, pose, subject, masks."""

from dataclasses import dataclass

from conf.enums import FrameMode, MaskModel, MaskSource, PoseModel, SubjectRule
from conf.validation import MAX_DURATION_S, require, require_at_most, require_name

MAX_POSE_INTERVAL_FRAMES = 10_000  # minutes without a pose
MOST_TRACKED_PEOPLE = 8  # at once
MAX_PERSON_NUMBER = 999  # more than any clip has people that can be told apart


@dataclass
class DecodeConf:
    strict: bool = False
    """true: a damaged or incomplete file is an error; false: what can be decoded is used, with a warning."""
    frames: FrameMode = FrameMode.stream
    """stream: decode again for each stage; memory: decode once and keep the frames for all stages."""
    memory_mb: int = 2048
    """Memory limit in MB for frames=memory; a longer clip is streamed, with a warning."""

    def __post_init__(self) -> None:
        fact = f"{self.memory_mb} MB has no room for a frame"
        require(self.memory_mb > 0, "decode.memory_mb", fact, "give 1 or more")


@dataclass
class ModelsConf:
    dir: str | None = None
    """Folder with .task or .tflite model files; null: those that `stillwalk models` installed."""

    def __post_init__(self) -> None:
        require_name("models.dir", self.dir, "name a folder, or null for the installed models")


@dataclass
class PoseConf:
    model: PoseModel = PoseModel.full
    """Size of the pose model; `stillwalk models --extra` installs lite and heavy."""
    min_detection: float = 0.5
    """Lowest probability, 0 to 1, at which the detector reports a person."""
    min_tracking: float = 0.5
    """Lowest probability, 0 to 1, at which tracking continues; below it the detector runs again."""
    every: int = 1
    """Run the pose model on every N-th frame; torso motion carries the anchor in between."""
    smallest: float = 0.08
    """Height of the smallest people that are searched for, as a share of the frame's height."""
    people: int = 3
    """Most people that are tracked at once, 1 to 8; 1 is a little faster and keeps the first one found."""

    def __post_init__(self) -> None:
        fine = 1 <= self.people <= MOST_TRACKED_PEOPLE
        require(fine, "pose.people", f"{self.people} is out of range", f"give 1 to {MOST_TRACKED_PEOPLE}")
        fine = 0.04 <= self.smallest <= 1
        require(fine, "pose.smallest", f"{self.smallest} is out of range", "give 0.04 to 1 (0.08 is 8 %)")
        require(self.every >= 1, "pose.every", f"{self.every} is out of range", "give 1 or more")
        require_at_most(MAX_POSE_INTERVAL_FRAMES, "pose.every", self.every, "frames")
        for name in ("min_detection", "min_tracking"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"pose.{name}", f"{value} is not a probability", "give 0 to 1")


@dataclass
class SubjectConf:
    rule: SubjectRule = SubjectRule.auto
    """Whom to follow; auto: someone large, central and walking who is seen for long; all: each person in turn."""
    person: int | None = None
    """Number of the person to follow, as the report shows it; subject=2 is short for it; null: choose by rule."""
    point: list[float] | None = None
    """[x,y] in pixels or fractions of the picture: follow the person at this point; null: choose by rule."""
    at_s: float | None = None
    """Seconds after the start at which subject.point holds; null: whoever reaches the point first."""
    min_seen_s: float = 0.5
    """Seconds that somebody must be seen to count as a person; at most half of a short clip is asked for."""

    def __post_init__(self) -> None:
        point, at_s = self.point, self.at_s
        valid = point is None or (len(point) == 2 and min(point) >= 0)
        cure = "give [x,y] in pixels, or fractions such as [0.5,0.6]"
        require(valid, "subject.point", f"{point} is not a point of the picture", cure)
        person = self.person
        valid = person is None or 1 <= person <= MAX_PERSON_NUMBER
        cure = "give a number from 1, as the report shows it"
        require(valid, "subject.person", f"there is no person {person}", cure)
        both = person is not None and point is not None
        require(not both, "subject.point", "subject.person is given too", "give one of them")
        least_s = self.min_seen_s
        require(least_s >= 0, "subject.min_seen_s", f"{least_s} s is negative", "give 0 or more")
        require_at_most(MAX_DURATION_S, "subject.min_seen_s", least_s, "s")
        require(at_s is None or at_s >= 0, "subject.at_s", f"{at_s} s is negative", "give 0 or more")
        require_at_most(MAX_DURATION_S, "subject.at_s", at_s, "s")
        alone = at_s is not None and point is None
        require(not alone, "subject.at_s", "a time has no effect without a point", "give subject.point=[x,y] too")


@dataclass
class MasksConf:
    model: MaskModel = MaskModel.general
    """Selfie segmentation model."""
    source: MaskSource = MaskSource.selfie_box
    """selfie_box: segment the person's box; selfie_frame: the whole frame; landmarker: the pose model's mask."""
    fallback_fps: float | None = None
    """Use the landscape model where general is slower than this many frames per second; null: never."""
    box_margin: float = 0.15
    """Margin on each side of the person's box, as a fraction of its size."""
    body: bool = True
    """true: where the pose model's mask is certain, it overrides the selfie model's mask."""
    smoothing: bool = True
    """true: smooth the masks over time, without delay."""
    plate: bool = True
    """true: where other frames saw the background, tell the person's edge and its colours from it."""
    refine: bool = False
    """true: elsewhere, align mask edges with the picture by a joint bilateral filter."""

    def __post_init__(self) -> None:
        fps = self.fallback_fps
        fact = f"{fps} is not a number of frames per second"
        require(fps is None or fps > 0, "masks.fallback_fps", fact, "give null or more than 0")
        valid = self.body or self.source is not MaskSource.landmarker
        fact = "masks.source=landmarker uses the mask that this turns off"
        require(valid, "masks.body", fact, "choose masks.source=selfie_box")
        margin = self.box_margin
        require(0 <= margin <= 2, "masks.box_margin", f"{margin} is out of range", "give 0 to 2 (0.15 is 15 %)")
