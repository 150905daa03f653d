"""A fresh look at the place of somebody who was lost, with an estimator that sees a light point."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import LEFT_HIP, hip_midpoint
from tasks.maths.tracking.passing import Cover
from tasks.maths.tracking.squares import FollowingWindow, Square, body_height_px
from tasks.models.pose import PoseEstimate
from tasks.models.tracker_slot import TrackerSlot, refuse_others
from tasks.models.visibility import OwnVisibility
from tests.support.drawn.bodies import figure

TORSO_PX = 60.0
HIPS_XY = (400.0, 200.0)
Image = NDArray[np.uint8]


class Picture:
    """A dark picture with a light square at the hips of one person."""

    size_px = (800, 400)
    small_luma = np.zeros((80, 160), np.uint8)

    def __init__(self, hips_xy: tuple[float, float]) -> None:
        self.hips_xy = hips_xy

    def whole(self) -> Image:
        return self.part(Square(0, 0, 800), 800)[:400]

    def part(self, square: Square, image_px: int) -> Image:
        rgb = np.zeros((image_px, image_px, 3), np.uint8)
        x, y = np.round((np.array(self.hips_xy) - (square.x_px, square.y_px)) * image_px / square.side_px).astype(int)
        rgb[y - 2 : y + 3, x - 2 : x + 3] = 255
        return rgb

    def edges_px(self, square: Square) -> Floats:
        return square.edges_px


class Watcher:
    """Sees a person of ``torso_px`` in the picture of a square where it is lightest."""

    def __init__(self, torso_px: float) -> None:
        self.torso_px = torso_px
        self.forgot = 0

    def __call__(self, rgb: Image, time_s: float) -> PoseEstimate | None:
        self.forgot += rgb.shape[0] == 64
        y, x = np.nonzero(rgb[..., 0] == 255)
        return PoseEstimate(figure((float(x.mean()), float(y.mean())), self.torso_px), None) if len(x) else None


def looked_again(
    known: Sequence[Floats],
    *,
    whole: bool,
    hips_xy: tuple[float, float] = HIPS_XY,
    found_torso_px: float = TORSO_PX,
) -> tuple[TrackerSlot, int]:
    """A slot that was looked at anew after its person was lost, and how often its estimator forgot somebody."""
    lost = figure(HIPS_XY, TORSO_PX)
    window = FollowingWindow(lost, 0.0)
    watcher = Watcher(found_torso_px * 384 / window.at(0.0).side_px)
    slot = TrackerSlot(OwnVisibility(watcher))
    slot.begin(1, PoseEstimate(lost, None), np.zeros(4), 0.0, whole=whole, window=window)
    slot.person = None
    slot.look_again(Picture(hips_xy), 0.04, known)
    return slot, watcher.forgot


BESIDE_XY = (HIPS_XY[0] - 0.9 * TORSO_PX, HIPS_XY[1])


def neighbour(reaches_to_x: float) -> Floats:
    """Somebody beside the one who was lost, who reaches out to the place ``reaches_to_x``."""
    body = figure(BESIDE_XY, TORSO_PX)
    body[LEFT_HIP - 1, 0] = reaches_to_x  # a finger
    return body


@pytest.mark.parametrize("whole", [False, True])
def test_who_is_lost_beside_one_who_reaches_over_is_not_covered_with_that_one(whole: bool) -> None:
    """The box around the other one covers the hips of the one who was lost."""
    slot, forgot = looked_again([neighbour(HIPS_XY[0] + 10)], whole=whole)
    assert slot.person is not None and hip_midpoint(slot.person.landmarks) == pytest.approx(HIPS_XY, abs=2)
    assert forgot == 1 + whole, "an estimator that looks at the whole frame next forgets the window"


def test_the_one_beside_is_covered() -> None:
    """The hips are near enough to be those of the one who was lost."""
    assert looked_again([], whole=True, hips_xy=BESIDE_XY)[0].person is not None
    assert looked_again([neighbour(BESIDE_XY[0])], whole=True, hips_xy=BESIDE_XY)[0].person is None


def test_a_body_of_another_size_is_not_the_one_who_was_lost() -> None:
    slot, forgot = looked_again([], whole=True, found_torso_px=0.6 * TORSO_PX)
    assert slot.person is None and forgot == 2


@pytest.mark.parametrize(
    ("since_s", "seen_s", "refused"), [(0.0, 0.5, True), (0.8, 1.0, True), (0.0, 1.0, False)], ids=str
)
def test_a_body_is_not_that_of_somebody_hidden_or_new_if_another_one_was_on_it(
    since_s: float, seen_s: float, refused: bool
) -> None:
    """Both estimators see the body of the first one; the second was a torso beside it, or hidden since 0.5 s."""
    slots = []
    for x, since, seen in ((400.0, 0.0, 1.0), (460.0, since_s, seen_s)):
        landmarks = figure((x, 200), TORSO_PX)
        slot = TrackerSlot(OwnVisibility(Watcher(TORSO_PX)))
        window = FollowingWindow(landmarks, since)
        slot.begin(1, PoseEstimate(figure((402, 200), TORSO_PX), None), np.zeros(4), since, whole=True, window=window)
        slot.landmarks, slot.seen_s = landmarks, seen
        slots.append(slot)
    refuse_others(slots, 1.03)
    assert [slot.person is None for slot in slots] == [False, refused]


FAR_PX = (0.0, 0.0, 10.0, 10.0)  # a cover that hides nobody


def slot_of(body: Floats) -> TrackerSlot:
    window = FollowingWindow(body, 0.0)
    slot = TrackerSlot(OwnVisibility(Watcher(TORSO_PX * 384 / window.at(0.0).side_px)))
    slot.begin(1, PoseEstimate(body, None), np.zeros(4), 0.0, whole=False, window=window)
    return slot


@pytest.mark.parametrize("lost", [False, True])
def test_the_legs_of_the_one_in_front_are_covered_for_somebody_who_is_lost(lost: bool) -> None:
    """Here they are where the hips of the one who is followed are."""
    slot, (x, y) = slot_of(figure(HIPS_XY, TORSO_PX)), HIPS_XY
    slot.person = None if lost else slot.person
    person, _ = slot.look(Picture(HIPS_XY), 0.04, [Cover(2, FAR_PX, [(x - 20, y - 20, x + 20, y + 20)])])
    assert (person is None) is lost


@pytest.mark.parametrize("crossing", [False, True])
def test_who_is_lost_where_two_cross_is_told_by_the_whole_body(crossing: bool) -> None:
    """The hips of the one in front are 0.04 heights away: too near to tell by them. The legs are elsewhere."""
    own = figure(HIPS_XY, TORSO_PX)
    slot = slot_of(own)
    other = slot_of(figure((HIPS_XY[0] + 0.04 * body_height_px(own), HIPS_XY[1]), TORSO_PX, 0.6))
    slot.person = None
    cover = Cover(2, FAR_PX, [FAR_PX] if crossing else [])
    assert slot.look_beside(Picture(HIPS_XY), 0.04, [cover], [other]) is crossing
    other.person = None  # nobody is seen in front: nothing tells whose the body is
    slot.person = None
    assert slot.look_beside(Picture(HIPS_XY), 0.04, [cover], [other])
