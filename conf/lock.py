"""Settings of how the person is held still: anchor, smoothing, lock strength, crop window."""

import re
from dataclasses import dataclass
from typing import Any

from conf.enums import AnchorMethod, AnchorPoint, AwayMode, CropMode, Smoother
from conf.validation import MAX_DURATION_S, MAX_RATE_HZ, MAX_SETTING_PX, MAX_SPEED_PX_S, require, require_at_most
from tasks.records import LANDMARKS

MIN_SIDE_PX, MAX_SIDE_PX = 16, 16384  # of a window and of an output; H.264 can carry no more
MIN_WINDOW_S = 0.001
MIN_CUTOFF_HZ = 0.01  # below it the linear systems of the filters lose all digits
HEIGHT_SHARES = (0.05, 4.0)  # of the output's height; a person higher than the output shows only in part
MIN_LANDMARK_WEIGHT, MAX_LANDMARK_WEIGHT = 1e-6, 1e6  # a weighted mean has no digits for weights further apart


@dataclass
class AnchorConf:
    method: AnchorMethod = AnchorMethod.simple
    """simple: mean of the two hips; weighted: mean weighted by their visibility."""
    min_confidence: float = 0.5
    """Lowest visibility, 0 to 1, at which a landmark counts as seen."""
    interpolate: bool = True
    """Only with anchor.fusion=false; true: bridge gaps by straight lines, false: keep the last position."""
    point: AnchorPoint = AnchorPoint.auto
    """Body part that is held still; auto: the hips, and another part without a jump where they are hidden."""
    landmarks: Any = None
    """{name: weight} of landmarks whose weighted mean is the anchor; overrides anchor.point."""
    masks: bool = False
    """true: with point=auto the centre of the person's mask is the last resort; the masks are then always made."""
    fusion: bool = True
    """true: combine the pose with the motion of the torso's surface between frames."""
    crossover_hz: float | None = None
    """Frequency in Hz below which fusion follows the pose and above it torso motion; null: chosen for each clip."""
    trust_s: float = 1.0
    """Seconds that torso motion may bridge a missing pose, or poses of a body that a side of the picture cuts."""
    longest_gap_s: float = 1.0
    """Longest gap in seconds that is bridged; a person missing for longer counts as away."""
    away: AwayMode = AwayMode.hold
    """While nobody is there; hold: keep the shift, ease: glide back to the original frame, cut: jump back."""
    ease_s: float = 0.5
    """Duration in seconds of a glide to the original frame, or back."""

    def __post_init__(self) -> None:
        value = self.min_confidence
        require(0 <= value <= 1, "anchor.min_confidence", f"{value} is not a probability", "give 0 to 1")
        hz = self.crossover_hz
        cure = f"give null or at least {MIN_CUTOFF_HZ}"
        require(hz is None or hz >= MIN_CUTOFF_HZ, "anchor.crossover_hz", f"{hz} Hz is too low", cure)
        require_at_most(MAX_RATE_HZ, "anchor.crossover_hz", hz, "Hz")
        for name in ("trust_s", "longest_gap_s", "ease_s"):
            seconds = getattr(self, name)
            require(seconds >= 0, f"anchor.{name}", f"{seconds} s is negative", "give 0 or more")
            require_at_most(MAX_DURATION_S, f"anchor.{name}", seconds, "s")
        self._check_landmarks()

    def _check_landmarks(self) -> None:
        weights = self.landmarks  # typed as Any: OmegaConf cannot add names that the user chooses to a typed dict
        if weights is None:
            return
        cure = "give names such as left_hip with weights above 0, as in anchor.landmarks='{left_hip: 1, nose: 0.5}'"
        require(isinstance(weights, dict) and bool(weights), "anchor.landmarks", f"{weights!r} has no names", cure)
        unknown = sorted(str(name) for name in set(weights) - set(LANDMARKS))
        require(not unknown, "anchor.landmarks", f"there is no {', '.join(unknown)}", cure)
        valid = all(isinstance(weight, int | float) and weight > 0 for weight in weights.values())
        require(valid, "anchor.landmarks", f"{weights} has a weight that is not above 0", cure)
        valid = all(MIN_LANDMARK_WEIGHT <= weight <= MAX_LANDMARK_WEIGHT for weight in weights.values())
        cure = f"give weights from {MIN_LANDMARK_WEIGHT:g} to {MAX_LANDMARK_WEIGHT:g}, such as 1"
        require(valid, "anchor.landmarks", f"{weights} has a weight that is out of range", cure)


