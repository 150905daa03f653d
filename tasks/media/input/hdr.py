"""What a frame says for HDR screens."""

import struct
from fractions import Fraction
from typing import Any

from av.video.frame import VideoFrame

from tasks.records import HdrTags


def hdr_tags(frame: VideoFrame) -> HdrTags:
    """What the frame's side data says for HDR screens (AVMasteringDisplayMetadata, AVContentLightMetadata)."""
    screen: Any = frame.side_data.get("MASTERING_DISPLAY_METADATA")
    light: Any = frame.side_data.get("CONTENT_LIGHT_LEVEL")
    mastering: tuple[str, ...] = ()
    if screen is not None:
        *pairs, has_primaries, has_luminance = struct.unpack("=22i", bytes(screen))
        if has_primaries and has_luminance:
            mastering = tuple(str(Fraction(*pair)) for pair in zip(pairs[::2], pairs[1::2], strict=True))
    return HdrTags(mastering, () if light is None else struct.unpack("=2I", bytes(light)[:8]))
