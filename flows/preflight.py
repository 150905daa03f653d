"""Checks before any work: settings against each video's size, length and rate, and missing models."""

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NoReturn

from conf.config import Config
from conf.enums import AlphaFile, BackgroundMode, ComparisonLayout, CropMode, Output, SweepRender, VideoCodec
from conf.lock import HEIGHT_SHARES, CropConf, SmoothingConf
from conf.validation import require
from flows.corrections import NO_CORRECTIONS, corrections_path, given_corrections
from flows.graph.output_needs import background_of, masks_wanted, stabilized_wanted
from flows.graph.shared_window import shared_size
from flows.results.result import RECORD_NAME
from flows.videos import Video, missing_reason, none_readable
from tasks.cache.integrity import FileFingerprint, file_fingerprint
from tasks.errors import SettingError, VideoError
from tasks.records import TARGET_WORDS
from tasks.untrusted.corrections_file import CORRECTIONS_NAME
from tasks.untrusted.paths import exists, expand_home

SizePx = tuple[int, int]  # width, height
ALWAYS_THERE: Final = (VideoCodec.auto, VideoCodec.x264)  # and they encode pictures of every size
# Widest output, in heights of the person. At 80 a frame of 1280x720 took 5 s on a busy machine, and showed no picture.
WIDEST_HEIGHTS: Final = 40


def check_run(config: Config, videos: list[Video]) -> None:
    """Raise for a setting that suits none of the videos, and for a missing model, picture or codec.

    A setting that suits only some videos fails the others one by one: see ``check_video``. Videos that cannot be read
    are not counted; each becomes one failed video of the run.
    """
    find_model_digests(config)
    if config.encode.codec not in ALWAYS_THERE:  # the check loads PyAV
        _check_codec(config.encode.codec.value)
    if config.background.image is not None:
        _check_image(config.background.image)
    one = config.corrections in (None, NO_CORRECTIONS) or len(videos) == 1
    cure = f"put a {CORRECTIONS_NAME} into the folder of each video in output_dir"
    require(one, "corrections", f"one file is given for {len(videos)} videos", cure)
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
    """``SettingError`` for a setting that does not suit the video; ``VideoError`` where it cannot be read.

    The file's header is read only if a setting depends on it.
    """
    if video.is_drawn and (config.demo.heading_deg or config.demo.turn_deg_s):
        _check_walk(config)
    if config.target not in TARGET_WORDS or config.crop != CropConf() or config.subject.point is not None:
        _check_points(config, video)
    if config.lock.height is not None:
        _check_height(config, video, config.lock.height)
    if corrections_path(config, video.name) is not None:
        _check_corrections(config, video)
    if _depends_on_size(config):
        size_px, pixel_aspect = _shape(config, video)
        _check_files(config, size_px, float(pixel_aspect))
    if config.clip.from_s:
        _check_part(config, video)
    if config.smoothing != SmoothingConf():
        _check_smoothing(config, video)


def require_any_video(config: Config, videos: Sequence[Video], output_dir: Path) -> None:
    """``SettingError`` where there are videos, and none of them can be opened.

    One that has a record in ``output_dir`` is not opened: PyAV takes 0.2 s to load, and a run that finds all in the
    cache does not need it.
    """
    reasons: list[str] = []
    for video in videos:
        if video.path is None or exists(output_dir / video.name / RECORD_NAME):
            return
        try:
            _length(config, video)
        except VideoError as error:
            reasons.append(missing_reason(video) or str(error))
        else:
            return
    if reasons:
        raise SettingError(none_readable(reasons))


def length_s(config: Config, video: Video) -> float:
    """How long a video lasts, as far as its header says it; else 0. ``VideoError`` where it cannot be read."""
    frames, rate_hz = _length(config, video)
    return frames / rate_hz if rate_hz else 0.0


def _refuse(config: Config, videos: list[Video], video: Video, error: SettingError) -> NoReturn:
    """Raise the error of the first of several videos that all have one."""
    if len(videos) == 1:
        raise error
    if config.crop.size is not None:
        _check_crop_size(config, videos)
    raise SettingError(f"{error} (for {video.location}; none of the {len(videos)} videos fits)") from error


def _check_codec(name: str) -> None:
    from tasks.media.output import encoders

    encoders.require_encoder(name)


