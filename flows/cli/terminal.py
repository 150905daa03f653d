"""What the terminal shows: progress bars while stages run, then a summary of each video and of the run."""

import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from flows.cli.terminal_text import inner_stream
from flows.report.index_page import PLANNED_SWEEP_NOTE
from flows.results.index import INDEX_PAGE_NAME
from flows.results.result import Result
from tasks.errors import counted
from tasks.execution import progress
from tasks.execution.progress import Work
from tasks.maths.metrics.ranking import JUDGED_METRICS, PLANNED
from tasks.untrusted.plain_text import one_line


class ProgressBars:
    """A ``Listener`` with one bar for each piece of work: frames done, frames per second, time left."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._ids: dict[Work, TaskID] = {}
        self._lock = threading.Lock()

    def started(self, work: Work) -> None:
        with self._lock:
            name = one_line(f"{work.video} {work.stage}")
            self._ids[work] = self._bars.add_task(name, total=work.frames or None, fps="")

    def advanced(self, work: Work, frames_done: int) -> None:
        bar = self._ids[work]
        speed_hz = self._bars.tasks[self._bars.task_ids.index(bar)].speed
        self._bars.update(bar, completed=frames_done, fps=f"{speed_hz:.0f} fps" if speed_hz else "")

    def ended(self, work: Work) -> None:
        with self._lock:
            self._bars.remove_task(self._ids.pop(work))


@contextmanager
def progress_bars() -> Iterator[None]:
    """Show progress bars if standard error is a terminal."""
    console = Console(file=inner_stream(sys.stderr))
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
        progress.listener = ProgressBars(bars)
        try:
            yield
        finally:
            progress.listener = before


def print_results(results: list[Result], output_dir: Path, seconds: float) -> None:
    """A few lines for each video, failures to standard error, and last lines for the whole run."""
    for result in results:
        if result.error == progress.INTERRUPTED:
            continue
        if result.error:
            print(one_line(f"{result.video.name}: FAILED: {result.error}"), file=sys.stderr)
            continue
        print(one_line(f"{result.video.name}: {result.folder}"))
        for line in _video_lines(result):
            print(one_line(f"  {line}"))
    if len(results) > 1 and (output_dir / INDEX_PAGE_NAME).exists():
        print(one_line(f"overview: {output_dir / INDEX_PAGE_NAME}"))
    print(_run_line(results, "video", seconds))


def _video_lines(result: Result) -> Iterator[str]:
    yield from (f"warning: {warning}" for warning in result.warnings)
    ran = [f"{stage.title} {stage.seconds:.1f} s" for stage in result.stages if stage.status == "ran"]
    cached = [stage.title for stage in result.stages if stage.status == "cached"]
    if ran:
        yield f"ran: {', '.join(ran)}"
    if cached:
        yield f"cached: {', '.join(cached)}"
    yield from result.summary


def print_sweep(results: list[Result], index: dict[str, Any], folder: Path, seconds: float) -> None:
    """A table of the best setting of each video, the best setting of all, and where the others are listed."""
    _print_failures(results)
    best_rows = [row for row in index.get("rows", []) if row["best"]]
    if best_rows:
        head = ("video", "best setting", "lock px", "tremble px", "picture", "judged by")
        names = [(one_line(row["video"]), one_line(row["setting"])) for row in best_rows]
        judges = [row.get("judge") or PLANNED for row in best_rows]
        figures = [(*_figures(row["metrics"], judge), judge) for row, judge in zip(best_rows, judges, strict=True)]
        _print_table([head, *(name + figure for name, figure in zip(names, figures, strict=True))])
        if PLANNED in judges:
            print(PLANNED_SWEEP_NOTE)
    for setting in index.get("settings", []):
        if setting["best"] and len(best_rows) > 1:
            rank = f"mean rank {setting['mean_rank']:.2f} of {len(index['settings'])}"
            print(one_line(f"best of all: {setting['setting']} ({rank})"))
    if index:
        print(one_line(f"all figures: {folder / INDEX_PAGE_NAME}"))
    ran = len({stage.key for result in results for stage in result.stages if stage.status == "ran"})
    print(f"{_run_line(results, 'result', seconds)}, {counted(ran, 'stage')} ran")


def _print_failures(results: list[Result]) -> None:
    """Each failure once, with the number of settings that it happened with."""
    failures: dict[str, int] = {}
    for result in results:
        if result.error and result.error != progress.INTERRUPTED:
            line = f"{result.video.name}: FAILED: {result.error}"
            failures[line] = failures.get(line, 0) + 1
    for line, times in failures.items():
        print(one_line(f"{line} ({counted(times, 'setting')})"), file=sys.stderr)


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    """Columns of equal width, the first two aligned left and the others right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            text.ljust(width) if number < 2 else text.rjust(width)
            for number, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells))


def _figures(metrics: dict[str, float | None], judge: str) -> tuple[str, str, str]:
    """Lock and tremble by ``judge``, and share of picture, as a table shows them."""
    names = (*JUDGED_METRICS[judge], "visible_area_mean")
    lock, tremble, area = (metrics.get(name) for name in names)
    lock_px, tremble_px = ("" if value is None else f"{value:.2f}" for value in (lock, tremble))
    return lock_px, tremble_px, "" if area is None else f"{area:.0%}"


def _run_line(results: list[Result], noun: str, seconds: float) -> str:
    interrupted = sum(result.error == progress.INTERRUPTED for result in results)
    failed = sum(bool(result.error) for result in results) - interrupted
    done = len(results) - failed - interrupted
    failures = f", {failed} failed" if failed else ""
    return f"{done} of {counted(len(results), noun)} done{failures} in {seconds:.1f} s"
