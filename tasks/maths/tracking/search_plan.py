"""Which parts of each frame are searched for people who are not followed yet.

Three kinds of places are searched: the whole frame, tiles of it, and the windows of those who were lost, moving on. How
often depends on what is going on:

- At the start of a shot, and after a loss while nobody is followed, every frame that changes is searched, in several
  tiles.
- When somebody is found first, each other tile is searched once, several in each frame, and the whole frame often: of
  two people side by side the model often sees one, and the sooner the second is found, the surer both are told apart.
- After a loss, while others are followed, every frame is searched where a small person went. After a large one the
  whole frame is searched often. When all of them were found again, this ends. Whoever walked out of the picture is not
  searched for like that.
- Otherwise the frame and one tile are searched at a low rate. If the next tile has not changed, a tile is searched in
  which something moves away from the followed people, if there is one.
- What has not changed since it was searched is mostly left out (``tasks.maths.tracking.unchanged``).

A look that finds nobody takes 8 to 20 ms of CPU time, most for a whole frame; following a person takes 16 to 20 ms a
frame. Without a bound on the rate, the search took 28 % of the pose stage where one of two people turns a somersault
and the other walks out.
"""

from collections.abc import Callable, Collection
from copy import copy
from typing import Final, NamedTuple

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import hip_midpoint
from tasks.maths.tracking.squares import FollowingWindow, Square, body_reach_px, search_tiles
from tasks.maths.tracking.unchanged import Shown, UnchangedPlaces

SEARCH_INTERVAL_S: Final = 0.3  # between searches for further people, while somebody is followed
OFTEN_INTERVAL_S: Final = 0.1  # the same, after a large person was lost, and until each tile was searched once
LOST_SEARCH_S: Final = 1.0  # of the search for lost people, and of the thorough search at the start of a shot
THOROUGH_TILES: Final = 4  # tiles per frame of a thorough search; otherwise one
MIN_FOLLOWED_S: Final = 0.5  # a person who was followed for less is not searched for when lost
LEAVING_S: Final = 0.5  # a lost person whose hips would be outside the picture after this time has left it
LEAST_SHARE: Final = 0.5  # of the smallest height: smaller bodies are mistakes (17 to 38 px in a picture of 994 px)
BODY_SHARE: Final = 0.4  # of the window's side: the height of the body in its middle


class Lost(NamedTuple):
    """A person who was followed and is not seen any more."""

    window: FollowingWindow  # where they went
    since_s: float  # when they were found
    small: bool  # they were followed in the window
    earlier: "Lost | None" = None  # where they went before, if they were lost before and found again at ``since_s``
    left: bool = False  # they walked out of the picture


