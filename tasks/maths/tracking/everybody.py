"""Everybody in a clip: the number of each person, and where he or she is in the picture, in words."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Flags, Floats
from tasks.maths.tracking.shot_people import link_shots
from tasks.maths.tracking.subject_choice import (
    MOST_NAMED_PEOPLE,
    PersonFacts,
    doubt_about,
    least_seen_s,
    person_facts,
    seen_gap_s,
)
from tasks.maths.tracking.tracks import Track

NUMBERED_SEEN_S: Final = 0.5  # people seen for less get the last numbers; the default of subject.min_seen_s
LEFT_SHARE, RIGHT_SHARE = 0.4, 0.6  # of the picture's width: up to the first is left, from the second on is right
ACROSS_SHARE: Final = 0.3  # of the width: a person who goes farther crosses the picture
DEPTH_FACTOR: Final = 1.25  # of the heights of two people: beyond it the larger one is in front
WHOLE_CLIP_SHARE: Final = 0.1  # of the clip that somebody may miss at its ends and still be there all the time


def number_people(
    tracks: Sequence[Track],
    shot: NDArray[np.int64],
    size_px: tuple[int, int],
    time_s: Floats,
    looked: Flags,
    min_seen_s: float,
) -> tuple[list[Track], list[PersonFacts]]:
    """The sightings and the facts of everybody, in the order of their numbers, which begin with 1.

    Tracks that are surely people come first, then those in doubt, each in order of first appearance. Only the facts
    depend on ``min_seen_s``, the numbers do not. ``size_px`` is the picture's (width, height); ``shot`` (n,) and
    ``time_s`` (n,) are those of all frames, and ``looked`` (n,) says at which the pose model looked.
    """
    start_s, clip_s = float(time_s[0]), float(time_s[-1] - time_s[0])
    linked = link_shots(tracks, shot, time_s, size_px)
    usual_s = least_seen_s(NUMBERED_SEEN_S, clip_s)
    gap_s = seen_gap_s(time_s[looked])
    everybody = sorted(linked, key=lambda track: bool(doubt_about(track, size_px, usual_s, gap_s)))  # a stable sort
    least_s = least_seen_s(min_seen_s, clip_s)
    people = [
        person_facts(number, track, int(looked.sum()), size_px, start_s, least_s=least_s, gap_s=gap_s)
        for number, track in enumerate(everybody, start=1)
    ]
    return everybody, people


def place_text(person: PersonFacts, people: Sequence[PersonFacts], size_px: tuple[int, int], clip_s: float) -> str:
    """The place of a person of ``people`` in the picture, such as ``at the left, in front``; the time if not all of it.

    A person who crosses the picture has a direction instead: ``from left to right``.
    """
    share = (person.x_px + 0.5) / size_px[0]
    place = "at the left" if share < LEFT_SHARE else "at the right" if share > RIGHT_SHARE else "in the middle"
    if abs(person.across) > ACROSS_SHARE:
        place = "from left to right" if person.across > 0 else "from right to left"
    others = [other.height_px for other in people if other.person != person.person and not other.doubt]
    depth = ""
    if others and person.height_px > DEPTH_FACTOR * max(others):
        depth = ", in front"
    elif others and person.height_px * DEPTH_FACTOR < min(others):
        depth = ", farther back"
    margin_s = WHOLE_CLIP_SHARE * clip_s
    throughout = person.first_s <= margin_s and person.last_s >= clip_s - margin_s
    return f"{place}{depth}{'' if throughout else f', from {person.first_s:.1f} to {person.last_s:.1f} s'}"


def choice_texts(
    people: Sequence[PersonFacts], chosen: int, size_px: tuple[int, int], clip_s: float
) -> tuple[str, str]:
    """Who of several people is followed, and the setting to type for each other one; two empty texts for one person."""
    places = {one.person: place_text(one, people, size_px, clip_s) for one in people}
    others = [one.person for one in people if not one.doubt and one.person != chosen]
    if not others:
        return "", ""
    ways = [f"subject={number} for person {number}, {places[number]}" for number in others[:MOST_NAMED_PEOPLE]]
    more = f"; {len(others) - len(ways)} more are in the report" if len(others) > len(ways) else ""
    return f"person {chosen} of {len(others) + 1}, {places[chosen]}", "; ".join(ways) + more
