"""What flows between the stages: frozen records of paths, digests and small numbers, never arrays.

Coordinate spaces: ``source`` is the upright input picture, ``output`` the stabilized one, ``model`` a network's
input. Points are ``(x, y)`` in pixels with the centre of the first pixel at ``(0, 0)``, sizes are ``(width, height)``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, Generic, TypeAlias, TypeVar

from tasks.untrusted.json_file import read_object

LANDMARKS: tuple[str, ...] = (
    "nose",
    "left_eye_inner",
    "left_eye",
    "left_eye_outer",
    "right_eye_inner",
    "right_eye",
    "right_eye_outer",
    "left_ear",
    "right_ear",
    "mouth_left",
    "mouth_right",
    "left_shoulder",
    "right_shoulder",
    "left_elbow",
    "right_elbow",
    "left_wrist",
    "right_wrist",
    "left_pinky",
    "right_pinky",
    "left_index",
    "right_index",
    "left_thumb",
    "right_thumb",
    "left_hip",
    "right_hip",
    "left_knee",
    "right_knee",
    "left_ankle",
    "right_ankle",
    "left_heel",
    "right_heel",
    "left_foot_index",
    "right_foot_index",
)
"""MediaPipe Pose's 33, in its order (BlazePose GHUM 3D's topology)."""

MAX_PICTURE_PX = 1 << 26  # of a picture file that the user names: 8192x8192
TARGET_WORDS: tuple[str, ...] = ("auto", "center", "natural")
"""The words for a target, beside a point: chosen for the clip, the output's centre, the person's own mean height."""

Tick = Callable[[int], None]
"""Called by a stage with the number of frames done; raises ``Interrupted`` when the user wants to stop."""

Facts = dict[str, Any]
"""What a stage tells of its result for the summary, as plain JSON."""

Tell = Callable[[int, Facts | Exception], None]
"""Called once for each of several requests, by its place, with its facts or the error that ended it."""


@dataclass(frozen=True)
class SoundTrack:
    """One sound stream of the source, named by its index in the file."""

    index: int
    codec: str
    rate_hz: int
    channels: int


@dataclass(frozen=True)
class ColorTags:
    """Colour tags as FFmpeg's integer codes; 2 (or 0 for range and location) means unspecified."""

    range: int = 0
    primaries: int = 2
    transfer: int = 2
    matrix: int = 2
    chroma_location: int = 0


@dataclass(frozen=True)
class HdrTags:
    """What a file tells HDR screens about the one it was made on and about its brightness; empty: nothing."""

    mastering: tuple[str, ...] = ()  # exact fractions: x, y of red, green, blue and white, least and most cd/m2
    light: tuple[int, ...] = ()  # most of any pixel, and of any frame's mean, cd/m2


NO_HDR = HdrTags()


@dataclass(frozen=True)
class Restart:
    """Where the file's clock starts again, as it does in joined recordings, and what was made of it."""

    place: int  # of the first picture behind it, in bytes; -1 where the container does not say
    stored: int  # time of that picture in the file, in ticks of the clip
    pts: int  # its time in the clip: when the picture before it ends

    @property
    def later(self) -> int:
        """Ticks that it and what follows come later than the file says."""
        return self.pts - self.stored


# Of the sides of one pixel. Formats of film and broadcast have up to 2.
MOST_ASPECT: Final = 4
LEAST_SLOWED: Final = 0.05  # share by which a capture rate differs from the file's: phones round it


