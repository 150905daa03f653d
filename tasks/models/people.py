"""Several people at once: one pose estimator follows each, in a window of its own, and a free one searches.

The pose model finds whom it is shown large enough. So a small person is looked at in a square window that moves with
the body. Others are searched for in the whole frame and in overlapping tiles of it, with tracked people painted over.
MediaPipe's own search for several people sees the whole frame only, and misses small people and the second of two.

Shown two people side by side, the model slides to the one in front. So people who pass one another are each looked at
with the other one covered (``tasks.maths.tracking.passing``); who is hidden is expected where the motion leads.

All places are in square pixels (``tasks.maths.square_pixels``), so a person has one shape in every clip.

Large people are tracked in the whole frame. MediaPipe filters landmarks in the coordinates of what it is shown, the
more the slower they move there: in a window that moves along, the filter lags behind the swing of large hips (10 to
50 % more spread of drawn walkers of 0.63 of the height). A window that the torso's motion drives (anchor: 10 to 60 %
more sideways spread) and windows for everybody (5 to 24 % more, at any time stamps) were tried.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import combinations
from typing import Final

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import BoxEdges, same_body
from tasks.maths.tracking.passing import Cover, Passings, clear_edges, clear_share, is_expected
from tasks.maths.tracking.search_plan import Lost, SearchPlan
from tasks.maths.tracking.squares import FollowingWindow, Square, body_height_px, follows, similar_place
from tasks.maths.tracking.unchanged import Shown
from tasks.models.frame_view import FrameView, boxes_of, look_at_frame, look_at_square
from tasks.models.people_finder import AtOnce, SearchedFrame, Sighting, one_by_one
from tasks.models.pose import PoseEstimate, PoseEstimator
from tasks.models.tracker_slot import Look, TrackerSlot, refuse_others
from tasks.models.visibility import OwnVisibility

LARGE_SHARE: Final = 0.4  # of the frame's height: larger people are tracked in the whole frame
TILE_PX: Final = 288  # side of a tile's image; the detector sees it at 224 px
RETRY_S: Final = 0.3  # how long the window of a lost person is still looked at
# How long a person who is hidden behind another one is still followed. Measured on the true hips of thirteen drawn
# walkers: after 1 s the straight line is off by less than 0.07 heights in nine of ten, after 2 s by less than 0.15.
HIDDEN_S: Final = 1.0
MAX_COVERED_SHARE: Final = 0.7  # of a tile under a tracked person: such a tile is skipped


class PeopleTracker:
    """Tracks up to ``max_people`` people and searches for people of at least ``smallest`` of the frame's height.

    ``open_estimator`` opens one more pose estimator when it is needed. ``at_once`` runs the looks at tracked people, at
    the same time if it can, and beside them the search of the frame before, unless that was done already. Search and
    looks use different estimators, and neither changes what the other reads: the results do not depend on the order.
    """

    def __init__(
        self,
        open_estimator: Callable[[], PoseEstimator],
        max_people: int,
        smallest: float,
        at_once: AtOnce = one_by_one,
    ) -> None:
        self._open_estimator = open_estimator
        self._at_once = at_once
        self._max_people = max_people
        self._plan = SearchPlan(smallest)
        self._slots: list[TrackerSlot] = []
        self._tracks = 0
        self._passings = Passings()
        self._searched: SearchedFrame | None = None  # the last one, unless its search has ended

    def __call__(self, view: FrameView, time_s: float) -> list[Sighting]:
        return self.look(view, time_s)()

    def look(self, view: FrameView, time_s: float) -> Callable[[], list[Sighting]]:
        """See ``PeopleFinder``. The function searches the frame, unless that was done beside the look at the next."""
        covers = self._covers(time_s)
        looks = self._look_at(self._followed(), covers, view, time_s)
        new = [number for number in self._followed() if number not in looks]  # found by the search of the frame before
        if new:  # nobody is covered for a person seen for the first time, so the other looks hold
            covers = self._covers(time_s)
            looks |= self._look_at(new, covers, view, time_s)
        following = [self._slots[number] for number in sorted(looks)]
        for number, slot in zip(sorted(looks), following, strict=True):
            slot.person, slot.edges_px = looks[number]
            own = covers.get(slot.track)
            slot.clear_px = clear_edges(slot.expected(time_s), own, view.size_px) if own else None
        refuse_others(self._busy(), time_s)
        hidden = self._hidden(view, covers, time_s)
        for slot in sorted(following, key=lambda slot: not slot.track):  # first the followed people, then the lost ones
            if slot.track and slot.track not in hidden and slot.person is None:
                slot.look_again(view, time_s, self._known())
            if slot.track not in hidden:
                self._take_in(slot, time_s)
        self._resolve_duplicates(covers, time_s)
        searched = self._searched = SearchedFrame(view, time_s, self._places(view, time_s))
        return lambda: self._people(searched)

    def begin_shot(self, time_s: float) -> None:
        """Forget everybody: no track goes on, and the next frame is searched for all people."""
        self._end_search()
        for slot in self._slots:
            if slot.window is not None:
                slot.release(time_s)
        self._plan.begin_shot()

    @property
    def sees_whole(self) -> bool:
        return any(slot.whole for slot in self._slots if slot.window is not None)

    def _followed(self) -> list[int]:
        """The numbers of the slots that follow somebody, or lost somebody a moment ago."""
        return [number for number, slot in enumerate(self._slots) if slot.window is not None]

    def _covers(self, time_s: float) -> dict[int, list[Cover]]:
        unseen = [slot.track for slot in self._busy() if slot.person is None]  # in the frame before
        courses = {slot.track: slot.course(time_s) for slot in self._busy()}
        return self._passings.covers({slot.track: slot.expected(time_s) for slot in self._busy()}, unseen, courses)

    def _look_at(
        self, numbers: Sequence[int], covers: Mapping[int, Sequence[Cover]], view: FrameView, time_s: float
    ) -> dict[int, Look]:
        """What the slots of these numbers see in the frame, by number. Meanwhile the frame before is searched."""
        slots = [self._slots[number] for number in numbers]
        jobs: list[Callable[[], Look | None]] = [
            partial(slot.look, view, time_s, covers.get(slot.track, ())) for slot in slots
        ]
        if self._searched is not None and self._searched.places:
            jobs.append(self._end_search)
        else:
            self._end_search()
        looks = (self._at_once if len(jobs) > 1 else one_by_one)(jobs)
        return {number: look for number, look in zip(numbers, looks, strict=False) if look is not None}

    def _busy(self) -> list[TrackerSlot]:
        return sorted((slot for slot in self._slots if slot.track), key=lambda slot: slot.track)

    def _known(self) -> list[Floats]:
        """Landmarks of everybody who is tracked in this frame."""
        return [slot.person.landmarks for slot in self._busy() if slot.person is not None]

    def _hidden(self, view: FrameView, covers: Mapping[int, Sequence[Cover]], time_s: float) -> set[int]:
        """The tracks of people beside others who are not seen now, and are still followed for a while."""
        beside = [slot for slot in self._busy() if slot.track in covers]
        unseen = []
        for slot in beside:
            if not self._is_recognised(slot, covers[slot.track], time_s) and time_s - slot.seen_s <= HIDDEN_S:
                slot.person = None
                unseen.append(slot)
        # By now an estimator that has slid counts as seeing nobody: its body may be the one that a fresh look finds.
        hidden = {
            slot.track
            for slot in unseen
            if not slot.look_beside(view, time_s, covers[slot.track], self._covered(covers[slot.track]))
        }
        for slot in beside:
            if slot.person is not None:
                slot.person.landmarks[:, 3] *= clear_share(slot.person.landmarks, covers[slot.track])
        return hidden

    def _covered(self, covers: Sequence[Cover]) -> list[TrackerSlot]:
        """The slots of the people whom these covers hide."""
        others = {cover.other for cover in covers}
        return [slot for slot in self._busy() if slot.track in others]

    def _is_recognised(self, slot: TrackerSlot, covers: Sequence[Cover], time_s: float) -> bool:
        """Whether the body that was seen beside others is that of the person whom the slot follows."""
        if slot.person is None:
            return False
        found, others = slot.person.landmarks, self._covered(covers)
        expected = [other.expected(time_s) for other in others]
        if is_expected(found, slot.expected(time_s), expected) or slot.goes_on(found, others):
            return True
        # The body is not where a straight line leads: the person stopped or turned, or it is somebody else's.
        seen = [other.person.landmarks for other in others if other.person is not None]
        turned = follows(slot.landmarks, found) and not any(same_body(found, other) for other in seen)
        if not turned or clear_share(found, covers) < 1:
            return False
        slot.window = FollowingWindow(found, time_s)
        return True

    def _painted(self, time_s: float) -> list[BoxEdges]:
        """The boxes that are painted over in a search: of everybody who is tracked, also while hidden."""
        return boxes_of(
            slot.expected(time_s) if slot.person is None else slot.person.landmarks for slot in self._busy()
        )

    def _take_in(self, slot: TrackerSlot, time_s: float) -> None:
        """Move the slot's window with its person, or lose the person."""
        if slot.person is None:
            if slot.track:
                self._lose(slot, time_s)
            slot.track = 0
            if slot.whole or time_s - slot.seen_s > RETRY_S:
                slot.window = None
            return
        if not slot.track:
            if any(same_body(slot.person.landmarks, one) for one in self._known()):
                slot.release(time_s)
                return
            slot.track, slot.since_s = self._next_track(), time_s
            slot.earlier = self._plan.find(slot.person.landmarks, time_s)
        if slot.window is not None:
            slot.straight = slot.goes_straight(time_s)
            slot.window.update(slot.person.landmarks, time_s)
        slot.landmarks, slot.seen_s = slot.person.landmarks, time_s

    def _lose(self, slot: TrackerSlot, time_s: float) -> None:
        """Search from now on for the person whom the slot has followed."""
        if slot.window is not None:
            self._plan.lose(Lost(slot.window, slot.since_s, not slot.whole, slot.earlier), time_s)

    def _resolve_duplicates(self, covers: Mapping[int, Sequence[Cover]], time_s: float) -> None:
        """Where two estimators follow one body, release one.

        The other one gets a new track, because it is unclear whose body it follows. Where one is behind the other and
        only half of the picture was looked at, both may be alike for a while.
        """
        passing = {frozenset((one, cover.other)) for one in covers for cover in covers[one]}
        doubtful: set[int] = set()
        for first, second in combinations(self._busy(), 2):
            if first.person is None or second.person is None:
                continue
            if not same_body(first.person.landmarks, second.person.landmarks):
                continue
            if {first.track, second.track} in passing and time_s - min(first.sure_s, second.sure_s) <= HIDDEN_S:
                doubtful |= {first.track, second.track}
                continue
            for slot in (first, second):
                self._lose(slot, time_s)
            second.release(time_s)
            first.track = self._next_track()
            first.earlier = self._plan.find(first.person.landmarks, time_s)  # who is seen is not searched for
        for slot in self._busy():
            if slot.person is not None and slot.track not in doubtful:
                slot.sure_s = time_s

    def _places(self, view: FrameView, time_s: float) -> list[Square | None]:
        """Where the frame is searched for people who are not tracked yet."""
        if self._full():
            return []
        watched = [slot.window.at(time_s) for slot in self._slots if slot.window is not None and not slot.track]
        return self._plan.places(
            lambda: Shown(view.size_px, view.small_luma, self._painted(time_s)),
            time_s,
            followed=bool(self._busy()),
            watched=watched,
        )

    def _people(self, frame: SearchedFrame) -> list[Sighting]:
        if frame.people is None:
            self._end_search()
        assert frame.people is not None
        return frame.people

    def _end_search(self) -> None:
        """Search the last frame, if that was not done yet, and keep who is in it."""
        frame, self._searched = self._searched, None
        if frame is None:
            return
        for place in frame.places:
            search = self._search_frame if place is None else partial(self._search_square, square=place)
            while not self._full() and search(frame.view, frame.time_s):
                pass  # where one person is, there may be more
            if self._full():
                self._plan.not_searched(place)
        frame.people = [
            Sighting(slot.track, slot.person.landmarks, slot.person.mask, slot.edges_px, slot.clear_px)
            for slot in self._busy()
            if slot.person is not None
        ]

    def _full(self) -> bool:
        return len(self._busy()) >= self._max_people

    def _search_frame(self, view: FrameView, time_s: float) -> bool:
        """Search the whole frame. A large person is tracked there from now on, others in a window."""
        slot = self._free_slot()
        found = look_at_frame(slot.estimator, view, time_s, self._painted(time_s))
        if found is None:
            return False
        large = body_height_px(found.landmarks) >= LARGE_SHARE * view.size_px[1]
        if not large or self._plan.is_too_small(found.landmarks):
            return self._follow_in_window(slot, found.landmarks, view, time_s)
        second = self._free_slot(slot)
        square = FollowingWindow(found.landmarks, time_s).at(time_s)
        again = self._confirm(second, found.landmarks, view, square, time_s)
        (slot if again is None else second).release(time_s)
        if again is not None:
            self._begin(slot, found, np.array([0, 0, *view.size_px]) - 0.5, time_s, whole=True)
        return again is not None

    def _search_square(self, view: FrameView, time_s: float, square: Square) -> bool:
        """Search a part of the frame. Whoever is found is tracked in a window from now on."""
        painted = self._painted(time_s)
        if any(square.share_under(box_px) > MAX_COVERED_SHARE for box_px in painted):
            self._plan.not_searched(square)
            return False
        slot = self._free_slot()
        found = look_at_square(slot.estimator, view, square, time_s, painted, TILE_PX)
        if found is None:
            return False
        return self._follow_in_window(slot, found.landmarks, view, time_s)

    def _follow_in_window(self, slot: TrackerSlot, landmarks: Floats, view: FrameView, time_s: float) -> bool:
        """Follow the body with ``landmarks`` if the slot's estimator sees it again in a window around it."""
        slot.release(time_s)
        if self._plan.is_too_small(landmarks):
            return False
        square = FollowingWindow(landmarks, time_s).at(time_s)
        again = self._confirm(slot, landmarks, view, square, time_s)
        if again is not None:
            self._begin(slot, again, view.edges_px(square), time_s)
        return again is not None

    def _confirm(
        self, slot: TrackerSlot, landmarks: Floats, view: FrameView, square: Square, time_s: float
    ) -> PoseEstimate | None:
        """The body with ``landmarks``, seen again in a window around it by the slot's estimator.

        None where the window shows nobody, another body, or one that is tracked already.
        """
        person = look_at_square(slot.estimator, view, square, time_s, self._painted(time_s))
        if person is None:
            return None
        known = any(same_body(person.landmarks, one) for one in self._known())
        if known or not similar_place(landmarks, person.landmarks):
            slot.release(time_s)
            return None
        return person

    def _begin(
        self, slot: TrackerSlot, person: PoseEstimate, edges_px: Floats, time_s: float, *, whole: bool = False
    ) -> None:
        if not self._busy():
            self._plan.begin_round(time_s)
        window = FollowingWindow(person.landmarks, time_s)
        slot.begin(self._next_track(), person, edges_px, time_s, whole=whole, window=window)
        slot.earlier = self._plan.find(person.landmarks, time_s)

    def _free_slot(self, other_than: TrackerSlot | None = None) -> TrackerSlot:
        for slot in self._slots:
            if slot.window is None and slot is not other_than:
                slot.estimator.begin_person()
                return slot
        self._slots.append(TrackerSlot(OwnVisibility(self._open_estimator())))
        return self._slots[-1]

    def _next_track(self) -> int:
        self._tracks += 1
        return self._tracks
