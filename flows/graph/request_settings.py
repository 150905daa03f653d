"""Which part of the settings a request takes: a setting that does not shape a result must not enter its key."""

from dataclasses import replace
from pathlib import Path

from conf.clip import ClipConf
from conf.config import Config
from conf.input import DecodeConf, MasksConf
from conf.lock import CropConf
from flows.graph.shared_window import Size
from tasks.cache.store import sha256_of
from tasks.errors import SettingError


def without_frame_cache(decode: DecodeConf) -> DecodeConf:
    """The settings without those that say where frames are kept later: they do not shape what decoding finds."""
    return replace(decode, frames=DecodeConf.frames, memory_mb=DecodeConf.memory_mb)


def without_matte(masks: MasksConf) -> MasksConf:
    """The settings without those that say how masks are used later: a change of these runs no model again."""
    return replace(masks, smoothing=MasksConf.smoothing, plate=MasksConf.plate, refine=MasksConf.refine)


def without_time(clip: ClipConf) -> ClipConf:
    """The part without ``clip.time``, which does not decide which frames are used."""
    return replace(clip, time=ClipConf.time)


def picture_crop(crop: CropConf) -> CropConf:
    """The settings that decide the size of the stabilized picture, without those that show a part of it or scale it."""
    return CropConf(size=crop.size, aspect=crop.aspect, window=crop.window)


def unscaled_target(config: Config) -> tuple[float, float] | str:
    """The target; pixels of an output that is scaled become fractions, which mean the same in the unscaled picture."""
    asked, output = config.target, config.crop.output
    if isinstance(asked, str):
        return asked
    x, y = asked
    if output is None or (0 <= x <= 1 and 0 <= y <= 1):
        return x, y
    return (x + 0.5) / output[0], (y + 0.5) / output[1]


def scaled_target(config: Config) -> str:
    """The word for a target that is chosen anew for a part of the picture, or for another scale; else empty."""
    crop = config.crop
    changes = crop.output is not None or crop.keep is not None or config.lock.height is not None
    return str(config.target) if changes and config.target in ("auto", "natural") else ""


def of_size(crop: CropConf, window_px: Size | None) -> CropConf:
    """The crop with the size of window that all videos of a run share; unchanged for None."""
    return crop if window_px is None else replace(crop, size=list(window_px), aspect=None)


def picture_digest(path: Path) -> str:
    """sha256 of the bytes of a background's picture; ``SettingError`` where it cannot be read any more."""
    try:
        return sha256_of(path)
    except OSError as error:  # it was there when the settings were checked
        cure = "put it back and run again"
        raise SettingError(f"background.image: {path} cannot be read any more ({error.strerror}); {cure}") from error
