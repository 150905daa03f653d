"""Places of the picture that still show what they showed when the model looked there and saw nobody.

Of the same picture the model says the same, so such a place is left out of the search a few times. This saves most of
the search before a camera at rest. Before a camera that moves, every place changes.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.landmarks import BoxEdges
from tasks.maths.tracking.squares import Square

Levels = NDArray[np.int16]

# Of luma: a cell of the small picture that differs by more has changed. Between frames 0.3 s apart, outside of what
# moves, cells of four sample clips differ by 0 to 6 levels.
CHANGED_LEVELS: Final = 8
# Of the cells of a place: with fewer it has not changed. The smallest person that a tile is searched for covers four
# times as many.
CHANGED_SHARE: Final = 0.003
MOST_SKIPS: Final = 3  # of one place in a row: whoever stands still and is hard to see is given further looks
NEVER_SEEN: Final = -1000  # level of a cell that was covered at each look


class Shown(NamedTuple):
    """A frame, as far as the plan of the search needs it."""

    size_px: tuple[int, int]  # width and height of the source
    luma: NDArray[np.uint8]  # (h, w) of the whole frame, small
    covered_px: Sequence[BoxEdges] = ()  # boxes in source px with people who are followed; they are not searched


class UnchangedPlaces:
    """Tells which places of a shot have not changed since they were searched; None is the whole frame."""

    def __init__(self) -> None:
        self._seen: dict[Square | None, Levels] = {}
        self._skips: dict[Square | None, int] = {}

    def may_skip(self, place: Square | None, shown: Shown) -> bool:
        """Whether the place still shows what it showed when the answer was last no, the first one included.

        Where it is no, the caller searches the place now, or else calls ``forget``.
        """
        scale_xy = np.array(shown.luma.shape[::-1]) / shown.size_px
        part = _cells(np.array([-0.5, -0.5, *shown.size_px]) if place is None else place.edges_px, scale_xy)
        levels, covered = shown.luma[part].astype(np.int16), np.zeros(shown.luma.shape, bool)
        for box in shown.covered_px:
            covered[_cells(np.array(box), scale_xy)] = True
        before = self._seen.get(place)
        if before is None:
            before = np.full_like(levels, NEVER_SEEN)
        changed = (np.abs(levels - before) > CHANGED_LEVELS) & ~covered[part]
        skips = self._skips.get(place, 0)
        if skips < MOST_SKIPS and np.count_nonzero(changed) <= CHANGED_SHARE * changed.size:
            self._skips[place] = skips + 1
            return True
        self._skips[place] = 0
        self._seen[place] = np.where(covered[part], before, levels)
        return False

    def forget(self, place: Square | None) -> None:
        """Take back a no of ``may_skip``: the place was not searched, so what it shows is not known."""
        self._seen.pop(place, None)


def _cells(edges_px: NDArray[np.float64], scale_xy: NDArray[np.float64]) -> tuple[slice, slice]:
    """Rows and columns of the small picture that a box ``x0, y0, x1, y1`` in source px touches."""
    x0, y0 = np.maximum(np.floor((edges_px[:2] + 0.5) * scale_xy), 0).astype(int)
    x1, y1 = np.maximum(np.ceil((edges_px[2:] + 0.5) * scale_xy), 0).astype(int)
    return slice(y0, y1), slice(x0, x1)
