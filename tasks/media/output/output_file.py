"""A media file being written: video beside the sound of another file, and a whole file in the end or none."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path

import av
from av.packet import Packet
from av.video.stream import VideoStream

from tasks.errors import OutputError
from tasks.media.output.audio_clock import Sounding
from tasks.media.output.sound import SoundCopy, TimedPacket

_REFUSED = (av.error.InvalidDataError, av.error.ArgumentError, av.error.PatchWelcomeError)  # not the disk's fault


class OutputFile:
    """An open container at ``path``; ``form`` is FFmpeg's name of it.

    After the ``end``, ``notes`` holds a sentence for each thing about the sound that did not arrive as it was.
    ``OutputError`` when the file cannot be written.
    """

    def __init__(self, path: Path, form: str, options: dict[str, str]) -> None:
        self.notes: list[str] = []
        self._path, self._form = path, form
        self.sound: SoundCopy | None = None
        self._sounds: Iterator[TimedPacket] = iter(())
        self._next: TimedPacket | None = None
        with self.writing():
            self.container = av.open(f"file:{path}", "w", format=form, container_options=options)

    def carry_sound(self, source: Sounding | None) -> None:
        """Take the sound tracks of ``source`` along; to be called before the first packet."""
        if source is not None:
            self.sound = SoundCopy(source, self.container, self._form)
            self._sounds = self.sound.packets()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn what goes wrong on the way into the file into an ``OutputError`` with its cure."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise unwritable(self._path, error) from error

    def mux(self, packets: Iterable["Packet[VideoStream]"], *, sound_until_s: Fraction | None) -> None:
        """Write packets of the video, and before them the sound up to a time; None: all that is left of it.

        Both go through the file side by side.
        """
        self.container.start_encoding()
        self._mux_sound(sound_until_s)
        self.container.mux(list(packets))

    def end(self, kind: type[BaseException] | None, finish: Callable[[], None]) -> None:
        """Close the file: after an exception of ``kind`` remove it, else let ``finish`` write what is left."""
        whole = False
        try:
            if kind is None:
                with self.writing():
                    finish()
                    self.container.close()
                whole = True
        finally:
            with suppress(av.FFmpegError, OSError):
                self.container.close()
            if self.sound is not None:
                self.sound.close()
                self.notes.extend(self.sound.notes)
            if not whole:
                self._path.unlink(missing_ok=True)

    def _mux_sound(self, until_s: Fraction | None) -> None:
        while True:
            self._next = self._next or next(self._sounds, None)
            if self._next is None or (until_s is not None and self._next[0] > until_s):
                return
            packet = self._next[1]
            self._next = None
            try:
                self.container.mux(packet)
            except _REFUSED as error:
                if self.sound is None:
                    raise
                self.sound.leave_out(packet, error)


def unwritable(path: Path, error: av.FFmpegError | OSError) -> OutputError:
    """The error for a file that could not be written, with its cure."""
    fact = error.strerror or str(error)
    return OutputError(f"{path}: cannot be written ({fact}); free space there or choose another output_dir")
