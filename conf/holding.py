"""How the person is held: the anchor, what calms its path, how strictly, and the window that is cut."""

import re
from dataclasses import dataclass
from typing import Any

from conf.checks import FASTEST_HZ, FASTEST_PX_S, LONGEST_S, WIDEST_PX, at_most, require
from conf.choices import AnchorMethod, AnchorPoint, Away, Crop, Smoother
from tasks.records import LANDMARKS

SLOWEST_HZ = 0.01  # of a cross-over or cut-off: below it the solves lose all digits
LIGHTEST, HEAVIEST = 1e-6, 1e6  # of a landmark's weight: a sum of those that are farther apart is the heaviest alone


@dataclass
class AnchorConf:
    method: AnchorMethod = AnchorMethod.simple  # mean of the two hips, or weighted by their visibility
    min_confidence: float = 0.5  # visibility below which a hip counts as missing
    interpolate: bool = True  # without fusion: bridge gaps by straight lines; false: hold the last point
    point: AnchorPoint = AnchorPoint.auto  # auto: the hips; where they are not seen, what is, without a jump
    landmarks: Any = None  # {name: weight} of landmarks whose mean is the anchor, before point
    masks: bool = False  # of point=auto: the middle of the person's mask stands in last; masks are then always made
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
        fact, cure = f"{hz} Hz is slower than can be solved for", f"give null or at least {SLOWEST_HZ}"
        require(hz is None or hz >= SLOWEST_HZ, "anchor.crossover_hz", fact, cure)
        at_most(FASTEST_HZ, "anchor.crossover_hz", hz, "Hz")
        for name in ("trust_s", "longest_gap_s", "ease_s"):
            seconds = getattr(self, name)
            require(seconds >= 0, f"anchor.{name}", f"{seconds} s lies in the past", "give 0 or more")
            at_most(LONGEST_S, f"anchor.{name}", seconds, "s")
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
        fine = all(LIGHTEST <= weight <= HEAVIEST for weight in weights.values())
        cure = f"give weights from {LIGHTEST:g} to {HEAVIEST:g}, such as 1"
        require(fine, "anchor.landmarks", f"{weights} has a weight beside which others are lost", cure)


@dataclass
class SmoothingConf:
    kind: Smoother = Smoother.savgol  # what calms the path of the lock; all but none, without lag
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
        fact, cure = f"{cutoff} Hz is no frequency that can be solved for", f"give at least {SLOWEST_HZ}, such as 3"
        require(SLOWEST_HZ <= cutoff < float("inf"), "smoothing.cutoff_hz", fact, cure)
        at_most(FASTEST_HZ, "smoothing.cutoff_hz", cutoff, "Hz")
        require(1 <= self.order <= 8, "smoothing.order", f"{self.order} is out of range", "give 1 to 8")
        budget = self.budget_px
        fact = f"{budget} px is no distance"
        require(0 <= budget < float("inf"), "smoothing.budget_px", fact, "give 0 or more")
        at_most(WIDEST_PX, "smoothing.budget_px", budget, "px")


@dataclass
class LockConf:
    """How strictly the subject is held."""

    x: float = 1.0  # strength across, 0 to 1: 1 locks, 0 holds the frame still, the subject at the target on the whole
    y: float = 1.0  # strength up and down, the same
    dead_zone_px: float = 0.0  # pixels from the target, on each axis, that the subject may go before the frame follows
    dead_zone: float = 0.0  # the same as a share of the person's height, such as 0.05
    max_speed_px_s: float | None = None  # pixels a second, on each axis, that the frame moves at most; null: no limit
    scale: bool = False  # hold the size too: who comes nearer stays as large as in the median frame
    roll: bool = False  # hold upright: what the body leans for seconds is taken as the camera's tilt, and undone

    def __post_init__(self) -> None:
        for name in ("x", "y"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"lock.{name}", f"{value} is no strength", "give 0 (still frame) to 1 (locked)")
        zone = self.dead_zone_px
        require(0 <= zone < float("inf"), "lock.dead_zone_px", f"{zone} px is no distance", "give 0 or more")
        at_most(WIDEST_PX, "lock.dead_zone_px", zone, "px")
        share = self.dead_zone
        require(0 <= share <= 1, "lock.dead_zone", f"{share} is no share of a height", "give 0 to 1, such as 0.05")
        require(not (zone and share), "lock.dead_zone", "lock.dead_zone_px is given too", "give one of them")
        speed = self.max_speed_px_s
        fine = speed is None or 0 <= speed < float("inf")
        require(fine, "lock.max_speed_px_s", f"{speed} px/s is no speed", "give 0 or more, or null for no limit")
        at_most(FASTEST_PX_S, "lock.max_speed_px_s", speed, "px/s", ", or null for no limit")


@dataclass
class CropConf:
    mode: Crop = Crop.none  # follow: with the person; fixed: a part; auto: the most without a border; expand: all
    size: list[int] | None = None  # for follow: [width,height] in pixels of the window; given alone, it chooses follow
    aspect: str | None = None  # for follow: the largest window that looks so, such as 9:16; alone, it chooses follow
    window: list[int] | None = None  # for fixed: [x,y,width,height] in pixels of the stabilized picture
    shared: bool = False  # for auto, follow: all videos of the run get one window size, the largest that fits them all

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
        cure = "choose crop=auto, or crop=follow with crop.aspect"
        fine = not self.shared or self.mode in (Crop.auto, Crop.follow)
        require(fine, "crop.shared", f"crop={self.mode.value} has no window to share", cure)
        cure = "leave it out, or choose crop=follow for size or aspect, crop=fixed for window"
        require(not wrong, f"crop.{wrong[0]}" if wrong else "crop", f"crop={self.mode.value} takes none", cure)
        cure = f"give crop.{' or crop.'.join(takes)}"
        require(not takes or bool(given), "crop", f"{self.mode.value} wants to know which window", cure)
        cure = "give one of them"
        require(len(given) < 2, "crop.aspect", "crop.size is given too", cure)
