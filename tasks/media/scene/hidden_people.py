"""Where people hide the background in every frame: also between two sightings, and shortly before and after them."""

from array import array
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.arrays import Bytes, Floats
from tasks.maths.body.landmarks import HEELS, HIPS, LANDMARK_COUNT, LANDMARK_NAMES, TOES
from tasks.media.files.masks_file import Mask, read_masks
from tasks.media.files.tables import read_table
from tasks.media.scene.people_mask import LOST_GROWN, SHOWN, Limb, Standing, people_mask, with_lost_limbs, with_shadows

# How far before and after a frame the masks of others show a foot that its own loses. With half of it a third of the
# mirrored shoe of a runner stays, with 0.1 s as little as now.
LOST_S: Final = 0.067
BRIDGED_S: Final = 0.7  # between two sightings of a person, over which both masks stand in, moved
GOES_ON_S: Final = 0.5  # before the first and after the last sighting
ENTERS_S: Final = 1.5  # the same for who enters or leaves the picture there: at its edge people are found late
NEAR_EDGE: Final = 0.08  # of the picture's size: how near to its edge they are then
LINGERS_S: Final = 6.0  # the same for who may stand there, half in the picture; plates look as far for the background
LINGERS_MARGIN: Final = 0.15  # of a person's height: added around their landmarks then
SPEED_FRAMES: Final = 10  # from which the speed at a track's ends is told
HIDDEN_SPEED_FACTORS: Final = (0.5, 0.75, 1.0, 1.25)  # times that speed: all these places are taken as hidden
FOOT_STANDS: Final = 0.0  # times that speed, too, for who crosses the edge: a foot stays where it stands
BOX_MARGIN: Final = 0.05  # of a box's height: added above and below
# Masks lose feet and hands that move fast; landmarks do not.
LIMBS: Final = tuple(
    [LANDMARK_NAMES.index(f"{side}_{joint}") for joint in chain]
    for side in ("left", "right")
    for chain in (("knee", "ankle", "heel", "foot_index"), ("ankle", "foot_index"), ("elbow", "wrist", "index"))
)
LIMB_THICK: Final = 0.07  # of the body's longer side


class _Use(NamedTuple):
    """A sighting's mask in a frame."""

    sighting: int
    shift_px: tuple[float, float]
    boxed: bool = False  # all of the mask's box counts: at the picture's edge parts of a person are missed


class _Uses:
    """The sightings that each of ``frames`` frames is told from; 33 bytes each."""

    def __init__(self, frames: int) -> None:
        self.frames = frames
        self._at, self._sightings = array("q"), array("q")
        self._shifts_px, self._boxed = array("d"), array("B")

    def add(self, frame: int, use: _Use) -> None:
        """Add a sighting to a frame, behind those that it has."""
        self._at.append(frame)
        self._sightings.append(use.sighting)
        self._shifts_px.extend(use.shift_px)
        self._boxed.append(use.boxed)

    def needed_until(self, sightings: int) -> NDArray[np.int64]:
        """The last frame that each of ``sightings`` sightings is used in (sightings,); -1 where it is in none."""
        last = np.full(sightings, -1, np.int64)
        np.maximum.at(last, np.array(self._sightings), np.array(self._at))
        return last

    def by_frame(self) -> Iterator[list[_Use]]:
        """The uses in each frame, in the order in which they were added."""
        at = np.array(self._at)
        order = np.argsort(at, kind="stable")
        ends = np.searchsorted(at[order], np.arange(self.frames + 1))
        for first, end in pairwise(ends):
            yield [self._use(place) for place in order[first:end].tolist()]

    def _use(self, place: int) -> _Use:
        shift_px = self._shifts_px[2 * place], self._shifts_px[2 * place + 1]
        return _Use(self._sightings[place], shift_px, bool(self._boxed[place]))


class _AllUses(NamedTuple):
    """The sightings that each frame is told from, by what they tell."""

    shown: _Uses  # who is there
    nearby: _Uses  # who is there a moment before or after
    lingering: _Uses  # who may stand at the picture's edge, unseen


class _Sightings(NamedTuple):
    """Everybody's sightings, n in all."""

    at: NDArray[np.int64]  # (n,) frame
    track: NDArray[np.int64]  # (n,)
    landmarks_px: NDArray[np.float32]  # (n, 33, 2) source

    def runs(self, longest_gap: int) -> Iterator[NDArray[np.intp]]:
        """The places of each track's sightings, apart where two are more than ``longest_gap`` frames apart."""
        for number in np.unique(self.track):
            rows = np.flatnonzero(self.track == number)
            ends = np.flatnonzero(np.diff(self.at[rows]) > longest_gap)
            yield from np.split(rows, ends + 1)


