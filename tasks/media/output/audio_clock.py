"""Sound of a file whose clock starts again, as in joined recordings: it goes on where the picture does."""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from tasks.records import Clip

_GOES_ON_S: Final = Fraction(1, 20)  # that a packet of a clock that goes on may be off by
_INTERLEAVED_S: Final = 3  # that sound and picture of one time may lie apart in the file
_TAIL_S: Final = Fraction(1, 2)  # that the sound of a part may be longer than its picture
_STEPS_BACK_S: Final = 1  # more than sounds of one clock overlap


@dataclass(frozen=True)
class Part:
    """A stretch of the picture without a restart; its times are those that the frames are given."""

    place: float = 0  # where it begins in the file, in bytes; infinite where that is not known
    begin_s: Fraction | float = -math.inf
    end_s: Fraction | float = math.inf
    later_s: Fraction = Fraction(0)  # than the file says


@dataclass(frozen=True)
class Sounding:
    """A file whose sound is to come along, and the parts of its picture, at least one."""

    path: Path
    parts: tuple[Part, ...] = (Part(),)


def sounding(path: Path, clip: Clip) -> Sounding:
    """The sound of the clip, which lies at ``path``; where its picture breaks off, the sound is to end with it."""
    tick_s = clip.time_base
    begins = [restart.pts * tick_s for restart in clip.restarts]
    ends: list[Fraction | float] = [*begins, clip.end_pts * tick_s if clip.broken else math.inf]
    parts = [Part(end_s=ends[0])]
    for restart, begin_s, end_s in zip(clip.restarts, begins, ends[1:], strict=True):
        place = math.inf if restart.place < 0 else restart.place
        parts.append(Part(place, begin_s, end_s, restart.later * tick_s))
    return Sounding(path, tuple(parts))


class SoundClock:
    """The clock of one sound track, repaired as that of the picture was.

    ``lost_s`` is how much was left out because its part shows no picture then, or because its time was over;
    ``ended`` says that the last picture was shown, and ``alone_s`` when the track's clock started again while the
    picture's did not.
    """

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.lost_s = Fraction(0)
        self.ended = False
        self.alone_s: Fraction | None = None
        self._parts = parts
        self._number = 0  # of the part that the last packet belongs to
        self._place = 0  # how far the file has been read
        self._stored_end_s: Fraction | None = None  # of the last packet, as the file says
        self._end_s: Fraction | None = None  # of the last one that was heard
        self._heard_part = -1
        self._alone_later_s = Fraction(0)

    def later_s(self, at_s: Fraction, length_s: Fraction, place: int | None) -> Fraction | None:
        """How much later than the file says a packet is to be heard, or None where it is to be left out.

        To be asked for each packet in the file's order; ``place`` is where it lies, in bytes.
        """
        self._place = max(self._place, place or 0)
        goes_on, number = self._goes_on(at_s, _GOES_ON_S), self._part_of(at_s)
        self._stored_end_s = at_s + length_s
        if number != self._number:
            self._number, self._alone_later_s = number, Fraction(0)
        part = self._parts[number]
        heard_s = self._heard_s(at_s, goes_on)
        if heard_s >= part.end_s and number == len(self._parts) - 1:
            self.ended = True
            return None
        before = self._heard_part < number and heard_s + length_s <= part.begin_s
        over = self._end_s is not None and heard_s < self._end_s - _STEPS_BACK_S
        if before or over or heard_s >= part.end_s:
            self.lost_s += length_s
            return None
        self._heard_part, self._end_s = number, heard_s + length_s
        return heard_s - at_s

    def _heard_s(self, at_s: Fraction, goes_on: bool) -> Fraction:
        """A packet's time by the clock of its part, which is set anew where the track's starts again by itself."""
        heard_s = at_s + self._parts[self._number].later_s + self._alone_later_s
        # A single wrong time is no clock: the packet after it has to go on from there.
        if goes_on and self._heard_part == self._number and self._end_s and heard_s < self._end_s - _STEPS_BACK_S:
            self._alone_later_s += self._end_s - heard_s
            heard_s = self.alone_s = self._end_s
        return heard_s

    def _part_of(self, at_s: Fraction) -> int:
        """The number of the part whose clock tells the time of a packet at ``at_s``; never one before the last."""
        passed = max(number for number, part in enumerate(self._parts) if part.place <= self._place)
        if passed > self._number + 1 or self._number + 1 == len(self._parts):
            return max(passed, self._number)
        here, ahead = self._parts[self._number : self._number + 2]
        step_s = (ahead.later_s - here.later_s) / 2
        if passed > self._number:  # but sound of the part before may lie behind the first picture
            over_s = at_s + here.later_s - ahead.begin_s
            tail = self._goes_on(at_s, min(_GOES_ON_S, step_s)) and -_INTERLEAVED_S < over_s < min(_TAIL_S, step_s)
            return self._number if tail else passed
        # Sound may lie before the first picture: its time steps back as the picture's will.
        steps_back = self._stored_end_s is not None and self._stored_end_s - at_s > step_s
        near = -_INTERLEAVED_S < at_s + ahead.later_s - ahead.begin_s < _INTERLEAVED_S
        return self._number + (steps_back and near)

    def _goes_on(self, at_s: Fraction, slack_s: Fraction) -> bool:
        return self._stored_end_s is not None and abs(at_s - self._stored_end_s) <= slack_s
