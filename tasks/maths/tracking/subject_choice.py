"""Which person a point of the picture at a time means.

Who of several people is followed, and why, in one sentence with numbers.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.errors import SettingError
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import FEET, HIPS, hip_midpoint, landmark_box, torso_length_px
from tasks.maths.tracking.tracks import Track

POINT_MARGIN_TORSOS: Final = 0.25  # of the torso's length: round the landmarks, still on the person
POINT_TOLERANCE_S: Final = 0.25  # between a time asked for and a sighting
BRIEF_SHARE: Final = 0.2  # of the sightings of whoever is seen longest: less is passing through, if there is a choice
WALKER_SWING_TORSOS: Final = 0.4  # of the torso's length: how far the ankles of a walker swing about the hips
MOST_NAMED: Final = 3  # of those not chosen, in the sentence
STIFF_TORSOS: Final = (
    0.05  # of the torso's length: a figure of which no landmark moves more against the hips is a picture
)


def person_at(people: Sequence[Track], xy_px: tuple[float, float], at_s: float | None, time_s: Floats) -> int:
    """Index of whoever is at ``xy_px``, ``at_s`` seconds after the clip's beginning; None: whoever is there first.

    ``time_s`` (n,) are the times of all frames. ``SettingError`` that names the nearest person, where and when.
    """
    since_s = None if at_s is None else at_s + float(time_s[0])
    if since_s is not None and since_s > time_s[-1] + POINT_TOLERANCE_S:
        end_s = float(time_s[-1] - time_s[0])
        raise SettingError(f"subject.at_s: {at_s:g} s lies after the clip's end; give 0 to {end_s:.2f}")
    there = [(*_first_within(person, xy_px, since_s), number) for number, person in enumerate(people)]
    when_s, _, number = min(there)
    if math.isfinite(when_s):
        return number
    at = "at any time" if at_s is None else f"at {at_s:g} s"
    fact = f"nobody is at [{xy_px[0]:.0f},{xy_px[1]:.0f}] px {at}"
    raise SettingError(f"subject.point: {fact}; {_nearest_person_text(people, xy_px, since_s, float(time_s[0]))}")


def _first_within(person: Track, xy_px: tuple[float, float], since_s: float | None) -> tuple[float, float]:
    """When the point is first on the person, and how far from the hips then; infinite where it never is."""
    for index in _sightings(person, since_s):
        x0, y0, x1, y1 = landmark_box(person.landmarks[index], POINT_MARGIN_TORSOS)
        if x0 <= xy_px[0] <= x1 and y0 <= xy_px[1] <= y1:
            away = math.dist(hip_midpoint(person.landmarks[index]), xy_px)
            return (float(person.time_s[index]) if since_s is None else 0.0), away
    return math.inf, math.inf


def _sightings(person: Track, since_s: float | None) -> NDArray[np.int64]:
    """The sightings to be looked through: all, or the nearest in time if that is near enough."""
    if since_s is None:
        return np.arange(len(person))
    late_s = np.abs(person.time_s - since_s)
    return np.array([late_s.argmin()] if late_s.min() <= POINT_TOLERANCE_S else [], np.int64)


def _nearest_person_text(
    people: Sequence[Track], xy_px: tuple[float, float], since_s: float | None, start_s: float
) -> str:
    """Who is nearest to the point at that time, else at the time nearest to it."""
    best = (math.inf, math.inf, "")
    for number, person in enumerate(people, start=1):
        hips = hip_midpoint(person.landmarks)
        away = np.hypot(*(hips - np.array(xy_px)).T)
        late_s = np.zeros(len(person)) if since_s is None else np.abs(person.time_s - since_s)
        index = int(np.lexsort((away, late_s))[0])
        x, y = hips[index]
        when = f"at {person.time_s[index] - start_s:.2f} s"
        words = f"the nearest is person {number} with the hips at [{x:.0f},{y:.0f}] px {when}"
        best = min(best, (max(float(late_s[index]), POINT_TOLERANCE_S), float(away[index]), words))
    return best[2]


@dataclass(frozen=True)
class PersonFacts:
    """One person of a clip, in numbers."""

    person: int  # from 1, in order of first appearance
    frames: int  # with a sighting
    share: float  # of the frames that were looked at
    first_s: float  # since the clip's beginning
    last_s: float
    height_px: float  # median, from the highest to the lowest landmark
    centre_distance: float  # median, of the hips from the picture's middle, in half diagonals
    visibility: float  # mean, of the hips
    swing: float  # how far the ankles swing about the hips, torso lengths: half of what two frames in three span
    stiff: bool  # the landmarks hardly move against the hips: perhaps a picture of a person
    at_s: float = 0.0  # the middle sighting's time since the clip's beginning
    x_px: float = 0.0  # where the hips were then
    y_px: float = 0.0


def other_people_settings(people: Sequence[PersonFacts], chosen: int) -> str:
    """How the others are chosen, as the settings that a user can type."""
    others = [person for person in people if person.person != chosen]
    ways = [
        f"person {one.person}: subject.point=[{one.x_px:.0f},{one.y_px:.0f}] subject.at_s={one.at_s:g}"
        for one in others[:MOST_NAMED]
    ]
    return "; ".join(ways)


class SubjectChoice(NamedTuple):
    """Who is followed."""

    person: int
    why: str


def person_facts(number: int, track: Track, looked: int, size_px: tuple[int, int], start_s: float) -> PersonFacts:
    """Person ``number`` in a clip of which ``looked`` frames were looked at and that begins at ``start_s``."""
    points = track.landmarks[..., :2]
    hips = hip_midpoint(points)
    torso = np.maximum(torso_length_px(points), 1.0)[:, None, None]
    shape = (points - hips[:, None]) / torso
    middle = (np.array(size_px) - 1) / 2
    return PersonFacts(
        person=number,
        frames=len(track),
        share=round(len(track) / looked, 4),
        first_s=round(float(track.time_s[0]) - start_s, 3),
        last_s=round(float(track.time_s[-1]) - start_s, 3),
        height_px=round(float(np.median(np.ptp(points[..., 1], axis=1))), 1),
        centre_distance=round(float(np.median(np.hypot(*(hips - middle).T)) / np.hypot(*middle)), 3),
        visibility=round(float(track.landmarks[:, list(HIPS), 3].mean()), 4),
        swing=round(float(np.hypot(*_swing(shape[:, list(FEET[:2])]).T).mean()), 3),
        stiff=bool(np.hypot(*shape.std(axis=0).T).max() < STIFF_TORSOS),
        at_s=round(float(track.time_s[len(track) // 2]) - start_s, 2),
        x_px=round(float(hips[len(track) // 2, 0])),
        y_px=round(float(hips[len(track) // 2, 1])),
    )


def _swing(points: Floats) -> Floats:
    """(m, 2) half of what the middle two thirds of points (k, m, 2) span: the standard deviation without outliers."""
    low, high = np.percentile(points, [16, 84], axis=0)
    return np.asarray((high - low) / 2)


def choose_person(people: Sequence[PersonFacts], rule: str) -> SubjectChoice:
    """Who is followed by ``rule``: auto, largest, centre or first.

    Who passes through briefly and who is as stiff as a picture is left aside where there is anybody else.
    """
    longest = max(person.frames for person in people)
    staying = [person for person in people if person.frames >= BRIEF_SHARE * longest]
    alive = [person for person in staying if not person.stiff] or staying
    best = max(alive, key=lambda person: (_rank(person, alive, rule), person.frames, -person.person))
    if len(people) == 1:
        return SubjectChoice(best.person, f"person {best.person} is the only one, {seen_text(best)}")
    others = [person for person in people if person.person != best.person]
    others.sort(key=lambda person: person.frames, reverse=True)
    against = "; ".join(f"person {other.person}: {_against(other, alive, rule)}" for other in others[:MOST_NAMED])
    return SubjectChoice(best.person, f"{_reason(best, alive, rule)}; {against}")


def auto_score(person: PersonFacts, people: Sequence[PersonFacts]) -> float:
    """What ``auto`` prefers: seen long, large, near the middle, legs that swing; 0 to 1."""
    height = person.height_px / max(other.height_px for other in people)
    near = 1 - min(person.centre_distance, 1.0)
    walks = min(person.swing / WALKER_SWING_TORSOS, 1.0)
    return person.share * (0.4 + 0.25 * height + 0.15 * near + 0.2 * walks)


def seen_text(person: PersonFacts) -> str:
    """When and how long, in words."""
    return f"seen in {person.frames} frames ({person.share:.0%}) from {person.first_s:.2f} to {person.last_s:.2f} s"


def _rank(person: PersonFacts, people: Sequence[PersonFacts], rule: str) -> float:
    if rule == "largest":
        return person.height_px
    if rule == "centre":
        return -person.centre_distance
    if rule == "first":
        return -person.first_s
    return auto_score(person, people)


def _reason(best: PersonFacts, people: Sequence[PersonFacts], rule: str) -> str:
    name = f"person {best.person}"
    if rule == "largest":
        return f"{name} is the largest, {best.height_px:.0f} px high"
    if rule == "centre":
        return f"{name} is nearest to the middle, {best.centre_distance:.2f} half diagonals away"
    if rule == "first":
        return f"{name} is seen first, at {best.first_s:.2f} s"
    place = f"{best.height_px:.0f} px high, {best.centre_distance:.2f} half diagonals from the middle"
    scored = f"{auto_score(best, people):.2f} for being seen in {best.share:.0%} of the frames"
    return f"{name} scores {scored}, {place}, ankles swinging {best.swing:.2f} torso lengths"


def _against(other: PersonFacts, people: Sequence[PersonFacts], rule: str) -> str:
    if other not in people:
        return f"left aside as {'stiff as a picture' if other.stiff else 'brief'}, {seen_text(other)}"
    if rule == "largest":
        return f"{other.height_px:.0f} px"
    if rule == "centre":
        return f"{other.centre_distance:.2f}"
    if rule == "first":
        return f"{other.first_s:.2f} s"
    numbers = f"{other.share:.0%}, {other.height_px:.0f} px, {other.centre_distance:.2f}, {other.swing:.2f}"
    return f"{auto_score(other, people):.2f} for {numbers}"
