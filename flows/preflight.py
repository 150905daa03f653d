"""What can be known to fail before any work: settings against each picture and its length, and missing models."""

import os
from contextlib import suppress
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import NoReturn

from conf.checks import require
from conf.choices import VideoCodec
from conf.holding import CropConf, SmoothingConf
from conf.schema import Config
from flows import fitting
from flows.output_needs import masks_wanted
from flows.shared_window import shared_size
from flows.videos import Video
from tasks.errors import SettingError, VideoError
from tasks.paths import exists, expand_home, is_folder, length_problem


def check(config: Config, videos: list[Video]) -> None:
    """Raise for a setting that no video can honour by its size, length or rate, and for a model that is not there.

    One that fits some of them fails the others only, each for itself: see ``check_video``. What cannot be read counts
    for neither: it will be one failed video of the run.
    """
    model_digests(config)
    if config.encode.codec is not VideoCodec.x264:  # which is always there: this loads PyAV
        _check_codec(config.encode.codec.value)
    if config.background.image is not None:
        _check_image(config.background.image)
    refusals = []
    for video in videos:
        try:
            check_video(config, video)
        except VideoError:
            continue
        except SettingError as error:
            refusals.append((video, error))
        else:
            return
    if refusals:
        _refuse(config, videos, *refusals[0])


def check_video(config: Config, video: Video) -> None:
    """``SettingError`` for a setting that the video cannot honour; ``VideoError`` where it cannot be read.

    Its header is read only where a setting depends on it.
    """
    if video.path is None and (config.demo.heading_deg or config.demo.turn_deg_s):
        _check_walk(config)
    if config.target != "center" or config.crop != CropConf() or config.subject.point is not None:
        _check_picture(config, video)
    if fitting.depends_on_size(config):
        size_px, pixel_aspect = _shape(config, video)
        fitting.check_files(config, size_px, float(pixel_aspect))
    if config.smoothing != SmoothingConf():
        _check_length(config, video)


def _refuse(config: Config, videos: list[Video], video: Video, error: SettingError) -> NoReturn:
    """Raise the error of the first of several videos that all have one."""
    if len(videos) == 1:
        raise error
    if config.crop.size is not None:
        _check_size(config, videos)
    raise SettingError(f"{error} (for {video.place}; none of the {len(videos)} videos fits)") from error


def check_length(setting: str, folder: Path) -> None:
    """Raise unless the path of ``folder`` leaves room for the files that are to lie in it."""
    fact = length_problem(folder)
    require(not fact, setting, fact, f"choose a shorter one with {setting}=")


def check_folder(setting: str, folder: Path) -> None:
    """Raise unless ``folder``, or the nearest of its parents that exists, is a folder to write into."""
    nearest = next(parent for parent in (folder, *folder.parents) if exists(parent))
    cure = f"choose another place with {setting}="
    require(is_folder(nearest), setting, f"{nearest} is a file, not a folder", cure)
    require(os.access(nearest, os.W_OK), setting, f"{nearest} cannot be written to", f"make it writable, or {cure}")


def _check_codec(name: str) -> None:
    from tasks.media.output import encoders

    encoders.require_encoder(name)


def _check_image(name: str) -> None:
    from tasks.media.files import background_image

    background_image.read_background_image(expand_home(name))


def _check_size(config: Config, videos: list[Video]) -> None:
    """``SettingError`` with the largest window that all pictures have room for, where ``crop.size`` is larger."""
    from tasks.maths.path import framing

    sizes_px = []
    for video in videos:
        with suppress(VideoError):
            sizes_px.append(_shape(config, video)[0])
    room_px = shared_size(sizes_px)
    if room_px is not None:
        framing.output_size(room_px, config.crop.size)


def _shape(config: Config, video: Video) -> tuple[tuple[int, int], Fraction]:
    """Width and height in px, and the pixel aspect."""
    return ((config.demo.width, config.demo.height), Fraction(1)) if video.path is None else _probed(video.path)


def _check_walk(config: Config) -> None:
    from tasks.demo import demo_video

    demo_video.walk_from_settings(config.demo)


def _check_picture(config: Config, video: Video) -> None:
    from tasks.maths.path import framing, window

    size_px, pixel_aspect = _shape(config, video)
    framing.resolve_target(config.target, window.stabilized_size(size_px, config.crop, float(pixel_aspect)))
    if config.subject.point is not None:
        framing.resolve_point("subject.point", config.subject.point, size_px, "picture")


def _check_length(config: Config, video: Video) -> None:
    from tasks.maths.path import smoothing_limits

    rate_hz = float(config.demo.rate)
    demo = (round(config.demo.seconds * rate_hz), rate_hz)
    smoothing_limits.check_smoothing(config.smoothing, *(demo if video.path is None else _length(video.path)))


@cache  # a sweep asks for every setting
def _probed(path: Path) -> tuple[tuple[int, int], Fraction]:
    from tasks.media.input import probe

    return probe.probe_shape(path)


@cache
def _length(path: Path) -> tuple[int, float]:
    from tasks.media.input import probe

    return probe.probe_length(path)


def model_digests(config: Config) -> dict[str, dict[str, str]]:
    """Digests of the model files by stage and model; ``ModelError`` where one is missing.

    With ``plan=true`` nothing is downloaded: the digest of what a run would download is empty.
    """
    from tasks.models import sources

    masks = config.masks
    by_stage: dict[str, tuple[str, ...]] = {"pose": (config.pose.model.value,)}
    if masks_wanted(config):
        by_stage["masks"] = sources.mask_model_names(masks.model.value, masks.source.value, masks.fallback_fps)
    where = (config.models.dir, config.models.download, config.plan)
    return {stage: _digests(names, *where) for stage, names in by_stage.items()}


@cache
def _digests(names: tuple[str, ...], folder: str | None, download: bool, only_planned: bool) -> dict[str, str]:
    from tasks.models import sources

    absent = sources.models_to_download(names, folder) if download and only_planned else []
    there = [name for name in names if name not in absent]
    return dict.fromkeys(absent, "") | sources.model_digests(there, folder, download)
