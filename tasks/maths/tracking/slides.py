"""Slides: the pose moves from one body to another beside it, and the torso under it does not.

Two people in similar clothes may walk so close together that the pose model takes one for the other without any jump.
But the motion of a torso's surface is measured apart from the pose. Where the hips slip over that surface by more than
the pose trembles, and two such people were seen beside each other, the track may have changed its person. Where the
model never sees two at once, its mask may still show both: it has two heads.

Slips that stayed, in torso lengths: 0.05 to 0.33 where one person is seen (6 drawn walkers, 5 sample clips), 0.28 to
1.26 where the pose changed over (17 gray films of two drawn walkers). A somersault reached 1.1: a slip alone is no
slide.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Floats
from tasks.maths.body.landmarks import ARMS, hip_midpoint, shoulder_midpoint, torso_length_px
from tasks.maths.tracking.meetings import alike
from tasks.maths.tracking.subject_track import TrackSteps
from tasks.maths.tracking.tracks import Meeting, Track

# "torsos" are torso lengths. Where a line names no source, none is known.
SLIDE_TORSOS: Final = 0.25  # a slip that stays and may be a slide
SLIDE_GAP_S: Final = 0.05  # on each side of a slide: here the landmarks lie on neither body
SLIDE_WINDOW_S: Final = 0.24  # on each side of that, over which a slip must stay
FEWEST_IN_WINDOW: Final = 2  # slips on each side; with fewer nothing is told
PEAK_SHARE: Final = 0.95  # of the largest slip: the slide is in the middle of those
BESIDE_TORSOS: Final = (0.4, 2.4)  # between the hips of two people who are beside each other
FEWEST_BESIDE: Final = 3  # sightings of two people at once; fewer may be a mistake of the model
# Tried on 27 gray films of 3.6 s, each walker chosen: with 1 or 3 s three changes of person are not reported; with 6 or
# 10 s one of 6 frames is not.
REMEMBERED_S: Final = 6.0  # how long before or after a slide the two were seen beside each other
# With 0.25 to 1 s the 48 tracks of these films come out the same.
NEAR_S: Final = 0.5  # between a sighting of two people and one of a track that may be one of them
# The same with 0.12 to 0.5 s. In eleven drawn films of two who cross about 0.1 s lie between two sightings, in a
# somersault 0.2 s.
LONGEST_SURE_GAP_S: Final = 0.25  # out of sight beside somebody: after a longer time it may be the other one
# Rows of a mask in which a head is: from the shoulders up. There a second head is another part of the mask. In these
# rows 24 gray films of two showed it in up to 37 of 90 frames, six sample clips only with an arm beside the head: so
# with an arm above the shoulders nothing is told.
HEAD_ROWS_TORSOS: Final = (0.1, 0.45)
HEAD_ROWS: Final = 8  # that are looked at
FEWEST_HEAD_ROWS: Final = 3  # with two parts
LEAST_HEAD_TORSOS: Final = 0.12  # width of a part
HEADS_APART_TORSOS: Final = 0.3  # between the middles of two parts
MASK_LEVEL: Final = 127  # of 255; a mask shows the body above it
HEADS_S: Final = 0.6  # on each side of a slide, in which two heads are looked for
LEAST_HEADS_S: Final = 0.1  # for which two heads are shown: 3 frames of the gray films, which have 25 a second
UPRIGHT_SHARE: Final = 0.7  # of the torso's length, by which the shoulders are above the hips: else arms seem heads


class Pair(NamedTuple):
    """Two people beside each other in one frame."""

    time_s: float
    middle_xy: Floats  # (2,) between their hips
    torso_px: float


def with_slips(tracks: Sequence[Track], steps: Mapping[int, TrackSteps]) -> list[Track]:
    """``tracks``, each with its ``slip_xy``. ``steps`` are by the track's number; an unknown step counts as none."""
    return [replace(track, slip_xy=_slip(track, steps[int(track.origin[0])])) for track in tracks]


def _slip(track: Track, known: TrackSteps) -> Floats:
    frames, steps = known
    if not len(frames):
        return np.zeros((len(track), 2))
    hips = np.stack([np.interp(frames, track.frames, track.hip_xy[:, axis]) for axis in (0, 1)], axis=1)
    slip = np.cumsum(np.nan_to_num(np.diff(hips, axis=0, prepend=hips[:1]) - steps.xy()), axis=0)
    return np.asarray(slip[np.clip(np.searchsorted(frames, track.frames), 0, len(frames) - 1)])


