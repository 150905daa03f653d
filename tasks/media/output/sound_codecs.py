"""Which sound a container takes as it is, and what it is re-encoded to otherwise."""

from dataclasses import dataclass
from typing import cast

from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer

COPIED = frozenset({"aac", "mp3", "mp3float", "mp2", "ac3", "eac3", "alac", "opus", "libopus", "flac", "dca"})
"""FFmpeg's decoders of the codecs that MP4 takes as they are."""


@dataclass(frozen=True)
class Carrier:
    """What a container takes: FFmpeg's decoders of the codecs that are copied, and the encoder for the others."""

    name: str
    copied: frozenset[str]
    encoder: str
    codec: str
    rates_hz: tuple[int, ...]


_AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_PCM = frozenset({"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_s16be", "pcm_s24be", "pcm_s32be"})
CARRIERS = {
    "mp4": Carrier("MP4", COPIED, "aac", "AAC", _AAC_RATES_HZ),
    "mov": Carrier("QuickTime", COPIED - {"opus", "libopus", "flac", "dca"} | _PCM, "aac", "AAC", _AAC_RATES_HZ),
    "webm": Carrier("WebM", frozenset({"opus", "libopus", "vorbis", "libvorbis"}), "libopus", "Opus", (48000,)),
}
"""By FFmpeg's name of the container."""

_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_BITS_PER_S = 128_000  # a channel: the re-encoding should not be heard


def stream_for(stream: AudioStream, target: OutputContainer, encoding: Carrier | None) -> AudioStream:
    """A new stream of ``target`` for what ``stream`` holds: as it is, or with an ``encoding``."""
    codec = stream.codec_context
    if encoding is None:
        added = target.add_stream_from_template(stream)
    else:
        rate_hz = min(encoding.rates_hz, key=lambda known: abs(known - codec.sample_rate))
        added = cast(AudioStream, target.add_stream(encoding.encoder, rate=rate_hz))
        added.codec_context.layout = _named_layout(codec)
        added.codec_context.bit_rate = _BITS_PER_S * codec.channels
        added.codec_context.flags |= Flags.bitexact
    if stream.language:
        added.metadata["language"] = stream.language
    return added


def _named_layout(codec: AudioCodecContext) -> str:
    # PCM may tell the number of its channels only ("2 channels"), which no encoder takes.
    name: str = codec.layout.name
    return name if "channel" not in name else _USUAL_LAYOUTS.get(codec.channels, "stereo")
