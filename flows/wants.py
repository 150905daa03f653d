"""What follows from the background and the border that are asked for: which video needs what."""

from dataclasses import replace

from conf.choices import AlphaFile, Background, Output
from conf.schema import Config
from conf.showing import BackgroundConf, BorderConf
from tasks.render_requests import PersonMovRequest, PersonPngRequest, PersonRequest, PersonWebmRequest, RenderRequest

ALPHA = {AlphaFile.webm: PersonWebmRequest, AlphaFile.mov: PersonMovRequest, AlphaFile.png: PersonPngRequest}


def background_of(config: Config, output: Output) -> BackgroundConf | None:
    """The background that a video gets instead of its own; None: its own."""
    asked = config.background
    if output not in asked.on:
        plain = replace(asked, mode=Background.color, image=None, on=[output])
        return plain if output is Output.person else None
    return None if asked.mode is Background.keep else replace(asked, on=[output])


def border_of(config: Config, output: Output) -> BorderConf:
    """The border, where that video shows one: a setting that it does not use must not make it again."""
    background = background_of(config, output)
    return config.border if background is None or background.mode is Background.blur else BorderConf()


def person_request(background: BackgroundConf) -> type[RenderRequest]:
    """The request of the person's video: its file depends on whether it is transparent."""
    transparent = background.mode is Background.transparent
    return ALPHA[background.alpha] if transparent else PersonRequest


def masks_wanted(config: Config) -> bool:
    """Whether an output or the anchor needs the person's masks, or an output is them."""
    videos = [output for output in config.outputs if output in (Output.stabilized, Output.comparison, Output.person)]
    if config.verify and Output.stabilized not in videos:
        videos.append(Output.stabilized)
    asked = Output.masks in config.outputs or config.anchor.masks
    return asked or any(background_of(config, output) is not None for output in videos)
