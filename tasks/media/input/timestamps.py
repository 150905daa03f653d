"""Timestamps as files tell them, made such that they can be relied on."""

from dataclasses import dataclass


@dataclass
class Timing:
    """Makes timestamps strictly increasing.

    A missing one continues the clock by the last frame's duration, and begins it at ``first``. One that repeats
    or steps back by less than a nominal interval comes one tick after its predecessor. One that steps back
    further is a restarted clock: it and all that follow are moved so that time goes on.
    """

    nominal: int
    shift: int = 0
    last: int | None = None
    last_duration: int = 0
    first: int = 0

    def next(self, stored: int | None, duration: int) -> int:
        step = self.last_duration or self.nominal
        if self.last is None:
            pts = self.first if stored is None else stored
        elif stored is None:
            pts = self.last + step
        elif stored + self.shift > self.last:
            pts = stored + self.shift
        elif self.last - (stored + self.shift) < self.nominal:
            pts = self.last + 1
        else:
            pts = self.last + step
            self.shift = pts - stored
        self.last, self.last_duration = pts, duration or 0
        return pts

    def end(self) -> int:
        """When the last frame ends, by its own duration."""
        return (self.last or 0) + (self.last_duration or self.nominal)
