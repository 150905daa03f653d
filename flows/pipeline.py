"""The program on one page: the stages of one video, in order, and what each takes.

A real run, ``plan=true`` and the tests run this same function (see ``flows.graph.stage_requests`` and ``nodes``).
Nothing is computed here: a stage returns a handle at once, and its request is built later, when the earlier artifacts
exist.
"""

from conf.config import Config
from conf.enums import Export, Output
from flows.graph.export_needs import wanted_exports
from flows.graph.nodes import Handle
from flows.graph.output_needs import masks_wanted, scene_wanted, wanted_outputs
from flows.graph.shared_window import shares_aspect, shares_room
from flows.graph.stage_requests import RequestedStages
from tasks.records import FoundPeople, NumberedPeople


def first_pass(stages: RequestedStages, config: Config) -> Handle[FoundPeople]:
    """Ask only for the first pass that decodes the whole file: it confirms the table of frames."""
    return stages.pose(stages.decode(config.decode), config.pose)


def everybody(stages: RequestedStages, config: Config) -> Handle[NumberedPeople]:
    """Ask only who is in the video. With ``subject=all`` the ``pipeline`` is then asked for once for each person."""
    clip = stages.decode(config.decode)
    return stages.people(clip, stages.pose(clip, config.pose), config.subject)


def pipeline(stages: RequestedStages, config: Config, *, metrics_only: bool = False) -> None:
    """Ask for every stage that the settings need; with ``metrics_only``, only for the path and its metrics."""
    clip = stages.decode(config.decode)
    found = stages.pose(clip, config.pose)
    if not metrics_only:
        stages.people(clip, found, config.subject)  # for the report
    subject = stages.subject(clip, found, config.subject)

    # Without videos, only the anchor can need masks.
    needs_masks = config.anchor.masks if metrics_only else masks_wanted(config)
    needs_scene = not metrics_only and scene_wanted(config)
    masks, scene = stages.masks_and_scene(clip, found, subject, config.masks, masks=needs_masks, scene=needs_scene)

    # With crop.shared all videos of a run have one size of window: by aspect, or the largest that all have room for.
    window = stages.shared_aspect(clip, subject, config.crop) if shares_aspect(config.crop) else None
    anchor_masks = masks if config.anchor.masks else None
    offsets = stages.offsets(clip, subject, anchor_masks, window, config.anchor)
    if shares_room(config.crop):
        window = stages.shared_room(clip, found, subject, offsets, config.smoothing, config.lock)
    path = stages.trajectory(clip, found, subject, offsets, window, config.smoothing, config.lock)
    if metrics_only:
        return

    exported = stages.exports(clip, found, subject, masks, path, scene, wanted_exports(config))
    # With verify=true the wanted outputs include the stabilized video.
    rendered = stages.render(clip, path, masks, scene, subject, offsets, exported, wanted_outputs(config))
    verified = stages.verify(clip, subject, path, rendered[Output.stabilized], config.pose) if config.verify else None
    stages.charts(clip, subject, offsets, path, verified, exported.get(Export.angles), rendered)
