"""Copy the sound tracks of one file into another: packet by packet, re-encoded where the container needs it."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, TypeAlias, cast

import av
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from tasks.errors import VideoError
from tasks.media.input.video_reader import open_container
from tasks.media.output.audio_clock import AudioClock, SoundGaps, SoundSource

SoundPacket: TypeAlias = "Packet[AudioStream]"
TimedPacket: TypeAlias = "tuple[Fraction, SoundPacket]"
"""A packet and its decoding time in seconds."""

_BITS_PER_S_PER_CHANNEL: Final = 128_000  # high enough that the re-encoding is not audible
_USUAL_LAYOUTS: Final = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


@dataclass(frozen=True)
class SoundFormats:
    """The sound that a container can hold: what is copied, and the encoder for everything else."""

    container: str  # name in messages
    copied: frozenset[str]  # FFmpeg's names of the decoders
    encoder: str  # FFmpeg's name
    codec: str  # name in messages
    rates_hz: tuple[int, ...]  # that the encoder accepts


_AAC_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_MP4_COPIED = frozenset({"aac", "mp3", "mp3float", "mp2", "ac3", "eac3", "alac", "opus", "libopus", "flac", "dca"})
_PCM = frozenset({"pcm_s16le", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_s16be", "pcm_s24be", "pcm_s32be"})
_MOV_COPIED = _MP4_COPIED - {"opus", "libopus", "flac", "dca"} | _PCM
SOUND_FORMATS: Final = {
    "mp4": SoundFormats("MP4", _MP4_COPIED, "aac", "AAC", _AAC_RATES_HZ),
    "mov": SoundFormats("QuickTime", _MOV_COPIED, "aac", "AAC", _AAC_RATES_HZ),
    "webm": SoundFormats("WebM", frozenset({"opus", "libopus", "vorbis", "libvorbis"}), "libopus", "Opus", (48000,)),
}
"""By FFmpeg's name of the container."""


@dataclass
class TrackCopy:
    """One sound track while it is copied: its stream in the source and the one in the new file."""

    source: AudioStream
    target: AudioStream
    encoded: bool
    clock: AudioClock
    gaps: SoundGaps = field(default_factory=SoundGaps)
    refusal: str = ""  # why the muxer refused the last packet; empty if it did not
    last_dts: int | None = None
    ended: bool = False

    @property
    def name(self) -> str:
        return f"sound track {self.source.index} ({self.source.codec_context.name})"


class SoundCopy:
    """Copies every sound track of ``source`` that ``target`` can hold.

    ``target`` is a container of the format ``container_format``, a key of ``SOUND_FORMATS``, before its header. Where
    the picture's clock restarts, or the pictures end, the sound follows. A damaged packet is left out: one that the
    decoder refuses if the track is re-encoded, else one that the muxer refuses. Sound never raises: a track that is
    lost, changed or cut short is named in ``notes``.
    """

    def __init__(self, source: SoundSource, target: OutputContainer, container_format: str = "mp4") -> None:
        self.notes: list[str] = []
        self.delay_s = Fraction(0)  # added to the time of every packet
        self._format, self._formats = container_format, SOUND_FORMATS[container_format]
        self._tracks: dict[int, TrackCopy] = {}  # by stream index in the source
        self._source = source
        self._container: InputContainer | None = None
        try:
            self._container = open_container(source.path)
        except (av.FFmpegError, VideoError) as error:
            why = str(error) if isinstance(error, VideoError) else f"{source.path} cannot be opened ({error.strerror})"
            self.notes.append(f"the sound was left out: {why}")
            return
        for stream in self._container.streams.audio:
            self._add_track(stream, target)

    def packets(self) -> Iterator[TimedPacket]:
        """Packets for the new file with their times in seconds, in the order of the source."""
        if self._container is None or not self._tracks:
            return
        try:
            for packet in self._container.demux(*[track.source for track in self._tracks.values()]):
                track = self._tracks[packet.stream.index]
                if all(known.ended or known.clock.ended for known in self._tracks.values()):
                    break
                if packet.size and not track.ended:
                    yield from self._copied(track, cast("SoundPacket", packet))
        except av.FFmpegError as error:
            self.notes.append(f"the sound ends early: the file cannot be read further ({error.strerror})")
        for track in self._tracks.values():
            if track.encoded and not track.ended:
                yield from self._timed(track, track.target.encode(None))
            self.notes += _track_notes(track, self._source)

    def skip_refused_packet(self, packet: SoundPacket, error: av.FFmpegError) -> None:
        """Tell that the muxer refused the last one of ``packets``. Its track continues without it."""
        track = next(track for track in self._tracks.values() if track.target is packet.stream)
        if track.encoded:  # an encoder's packet is not damaged, so the next one would be refused too
            self._end_track(track, error)
        else:
            track.refusal = _reason(error)

    def close(self) -> None:
        """Close the source."""
        if self._container is not None:
            self._container.close()

    def _add_track(self, stream: AudioStream, target: OutputContainer) -> None:
        if stream.codec_context is None:
            self.notes.append(f"sound track {stream.index} was left out: its codec is unknown")
            return
        name = stream.codec_context.name
        encoded = name not in self._formats.copied
        formats = self._formats if encoded else None
        try:
            # A track that spoils the header would cost the video too. So each is first tried in a file of its own.
            with av.open(io.BytesIO(), "w", format=self._format) as trial:
                add_sound_stream(stream, trial, formats)
                trial.start_encoding()
            added = add_sound_stream(stream, target, formats)
            self._tracks[stream.index] = TrackCopy(stream, added, encoded, AudioClock(self._source.parts))
        except (av.FFmpegError, ValueError) as error:
            self.notes.append(f"sound track {stream.index} ({name}) was left out: {error}")
            return
        if encoded:
            fact = f"was re-encoded from {name} to {self._formats.codec}, as {self._formats.container} needs"
            self.notes.append(f"sound track {stream.index} {fact}")

    def _copied(self, track: TrackCopy, packet: SoundPacket) -> Iterator[TimedPacket]:
        if not _repair_time(packet, track.clock) or self._is_too_early(packet):
            return
        if track.encoded:
            yield from self._encoded(track, packet)
        elif packet.dts is not None:
            if not packet.duration and track.last_dts is not None:
                # Without a duration, the last packet would lie beyond the end of its track and not be played.
                packet.duration = packet.dts - track.last_dts
            packet.stream = track.target
            yield from self._timed(track, [packet])

    def _is_too_early(self, packet: SoundPacket) -> bool:
        """Whether a packet begins before the part of the file that is used."""
        return self._source.begin_s is not None and _span_s(packet)[0] < self._source.begin_s

    def _encoded(self, track: TrackCopy, packet: SoundPacket) -> Iterator[TimedPacket]:
        span_s = _span_s(packet)
        try:
            decoded = track.source.decode(packet)
        except av.FFmpegError as error:
            track.gaps.add_refused(*span_s, _reason(error))
            return
        try:
            encoded = [coded for frame in decoded for coded in track.target.encode(frame)]
        except av.FFmpegError as error:
            self._end_track(track, error)
        except ValueError:  # PyAV's, for a frame with another rate or other channels than the first
            track.gaps.add_refused(*span_s, "the sound changes its rate or its channels")
        else:
            track.gaps.add_carried(*span_s)
            yield from self._timed(track, encoded)

    def _timed(self, track: TrackCopy, packets: list[SoundPacket]) -> Iterator[TimedPacket]:
        for packet in packets:
            stamp = packet.dts if packet.dts is not None else packet.pts or 0
            if track.last_dts is not None and stamp <= track.last_dts:
                track.clock.lost_s += (packet.duration or 0) * packet.time_base
                continue
            track.last_dts, track.refusal = stamp, ""
            span_s = _span_s(packet)
            _delay(packet, self.delay_s)
            yield (packet.dts if packet.dts is not None else packet.pts or 0) * packet.time_base, packet
            if track.refusal:
                track.gaps.add_refused(*span_s, track.refusal)
            elif not track.encoded:
                track.gaps.add_carried(*span_s)

    def _end_track(self, track: TrackCopy, error: av.FFmpegError) -> None:
        track.ended = True
        self.notes.append(f"{track.name} ends early: {_reason(error)}")


