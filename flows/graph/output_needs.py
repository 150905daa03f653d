"""Which outputs a run renders, with which background and border, and which of them need masks and the scene."""

from dataclasses import dataclass, replace

from conf.config import Config
from conf.enums import AlphaFile, BackgroundMode, BorderMode, CropMode, Export, Output, VideoCodec
from conf.render import BackgroundConf, BorderConf

TRANSPARENT = {AlphaFile.webm: "person.webm", AlphaFile.mov: "person.mov", AlphaFile.png: "person_png.zip"}
SCENE_BORDERS = (BorderMode.scene, BorderMode.reflect)
EXPORTS_OF_MASKS = {Export.rle, Export.webdataset}
RENDERED = (Output.stabilized, Output.comparison, Output.person, Output.overlay, Output.preview)


@dataclass(frozen=True)
class WantedOutput:
    """An output to be rendered: the name of its file, and what it shows around the person."""

    output: Output
    file: str
    border: BorderConf
    background: BackgroundConf | None  # None: the picture's own
    plate: bool  # whether the edge of a cut-out person is found by comparison with the clean plate
    covered: bool  # whether the source covers the whole output in every frame, so that no border is seen

    @property
    def needs_masks(self) -> bool:
        return self.background is not None

    @property
    def needs_scene(self) -> bool:
        """Whether the output's border shows the background without the people, or a cut-out is compared with it."""
        if self.needs_masks and self.plate:
            return True
        shown = self.background is None or self.background.mode is BackgroundMode.blur
        return shown and not self.covered and self.border.mode in SCENE_BORDERS


def wanted_outputs(config: Config) -> list[WantedOutput]:
    """What is to be rendered, in the order in which it is listed."""
    asked = [one for one in RENDERED if one in config.outputs]
    if stabilized_wanted(config) and Output.stabilized not in asked:
        asked = [Output.stabilized, *asked]
    plate, covered = config.masks.plate, config.crop.mode is CropMode.auto
    return [
        WantedOutput(one, file_name(config, one), border_of(config, one), background_of(config, one), plate, covered)
        for one in asked
    ]


def file_name(config: Config, output: Output) -> str:
    """The file name of an output. Its ending is that of the container for the codec."""
    background = background_of(config, output)
    if output is Output.preview:
        return "preview.webp"
    if background is not None and background.mode is BackgroundMode.transparent:
        return TRANSPARENT[background.alpha]
    return f"{output.value}.{'mov' if config.encode.codec is VideoCodec.prores else 'mp4'}"


def background_of(config: Config, output: Output) -> BackgroundConf | None:
    """The background that a video gets instead of its own; None: its own."""
    asked = config.background
    if output not in asked.on:
        if output is not Output.person:
            return None
        return BackgroundConf(color=asked.color, nobody=asked.nobody, despill=asked.despill, on=[output])
    return None if asked.mode is BackgroundMode.keep else replace(asked, on=[output])


def border_of(config: Config, output: Output) -> BorderConf:
    """The border of an output; the default where it shows none, so that the setting is not part of its key."""
    background = background_of(config, output)
    return config.border if background is None or background.mode is BackgroundMode.blur else BorderConf()


def stabilized_wanted(config: Config) -> bool:
    """Whether the stabilized video is asked for, or something that is made from it or along with it."""
    return config.verify or bool({Output.stabilized, Output.contact} & set(config.outputs))


def masks_wanted(config: Config) -> bool:
    """Whether the masks are an output, or an output, an export or the anchor needs them."""
    asked = Output.masks in config.outputs or config.anchor.masks or bool(EXPORTS_OF_MASKS & set(config.exports))
    return asked or any(wanted.needs_masks for wanted in wanted_outputs(config))


def scene_wanted(config: Config) -> bool:
    """Whether an output shows the background without the people, or a cut-out is compared with it."""
    return dataset_needs_scene(config) or any(wanted.needs_scene for wanted in wanted_outputs(config))


def dataset_needs_scene(config: Config) -> bool:
    """Whether the pictures of the export ``webdataset`` show the background without the people at their border."""
    covered = config.crop.mode is CropMode.auto
    return Export.webdataset in config.exports and not covered and config.border.mode in SCENE_BORDERS


def titles_after_first_pass(config: Config) -> list[str]:
    """Titles of the tasks that go through the frames again, when the pose is known."""
    wanted = {"masks": masks_wanted(config), "scene": scene_wanted(config)}
    together = " and ".join(stage for stage, is_wanted in wanted.items() if is_wanted)
    each = {
        together: bool(together),
        "exports/webdataset": Export.webdataset in config.exports,
        "render": bool(wanted_outputs(config)),
        "verify": config.verify,
    }
    return [title for title, is_wanted in each.items() if is_wanted]
