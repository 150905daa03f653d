"""Which export reads what."""

from collections.abc import Callable
from typing import Final

from conf.config import Config
from conf.enums import ClipTime, Export
from flows.graph.nodes import Handle, Made
from tasks.records import ChosenSubject, DecodedClip, FoundPeople, PersonMasks, SmoothPath
from tasks.requests import ExportRequest

EDITORS: Final = (Export.aftereffects, Export.resolve, Export.nuke, Export.blender)
EXPORTS_OF_THE_PATH: Final = (Export.keypoints, *EDITORS)
EXPORTS_WITHOUT_POSE: Final = (Export.rle, *EDITORS)
EXPORTS_OF_EVERYBODY: Final = (
    Export.coco,
    Export.events,
)  # events: the camera's motion lies there
SCALED_EXPORTS: Final = (Export.events, Export.trc, Export.c3d)
TIMED_EXPORTS: Final = (Export.events, Export.angles, Export.mot, Export.trc, Export.c3d)


def wanted_exports(config: Config) -> list[Export]:
    """Each export that is asked for once, always in the same order."""
    return [export for export in Export if export in config.exports]


def export_request(
    config: Config,
    export: Export,
    clip: Handle[DecodedClip],
    people: Handle[FoundPeople],
    subject: Handle[ChosenSubject],
    masks: Handle[PersonMasks] | None,
    path: Handle[SmoothPath],
) -> Callable[[Made], ExportRequest]:
    """The request of an export, with no more than it reads."""
    own_masks = masks if export is Export.rle else None
    return lambda made: ExportRequest(
        export=export.value,
        clip=made(clip),
        pose=None if export in EXPORTS_WITHOUT_POSE else made(subject),
        found=made(people) if export in EXPORTS_OF_EVERYBODY else None,
        masks=None if own_masks is None else made(own_masks),
        trajectory=made(path) if export in EXPORTS_OF_THE_PATH else None,
        scale=config.scale if export in SCALED_EXPORTS else None,
        time=config.clip.time if export in TIMED_EXPORTS else ClipTime.real,
    )