def hidden_people(
    people: Path,
    bodies: Path,
    frames: int,
    rate_hz: float,
    size_px: tuple[int, int],
    small_px: tuple[int, int],
    *,
    shadows: bool = False,
) -> Iterator[Bytes]:
    """For each frame (h, w) of ``small_px``: 255 where people hide the background of a picture of ``size_px``.

    With ``shadows`` also lower levels. ``people_mask.with_lost_limbs``: where a limb may be that the frame's own mask
    and landmarks lose. ``people_mask.with_shadows``: where shadows may lie, and where somebody may stand at the
    picture's edge before or after they are found.

    Reads everybody's tracks as the pose stage wrote them; few masks are in memory at a time. ``OutputError`` when a
    file is missing or damaged.
    """
    sightings = _read_sightings(people)
    uses, landmarks_px = _all_uses(sightings, frames, rate_hz, size_px), sightings.landmarks_px
    needed_until = np.maximum(*(some.needed_until(len(landmarks_px)) for some in (uses.shown, uses.nearby)))
    stored = enumerate(read_masks(bodies))
    held: dict[int, Mask] = {}
    loaded = -1
    by_frame = zip(*(some.by_frame() for some in uses), strict=True)
    for frame, (some, near, unseen) in enumerate(by_frame):
        while some and loaded < max(use.sighting for use in (*some, *near)):
            loaded, mask = next(stored)
            held[loaded] = mask
        shown = [_placed(held[use.sighting], use) for use in some]
        limbs = [limb for use in some for limb in _limbs(landmarks_px[use.sighting], use)]
        hidden = people_mask(shown, size_px, small_px, limbs)
        if shadows and near:
            there = [_placed(held[use.sighting], use) for use in near]
            hidden = with_lost_limbs(hidden, people_mask(there, size_px, small_px, grown_by=LOST_GROWN))
        if shadows and (some or unseen):
            stand = [_standing(landmarks_px[use.sighting], use) for use in some]
            at_edge_px = [_at_edge(landmarks_px[use.sighting], size_px) for use in unseen]
            hidden = with_shadows(hidden, stand, size_px, small_px, at_edge_px)
        yield hidden
        held = {number: mask for number, mask in held.items() if needed_until[number] > frame}


def _placed(mask: Mask, use: _Use) -> Mask:
    probability = mask.probability
    if use.boxed and (shown := probability >= SHOWN).any():
        rows, columns = (np.flatnonzero(np.any(shown, axis=axis)) for axis in (1, 0))
        probability, margin = np.zeros_like(probability), round(BOX_MARGIN * (rows[-1] - rows[0]))
        probability[max(rows[0] - margin, 0) : rows[-1] + margin + 1, columns[0] : columns[-1] + 1] = 255
    return mask._replace(
        probability=probability, edges_px=mask.edges_px + np.array([*use.shift_px, *use.shift_px], np.float32)
    )


def _limbs(landmarks_px: NDArray[np.float32], use: _Use) -> list[Limb]:
    """Lower legs, feet, lower arms and hands of a sighting with these landmarks (33, 2), as a frame shows them."""
    thick_px = LIMB_THICK * float(np.ptp(landmarks_px, axis=0).max())
    moved = landmarks_px.astype(np.float64) + use.shift_px
    return [Limb(moved[chain], thick_px) for chain in LIMBS]


def _standing(landmarks_px: NDArray[np.float32], use: _Use) -> Standing:
    moved = landmarks_px.astype(np.float64) + use.shift_px
    return Standing(moved[[*HEELS, *TOES]], float(np.ptp(moved[:, 1])))


def _at_edge(landmarks_px: NDArray[np.float32], size_px: tuple[int, int]) -> Floats:
    """The box x0, y0, x1, y1 of a sighting, with a margin; it goes on to each edge of the picture that is near."""
    low, high = landmarks_px.min(axis=0).astype(np.float64), landmarks_px.max(axis=0).astype(np.float64)
    size, margin_px = np.array(size_px, np.float64), LINGERS_MARGIN * float(high[1] - low[1])
    first = np.where(low < NEAR_EDGE * size, 0.0, low - margin_px)
    last = np.where(high > (1 - NEAR_EDGE) * size, size, high + margin_px)
    return np.concatenate([first, last])


def _read_sightings(people: Path) -> _Sightings:
    table = read_table(people, ["frame", "track", "x_px", "y_px"])
    grid = {name: column.reshape(-1, LANDMARK_COUNT) for name, column in table.items()}
    landmarks_px = np.stack([grid["x_px"], grid["y_px"]], axis=2).astype(np.float32)
    return _Sightings(grid["frame"][:, 0], grid["track"][:, 0], landmarks_px)


