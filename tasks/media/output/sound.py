"""Sound tracks on their way from one file into another: packets copied, re-encoded where its container cannot
carry them.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from tasks.media.output.audio_clock import Part, SoundClock, Sounding
from tasks.media.output.lost_sound import LostSound
from tasks.media.output.sound_codecs import CARRIERS, stream_for

SoundPacket: TypeAlias = "Packet[AudioStream]"
TimedPacket: TypeAlias = "tuple[Fraction, SoundPacket]"
"""A packet and its decoding time in seconds."""


@dataclass
class Route:
    """One track's way: its stream in the source and the one in the result."""

    source: AudioStream
    target: AudioStream
    encoded: bool
    clock: SoundClock
    lost: LostSound = field(default_factory=LostSound)
    refusal: str = ""  # why the result did not take its last packet
    last_dts: int | None = None
    ended: bool = False

    @property
    def name(self) -> str:
        return f"sound track {self.source.index} ({self.source.codec_context.name})"


class SoundCopy:
    """Every sound track of ``source`` that ``target`` (before its header, of a container of ``CARRIERS``) can carry.

    Where the picture's clock starts again or its pictures end, the sound goes with it. A damaged packet is left out:
    one that the decoder refuses where the track is re-encoded, else one that the result does not take. Nothing here
    raises for the sake of sound: a track that is lost, changed or cut short is named in ``notes``.
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

    def leave_out(self, packet: SoundPacket, error: av.FFmpegError) -> None:
        """Have its track go on without the last of ``packets``, which the result did not take."""
        route = next(route for route in self.routes.values() if route.target is packet.stream)
        if route.encoded:  # what an encoder made is not damaged: the next one would fare no better
            self._end(route, error)
        else:
            route.refusal = _reason(error)

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
                stream_for(stream, trial, self._carrier if encoded else None)
                trial.start_encoding()
            added = stream_for(stream, target, self._carrier if encoded else None)
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
            yield from self._encoded(route, packet)
        elif packet.dts is not None:
            if not packet.duration and route.last_dts is not None:
                # Without a duration the last packet would lie beyond the end of its track, and be left unplayed.
                packet.duration = packet.dts - route.last_dts
            packet.stream = route.target
            yield from self._timed(route, [packet])

    def _encoded(self, route: Route, packet: SoundPacket) -> Iterator[TimedPacket]:
        span = _span(packet)
        try:
            sounds = route.source.decode(packet)
        except av.FFmpegError as error:
            route.lost.refused(*span, _reason(error))
            return
        try:
            made = [coded for sound in sounds for coded in route.target.encode(sound)]
        except av.FFmpegError as error:
            self._end(route, error)
        except ValueError:  # PyAV's, of a sound that is not like the first one
            route.lost.refused(*span, "the sound changes its rate or its channels")
        else:
            route.lost.carried(*span)
            yield from self._timed(route, made)

    def _timed(self, route: Route, packets: list[SoundPacket]) -> Iterator[TimedPacket]:
        for packet in packets:
            stamp = packet.dts if packet.dts is not None else packet.pts or 0
            if route.last_dts is not None and stamp <= route.last_dts:
                route.clock.lost_s += (packet.duration or 0) * packet.time_base
                continue
            route.last_dts, route.refusal = stamp, ""
            span = _span(packet)
            _move(packet, self.later_s)
            yield (packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base, packet
            if route.refusal:
                route.lost.refused(*span, route.refusal)
            elif not route.encoded:
                route.lost.carried(*span)

    def _end(self, route: Route, error: av.FFmpegError) -> None:
        route.ended = True
        self.notes.append(f"{route.name} ends early: {_reason(error)}")


def _reason(error: av.FFmpegError) -> str:
    return error.strerror or str(error)


def _span(packet: SoundPacket) -> tuple[Fraction, Fraction]:
    """When the packet begins, and how long it is, in seconds."""
    stamp = packet.dts if packet.dts is not None else packet.pts or 0
    return stamp * packet.time_base, (packet.duration or 0) * packet.time_base


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
    """A sentence for each thing that damage, or the repair of its clock, cost the track."""
    clock = route.clock
    notes = [f"{route.name} {fact}" for fact in route.lost.facts()]
    if clock.alone_s is not None:
        fact = f"starts its clock again at {float(clock.alone_s):.2f} s, where the picture does not"
        notes.append(f"{route.name} {fact}: it goes on there, and may not fit the picture")
    if clock.lost_s:
        where = "where the file's clock starts again" if len(parts) > 1 else "which lie over other sound"
        notes.append(f"{route.name} lacks {float(clock.lost_s):.3f} s, {where}")
    if clock.ended:
        notes.append(f"{route.name} ends with the picture, at {float(parts[-1].end_s):.2f} s")
    return notes
