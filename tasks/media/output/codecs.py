"""The encoders: what each is called in FFmpeg, what it takes, and how it is told what a setting means."""

import os
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, cast

import av
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext

from tasks.errors import SettingError
from tasks.media.output.priority import same_priority
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.records import NO_HDR, HdrTags

_SIZE_PX = (256, 144)  # of the picture an encoder is tried with: some take no smaller one

# Fixed, not the machine's: the bytes depend on it. The videos of a clip are encoded side by side.
_THREADS: Final = 2
# With frame threads x264 was seen to make other bytes once in a thousand runs, and each slice more costs processor
# time and size: two instead of one 3 % of a busy picture's, a fifth of a plain one's.
_X264_THREADS: Final = 1


@dataclass(frozen=True)
class Codec:
    """An encoder under the name that a setting has for it."""

    name: str
    title: str  # as a sentence calls it
    encoder: str  # FFmpeg's name
    encoder_10: str  # of 10-bit pictures
    only: str = ""  # the one subsampling that it takes, such as 420
    tag: str = ""  # in MP4, where the usual one keeps players away
    least_width_px: int = 1  # narrower than its largest block, x265 was seen to write beyond its memory
    ten_bits: str = ""  # pixel format of 10 bits, where it is not the planar one
    container: str = "mp4"  # FFmpeg's name
    only_ten: bool = False  # bits a sample
    only_limited: bool = False  # range of the samples


PRORES_PROFILES: Final = ("proxy", "lt", "standard", "hq", "4444", "4444xq")
"""In the order of FFmpeg's numbers."""

CODECS: Final = {
    codec.name: codec
    for codec in (
        Codec("x264", "H.264", "libx264", "libx264"),
        Codec("x265", "H.265", "libx265", "libx265", tag="hvc1", least_width_px=64),
        Codec("av1", "AV1", "libsvtav1", "libsvtav1", only="420"),
        Codec(
            "prores",
            "ProRes",
            "prores_aw",  # a quarter of the time of prores_ks at the same profile, and as near to the source
            "prores_aw",
            only="422",
            container="mov",
            only_ten=True,
            only_limited=True,  # ProRes has no word for another one
        ),
        Codec("nvenc", "NVENC", "h264_nvenc", "hevc_nvenc", only="420", ten_bits="p010le"),
    )
}


def codec_of(name: str, preset: str) -> Codec:
    """The codec under ``name`` as it works with ``preset``: of ProRes, two profiles keep all colour."""
    codec = CODECS[name]
    return replace(codec, only="444") if name == "prores" and preset in PRORES_PROFILES[4:] else codec


def check_codec(name: str) -> None:
    """``SettingError`` naming the codecs that are there, where codec ``name`` is not or does not run here."""
    reason = missing(CODECS[name])
    if reason:
        there = ", ".join(codec.name for codec in CODECS.values() if not missing(codec))
        raise SettingError(f"encode.codec: {name} does not run here ({reason}); choose one of {there}")


def missing(codec: Codec) -> str:
    """Why ``codec`` cannot be used on this machine; empty when it can: it was opened for a small picture."""
    for encoder, layout in ((codec.encoder, "yuv420p"), (codec.encoder_10, "yuv420p10le")):
        try:
            context = cast(VideoCodecContext, VideoCodecContext.create(encoder, "w"))
            context.width, context.height = _SIZE_PX
            context.pix_fmt, context.time_base = (
                stored_format(coded_layout(nearest_layout(layout), codec), codec),
                Fraction(1, 30),
            )
            if encoder == "libx265":
                context.options = {"x265-params": "log-level=none"}
            open_encoder(context)
        except UnknownCodecError:
            return f"this FFmpeg has no {encoder}"
        except (av.FFmpegError, ValueError) as error:
            return reason_of(error)
    return ""


def open_encoder(context: VideoCodecContext) -> None:
    """Open it, so that what it refuses is known before the first picture; its own words are in the error's log."""
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 writes to the terminal by itself: errors only
    before = av.logging.get_level()
    av.logging.set_level(av.logging.ERROR)
    try:
        with av.logging.Capture(), same_priority():
            context.open()
    finally:
        av.logging.set_level(before)


def reason_of(error: Exception) -> str:
    """What an encoder said when it refused, else FFmpeg's word for it."""
    log = getattr(error, "log", None)
    said = str(log[2]).strip().rstrip(".") if log else ""
    return said or getattr(error, "strerror", None) or str(error)


