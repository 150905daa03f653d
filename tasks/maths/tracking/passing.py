"""People who pass one another: which part of the picture is covered while each of them is looked at.

Shown two bodies side by side, the pose model slides from the one behind to the one in front. Shown the one behind
alone, it finds that body while less than half of it is visible. So the side of the picture on which the one in front
is gets covered, up to a line between both. The one in front stands lower in the picture.

Measured on two drawn walkers of 0.20, 0.30 and 0.63 of the height, 1280x720 and 3840x2160: without a cover the slide
begins when the hips are 0.3 to 0.2 heights apart; with it the one behind is told from the other down to about 0.1.
Covering the mask of the one in front, in gray or in the colours around it, loses the one behind at 0.2.

Nearer than 0.1 heights an estimator that follows the one behind mostly sees nobody. A fresh look finds that body down
to about 0.05 heights, at times with the cover up to the other one's hips. In eleven drawn films of two who cross (0.15
to 0.63 of the height, 540 to 2160 px high) the one behind was lost in 22 frames; 5 of them are found so. In the others
the hips are less than 0.05 heights apart across the picture, or the model takes what is left for the one in front.

Legs of the one in front reach beyond the cover, and the model takes them for the one behind. They are covered too, but
only where two cross: covered where one of them turns or overtakes, they cost numbers (docs/experiments/people.md).
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import FEET, BoxEdges, hip_midpoint, landmark_box
from tasks.maths.tracking.squares import body_height_px

NEAR_HEIGHTS: Final = 0.4  # between the hips of two people, across the picture: nearer, one may hide the other
UNHIDDEN_HEIGHTS: Final = 0.12  # the same: farther apart, the one behind is covered while the one in front is looked at
BEHIND_SHARE, FRONT_SHARE = 0.5, 0.65  # of the way from the one who is looked at to the other: so much stays visible
WIDE_SHARE: Final = 1.0  # the same, where the model finds nobody with less
SAME_DEPTH_HEIGHTS: Final = 0.03  # between the lowest points of two people: less does not tell who is in front
OWN_SHARE: Final = 0.5  # of the distance to the other person: a body nearer than this to the expected place is no other
LEVEL_HEIGHTS: Final = 0.05  # between the hips and where they are expected, up and down
TOLD_APART_HEIGHTS: Final = 0.05  # between the hips, across the picture: nearer, a fresh look sees either (see above)
GUESSED_HEIGHTS: Final = 0.025  # from the hips to the cover: at this distance they are off by an eighth of the torso
CLEAR_HEIGHTS: Final = 0.125  # from this distance on they are found as well as without a cover
COVER_MARGIN_TORSOS: Final = 0.25  # around the landmarks of a covered body
LEGS: Final = ((23, 25), (25, 27), (27, 31), (24, 26), (26, 28), (28, 32))  # landmarks at the ends of their parts
LEG_HEIGHTS: Final = 0.06  # half the width of a covered leg
CROSSING_SHARES: Final = (0.75, WIDE_SHARE)  # where the legs are covered too: see BEHIND_SHARE
CROSSING_HEIGHTS_S: Final = 0.5  # two who cross come nearer by at least so much a second: two who walk do by about 1
STRAIGHT_HEIGHTS: Final = 0.05  # across the picture, from where a straight way leads: farther off, somebody turns
SEEN_LATELY_S: Final = 0.1  # about two frames
OWN_SHAPE_HEIGHTS: Final = 0.15  # mean distance of the landmarks to the expected ones, with the hips at one place
OWN_PLACE_HEIGHTS: Final = 0.1  # from the hips to where they are expected, where the whole body tells whose it is
OWN_BODY_SHARE: Final = 0.8  # of the mean distance to another one's landmarks: so much nearer, it is the own body


class Cover(NamedTuple):
    """A part of the picture that is covered while somebody is looked at."""

    other: int  # whose body it covers
    box_px: BoxEdges  # source px
    legs_px: Sequence[BoxEdges] = ()  # source px: covered too for somebody who is lost; only where two cross


class Course(NamedTuple):
    """How somebody goes across the picture."""

    speed_px_s: float
    straight: bool  # seen a moment ago, and where a straight way led


NO_COURSE: Final = Course(0.0, straight=False)


class Passings:
    """Decides who is behind whom, once for each two people, when they come near one another.

    Two who are first seen near one another may be one body that was found twice: nothing is covered for them.
    """

    def __init__(self) -> None:
        self._apart: set[tuple[int, int]] = set()  # pairs that were not near in an earlier frame
        self._behind: dict[tuple[int, int], tuple[int, ...]] = {}  # of each near pair: those who are behind

    def covers(
        self, people: Mapping[int, Floats], unseen: Collection[int] = (), courses: Mapping[int, Course] | None = None
    ) -> dict[int, list[Cover]]:
        """What is covered for each person who is near another one; others are left out.

        ``people`` are the expected landmarks (33, 2 or more) of this frame, in source px, by the person's number. Those
        who were ``unseen`` in the frame before are not covered for the one in front, who may be at their place. By the
        ``courses`` two who cross are known; without them nobody's legs are covered.
        """
        ways = courses or {}
        pairs = list(combinations(sorted(people), 2))
        near = {pair for pair in pairs if _near(people[pair[0]], people[pair[1]])}
        self._apart = {pair for pair in pairs if pair in self._apart or pair not in near}
        met = near & self._apart
        self._behind = {pair: self._behind.get(pair) or _behind(people, pair) for pair in sorted(met)}
        covers: dict[int, list[Cover]] = {}
        for pair, behind in self._behind.items():
            for one, other in (pair, pair[::-1]):
                legs_px: Sequence[BoxEdges] = ()
                if one in behind:
                    box_px = cover_box(people[one], people[other], BEHIND_SHARE)
                    height_px = (body_height_px(people[one]) + body_height_px(people[other])) / 2
                    if other not in behind and cross(ways.get(one, NO_COURSE), ways.get(other, NO_COURSE), height_px):
                        legs_px = leg_boxes(people[other])
                elif other not in unseen and _across_heights(people[one], people[other]) >= UNHIDDEN_HEIGHTS:
                    box_px = cover_box(people[one], people[other], FRONT_SHARE)
                else:
                    continue
                covers.setdefault(one, []).append(Cover(other, box_px, legs_px))
        return covers


def cover_box(own: Floats, other: Floats, share: float) -> BoxEdges:
    """The box around ``other``, up to a line between both hips.

    Of two people of one height, ``own`` has this share of the way between them; a taller one has more.
    """
    x0, y0, x1, y1 = landmark_box(other, COVER_MARGIN_TORSOS)
    own_x, other_x = float(hip_midpoint(own)[0]), float(hip_midpoint(other)[0])
    own_px, other_px = share * body_height_px(own), (1 - share) * body_height_px(other)
    line_x = own_x + (other_x - own_x) * own_px / max(own_px + other_px, 1.0)
    return (x0, y0, min(x1, line_x), y1) if own_x >= other_x else (max(x0, line_x), y0, x1, y1)


def cross(behind: Course, front: Course, height_px: float) -> bool:
    """Whether two of about ``height_px`` walk past one another, in opposite directions, and the one in front straight.

    People who walk come nearer by about 1 height a second (0.5 to 2 in drawn films).
    """
    opposite = behind.speed_px_s * front.speed_px_s < 0
    return front.straight and opposite and abs(behind.speed_px_s - front.speed_px_s) >= CROSSING_HEIGHTS_S * height_px


def is_straight(found: Floats, expected: Floats) -> bool:
    """Whether the hips of landmarks (33, 2 or more) are where a straight way leads, across the picture."""
    stray_px = abs(float((hip_midpoint(found) - hip_midpoint(expected))[0]))
    return stray_px <= STRAIGHT_HEIGHTS * body_height_px(found)


def leg_boxes(landmarks: Floats) -> list[BoxEdges]:
    """Squares along the legs of landmarks (33, 2 or more), each half over the next: together they cover the legs."""
    half_px = max(LEG_HEIGHTS * body_height_px(landmarks), 1.0)
    boxes = []
    for start, end in LEGS:
        from_xy, to_xy = landmarks[start, :2], landmarks[end, :2]
        count = max(int(np.hypot(*(to_xy - from_xy)) / half_px) + 1, 2)
        for x, y in np.linspace(from_xy, to_xy, count):
            boxes.append((float(x) - half_px, float(y) - half_px, float(x) + half_px, float(y) + half_px))
    return boxes


def is_expected(found: Floats, expected: Floats, others: Sequence[Floats]) -> bool:
    """Whether the body ``found`` is rather the one that is ``expected`` than one of the ``others`` near it.

    All are landmarks (33, 2 or more); the others are where they are expected in the same frame. The hips go up and down
    with each step, which a straight line does not foresee. So where they are about as high as expected, their place
    across the picture is enough.
    """
    hips_xy = hip_midpoint(found)
    own = np.abs(hips_xy - hip_midpoint(expected))
    aways = [np.abs(hips_xy - hip_midpoint(other)) for other in others]
    level = own[1] <= LEVEL_HEIGHTS * body_height_px(expected)
    return all(
        np.hypot(*own) < OWN_SHARE * np.hypot(*away) or (level and own[0] < OWN_SHARE * away[0]) for away in aways
    )


def is_apart(found: Floats, seen: Sequence[Floats]) -> bool:
    """Whether the body ``found`` is so far beside those who are ``seen`` that a fresh look tells it from them.

    All are landmarks (33, 2 or more) in the same frame. A body that is as near as that to one who is seen is theirs.
    """
    least_px = TOLD_APART_HEIGHTS * body_height_px(found)
    return all(abs(float((hip_midpoint(found) - hip_midpoint(other))[0])) >= least_px for other in seen)


def is_same_shape(found: Floats, expected: Floats) -> bool:
    """Whether landmarks (33, 2 or more) are about those that are expected, wherever the hips are."""
    moved = expected[:, :2] - hip_midpoint(expected) + hip_midpoint(found)
    return _apart_px(found, moved) <= OWN_SHAPE_HEIGHTS * body_height_px(expected)


def is_own_body(found: Floats, expected: Floats, seen: Sequence[Floats]) -> bool:
    """Whether all of the body ``found`` is rather the one that is ``expected`` than one of those who are ``seen``.

    All are landmarks (33, 2 or more) in the same frame. Where nobody is seen, nothing tells.
    """
    away_px = float(np.hypot(*(hip_midpoint(found) - hip_midpoint(expected))))
    near = away_px < OWN_PLACE_HEIGHTS * body_height_px(expected)
    own_px = _apart_px(found, expected)
    return bool(seen) and near and all(own_px < OWN_BODY_SHARE * _apart_px(found, other) for other in seen)


def clear_edges(expected: Floats, covers: Sequence[Cover], size_px: tuple[int, int]) -> Floats:
    """x0, y0, x1, y1 (4,): what is not covered of a picture of (width, height) around hips that are ``expected``."""
    hip_x, x0, x1 = float(hip_midpoint(expected)[0]), -0.5, size_px[0] - 0.5
    for _, box_px, _ in covers:
        x0, x1 = (max(x0, box_px[2]), x1) if box_px[2] <= hip_x else (x0, min(x1, box_px[0]))
    return np.array([x0, -0.5, max(x1, x0), size_px[1] - 0.5])


def clear_share(found: Floats, covers: Sequence[Cover]) -> float:
    """How surely landmarks (33, 2 or more), found beside ``covers``, are those of the body: 0 to 1.

    The nearer the hips are to what is covered, the more of the body is guessed.
    """
    hip_x, height_px = float(hip_midpoint(found)[0]), max(body_height_px(found), 1.0)
    away = [max(box_px[0] - hip_x, hip_x - box_px[2]) / height_px for _, box_px, _ in covers]
    return float(np.clip((min(away, default=np.inf) - GUESSED_HEIGHTS) / (CLEAR_HEIGHTS - GUESSED_HEIGHTS), 0, 1))


def _apart_px(first: Floats, second: Floats) -> float:
    """Mean distance of the landmarks (33, 2 or more) of two bodies."""
    return float(np.hypot(*(first[:, :2] - second[:, :2]).T).mean())


def _near(first: Floats, second: Floats) -> bool:
    """Whether one may hide the other: beside each other across the picture, and not one above the other."""
    top_px, bottom_px = max(first[:, 1].min(), second[:, 1].min()), min(first[:, 1].max(), second[:, 1].max())
    return bool(_across_heights(first, second) < NEAR_HEIGHTS and top_px < bottom_px)


def _across_heights(first: Floats, second: Floats) -> float:
    """Distance of the hips across the picture, in mean heights of the two."""
    across_px = abs(float(hip_midpoint(first)[0] - hip_midpoint(second)[0]))
    return 2 * across_px / max(body_height_px(first) + body_height_px(second), 1.0)


def _behind(people: Mapping[int, Floats], pair: tuple[int, int]) -> tuple[int, ...]:
    """The people of a pair who are behind the other one, by their lowest points; both where these do not tell."""
    feet_px = [float(np.max(people[one][list(FEET), 1])) for one in pair]
    least_px = SAME_DEPTH_HEIGHTS * 0.5 * sum(body_height_px(people[one]) for one in pair)
    if abs(feet_px[0] - feet_px[1]) < least_px:
        return pair
    return (pair[0] if feet_px[0] < feet_px[1] else pair[1],)
