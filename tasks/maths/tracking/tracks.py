"""From tracks to people: split a track where it slides to another body, and link the pieces of one person.

A landmarker that follows a body may lose it, or slide to another body that passes in front. So tracks are split where
clothes or position change abruptly. The pieces are linked by one assignment: a piece is continued by the piece that
starts where it was heading, with the same size and the same clothes. A person who appears inside the picture was
probably seen before. Written here because tracking libraries know neither clothes nor people who return.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Flags, Floats
from tasks.maths.body.landmarks import clothes_distance, hip_midpoint, torso_length_px
from tasks.maths.square_pixels import scale_landmarks

# Where a line names no source, none is known.
FEWEST_SIGHTINGS: Final = 3  # a shorter piece is a flicker
BRIEFEST_PERSON_S: Final = 0.25  # from the first to the last sighting; a person seen for less is a flicker too
POSE_ERROR_TORSOS: Final = 0.6  # error of a pose from one sighting to the next
FASTEST_TORSOS_PER_S: Final = 12.0  # about 6 m/s
STEADY_STEPS: Final = 5  # before a step: their median is how the person moved until then
# Larger: a slide to another body is overlooked. Smaller: the track of one person is split.
CLOTHES_CHANGE_DISTANCE: Final = 0.45  # clothes distance from one moment to the next that means another person
CLOTHES_WINDOW_S: Final = 0.5  # on each side of a change of clothes
SLIDE_MARGIN_S: Final = 0.1  # on each side of a change: here the landmarks lie on neither body
CLOTHES_END_S: Final = 1.0  # end of a piece whose clothes are compared
END_SPEED_S: Final = 0.5  # end of a piece over which its speed is measured
SAME_CLOTHES_DISTANCE: Final = 0.1  # clothes distance of one person, seen twice
CLOTHES_COST_UNIT: Final = 0.2  # distance above that with a cost of 1
PLACE_COST_TORSOS: Final = 0.3  # distance with a cost of 1 without any time out of sight
PLACE_COST_TORSOS_PER_S: Final = 4.0  # added to it for every second out of sight
PLACE_MEMORY_S: Final = 2.0  # out of sight for longer, the position says little
SIZE_COST_LOG: Final = 0.25  # change of the logarithm of the size with a cost of 0.5
GAP_COST_PER_S: Final = 0.02  # cost of a second out of sight
LONGEST_ABSENCE_S: Final = 60.0  # after a longer time out of sight, a person is new
# A piece is linked where that costs less than a new person. Larger: two people are joined. Smaller: somebody who
# returns counts as new.
NEW_AT_EDGE_COST: Final = 2.5  # of a new person at the picture's edge or at the start of the clip
NEW_INSIDE_COST: Final = 4.5  # of a new person inside the picture
EDGE_MARGIN_TORSOS: Final = 0.5  # a body this close to the edge is at the edge
_IMPOSSIBLE_COST: Final = 1e6


@dataclass(frozen=True)
class Meeting:
    """A time in which a person was so close to another one in similar clothes that one hid the other."""

    from_s: float
    to_s: float
    sure: bool  # whether who is who after it is sure


@dataclass(frozen=True)
class Track:
    """Sightings of one body, in order of time."""

    frames: NDArray[np.int64]  # (k,)
    time_s: Floats  # (k,)
    landmarks: Floats  # (k, 33, 5): x_px, y_px, z, visibility, presence
    clothes: Floats  # (k, CLOTHES_REGIONS, 3, COLOR_BINS) histograms, NaN where not measured
    origin: NDArray[np.int64]  # (k,) number of the track of each sighting
    met: tuple[Meeting, ...] = ()
    scene_step: Floats | None = None  # (k, 2) px over the background, since the sighting before
    slip_xy: Floats | None = None  # (k, 2) px by which the hips slipped over the torso's surface since the track began
    two_heads: Flags | None = None  # (k,) whether the mask shows two heads; None: not looked at

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def hip_xy(self) -> Floats:
        return hip_midpoint(self.landmarks)

    @property
    def torso_px(self) -> float:
        """Median torso length."""
        return max(float(np.median(torso_length_px(self.landmarks))), 1.0)

    @property
    def slip_step(self) -> Floats | None:
        """Px (k, 2) by which the hips slipped over the torso's surface since the sighting before; 0 in a new track."""
        if self.slip_xy is None:
            return None
        same = np.diff(self.origin, prepend=-1) == 0
        return np.where(same[:, None], np.diff(self.slip_xy, axis=0, prepend=0), 0.0)

    def scaled_across(self, widening: float) -> "Track":
        """The same sightings in pixels of which ``widening`` lie in one of these, across the picture."""
        if widening == 1:  # a copy takes 2 KB a sighting
            return self
        factor_xy = np.array([widening, 1.0])
        return replace(
            self,
            landmarks=scale_landmarks(self.landmarks, factor_xy),
            scene_step=None if self.scene_step is None else self.scene_step * factor_xy,
            slip_xy=None if self.slip_xy is None else self.slip_xy * factor_xy,
        )

    def where(self, kept: Flags | NDArray[np.int64]) -> "Track":
        """The sightings with ``kept`` (k,), or those with these indices, in their order; itself where all are kept.

        Consecutive sightings are a view: a copy takes 2 KB for each.
        """
        if kept.dtype == np.bool_ and kept.all():
            return self
        rows = np.flatnonzero(kept) if kept.dtype == np.bool_ else kept
        consecutive = len(rows) > 0 and bool((np.diff(rows) == 1).all())
        part = slice(int(rows[0]), int(rows[-1]) + 1) if consecutive else rows
        return replace(
            self,
            frames=self.frames[part],
            time_s=self.time_s[part],
            landmarks=self.landmarks[part],
            clothes=self.clothes[part],
            origin=self.origin[part],
            scene_step=None if self.scene_step is None else self.scene_step[part],
            slip_xy=None if self.slip_xy is None else self.slip_xy[part],
            two_heads=None if self.two_heads is None else self.two_heads[part],
        )