def shows_two_heads(probability: NDArray[np.uint8], edges_px: Floats, landmarks: Floats) -> bool:
    """Whether a mask (h, w), 0 to 255, over the box ``edges_px`` (4,) shows two heads above the shoulders.

    ``landmarks`` (33, 2 or more) are those of the person; nobody who lies, turns over, or lifts an arm above the
    shoulders has two.
    """
    hips, shoulders = hip_midpoint(landmarks), shoulder_midpoint(landmarks)
    torso_px = max(float(np.hypot(*(shoulders - hips))), 1.0)
    if hips[1] - shoulders[1] < UPRIGHT_SHARE * torso_px:
        return False
    if landmarks[list(ARMS), 1].min() < shoulders[1]:
        return False
    height, width = probability.shape
    x0, y0, x1, y1 = edges_px.tolist()
    rows_y = shoulders[1] - np.linspace(*HEAD_ROWS_TORSOS, HEAD_ROWS) * torso_px
    rows = np.floor((rows_y - y0) / (y1 - y0) * height).astype(np.int64)
    found = 0
    for row in rows[(rows >= 0) & (rows < height)]:
        edges = np.flatnonzero(np.diff((probability[row] > MASK_LEVEL).astype(np.int8), prepend=0, append=0))
        parts = edges.reshape(-1, 2) * ((x1 - x0) / width / torso_px)
        middles = parts.mean(axis=1)[np.diff(parts, axis=1)[:, 0] > LEAST_HEAD_TORSOS]
        found += bool(len(middles) > 1 and np.ptp(middles) > HEADS_APART_TORSOS)
    return found >= FEWEST_HEAD_ROWS


def split_slides(pieces: Sequence[Track], seen: Sequence[Track]) -> list[Track]:
    """The pieces of tracks, split where they slide. ``seen``: everything that was seen, of which the pieces are made.

    Both sides of a slide have an unsure meeting at that time: each may be somebody else afterwards.
    """
    pairs = _pairs(seen)
    return [part for piece in pieces for part in _split(piece, pairs)]


def doubt_gaps(people: Sequence[Track], seen: Sequence[Track]) -> list[Track]:
    """The people, with a meeting where one was lost, or found again, beside another in similar clothes.

    It is sure within one track: there the person was followed on behind the other one. ``seen``: everything that was
    seen. Gaps in meetings that are known already do not count.
    """
    pairs = _pairs(seen)
    return [_with_doubts(person, pairs) for person in people] if pairs else list(people)


def _with_doubts(person: Track, pairs: Sequence[Pair]) -> Track:
    meetings = list(person.met)
    for row in np.flatnonzero(np.diff(person.time_s) > LONGEST_SURE_GAP_S):
        from_s, to_s = (float(time_s) for time_s in person.time_s[row : row + 2])
        known = any(meeting.from_s <= to_s and meeting.to_s >= from_s for meeting in person.met)
        about = [pair for pair in pairs if min(abs(pair.time_s - from_s), abs(pair.time_s - to_s)) <= NEAR_S]
        if not known and _was_in_pair(person, about):
            followed = bool(person.origin[row] == person.origin[row + 1])
            meetings.append(Meeting(from_s, to_s, sure=followed))
    return replace(person, met=tuple(sorted(meetings, key=lambda meeting: meeting.from_s)))


def _split(piece: Track, pairs: Sequence[Pair]) -> list[Track]:
    slides = [
        at_s
        for at_s in slide_moments_s(piece)
        if _shows_two(piece, at_s)
        or _was_in_pair(piece, [one for one in pairs if abs(one.time_s - at_s) <= REMEMBERED_S])
    ]
    if not slides:
        return [piece]
    parts, first_s = [], -np.inf
    meetings = [Meeting(at_s - SLIDE_GAP_S, at_s + SLIDE_GAP_S, sure=False) for at_s in slides]
    for number, until_s in enumerate([*slides, np.inf]):
        kept = (piece.time_s > first_s + SLIDE_GAP_S) & (piece.time_s < until_s - SLIDE_GAP_S)
        about = meetings[max(number - 1, 0) : number + 1]
        parts.append(replace(piece.where(kept), met=tuple(sorted({*piece.met, *about}, key=lambda met: met.from_s))))
        first_s = until_s
    return [part for part in parts if len(part)]


