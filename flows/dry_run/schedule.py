"""How long stages take on the clock, when several are computed at once and some wait for others."""

import heapq
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """A stage to be computed: how long it takes, the names of those that it waits for, and whom it goes along with.

    Those that are ``together`` begin when all can, side by side, and count as one, which takes as long as the longest.
    """

    name: Hashable
    seconds: float
    after: frozenset[Hashable] = frozenset()
    together: Hashable | None = None


def on_the_clock(pieces: Iterable[Piece], workers: int) -> float:
    """Seconds from the first beginning to the last end, when each of ``workers`` takes the first piece that is ready.

    What a piece waits for and is not among the pieces is there already. No piece waits for one it is together with.
    """
    units: dict[Hashable, list[Piece]] = {}
    for piece in pieces:
        units.setdefault(piece.name if piece.together is None else piece.together, []).append(piece)
    unit_of = {piece.name: unit for unit, own in units.items() for piece in own}
    order = {unit: number for number, unit in enumerate(units)}
    waits: Counter[Hashable] = Counter()
    followers: dict[Hashable, list[Hashable]] = {unit: [] for unit in units}
    for unit, own in units.items():
        for before in {unit_of[name] for piece in own for name in piece.after if name in unit_of}:
            followers[before].append(unit)
            waits[unit] += 1
    ready = [(order[unit], unit) for unit in units if not waits[unit]]
    heapq.heapify(ready)
    running: list[tuple[float, int, Hashable]] = []
    now_s = 0.0
    while ready or running:
        while ready and len(running) < workers:
            number, unit = heapq.heappop(ready)
            heapq.heappush(running, (now_s + max(piece.seconds for piece in units[unit]), number, unit))
        now_s, _, ended = heapq.heappop(running)
        for unit in followers[ended]:
            waits[unit] -= 1
            if not waits[unit]:
                heapq.heappush(ready, (order[unit], unit))
    return now_s
