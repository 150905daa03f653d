"""Small video files made on the spot, each with the one property a test is about."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.stream import VideoStream

from tasks.media.planes.layout import Planes, nearest_layout, new_frame
from tasks.records import ColorTags

RATE_HZ = 48000  # of the tones


@dataclass(frozen=True)
class Made:
    """What a made file shall be; the defaults are the plainest of videos."""

    size_px: tuple[int, int] = (64, 48)
    ticks: Sequence[int] = tuple(range(0, 12 * 512, 512))  # pts
    last_ticks: int = 512  # duration of the last frame
    time_base: Fraction = Fraction(1, 15360)
    rate: Fraction = Fraction(30)
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: dict[str, str] = field(default_factory=lambda: {"crf": "10", "preset": "veryfast", "threads": "1"})
    turn_ccw_deg: int = 0  # what the display matrix says
    mirrored: bool = False
    pixel_aspect: Fraction = Fraction(1)
    color: ColorTags = field(default_factory=ColorTags)
    tones: Sequence[str] = ()  # an audio codec each
    tone_start_s: Fraction = Fraction(0)
    container: dict[str, str] = field(default_factory=dict)


def planes(index: int, size_px: tuple[int, int], pixel_format: str) -> Planes:
    """A picture whose every corner differs and that changes from frame to frame, in the layout of a
    format."""
    layout = nearest_layout(pixel_format)
    scale = 1 << (layout.depth - 8)
    made = []
    for number in range(layout.planes):
        width, height = layout.plane_wh(number, size_px)
        x, y = np.meshgrid(np.arange(width) / width, np.arange(height) / height)
        wave = 128 + 50 * np.sin(3 * x + 0.3 * index + number) + 50 * y * (1 - number)
        made.append(np.clip(wave * scale, 17 * scale, 234 * scale).astype(layout.dtype))
    return tuple(made)


def make(path: Path, made: Made) -> Path:
    """Write the file and give its path back."""
    with av.open(str(path), "w", container_options={"fflags": "+bitexact", **made.container}) as container:
        stream = container.add_stream(made.codec, rate=made.rate, options=dict(made.options))
        assert isinstance(stream, VideoStream)
        _describe(stream, made)
        tones = [_tone_stream(container, codec) for codec in made.tones]
        durations = [*np.diff(made.ticks).tolist(), made.last_ticks]
        for index, (pts, duration) in enumerate(zip(made.ticks, durations, strict=True)):
            frame = new_frame(planes(index, made.size_px, made.pixel_format), nearest_layout(made.pixel_format))
            frame = frame.reformat(format=made.pixel_format)
            frame.pts, frame.duration, frame.time_base = pts, duration, made.time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        seconds = float((made.ticks[-1] + made.last_ticks) * made.time_base)
        for track, tone in enumerate(tones):
            for sound in _tone(seconds, 440 * (track + 1), made.tone_start_s):
                container.mux(tone.encode(sound))
            container.mux(tone.encode(None))
    return path


def _describe(stream: VideoStream, made: Made) -> None:
    codec = stream.codec_context
    codec.width, codec.height = made.size_px
    codec.pix_fmt = made.pixel_format
    codec.time_base = made.time_base
    codec.sample_aspect_ratio = made.pixel_aspect
    codec.color_range, codec.colorspace = made.color.range, made.color.matrix
    codec.color_primaries, codec.color_trc = made.color.primaries, made.color.transfer
    codec.options["chroma_sample_location"] = str(made.color.chroma_location)
    codec.flags |= 1 << 8 | 0x800000
    if made.turn_ccw_deg or made.mirrored:
        stream.set_display_rotation(made.turn_ccw_deg, hflip=made.mirrored)


def _tone_stream(container: OutputContainer, codec: str) -> AudioStream:
    stream = container.add_stream(codec, rate=RATE_HZ)
    assert isinstance(stream, AudioStream)
    stream.codec_context.layout = "mono"
    return stream


def _tone(seconds: float, hz: float, start_s: Fraction) -> list[AudioFrame]:
    rate_hz, block = RATE_HZ, 1024
    first = round(start_s * rate_hz)
    sounds = []
    for at in range(first, max(first + block, round(seconds * rate_hz)), block):
        wave = 8000 * np.sin(2 * np.pi * hz * np.arange(at, at + block) / rate_hz)
        sound = AudioFrame.from_ndarray(wave.astype(np.int16)[None, :], format="s16", layout="mono")
        sound.sample_rate, sound.pts, sound.time_base = rate_hz, at, Fraction(1, rate_hz)
        sounds.append(sound)
    return sounds