def _shows_two(track: Track, at_s: float) -> bool:
    """Whether the masks show two heads around a slide at ``at_s``, while the body is upright all the time."""
    near = track.where(np.abs(track.time_s - at_s) <= HEADS_S)
    if near.two_heads is None or near.two_heads.sum() < FEWEST_BESIDE:
        return False
    if near.two_heads.sum() < round(LEAST_HEADS_S / float(np.median(np.diff(near.time_s)))):
        return False
    up_px = near.hip_xy[:, 1] - shoulder_midpoint(near.landmarks)[:, 1]
    return bool((up_px >= UPRIGHT_SHARE * torso_length_px(near.landmarks)).all())


def slide_moments_s(track: Track) -> list[float]:
    """Times at which the hips slip over the torso and stay there, outside the meetings that are settled."""
    if track.slip_xy is None:
        return []
    slip = np.array([_lasting_slip_px(track, index) for index in range(len(track))]) / track.torso_px
    for meeting in track.met:
        near = track.time_s >= meeting.from_s - SLIDE_WINDOW_S
        slip[near & (track.time_s <= meeting.to_s + SLIDE_WINDOW_S)] = 0
    found: list[float] = []
    while len(slip) and slip.max() >= SLIDE_TORSOS:
        first = int(slip.argmax())
        peak = (slip >= PEAK_SHARE * slip[first]) & (np.abs(track.time_s - track.time_s[first]) <= SLIDE_WINDOW_S)
        found.append(float(np.median(track.time_s[peak])))
        slip[np.abs(track.time_s - found[-1]) <= SLIDE_WINDOW_S + SLIDE_GAP_S] = 0
    return sorted(found)


def _lasting_slip_px(track: Track, index: int) -> float:
    """Px between the hips before and after a sighting, seen from the torso's surface."""
    reach_s = SLIDE_GAP_S + SLIDE_WINDOW_S
    first, end = np.searchsorted(track.time_s, track.time_s[index] + np.array([-reach_s, reach_s]))
    near = slice(int(first), int(end))
    since_s, same = track.time_s[near] - track.time_s[index], track.origin[near] == track.origin[index]
    sides = [same & (way * since_s > SLIDE_GAP_S) for way in (-1, 1)]
    if track.slip_xy is None or min(side.sum() for side in sides) < FEWEST_IN_WINDOW:
        return 0.0
    before, after = (np.median(track.slip_xy[near][side], axis=0) for side in sides)
    return float(np.hypot(*(after - before)))


def _pairs(seen: Sequence[Track]) -> list[Pair]:
    """Where and when two people in similar clothes were beside each other."""
    found = []
    for one, other in combinations(seen, 2):
        _, at, there = np.intersect1d(one.frames, other.frames, return_indices=True)
        if len(at) < FEWEST_BESIDE or not alike(one, other):
            continue
        torso_px = 0.5 * (one.torso_px + other.torso_px)
        apart = np.hypot(*(one.hip_xy[at] - other.hip_xy[there]).T) / torso_px
        beside = np.flatnonzero((apart >= BESIDE_TORSOS[0]) & (apart <= BESIDE_TORSOS[1]))
        if len(beside) >= FEWEST_BESIDE:
            middles = 0.5 * (one.hip_xy[at] + other.hip_xy[there])
            found += [Pair(float(one.time_s[at[row]]), middles[row], torso_px) for row in beside]
    return found


def _was_in_pair(track: Track, pairs: Sequence[Pair]) -> bool:
    """Whether the track may be one of the two people of a pair, by its place at that time."""
    for pair in pairs:
        nearest = int(np.abs(track.time_s - pair.time_s).argmin())
        apart_px = float(np.hypot(*(hip_midpoint(track.landmarks[nearest]) - pair.middle_xy)))
        if abs(float(track.time_s[nearest]) - pair.time_s) <= NEAR_S and apart_px <= BESIDE_TORSOS[1] * pair.torso_px:
            return True
    return False
