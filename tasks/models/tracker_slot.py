"""One pose estimator and the person it follows: where that person is expected, and looked for."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import permutations

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import LANDMARK_COUNT, BoxEdges, hip_midpoint, same_body
from tasks.maths.tracking.passing import (
    CROSSING_SHARES,
    FRONT_SHARE,
    NO_COURSE,
    SEEN_LATELY_S,
    WIDE_SHARE,
    Course,
    Cover,
    clear_share,
    cover_box,
    is_apart,
    is_expected,
    is_own_body,
    is_same_shape,
    is_straight,
)
from tasks.maths.tracking.search_plan import MIN_FOLLOWED_S, Lost
from tasks.maths.tracking.squares import FollowingWindow, Square, follows
from tasks.models.frame_view import PAINT_LEVEL, FrameView, look_at_frame, look_at_square
from tasks.models.pose import PoseEstimate
from tasks.models.visibility import OwnVisibility

Look = tuple[PoseEstimate | None, Floats]  # who was seen, and the outer edges of where was looked


@dataclass
class TrackerSlot:
    """A pose estimator and the person it follows."""

    estimator: OwnVisibility
    track: int = 0  # 0: nobody
    since_s: float = 0.0  # start of the track
    earlier: Lost | None = None  # the lost person whom this track was taken for when it began
    seen_s: float = 0.0  # last sighting
    straight: bool = True  # whether the last sighting was where a straight way led
    sure_s: float = 0.0  # last sighting that was surely of this person
    window: FollowingWindow | None = None  # of a person, now or a moment ago
    whole: bool = False  # the person is large: the frame is looked at, not the window
    landmarks: Floats = field(default_factory=lambda: np.zeros((LANDMARK_COUNT, 5)))  # of the last sighting, px
    person: PoseEstimate | None = None  # in this frame, in its pixels
    edges_px: Floats = field(default_factory=lambda: np.zeros(4))  # of what was looked at in this frame
    clear_px: Floats | None = None  # edges of the part that shows nobody else; None: all of the picture

    def begin(
        self, track: int, person: PoseEstimate, edges_px: Floats, time_s: float, *, whole: bool, window: FollowingWindow
    ) -> None:
        """Follow ``person``, who was seen at ``time_s`` in the part of the picture with the outer ``edges_px``."""
        self.track, self.person, self.landmarks, self.edges_px = track, person, person.landmarks, edges_px
        self.since_s = self.seen_s = self.sure_s = time_s
        self.window, self.whole, self.clear_px, self.straight = window, whole, None, True

    def expected(self, time_s: float) -> Floats:
        """The last landmarks (33, 5), moved to where the followed person is expected at ``time_s``."""
        moved = self.landmarks.copy()
        if self.window is not None:
            moved[:, :2] += self.window.centre_at(time_s) - hip_midpoint(moved)
        return moved

    def look(self, view: FrameView, time_s: float, covers: Sequence[Cover]) -> Look:
        """What the estimator sees where its person is expected, and the outer edges of that place."""
        covered_px = [cover.box_px for cover in covers]
        if self.person is None:  # in the frame before
            covered_px += [box_px for cover in covers for box_px in cover.legs_px]
        if self.whole or self.window is None:
            return look_at_frame(self.estimator, view, time_s, covered_px), np.array([0, 0, *view.size_px]) - 0.5
        square = self.window.at(time_s)
        return look_at_square(self.estimator, view, square, time_s, covered_px), view.edges_px(square)

    def look_again(self, view: FrameView, time_s: float, known: Sequence[Floats]) -> None:
        """Look once more in this frame, without the track: it loses a person who turns over, and a fresh look does not.

        ``known`` are the landmarks of everybody who was found in this frame. Somebody who leans over to one of them is
        partly in the box around that one. So the box is painted only up to a line between both.
        """
        window = FollowingWindow(self.landmarks, time_s)
        covered_px = [cover_box(self.landmarks, other, FRONT_SHARE) for other in known]
        square = window.at(time_s)
        person = self._look_anew(view, time_s, square, covered_px)
        if person is None:
            return
        if follows(self.landmarks, person.landmarks):
            self.person, self.edges_px, self.window, self.clear_px = person, view.edges_px(square), window, None
        if self.person is None or self.whole:  # it is somebody else, or the next look is at the whole frame
            self.forget(time_s)

    def course(self, time_s: float) -> Course:
        """How the followed person went when he was seen last."""
        if self.window is None:
            return NO_COURSE
        return Course(self.window.speed_px_s, self.straight and time_s - self.seen_s <= SEEN_LATELY_S)

    def look_beside(
        self, view: FrameView, time_s: float, covers: Sequence[Cover], others: Sequence["TrackerSlot"]
    ) -> bool:
        """Look anew in this frame, without the track, for the person beside ``others``; whether it was found.

        First what ``covers`` hide is painted over, then the others as a whole. Where two cross, their legs come next.
        """
        own = self.expected(time_s)
        expected = [other.expected(time_s) for other in others]
        seen = [other.person.landmarks for other in others if other.person is not None]

        def told(found: Floats) -> bool:
            return is_expected(found, own, expected) and is_apart(found, seen)

        def told_crossing(found: Floats) -> bool:
            clear = is_same_shape(found, own) and clear_share(found, covers) > 0
            return clear and (told(found) or is_own_body(found, own, seen))

        wide = [cover_box(own, other, WIDE_SHARE) for other in expected]
        ways = [cover.box_px for cover in covers], wide
        if any(self._look_for(view, time_s, boxes, told) for boxes in ways):
            return True
        if not all(cover.legs_px for cover in covers) or not all(other.goes_straight(time_s) for other in others):
            return False
        legs = [box_px for cover in covers for box_px in cover.legs_px]
        ways_crossing = ([*(cover_box(own, other, share) for other in expected), *legs] for share in CROSSING_SHARES)
        return any(self._look_for(view, time_s, boxes, told_crossing) for boxes in ways_crossing)

    def goes_straight(self, time_s: float) -> bool:
        """Whether the person is seen in this frame, where a straight way led."""
        return self.person is not None and is_straight(self.person.landmarks, self.expected(time_s))

    def _look_for(
        self, view: FrameView, time_s: float, covered_px: Sequence[BoxEdges], told: Callable[[Floats], bool]
    ) -> bool:
        """Look anew with ``covered_px`` painted over, and keep the body if it is ``told`` by its landmarks."""
        square = FollowingWindow(self.expected(time_s), time_s).at(time_s)
        person = self._look_anew(view, time_s, square, covered_px)
        if self.whole and person is not None:
            self.forget(time_s)  # the next look is at the whole frame
        if person is None or not told(person.landmarks):
            return False
        self.person, self.edges_px = person, view.edges_px(square)
        return True

    def _look_anew(
        self, view: FrameView, time_s: float, square: Square, covered_px: Sequence[BoxEdges]
    ) -> PoseEstimate | None:
        """What the estimator sees in the square, after it has forgotten whom it followed."""
        self.forget(time_s)
        return look_at_square(self.estimator, view, square, time_s, covered_px)

    def forget(self, time_s: float) -> None:
        """Make the estimator forget whom it followed: it does so when it is shown an empty picture."""
        self.estimator(np.full((64, 64, 3), PAINT_LEVEL, np.uint8), time_s)

    def goes_on(self, found: Floats, others: Iterable["TrackerSlot"]) -> bool:
        """Whether landmarks (33, 2 or more) of this frame are near the last ones, when none of ``others`` was seen."""
        return same_body(found, self.landmarks) and all(other.seen_s < self.seen_s for other in others)

    def release(self, time_s: float) -> None:
        """Follow nobody."""
        self.track, self.person, self.window = 0, None, None
        self.forget(time_s)


def refuse_others(slots: Sequence[TrackerSlot], time_s: float) -> None:
    """See nobody for those who are new, or were not seen in the frame before, where the body found is another's.

    ``slots`` follow different people. The body is another's who was seen in the frame before and has hardly moved
    since, or who is rather expected there than somebody who was hidden (see ``is_expected``). So of two who pass, the
    one in front keeps the number where the one behind does not come out on a straight way, or where one of them turns.
    """
    for slot, other in permutations(slots, 2):
        if slot.person is None or other.person is None or not same_body(slot.person.landmarks, other.person.landmarks):
            continue
        found, hidden = other.person.landmarks, slot.seen_s < other.seen_s
        new = time_s - slot.since_s < MIN_FOLLOWED_S <= time_s - other.since_s
        stayed = (hidden or new) and same_body(found, other.landmarks)
        if stayed or (hidden and is_expected(found, other.expected(time_s), [slot.expected(time_s)])):
            slot.person = None
