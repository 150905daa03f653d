"""People across shots: link the people of one shot with those of another, by clothes and proportions alone.

Position, size and speed on the two sides of a scene cut say nothing about each other. So people are linked within each
shot, and those of two shots are one person only where that is sure: the clothes are alike, nobody else's are nearly as
similar, and the legs have the same length relative to the torso.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import (
    LEFT_ANKLE,
    LEFT_HIP,
    LEFT_KNEE,
    RIGHT_ANKLE,
    RIGHT_HIP,
    RIGHT_KNEE,
    clothes_distance,
    torso_length_px,
)
from tasks.maths.tracking.meetings import settle_meetings
from tasks.maths.tracking.slides import doubt_gaps, split_slides
from tasks.maths.tracking.tracks import Track, concatenate_tracks, link_people, mean_clothes, split_track

ALIKE_CLOTHES: Final = 0.3  # clothes distance of one person in two shots: light and size change them a little
ALIKE_MARGIN: Final = 0.15  # anybody else is this much less alike
ALIKE_LEGS_LOG: Final = 0.3  # difference of the logarithms of leg / torso, which changes with the view
SURE_VISIBILITY: Final = 0.5  # of the joints of a leg that is measured
FEWEST_LEGS: Final = 5  # sightings of a leg that tell its length
_LEGS: Final = ((LEFT_HIP, LEFT_KNEE, LEFT_ANKLE), (RIGHT_HIP, RIGHT_KNEE, RIGHT_ANKLE))


def link_shots(
    tracks: Sequence[Track], shot: NDArray[np.int64], time_s: Floats, size_px: tuple[int, int]
) -> list[Track]:
    """The sightings of each person in a clip, in order of first appearance.

    ``shot`` (n,) and ``time_s`` (n,) are those of all frames; a track lies within one shot. ``size_px`` is the
    picture's (width, height).
    """
    people: list[Track] = []
    of_track = np.array([shot[track.frames[0]] for track in tracks])
    for number in np.unique(of_track):
        there = [track for track, its_shot in zip(tracks, of_track, strict=True) if its_shot == number]
        begins_s = float(time_s[np.searchsorted(shot, number)])
        pieces = [piece for track in there for piece in split_track(track)]
        settled = split_slides(settle_meetings(pieces, size_px[0]), pieces)
        found = doubt_gaps(link_people(settled, size_px, begins_s), pieces)
        known = same_people(people, found)
        for new, person in enumerate(found):
            if new in known:
                people[known[new]] = concatenate_tracks([people[known[new]], person])
            else:
                people.append(person)
    return people


def same_people(people: Sequence[Track], others: Sequence[Track]) -> dict[int, int]:
    """For each of ``others`` who is surely one of ``people``, of an earlier shot: the index there."""
    if not people or not others:
        return {}
    apart = np.array([[unlikeness(one, other) for one in people] for other in others])
    same = {}
    for other, one in zip(*np.nonzero(apart <= ALIKE_CLOTHES), strict=True):
        rivals = np.concatenate([np.delete(apart[other], one), np.delete(apart[:, one], other)])
        if (rivals >= apart[other, one] + ALIKE_MARGIN).all():
            same[int(other)] = int(one)
    return same


def unlikeness(first: Track, second: Track) -> float:
    """Distance of the clothes, 0 to 1; infinite where no clothes can be compared, or where the legs contradict."""
    distance = float(clothes_distance(mean_clothes(first.clothes), mean_clothes(second.clothes)))
    legs = leg_length_torsos(first) / leg_length_torsos(second)
    contradicted = abs(np.log(legs)) > ALIKE_LEGS_LOG  # NaN compares as False
    return np.inf if contradicted or np.isnan(distance) else distance


def leg_length_torsos(person: Track) -> float:
    """Median length of a leg from hip over knee to ankle, in torso lengths; NaN where legs are hardly seen."""
    torso_px = np.maximum(torso_length_px(person.landmarks), 1.0)
    lengths = []
    for joints in _LEGS:
        leg = person.landmarks[:, list(joints)]
        length = np.hypot(*np.moveaxis(np.diff(leg[..., :2], axis=1), -1, 0)).sum(axis=1) / torso_px
        lengths.append(length[(leg[..., 3] >= SURE_VISIBILITY).all(axis=1)])
    seen = np.concatenate(lengths)
    return float(np.median(seen)) if len(seen) >= FEWEST_LEGS else np.nan