def concatenate_tracks(pieces: Sequence[Track]) -> Track:
    """Consecutive pieces as one track; a single piece itself."""
    if len(pieces) == 1:
        return pieces[0]
    steps = [piece.scene_step for piece in pieces if piece.scene_step is not None]
    slips = [piece.slip_xy for piece in pieces if piece.slip_xy is not None]
    heads = [np.zeros(len(piece), np.bool_) if piece.two_heads is None else piece.two_heads for piece in pieces]
    return Track(
        np.concatenate([piece.frames for piece in pieces]),
        np.concatenate([piece.time_s for piece in pieces]),
        np.concatenate([piece.landmarks for piece in pieces]),
        np.concatenate([piece.clothes for piece in pieces]),
        np.concatenate([piece.origin for piece in pieces]),
        tuple(dict.fromkeys(meeting for piece in pieces for meeting in piece.met)),
        np.concatenate(steps) if len(steps) == len(pieces) else None,
        np.concatenate(slips) if len(slips) == len(pieces) else None,
        None if all(piece.two_heads is None for piece in pieces) else np.concatenate(heads),
    )


def jump_indices(track: Track) -> NDArray[np.int64]:
    """Indices (j,) of sightings that are further from the sighting before than a person can move.

    Small people may pass faster, before a camera or with it: a step like those before it is no jump.
    """
    step, gap_s = np.diff(track.hip_xy, axis=0), np.diff(track.time_s)
    most_px = (POSE_ERROR_TORSOS + FASTEST_TORSOS_PER_S * gap_s) * track.torso_px
    found = []
    for index in np.flatnonzero(np.hypot(*step.T) > most_px).tolist():
        earlier = slice(max(index - STEADY_STEPS, 0), index)
        if index >= STEADY_STEPS:
            steady = np.median(step[earlier] / gap_s[earlier, None], axis=0) * gap_s[index]
            if np.hypot(*(step[index] - steady)) <= most_px[index]:
                continue
        found.append(index + 1)
    return np.array(found, np.int64)