def _check_image(name: str) -> None:
    from tasks.media.files import background_image

    background_image.read_background_image(expand_home(name))


def _check_crop_size(config: Config, videos: list[Video]) -> None:
    """``SettingError`` with the largest window that fits all pictures, where ``crop.size`` is larger."""
    from tasks.maths.path import framing

    sizes_px = []
    for video in videos:
        with suppress(VideoError):
            sizes_px.append(_shape(config, video)[0])
    common_px = shared_size(sizes_px)
    if common_px is not None:
        framing.output_size(common_px, config.crop.size)


def _check_walk(config: Config) -> None:
    from tasks.demo import demo_video

    demo_video.walk_from_settings(config.demo)


def _check_height(config: Config, video: Video, share: float) -> None:
    """Raise for a person so small beside the output that nearly all of it is border, which takes minutes to make."""
    from tasks.maths.path import window

    size_px, pixel_aspect = _shape(config, video)
    width, height = config.crop.output or window.stabilized_size(size_px, config.crop, float(pixel_aspect))
    least = math.ceil(100 * width / (height * WIDEST_HEIGHTS)) / 100
    fact = f"{share:g} in an output of {width}x{height} leaves the picture next to no room"
    cure = f"give at least {least:g}" if least <= HEIGHT_SHARES[1] else "give a less wide crop.output"
    require(share * height * WIDEST_HEIGHTS >= width, "lock.height", fact, cure)


def _check_points(config: Config, video: Video) -> None:
    """Check ``target`` and ``subject.point`` against the size of the picture."""
    from tasks.maths.path import framing, window

    size_px, pixel_aspect = _shape(config, video)
    shown_px, output = window.stabilized_size(size_px, config.crop, float(pixel_aspect)), config.crop.output
    framing.resolve_target(config.target, shown_px if output is None else (output[0], output[1]))
    if config.subject.point is not None:
        framing.resolve_point("subject.point", config.subject.point, size_px, "picture")


def _check_part(config: Config, video: Video) -> None:
    """Raise for a part that begins behind the end of the file, as far as the header says where that is."""
    ends_s, begins_s = length_s(config, video), float(config.clip.from_s)
    fact = f"{begins_s:g} s is behind the end of the video, which lasts {ends_s:.2f} s"
    require(not ends_s or begins_s < ends_s, "clip.from", fact, "give an earlier time")


def _check_corrections(config: Config, video: Video) -> None:
    """Check the corrections against the number of frames, as far as the header says it, and the size of the picture."""
    frames, _ = _length(config, video)
    given_corrections(config, video.name, frames=frames, size_px=_shape(config, video)[0])


def _check_smoothing(config: Config, video: Video) -> None:
    from tasks.maths.path import smoothing_limits

    smoothing_limits.check_smoothing(config.smoothing, *_length(config, video))


def _shape(config: Config, video: Video) -> tuple[SizePx, Fraction]:
    """Size and pixel aspect of a video."""
    if video.is_drawn:
        return (config.demo.width, config.demo.height), Fraction(1)
    return _read_shape(_file(video))


def _length(config: Config, video: Video) -> tuple[int, float]:
    """Frames of a video and how many a second has, as far as its header says it; else 0."""
    if video.is_drawn:
        rate_hz = float(config.demo.rate)
        return round(config.demo.seconds * rate_hz), rate_hz
    return _read_length(_file(video))


def _file(video: Video) -> Path:
    """The file of a video; ``VideoError`` for an object that is not downloaded yet."""
    if video.path is None:
        raise VideoError(f"{video.location}: it is not downloaded yet")
    return video.path


@cache  # a sweep asks for each setting
def _read_shape(path: Path) -> tuple[SizePx, Fraction]:
    from tasks.media.input import probe

    return probe.probe_shape(path)


def _read_length(path: Path) -> tuple[int, float]:
    """Number of frames and frame rate in Hz; 0 for what the file does not say."""
    try:
        return _length_of(path, file_fingerprint(path))
    except OSError as error:
        raise VideoError(f"{path}: {error.strerror}; check that it is a file that you may read") from error


