"""Settings of the drawn walker of ``video=demo``."""

from dataclasses import dataclass
from fractions import Fraction

from conf.validation import require, require_at_most

MAX_RATE_PART = 2**31  # video files store a rate as two 32-bit integers
MAX_SLOW_DENOMINATOR = 10**6  # of a rate below 1 frame per second
MAX_WALK_S = 3600
MAX_SHAKE_PX = 960  # the whole width that the shake refers to


@dataclass
class DemoConf:
    """The drawn walker of ``video=demo``."""

    width: int = 960
    """Width of the picture in pixels, even."""
    height: int = 540
    """Height of the picture in pixels, even."""
    seconds: float = 6.0
    """Length of the clip in seconds."""
    fps: str = "30"
    """Frames per second; a fraction such as 30000/1001 is allowed."""
    speed: float = 0.2
    """Walking speed in frame widths per second; negative values walk to the left."""
    person: float = 0.63
    """Height of the person as a fraction of the frame height."""
    heading_deg: float = 0.0
    """Walking direction in degrees; 0: across the picture, 90: towards the camera."""
    turn_deg_s: float = 0.0
    """Turning speed in degrees per second."""
    lean_deg: float = 0.0
    """Amplitude in degrees with which the trunk leans forward and back."""
    limp: float = 0.0
    """Strength of a limp from 0 (none) to 1."""
    shake_px: float = 3.0
    """RMS of the hand-held camera shake in pixels, for a picture 960 px wide."""
    cut_above_hips: bool = False
    """true: the picture ends above the hips."""
    pole_s: float = 0.0
    """Seconds for which a post hides the hips, in the middle of the clip."""
    away_s: float = 0.0
    """Seconds for which the walker is out of the picture, in the middle of the clip."""
    crossing: bool = False
    """true: a second person crosses in front, in the middle of the clip."""
    seed: int = 1
    """Seed of the random numbers that choose clothes, gait and camera shake."""

    def __post_init__(self) -> None:
        for name in ("width", "height"):
            value = getattr(self, name)
            valid = 64 <= value <= 4096 and value % 2 == 0
            require(valid, f"demo.{name}", f"{value} px cannot be drawn", "give an even number from 64 to 4096")
        self._check_rate_and_length()
        cure = "give 0.01 to 1, or -1 to -0.01"
        require(0.01 <= abs(self.speed) <= 1, "demo.speed", f"{self.speed} is out of range", cure)
        require(0.05 <= self.person <= 3, "demo.person", f"{self.person} is out of range", "give 0.05 to 3")
        require(0 <= self.limp <= 1, "demo.limp", f"{self.limp} is out of range", "give 0 to 1")
        require(abs(self.lean_deg) <= 45, "demo.lean_deg", f"{self.lean_deg} is out of range", "give 0 to 45")
        for name in ("shake_px", "pole_s", "away_s", "seed"):
            value = getattr(self, name)
            require(value >= 0, f"demo.{name}", f"{value} is negative", "give 0 or more")
        for name in ("heading_deg", "turn_deg_s"):
            value = getattr(self, name)
            require(abs(value) <= 360, f"demo.{name}", f"{value} is out of range", "give -360 to 360")
        require_at_most(MAX_SHAKE_PX, "demo.shake_px", self.shake_px, "px")
        require_at_most(MAX_WALK_S, "demo.pole_s", self.pole_s, "s")
        require_at_most(MAX_WALK_S, "demo.away_s", self.away_s, "s")

    def _check_rate_and_length(self) -> None:
        rate, cure = self._rate_or_zero(), "give 30, 59.94 or 30000/1001"
        require(0 < rate <= 1000, "demo.fps", f"{self.fps!r} is not a frame rate", cure)
        valid = max(rate.numerator, rate.denominator) < MAX_RATE_PART
        require(valid, "demo.fps", f"{self.fps} has more digits than a video file can store", cure)
        fact, cure = f"{self.seconds} s is shorter than one frame", "give a longer time such as 6"
        require(self.seconds * rate >= 1, "demo.seconds", fact, cure)
        require_at_most(MAX_WALK_S, "demo.seconds", self.seconds, "s")

    @property
    def rate(self) -> Fraction:
        """Frames per second: a fraction as given, a decimal number as the nearest rate that video files use.

        Example: 23.976023976 gives 24000/1001.
        """
        given = Fraction(self.fps)
        return given if "/" in self.fps else given.limit_denominator(1001 if given >= 1 else MAX_SLOW_DENOMINATOR)

    @property
    def frames(self) -> int:
        """Number of frames of the clip."""
        return round(Fraction(self.seconds) * self.rate)

    def _rate_or_zero(self) -> Fraction:
        try:
            return self.rate
        except (ValueError, ZeroDivisionError):
            return Fraction(0)
