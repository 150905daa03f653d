"""What follows from the background and the border that are asked for: which video needs what."""

from dataclasses import replace

from conf.config import Config
from conf.enums import AlphaFile, BackgroundMode, Output, VideoCodec
from conf.render import BackgroundConf, BorderConf, EncodeConf
from tasks.render_requests import (
    ComparisonInMovRequest,
    ComparisonRequest,
    MovedRequest,
    OverlayInMovRequest,
    OverlayRequest,
    PersonInMovRequest,
    PersonMovRequest,
    PersonPngRequest,
    PersonRequest,
    PersonWebmRequest,
    RenderRequest,
    StabilizedInMovRequest,
    StabilizedRequest,
)

ALPHA = {AlphaFile.webm: PersonWebmRequest, AlphaFile.mov: PersonMovRequest, AlphaFile.png: PersonPngRequest}

IN_MOV: dict[type[MovedRequest], type[MovedRequest]] = {
    StabilizedRequest: StabilizedInMovRequest,
    ComparisonRequest: ComparisonInMovRequest,
    PersonRequest: PersonInMovRequest,
    OverlayRequest: OverlayInMovRequest,
}


def contained(request: type[MovedRequest], encode: EncodeConf) -> type[MovedRequest]:
    """The request for the same video in the container that its codec is used in."""
    return IN_MOV.get(request, request) if encode.codec is VideoCodec.prores else request


def background_of(config: Config, output: Output) -> BackgroundConf | None:
    """The background that a video gets instead of its own; None: its own."""
    asked = config.background
    if output not in asked.on:
        plain = replace(asked, mode=BackgroundMode.color, image=None, on=[output])
        return plain if output is Output.person else None
    return None if asked.mode is BackgroundMode.keep else replace(asked, on=[output])


def border_of(config: Config, output: Output) -> BorderConf:
    """The border, where that video shows one: a setting that it does not use must not make it again."""
    background = background_of(config, output)
    return config.border if background is None or background.mode is BackgroundMode.blur else BorderConf()


def person_request(background: BackgroundConf) -> type[RenderRequest]:
    """The request of the person's video: its file depends on whether it is transparent."""
    transparent = background.mode is BackgroundMode.transparent
    return ALPHA[background.alpha] if transparent else PersonRequest


def stabilized_wanted(config: Config) -> bool:
    """Whether the stabilized video is asked for, or what is made of it or with it."""
    return config.verify or bool({Output.stabilized, Output.contact} & set(config.outputs))


def masks_wanted(config: Config) -> bool:
    """Whether an output or the anchor needs the person's masks, or an output is them."""
    videos: list[Output] = [output for output in (Output.comparison, Output.person) if output in config.outputs]
    videos += [Output.stabilized] * stabilized_wanted(config)
    asked = Output.masks in config.outputs or config.anchor.masks
    return asked or any(background_of(config, output) is not None for output in videos)