@lru_cache(maxsize=4)  # the settings of a sweep ask for the same video, one after the other
def _length_of(path: Path, stamp: FileFingerprint) -> tuple[int, float]:
    """The same, remembered for a file as long as it has this ``stamp``."""
    from tasks.media.input import probe

    return probe.probe_length(path)


def _depends_on_size(config: Config) -> bool:
    """Whether a file is wanted whose format does not allow every picture size."""
    is_rendered = config.sweep.render is not SweepRender.none
    return is_rendered and (_wants_alpha_mov(config) or config.encode.codec not in ALWAYS_THERE)


def _check_files(config: Config, source_px: SizePx, pixel_aspect: float) -> None:
    """``SettingError`` for a file that cannot hold the pictures made from a video of ``source_px``.

    The size of a crop that depends on the motion is not known yet. It is only known that its width is even and, with
    crop=auto, not larger than the source.
    """
    from tasks.maths.path import window

    crop = config.crop
    if crop.output is not None:
        size_px = (crop.output[0], crop.output[1])
    elif crop.mode is CropMode.expand:
        return
    elif crop.window is not None:
        size_px = (crop.window[2], crop.window[3])
    else:
        size_px = window.stabilized_size(source_px, crop, pixel_aspect)
    if _wants_alpha_mov(config) and crop.mode is not CropMode.auto:
        _check_alpha(config, size_px)
    if config.encode.codec not in ALWAYS_THERE:
        _check_encoder(config, source_px, size_px)


def _check_alpha(config: Config, size_px: SizePx) -> None:
    from tasks.media.output import alpha_writer

    other = "an even width in crop.window" if config.crop.mode is CropMode.fixed else "an even crop.size"
    if fact := alpha_writer.odd_width_fault("mov", size_px):
        raise SettingError(f"background.alpha: {fact}; choose background.alpha=webm or png, or {other}")


def _check_encoder(config: Config, source_px: SizePx, size_px: SizePx) -> None:
    from tasks.media.output import encoders

    encoder = encoders.ENCODERS[config.encode.codec.value]
    for width, height in _encoded_sizes(config, source_px, size_px):
        rounded = width + width % 2, height  # chroma subsampling needs an even width
        if fact := encoders.narrow_width_fault(encoder, rounded):
            setting = "width in crop.window" if config.crop.mode is CropMode.fixed else "crop.size"
            larger = f", or a larger {setting if config.crop.output is None else 'crop.output'}"
            cropped = (width, height) == size_px != source_px
            raise SettingError(f"encode: {fact}; choose encode=x264{larger if cropped else ''}")


def _wants_alpha_mov(config: Config) -> bool:
    person = background_of(config, Output.person) if Output.person in config.outputs else None
    return person is not None and person.mode is BackgroundMode.transparent and person.alpha is AlphaFile.mov


def _encoded_sizes(config: Config, source_px: SizePx, size_px: SizePx) -> Iterator[SizePx]:
    """Sizes of the pictures that the configured codec encodes."""
    person = background_of(config, Output.person)
    is_transparent = person is not None and person.mode is BackgroundMode.transparent
    other_videos = (Output.person in config.outputs and not is_transparent) or Output.overlay in config.outputs
    if other_videos or stabilized_wanted(config):
        yield size_px
    if Output.comparison in config.outputs and config.crop.mode is not CropMode.auto:
        from tasks.media.planes.panes import panes_side_by_side, panes_stacked

        is_vertical = config.comparison.layout is ComparisonLayout.vertical
        arrange = panes_stacked if is_vertical else panes_side_by_side
        yield arrange(source_px, size_px, config.comparison.max_width).size_px


def find_model_digests(config: Config) -> dict[str, dict[str, str]]:
    """SHA-256 of the model files by stage and model; ``ModelError`` where one is missing."""
    from tasks.models import sources

    masks = config.masks
    by_stage: dict[str, tuple[str, ...]] = {"pose": (config.pose.model.value,)}
    if masks_wanted(config):
        by_stage["masks"] = sources.mask_model_names(masks.model.value, masks.source.value, masks.fallback_fps)
    return {stage: _digests(names, config.models.dir) for stage, names in by_stage.items()}


@cache
def _digests(names: tuple[str, ...], folder: str | None) -> dict[str, str]:
    from tasks.models import sources

    return sources.model_digests(names, folder)
