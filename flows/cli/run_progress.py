"""How far a run has come, as lines of text: one for each video that is worked on, and one for the whole run.

The time that is left is estimated from the work that is done. A stage counts by its frames and its usual cost.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from tasks.execution.progress import Listener, Work

# CPU ms a frame, on a drawn walker of 640x360. Only the ratios count.
USUAL_COSTS: Final = {
    "pose": 70.0,
    "render": 60.0,
    "verify": 110.0,
    "masks": 30.0,
    "scene": 12.0,
    "demo": 10.0,
    "masks and scene": 40.0,  # in one pass
    "exports/webdataset": 20.0,  # a choice: it grows with the number of pixels, and at 1920x1088 it exceeds the pose
}
SMALL_COST: Final = 1.0  # of every other stage
UNKNOWN_FRAMES: Final = 300  # of a video that is not decoded yet, while no other is
LEAST_ELAPSED_S: Final = 2.0  # before that the time left is not estimated
LEAST_DONE: Final = 0.02  # share of the work, for the same reason
MAX_VIDEO_LINES: Final = 8


@dataclass(slots=True)
class _Piece:
    """One stage of one video."""

    frames: int = 0
    frames_done: int = 0
    running: bool = False
    done: bool = False

    def share(self) -> float:
        return 1.0 if self.done else min(self.frames_done / self.frames, 1.0) if self.frames else 0.0


@dataclass(slots=True)
class _Line:
    """The stages of one video, or of one video with one setting; numbered in the order in which they were named."""

    number: int
    pieces: dict[str, _Piece] = field(default_factory=dict)
    started_s: float | None = None  # when the first stage began to compute

    @property
    def frames(self) -> int:
        return max((piece.frames for piece in self.pieces.values()), default=0)

    @property
    def running(self) -> bool:
        return any(piece.running for piece in self.pieces.values())

    def cost(self) -> float:
        """The cost of all stages, for each frame."""
        return sum(USUAL_COSTS.get(stage, SMALL_COST) for stage in self.pieces)

    def cost_done(self, *, running: bool = True) -> float:
        """The cost of what is done, for each frame; also of the stages that are ``running``, as far as they are."""
        counted_in = [(stage, piece) for stage, piece in self.pieces.items() if piece.done or running]
        return sum(USUAL_COSTS.get(stage, SMALL_COST) * piece.share() for stage, piece in counted_in)


@dataclass(slots=True)
class _Sums:
    """Sums over all lines, so that a run of thousands of videos does not have to go through them for each text.

    Lines of unknown length are summed for each frame.
    """

    lines: int = 0  # whose length is known
    frames: int = 0
    cost: float = 0.0
    cost_done: float = 0.0  # of stages that are done
    unknown_cost: float = 0.0
    unknown_cost_done: float = 0.0

    def count(self, line: _Line, times: int) -> None:
        """Add a line, or with ``times=-1`` take away what was added before it changed."""
        frames, cost, done = line.frames, line.cost(), line.cost_done(running=False)
        if frames:
            self.lines += times
            self.frames += times * frames
            self.cost += times * cost * frames
            self.cost_done += times * done * frames
        else:
            self.unknown_cost += times * cost
            self.unknown_cost_done += times * done

    @property
    def usual_frames(self) -> int:
        return round(self.frames / self.lines) if self.lines else UNKNOWN_FRAMES


class RunProgress(Listener):
    """A listener that can say at any time how far the run is."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._doing = ""
        self._lines: dict[str, _Line] = {}
        self._busy: dict[str, _Line] = {}  # those with a stage at work
        self._sums = _Sums()
        self._noun, self._count, self._finished = "video", 0, 0
        self._asked = 0  # results whose work is known
        self._idle = 0  # of those, finished ones for which nothing had to be computed
        self._computing_since_s: float | None = None

    @contextmanager
    def _changing(self, name: str) -> Iterator[_Line]:
        """The line of that name, to be changed in the block."""
        with self._lock:
            line = self._lines.setdefault(name, _Line(len(self._lines)))
            self._sums.count(line, -1)
            yield line
            self._sums.count(line, 1)
            if line.running:
                self._busy[name] = line
            else:
                self._busy.pop(name, None)

    def doing(self, what: str) -> None:
        with self._lock:
            self._doing = what

    def expected(self, count: int, noun: str) -> None:
        with self._lock:
            self._count, self._noun = count, noun

    def asked(self, results: int) -> None:
        with self._lock:
            self._asked += results

    def planned(self, work: Work) -> None:
        with self._changing(work.video) as line:
            line.pieces.setdefault(work.stage, _Piece())

    def started(self, work: Work) -> None:
        with self._changing(work.video) as line:
            line.pieces[work.stage] = _Piece(work.frames, running=True)
            now_s = self._clock_s()
            line.started_s = line.started_s or now_s
            self._computing_since_s = self._computing_since_s or now_s

    def advanced(self, work: Work, frames_done: int) -> None:
        self._lines[work.video].pieces[work.stage].frames_done = frames_done

    def ended(self, work: Work) -> None:
        with self._changing(work.video) as line:
            piece = line.pieces[work.stage]
            piece.running, piece.done = False, True
            piece.frames = piece.frames or piece.frames_done

    def settled(self, work: Work) -> None:
        with self._changing(work.video) as line:
            if not line.pieces.get(work.stage, _Piece(done=True)).done:
                del line.pieces[work.stage]  # it came from the cache, or failed: no work is left or done

    def finished(self, video: str, setting: str) -> None:
        names = [name for name in (video, f"{video} {setting}") if name in self._lines]
        with self._lock:
            self._finished += 1
            self._idle += not any(self._lines[name].pieces for name in names)
        for name in names:
            with self._changing(name) as line:
                for stage in [stage for stage, piece in line.pieces.items() if not (piece.done or piece.running)]:
                    del line.pieces[stage]  # it will never begin: an earlier stage has failed

    @property
    def computing(self) -> bool:
        """Whether a stage is at work."""
        return bool(self._busy)

    def lines(self, most: int = MAX_VIDEO_LINES) -> list[str]:
        """One line for each video that is worked on, and one for all if there are several."""
        with self._lock:
            busy = sorted(self._busy.items(), key=lambda named: named[1].number)
            shown = [self._video_line(name, line) for name, line in busy[:most]]
            if len(busy) > most:
                shown.append(f"and {len(busy) - most} more")
            if not busy and self._doing and not 0 < self._count <= self._finished:
                shown = [self._doing]
            return shown + self._total()

    def _video_line(self, name: str, line: _Line) -> str:
        stages = ", ".join(_stage_text(stage, piece) for stage, piece in line.pieces.items() if piece.running)
        frames = line.frames or self._sums.usual_frames
        done, whole = frames * line.cost_done(), frames * line.cost()
        left = self._left(done, whole, line.started_s)
        return f"{name}: {stages}; {', '.join([f'{100 * done // whole:.0f}%', *left])}"

    def _total(self) -> list[str]:
        if self._count < 2 or not self._lines:
            return []
        sums, usual = self._sums, self._sums.usual_frames
        going = sum(
            (one.frames or usual) * (one.cost_done() - one.cost_done(running=False)) for one in self._busy.values()
        )
        done = sums.cost_done + sums.unknown_cost_done * usual + going
        whole = (sums.cost + sums.unknown_cost * usual) * self._share_unasked()
        left = self._left(done, whole, self._computing_since_s)
        number = min(self._finished + 1, self._count)
        return [", ".join([f"{self._noun} {number} of {self._count}", *left])]

    def _share_unasked(self) -> float:
        """All work as a multiple of what is known. A result not asked for yet counts as one that has to be computed."""
        known, unknown = self._asked - self._idle, self._count - self._asked
        return (known + unknown) / known if known > 0 and unknown > 0 else 1.0

    def _left(self, done: float, whole: float, since_s: float | None) -> list[str]:
        """The time left in words, at most one item; none where it is too early to say."""
        elapsed_s = 0.0 if since_s is None else self._clock_s() - since_s
        if elapsed_s < LEAST_ELAPSED_S or not whole or done / whole < LEAST_DONE:
            return []
        return [f"{time_text(elapsed_s * (whole - done) / done)} left"]


def _stage_text(stage: str, piece: _Piece) -> str:
    if not piece.frames_done:
        return stage
    of = f" of {piece.frames}" if piece.frames else ""
    return f"{stage} frame {piece.frames_done}{of}"


def time_text(seconds: float) -> str:
    """A time in the words of a person: ``40 s``, ``3 min``, ``2 h 5 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
