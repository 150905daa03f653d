"""What can be known to fail before any work: settings against the size of each picture, and missing models."""

from conf.schema import Config, Output
from flows.inputs import Video
from tasks.errors import VideoError


def check(config: Config, videos: list[Video]) -> None:
    """Raise for a target or a crop that a video's picture cannot honour, and for a model that is not there.

    Headers are read only where a setting depends on the picture's size. A video that cannot be read is passed over
    here: it will be one failed video of the run.
    """
    model_digests(config)
    if config.target == "center" and config.crop.size is None:
        return
    from tasks.maths import framing
    from tasks.media import probe

    for video in videos:
        try:
            size_px = (config.demo.width, config.demo.height) if video.path is None else probe.probe_size(video.path)
        except VideoError:
            continue
        output_px = framing.output_size(size_px, config.crop.size)
        framing.resolve_target(config.target, output_px)


def model_digests(config: Config) -> dict[str, dict[str, str]]:
    """Digests of the model files by stage and model; ``ModelError`` where one is missing."""
    from tasks.models import sources

    pose = config.pose.model.value
    masks = config.masks
    by_stage: dict[str, tuple[str, ...]] = {"pose": (pose,)}
    if {Output.person, Output.masks} & set(config.outputs):
        by_stage["masks"] = sources.mask_models(masks.model.value, masks.source.value, masks.fallback_fps, pose)
    where = (config.models.dir, config.models.download)
    return {stage: sources.model_digests(names, *where) for stage, names in by_stage.items()}
