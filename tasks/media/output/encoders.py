"""The video encoders: their names in FFmpeg, what they accept, and how settings become their parameters."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext

from tasks.errors import SettingError
from tasks.media.ffmpeg_log import ffmpeg_log
from tasks.media.planes.layout import PixelLayout, nearest_layout
from tasks.records import NO_HDR, HdrTags

# By x264's preset, frames: its own are 10, 6 MB each for 1920x1088.
SHORT_LOOK_AHEAD: Final = {"veryfast": "7"}
_TRIAL_SIZE_PX = (256, 144)  # of the picture that an encoder is tried with: some refuse smaller ones

_THREADS_FOLDER = Path("/proc/self/task")  # Linux: one folder per thread, named by its scheduler id


@dataclass(frozen=True)
class Encoder:
    """An encoder, under the name that the setting ``encode.codec`` has for it."""

    name: str
    title: str  # the codec's name in messages
    ffmpeg_name: str
    ffmpeg_name_10_bit: str
    subsampling: str = ""  # the only one that it accepts, such as 420; empty: any
    tag: str = ""  # the MP4 tag, if players do not accept the usual one
    min_width_px: int = 1
    pixel_format_10_bit: str = ""  # if it is not the planar one
    container: str = "mp4"  # FFmpeg's name
    only_10_bit: bool = False
    only_limited_range: bool = False


AUTO: Final = "auto"  # the name that stands for x264 or x265
PRORES_PROFILES: Final = ("proxy", "lt", "standard", "hq", "4444", "4444xq")
"""In the order of FFmpeg's profile numbers."""

ENCODERS: Final = {
    encoder.name: encoder
    for encoder in (
        Encoder("x264", "H.264", "libx264", "libx264"),
        # x265 was seen to write beyond its memory for pictures that are narrower than its largest block, 64 px.
        Encoder("x265", "H.265", "libx265", "libx265", tag="hvc1", min_width_px=64),
        Encoder("av1", "AV1", "libsvtav1", "libsvtav1", subsampling="420"),
        Encoder(
            "prores",
            "ProRes",
            "prores_aw",  # takes a quarter of the time of prores_ks at the same profile, with the same quality
            "prores_aw",
            subsampling="422",
            container="mov",
            only_10_bit=True,
            only_limited_range=True,  # ProRes has no tag for the range
        ),
        Encoder("nvenc", "NVENC", "h264_nvenc", "hevc_nvenc", subsampling="420", pixel_format_10_bit="p010le"),
    )
}


def chosen_encoder(name: str, preset: str, layout: PixelLayout, size_px: tuple[int, int]) -> Encoder:
    """The encoder that ``name`` means for pictures of ``layout``, as it works with ``preset``.

    ``auto`` is H.265 for 10 bits, which most players of H.265 show, and H.264 else: hardly any player shows H.264 of 10
    bits. The two 4444 profiles of ProRes store 4:4:4.
    """
    if name == AUTO:
        wide = size_px[0] >= ENCODERS["x265"].min_width_px
        name = "x265" if layout.depth == 10 and wide else "x264"
    encoder = ENCODERS[name]
    return replace(encoder, subsampling="444") if name == "prores" and preset in PRORES_PROFILES[4:] else encoder


def require_encoder(name: str) -> None:
    """``SettingError`` if encoder ``name`` does not run on this machine. The message lists those that do."""
    reason = unavailable_reason(ENCODERS[name])
    if reason:
        available = ", ".join(encoder.name for encoder in ENCODERS.values() if not unavailable_reason(encoder))
        raise SettingError(f"encode.codec: {name} does not run here ({reason}); choose one of {available}")


def unavailable_reason(encoder: Encoder) -> str:
    """Why ``encoder`` does not run on this machine; empty if it does. It is opened for a small picture."""
    for name, source_format in (
        (encoder.ffmpeg_name, "yuv420p"),
        (encoder.ffmpeg_name_10_bit, "yuv420p10le"),
    ):
        try:
            context = cast(VideoCodecContext, VideoCodecContext.create(name, "w"))
            context.width, context.height = _TRIAL_SIZE_PX
            context.pix_fmt = coded_pixel_format(coded_layout(nearest_layout(source_format), encoder), encoder)
            context.time_base = Fraction(1, 30)
            if name == "libx265":
                context.options = {"x265-params": "log-level=none"}
            open_encoder(context)
        except UnknownCodecError:
            return f"this FFmpeg has no {name}"
        except (av.FFmpegError, ValueError) as error:
            return encoder_message(error)
    return ""


