"""Which person a point of the picture at a time means."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.errors import SettingError
from tasks.maths.body.body import box_of, hip_centres
from tasks.maths.tracking.tracks import Track

Floats = NDArray[np.float64]

REACH: Final = 0.25  # of the torso's length: round the landmarks, still on the person
AT_ONCE_S: Final = 0.25  # between a time asked for and a sighting


def person_at(people: Sequence[Track], xy_px: tuple[float, float], at_s: float | None, time_s: Floats) -> int:
    """Index of whoever is at ``xy_px``, ``at_s`` seconds after the clip's beginning; None: whoever is there first.

    ``time_s`` (n,) are the times of all frames. ``SettingError`` that names the nearest person, where and when.
    """
    since_s = None if at_s is None else at_s + float(time_s[0])
    if since_s is not None and since_s > time_s[-1] + AT_ONCE_S:
        end_s = float(time_s[-1] - time_s[0])
        raise SettingError(f"subject.at_s: {at_s:g} s lies after the clip's end; give 0 to {end_s:.2f}")
    there = [(*_first_within(person, xy_px, since_s), number) for number, person in enumerate(people)]
    when_s, _, number = min(there)
    if math.isfinite(when_s):
        return number
    at = "at any time" if at_s is None else f"at {at_s:g} s"
    fact = f"nobody is at [{xy_px[0]:.0f},{xy_px[1]:.0f}] px {at}"
    raise SettingError(f"subject.point: {fact}; {_nearest(people, xy_px, since_s, float(time_s[0]))}")


def _first_within(person: Track, xy_px: tuple[float, float], since_s: float | None) -> tuple[float, float]:
    """When the point is first on the person, and how far from the hips then; infinite where it never is."""
    for index in _sightings(person, since_s):
        x0, y0, x1, y1 = box_of(person.landmarks[index], REACH)
        if x0 <= xy_px[0] <= x1 and y0 <= xy_px[1] <= y1:
            away = math.dist(hip_centres(person.landmarks[index]), xy_px)
            return (float(person.time_s[index]) if since_s is None else 0.0), away
    return math.inf, math.inf


def _sightings(person: Track, since_s: float | None) -> NDArray[np.int64]:
    """The sightings to be looked through: all, or the nearest in time if that is near enough."""
    if since_s is None:
        return np.arange(len(person))
    late_s = np.abs(person.time_s - since_s)
    return np.array([late_s.argmin()] if late_s.min() <= AT_ONCE_S else [], np.int64)


def _nearest(people: Sequence[Track], xy_px: tuple[float, float], since_s: float | None, start_s: float) -> str:
    """Who is nearest to the point at that time, else at the time nearest to it."""
    best = (math.inf, math.inf, "")
    for number, person in enumerate(people, start=1):
        hips = hip_centres(person.landmarks)
        away = np.hypot(*(hips - np.array(xy_px)).T)
        late_s = np.zeros(len(person)) if since_s is None else np.abs(person.time_s - since_s)
        index = int(np.lexsort((away, late_s))[0])
        x, y = hips[index]
        when = f"at {person.time_s[index] - start_s:.2f} s"
        words = f"the nearest is person {number} with the hips at [{x:.0f},{y:.0f}] px {when}"
        best = min(best, (max(float(late_s[index]), AT_ONCE_S), float(away[index]), words))
    return best[2]