class SearchPlan:
    """What is searched in the frames of a clip, for people of at least ``smallest`` of the frame's height."""

    def __init__(self, smallest: float) -> None:
        self._smallest = smallest
        self._next_search_s = -np.inf
        self._nobody_until_s: float | None = None  # end of the thorough search at the start; None: begins now
        self._lost_until_s = -np.inf  # end of the search for those who were lost
        self._lost: list[Lost] = []
        self._round_tiles = 0  # that are still to be searched since somebody was found first
        self._tiles: list[Square] = []
        self._tile = 0  # index of the next one
        self._tiles_now = 0  # number of those that are searched in this frame
        self._size_px = (0, 0)  # width and height of the frame
        self._unchanged = UnchangedPlaces()

    def begin_shot(self) -> None:
        """Forget everybody who was lost: the next frame is searched for all people."""
        self._nobody_until_s, self._lost_until_s, self._round_tiles = None, -np.inf, 0
        self._lost.clear()
        self._unchanged = UnchangedPlaces()

    def begin_round(self, time_s: float) -> None:
        """Search each other tile once: somebody was found at ``time_s`` while nobody was followed."""
        self._round_tiles = len(self._tiles) - self._tiles_now
        self._next_search_s = time_s + OFTEN_INTERVAL_S

    def is_too_small(self, landmarks: Floats) -> bool:
        """Whether a body with landmarks (33, 2 or more), in source px, is smaller than anybody who is searched for."""
        return body_reach_px(landmarks) < LEAST_SHARE * self._smallest * self._size_px[1]

    def lose(self, person: Lost, time_s: float) -> None:
        """Search for a ``person`` who is not seen at ``time_s`` any more, or whose identity is unclear.

        If the person was followed only for a moment, the one who was lost before is searched for, if there is one.
        """
        missed = person if time_s - person.since_s >= MIN_FOLLOWED_S else person.earlier
        if missed is not None:
            left = not _is_inside(missed.window, self._size_px, time_s + LEAVING_S, margin_share=0)
            # Without the earlier ones: else a long clip keeps all of them.
            kept = missed._replace(window=copy(missed.window), earlier=None, left=left)
            self._lost = [*self._still_lost(time_s), kept]
            self._lost_until_s, self._next_search_s = time_s + LOST_SEARCH_S, time_s
            if not missed.small:
                self._unchanged.forget(None)  # the picture may be the one in which the person was found

    def find(self, landmarks: Floats, time_s: float) -> Lost | None:
        """The lost person who has come back with ``landmarks`` (33, 2 or more) at ``time_s``; None: it is a new one."""
        hip_xy = hip_midpoint(landmarks)
        inside = [one for one in self._still_lost(time_s) if one.window.at(time_s).contains(hip_xy)]
        if not inside:
            return None
        found = min(inside, key=lambda one: float(np.hypot(*(one.window.centre_at(time_s) - hip_xy))))
        self._lost.remove(found)
        return found

    def places(
        self, show: Callable[[], Shown], time_s: float, *, followed: bool, watched: Collection[Square]
    ) -> list[Square | None]:
        """The places to search in the frame at ``time_s``, in order; None is the whole frame.

        ``show`` gives the frame, and is called only if it is needed. ``followed`` says whether anybody is followed. The
        squares ``watched`` were looked at in this frame already.
        """
        if self._nobody_until_s is None:
            self._nobody_until_s, self._size_px = time_s + LOST_SEARCH_S, show().size_px
            self._tiles = search_tiles(self._size_px, self._smallest)
        lost = self._still_lost(time_s)
        missed = [one for one in lost if not one.left]
        regular = time_s >= self._next_search_s
        due = regular or not followed
        alone = not followed and (bool(missed) or time_s <= self._nobody_until_s)
        thorough = self._round_tiles > 0 or alone
        if regular:
            often = thorough or not all(one.small for one in missed)
            self._next_search_s = time_s + (OFTEN_INTERVAL_S if often else SEARCH_INTERVAL_S)
        windows = [one.window for one in lost if one.small and (regular or not one.left)]
        squares = [window.at(time_s) for window in windows if _is_inside(window, self._size_px, time_s, BODY_SHARE / 2)]
        lost_places = [square for square in squares if square not in watched]
        if not (due or thorough):
            return [*lost_places]
        shown = show()
        whole = due and not self._unchanged.may_skip(None, shown, counts=regular)
        tiles = [
            tile
            for tile in self._next_tiles(THOROUGH_TILES if thorough else 1)
            if not self._unchanged.may_skip(tile, shown, counts=not thorough)
        ]
        moving = self._unchanged.most_moving(self._tiles, shown)
        if moving is not None and not (tiles or thorough):
            self._unchanged.search(moving, shown)
            tiles = [moving]
        return [*([None] if whole else []), *lost_places, *tiles]

    def not_searched(self, place: Square | None) -> None:
        """Note that a place of ``places`` was not searched, or only in part: the next time it is not left out."""
        self._unchanged.forget(place)

    def _still_lost(self, time_s: float) -> list[Lost]:
        return self._lost if time_s <= self._lost_until_s else []

    def _next_tiles(self, count: int) -> list[Square]:
        numbers = [(self._tile + ahead) % len(self._tiles) for ahead in range(min(count, len(self._tiles)))]
        self._tile, self._tiles_now = (self._tile + count) % len(self._tiles), len(numbers)
        self._round_tiles = max(self._round_tiles - count, 0)
        return [self._tiles[number] for number in numbers]


def _is_inside(window: FollowingWindow, size_px: tuple[int, int], time_s: float, margin_share: float) -> bool:
    """Whether the middle of the window is in a picture of (width, height), or less beyond it than a share of its side.

    The hips are in the middle. With half of ``BODY_SHARE`` the body is partly in the picture.
    """
    margin_px = margin_share * window.at(time_s).side_px
    return all(
        -margin_px <= value <= size + margin_px for value, size in zip(window.centre_at(time_s), size_px, strict=True)
    )