def _all_uses(sightings: _Sightings, frames: int, rate_hz: float, size_px: tuple[int, int]) -> _AllUses:
    """What each of ``frames`` frames of ``size_px`` is told from."""
    at, landmarks_px = sightings.at, sightings.landmarks_px
    middle = landmarks_px[:, list(HIPS)].mean(axis=1)
    spans = np.concatenate([landmarks_px.min(axis=1), landmarks_px.max(axis=1)], axis=1).astype(np.float64)
    cut = (spans[:, 0] < -0.5) | (spans[:, 2] > size_px[0] - 0.5)  # by the picture's left or right edge
    uses = _AllUses(_Uses(frames), _Uses(frames), _Uses(frames))
    for run in sightings.runs(max(round(BRIDGED_S * rate_hz), 1)):
        _add_seen(uses.shown, run, at, middle.astype(np.float64), cut)
        _add_nearby(uses.nearby, run, at, middle.astype(np.float64), max(round(LOST_S * rate_hz), 1))
        for end, inner, sign in ((run[0], run[:SPEED_FRAMES], -1), (run[-1], run[-SPEED_FRAMES:], 1)):
            speed = (middle[inner[-1]] - middle[inner[0]]) / max(int(at[inner[-1]] - at[inner[0]]), 1)
            crosses = _crosses_edge(spans[end], sign * speed, size_px)
            frames_on = round((ENTERS_S if crosses else GOES_ON_S) * rate_hz)
            _add_beyond(uses.shown, int(end), int(at[end]), sign * np.arange(1, frames_on + 1), speed, boxed=crosses)
            if crosses:
                _add_lingering(uses.lingering, int(end), at[end] + sign * np.arange(1, round(LINGERS_S * rate_hz) + 1))
    return uses


def _add_seen(
    uses: _Uses, run: NDArray[np.intp], at: NDArray[np.int64], middle: Floats, cut: NDArray[np.bool_]
) -> None:
    """Add the sightings ``run`` of one track, and what lies between them, which is no long gap.

    Those that the picture's edge has ``cut`` (n,) hide all of their box.
    """
    for first, second in pairwise(run):
        uses.add(int(at[first]), _Use(int(first), (0.0, 0.0), bool(cut[first])))
        gap = int(at[second] - at[first])
        way = middle[second] - middle[first]
        for step in range(1, gap):
            forward, backward = way * step / gap, way * (step - gap) / gap
            between = int(at[first]) + step
            uses.add(between, _Use(int(first), (float(forward[0]), float(forward[1]))))
            uses.add(between, _Use(int(second), (float(backward[0]), float(backward[1]))))
    uses.add(int(at[run[-1]]), _Use(int(run[-1]), (0.0, 0.0), bool(cut[run[-1]])))


def _add_nearby(uses: _Uses, run: NDArray[np.intp], at: NDArray[np.int64], middle: Floats, reach: int) -> None:
    """Add the sightings ``run`` of one track to the frames up to ``reach`` away, moved with the hips."""
    for index, first in enumerate(run):
        for second in run[index + 1 : index + 1 + reach]:
            if at[second] - at[first] <= reach:
                x_px, y_px = (middle[second] - middle[first]).tolist()
                uses.add(int(at[second]), _Use(int(first), (x_px, y_px)))
                uses.add(int(at[first]), _Use(int(second), (-x_px, -y_px)))


def _crosses_edge(span_px: Floats, outward_px: Floats, size_px: tuple[int, int]) -> bool:
    """Whether a body that spans x0, y0, x1, y1 is near an edge of the picture towards which it moves outward."""
    for axis, size in enumerate(size_px):
        if span_px[axis] < NEAR_EDGE * size and outward_px[axis] < 0:
            return True
        if span_px[axis + 2] > (1 - NEAR_EDGE) * size and outward_px[axis] > 0:
            return True
    return False


def _add_lingering(uses: _Uses, sighting: int, at: NDArray[np.int64]) -> None:
    """Add a sighting, where it is, to those of the frames ``at`` that exist."""
    for frame in at[(at >= 0) & (at < uses.frames)].tolist():
        uses.add(frame, _Use(sighting, (0.0, 0.0)))


def _add_beyond(uses: _Uses, sighting: int, at: int, steps: NDArray[np.intp], speed_px: Floats, *, boxed: bool) -> None:
    """Add the frames ``steps`` (signed) away from the first or the last sighting of a run, at its speed."""
    for step in steps.tolist():
        if 0 <= at + step < uses.frames:
            factors = (*HIDDEN_SPEED_FACTORS, FOOT_STANDS) if boxed else HIDDEN_SPEED_FACTORS
            shifts = [factor * step * speed_px for factor in factors]
            for x_px, y_px in shifts:
                uses.add(at + step, _Use(sighting, (float(x_px), float(y_px)), boxed))
