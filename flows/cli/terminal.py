"""What the terminal shows: progress while stages run, a summary of each video, and one of the run."""

import os
import shlex
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from flows.cli.run_progress import RunProgress
from flows.cli.terminal_text import has_status_lines, show_status
from flows.report.index_page import PLANNED_SWEEP_NOTE
from flows.results.index import INDEX_PAGE_NAME
from flows.results.result import REPORT_NAME, Result, StageRun, results_noun
from tasks.errors import counted, first_few
from tasks.execution import progress
from tasks.maths.metrics.ranking import JUDGED_METRICS, PLANNED
from tasks.untrusted.plain_text import one_line

REDRAW_S: Final = 0.25
LOG_S: Final = 5.0  # between two lines where standard error is no terminal
LEAST_LOG_S: Final = 1.0  # the same before anything is computed
MAX_LOGGED_VIDEOS: Final = 3
STARTED_S: Final = time.monotonic()


class Shower:
    """Shows how far a run is, from a thread of its own: in place on a terminal, else as a line every few seconds."""

    def __init__(self, run: RunProgress) -> None:
        self._run = run
        self._ended = threading.Event()
        target = self._redraw if has_status_lines() else self._log
        self._thread = threading.Thread(target=target, name="progress", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        show_status([])

    def _redraw(self) -> None:
        while not self._ended.wait(REDRAW_S):
            show_status(self._run.lines())

    def _log(self) -> None:
        try:
            descriptor = os.dup(sys.stderr.fileno())  # that of standard error points elsewhere while a model loads
        except (OSError, AttributeError):  # standard error is closed, or no file
            return
        shown, next_s = "", 0.0
        while not self._ended.wait(REDRAW_S):
            now_s = time.monotonic() - STARTED_S
            if now_s < next_s:
                continue
            line = "; ".join(self._run.lines(MAX_LOGGED_VIDEOS))
            if line and (self._run.computing or line != shown):
                with suppress(OSError):  # nobody reads standard error any more
                    text = one_line(f"[{int(now_s) // 60}:{int(now_s) % 60:02}] {line}")
                    os.write(descriptor, f"{text}\n".encode(errors="replace"))
                shown, next_s = line, now_s + (LOG_S if self._run.computing else LEAST_LOG_S)
        os.close(descriptor)


@contextmanager
def shown_progress() -> Iterator[None]:
    """Show on standard error what the run is doing while the block runs."""
    before = progress.listener
    run = RunProgress()
    run.doing("starting")
    progress.listener = run
    try:
        with Shower(run):
            yield
    finally:
        progress.listener = before


def print_result(result: Result, told: dict[str, str] | None = None) -> None:
    """A few lines for a video, or why it failed to standard error; nothing where it was interrupted.

    ``told`` gives the name of an earlier result for the key of each stage that was told with it; this one is added.
    """
    if result.error == progress.INTERRUPTED:
        return
    if result.error:
        print(one_line(f"{result.name}: FAILED: {result.error}"), file=sys.stderr)
        return
    print(one_line(f"{result.name}: {result.folder}"))
    for line in _video_lines(result, {} if told is None else told):
        print(one_line(f"  {line}"))
    sys.stdout.flush()


def print_run(results: list[Result], output_dir: Path, seconds: float, shard: str | None = None) -> None:
    """The last lines, about the whole run."""
    if shard:
        print(one_line(f"overview, when all shares are done: stillwalk index {shlex.quote(str(output_dir))}"))
    elif len({result.video for result in results}) > 1 and (output_dir / INDEX_PAGE_NAME).exists():
        print(one_line(f"overview: {output_dir / INDEX_PAGE_NAME}"))
    videos, persons = len({result.video for result in results}), any(result.person for result in results)
    print(_run_line(results, results_noun(videos, persons=persons, sweep=False), seconds))


def _video_lines(result: Result, told: dict[str, str]) -> Iterator[str]:
    yield from (f"warning: {warning}" for warning in result.warnings)
    own = [stage for stage in result.stages if stage.key not in told]
    ran = list(_ran_lines([stage for stage in own if stage.status == "ran"]))
    cached = [stage.title for stage in own if stage.status == "cached"]
    if ran:
        yield f"ran: {', '.join(ran)}"
    if cached:
        yield f"cached: {', '.join(cached)}"
    shared = [stage for stage in result.stages if stage.key in told]
    for name in dict.fromkeys(told[stage.key] for stage in shared):
        yield f"shared with {name}: {', '.join(stage.title for stage in shared if told[stage.key] == name)}"
    told |= {stage.key: result.name for stage in own}
    yield from result.summary


def _ran_lines(stages: list[StageRun]) -> Iterator[str]:
    """Each stage with its seconds; what one pass over the frames makes, or masks beside the scene, as one."""
    videos = [stage for stage in stages if stage.stage == "render" and stage.title != REPORT_NAME]
    decoded_once = [stage for stage in stages if stage.stage in ("masks", "scene") and not stage.alone]
    for stage in stages:
        in_pass = next((one for one in (videos, decoded_once) if stage in one and len(one) > 1), [stage])
        if len(in_pass) == 1:
            yield f"{stage.title} {stage.seconds:.1f} s"
        elif stage is in_pass[0]:
            *others, last = [one.title for one in in_pass]
            yield f"{', '.join(others)} and {last} {max(one.seconds for one in in_pass):.1f} s together"


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
    if len(best_rows) > 1:
        _print_best(index["settings"], best_rows, index["rows"])
    if index:
        print(one_line(f"all figures: {folder / INDEX_PAGE_NAME}"))
    ran = len({stage.key for result in results for stage in result.stages if stage.status == "ran"})
    print(f"{_run_line(results, 'result', seconds)}, {counted(ran, 'stage')} ran")


def _print_best(
    settings: Sequence[Mapping[str, Any]], best_rows: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]]
) -> None:
    """The best setting of all, with its mean rank, the settings that have the same, and where it shares the first."""
    for best in settings:
        if best["best"]:
            rank = f"mean rank {best['mean_rank']:.2f} of {len(settings)}"
            equal = [one["setting"] for one in settings if one["mean_rank"] == best["mean_rank"] and one is not best]
            shared = f", shared with {first_few(equal)}" if equal else ""
            print(one_line(f"best of all: {best['setting']} ({rank}{shared})"))
            first = {row["video"] for row in rows if row["setting"] == best["setting"] and row.get("rank") == 1}
            others = [row["video"] for row in best_rows if row["setting"] != best["setting"] and row["video"] in first]
            if others:
                print(
                    one_line(f"for {first_few(others)} it shares the first rank with the setting that the table names")
                )


def _print_failures(results: list[Result]) -> None:
    """Each failure once, with the number of settings that it happened with."""
    failures: dict[str, int] = {}
    for result in results:
        if result.error and result.error != progress.INTERRUPTED:
            line = f"{result.name}: FAILED: {result.error}"
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
