"""Which artifacts and settings each rendered output shows."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from conf.config import Config
from conf.enums import Output
from flows.graph.export_needs import Exported, shown_exports
from flows.graph.nodes import Handle, Made
from flows.graph.output_needs import WantedOutput
from flows.graph.request_settings import picture_digest
from tasks.records import AnchorOffsets, ChosenSubject, DecodedClip, PersonMasks, ScenePlates, SmoothPath
from tasks.requests import RenderRequest
from tasks.untrusted.paths import expand_home


class Shown(NamedTuple):
    """What outputs show: the video, and the handles of earlier stages."""

    source: Path
    cache_mb: int | None  # of decoded frames
    clip: Handle[DecodedClip]
    path: Handle[SmoothPath]
    masks: Handle[PersonMasks] | None
    scene: Handle[ScenePlates] | None
    subject: Handle[ChosenSubject]
    offsets: Handle[AnchorOffsets]
    exported: Exported


def render_request(config: Config, wanted: WantedOutput, shown: Shown) -> Callable[[Made], RenderRequest]:
    """The request of an output, with only what it shows. ``SettingError`` where the background's picture is gone."""
    source, cache_mb, clip, path, masks, scene, subject, offsets, exported = shown
    output, background, image, digest = wanted.output, wanted.background, None, ""
    if background is not None and background.image is not None:
        image = expand_home(background.image)
        digest = picture_digest(image)
        background = replace(background, image="picture")  # in the key are its bytes, not its path; "" is refused
    cut = masks if background is not None else None
    plates = scene if wanted.needs_scene else None
    overlay = output is Output.overlay
    return lambda made: RenderRequest(
        output=wanted.file,
        source=source,
        cache_mb=cache_mb,
        clip=made(clip),
        trajectory=made(path),
        border=wanted.border,
        render=config.render,
        encode=None if output is Output.preview else config.encode,
        comparison=config.comparison if output is Output.comparison else None,
        background=background,
        image=image,
        image_digest=digest,
        matte=None if cut is None else config.masks,
        masks=None if cut is None else made(cut),
        scene=None if plates is None else made(plates),
        anchor=None if cut is None or plates is None else made(offsets),
        subject=made(subject) if overlay else None,
        offsets=made(offsets) if overlay else None,
        **shown_exports(config, exported, made) if overlay else {},
    )
