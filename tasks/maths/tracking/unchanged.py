"""Places of the picture that have not changed since the model looked there and saw nobody.

For the same picture the model gives the same answer, so such a place is left out of the search a few times. With a
camera at rest this saves most of the search. With a camera that moves, every place changes.

Instead of a tile that is left out, one in which something moves is searched: so a person who comes in is found early.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter, minimum_filter

from tasks.maths.body.landmarks import BoxEdges
from tasks.maths.tracking.squares import Square

Levels = NDArray[np.int16]

# Of luma: a cell of the small picture that differs by more has changed. Between frames 0.3 s apart, outside of what
# moves, cells of four sample clips differ by 0 to 6 levels.
CHANGED_LEVELS: Final = 8
# Of the cells of a place: with fewer it has not changed. The smallest person that a tile is searched for covers four
# times as many.
CHANGED_SHARE: Final = 0.003
# The same of the whole frame, in which only people of a fourth of its height or more are found. The legs of somebody
# who is followed reach beyond the cover: up to 0.005 of the cells.
WHOLE_CHANGED_SHARE: Final = 0.006
MOVING_SHARE: Final = 0.006  # of the cells of a tile: half of the smallest person that it is searched for
# Of a covered box's height: around it, limbs and shadows move. In the walk in a laboratory the search takes 86 looks
# with it, 104 with half, and 86 with double (tests.benchmarks.cost.search_share). Without it a leg counts
# as motion.
LIMBS_SHARE: Final = 0.15
MOST_SKIPS: Final = 3  # of one place in a row: a person who stands still and is hard to see gets further looks
NEVER_SEEN: Final = -1000  # level of a cell that was covered at each look
# Across and down: a cell and those beside it, so that a tremble by one cell is no change. In the same walk 123 looks
# with 1 and 75 with 5.
AROUND_CELLS: Final = 3


class Shown(NamedTuple):
    """A frame, as far as the plan of the search needs it."""

    size_px: tuple[int, int]  # width and height of the source
    luma: NDArray[np.uint8]  # (h, w) of the whole frame, small
    covered_px: Sequence[BoxEdges] = ()  # boxes in source px with people who are followed; they are not searched


class UnchangedPlaces:
    """Remembers what the places of a shot showed when they were searched; None is the whole frame."""

    def __init__(self) -> None:
        self._seen: dict[Square | None, Levels] = {}
        self._skips: dict[Square | None, int] = {}
        self._searched: dict[Square | None, int] = {}  # when each was searched last, counted in searches
        self._searches = 0
        self._last: Shown | None = None  # the frame before with a search for what moves

    def may_skip(self, place: Square | None, shown: Shown, *, counts: bool = True) -> bool:
        """Whether the place has not changed since it was last searched, and need not be searched now.

        A place that is new, or that was skipped ``MOST_SKIPS`` times in a row, must be searched; a skip without
        ``counts`` is not counted. If the answer is no, the caller searches the place now, or else calls ``forget``.
        """
        part, covered = _part(place, shown)
        before = self._seen.get(place)
        if before is None:
            before = np.full(covered.shape, NEVER_SEEN, np.int16)
        most_cells = (WHOLE_CHANGED_SHARE if place is None else CHANGED_SHARE) * covered.size
        changed = (np.abs(before - shown.luma[part]) > CHANGED_LEVELS) & ~covered
        if np.count_nonzero(changed) > most_cells:
            changed &= _differs_around(before, shown.luma[part])
        skips = self._skips.get(place, 0)
        if skips < MOST_SKIPS and np.count_nonzero(changed) <= most_cells:
            self._skips[place] = skips + counts
            return True
        self.search(place, shown)
        return False

    def most_moving(self, places: Sequence[Square], shown: Shown) -> Square | None:
        """The place to search now, of those in which something has moved since the frame before; None without one.

        A place comes sooner the more of it has moved, and the longer ago it was searched. Ask in each frame with a
        search. If the place is then searched, the caller calls ``search``.
        """
        moving, best, most = self._moving(shown), None, 0.0
        for place in places:
            part = _cells(place.edges_px, _scale_xy(shown))
            share = np.count_nonzero(moving[part]) / max(moving[part].size, 1)  # 0 beside a picture of a few px
            weight = share * (self._searches - self._searched.get(place, 0))
            if share > MOVING_SHARE and weight > most:
                best, most = place, weight
        return best

    def search(self, place: Square | None, shown: Shown) -> None:
        """Note that the place is searched in this frame: keep what it shows, without what is covered."""
        part, covered = _part(place, shown)
        before = self._seen.get(place, np.int16(NEVER_SEEN))
        self._seen[place] = np.where(covered, before, shown.luma[part].astype(np.int16))
        self._skips[place] = 0
        self._searches += 1
        self._searched[place] = self._searches

    def forget(self, place: Square | None) -> None:
        """Note that the place was not searched after all, although ``may_skip`` was false."""
        self._seen.pop(place, None)

    def _moving(self, shown: Shown) -> NDArray[np.bool_]:
        """Cells (h, w) that have changed since the frame before, away from covered people."""
        before, self._last = self._last, shown
        if before is None or before.luma.shape != shown.luma.shape:
            return np.zeros(shown.luma.shape, bool)
        moving: NDArray[np.bool_] = np.abs(before.luma.astype(np.int16) - shown.luma) > CHANGED_LEVELS
        for x0, y0, x1, y1 in (*before.covered_px, *shown.covered_px):
            aside = LIMBS_SHARE * (y1 - y0)
            moving[_cells(np.array([x0 - aside, y0 - aside, x1 + aside, y1 + aside]), _scale_xy(shown))] = False
        return moving


def _part(place: Square | None, shown: Shown) -> tuple[tuple[slice, slice], NDArray[np.bool_]]:
    """The rows and columns of a place in the small picture, and which of its cells are covered."""
    scale_xy = _scale_xy(shown)
    part = _cells(np.array([-0.5, -0.5, *shown.size_px]) if place is None else place.edges_px, scale_xy)
    covered = np.zeros(shown.luma.shape, bool)
    for box in shown.covered_px:
        covered[_cells(np.array(box), scale_xy)] = True
    return part, covered[part]


def _differs_around(before: Levels, luma: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which cells show another level than they and the cells around them showed before, or were never seen.

    So a camera or a thing that trembles is no change.
    """
    seen = before != NEVER_SEEN
    lowest = minimum_filter(np.where(seen, before, -NEVER_SEEN).astype(np.int16), AROUND_CELLS, mode="nearest")
    highest = maximum_filter(before, AROUND_CELLS, mode="nearest")
    levels = luma.astype(np.int16)
    differs: NDArray[np.bool_] = ~seen | (levels < lowest - CHANGED_LEVELS) | (levels > highest + CHANGED_LEVELS)
    return differs


def _scale_xy(shown: Shown) -> NDArray[np.float64]:
    """Cells of the small picture in a source px (2,), across and down."""
    return np.array(shown.luma.shape[::-1]) / shown.size_px


def _cells(edges_px: NDArray[np.float64], scale_xy: NDArray[np.float64]) -> tuple[slice, slice]:
    """Rows and columns of the small picture that a box ``x0, y0, x1, y1`` in source px touches."""
    x0, y0 = np.maximum(np.floor((edges_px[:2] + 0.5) * scale_xy), 0).astype(int)
    x1, y1 = np.maximum(np.ceil((edges_px[2:] + 0.5) * scale_xy), 0).astype(int)
    return slice(y0, y1), slice(x0, x1)
