"""How far a run has come, as lines of text: one for each video that is worked on, and one for the whole run.

The time that is left is estimated from the work that is done. A stage counts by its frames and its usual cost.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tasks.errors import counted
from tasks.execution.progress import Work

# CPU ms a frame, on a drawn walker of 640x360. Only the ratios count.
USUAL_COSTS: Final = {"pose": 70.0, "render": 60.0, "verify": 110.0, "masks": 30.0, "scene": 12.0, "demo": 10.0}
SMALL_COST: Final = 1.0  # of every other stage
UNKNOWN_FRAMES: Final = 300  # of a video that is not decoded yet, while no other is
LEAST_ELAPSED_S: Final = 2.0  # before that the time left is not estimated
LEAST_DONE: Final = 0.02  # share of the work, for the same reason
MAX_VIDEO_LINES: Final = 8


@dataclass
class _Piece:
    """One stage of one video."""

    frames: int = 0
    frames_done: int = 0
    running: bool = False
    done: bool = False

    def share(self) -> float:
        return 1.0 if self.done else min(self.frames_done / self.frames, 1.0) if self.frames else 0.0


@dataclass
class _Line:
    """The stages of one video, or of one video with one setting."""

    pieces: dict[str, _Piece] = field(default_factory=dict)
    started_s: float | None = None  # when the first stage began to compute

    @property
    def frames(self) -> int:
        return max((piece.frames for piece in self.pieces.values()), default=0)

    def work(self, usual_frames: int) -> tuple[float, float]:
        """Cost of what is done, and of all."""
        frames = self.frames or usual_frames
        costs = {stage: USUAL_COSTS.get(stage, SMALL_COST) * frames for stage in self.pieces}
        done = sum(costs[stage] * piece.share() for stage, piece in self.pieces.items())
        return done, sum(costs.values())


class RunProgress:
    """A ``Listener`` that can say at any time how far the run is."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._doing = ""
        self._lines: dict[str, _Line] = {}
        self._noun, self._count, self._finished = "video", 0, 0
        self._computing_since_s: float | None = None

    def doing(self, what: str) -> None:
        with self._lock:
            self._doing = what

    def expected(self, count: int, noun: str) -> None:
        with self._lock:
            self._count, self._noun = count, noun

    def planned(self, work: Work) -> None:
        with self._lock:
            self._lines.setdefault(work.video, _Line()).pieces.setdefault(work.stage, _Piece())

    def started(self, work: Work) -> None:
        with self._lock:
            line = self._lines.setdefault(work.video, _Line())
            line.pieces[work.stage] = _Piece(work.frames, running=True)
            now_s = self._clock_s()
            line.started_s = line.started_s or now_s
            self._computing_since_s = self._computing_since_s or now_s

    def advanced(self, work: Work, frames_done: int) -> None:
        self._lines[work.video].pieces[work.stage].frames_done = frames_done

    def ended(self, work: Work) -> None:
        with self._lock:
            piece = self._lines[work.video].pieces[work.stage]
            piece.running, piece.done = False, True
            piece.frames = piece.frames or piece.frames_done

    def settled(self, work: Work) -> None:
        with self._lock:
            line = self._lines.get(work.video, _Line())
            if not line.pieces.get(work.stage, _Piece(done=True)).done:
                del line.pieces[work.stage]  # it came from the cache, or failed: no work is left or done

    def finished(self, video: str, setting: str) -> None:
        with self._lock:
            self._finished += 1
            for name in (video, f"{video} {setting}"):
                left = self._lines.get(name, _Line()).pieces
                for stage in [stage for stage, piece in left.items() if not (piece.done or piece.running)]:
                    del left[stage]  # it will never begin: an earlier stage has failed

    @property
    def computing(self) -> bool:
        """Whether a stage is at work."""
        with self._lock:
            return any(piece.running for line in self._lines.values() for piece in line.pieces.values())

    def lines(self, most: int = MAX_VIDEO_LINES) -> list[str]:
        """One line for each video that is worked on, and one for all if there are several."""
        with self._lock:
            busy = {name: line for name, line in self._lines.items() if any(p.running for p in line.pieces.values())}
            shown = [self._video_line(name, line) for name, line in list(busy.items())[:most]]
            if len(busy) > most:
                shown.append(f"and {len(busy) - most} more")
            if not busy and self._doing:
                shown = [self._doing]
            return shown + self._total()

    def _video_line(self, name: str, line: _Line) -> str:
        stages = ", ".join(_stage_text(stage, piece) for stage, piece in line.pieces.items() if piece.running)
        done, whole = line.work(self._usual_frames())
        left = self._left(done, whole, line.started_s)
        return f"{name}: {stages}; {', '.join([f'{done / whole:.0%}', *left])}"

    def _total(self) -> list[str]:
        if self._count < 2 or not self._lines:
            return []
        usual = self._usual_frames()
        works = [line.work(usual) for line in self._lines.values()]
        left = self._left(sum(done for done, _ in works), sum(whole for _, whole in works), self._computing_since_s)
        number = min(self._finished + 1, self._count)
        return [", ".join([f"{self._noun} {number} of {self._count}", *left])]

    def _left(self, done: float, whole: float, since_s: float | None) -> list[str]:
        """The time left in words, at most one item; none where it is too early to say."""
        elapsed_s = 0.0 if since_s is None else self._clock_s() - since_s
        if elapsed_s < LEAST_ELAPSED_S or not whole or done / whole < LEAST_DONE:
            return []
        return [f"{time_text(elapsed_s * (whole - done) / done)} left"]

    def _usual_frames(self) -> int:
        known = [line.frames for line in self._lines.values() if line.frames]
        return round(sum(known) / len(known)) if known else UNKNOWN_FRAMES


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


def size_text(size_bytes: int) -> str:
    """A file's size: ``3.2 GB``."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= scale:
            return f"{size_bytes / scale:.1f} {unit}"
    return counted(size_bytes, "byte")
