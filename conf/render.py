"""Settings of how the output looks: border, background, interpolation, encoding, comparison."""

from dataclasses import dataclass, field
from typing import Any

from conf.enums import (
    AlphaFile,
    BackgroundMode,
    BorderMode,
    ComparisonLayout,
    Despill,
    Interpolation,
    NobodyFrame,
    Output,
    OverlayNumber,
    VideoCodec,
    WrittenCheck,
)
from conf.validation import MAX_SETTING_PX, color_parts, require, require_at_most, require_each_once, require_name


@dataclass
class BorderConf:
    mode: BorderMode = BorderMode.scene
    """What fills the part of the output that the source picture does not cover;
    scene: what other frames saw there, then as reflect; reflect: the mirror of the picture without its people;
    mirror: the mirror of the picture."""
    color: Any = field(default_factory=lambda: [0, 0, 0])
    """For constant: [r,g,b], each 0 to 255; or '#00b140' (in a YAML file with quotes), rgb(0,177,64)
    or a CSS name."""

    def __post_init__(self) -> None:
        self.color = color_parts("border.color", self.color)


@dataclass
class BackgroundConf:
    mode: BackgroundMode = BackgroundMode.color
    """What replaces the picture behind the person; keep: nothing, the whole picture stays."""
    color: Any = field(default_factory=lambda: [0, 177, 64])
    """For color, as border.color; the default is chroma green."""
    blur_px: float = 24.0
    """For blur: standard deviation in pixels of the output."""
    image: str | None = None
    """For image: path of a picture, which is scaled to fill the frame and cropped."""
    alpha: AlphaFile = AlphaFile.webm
    """For transparent: webm makes person.webm (VP9), mov person.mov (ProRes 4444), png person_png.zip."""
    despill: Despill = Despill.none
    """For a person filmed before a green or blue screen: takes the screen's light out of the edge of the cut-out."""
    on: list[Output] = field(default_factory=lambda: [Output.person])
    """Videos that get the background; person.mp4 otherwise gets background.color."""
    nobody: NobodyFrame = NobodyFrame.original
    """What a frame without a person shows; original: the whole picture, color: the background alone."""

    def __post_init__(self) -> None:
        self.color = color_parts("background.color", self.color)
        blur = self.blur_px
        require(0.5 <= blur <= 500, "background.blur_px", f"{blur} px is out of range", "give 0.5 to 500")
        wanted, given = self.mode is BackgroundMode.image, self.image is not None
        cure = "name a picture such as background.image=beach.jpg"
        require(given or not wanted, "background.image", "no picture was given", cure)
        cure = "add background=image, or leave the picture out"
        require(wanted or not given, "background.image", f"background={self.mode.value} uses no picture", cure)
        require_name("background.image", self.image, cure)
        require_each_once("background.on", self.on)
        names = [output.value for output in self.on]
        valid = bool(names) and set(names) <= {"stabilized", "comparison", "person"}
        fact = f"{names} is not a list of videos"
        require(valid, "background.on", fact, "name some of stabilized, comparison, person")
        valid = self.mode is not BackgroundMode.transparent or names == ["person"]
        cure = "give background.on=[person] with background=transparent"
        require(valid, "background.on", f"{names} cannot be transparent", cure)


@dataclass
class OverlayConf:
    numbers: list[OverlayNumber] = field(default_factory=list)
    """Numbers in overlay.mp4; angles: of the joints; events: heel strikes, toe offs, cadence; speed: over the ground;
    scale: a bar, in metres with scale.height_m. They are those of exports=[events,angles], which are written too."""

    def __post_init__(self) -> None:
        require_each_once("overlay.numbers", self.numbers)


@dataclass
class RenderConf:
    interpolation: Interpolation = Interpolation.cubic
    """Interpolation between pixels; each frame is resampled once."""
    check: WrittenCheck = WrittenCheck.packets
    """How a written video is read back; packets: all coded frames must be those that were written, key frames are
    decoded; full: every frame is decoded as well."""


X264_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
PRESETS_BY_CODEC = {
    VideoCodec.auto: X264_PRESETS,
    VideoCodec.x264: X264_PRESETS,
    VideoCodec.x265: X264_PRESETS,
    VideoCodec.av1: tuple(str(number) for number in range(14)),
    VideoCodec.prores: ("proxy", "lt", "standard", "hq", "4444", "4444xq"),
    VideoCodec.nvenc: tuple(f"p{number}" for number in range(1, 8)),
}


@dataclass
class EncodeConf:
    codec: VideoCodec = VideoCodec.auto
    """Video codec; auto: H.264 (x264) for 8 bits, H.265 (x265) for more, as players expect;
    encode=x265, av1, prores (.mov) or nvenc also selects a matching crf and preset."""
    crf: int | None = 18
    """Constant quality on the codec's own scale, lower is better and larger; null for prores."""
    # For H.264, veryfast balances time and size: at equal PSNR superfast takes 0.6 of its time and about a fifth
    # more space, faster 1.8 times its time and about a fifteenth less space (1920x1088, a jogger, 60 frames).
    preset: str = "veryfast"
    """The codec's own name for a trade-off of speed against size; for prores of its quality."""
    threads: int = 2
    """Threads of the encoder of stabilized.mp4, half as many of each other video's, whatever the machine: the bytes of
    a video depend on their number; nvenc has none."""

    def __post_init__(self) -> None:
        best, worst = (1, 63) if self.codec is VideoCodec.av1 else (0, 51)
        name = self.codec.value
        if self.codec is VideoCodec.prores:
            cure = f"choose encode=prores, whose quality is encode.preset: {', '.join(PRESETS_BY_CODEC[self.codec])}"
            require(self.crf is None, "encode.crf", "prores has no such scale", cure)
        else:
            fact = f"{'null' if self.crf is None else self.crf} is not on the scale of {name}"
            cure = f"give {best} (best) to {worst}, or leave it out with encode={name}"
            require(self.crf is not None and best <= self.crf <= worst, "encode.crf", fact, cure)
        require(1 <= self.threads <= 16, "encode.threads", f"{self.threads} is out of range", "give 1 to 16")
        presets = PRESETS_BY_CODEC[self.codec]
        cure = f"choose encode={name}, or give one of {', '.join(presets)}"
        require(self.preset in presets, "encode.preset", f"{name} has no {self.preset!r}", cure)


@dataclass
class ComparisonConf:
    layout: ComparisonLayout = ComparisonLayout.horizontal
    """horizontal: original left of stabilized; vertical: original above stabilized."""
    labels: bool = False
    """true: write original and stabilized in the corners."""
    max_width: int = 1920
    """Largest width of the comparison in pixels; wider ones are scaled down. One of layout=horizontal also has at most
    as many pixels as a picture of 16:9 of this width: two of 1080x1920 become 1524x1356."""

    def __post_init__(self) -> None:
        fact = f"{self.max_width} is too narrow"
        require(self.max_width >= 64, "comparison.max_width", fact, "give 64 pixels or more")
        require_at_most(MAX_SETTING_PX, "comparison.max_width", self.max_width, "px")
