"""How many cores each stage of a run could use: its process's threads are looked at every 20 ms.

A thread that runs or waits for a core is runnable. So the number of runnable threads is the number of cores that the
run could use at that moment, also where the machine has fewer.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from tasks.untrusted.json_file import read_object

INTERVAL_S: Final = 0.02
CHILDREN_EVERY: Final = 10  # looks: processes begin seldom
MORE_CORES: Final = 4
BETWEEN: Final = "no stage: the start, waiting between stages, results, the end"
PAGE_MB: Final = 4.096e-3


@dataclass(frozen=True)
class Look:
    """One look at a process and its children: when, how many threads were runnable, how much memory was resident."""

    at_s: float  # since the epoch
    runnable: int
    resident_mb: float


@dataclass(frozen=True)
class Span:
    """From when to when a stage computed, in seconds since the epoch."""

    stage: str
    began_s: float
    ended_s: float


@dataclass(frozen=True)
class StageUse:
    """What a stage, or stages at the same time, took of a run; shares are of the whole run's wall time."""

    stages: str
    share: float
    runnable: float  # threads, mean
    alone_share: float  # of the run: at most one thread was runnable
    more_cores_share: float  # the same in a run with ``MORE_CORES`` cores, estimated
    peak_mb: float


def watch(pid: int, looks: list[Look]) -> None:
    """Look at the process until it ends, and append to ``looks``."""
    family = [pid]
    for number in range(10**9):
        if number % CHILDREN_EVERY == 0:
            family = [pid, *_descendants(pid)]
        states = [state for one in family for state in _states(one)]
        if not states or (len(family) == 1 and states == ["Z"]):
            return
        looks.append(Look(time.time(), states.count("R"), sum(_resident_mb(one) for one in family)))
        time.sleep(INTERVAL_S)


def spans(cache: Path) -> list[Span]:
    """When the entries of a cache that one run filled were computed, from their finished marks."""
    found = []
    for mark in sorted(cache.glob("*/*/done.json")):
        ended_s = mark.stat().st_mtime
        fields = read_object(mark, 8 << 20)
        found.append(Span(str(fields["stage"]), ended_s - float(fields["seconds"]), ended_s))
    return found


def use_by_stage(looks: Sequence[Look], made: Iterable[Span], cores: int) -> list[StageUse]:
    """Join looks with the stages that computed at that time, longest first; each look lasts until the next one.

    With more cores than ``cores`` a moment with many runnable threads is estimated to pass faster in proportion.
    """
    made = list(made)
    parts: dict[str, list[tuple[Look, float]]] = {}
    for look, after in pairwise(looks):
        busy = sorted({span.stage: span.began_s for span in made if span.began_s <= look.at_s < span.ended_s})
        parts.setdefault(" + ".join(busy) or BETWEEN, []).append((look, after.at_s - look.at_s))
    whole_s = sum(lasted for part in parts.values() for _, lasted in part)
    faster_s = sum(_with_more_cores(look, cores) * lasted for part in parts.values() for look, lasted in part)
    rows = []
    for stages, part in parts.items():
        total_s = sum(lasted for _, lasted in part)
        alone_s = sum(lasted for look, lasted in part if look.runnable <= 1)
        mean = sum(look.runnable * lasted for look, lasted in part) / total_s
        peak_mb = max(look.resident_mb for look, _ in part)
        rows.append(StageUse(stages, total_s / whole_s, mean, alone_s / whole_s, alone_s / faster_s, peak_mb))
    return sorted(rows, key=lambda row: -row.share)


def use_table(uses: Sequence[StageUse], cores: int) -> str:
    """The rows of ``use_by_stage`` as a table, and a line that names the stages that are alone for longest."""
    more = max(cores, MORE_CORES)
    head = ["stages", "of the run", "runnable threads", "alone, of the run", f"with {more} cores, estimated", "peak MB"]
    lines = [head, ["---"] * len(head)]
    for use in uses:
        alone = (f"{share:.1%}" for share in (use.alone_share, use.more_cores_share))
        lines.append([use.stages, f"{use.share:.1%}", f"{use.runnable:.2f}", *alone, f"{use.peak_mb:.0f}"])
    most = max((use for use in uses if use.stages != BETWEEN), key=lambda use: use.more_cores_share)
    shares = f"{most.alone_share:.1%} of the run here, {most.more_cores_share:.1%} with {more} cores"
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\nAlone for longest: {most.stages}, {shares}."


def _with_more_cores(look: Look, cores: int) -> float:
    """How long the moment of a look takes with ``MORE_CORES`` cores, as a share of how long it took with ``cores``."""
    busy = max(1, look.runnable)
    return min(busy, cores) / min(busy, max(cores, MORE_CORES))


def _descendants(pid: int) -> Iterator[int]:
    for task in _tasks(pid):
        try:
            children = (task / "children").read_text().split()
        except OSError:
            continue
        for child in children:
            yield int(child)
            yield from _descendants(int(child))


def _states(pid: int) -> Iterator[str]:
    """The state of each thread of a process, such as R (runnable), S, D or Z."""
    for task in _tasks(pid):
        try:
            yield (task / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:  # it has ended
            continue


def _tasks(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except OSError:
        return []


def _resident_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE_MB
    except OSError:
        return 0.0
