"""How long stages take on the clock, when several are computed at once and some wait for others."""

import heapq
from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Piece:
    """Work to be done by one worker: how long it takes, and the names of the pieces that it waits for."""

    name: Hashable
    seconds: float
    after: frozenset[Hashable] = frozenset()


def on_the_clock(pieces: Iterable[Piece], workers: int) -> float:
    """Seconds from the first beginning to the last end, when each of ``workers`` takes the first piece that is ready.

    What a piece waits for and is not among the pieces is there already.
    """
    own = {piece.name: piece for piece in pieces}
    order = {name: number for number, name in enumerate(own)}
    waits: Counter[Hashable] = Counter()
    followers: dict[Hashable, list[Hashable]] = {name: [] for name in own}
    for piece in own.values():
        for before in piece.after & own.keys():
            followers[before].append(piece.name)
            waits[piece.name] += 1
    ready = [(order[name], name) for name in own if not waits[name]]
    heapq.heapify(ready)
    running: list[tuple[float, int, Hashable]] = []
    now_s = 0.0
    while ready or running:
        while ready and len(running) < workers:
            number, name = heapq.heappop(ready)
            heapq.heappush(running, (now_s + own[name].seconds, number, name))
        now_s, _, ended = heapq.heappop(running)
        for name in followers[ended]:
            waits[name] -= 1
            if not waits[name]:
                heapq.heappush(ready, (order[name], name))
    return now_s