def coded_layout(layout: PixelLayout, codec: Codec) -> PixelLayout:
    """What the codec stores for ``layout``: RGB becomes YUV 4:4:4 and gray 4:2:0, for the sake of players; some
    encoders take only one subsampling, or only 10 bits.
    """
    suffix = "10le" if layout.depth == 10 or codec.only_ten else ""
    if layout.planes == 1 or codec.only:
        return nearest_layout(f"yuv{codec.only or '420'}p{suffix}")
    return nearest_layout(f"yuv444p{suffix}") if layout.is_rgb else layout


def stored_format(coded: PixelLayout, codec: Codec) -> str:
    """FFmpeg's name of the format in which the encoder takes ``coded``."""
    return codec.ten_bits if codec.ten_bits and coded.depth == 10 else coded.name


def coded_size(size_px: tuple[int, int], coded: PixelLayout) -> tuple[int, int]:
    """``size_px`` rounded up to whole chroma samples."""
    (width, height), (shift_x, shift_y) = size_px, coded.chroma_shift
    return -(-width >> shift_x) << shift_x, -(-height >> shift_y) << shift_y


def too_narrow(codec: Codec, wh: tuple[int, int]) -> str:
    """The sentence for pictures of a ``coded_size`` that the codec does not take; empty where it does."""
    if wh[0] >= codec.least_width_px:
        return ""
    return f"{codec.title} is not made of pictures narrower than {codec.least_width_px} px, as {wh[0]}x{wh[1]}"


def changes(
    layout: PixelLayout, coded: PixelLayout, size_px: tuple[int, int], wh: tuple[int, int], codec: Codec
) -> list[str]:
    """A sentence for each thing about the planes that is not stored as it is."""
    notes = []
    if wh != size_px:
        odd = f"{size_px[0]}x{size_px[1]} is odd"
        notes.append(f"{odd}: its last column or row was repeated to {wh[0]}x{wh[1]}, as {codec.title} needs")
    ratio = ":".join(coded.name[3:6])
    if layout.is_rgb:
        notes.append(f"RGB was written as YUV {ratio} (BT.709), as players expect of {codec.title}")
    elif layout.planes > 1 and layout.chroma_shift < coded.chroma_shift:
        notes.append(f"{layout.name} was written as YUV {ratio}: {codec.name} stores no finer colour")
    return notes


def prepare(context: VideoCodecContext, codec: Codec, crf: int | None, preset: str, hdr: HdrTags) -> list[str]:
    """Tell the encoder quality, speed and HDR tags; give a sentence for each tag that it cannot carry.

    All is set such that the same pictures give the same bytes, however many processors there are.
    """
    context.thread_count = _X264_THREADS if codec.name == "x264" else _THREADS
    options = {"crf": str(crf), "preset": preset}
    notes = []
    if codec.name == "x264":
        # By its own choice of code for the processor it was seen to make other bytes, too.
        options["x264-params"] = _joined({"cpu-independent": "1", **_hdr(hdr, "mastering-display", "cll", whole=True)})
    elif codec.name == "x265":
        fixed = {"log-level": "none", "frame-threads": "2", "pools": "2"}
        options["x265-params"] = _joined({**fixed, **_hdr(hdr, "master-display", "max-cll", whole=True)})
    elif codec.name == "av1":
        fixed = {"lp": "2"}
        options["svtav1-params"] = _joined({**fixed, **_hdr(hdr, "mastering-display", "content-light", whole=False)})
    elif codec.name == "prores":
        options = {"profile": str(PRORES_PROFILES.index(preset)), "vendor": "apl0"}
    else:
        options = {"rc": "vbr", "cq": str(crf), "preset": preset}
    if codec.name in ("prores", "nvenc") and hdr != NO_HDR:
        notes.append(f"the HDR mastering tags were left out: {codec.title} does not take them")
    if codec.tag:
        context.codec_tag = codec.tag
    context.options |= options
    return notes


def _hdr(hdr: HdrTags, mastering: str, light: str, *, whole: bool) -> dict[str, str]:
    """The HDR tags as parameters of these names, in whole steps of the standard (ST 2086) or in plain numbers."""
    told = {}
    if hdr.mastering:
        numbers = [Fraction(number) for number in hdr.mastering]
        steps = [50_000] * 8 + [10_000] * 2 if whole else [1] * 10
        scaled = [number * step for number, step in zip(numbers, steps, strict=True)]
        text = [str(round(number)) if whole else f"{float(number):.6f}" for number in scaled]
        red, green, blue, white = (f"({x},{y})" for x, y in zip(text[:8:2], text[1:8:2], strict=True))
        told[mastering] = f"G{green}B{blue}R{red}WP{white}L({text[9]},{text[8]})"
    if hdr.light:
        told[light] = f"{hdr.light[0]},{hdr.light[1]}"
    return told


def _joined(parameters: dict[str, str]) -> str:
    return ":".join(f"{name}={value}" for name, value in parameters.items())
