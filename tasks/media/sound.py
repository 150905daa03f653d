"""Sound tracks on their way from one file into another: packets copied, re-encoded where its container cannot
carry them.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from tasks.media.joined import Part, SoundClock, Sounding

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

SoundPacket: TypeAlias = "Packet[AudioStream]"
TimedPacket: TypeAlias = "tuple[Fraction, SoundPacket]"
"""A packet and its decoding time in seconds."""

_USUAL_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_BITS_PER_S = 128_000  # a channel: the re-encoding should not be heard


@dataclass
class Route:
    """One track's way: its stream in the source and the one in the result."""

    source: AudioStream
    target: AudioStream
    encoded: bool
    clock: SoundClock
    last_dts: int | None = None
    ended: bool = False

    @property
    def name(self) -> str:
        return f"sound track {self.source.index} ({self.source.codec_context.name})"


class SoundCopy:
    """Every sound track of ``source`` that ``target`` (before its header, of a container of ``CARRIERS``) can carry.

    Where the picture's clock starts again or its pictures end, the sound goes with it. Nothing here raises for the
    sake of sound: a track that is lost, changed or cut short is named in ``notes``.
    """

    def __init__(self, source: Sounding, target: OutputContainer, form: str = "mp4") -> None:
        self.notes: list[str] = []
        self.later_s = Fraction(0)  # that all packets are to come later than in the source
        self._form, self._carrier = form, CARRIERS[form]
        self.routes: dict[int, Route] = {}
        self._parts = source.parts
        self._container: InputContainer | None = None
        try:
            self._container = av.open(f"file:{source.path}", options={"protocol_whitelist": "file"})
        except av.FFmpegError as error:
            self.notes.append(f"the sound was left out: {source.path} cannot be opened ({error.strerror})")
            return
        for stream in self._container.streams.audio:
            self._add(stream, target)

    def packets(self) -> Iterator[TimedPacket]:
        """Packets for the result with their time in seconds, in the order of the source file."""
        if self._container is None or not self.routes:
            return
        try:
            for packet in self._container.demux(*[route.source for route in self.routes.values()]):
                route = self.routes[packet.stream.index]
                if all(known.ended or known.clock.ended for known in self.routes.values()):
                    break
                if packet.size and not route.ended:
                    yield from self._carried(route, cast("SoundPacket", packet))
        except av.FFmpegError as error:
            self.notes.append(f"the sound ends early: the file cannot be read further ({error.strerror})")
        for route in self.routes.values():
            if route.encoded and not route.ended:
                yield from self._timed(route, route.target.encode(None))
            self.notes += _notes(route, self._parts)

    def give_up(self, packet: SoundPacket, error: av.FFmpegError) -> None:
        """Drop the rest of the track whose ``packet`` the result did not take."""
        self._end(next(route for route in self.routes.values() if route.target is packet.stream), error)

    def close(self) -> None:
        """Close the source."""
        if self._container is not None:
            self._container.close()

    def _add(self, stream: AudioStream, target: OutputContainer) -> None:
        if stream.codec_context is None:
            self.notes.append(f"sound track {stream.index} was left out: its codec is unknown")
            return
        name = stream.codec_context.name
        encoded = name not in self._carrier.copied
        try:
            # A header that one track spoils would cost the video too: each is tried alone first.
            with av.open(io.BytesIO(), "w", format=self._form) as trial:
                _stream_for(stream, trial, self._carrier if encoded else None)
                trial.start_encoding()
            added = _stream_for(stream, target, self._carrier if encoded else None)
            self.routes[stream.index] = Route(stream, added, encoded, SoundClock(self._parts))
        except (av.FFmpegError, ValueError) as error:
            self.notes.append(f"sound track {stream.index} ({name}) was left out: {error}")
            return
        if encoded:
            fact = f"was re-encoded from {name} to {self._carrier.codec}, as {self._carrier.name} needs"
            self.notes.append(f"sound track {stream.index} {fact}")

    def _carried(self, route: Route, packet: SoundPacket) -> Iterator[TimedPacket]:
        if not _repaired(packet, route.clock):
            return
        if route.encoded:
            try:
                for frame in route.source.decode(packet):
                    yield from self._timed(route, route.target.encode(frame))
            except av.FFmpegError as error:
                self._end(route, error)
        elif packet.dts is not None:
            if not packet.duration and route.last_dts is not None:
                # Without a duration the last packet would lie beyond the end of its track, and be left unplayed.
                packet.duration = packet.dts - route.last_dts
            packet.stream = route.target
            yield from self._timed(route, [packet])

    def _timed(self, route: Route, packets: list[SoundPacket]) -> Iterator[TimedPacket]:
        for packet in packets:
            stamp = packet.dts if packet.dts is not None else packet.pts or 0
            if route.last_dts is not None and stamp <= route.last_dts:
                route.clock.lost_s += (packet.duration or 0) * packet.time_base
                continue
            route.last_dts = stamp
            _move(packet, self.later_s)
            yield (packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base, packet

    def _end(self, route: Route, error: av.FFmpegError) -> None:
        route.ended = True
        self.notes.append(f"{route.name} ends early: {error.strerror}")


def _repaired(packet: SoundPacket, clock: SoundClock) -> bool:
    """Give the packet its time by the repaired clock; False where it is to be left out."""
    stamp = packet.dts if packet.dts is not None else packet.pts
    if stamp is None:
        return True
    tick_s = packet.time_base
    later_s = clock.later_s(stamp * tick_s, (packet.duration or 0) * tick_s, packet.pos)
    if later_s is not None:
        _move(packet, later_s)
    return later_s is not None


def _move(packet: SoundPacket, later_s: Fraction) -> None:
    later = round(later_s / packet.time_base)
    packet.pts, packet.dts = (None if at is None else at + later for at in (packet.pts, packet.dts))


def _notes(route: Route, parts: tuple[Part, ...]) -> list[str]:
    """A sentence for each thing that the repair of its clock cost the track."""
    clock, notes = route.clock, []
    if clock.alone_s is not None:
        fact = f"starts its clock again at {float(clock.alone_s):.2f} s, where the picture does not"
        notes.append(f"{route.name} {fact}: it goes on there, and may not fit the picture")
    if clock.lost_s:
        where = "where the file's clock starts again" if len(parts) > 1 else "which lie over other sound"
        notes.append(f"{route.name} lacks {float(clock.lost_s):.3f} s, {where}")
    if clock.ended:
        notes.append(f"{route.name} ends with the picture, at {float(parts[-1].end_s):.2f} s")
    return notes


def _stream_for(stream: AudioStream, target: OutputContainer, encoding: Carrier | None) -> AudioStream:
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
