"""What the damaged packets of a sound track cost it: they are left out, and the rest goes on at its own time."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass
class LostSound:
    """The holes in one track; to be told of each of its packets, in their order, whether it was carried or refused.

    A hole reaches from the last packet that was carried to the next one: what got lost between packets counts too.
    """

    _packets: int = 0  # refused in holes that were closed
    _lost_s: Fraction = Fraction(0)
    _first_s: Fraction | None = None  # where the first hole begins
    _holes: int = 0
    _end_s: Fraction | None = None  # of the last packet that was carried
    _refused: int = 0  # since then
    _begin_s: Fraction = Fraction(0)  # of what was refused since then
    _until_s: Fraction = Fraction(0)
    _reason: str = ""

    def carried(self, at_s: Fraction, length_s: Fraction) -> None:
        """A packet has arrived."""
        if self._refused:
            self._close(max(at_s, self._begin_s))
        self._end_s = at_s + length_s if length_s else None

    def refused(self, at_s: Fraction, length_s: Fraction, reason: str) -> None:
        """A packet was left out for a ``reason``."""
        if not self._refused:
            self._begin_s = at_s if self._end_s is None else min(at_s, self._end_s)
        self._refused += 1
        self._until_s, self._reason = at_s + length_s, reason

    def facts(self) -> list[str]:
        """What there is to tell of the track, once it was told of all packets.

        One packet at the end is one like others; where more were refused and none carried after them, it ends there.
        """
        facts = []
        if self._refused == 1 and self._end_s is not None:
            self._close(self._until_s)
        if self._first_s is not None:
            left_out = "1 damaged packet was" if self._packets == 1 else f"{self._packets} damaged packets were"
            where = f"{'from' if self._holes == 1 else 'in all, first from'} {float(self._first_s):.2f} s"
            facts.append(f"lacks {float(self._lost_s):.3f} s {where}: {left_out} left out")
        if self._refused:
            facts.append(f"ends early: {self._reason}")
        return facts

    def _close(self, at_s: Fraction) -> None:
        self._first_s = self._begin_s if self._first_s is None else self._first_s
        self._packets, self._holes = self._packets + self._refused, self._holes + 1
        self._lost_s += at_s - self._begin_s
        self._refused = 0