def open_encoder(context: VideoCodecContext) -> None:
    """Open the encoder, so that it refuses settings before the first picture. Its own message is in the error's log."""
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 prints to the terminal by itself; 1: errors only
    with ffmpeg_log(av.logging.ERROR), av.logging.Capture(), keep_thread_priority():
        context.open()


def encoder_message(error: Exception) -> str:
    """The message of an encoder that refused its settings, or else FFmpeg's text for the error."""
    log = getattr(error, "log", None)
    message = str(log[2]).strip().rstrip(".") if log else ""
    return message or getattr(error, "strerror", None) or str(error)


@contextmanager
def keep_thread_priority() -> Iterator[None]:
    """Reset the scheduling of this thread, and of all threads that the block has started, to what this thread had.

    SVT-AV1, run as root, makes the thread that opens it and its own threads real-time threads of the highest priority,
    and child processes inherit that. Such a process, waiting in a loop, was seen to starve a whole machine for an hour.
    """
    if not _THREADS_FOLDER.is_dir():
        yield
        return
    policy, param, earlier_threads = os.sched_getscheduler(0), os.sched_getparam(0), set(_thread_ids())
    try:
        yield
    finally:
        for thread in (0, *(set(_thread_ids()) - earlier_threads)):
            with suppress(ProcessLookupError):  # the thread has ended
                if os.sched_getscheduler(thread) != policy:
                    os.sched_setscheduler(thread, policy, param)


def coded_layout(layout: PixelLayout, encoder: Encoder) -> PixelLayout:
    """The layout in which the encoder stores frames of ``layout``.

    RGB becomes YUV 4:4:4 and gray becomes 4:2:0, because players expect it. Some encoders accept only one subsampling,
    or only 10 bits.
    """
    suffix = "10le" if layout.depth == 10 or encoder.only_10_bit else ""
    if layout.planes == 1 or encoder.subsampling:
        return nearest_layout(f"yuv{encoder.subsampling or '420'}p{suffix}")
    return nearest_layout(f"yuv444p{suffix}") if layout.is_rgb else layout


def coded_pixel_format(coded: PixelLayout, encoder: Encoder) -> str:
    """FFmpeg's name of the pixel format in which the encoder accepts the layout ``coded``."""
    return encoder.pixel_format_10_bit if encoder.pixel_format_10_bit and coded.depth == 10 else coded.name


def coded_size_px(size_px: tuple[int, int], coded: PixelLayout) -> tuple[int, int]:
    """``size_px`` rounded up to whole chroma samples."""
    (width, height), (shift_x, shift_y) = size_px, coded.chroma_shift
    return -(-width >> shift_x) << shift_x, -(-height >> shift_y) << shift_y


def narrow_width_fault(encoder: Encoder, size_px: tuple[int, int]) -> str:
    """A clause if pictures of ``size_px`` (from ``coded_size_px``) are too narrow for the encoder; else empty."""
    if size_px[0] >= encoder.min_width_px:
        return ""
    return f"{encoder.title} needs a width of at least {encoder.min_width_px} px, not {size_px[0]}x{size_px[1]}"


def conversion_notes(
    layout: PixelLayout, coded: PixelLayout, size_px: tuple[int, int], coded_px: tuple[int, int], encoder: Encoder
) -> list[str]:
    """A sentence for each way in which the stored pictures differ from the planes in layout or size."""
    notes = []
    if coded_px != size_px:
        fact = f"{size_px[0]}x{size_px[1]} is odd"
        wide, high = coded_px
        notes.append(f"{fact}: its last column or row was repeated to {wide}x{high}, as {encoder.title} needs")
    ratio = ":".join(coded.name[3:6])
    if layout.is_rgb:
        notes.append(f"RGB was written as YUV {ratio} (BT.709), as players expect of {encoder.title}")
    elif layout.planes > 1 and layout.chroma_shift < coded.chroma_shift:
        notes.append(f"{layout.name} was written as YUV {ratio}: {encoder.name} stores no finer colour")
    return notes


def player_note(coded: PixelLayout, encoder: Encoder) -> str:
    """A sentence if many players cannot play what ``encoder`` makes of the layout ``coded``; else empty."""
    if encoder.container != "mp4" or encoder.name == "av1":
        return ""
    fine = coded.chroma_shift == (1, 1)
    h264 = encoder.ffmpeg_name_10_bit.startswith("libx264")
    if fine and not (h264 and coded.depth == 10):
        return ""
    kind = f"{encoder.title} {':'.join(coded.name[3:6])} of {coded.depth} bits"
    who = "browsers, phones and QuickTime do not play it; VLC and mpv do"
    cure = (
        "encode=auto makes H.265, which more of them play" if fine else "encode=av1 stores 4:2:0, which browsers play"
    )
    return f"the video is {kind}: {who}; {cure}"


