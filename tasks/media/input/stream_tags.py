"""What a video stream says about its picture: orientation, pixel aspect, colour, chroma location, HDR."""

import math
import re
import struct
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av.logging
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tasks.errors import VideoError
from tasks.media.ffmpeg_log import ffmpeg_log
from tasks.media.planes.layout import CHROMA_LEFT, CHROMA_OFFSETS, FULL_RANGE, nearest_layout
from tasks.records import ColorTags, HdrTags

_CHROMA_LOCATIONS = ("unspecified", "left", "center", "topleft", "top", "bottomleft", "bottom")
"""FFmpeg's names in the order of its codes (AVChromaLocation)."""

_CHROMA_CODES = {offset: code for code, offset in CHROMA_OFFSETS.items()}
_UNSPECIFIED = 0


@dataclass(frozen=True)
class Orientation:
    """How the stored picture becomes upright: a clockwise rotation in degrees, then perhaps a left-right mirroring."""

    rotation_deg: int = 0
    mirrored: bool = False


def read_orientation(path: Path, frame: VideoFrame) -> Orientation:
    """The orientation in the frame's display matrix. ``VideoError`` if it is no multiple of 90 degrees."""
    data = _side_data(frame, SideDataType.DISPLAYMATRIX)
    return Orientation() if data is None else _orientation(path, struct.unpack("=9i", data))


def upright_size_px(frame: VideoFrame, orientation: Orientation) -> tuple[int, int]:
    """``(width, height)`` of the upright picture."""
    return (frame.height, frame.width) if orientation.rotation_deg % 180 else (frame.width, frame.height)


def read_pixel_aspect(stream: VideoStream, orientation: Orientation) -> Fraction:
    """Width / height of one pixel of the upright picture."""
    aspect = stream.sample_aspect_ratio or Fraction(1)
    return 1 / aspect if orientation.rotation_deg % 180 else aspect


def read_color_tags(
    container: InputContainer, stream: VideoStream, frame: VideoFrame, orientation: Orientation
) -> ColorTags:
    """Colour tags of ``frame``, with the chroma location of the upright picture.

    Without a range tag, the old yuvj formats and gray (also with opacity, or of 1 bit) are full range, as in FFmpeg.
    """
    name = frame.format.name
    full_by_default = not frame.color_range and (name.startswith("yuvj") or nearest_layout(name).planes == 1)
    return ColorTags(
        range=FULL_RANGE if full_by_default else int(frame.color_range),
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        matrix=int(frame.colorspace),
        chroma_location=rotate_chroma_location(read_chroma_location(container, stream.index), orientation),
    )


def read_chroma_location(container: Any, stream_index: int) -> int:
    """The chroma location (AVChromaLocation) of a stream of ``container`` (``av.InputContainer``); 0: unspecified.

    PyAV has no attribute for it. FFmpeg's description of the file names it at the verbose log level.
    """
    text = _description(container)
    found = re.search(rf"Stream #0:{stream_index}\b.*Video: .*?, \w+\(([^)]*)\)", text)
    words = found[1].replace("/", ", ").split(", ") if found else []
    return next((_CHROMA_LOCATIONS.index(word) for word in words if word in _CHROMA_LOCATIONS[1:]), _UNSPECIFIED)


def read_dolby_vision(container: Any, stream_index: int) -> str:
    """The Dolby Vision profile of a stream of ``container``, such as ``5`` or ``8.4``; empty where it has none.

    PyAV does not read this side data; FFmpeg's description of the file names it.
    """
    own = re.split(r"Stream #0:(\d+)", _description(container))
    text = next((body for number, body in zip(own[1::2], own[2::2], strict=True) if int(number) == stream_index), "")
    found = re.search(r"DOVI configuration record:.*?profile: (\d+),.*?compatibility id: (\d+)", text)
    if found is None:
        return ""
    return found[1] if found[2] == "0" else f"{found[1]}.{found[2]}"


def _description(container: Any) -> str:
    """FFmpeg's description of a file, with all that it says at the verbose log level."""
    with ffmpeg_log(av.logging.VERBOSE):
        av.logging.set_libav_level(av.logging.VERBOSE)
        try:
            text: str = container.dumps_format()
        finally:
            av.logging.set_libav_level(av.logging.INFO)
    return text


def rotate_chroma_location(code: int, orientation: Orientation) -> int:
    """The chroma location (AVChromaLocation) after the picture has been made upright.

    No code names a location on the right: it becomes the centre, half a luma pixel off. An unspecified location stays
    unspecified if the picture keeps its orientation. Otherwise it counts as left, the usual location.
    """
    if orientation == Orientation():
        return code
    x, y = CHROMA_OFFSETS[code or CHROMA_LEFT]
    for _ in range(orientation.rotation_deg // 90):
        x, y = 2 - y, x
    if orientation.mirrored:
        x = 2 - x
    return _CHROMA_CODES[min(x, 1), y]


def read_hdr_tags(frame: VideoFrame) -> HdrTags:
    """The frame's HDR metadata (AVMasteringDisplayMetadata, AVContentLightMetadata)."""
    display = _side_data(frame, SideDataType.MASTERING_DISPLAY_METADATA)
    light = _side_data(frame, SideDataType.CONTENT_LIGHT_LEVEL)
    mastering: tuple[str, ...] = ()
    if display is not None:
        *pairs, has_primaries, has_luminance = struct.unpack("=22i", display)
        if has_primaries and has_luminance and all(pairs[1::2]):  # a damaged file may divide by 0
            mastering = tuple(str(Fraction(*pair)) for pair in zip(pairs[::2], pairs[1::2], strict=True))
    return HdrTags(mastering, () if light is None else struct.unpack("=2I", light[:8]))


def _side_data(frame: VideoFrame, kind: SideDataType) -> bytes | None:
    """The frame's side data of one kind; None if it has none."""
    data: Any = frame.side_data.get(kind.name)
    return None if data is None else bytes(data)


def _unnamed_side_data(kinds: type[SideDataType], code: Any) -> SideDataType:
    """A placeholder for a kind of side data that PyAV has no name for."""
    kind = object.__new__(kinds)
    kind._name_, kind._value_ = f"UNNAMED_{code}", code
    return kind


# A frame with one unnamed kind (EXIF data of phones, view numbers of spatial video) would else have no readable side
# data at all: PyAV raises ValueError.
SideDataType._missing_ = classmethod(_unnamed_side_data)  # type: ignore[method-assign, assignment]


def _orientation(path: Path, matrix: tuple[int, ...]) -> Orientation:
    # x' = a x + c y, y' = b x + d y (libavutil/display.h); the mirroring comes last.
    a, b, _, c, d = matrix[:5]
    mirrored = a * d - b * c < 0
    angle_deg = math.degrees(math.atan2(b, -a if mirrored else a))
    quarter_turns = round(angle_deg / 90)
    if abs(angle_deg - 90 * quarter_turns) > 1:
        fact = f"asks to be shown turned by {angle_deg:.0f} degrees"
        raise VideoError(f"{path}: {fact}; re-encode it turned by a multiple of 90")
    return Orientation(quarter_turns * 90 % 360, mirrored)