def clothes_changes_s(track: Track) -> list[float]:
    """Times at which the clothes of a track change to those of another person."""
    sampled = np.flatnonzero(np.isfinite(track.clothes).any(axis=(1, 2, 3)))
    time_s, clothes = track.time_s[sampled], track.clothes[sampled]
    distance = np.zeros(len(sampled))
    for index in range(2, len(sampled) - 1):
        middle_s = (time_s[index - 1] + time_s[index]) / 2
        before = (time_s < middle_s) & (time_s >= middle_s - CLOTHES_WINDOW_S)
        after = (time_s > middle_s) & (time_s <= middle_s + CLOTHES_WINDOW_S)
        if before.sum() >= 2 and after.sum() >= 2:
            distance[index] = np.nan_to_num(
                clothes_distance(mean_clothes(clothes[before]), mean_clothes(clothes[after]))
            )
    found: list[float] = []
    while len(distance) and distance.max() > CLOTHES_CHANGE_DISTANCE:
        index = int(distance.argmax())
        found.append(float(time_s[index - 1] + time_s[index]) / 2)
        distance[np.abs(time_s - found[-1]) <= CLOTHES_WINDOW_S] = 0
    return sorted(found)


def split_track(track: Track) -> list[Track]:
    """The track, split where it jumps or changes its clothes, without the sightings of a slide between two bodies."""
    cuts_s = np.array(clothes_changes_s(track))
    starts = np.union1d(np.searchsorted(track.time_s, cuts_s), jump_indices(track)).astype(np.int64)
    part = np.searchsorted(starts, np.arange(len(track)), side="right")
    sliding = (np.abs(track.time_s[:, None] - cuts_s) <= SLIDE_MARGIN_S).any(axis=1)
    pieces = [track.where((part == number) & ~sliding) for number in range(len(starts) + 1)]
    return [piece for piece in pieces if len(piece)]


def link_people(tracks: Iterable[Track], size_px: tuple[int, int], start_s: float) -> list[Track]:
    """The sightings of each person, in order of first appearance; flickers belong to nobody.

    ``size_px`` is the picture's (width, height), ``start_s`` the time of the first frame. If there are only flickers,
    the longest one is a person.
    """
    pieces = sorted((piece for track in tracks for piece in split_track(track)), key=lambda piece: piece.frames[0])
    solid = [piece for piece in pieces if len(piece) >= FEWEST_SIGHTINGS] or pieces
    after = link_pieces(solid, size_px, start_s)
    chains: list[list[Track]] = []
    begun = {first: [solid[first]] for first in range(len(solid)) if first not in after.values()}
    for first, chain in begun.items():
        last = first
        while last in after:
            last = after[last]
            chain.append(solid[last])
        chains.append(chain)
    people = [concatenate_tracks(chain) for chain in chains]
    longest = max(people, key=len)
    return [
        person for person in people if person is longest or person.time_s[-1] - person.time_s[0] >= BRIEFEST_PERSON_S
    ]


def link_pieces(pieces: Sequence[Track], size_px: tuple[int, int], start_s: float) -> dict[int, int]:
    """The index of the piece that continues each piece, by lowest total cost. A piece may also be a new person."""
    count = len(pieces)
    cost = np.full((count, 2 * count), _IMPOSSIBLE_COST)
    for new, piece in enumerate(pieces):
        for old, before in enumerate(pieces):
            if before.time_s[-1] < piece.time_s[0]:
                cost[new, old] = link_cost(before, piece)
        cost[new, count + new] = NEW_AT_EDGE_COST if starts_at_edge(piece, size_px, start_s) else NEW_INSIDE_COST
    return {old: new for new, old in enumerate(cheapest_columns(cost).tolist()) if old < count}


def cheapest_columns(cost: Floats) -> NDArray[np.int64]:
    """A column for each row of ``cost`` (n, m), m >= n: (n,), no column twice, with the lowest sum of costs.

    Shortest augmenting paths (Jonker and Volgenant 1987). SciPy has the same, in a package that takes 0.3 s of CPU
    time and 50 MB to load.
    """
    rows, columns = cost.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)  # the row that has a column; -1: none yet
    for row in range(rows):
        least, before = np.full(columns, np.inf), np.full(columns, -1)  # shortest way to a column, and its last stop
        passed = np.zeros(columns, np.bool_)
        at, column, length = row, -1, 0.0
        while at >= 0:
            reduced = length + cost[at] - row_price[at] - column_price
            shorter = ~passed & (reduced < least)
            least[shorter], before[shorter] = reduced[shorter], column
            column = int(np.argmin(np.where(passed, np.inf, least)))
            length, at, passed[column] = float(least[column]), int(row_of[column]), True
        inner = passed & (row_of >= 0)
        row_price[row_of[inner]] += length - least[inner]
        row_price[row] += length
        column_price[passed] -= length - least[passed]
        while column >= 0:
            last = int(before[column])
            row_of[column] = row if last < 0 else row_of[last]
            column = last
    found = np.empty(rows, np.int64)
    taken = np.flatnonzero(row_of >= 0)
    found[row_of[taken]] = taken
    return found