def configure_encoder(
    context: VideoCodecContext,
    encoder: Encoder,
    crf: int | None,
    preset: str,
    hdr: HdrTags,
    threads: int,
    *,
    short_look_ahead: bool = False,
) -> list[str]:
    """Set quality, speed and HDR tags. Returns a sentence for each tag that the encoder cannot store.

    All parameters are chosen so that the same pictures give the same bytes, whatever the number of processors: they
    depend on ``threads``, which is not the machine's. Each encodes a frame of its own. With ``short_look_ahead``,
    x264 keeps fewer pictures in memory where ``SHORT_LOOK_AHEAD`` has its preset.
    """
    context.thread_count = threads
    options = {"crf": str(crf), "preset": preset}
    notes = []
    if encoder.name == "x264":
        hdr_options = _hdr_parameters(hdr, "mastering-display", "cll", whole_steps=True)
        fixed = _x264_parameters(preset, threads, short_look_ahead=short_look_ahead)
        options["x264-params"] = _join_parameters({**fixed, **hdr_options})
    elif encoder.name == "x265":
        fixed = {"log-level": "none", "frame-threads": str(threads), "pools": str(threads)}
        hdr_options = _hdr_parameters(hdr, "master-display", "max-cll", whole_steps=True)
        options["x265-params"] = _join_parameters({**fixed, **hdr_options})
    elif encoder.name == "av1":
        hdr_options = _hdr_parameters(hdr, "mastering-display", "content-light", whole_steps=False)
        options["svtav1-params"] = _join_parameters({"lp": str(threads), **hdr_options})
    elif encoder.name == "prores":
        options = {"profile": str(PRORES_PROFILES.index(preset)), "vendor": "apl0"}
    else:
        options = {"rc": "vbr", "cq": str(crf), "preset": preset}
    if encoder.name in ("prores", "nvenc") and hdr != NO_HDR:
        notes.append(f"the HDR mastering tags were left out: {encoder.title} does not take them")
    if encoder.tag:
        context.codec_tag = encoder.tag
    context.options |= options
    return notes


def _x264_parameters(preset: str, threads: int, *, short_look_ahead: bool) -> dict[str, str]:
    """x264's own parameters: those that make its bytes depend on nothing else, and those that save time and memory.

    Frame threads: slice threads cost time and size, two of them a fifth of a plain picture. A B-frame that others refer
    to is kept no longer than its neighbours need it (``b-pyramid``): one picture less, 30 MB for three videos of
    1920x1088, at the same size and PSNR.
    """
    fixed = {
        "cpu-independent": "1",  # else x264 chooses its code for the processor, and gives other bytes on another one
        "threads": str(threads),
        "sliced-threads": "0",
        "sync-lookahead": "0",
        "b-pyramid": "strict",
    }
    if threads > 1:
        # x264 looks ahead in a thread of its own, one picture early, and three more look at a third of the picture
        # each. Else the thread that gives it the pictures does so, in 11 of the 34 ms of a picture of 1920x1088,
        # while the others wait. It takes 6 to 9 MB; x264's usual four pictures early take 30 MB.
        fixed |= {"sync-lookahead": "1", "lookahead-threads": "3"}
    if short_look_ahead and preset in SHORT_LOOK_AHEAD:
        fixed["rc-lookahead"] = SHORT_LOOK_AHEAD[preset]
    return fixed


def _hdr_parameters(hdr: HdrTags, mastering_name: str, light_name: str, *, whole_steps: bool) -> dict[str, str]:
    """The HDR tags as encoder parameters: in the integer steps of SMPTE ST 2086, or as decimal numbers."""
    parameters = {}
    if hdr.mastering:
        numbers = [Fraction(number) for number in hdr.mastering]
        steps = [50_000] * 8 + [10_000] * 2 if whole_steps else [1] * 10
        scaled = [number * step for number, step in zip(numbers, steps, strict=True)]
        text = [str(round(number)) if whole_steps else f"{float(number):.6f}" for number in scaled]
        red, green, blue, white = (f"({x},{y})" for x, y in zip(text[:8:2], text[1:8:2], strict=True))
        parameters[mastering_name] = f"G{green}B{blue}R{red}WP{white}L({text[9]},{text[8]})"
    if hdr.light:
        parameters[light_name] = f"{hdr.light[0]},{hdr.light[1]}"
    return parameters


def _join_parameters(parameters: dict[str, str]) -> str:
    return ":".join(f"{name}={value}" for name, value in parameters.items())


def _thread_ids() -> Iterator[int]:
    return (int(folder.name) for folder in _THREADS_FOLDER.iterdir())
