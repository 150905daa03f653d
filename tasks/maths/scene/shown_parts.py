"""Which parts of a picture an output shows: directly, and in the mirror beyond its edges."""

from typing import Final, NamedTuple

from tasks.maths.arrays import Floats
from tasks.maths.path import affine
from tasks.maths.path.outline import outline_px

Span = tuple[float, float]

TAPS_PX: Final = 4.0  # that an interpolation looks beyond the place it is asked for


class Rect(NamedTuple):
    """x0, y0, x1, y1 in pixels."""

    x0: float
    y0: float
    x1: float
    y1: float

    def meets(self, other: "Rect") -> bool:
        """Whether the two have a place in common."""
        return self.x0 < other.x1 and other.x0 < self.x1 and self.y0 < other.y1 and other.y0 < self.y1


class ShownParts(NamedTuple):
    """The parts of a picture that an output shows."""

    whole: Rect  # holds all of them
    mirrored: tuple[Rect, ...]  # those that a mirror beyond the picture's edges shows


def shown_parts(box: Rect, to_output: Floats, output_px: tuple[int, int]) -> ShownParts:
    """What of a picture over ``box`` an output of ``output_px`` shows; ``to_output`` (2, 3) brings it there.

    Beyond its edges the picture is mirrored. The parts may be a little too large, never too small.
    """
    corners = affine.apply(affine.invert(to_output), outline_px(output_px))
    low, high = corners.min(axis=0) - TAPS_PX, corners.max(axis=0) + TAPS_PX
    across, mirrors_x = _axis(low[0], high[0], box.x0, box.x1)
    down, mirrors_y = _axis(low[1], high[1], box.y0, box.y1)
    mirrored = [Rect(x0, down[0], x1, down[1]) for x0, x1 in mirrors_x]
    mirrored += [Rect(across[0], y0, across[1], y1) for y0, y1 in mirrors_y]
    return ShownParts(Rect(across[0], down[0], across[1], down[1]), tuple(mirrored))


def _axis(low: float, high: float, start: float, end: float) -> tuple[Span, list[Span]]:
    """Of a picture from ``start`` to ``end``: the span that ``low`` to ``high`` shows, and those it shows mirrored."""
    mirrors = []
    if low < start:
        mirrors.append((start, min(2 * start - low, end)))
    if high > end:
        mirrors.append((max(2 * end - high, start), end))
    if start - low > end - start or high - end > end - start:  # mirrored more than once
        mirrors = [(start, end)]
    spans = [*mirrors]
    if low < end and high > start:
        spans.append((max(low, start), min(high, end)))
    return (min(span[0] for span in spans), max(span[1] for span in spans)), mirrors