@dataclass
class SmoothingConf:
    kind: Smoother = Smoother.savgol
    """Filter that smooths the path of the picture; all of them work without delay."""
    window: int = 5
    """Window length of moving, gaussian and savgol in frames, odd; shorter at the ends of the clip."""
    window_s: float | None = None
    """Window length in seconds, the same at any frame rate; overrides smoothing.window."""
    cutoff_hz: float = 3.0
    """Cut-off frequency in Hz of butterworth and kalman: faster motion keeps less than half its amplitude."""
    order: int = 2
    """Order, 1 to 8: of the polynomial (savgol) or of the filter, which runs forward and back (butterworth)."""
    budget_px: float = 5.0
    """For l1: pixels on each axis that the subject may leave the target for a smoother path."""

    def __post_init__(self) -> None:
        fact = f"{self.window} is not an odd number of frames of at least 1"
        require(self.window >= 1 and self.window % 2 == 1, "smoothing.window", fact, "give 1, 3, 5, ...")
        seconds = self.window_s
        fact, cure = f"{seconds} s is shorter than any frame", f"give null or at least {MIN_WINDOW_S}"
        require(seconds is None or seconds >= MIN_WINDOW_S, "smoothing.window_s", fact, cure)
        cutoff = self.cutoff_hz
        fact, cure = f"{cutoff} Hz is too low", f"give at least {MIN_CUTOFF_HZ}, such as 3"
        require(MIN_CUTOFF_HZ <= cutoff < float("inf"), "smoothing.cutoff_hz", fact, cure)
        require_at_most(MAX_RATE_HZ, "smoothing.cutoff_hz", cutoff, "Hz")
        require(1 <= self.order <= 8, "smoothing.order", f"{self.order} is out of range", "give 1 to 8")
        budget = self.budget_px
        fact = f"{budget} px is not a distance"
        require(0 <= budget < float("inf"), "smoothing.budget_px", fact, "give 0 or more")
        require_at_most(MAX_SETTING_PX, "smoothing.budget_px", budget, "px")


@dataclass
class LockConf:
    """How closely the picture follows the subject."""

    x: float = 1.0
    """Horizontal strength; 1: full lock; 0: no movement of the frame except centring on average."""
    y: float = 1.0
    """Vertical strength; 1: full lock; 0: no movement of the frame except centring on average."""
    dead_zone_px: float = 0.0
    """Pixels on each axis that the subject may leave the target before the frame follows."""
    dead_zone: float = 0.0
    """The same as lock.dead_zone_px, as a fraction of the person's height, such as 0.05."""
    max_speed_px_s: float | None = None
    """Highest speed of the frame on each axis in pixels per second; null: no limit."""
    scale: bool = False
    """true: hold the size too; a person who comes nearer stays as large as in the median frame."""
    roll: bool = False
    """true: hold the person upright; a lean that lasts for seconds is treated as camera tilt and removed."""
    height: float | None = None
    """Share of the output's height that the person gets, such as 0.6, by one zoom for the whole clip; null: no zoom."""

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            value = getattr(self, name)
            fact = f"{value} is out of range"
            require(0 <= value <= 1, f"lock.{name}", fact, "give 0 (the frame stays still) to 1 (full lock)")
        zone = self.dead_zone_px
        require(0 <= zone < float("inf"), "lock.dead_zone_px", f"{zone} px is not a distance", "give 0 or more")
        require_at_most(MAX_SETTING_PX, "lock.dead_zone_px", zone, "px")
        fraction = self.dead_zone
        cure = "give 0 to 1, such as 0.05"
        require(0 <= fraction <= 1, "lock.dead_zone", f"{fraction} is not a fraction of the height", cure)
        require(not (zone and fraction), "lock.dead_zone", "lock.dead_zone_px is given too", "give one of them")
        speed = self.max_speed_px_s
        valid = speed is None or 0 <= speed < float("inf")
        require(valid, "lock.max_speed_px_s", f"{speed} px/s is not a speed", "give 0 or more, or null for no limit")
        require_at_most(MAX_SPEED_PX_S, "lock.max_speed_px_s", speed, "px/s", ", or null for no limit")
        least, most = HEIGHT_SHARES
        valid = self.height is None or least <= self.height <= most
        cure = f"give {least:g} to {most:g}, such as 0.6, or null"
        require(valid, "lock.height", f"{self.height} is out of range", cure)


