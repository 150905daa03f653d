"""Who of several people is followed, and why, in one sentence with numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.body import hip_centres, torso_length
from tasks.maths.body.landmarks import FEET, HIPS
from tasks.maths.tracking.tracks import Track

Floats = NDArray[np.float64]

BRIEF: Final = 0.2  # of the sightings of whoever is seen longest: less is passing through, if there is a choice
STRIDE: Final = 0.4  # of the torso's length: how far the ankles of a walker swing about the hips
NAMED: Final = 3  # of those not chosen, in the sentence
STIFF: Final = 0.05  # of the torso's length: a figure of which no landmark moves more against the hips is a picture


@dataclass(frozen=True)
class Person:
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


def by_place(people: Sequence[Person], chosen: int) -> str:
    """How the others are chosen, as the settings that a user can type."""
    others = [person for person in people if person.person != chosen]
    ways = [
        f"person {one.person}: subject.point=[{one.x_px:.0f},{one.y_px:.0f}] subject.at_s={one.at_s:g}"
        for one in others[:NAMED]
    ]
    return "; ".join(ways)


class Choice(NamedTuple):
    """Who is followed."""

    person: int
    why: str


def describe(number: int, track: Track, looked: int, size_px: tuple[int, int], start_s: float) -> Person:
    """Person ``number`` in a clip of which ``looked`` frames were looked at and that begins at ``start_s``."""
    points = track.landmarks[..., :2]
    hips = hip_centres(points)
    torso = np.maximum(torso_length(points), 1.0)[:, None, None]
    shape = (points - hips[:, None]) / torso
    middle = (np.array(size_px) - 1) / 2
    return Person(
        person=number,
        frames=len(track),
        share=round(len(track) / looked, 4),
        first_s=round(float(track.time_s[0]) - start_s, 3),
        last_s=round(float(track.time_s[-1]) - start_s, 3),
        height_px=round(float(np.median(np.ptp(points[..., 1], axis=1))), 1),
        centre_distance=round(float(np.median(np.hypot(*(hips - middle).T)) / np.hypot(*middle)), 3),
        visibility=round(float(track.landmarks[:, list(HIPS), 3].mean()), 4),
        swing=round(float(np.hypot(*_swing(shape[:, list(FEET[:2])]).T).mean()), 3),
        stiff=bool(np.hypot(*shape.std(axis=0).T).max() < STIFF),
        at_s=round(float(track.time_s[len(track) // 2]) - start_s, 2),
        x_px=round(float(hips[len(track) // 2, 0])),
        y_px=round(float(hips[len(track) // 2, 1])),
    )


def _swing(points: Floats) -> Floats:
    """(m, 2) half of what the middle two thirds of points (k, m, 2) span: the standard deviation without outliers."""
    low, high = np.percentile(points, [16, 84], axis=0)
    return np.asarray((high - low) / 2)


def choose(people: Sequence[Person], rule: str) -> Choice:
    """Who is followed by ``rule``: auto, largest, centre or first.

    Who passes through briefly and who is as stiff as a picture is left aside where there is anybody else.
    """
    longest = max(person.frames for person in people)
    staying = [person for person in people if person.frames >= BRIEF * longest]
    alive = [person for person in staying if not person.stiff] or staying
    best = max(alive, key=lambda person: (_rank(person, alive, rule), person.frames, -person.person))
    if len(people) == 1:
        return Choice(best.person, f"person {best.person} is the only one, {seen(best)}")
    others = [person for person in people if person.person != best.person]
    others.sort(key=lambda person: person.frames, reverse=True)
    against = "; ".join(f"person {other.person}: {_against(other, alive, rule)}" for other in others[:NAMED])
    return Choice(best.person, f"{_reason(best, alive, rule)}; {against}")


def score(person: Person, people: Sequence[Person]) -> float:
    """What ``auto`` prefers: seen long, large, near the middle, legs that swing; 0 to 1."""
    height = person.height_px / max(other.height_px for other in people)
    near = 1 - min(person.centre_distance, 1.0)
    walks = min(person.swing / STRIDE, 1.0)
    return person.share * (0.4 + 0.25 * height + 0.15 * near + 0.2 * walks)


def seen(person: Person) -> str:
    """When and how long, in words."""
    return f"seen in {person.frames} frames ({person.share:.0%}) from {person.first_s:.2f} to {person.last_s:.2f} s"


def _rank(person: Person, people: Sequence[Person], rule: str) -> float:
    if rule == "largest":
        return person.height_px
    if rule == "centre":
        return -person.centre_distance
    if rule == "first":
        return -person.first_s
    return score(person, people)


def _reason(best: Person, people: Sequence[Person], rule: str) -> str:
    name = f"person {best.person}"
    if rule == "largest":
        return f"{name} is the largest, {best.height_px:.0f} px high"
    if rule == "centre":
        return f"{name} is nearest to the middle, {best.centre_distance:.2f} half diagonals away"
    if rule == "first":
        return f"{name} is seen first, at {best.first_s:.2f} s"
    place = f"{best.height_px:.0f} px high, {best.centre_distance:.2f} half diagonals from the middle"
    scored = f"{score(best, people):.2f} for being seen in {best.share:.0%} of the frames"
    return f"{name} scores {scored}, {place}, ankles swinging {best.swing:.2f} torso lengths"


def _against(other: Person, people: Sequence[Person], rule: str) -> str:
    if other not in people:
        return f"left aside as {'stiff as a picture' if other.stiff else 'brief'}, {seen(other)}"
    if rule == "largest":
        return f"{other.height_px:.0f} px"
    if rule == "centre":
        return f"{other.centre_distance:.2f}"
    if rule == "first":
        return f"{other.first_s:.2f} s"
    numbers = f"{other.share:.0%}, {other.height_px:.0f} px, {other.centre_distance:.2f}, {other.swing:.2f}"
    return f"{score(other, people):.2f} for {numbers}"
