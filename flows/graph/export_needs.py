"""Which artifacts and settings each export reads."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple, TypedDict

from conf.config import Config
from conf.enums import ClipTime, Export, Output, OverlayNumber
from conf.render import OverlayConf
from flows.graph.nodes import Handle, Made
from flows.graph.output_needs import dataset_needs_scene
from tasks.exports.requests import DatasetRequest, ExportRequest
from tasks.records import (
    Artifact,
    ChosenSubject,
    DecodedClip,
    ExportedFiles,
    FoundPeople,
    PersonMasks,
    ScenePlates,
    SmoothPath,
)

EDITORS: Final = (Export.aftereffects, Export.resolve, Export.nuke, Export.blender, Export.fcpxml)
EXPORTS_OF_THE_PATH: Final = (Export.keypoints, *EDITORS)
EXPORTS_WITHOUT_POSE: Final = (Export.rle, *EDITORS)
EXPORTS_OF_EVERYBODY: Final = (Export.coco, Export.events)  # events reads the camera's motion, also of the pose stage
SCALED_EXPORTS: Final = (Export.events, Export.trc, Export.c3d)
TIMED_EXPORTS: Final = (Export.events, Export.angles, Export.mot, Export.trc, Export.c3d)
Exported = Mapping[Export, Handle[ExportedFiles]]


def wanted_exports(config: Config) -> list[Export]:
    """Each export that is asked for, or shown by the overlay, once, always in the same order."""
    numbers = config.overlay.numbers if Output.overlay in config.outputs else []
    shown = {Export.angles if one is OverlayNumber.angles else Export.events for one in numbers}
    return [export for export in Export if export in {*config.exports, *shown}]


class Earlier(NamedTuple):
    """What exports read: the video, and the handles of earlier stages."""

    source: Path
    cache_mb: int | None  # of decoded frames
    clip: Handle[DecodedClip]
    found: Handle[FoundPeople]
    subject: Handle[ChosenSubject]
    masks: Handle[PersonMasks] | None
    path: Handle[SmoothPath]
    scene: Handle[ScenePlates] | None


def export_request(config: Config, export: Export, earlier: Earlier) -> Callable[[Made], ExportRequest]:
    """The request of an export, with only what it reads."""
    source, cache_mb, clip, found, subject, masks, path, scene = earlier
    if export is Export.webdataset and masks is not None:
        plates, own = scene if dataset_needs_scene(config) else None, masks
        return lambda made: DatasetRequest(
            export=export.value,
            source=source,
            cache_mb=cache_mb,
            clip=made(clip),
            subject=made(subject),
            masks=made(own),
            trajectory=made(path),
            scene=None if plates is None else made(plates),
            border=config.border,
            interpolation=config.render.interpolation,
            dataset=config.dataset,
        )
    own_masks = masks if export is Export.rle else None
    return lambda made: ExportRequest(
        export=export.value,
        clip=made(clip),
        subject=None if export in EXPORTS_WITHOUT_POSE else made(subject),
        found=made(found) if export in EXPORTS_OF_EVERYBODY else None,
        masks=None if own_masks is None else made(own_masks),
        trajectory=made(path) if export in EXPORTS_OF_THE_PATH else None,
        scale=config.scale if export in SCALED_EXPORTS else None,
        time=config.clip.time if export in TIMED_EXPORTS else ClipTime.real,
    )


class ShownExports(TypedDict, total=False):
    """The fields of ``RenderRequest`` for the numbers in the overlay."""

    numbers: OverlayConf
    events: Artifact[ExportedFiles]
    angles: Artifact[ExportedFiles]


def shown_exports(config: Config, exported: Exported, made: Made) -> ShownExports:
    """The files that the overlay takes its numbers from; nothing where it shows none."""
    numbers = config.overlay.numbers
    shown = ShownExports()
    if numbers:
        shown["numbers"] = config.overlay
    if OverlayNumber.angles in numbers:
        shown["angles"] = made(exported[Export.angles])
    if set(numbers) - {OverlayNumber.angles}:
        shown["events"] = made(exported[Export.events])
    return shown
