"""Meetings: two people in similar clothes come so close that one hides the other, and part again.

While they are close, the pose model may slide from one body to the other, and clothes do not tell. So what is seen in
that time is put aside. Who is who afterwards is told by how both moved, by their sizes, and by clothes as far as they
differ, for both people at once. In between, the one in front is seen and the other is hidden; who is in front is told
by size.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, permutations
from typing import Final

import numpy as np

from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import FEET, clothes_distance, torso_length_px
from tasks.maths.tracking.tracks import (
    Meeting,
    Track,
    concatenate_tracks,
    end_speed_px_s,
    mean_clothes,
)

# "torsos" are torso lengths. Where a line names no source, none is known. A cost is a sum of squared deviations, in
# standard deviations (STD): -2 times the logarithm of a likelihood, if they are normal and independent.
CLOSE_TORSOS: Final = 1.2  # between the hips of two bodies: nearer, one may hide the other
SIMILAR_CLOTHES: Final = 0.3  # clothes distance up to which a body may be taken for the other
SIMILAR_SIZE_LOG: Final = 0.5  # difference of the logarithms of the sizes: beyond it the size tells them apart
AFTER_LOSS_S: Final = 0.5  # within which somebody is followed again where a person was lost
EMERGES_TORSOS: Final = 4.0  # from the one who is followed: there a hidden person appears again
SIDE_MARGIN_TORSOS: Final = 0.25  # a body this close to the left or right edge may have come in there
LONGEST_HIDDEN_S: Final = 6.0  # behind another person
FEWEST_OUTSIDE: Final = 3  # sightings before and after a meeting, with fewer nothing is told
END_S: Final = 1.0  # of a track before and after a meeting, in which size and clothes are measured
PLACE_STD_TORSOS: Final = 0.3  # of a place that is foretold
PLACE_STD_TORSOS_PER_S: Final = 0.4  # added to it for every second
SPEED_STD_TORSOS_PER_S: Final = 0.8  # of the change of speed over a meeting
SIZE_STD_LOG: Final = 0.05  # of the logarithm of the ratio of two sizes
CLOTHES_STD: Final = 0.1  # of a clothes distance
MOST_OF_ONE_SIGN: Final = 9.0  # cost of the strongest contradiction of one kind: 3 standard deviations
SURE_MARGIN: Final = 3.0  # cost by which the other way round must be worse: 4.5 times less likely (exp 1.5)
ON_THE_WAY_TORSOS: Final = 0.8  # from the way of a person, up to which a sighting in a meeting may be that person
CLEARLY_NEARER_TORSOS: Final = 0.6  # to one person's way than to the other's
FEET_STD_TORSOS: Final = 0.1  # of the place where somebody stands: who stands lower in the picture is nearer


@dataclass(frozen=True)
class _Close:
    """A meeting among pieces of tracks."""

    starts_s: float  # the last moment at which both are surely apart
    ends_s: float  # the first such moment afterwards
    involved: frozenset[int]  # indices of the pieces


def settle_meetings(pieces: Sequence[Track], width_px: int) -> list[Track]:
    """The pieces in order of their beginning, with those of each person joined across meetings.

    What is seen in a meeting belongs to the person on whose way it lies, or to nobody. ``width_px`` is the picture's.
    """
    settled, done_s = _by_start(pieces), -np.inf
    while (found := _next_meeting(settled, width_px, done_s)) is not None:
        settled, done_s = _by_start(_settle(settled, found)), found.ends_s
    return settled


def _by_start(pieces: Sequence[Track]) -> list[Track]:
    return sorted(pieces, key=lambda piece: int(piece.frames[0]))


def _next_meeting(pieces: Sequence[Track], width_px: int, done_s: float) -> _Close | None:
    """The first meeting of ``pieces``, in order of their start, that starts at or after ``done_s``."""
    best: _Close | None = None
    for one, piece in enumerate(pieces):
        if best is not None and piece.time_s[0] > best.starts_s:
            break
        if piece.time_s[-1] < done_s:
            continue
        for other in range(one + 1, len(pieces)):
            if pieces[other].time_s[0] > piece.time_s[-1]:
                break
            meeting = _meeting_of(pieces, (one, other), width_px, done_s)
            if meeting is not None and (best is None or _order(meeting) < _order(best)):
                best = meeting
    return best


def _order(meeting: _Close) -> tuple[float, float]:
    return meeting.starts_s, meeting.ends_s


def _meeting_of(pieces: Sequence[Track], pair: tuple[int, int], width_px: int, done_s: float) -> _Close | None:
    """The first meeting of two pieces. Whoever is first seen beside another may have been taken for that one before."""
    first, second = (pieces[index] for index in pair)
    time_s, distance = _distance_torsos(first, second, done_s)
    if len(time_s) < FEWEST_OUTSIDE or not alike(first, second):
        return None
    close = np.flatnonzero(distance < CLOSE_TORSOS)
    beside = len(close) > 0 and close[0] == 0
    starts_s, lost_s = float(time_s[close[0] - 1] if len(close) and not beside else time_s[-1]), float(time_s[-1])
    if beside:
        earlier = first if first.time_s[0] < second.time_s[0] else second
        starts_s = float(earlier.time_s[max(np.searchsorted(earlier.time_s, time_s[0]) - 1, 0)])
    apart_again = np.flatnonzero((time_s > starts_s) & (distance >= CLOSE_TORSOS))
    if len(close) and len(apart_again):
        return _Close(starts_s, float(time_s[apart_again[0]]), frozenset(pair))
    if beside or distance[-1] >= 2 * CLOSE_TORSOS:
        return None
    seen = _followed_after(pieces, pair, lost_s)
    if seen is None:
        return None
    ends_s, other = _emerges(pieces, pair, seen, lost_s, width_px)
    return _Close(starts_s, ends_s, frozenset((*pair, seen, *other)))


def _followed_after(pieces: Sequence[Track], pair: tuple[int, int], lost_s: float) -> int | None:
    """The piece that goes on longest where one of a pair was lost at ``lost_s``."""
    places = [pieces[index].where(pieces[index].time_s <= lost_s).hip_xy[-1] for index in pair]
    reach_px = 2 * CLOSE_TORSOS * pieces[pair[0]].torso_px
    best: int | None = None
    for index, piece in enumerate(pieces):
        later = piece.where((piece.time_s > lost_s) & (piece.time_s <= lost_s + AFTER_LOSS_S))
        near = len(later) and min(float(np.hypot(*(later.hip_xy[0] - place))) for place in places) < reach_px
        if near and (best is None or piece.time_s[-1] > pieces[best].time_s[-1]) and alike(piece, pieces[pair[0]]):
            best = index
    return best


def _emerges(
    pieces: Sequence[Track], pair: tuple[int, int], seen: int, lost_s: float, width_px: int
) -> tuple[float, tuple[int, ...]]:
    """When the person who was lost at ``lost_s`` is seen apart from piece ``seen``, and that person's piece.

    Without such a piece it is the time at which both would have parted by their speeds.
    """
    for index, piece in enumerate(pieces):
        hidden_s = float(piece.time_s[0]) - lost_s
        if index == seen or not 0 < hidden_s <= LONGEST_HIDDEN_S or len(piece) < FEWEST_OUTSIDE:
            continue
        time_s, distance = _distance_torsos(piece, pieces[seen], -np.inf)
        apart = np.flatnonzero(distance >= CLOSE_TORSOS)
        emerges = len(apart) and distance[0] < EMERGES_TORSOS and not _starts_at_side(piece, width_px)
        if emerges and alike(piece, pieces[seen]):
            return float(time_s[apart[0]]), (index,)
    speeds = [end_speed_px_s(pieces[index].where(pieces[index].time_s <= lost_s), last=True) for index in pair]
    apart_px_s = max(float(np.hypot(*(speeds[0] - speeds[1]))), 1e-6)
    parting_s = 2 * CLOSE_TORSOS * pieces[pair[0]].torso_px / apart_px_s
    return lost_s + min(parting_s, LONGEST_HIDDEN_S), ()


def _settle(pieces: Sequence[Track], close: _Close) -> list[Track]:
    """The pieces with both people of a meeting joined across it.

    Where all who come to it are followed through it, only strong signs against that count.
    """
    involved = [pieces[index] for index in sorted(close.involved)]
    others = [piece for index, piece in enumerate(pieces) if index not in close.involved]
    within = [piece for piece in others if piece.time_s[0] > close.starts_s and piece.time_s[-1] < close.ends_s]
    old, before = _parts(involved, lambda piece: piece.time_s <= close.starts_s)
    new, after = _parts(involved, lambda piece: piece.time_s >= close.ends_s)
    aside = [
        piece.where((piece.time_s > close.starts_s) & (piece.time_s < close.ends_s)) for piece in (*involved, *within)
    ]
    rest = [piece for piece in others if not any(piece is one for one in within)]
    pairs, margin = _best_pairs(before, after)
    followed = set(old) <= set(new)
    if not pairs or (followed and (margin < SURE_MARGIN or all(old[one] == new[other] for one, other in pairs))):
        return list(pieces)
    meeting = Meeting(close.starts_s, close.ends_s, margin >= SURE_MARGIN)
    joined = [
        replace(concatenate_tracks([before[one], after[other]]), met=(*before[one].met, meeting, *after[other].met))
        for one, other in pairs
    ]
    joined += [replace(piece, met=(*piece.met, meeting)) for one, piece in enumerate(before) if one not in dict(pairs)]
    alone = [piece for other, piece in enumerate(after) if other not in dict(pairs).values()]
    return [*rest, *_give_back(joined, aside, close), *alone]


def _best_pairs(before: Sequence[Track], after: Sequence[Track]) -> tuple[list[tuple[int, int]], float]:
    """Which of ``before`` is which of ``after``, and by how much the next best choice is worse."""
    if not before or not after:
        return [], np.inf
    cost = np.array([[_cost(old, new) for new in after] for old in before])
    count = min(cost.shape)
    ways = [
        (float(sum(cost[old, new] for old, new in zip(olds, news, strict=True))), list(zip(olds, news, strict=True)))
        for olds in combinations(range(len(before)), count)
        for news in permutations(range(len(after)), count)
    ]
    ways.sort()
    return ways[0][1], ways[1][0] - ways[0][0] if len(ways) > 1 else np.inf


def _cost(before: Track, after: Track) -> float:
    """What speaks against ``after`` being the person of ``before``: squared deviations in standard deviations."""
    torso_px = 0.5 * (before.torso_px + after.torso_px)
    gap_s = float(after.time_s[0] - before.time_s[-1])
    leaving, coming = end_speed_px_s(before, last=True), end_speed_px_s(after, last=False)
    miss = after.hip_xy[0] - before.hip_xy[-1] - 0.5 * (leaving + coming) * gap_s
    last, first = before.where(_at_end(before)), after.where(_at_start(after))
    worn = float(clothes_distance(mean_clothes(last.clothes), mean_clothes(first.clothes)))
    signs = (
        float(np.hypot(*miss)) / torso_px / (PLACE_STD_TORSOS + PLACE_STD_TORSOS_PER_S * gap_s),
        float(np.hypot(*(coming - leaving))) / torso_px / SPEED_STD_TORSOS_PER_S,
        float(np.log(_body_px(first) / _body_px(last))) / SIZE_STD_LOG,
        float(np.nan_to_num(worn)) / CLOTHES_STD,
    )
    return sum(min(sign**2, MOST_OF_ONE_SIGN) for sign in signs)


def _give_back(people: Sequence[Track], aside: Sequence[Track], close: _Close) -> list[Track]:
    """``people`` with what was seen of them in a meeting.

    A sighting belongs to the person on whose way it clearly lies. Where it may be either, it shows the one in front.
    """
    through = [index for index, person in enumerate(people) if person.time_s[-1] >= close.ends_s]
    torso_px = float(np.mean([people[index].torso_px for index in through])) if through else 1.0
    given: list[list[Track]] = [[] for _ in people]
    taken: set[tuple[int, int]] = set()
    for piece in aside:
        near = np.full((len(people), len(piece)), np.inf)
        front = np.zeros(len(people))
        for index in through:
            way, front[index] = _way(people[index], piece.time_s, close, torso_px)
            near[index] = np.hypot(*(piece.hip_xy - way).T) / torso_px
        for row in range(len(piece)):
            candidates = [index for index in through if near[index, row] <= ON_THE_WAY_TORSOS]
            candidates.sort(key=lambda index: near[index, row])
            if not candidates:
                continue
            owner = candidates[0]
            if len(candidates) > 1 and near[candidates[1], row] - near[owner, row] < CLEARLY_NEARER_TORSOS:
                owner = max(candidates, key=lambda index: front[index])
            if (owner, int(piece.frames[row])) not in taken:
                taken.add((owner, int(piece.frames[row])))
                given[owner].append(piece.where(np.arange(len(piece)) == row))
    return [_in_order([person, *more]) if more else person for person, more in zip(people, given, strict=True)]


def _way(person: Track, time_s: Floats, close: _Close, torso_px: float) -> tuple[Floats, float]:
    """Where the hips (k, 2) of a person would be at ``time_s`` (k,) in a meeting, and how near the person is.

    The way is the cubic with the person's places and speeds before and after the meeting. Nearness, in standard
    deviations, can be compared among people of about ``torso_px``: near ones are large and stand low.
    """
    before, after = person.where(person.time_s <= close.starts_s), person.where(person.time_s >= close.ends_s)
    start, end = before.hip_xy[-1], after.hip_xy[0]
    span_s = float(after.time_s[0] - before.time_s[-1])
    share = ((time_s - before.time_s[-1]) / span_s)[:, None]
    leaving, coming = end_speed_px_s(before, last=True) * span_s, end_speed_px_s(after, last=False) * span_s
    line = start + share * (end - start)
    bend = share * (1 - share) * ((1 - share) * (leaving - end + start) - share * (coming - end + start))
    last, first = before.where(_at_end(before)), after.where(_at_start(after))
    feet_px = 0.5 * sum(float(np.median(end.landmarks[:, list(FEET), 1].max(axis=1))) for end in (last, first))
    nearness = 0.5 * np.log(_body_px(last) * _body_px(first)) / SIZE_STD_LOG + feet_px / torso_px / FEET_STD_TORSOS
    return np.asarray(line + bend), float(nearness)


def _in_order(parts: Sequence[Track]) -> Track:
    """The parts of one person as one track, in order of time."""
    whole = concatenate_tracks(parts)
    return replace(whole.where(np.argsort(whole.frames, kind="stable")), met=parts[0].met)


def _parts(pieces: Sequence[Track], kept: Callable[[Track], Flags]) -> tuple[list[int], list[Track]]:
    """The parts of pieces that tell something, and the indices of those pieces."""
    parts = [(index, piece.where(kept(piece))) for index, piece in enumerate(pieces)]
    told = [(index, part) for index, part in parts if len(part) >= FEWEST_OUTSIDE]
    return [index for index, _ in told], [part for _, part in told]


def _starts_at_side(piece: Track, width_px: int) -> bool:
    """Whether somebody may have come in from the left or the right."""
    x_px, margin_px = piece.landmarks[0, :, 0], SIDE_MARGIN_TORSOS * piece.torso_px
    return bool(x_px.min() < margin_px or x_px.max() > width_px - 1 - margin_px)


def _distance_torsos(first: Track, second: Track, from_s: float) -> tuple[Floats, Floats]:
    """The times (k,) from ``from_s`` on at which both are seen, and the distance (k,) of their hips."""
    _, at, there = np.intersect1d(first.frames, second.frames, return_indices=True)
    late = first.time_s[at] >= from_s
    distance_px = np.hypot(*(first.hip_xy[at[late]] - second.hip_xy[there[late]]).T)
    return first.time_s[at[late]], np.asarray(distance_px / (0.5 * (first.torso_px + second.torso_px)))


def alike(first: Track, second: Track) -> bool:
    """Whether the pose model and clothes may take one for the other."""
    worn = float(clothes_distance(mean_clothes(first.clothes), mean_clothes(second.clothes)))
    return not worn > SIMILAR_CLOTHES and abs(np.log(first.torso_px / second.torso_px)) < SIMILAR_SIZE_LOG


def _at_end(track: Track) -> Flags:
    return np.asarray(track.time_s >= track.time_s[-1] - END_S)


def _at_start(track: Track) -> Flags:
    return np.asarray(track.time_s <= track.time_s[0] + END_S)


def _body_px(track: Track) -> float:
    """Median of a body's size: its torso and its height, which swing at different moments of a step."""
    height_px = np.ptp(track.landmarks[..., 1], axis=1)
    return float(
        np.sqrt(np.median(np.maximum(height_px, 1.0)) * np.median(np.maximum(torso_length_px(track.landmarks), 1.0)))
    )
