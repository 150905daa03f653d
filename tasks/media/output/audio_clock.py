"""The clock of one sound track: repaired where the file's clock restarts, and the gaps that damage leaves in it.

Joined recordings restart their clock at each join. The sound must then continue where the picture does.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from tasks.records import Clip

_CONTINUES_S: Final = Fraction(1, 20)  # tolerance within which a packet continues the clock
_INTERLEAVE_S: Final = 3  # distance in the file that sound and picture of one time may have
_TAIL_S: Final = Fraction(1, 2)  # by which the sound of a part may be longer than its picture
_STEP_BACK_S: Final = 1  # a larger step back is a restarted clock: sounds of one clock overlap less


@dataclass(frozen=True)
class RecordingPart:
    """A part of the file without a restart of the picture's clock. Times are repaired ones."""

    byte_offset: float = 0  # where the part begins in the file; infinite: not known
    begin_s: Fraction | float = -math.inf
    end_s: Fraction | float = math.inf
    delay_s: Fraction = Fraction(0)  # repaired time - stored time


@dataclass(frozen=True)
class SoundSource:
    """A file whose sound, tags and chapters are to be copied, and the parts of its picture, at least one."""

    path: Path
    parts: tuple[RecordingPart, ...] = (RecordingPart(),)
    begin_s: Fraction | None = None  # of a part of the file: sound before it is left out, and the copy begins at 0
    trimmed: bool = False  # whether the pictures are a part of the file
    skipped: int = 0  # frames of the file before the first picture
    rate: Fraction | None = None  # of the pictures, in Hz; None: not known
    variable_rate: bool = False


def sound_source(path: Path, clip: Clip) -> SoundSource:
    """The sound of ``clip``, whose file is ``path``. If the picture breaks off or is cut, the sound ends with it."""
    tick_s = clip.time_base
    begins_s = [restart.pts * tick_s for restart in clip.restarts]
    ends_s: list[Fraction | float] = [*begins_s, clip.end_pts * tick_s if clip.broken or clip.trimmed else math.inf]
    parts = [RecordingPart(end_s=ends_s[0])]
    for restart, begin_s, end_s in zip(clip.restarts, begins_s, ends_s[1:], strict=True):
        byte_offset = math.inf if restart.place < 0 else restart.place
        parts.append(RecordingPart(byte_offset, begin_s, end_s, restart.later * tick_s))
    start_s = round(clip.start_s / tick_s) * tick_s if clip.skipped else None
    return SoundSource(path, tuple(parts), start_s, clip.trimmed, clip.skipped, clip.rate, clip.variable_rate)