@dataclass
class CropConf:
    mode: CropMode = CropMode.none
    """follow: a window that moves with the person; fixed: one part; auto: largest without border; expand: all."""
    size: list[int] | None = None
    """For follow: [width,height] of the window in pixels; given alone, it selects follow."""
    aspect: str | None = None
    """For follow: aspect ratio of the largest window, such as 9:16; given alone, it selects follow."""
    window: list[int] | None = None
    """For fixed: [x,y,width,height] in pixels of the stabilized picture; given alone, it selects fixed."""
    output: Any = None
    """[width,height] or 1080x1920, even: the window takes this shape and is scaled to this size; given alone, it
    selects follow."""
    keep: float | None = None
    """For follow: the largest window of which, on the mean, this share shows the frame's own picture, such as 0.9;
    given alone, it selects follow."""
    shared: bool = False
    """For auto and follow: true gives all videos of a run one window size, the largest that fits them all."""

    def __post_init__(self) -> None:
        size, aspect, window = self.size, self.aspect, self.window
        valid = size is None or (len(size) == 2 and min(size) >= MIN_SIDE_PX)
        cure = "give [width,height] of at least 16 pixels, or null"
        require(valid, "crop.size", f"{size} is not a window size", cure)
        sides = () if aspect is None else aspect.split(":")
        valid = aspect is None or (len(sides) == 2 and all(map(_is_length, sides)))
        cure = "give one such as 9:16, 1:1 or 2.35:1"
        if (
            aspect is not None and aspect.isdecimal() and len(aspect) <= 6
        ):  # YAML reads 9:16 as 9 minutes and 16 seconds
            cure = f"in a YAML file put it in quotes, as in aspect: '{int(aspect) // 60}:{int(aspect) % 60}'"
        require(valid, "crop.aspect", f"{aspect!r} is not an aspect ratio", cure)
        valid = window is None or (len(window) == 4 and min(window[2:]) >= MIN_SIDE_PX)
        cure = "give [x,y,width,height] of at least 16 pixels, or null"
        require(valid, "crop.window", f"{window} is not a window", cure)
        keep = self.keep
        cure = "give more than 0 and at most 1, such as 0.9, or null"
        require(keep is None or 0 < keep <= 1, "crop.keep", f"{keep} is not a share of the output", cure)
        self.output = None if self.output is None else _output_size(self.output)
        if self.mode is CropMode.none and (size or aspect or window or self.output or keep):
            self.mode = CropMode.fixed if window else CropMode.follow
        self._check_mode()
        self._check_output()

    def _check_mode(self) -> None:
        given = [name for name in ("size", "aspect", "window", "keep") if getattr(self, name) is not None]
        allowed = {CropMode.follow: ("size", "aspect", "keep"), CropMode.fixed: ("window",)}.get(self.mode, ())
        wrong = [name for name in given if name not in allowed]
        mode = f"crop={self.mode.value}"
        valid = not self.shared or self.mode in (CropMode.auto, CropMode.follow)
        cure = "choose crop=auto, or crop=follow with crop.aspect"
        require(valid, "crop.shared", f"{mode} has no window to share", cure)
        cure = f"leave it out, or choose crop={'fixed' if wrong == ['window'] else 'follow'}"
        require(not wrong, f"crop.{wrong[0]}" if wrong else "crop", f"{mode} does not use it", cure)
        scaled = self.mode is CropMode.follow and self.output is not None
        cure = "give its size: one of crop.size=[640,360], crop.aspect=9:16, crop.output=1080x1920, crop.keep=0.9"
        if self.mode is CropMode.fixed:
            cure = "give its place and size, as in crop.window=[0,0,640,360]: x, y, width, height in pixels"
        require(not allowed or bool(given) or scaled, "crop", f"{self.mode.value} needs a window", cure)
        both = self.size is not None and self.aspect is not None
        require(not both, "crop.aspect", "crop.size is given too", "give one of them")
        both = self.size is not None and self.keep is not None
        cure = "give crop.output instead of crop.size, or leave crop.keep out"
        require(not both, "crop.keep", "it chooses the size of the window, and crop.size is given too", cure)

    def _check_output(self) -> None:
        """``SettingError`` if another setting gives the window another shape than the output's."""
        if self.output is None:
            return
        cure = "leave crop.aspect out: the window takes the output's shape"
        require(self.aspect is None, "crop.aspect", "crop.output gives the shape", cure)
        shown = self.size if self.window is None else self.window[2:]
        if shown is None:
            return
        (width, height), zoom = self.output, max(self.output[0] / shown[0], self.output[1] / shown[1])
        same = shown[0] * zoom - width <= 1 and shown[1] * zoom - height <= 1
        name = "crop.size" if self.window is None else "crop.window"
        fact = f"{width}x{height} has not the shape of {name}, {shown[0]}x{shown[1]}"
        fitting = [2 * round(shown[0] * zoom / 2), 2 * round(shown[1] * zoom / 2)]
        cure = f"give crop.output=[{fitting[0]},{fitting[1]}], or leave {name} out"
        require(same, "crop.output", fact, cure)


def _is_length(text: str) -> bool:
    """Whether this is a number above 0 such as 16, 2.35 or 2.00."""
    return re.fullmatch(r"[0-9]*\.?[0-9]*", text) is not None and text.strip("0.") != ""


def _output_size(given: Any) -> list[int]:
    """``given`` as [width, height]; ``SettingError`` unless both are even and in range."""
    text = re.fullmatch(r"(\d{1,6})[xX](\d{1,6})", given) if isinstance(given, str) else None
    size = [int(text[1]), int(text[2])] if text else given
    listed = isinstance(size, list) and len(size) == 2 and all(type(part) is int for part in size)
    cure = "give [width,height] or a text such as 1080x1920, or null"
    require(listed, "crop.output", f"{given!r} is not a size", cure)
    width, height = size
    fact = f"{width}x{height} is out of range"
    cure = f"give {MIN_SIDE_PX} to {MAX_SIDE_PX} pixels for each side"
    require(min(size) >= MIN_SIDE_PX and max(size) <= MAX_SIDE_PX, "crop.output", fact, cure)
    cure = f"give {width + width % 2}x{height + height % 2}: encoders store even sizes only"
    require(width % 2 == height % 2 == 0, "crop.output", f"{width}x{height} is odd", cure)
    return [width, height]
