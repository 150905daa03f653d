"""What the terminal shows: a bar for each stage that computes, and at the end what was done and where it lies."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from flows.results.index import PAGE
from flows.results.result import Result
from tasks.execution import progress
from tasks.execution.progress import Work


class Bars:
    """A ``Listener`` with one line for each piece of work: frames done, frames per second, time left."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._ids: dict[Work, TaskID] = {}
        self._lock = threading.Lock()

    def started(self, work: Work) -> None:
        with self._lock:
            self._ids[work] = self._bars.add_task(f"{work.video} {work.stage}", total=work.frames or None, fps="")

    def advanced(self, work: Work, frames_done: int) -> None:
        bar = self._ids[work]
        speed_hz = self._bars.tasks[self._bars.task_ids.index(bar)].speed
        self._bars.update(bar, completed=frames_done, fps=f"{speed_hz:.0f} fps" if speed_hz else "")

    def ended(self, work: Work) -> None:
        with self._lock:
            self._bars.remove_task(self._ids.pop(work))


@contextmanager
def shown_progress() -> Iterator[None]:
    """Show bars on a terminal; show nothing where standard error is a file or a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[fps]}"),
        TimeRemainingColumn(),
    )
    before = progress.listener
    with Progress(*columns, console=console, transient=True, refresh_per_second=8) as bars:
        progress.listener = Bars(bars)
        try:
            yield
        finally:
            progress.listener = before


def print_results(results: list[Result], output_dir: Path, seconds: float) -> None:
    """One paragraph a video, failures to standard error, and a last line for the whole run."""
    for result in results:
        if result.error == progress.INTERRUPTED:
            continue
        if result.error:
            print(f"{result.video.name}: FAILED: {result.error}", file=sys.stderr)
            continue
        print(f"{result.video.name}: {result.folder}")
        for line in _lines(result):
            print(f"  {line}")
    page = f"; side by side: {output_dir / PAGE}" if len(results) > 1 and (output_dir / PAGE).exists() else ""
    print(_ended(results, "video", seconds) + page)


def print_sweep(results: list[Result], index: dict[str, Any], folder: Path, seconds: float) -> None:
    """A line for the best setting of each video and one for the best of all, and where the others are listed."""
    failures: dict[str, list[Result]] = {}
    for result in results:
        if result.error and result.error != progress.INTERRUPTED:
            failures.setdefault(f"{result.video.name}: FAILED: {result.error}", []).append(result)
    for sentence, failed in failures.items():
        print(f"{sentence} ({len(failed)} setting{'s' * (len(failed) > 1)})", file=sys.stderr)
    rows = [("video", "best setting", "lock px", "tremble px", "picture")]
    rows += [(row["video"], row["setting"], *_figures(row["metrics"])) for row in index.get("rows", []) if row["best"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows if len(rows) > 1 else []:
        names = (text.ljust(width) for text, width in zip(row[:2], widths[:2], strict=True))
        print("  ".join([*names, *(text.rjust(width) for text, width in zip(row[2:], widths[2:], strict=True))]))
    for setting in index.get("settings", []):
        if setting["best"] and len(rows) > 2:
            print(
                f"best of all: {setting['setting']} (mean rank {setting['mean_rank']:.2f} of {len(index['settings'])})"
            )
    ran = len({stage.key for result in results for stage in result.stages if stage.status == "ran"})
    page = f"; every figure: {folder / PAGE}" if index else ""
    print(f"{_ended(results, 'result', seconds)}, {ran} stage{'s' * (ran != 1)} ran{page}")


def _figures(metrics: dict[str, float | None]) -> tuple[str, str, str]:
    """Lock, tremble and share of picture, as a table shows them."""
    lock, tremble, area = (metrics.get(name) for name in ("lock_rms", "residual_accel", "visible_area_mean"))
    lock_px, tremble_px = ("" if value is None else f"{value:.2f}" for value in (lock, tremble))
    return lock_px, tremble_px, "" if area is None else f"{area:.0%}"


def _ended(results: list[Result], unit: str, seconds: float) -> str:
    interrupted = sum(result.error == progress.INTERRUPTED for result in results)
    failed = sum(bool(result.error) for result in results) - interrupted
    tail = f", {failed} failed" if failed else ""
    done = len(results) - failed - interrupted
    return f"{done} of {len(results)} {unit}{'s' * (len(results) > 1)} done{tail} in {seconds:.1f} s"


def _lines(result: Result) -> Iterator[str]:
    yield from result.warnings
    ran = [f"{stage.title} {stage.seconds:.1f} s" for stage in result.stages if stage.status == "ran"]
    cached = [stage.title for stage in result.stages if stage.status == "cached"]
    if ran:
        yield f"ran: {', '.join(ran)}"
    if cached:
        yield f"from the cache: {', '.join(cached)}"
    yield result.headline
