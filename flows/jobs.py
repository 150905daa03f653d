"""From settings and the videos they name to jobs: what identifies each, or why it fails before its first stage."""

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path

from conf.config import Config
from conf.enums import SweepRender
from flows import preflight
from flows.config import settings
from flows.graph import Graph, Node
from flows.job import Job
from flows.pipeline import start_demo
from flows.results.result import Result
from flows.sweep import SweepSetting
from flows.videos import Video, find_all_videos, find_videos, missing_reason
from tasks.cache.file_stamp import Stamp, stamp_of
from tasks.cache.store import sha256_of
from tasks.errors import SettingError, StillwalkError, VideoError


def prepare(asked: list[SweepSetting], graph: Graph, run_id: str) -> list[Job | Result]:
    """A job for each video with each setting, those of a video side by side; to be called inside the flow."""
    configs = [settings.load(setting.overrides) for setting in asked]
    wanted = [{video.path for video in find_videos(config.video)} for config in configs]
    drawn = [
        start_demo(graph, setting.name, config.demo) if None in paths else None
        for setting, config, paths in zip(asked, configs, wanted, strict=True)
    ]
    graph.submit()
    digest = cache(_digest)
    prepared: list[Job | Result] = []
    for video in find_all_videos([config.video for config in configs]):
        for setting, config, paths, node in zip(asked, configs, wanted, drawn, strict=True):
            if video.path not in paths:
                continue
            try:
                prepared.append(_job(video, setting, config, graph, run_id, None if video.path else node, digest))
            except StillwalkError as error:
                prepared.append(Result(video, error=str(error), setting=setting.name))
    return prepared


def _job(
    video: Video,
    setting: SweepSetting,
    config: Config,
    graph: Graph,
    run_id: str,
    drawn: Node | None,
    digest: Callable[[Path], tuple[str, Stamp]],
) -> Job:
    source = video.path if drawn is None else drawn.future.result().path("demo.mp4")
    if source is None or missing_reason(video):
        raise VideoError(missing_reason(video))
    models = preflight.find_model_digests(config)
    only_path = bool(setting.name) and config.sweep.render is not SweepRender.all
    nodes = {} if drawn is None else {"demo": drawn}
    found, stamp = digest(source)
    if drawn is None:
        graph.watch(source, stamp)
    misfit = _misfit(config, video)
    return Job(video, source, found, config, models, graph, run_id, setting.name, only_path, misfit, nodes)


def _misfit(config: Config, video: Video) -> str:
    """Why the video cannot honour a setting; "" where it can, and where it cannot be read: a stage will say so."""
    try:
        with suppress(VideoError):
            preflight.check_video(config, video)
    except SettingError as error:
        return str(error)
    return ""


def _digest(source: Path) -> tuple[str, Stamp]:
    try:
        stamp = stamp_of(source)  # before: a change while it is read is noticed too
        return sha256_of(source), stamp
    except OSError as error:
        raise VideoError(f"{source}: {error.strerror}; check that it is a file that you may read") from error
