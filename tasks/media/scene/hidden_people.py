"""Where people hide the background in every frame: also between two sightings, and shortly before and after them."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tasks.maths.body.landmarks import HIPS, LANDMARK_COUNT
from tasks.media.files.masks_file import Mask, read_masks
from tasks.media.files.tables import read_table
from tasks.media.scene.people_mask import people_mask

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]

BRIDGED_S: Final = 0.7  # between two sightings of a person, over which both masks stand in, moved
GOES_ON_S: Final = 0.5  # before the first and after the last sighting
ENTERS_S: Final = 1.5  # the same for who enters or leaves the picture there: at its edge people are found late
NEAR_EDGE: Final = 0.08  # of the picture's size: how near to its edge they are then
SPEED_FRAMES: Final = 10  # from which the speed at a track's ends is told
HIDDEN_SPEED_FACTORS: Final = (0.75, 1.0, 1.25)  # times that speed: all three places are taken as hidden


class _Use(NamedTuple):
    """A sighting's mask in a frame."""

    sighting: int
    shift_px: tuple[float, float]


def hidden_people(
    people: Path, bodies: Path, frames: int, rate_hz: float, size_px: tuple[int, int], small_px: tuple[int, int]
) -> Iterator[Bytes]:
    """For each frame (h, w) of ``small_px``: 255 where people hide the background of a picture of ``size_px``.

    Reads everybody's tracks as the pose stage wrote them; few masks are in memory at a time. ``OutputError`` when a
    file is missing or damaged.
    """
    uses = _uses(people, frames, rate_hz, size_px)
    needed_until = {use.sighting: frame for frame, some in enumerate(uses) for use in some}
    stored = enumerate(read_masks(bodies))
    held: dict[int, Mask] = {}
    loaded = -1
    for frame, some in enumerate(uses):
        while some and loaded < max(use.sighting for use in some):
            loaded, mask = next(stored)
            held[loaded] = mask
        shown = [_moved(held[use.sighting], use.shift_px) for use in some]
        yield people_mask(shown, size_px, small_px)
        held = {number: mask for number, mask in held.items() if needed_until.get(number, -1) > frame}


def _moved(mask: Mask, shift_px: tuple[float, float]) -> Mask:
    return mask._replace(edges_px=mask.edges_px + np.array([*shift_px, *shift_px], np.float32))


def _uses(people: Path, frames: int, rate_hz: float, size_px: tuple[int, int]) -> list[list[_Use]]:
    """The sightings that each frame is told from."""
    table = read_table(people, ["frame", "track", "x_px", "y_px"])
    grid = {name: column.reshape(-1, LANDMARK_COUNT) for name, column in table.items()}
    at, track = grid["frame"][:, 0], grid["track"][:, 0]
    hips = list(HIPS)
    middle = np.stack([grid["x_px"][:, hips].mean(axis=1), grid["y_px"][:, hips].mean(axis=1)], axis=1)
    uses: list[list[_Use]] = [[] for _ in range(frames)]
    spans = np.stack([part(grid[name], axis=1) for part in (np.min, np.max) for name in ("x_px", "y_px")], axis=1)
    bridged = round(BRIDGED_S * rate_hz)
    for number in np.unique(track):
        rows = np.flatnonzero(track == number)
        ends = np.flatnonzero(np.diff(at[rows]) > max(bridged, 1))
        for run in np.split(rows, ends + 1):
            _add_seen(uses, run, at, middle.astype(np.float64))
            for end, inner, sign in ((run[0], run[:SPEED_FRAMES], -1), (run[-1], run[-SPEED_FRAMES:], 1)):
                speed = (middle[inner[-1]] - middle[inner[0]]) / max(int(at[inner[-1]] - at[inner[0]]), 1)
                goes_on_s = ENTERS_S if _crosses_edge(spans[end], sign * speed, size_px) else GOES_ON_S
                _add_beyond(uses, int(end), int(at[end]), sign, speed, round(goes_on_s * rate_hz))
    return uses


def _add_seen(uses: list[list[_Use]], run: NDArray[np.intp], at: NDArray[np.int64], middle: Floats) -> None:
    """Add the sightings ``run`` of one track, and what lies between them, which is no long gap."""
    for first, second in pairwise(run):
        uses[at[first]].append(_Use(int(first), (0.0, 0.0)))
        gap = int(at[second] - at[first])
        way = middle[second] - middle[first]
        for step in range(1, gap):
            forward, backward = way * step / gap, way * (step - gap) / gap
            uses[at[first] + step].append(_Use(int(first), (float(forward[0]), float(forward[1]))))
            uses[at[first] + step].append(_Use(int(second), (float(backward[0]), float(backward[1]))))
    uses[at[run[-1]]].append(_Use(int(run[-1]), (0.0, 0.0)))


def _crosses_edge(span_px: Floats, outward_px: Floats, size_px: tuple[int, int]) -> bool:
    """Whether a body that spans x0, y0, x1, y1 is near an edge of the picture towards which it moves outward."""
    for axis, size in enumerate(size_px):
        if span_px[axis] < NEAR_EDGE * size and outward_px[axis] < 0:
            return True
        if span_px[axis + 2] > (1 - NEAR_EDGE) * size and outward_px[axis] > 0:
            return True
    return False


def _add_beyond(uses: list[list[_Use]], sighting: int, at: int, sign: int, speed_px: Floats, steps: int) -> None:
    """Add the frames before the first (``sign`` -1) or after the last sighting of a run, at its speed."""
    for step in range(1, steps + 1):
        frame = at + sign * step
        if 0 <= frame < len(uses):
            shifts = [factor * sign * step * speed_px for factor in HIDDEN_SPEED_FACTORS]
            uses[frame] += [_Use(sighting, (float(shift[0]), float(shift[1]))) for shift in shifts]
