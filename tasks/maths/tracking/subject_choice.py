"""The subject: which of several people is followed, and why, in one sentence with numbers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.errors import ChoiceNotFound, NobodyFound, counted
from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import ANKLES, HIPS, hip_midpoint, landmark_box, shoulder_midpoint, torso_length_px
from tasks.maths.tracking.liveness import measure_liveness
from tasks.maths.tracking.tracks import Track

POINT_MARGIN_TORSOS: Final = 0.25  # a point this close to the landmarks is still on the person
POINT_TOLERANCE_S: Final = 0.25  # between the requested time and a sighting
# of the frames of the person seen longest: who is seen in fewer is passing by, if there is a choice
BRIEF_SHARE: Final = 0.2
WALKER_SWING_TORSOS: Final = 0.4  # how far a walker's ankles swing about the hips
SEEN_GAP_S: Final = 0.5  # a longer gap between two sightings does not count as seen
SEEN_GAP_LOOKS: Final = 1.5  # nor does a longer one in times between two looks: a time-lapse has one frame in a second
MOST_NAMED_PEOPLE: Final = 3  # other people named in the sentence
LEAST_SHARE_OF_SHORT_CLIP: Final = 0.5  # of a clip that is shorter than twice subject.min_seen_s

DOUBTS: Final = {
    "rigid": "moves as one rigid piece, as a picture does",
    "imagined": "trembles without moving, and the model is not sure of it",
    "misshapen": "has limbs whose lengths jump from frame to frame, and the model is not quite sure of it",
    "brief": "is seen too briefly",
}


def person_at(people: Sequence[Track], xy_px: tuple[float, float], at_s: float | None, time_s: Floats) -> int:
    """Index of the person at ``xy_px``, ``at_s`` seconds after the start of the clip; None: the first person there.

    ``time_s`` (n,) are the times of all frames. ``ChoiceNotFound`` with the nearest person, place and time.
    """
    wanted_s = None if at_s is None else at_s + float(time_s[0])
    if wanted_s is not None and wanted_s > time_s[-1] + POINT_TOLERANCE_S:
        end_s = float(time_s[-1] - time_s[0])
        raise ChoiceNotFound(f"subject.at_s: {at_s:g} s is after the end of the clip; give 0 to {end_s:.2f}")
    hits = [(*_first_within(person, xy_px, wanted_s), number) for number, person in enumerate(people)]
    when_s, _, number = min(hits)
    if math.isfinite(when_s):
        return number
    at = "at any time" if at_s is None else f"at {at_s:g} s"
    fact = f"nobody is at [{xy_px[0]:.0f},{xy_px[1]:.0f}] px {at}"
    raise ChoiceNotFound(f"subject.point: {fact}; {_nearest_person_text(people, xy_px, wanted_s, float(time_s[0]))}")


def _first_within(person: Track, xy_px: tuple[float, float], wanted_s: float | None) -> tuple[float, float]:
    """Time at which the point is first on the person, and its distance to the hips then; infinite if never."""
    for index in _sightings(person, wanted_s):
        x0, y0, x1, y1 = landmark_box(person.landmarks[index], POINT_MARGIN_TORSOS)
        if x0 <= xy_px[0] <= x1 and y0 <= xy_px[1] <= y1:
            distance_px = math.dist(hip_midpoint(person.landmarks[index]), xy_px)
            return (float(person.time_s[index]) if wanted_s is None else 0.0), distance_px
    return math.inf, math.inf


def _sightings(person: Track, wanted_s: float | None) -> NDArray[np.int64]:
    """Sightings to search: all, or the one nearest in time if it is close enough."""
    if wanted_s is None:
        return np.arange(len(person))
    offset_s = np.abs(person.time_s - wanted_s)
    return np.array([offset_s.argmin()] if offset_s.min() <= POINT_TOLERANCE_S else [], np.int64)


def _nearest_person_text(
    people: Sequence[Track], xy_px: tuple[float, float], wanted_s: float | None, start_s: float
) -> str:
    """The person nearest to the point at that time, or at the nearest time, in words."""
    best = (math.inf, math.inf, "")
    for number, person in enumerate(people, start=1):
        hips = hip_midpoint(person.landmarks)
        distance_px = np.hypot(*(hips - np.array(xy_px)).T)
        offset_s = np.zeros(len(person)) if wanted_s is None else np.abs(person.time_s - wanted_s)
        index = int(np.lexsort((distance_px, offset_s))[0])
        x, y = hips[index]
        when = f"at {person.time_s[index] - start_s:.2f} s"
        words = f"the nearest is person {number} with the hips at [{x:.0f},{y:.0f}] px {when}"
        best = min(best, (max(float(offset_s[index]), POINT_TOLERANCE_S), float(distance_px[index]), words))
    return best[2]


@dataclass(frozen=True)
class PersonFacts:
    """One person of a clip, in numbers."""

    person: int  # the number, from 1
    frames: int  # with a sighting
    share: float  # of the frames that the pose model looked at
    first_s: float  # since the start of the clip
    last_s: float
    height_px: float  # median, from the highest to the lowest landmark
    centre_distance: float  # median distance of the hips from the picture's centre, in half diagonals
    visibility: float  # mean, of the hips
    swing: float  # swing of the ankles about the hips in torso lengths: half of the central 68 % range
    doubt: str  # why it is probably no person: rigid, imagined, misshapen or brief; empty: a person
    at_s: float = 0.0  # time of the middle sighting since the start of the clip
    x_px: float = 0.0  # a point of the body inside the picture at that time: the hips, if they are
    y_px: float = 0.0
    across: float = 0.0  # way to the right in widths of the picture, without jumps such as that of a scene cut

    def scaled_across(self, factor: float) -> "PersonFacts":
        """The same facts where the point is in pixels of which ``factor`` lie in one of these, across the picture."""
        return self if factor == 1 else replace(self, x_px=float(round((self.x_px + 0.5) * factor - 0.5)))


class SubjectChoice(NamedTuple):
    """The person that is followed."""

    person: int
    why: str


def person_facts(
    number: int,
    track: Track,
    looked: int,
    size_px: tuple[int, int],
    start_s: float,
    *,
    least_s: float = 0.0,
    gap_s: float = SEEN_GAP_S,
) -> PersonFacts:
    """Facts of person ``number`` in a clip with ``looked`` frames looked at, which starts at ``start_s``.

    Whoever is seen for less than ``least_s`` in all, without gaps longer than ``gap_s``, is in doubt.
    """
    points = track.landmarks[..., :2]
    hips = hip_midpoint(points)
    torso = np.maximum(torso_length_px(points), 1.0)[:, None, None]
    shape = (points - hips[:, None]) / torso
    steps_px = np.diff(hips[:, 0])
    middle = (np.array(size_px) - 1) / 2
    x_px, y_px = _point_on(track.landmarks[len(track) // 2], size_px)
    return PersonFacts(
        person=number,
        frames=len(track),
        share=round(len(track) / looked, 4),
        first_s=round(float(track.time_s[0]) - start_s, 3),
        last_s=round(float(track.time_s[-1]) - start_s, 3),
        height_px=round(float(np.median(np.ptp(points[..., 1], axis=1))), 1),
        centre_distance=round(float(np.median(np.hypot(*(hips - middle).T)) / np.hypot(*middle)), 3),
        visibility=round(float(track.landmarks[:, list(HIPS), 3].mean()), 4),
        swing=round(float(np.hypot(*_swing(shape[:, list(ANKLES)]).T).mean()), 3),
        doubt=doubt_about(track, size_px, least_s, gap_s),
        at_s=round(float(track.time_s[len(track) // 2]) - start_s, 2),
        x_px=x_px,
        y_px=y_px,
        across=round(float(steps_px[np.abs(steps_px) <= torso[:-1, 0, 0]].sum()) / size_px[0], 3),
    )


def least_seen_s(min_seen_s: float, clip_s: float) -> float:
    """Seconds that a person must be seen in a clip of ``clip_s`` seconds: ``min_seen_s``, or half of a short clip."""
    return min(min_seen_s, LEAST_SHARE_OF_SHORT_CLIP * clip_s)


def seen_gap_s(looked_s: Floats) -> float:
    """The longest time between two sightings in which somebody counts as seen; ``looked_s`` (n,) are those of looks."""
    return max(SEEN_GAP_S, SEEN_GAP_LOOKS * float(np.median(np.diff(looked_s)))) if len(looked_s) > 1 else SEEN_GAP_S


def doubt_about(track: Track, size_px: tuple[int, int], least_s: float, gap_s: float) -> str:
    """Why a track is probably no person, in one word; empty: it is one. See ``person_facts``.

    Between two tracks nobody was seen: one moment here and one there are no longer sight.
    """
    gaps_s, same = np.diff(track.time_s), np.diff(track.origin) == 0
    if float(gaps_s[same & (gaps_s <= gap_s)].sum()) < least_s:
        return "brief"
    alive = measure_liveness(track.time_s, track.landmarks, size_px, track.scene_step, track.slip_step)
    if alive.imagined:
        return "imagined"
    return "misshapen" if alive.misshapen else "rigid" if alive.rigid else ""


def require_person(people: Sequence[PersonFacts], frames: int) -> None:
    """``NobodyFound`` where every candidate of a clip of ``frames`` frames is in doubt."""
    if any(not person.doubt for person in people):
        return
    best = max(people, key=lambda person: person.frames)
    seen = f"what was followed in {best.frames} of {counted(frames, 'frame')}"
    cure = f"if it is a person, choose it with subject={best.person}"
    raise NobodyFound(f"no person found: {seen} {DOUBTS[best.doubt]}; {cure}")


def person_numbered(people: Sequence[PersonFacts], number: int) -> SubjectChoice:
    """The person of that number; ``ChoiceNotFound`` where there are fewer."""
    if number > len(people):
        found = "1 person was" if len(people) == 1 else f"{len(people)} people were"
        cure = " or ".join(f"subject={one + 1}" for one in range(len(people)))
        raise ChoiceNotFound(f"subject: there is no person {number}, {found} found; give {cure}")
    return SubjectChoice(number, f"person {number} was asked for, {seen_text(people[number - 1])}")


def _point_on(landmarks: Floats, size_px: tuple[int, int]) -> tuple[float, float]:
    """A point of the body, from ``landmarks`` (33, 5), that lies inside the picture: hips, shoulders or nose.

    Where none does, the point of the picture that is nearest to the hips.
    """
    hips = hip_midpoint(landmarks)
    for x, y in np.round([hips, shoulder_midpoint(landmarks), landmarks[0, :2]]).tolist():
        if 0 <= x <= size_px[0] - 1 and 0 <= y <= size_px[1] - 1:
            return x, y
    x, y = np.round(np.clip(hips, 0, np.array(size_px) - 1)).tolist()
    return x, y


def _swing(points: Floats) -> Floats:
    """Half of the central 68 % range (m, 2) of points (k, m, 2): the standard deviation without outliers."""
    low, high = np.percentile(points, [16, 84], axis=0)
    return np.asarray((high - low) / 2)


def choose_person(people: Sequence[PersonFacts], rule: str) -> SubjectChoice:
    """The person to follow by ``rule``: auto, largest, centre or first.

    Somebody who is in doubt, or is seen briefly, is chosen only if there is nobody else.
    """
    sure = [person for person in people if not person.doubt] or people
    longest = max(person.frames for person in sure)
    alive = [person for person in sure if person.frames >= BRIEF_SHARE * longest]
    best = max(alive, key=lambda person: (_rank(person, alive, rule), person.frames, -person.person))
    if len(people) == 1:
        return SubjectChoice(best.person, f"person {best.person} is the only one, {seen_text(best)}")
    others = [person for person in people if person.person != best.person]
    others.sort(key=lambda person: person.frames, reverse=True)
    against = "; ".join(
        f"person {other.person}: {_against(other, alive, rule)}" for other in others[:MOST_NAMED_PEOPLE]
    )
    return SubjectChoice(best.person, f"{_reason(best, alive, rule)}; {against}")


def auto_score(person: PersonFacts, people: Sequence[PersonFacts]) -> float:
    """Score of ``rule=auto``, 0 to 1: seen long, large, near the centre, with swinging legs."""
    height = person.height_px / max(other.height_px for other in people)
    central = 1 - min(person.centre_distance, 1.0)
    swing = min(person.swing / WALKER_SWING_TORSOS, 1.0)
    return person.share * (0.4 + 0.25 * height + 0.15 * central + 0.2 * swing)


def seen_text(person: PersonFacts) -> str:
    """When and how long a person is seen, in words."""
    frames = f"{counted(person.frames, 'frame')} ({person.share:.0%})"
    return f"seen in {frames} from {person.first_s:.2f} to {person.last_s:.2f} s"


class _Rule(NamedTuple):
    """A rule that looks at one fact: the person with the largest ``rank`` is chosen."""

    rank: Callable[[PersonFacts], float]
    reason: str  # for the chosen one; 0 stands for the facts
    against: str  # the fact of anybody else


_RULES: Final = {
    "largest": _Rule(lambda one: one.height_px, "is the largest, {0.height_px:.0f} px high", "{0.height_px:.0f} px"),
    "centre": _Rule(
        lambda one: -one.centre_distance,
        "is closest to the centre, {0.centre_distance:.2f} half diagonals away",
        "{0.centre_distance:.2f}",
    ),
    "first": _Rule(lambda one: -one.first_s, "is seen first, at {0.first_s:.2f} s", "{0.first_s:.2f} s"),
}
"""All but auto, which weighs several facts against those of the others: see ``auto_score``."""


def _rank(person: PersonFacts, people: Sequence[PersonFacts], rule: str) -> float:
    return _RULES[rule].rank(person) if rule in _RULES else auto_score(person, people)


def _reason(best: PersonFacts, people: Sequence[PersonFacts], rule: str) -> str:
    name = f"person {best.person}"
    if rule in _RULES:
        return f"{name} {_RULES[rule].reason.format(best)}"
    place = f"{best.height_px:.0f} px high, {best.centre_distance:.2f} half diagonals from the centre"
    scored = f"{auto_score(best, people):.2f} (seen in {best.share:.0%} of the frames"
    return f"{name} scores {scored}, {place}, ankle swing {best.swing:.2f} torso lengths)"


def _against(other: PersonFacts, people: Sequence[PersonFacts], rule: str) -> str:
    if other not in people:
        return f"not considered ({DOUBTS[other.doubt or 'brief']}), {seen_text(other)}"
    if rule in _RULES:
        return _RULES[rule].against.format(other)
    numbers = f"{other.share:.0%}, {other.height_px:.0f} px, {other.centre_distance:.2f}, {other.swing:.2f}"
    return f"{auto_score(other, people):.2f} ({numbers})"
