"""One framing for all videos of a run: the size of window that fits every one of them."""

from collections.abc import Sequence

from conf.enums import CropMode
from conf.lock import CropConf
from tasks.records import Artifact, CoveredWindow, DecodedClip, read_clip
from tasks.untrusted.json_file import read_object

Size = tuple[int, int]


def shares_aspect(crop: CropConf) -> bool:
    """Whether all videos share one window of ``crop.aspect``, small enough for the smallest picture."""
    return crop.shared and crop.aspect is not None and crop.keep is None


def aspect_size(crop: CropConf, decoded: Artifact[DecodedClip]) -> Size:
    """The size of window of the crop's aspect that fits into a clip."""
    from tasks.maths.path import window  # loads scipy, which a run that shares nothing does not need

    clip = read_clip(decoded)
    return window.stabilized_size(clip.size_px, crop, clip.pixel_aspect_value)


def shares_room(crop: CropConf) -> bool:
    """Whether the size depends on how much border a window shows, for which every video must be looked at."""
    return crop.shared and (crop.mode is CropMode.auto or crop.keep is not None)


def room_size(room: Artifact[CoveredWindow]) -> Size:
    """The size of window that a video has room for."""
    width, height = read_object(room.path("room.json"))["size_px"]
    return width, height


def shared_size(sizes_px: Sequence[Size]) -> Size | None:
    """The largest window that fits into windows of all ``sizes_px``; None where there are none."""
    if not sizes_px:
        return None
    return min(width for width, _ in sizes_px), min(height for _, height in sizes_px)
