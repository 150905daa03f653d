"""One decoding of a clip for several stages that look at its frames; each has its own thread, key and entry."""

import threading
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Protocol, TypeAlias

from conf.enums import MaskSource
from tasks.media.input.broadcast import Reader, read_side_by_side
from tasks.media.input.frame_cache import cached_frames
from tasks.media.input.frames import Frame
from tasks.records import Facts, Tell, Tick, read_clip
from tasks.requests import MasksRequest, SceneRequest

Asked: TypeAlias = MasksRequest | SceneRequest
Frames: TypeAlias = Generator[Frame, None, None]


class Stage(Protocol):
    """A stage's function that also takes frames which somebody else decodes; it closes them when it wants no more."""

    def __call__(self, request: Asked, folder: Path, tick: Tick, *, frames: Frames | None = None) -> Facts: ...


def decode_once(
    requests: Sequence[Asked], stages: Sequence[Stage], folders: Sequence[Path], tick: Tick, tell: Tell
) -> None:
    """Compute each request into its folder by its own stage; all of them are of one clip.

    Those that read frames get all of them. One that reads none, or is the only one that does, is computed alone: its
    stage decodes what it needs, which may be less.

    ``tell`` is called once for each, in any order and from any thread, with its place and its facts or the error that
    ended it. One that fails does not stop the others. ``tick`` counts the frames that all of them are done with.
    """
    ticks = _Ticks(tick, len(requests))

    def computed(place: int) -> Callable[[Reader[Frame] | None], Facts]:
        def compute(reader: Reader[Frame] | None) -> Facts:
            frames = None if reader is None else _until_closed(reader)
            try:
                return stages[place](requests[place], folders[place], ticks.of(place), frames=frames)
            finally:
                ticks.leave(place)

        return compute

    reading = [place for place, request in enumerate(requests) if _reads_frames(request)]
    together = reading if len(reading) > 1 else []
    for place in range(len(requests)):
        if place not in together:
            outcome: Facts | Exception
            try:
                outcome = computed(place)(None)
            except Exception as error:  # noqa: BLE001 - it is told
                outcome = error
            tell(place, outcome)
    if together:
        first = requests[together[0]]
        frames = cached_frames(first.source, read_clip(first.clip), cache_mb=first.cache_mb)
        read_side_by_side(frames, list(map(computed, together)), lambda turn, told: tell(together[turn], told))


def _reads_frames(request: Asked) -> bool:
    """Whether its stage reads them: the masks that the pose stage has stored need none."""
    return isinstance(request, SceneRequest) or request.settings.source is not MaskSource.landmarker


def _until_closed(reader: Reader[Frame]) -> Frames:
    """The reader as a generator, as stages take frames; when that is closed, the reader is (see PEP 380)."""
    yield from reader


class _Ticks:
    """One count of frames out of those of several threads: that of the slowest, told by one thread at a time."""

    def __init__(self, tick: Tick, threads: int) -> None:
        self._tick, self._lock = tick, threading.Lock()
        self._done: dict[int, int] = dict.fromkeys(range(threads), 0)

    def of(self, place: int) -> Tick:
        def told(frames_done: int) -> None:
            with self._lock:
                self._done[place] = frames_done
                self._tick(min(self._done.values()))

        return told

    def leave(self, place: int) -> None:
        """That thread has ended; the others are waited for."""
        with self._lock:
            del self._done[place]