def link_cost(before: Track, after: Track) -> float:
    """Cost of ``after`` being the person of ``before``: from 0 on, and 1e6 if nobody can have moved that far."""
    gap_s = float(after.time_s[0] - before.time_s[-1])
    torso_px = 0.5 * (before.torso_px + after.torso_px)
    distance = _distance_px(before, after, gap_s) / torso_px
    if gap_s > LONGEST_ABSENCE_S or (
        gap_s < PLACE_MEMORY_S and distance > POSE_ERROR_TORSOS + FASTEST_TORSOS_PER_S * gap_s
    ):
        return _IMPOSSIBLE_COST
    place = distance / (PLACE_COST_TORSOS + PLACE_COST_TORSOS_PER_S * gap_s) * np.exp(-((gap_s / PLACE_MEMORY_S) ** 2))
    size = (
        0.5 * abs(np.log(after.torso_px / before.torso_px)) / SIZE_COST_LOG * np.exp(-((gap_s / PLACE_MEMORY_S) ** 2))
    )
    return float(place + size + clothes_cost(before, after) + GAP_COST_PER_S * gap_s)


def clothes_cost(before: Track, after: Track) -> float:
    """0 for the same clothes. Compares the whole pieces and their neighbouring ends; the more similar pair counts."""
    late, early = before.time_s >= before.time_s[-1] - CLOTHES_END_S, after.time_s <= after.time_s[0] + CLOTHES_END_S
    pairs = [(before.clothes, after.clothes), (before.clothes[late], after.clothes[early])]
    distances = [float(clothes_distance(mean_clothes(first), mean_clothes(second))) for first, second in pairs]
    known = [value for value in distances if np.isfinite(value)]
    return max(0.0, (min(known) - SAME_CLOTHES_DISTANCE) / CLOTHES_COST_UNIT) ** 2 if known else 1.0


def starts_at_edge(piece: Track, size_px: tuple[int, int], start_s: float) -> bool:
    """Whether a piece begins at the picture's edge or at the start of the clip."""
    if piece.time_s[0] <= start_s + CLOTHES_WINDOW_S:
        return True
    points = piece.landmarks[0, :, :2]
    margin_px = EDGE_MARGIN_TORSOS * piece.torso_px
    return bool(
        (points.min(axis=0) < margin_px).any() or (points.max(axis=0) > np.array(size_px) - 1 - margin_px).any()
    )


def _distance_px(before: Track, after: Track, gap_s: float) -> float:
    """Shortest distance from one piece's end, or its continuation, to the other's start, or its origin."""
    end, start = before.hip_xy[-1], after.hip_xy[0]
    heading, coming = end_speed_px_s(before, last=True) * gap_s, end_speed_px_s(after, last=False) * gap_s
    ways = (start - end, start - end - heading, start - end - coming)
    return float(min(np.hypot(*way) for way in ways))


def end_speed_px_s(track: Track, *, last: bool) -> Floats:
    """Speed (2,) at the last or first moment of a track, from a straight line fitted to the hips."""
    time_s = track.time_s
    part = time_s >= time_s[-1] - END_SPEED_S if last else time_s <= time_s[0] + END_SPEED_S
    about = time_s[part] - time_s[part].mean()
    spread = float(about @ about)
    return np.asarray(about @ track.hip_xy[part] / spread) if spread > 0 else np.zeros(2)


def mean_clothes(clothes: Floats) -> Floats:
    """Mean (CLOTHES_REGIONS, 3, COLOR_BINS) of clothes (k, ...), ignoring NaN; NaN where all are."""
    known = np.isfinite(clothes)
    count = known.sum(axis=0)
    return np.where(count > 0, np.where(known, clothes, 0).sum(axis=0) / np.maximum(count, 1), np.nan)
