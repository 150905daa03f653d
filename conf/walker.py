"""The drawn walker of ``video=demo``."""

from dataclasses import dataclass
from fractions import Fraction

from conf.checks import at_most, require

LARGEST = 2**31  # of the two numbers of a rate, as video files write it
FINEST = 10**6  # denominator of a rate below 1
LONGEST_S = 3600  # of a walk, and so of what happens within it
WILDEST_PX = 960  # of the shake: the whole width that it is measured at


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
        rate, cure = self._rate_or_none(), "give 30, 59.94 or 30000/1001"
        require(0 < rate <= 1000, "demo.fps", f"{self.fps!r} is no frame rate", cure)
        fine = max(rate.numerator, rate.denominator) < LARGEST
        require(fine, "demo.fps", f"{self.fps} has more digits than a video file can hold", cure)
        fine = self.seconds * rate >= 1 and self.seconds <= LONGEST_S
        require(fine, "demo.seconds", f"{self.seconds} s holds no frame, or too many", f"give up to {LONGEST_S}")
        require(
            0.01 <= abs(self.speed) <= 1, "demo.speed", f"{self.speed} is no walk", "give 0.01 to 1, or -1 to -0.01"
        )
        require(0.1 <= self.person <= 3, "demo.person", f"{self.person} is out of range", "give 0.1 to 3")
        require(0 <= self.limp <= 1, "demo.limp", f"{self.limp} is out of range", "give 0 to 1")
        require(abs(self.lean_deg) <= 45, "demo.lean_deg", f"{self.lean_deg} is out of range", "give 0 to 45")
        for name in ("shake_px", "pole_s", "away_s", "seed"):
            value = getattr(self, name)
            require(value >= 0, f"demo.{name}", f"{value} is negative", "give 0 or more")
        for name in ("heading_deg", "turn_deg_s"):
            value = getattr(self, name)
            require(abs(value) <= 360, f"demo.{name}", f"{value} is out of range", "give -360 to 360")
        at_most(WILDEST_PX, "demo.shake_px", self.shake_px, "px")
        at_most(LONGEST_S, "demo.pole_s", self.pole_s, "s")
        at_most(LONGEST_S, "demo.away_s", self.away_s, "s")

    @property
    def rate(self) -> Fraction:
        """Frames per second: a fraction as it is given, a decimal number as the nearest that video files have.

        So 23.976023976 is 24000/1001.
        """
        given = Fraction(self.fps)
        return given if "/" in self.fps else given.limit_denominator(1001 if given >= 1 else FINEST)

    def _rate_or_none(self) -> Fraction:
        try:
            return self.rate
        except (ValueError, ZeroDivisionError):
            return Fraction(0)
