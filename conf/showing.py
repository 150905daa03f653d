"""How it looks: borders, background, interpolation, encoding, the comparison."""

from dataclasses import dataclass, field

from conf.checks import WIDEST_PX, at_most, color, require
from conf.choices import AlphaFile, Background, BorderMode, ComparisonLayout, Interpolation, Nobody, Output, VideoCodec


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


X26_PRESETS = ("ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow")
PRESETS = {
    VideoCodec.x264: X26_PRESETS,
    VideoCodec.x265: X26_PRESETS,
    VideoCodec.av1: tuple(str(number) for number in range(14)),
    VideoCodec.prores: ("proxy", "lt", "standard", "hq", "4444", "4444xq"),
    VideoCodec.nvenc: tuple(f"p{number}" for number in range(1, 8)),
}


@dataclass
class EncodeConf:
    codec: VideoCodec = VideoCodec.x264  # encode=x265, av1, prores (.mov) or nvenc chooses what fits with it
    crf: int | None = 18  # constant quality on the codec's own scale; lower is better and larger; of prores: null
    # Of H.264's, veryfast is where time and size balance: at equal PSNR superfast takes 0.6 of its time and about a
    # fifth more space, faster 1.8 times its time and about a fifteenth less space (1920x1088, a jogger, 60 frames).
    preset: str = "veryfast"  # the codec's own word for speed against size; of prores: for its quality

    def __post_init__(self) -> None:
        best, worst = (1, 63) if self.codec is VideoCodec.av1 else (0, 51)
        fact = f"{'null' if self.crf is None else self.crf} is not on the scale of {self.codec.value}"
        cure = f"give {best} (best) to {worst}, or leave it out: encode={self.codec.value} chooses"
        if self.codec is VideoCodec.prores:
            cure = "choose encode=prores, whose quality is its encode.preset: proxy, lt, standard, hq, 4444 or 4444xq"
            require(self.crf is None, "encode.crf", "prores has no such scale", cure)
        else:
            require(self.crf is not None and best <= self.crf <= worst, "encode.crf", fact, cure)
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
        at_most(WIDEST_PX, "comparison.max_width", self.max_width, "px")