def add_sound_stream(stream: AudioStream, target: OutputContainer, formats: SoundFormats | None) -> AudioStream:
    """A new stream of ``target`` for the sound of ``stream``: copied (None), or encoded as ``formats`` says."""
    codec = stream.codec_context
    if formats is None:
        added = target.add_stream_from_template(stream)
    else:
        rate_hz = min(formats.rates_hz, key=lambda accepted: abs(accepted - codec.sample_rate))
        added = cast(AudioStream, target.add_stream(formats.encoder, rate=rate_hz))
        added.codec_context.layout = _channel_layout(codec)
        added.codec_context.bit_rate = _BITS_PER_S_PER_CHANNEL * codec.channels
        added.codec_context.flags |= Flags.bitexact
    if stream.language:
        added.metadata["language"] = stream.language
    return added


def _channel_layout(codec: AudioCodecContext) -> str:
    # PCM may declare only the number of its channels ("2 channels"), which no encoder accepts.
    name: str = codec.layout.name
    return name if "channel" not in name else _USUAL_LAYOUTS.get(codec.channels, "stereo")


def _reason(error: av.FFmpegError) -> str:
    return error.strerror or str(error)


def _span_s(packet: SoundPacket) -> tuple[Fraction, Fraction]:
    """Begin and duration of the packet in seconds."""
    stamp = packet.dts if packet.dts is not None else packet.pts or 0
    return stamp * packet.time_base, (packet.duration or 0) * packet.time_base


def _repair_time(packet: SoundPacket, clock: AudioClock) -> bool:
    """Give the packet its time by the repaired clock. False if it is to be left out."""
    stamp = packet.dts if packet.dts is not None else packet.pts
    if stamp is None:
        return True
    tick_s = packet.time_base
    delay_s = clock.delay_s(stamp * tick_s, (packet.duration or 0) * tick_s, packet.pos)
    if delay_s is not None:
        _delay(packet, delay_s)
    return delay_s is not None


def _delay(packet: SoundPacket, delay_s: Fraction) -> None:
    ticks = round(delay_s / packet.time_base)
    packet.pts, packet.dts = (None if stamp is None else stamp + ticks for stamp in (packet.pts, packet.dts))


def _track_notes(track: TrackCopy, source: SoundSource) -> list[str]:
    """A sentence for everything that the track has lost by damage or by the repair of its clock."""
    clock, parts = track.clock, source.parts
    notes = [f"{track.name} {clause}" for clause in track.gaps.describe()]
    if clock.own_restart_s is not None:
        fact = f"restarts its clock at {float(clock.own_restart_s):.2f} s, where the picture does not"
        notes.append(f"{track.name} {fact}: it continues there, and may not fit the picture")
    if clock.lost_s:
        where = "where the file's clock restarts" if len(parts) > 1 else "which overlaps other sound"
        notes.append(f"{track.name} lacks {float(clock.lost_s):.3f} s, {where}")
    if clock.ended and not source.trimmed:
        notes.append(f"{track.name} ends with the picture, at {float(parts[-1].end_s):.2f} s")
    return notes
