"""A video file while it is written: a container with video beside copied sound."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tasks.errors import OutputError
from tasks.media.output.audio_clock import SoundSource
from tasks.media.output.sound_copy import SoundCopy, TimedPacket
from tasks.media.output.source_extras import SourceExtras, read_extras
from tasks.media.output.written_check import PacketList
from tasks.media.planes.layout import PixelLayout
from tasks.records import ColorTags

_MAX_RATE_DENOMINATOR = 10**6
# The errors of a muxer that refuses a packet. They are not the fault of the disk.
_REFUSED = (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError)


@dataclass(frozen=True)
class PictureStream:
    """The pictures that a writer is given, one after the other, and the clock of their times."""

    size_px: tuple[int, int]
    layout: PixelLayout
    time_base: Fraction  # seconds per tick of the pictures' timestamps
    rate: Fraction
    color: ColorTags
    pixel_aspect: Fraction

    @property
    def coded_rate(self) -> Fraction:
        """The rate as containers hold it, with a denominator that fits into them."""
        return self.rate.limit_denominator(_MAX_RATE_DENOMINATOR)


class OutputFile:
    """An open container at ``path``; ``container_format`` is FFmpeg's name of it.

    ``written`` lists the video packets. After ``end``, ``notes`` has a sentence for each thing about times or sound
    that differs from the source. ``OutputError`` if the file cannot be written.
    """

    def __init__(self, path: Path, container_format: str, options: dict[str, str]) -> None:
        self.notes: list[str] = []
        self.written = PacketList()
        self._path, self._format = path, container_format
        self._sound: SoundCopy | None = None
        self._sound_packets: Iterator[TimedPacket] = iter(())
        self._next_sound: TimedPacket | None = None
        self._extras: SourceExtras | None = SourceExtras()  # until they are written
        self._delay_s = Fraction(0)
        self._begin_s: Fraction | None = None
        with self.writing():
            self.container = av.open(f"file:{path}", "w", format=container_format, container_options=options)

    def copy_beside(self, source: SoundSource | None) -> None:
        """Copy the sound tracks of ``source`` beside the video, its chapters, date, title, language and timecode.

        To be called before the first packet. ``notes`` names what is left out.
        """
        if source is not None:
            self._begin_s = source.begin_s
            extras = read_extras(source.path, source.rate)
            constant_rate = None if source.variable_rate else source.rate
            self._extras = extras.of_part(source.skipped, constant_rate) if source.trimmed else extras
            self.notes += self._extras.notes
            self._sound = SoundCopy(source, self.container, self._format)
            self._sound_packets = self._sound.packets()

    def start_delay(self, first_pts: int, time_base: Fraction) -> int:
        """Ticks by which all pictures must be delayed so that none has a negative time; mostly 0.

        The delay also applies to the sound from now on, and ``notes`` says so. Players show nothing before zero. A part
        of a file begins at zero: its pictures and sound come earlier than in the file.
        """
        if self._begin_s is not None:
            self._delay_s = -first_pts * time_base
            if self._sound is not None:
                self._sound.delay_s = self._delay_s
            return -first_pts
        if first_pts >= 0:
            return 0
        delay_s = self._delay_s = -first_pts * time_base
        if self._sound is not None:
            self._sound.delay_s = delay_s
        fact = f"the file's times begin {float(delay_s):.3f} s before zero, where players show nothing"
        self.notes.append(f"{fact}: picture and sound were delayed by as much")
        return -first_pts

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn an error of writing within the block into an ``OutputError`` with a cure."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise write_error(self._path, error) from error

    def mux(self, packets: Iterable["Packet[VideoStream]"], *, sound_until_s: Fraction | None) -> None:
        """Write the sound up to a time (None: all that is left), then the video ``packets``.

        So sound and video of one time lie close together in the file.
        """
        if self._extras is not None:
            self._extras.apply(self.container, self._delay_s)
            self._extras = None
        self.container.start_encoding()
        self._mux_sound(sound_until_s)
        for packet in packets:
            self.written.add_encoded(packet, packet.stream.codec_context.codec.canonical_name)
            self.container.mux(packet)

    def end(self, kind: type[BaseException] | None, finish: Callable[[], None]) -> None:
        """Close the file. After an exception of ``kind`` remove it, else let ``finish`` write what is left first."""
        complete = False
        try:
            if kind is None:
                with self.writing():
                    finish()
                    self.container.close()
                complete = True
        finally:
            with suppress(av.FFmpegError, OSError):
                self.container.close()
            if self._sound is not None:
                self._sound.close()
                self.notes.extend(self._sound.notes)
            if not complete:
                self._path.unlink(missing_ok=True)

    def _mux_sound(self, until_s: Fraction | None) -> None:
        while True:
            self._next_sound = self._next_sound or next(self._sound_packets, None)
            if self._next_sound is None or (until_s is not None and self._next_sound[0] > until_s):
                return
            packet = self._next_sound[1]
            self._next_sound = None
            try:
                self.container.mux(packet)
            except _REFUSED as error:
                if self._sound is None:
                    raise
                self._sound.skip_refused_packet(packet, error)


def tag_frame(frame: VideoFrame, stream: VideoStream, pts: int, duration: int, time_base: Fraction) -> None:
    """Give a frame its time, in ticks of ``time_base``, and the colour tags of the stream that it is coded for.

    The tags of the stream are not enough: ProRes stores them in every frame.
    """
    context = stream.codec_context
    frame.colorspace, frame.color_range = context.colorspace, context.color_range
    frame.color_primaries, frame.color_trc = context.color_primaries, context.color_trc
    frame.pts, frame.duration, frame.time_base = pts, duration, time_base


def write_error(path: Path, error: av.FFmpegError | OSError) -> OutputError:
    """The error for a file that cannot be written, with a cure."""
    fact = error.strerror or str(error)
    if isinstance(error, _REFUSED):
        cure = "where the video's clock leaps by years, use the part before that (clip.to=) or behind it (clip.from=)"
        return OutputError(f"{path}: its format does not take a frame ({fact}); {cure}")
    return OutputError(f"{path}: cannot be written ({fact}); free space there or choose another output_dir")