@dataclass(frozen=True)
class Clip:
    """What a file is, and what its frames are. Rates and aspects are exact fractions, kept as text for JSON."""

    digest: str  # sha256 of the file's bytes: the video's identity
    width_px: int  # upright
    height_px: int  # upright
    rotation_deg: int  # clockwise turn that makes the stored picture upright: 0, 90, 180, 270
    pixel_aspect: str  # width / height of one upright pixel
    rate_hz: str  # average frame rate
    time_base_s: str  # seconds per pts tick
    variable_rate: bool
    frames: int  # that could be decoded
    frames_declared: int  # that the container promised; 0 when it does not say
    start_s: float  # time of the first frame
    duration_s: float  # from the first frame's start to the last frame's end
    codec: str
    pixel_format: str  # FFmpeg's name, as stored
    color: ColorTags
    sound: tuple[SoundTrack, ...]
    broken: str  # what ended decoding early, in a sentence; empty when nothing did
    mirrored: bool = False  # left-right, after the turn, to make the stored picture upright
    hdr: HdrTags = NO_HDR
    restarts: tuple[Restart, ...] = ()
    missing: str = ""  # how many frames were lost before the last one, in a clause; empty when none is known to be
    dolby_vision: str = ""  # its profile, such as 5 or 8.4; empty: none
    stores_opacity: bool = False  # beside the picture, as VP9 in WebM does
    skipped: int = 0  # frames of the file before the first one of the clip
    skipped_after: int = 0  # frames of the file after the last one of the clip
    trimmed: bool = False  # whether the clip is a part of the file: clip.from_s, clip.to_s
    capture_rate_hz: str = ""  # frames a second that the camera took, where the file says it; empty where it does not
    interlaced: int = 0  # frames that are stored as two half pictures, each of every second row and of its own time

    @property
    def size_px(self) -> tuple[int, int]:
        return self.width_px, self.height_px

    @property
    def rate(self) -> Fraction:
        return Fraction(self.rate_hz)

    @property
    def pixel_aspect_value(self) -> float:
        """The pixel aspect as a number."""
        return float(Fraction(self.pixel_aspect))

    @property
    def square_size_px(self) -> tuple[int, int]:
        """Width and height of the picture in square pixels: its own rows, and columns as narrow as these are high.

        An aspect beyond ``MOST_ASPECT`` is taken for a mistake of the file: then these are the pixels as stored.
        """
        aspect = Fraction(self.pixel_aspect)
        if max(aspect, 1 / aspect) > MOST_ASPECT:
            return self.size_px
        return max(round(self.width_px * aspect), 1), self.height_px

    @property
    def widening(self) -> float:
        """The picture's width in square pixels / its width. Exactly 1 for square pixels."""
        return self.square_size_px[0] / self.width_px

    @property
    def time_base(self) -> Fraction:
        return Fraction(self.time_base_s)

    @property
    def slowed(self) -> float:
        """How many times longer the file shows what was filmed: above 1 in slow motion, below 1 in a time lapse."""
        factor = float(Fraction(self.capture_rate_hz) / self.rate) if self.capture_rate_hz else 1.0
        return 1.0 if abs(factor - 1) < LEAST_SLOWED else factor

    @property
    def end_pts(self) -> int:
        """When the last frame ends, in ticks."""
        return round((self.start_s + self.duration_s) / self.time_base)

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Clip":
        """Rebuild from ``dataclasses.asdict`` after a round trip through JSON."""
        plain = dict(fields)
        plain["color"] = ColorTags(**plain["color"])
        hdr = plain.get("hdr", {})
        plain["hdr"] = HdrTags(**{name: tuple(values) for name, values in hdr.items()})
        plain["sound"] = tuple(SoundTrack(**track) for track in plain["sound"])
        plain["restarts"] = tuple(Restart(**restart) for restart in plain.get("restarts", ()))
        return cls(**plain)


@dataclass(frozen=True)
class StoredFile:
    """A file of the cache and what it must look like to be trusted."""

    sha256: str
    size: int
    mtime_ns: int


class Content:
    """What an artifact holds. Only a type checker looks at these classes: none is ever made."""


class DrawnDemo(Content):
    """``demo.mp4`` and its true joints."""


class DownloadedVideo(Content):
    """A video that was an object of a store."""


class DecodedClip(Content):
    """``clip.json`` and the table of frames."""


class FoundPeople(Content):
    """Everybody's landmarks, masks, clothes and torso motion, and the camera's motion."""


class NumberedPeople(Content):
    """Everybody by number, in numbers and words, with a small picture of each."""


class ChosenSubject(Content):
    """The pose and torso motion of the person who is followed."""


class PersonMasks(Content):
    """The person's probability masks."""


class PersonMattes(Content):
    """The person's opacity in each frame, and the background behind the edge."""


class ScenePlates(Content):
    """Clean plates of the background."""


class AnchorOffsets(Content):
    """The anchor of each frame and its offset to the target."""


class CoveredWindow(Content):
    """The largest window that every frame covers."""


class SmoothPath(Content):
    """How each frame moves, and the planned metrics."""


class RenderedVideo(Content):
    """One output of the render stage."""


class VerifiedLock(Content):
    """The lock as measured on the rendered file."""


class DrawnCharts(Content):
    """The charts of the report."""


class ExportedFiles(Content):
    """The files of one export, for another program."""


Kind = TypeVar("Kind", bound=Content, covariant=True)


@dataclass(frozen=True)
class Artifact(Generic[Kind]):
    """A finished stage: its folder in the cache, the files in it, and small facts for the summary.

    ``Kind`` says what it holds, so that a type checker refuses a pose where masks belong. Downstream keys are made
    from the digests of ``files`` alone, so a stage must read upstream *files*, never ``facts``.
    """

    stage: str
    key: str
    folder: str
    files: Mapping[str, StoredFile]
    facts: Mapping[str, Any]
    run_id: str  # the run that computed it: tells "ran" from "cached"
    seconds: float  # that computing took

    def path(self, name: str) -> Path:
        """Path of one of its files; ``KeyError`` for a name it does not hold."""
        if name not in self.files:
            raise KeyError(f"{self.stage} holds no {name!r}, only {sorted(self.files)}")
        return Path(self.folder) / name


AnyArtifact: TypeAlias = Artifact[Content]


def read_clip(decoded: Artifact[DecodedClip]) -> Clip:
    """The ``Clip`` that the decode stage stored."""
    return Clip.from_json(read_object(decoded.path("clip.json")))