class AudioClock:
    """The clock of one sound track, repaired like the picture's.

    - ``lost_s``: duration of the sound that was left out, because its part shows no picture then or because it
      overlaps other sound.
    - ``ended``: the sound has reached the end of the last picture.
    - ``own_restart_s``: when the track's clock restarted alone, while the picture's did not; else None.
    """

    def __init__(self, parts: tuple[RecordingPart, ...]) -> None:
        self.lost_s = Fraction(0)
        self.ended = False
        self.own_restart_s: Fraction | None = None
        self._parts = parts
        self._part = 0  # number of the part of the last packet
        self._byte_offset = 0  # how far the file has been read
        self._stored_end_s: Fraction | None = None  # end of the last packet, by its stored time
        self._played_end_s: Fraction | None = None  # end of the last packet that was kept, by its repaired time
        self._played_part = -1
        self._own_delay_s = Fraction(0)

    def delay_s(self, stored_s: Fraction, duration_s: Fraction, byte_offset: int | None) -> Fraction | None:
        """Repaired time - stored time of a packet, or None if it is to be left out.

        To be called for each packet in the order of the file.
        """
        self._byte_offset = max(self._byte_offset, byte_offset or 0)
        continues, part_number = self._continues(stored_s, _CONTINUES_S), self._part_at(stored_s)
        self._stored_end_s = stored_s + duration_s
        if part_number != self._part:
            self._part, self._own_delay_s = part_number, Fraction(0)
        part = self._parts[part_number]
        begin_s = self._repaired_s(stored_s, continues)
        if begin_s >= part.end_s and part_number == len(self._parts) - 1:
            self.ended = True
            return None
        before_part = self._played_part < part_number and begin_s + duration_s <= part.begin_s
        overlaps = self._played_end_s is not None and begin_s < self._played_end_s - _STEP_BACK_S
        if before_part or overlaps or begin_s >= part.end_s:
            self.lost_s += duration_s
            return None
        self._played_part, self._played_end_s = part_number, begin_s + duration_s
        return begin_s - stored_s

    def _repaired_s(self, stored_s: Fraction, continues: bool) -> Fraction:
        """A packet's time by the clock of its part. The clock is set again if the track's restarts alone."""
        repaired_s = stored_s + self._parts[self._part].delay_s + self._own_delay_s
        # One wrong time is no restart: the packet after it has to continue from there.
        same_part = continues and self._played_part == self._part
        if same_part and self._played_end_s and repaired_s < self._played_end_s - _STEP_BACK_S:
            self._own_delay_s += self._played_end_s - repaired_s
            repaired_s = self.own_restart_s = self._played_end_s
        return repaired_s

    def _part_at(self, stored_s: Fraction) -> int:
        """The number of the part whose clock gives the time of a packet at ``stored_s``. It never decreases."""
        reached = max(number for number, part in enumerate(self._parts) if part.byte_offset <= self._byte_offset)
        if reached > self._part + 1 or self._part + 1 == len(self._parts):
            return max(reached, self._part)
        here, ahead = self._parts[self._part : self._part + 2]
        half_step_s = (ahead.delay_s - here.delay_s) / 2
        if reached > self._part:  # but sound of the earlier part may lie behind the first picture of the next
            beyond_s = stored_s + here.delay_s - ahead.begin_s
            in_tail = -_INTERLEAVE_S < beyond_s < min(_TAIL_S, half_step_s)
            return self._part if self._continues(stored_s, min(_CONTINUES_S, half_step_s)) and in_tail else reached
        # Sound may lie before the first picture of its part: its time then steps back as the picture's will.
        steps_back = self._stored_end_s is not None and self._stored_end_s - stored_s > half_step_s
        near = -_INTERLEAVE_S < stored_s + ahead.delay_s - ahead.begin_s < _INTERLEAVE_S
        return self._part + (steps_back and near)

    def _continues(self, stored_s: Fraction, tolerance_s: Fraction) -> bool:
        return self._stored_end_s is not None and abs(stored_s - self._stored_end_s) <= tolerance_s


@dataclass
class SoundGaps:
    """The gaps that damaged packets leave in one track. Each packet is added in order, as carried or as refused.

    A gap lasts from the last carried packet to the next one, so it includes what was lost between packets.
    """

    _packets: int = 0  # refused packets in closed gaps
    _lost_s: Fraction = Fraction(0)
    _first_gap_s: Fraction | None = None  # begin of the first gap
    _gaps: int = 0
    _carried_end_s: Fraction | None = None  # of the last carried packet
    _refused: int = 0  # packets in the open gap
    _gap_begin_s: Fraction = Fraction(0)
    _gap_end_s: Fraction = Fraction(0)
    _reason: str = ""

    def add_carried(self, begin_s: Fraction, duration_s: Fraction) -> None:
        """A packet has been copied."""
        if self._refused:
            self._close_gap(max(begin_s, self._gap_begin_s))
        self._carried_end_s = begin_s + duration_s if duration_s else None

    def add_refused(self, begin_s: Fraction, duration_s: Fraction, reason: str) -> None:
        """A packet has been left out for ``reason``."""
        if not self._refused:
            self._gap_begin_s = begin_s if self._carried_end_s is None else min(begin_s, self._carried_end_s)
        self._refused += 1
        self._gap_end_s, self._reason = begin_s + duration_s, reason

    def describe(self) -> list[str]:
        """Clauses about the gaps, after the last packet.

        One refused packet at the end is a gap. After several, with none carried behind them, the track ends there.
        """
        clauses = []
        if self._refused == 1 and self._carried_end_s is not None:
            self._close_gap(self._gap_end_s)
        if self._first_gap_s is not None:
            left_out = "1 damaged packet was" if self._packets == 1 else f"{self._packets} damaged packets were"
            where = f"{'from' if self._gaps == 1 else 'in all, first from'} {float(self._first_gap_s):.2f} s"
            clauses.append(f"lacks {float(self._lost_s):.3f} s {where}: {left_out} left out")
        if self._refused:
            clauses.append(f"ends early: {self._reason}")
        return clauses

    def _close_gap(self, end_s: Fraction) -> None:
        self._first_gap_s = self._gap_begin_s if self._first_gap_s is None else self._first_gap_s
        self._packets, self._gaps = self._packets + self._refused, self._gaps + 1
        self._lost_s += end_s - self._gap_begin_s
        self._refused = 0
