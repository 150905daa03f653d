"""What can be known to fail before any work: settings against each picture and its length, and missing models."""

from fractions import Fraction

from conf.schema import Config, Output, SmoothingConf
from flows.inputs import Video
from tasks.errors import VideoError


def check(config: Config, videos: list[Video]) -> None:
    """Raise for a setting that a video cannot honour by its size, length or rate, and for a model that is not there.

    A header is read only where a setting depends on it. A video that cannot be read is passed over here: it will be
    one failed video of the run.
    """
    model_digests(config)
    for video in videos:
        try:
            if config.target != "center" or config.crop.size is not None:
                _check_picture(config, video)
            if config.smoothing != SmoothingConf():
                _check_length(config, video)
        except VideoError:
            continue


def _check_picture(config: Config, video: Video) -> None:
    from tasks.maths import framing
    from tasks.media import probe

    demo = (config.demo.width, config.demo.height)
    size_px = demo if video.path is None else probe.probe_size(video.path)
    framing.resolve_target(config.target, framing.output_size(size_px, config.crop.size))


def _check_length(config: Config, video: Video) -> None:
    from tasks.maths import limits
    from tasks.media import probe

    rate_hz = float(Fraction(config.demo.fps))
    demo = (round(config.demo.seconds * rate_hz), rate_hz)
    limits.check_smoothing(config.smoothing, *(demo if video.path is None else probe.probe_length(video.path)))


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
