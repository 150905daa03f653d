"""``plan=true``: per video which stages would run, which are cached, and why. Nothing is computed or written.

It walks the same stages as a run, in the same order. No Prefect is loaded.
"""

import heapq
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from conf.config import Config
from conf.enums import SweepRender
from flows import preflight
from flows.dry_run.forecast import CACHED, MAY_FAIL, MAY_RUN, RUNS, Fate, Forecast
from flows.graph.nodes import AnyHandle, Unit
from flows.graph.stage_requests import RequestedStages
from flows.jobs import Job, ask_source, source_name
from flows.pipeline import everybody, pipeline
from flows.results.stage_warnings import stage_warnings, with_damage
from flows.videos import Video, find_all_videos, missing_reason
from flows.worker_count import worker_count
from tasks.cache.store import sha256_of
from tasks.errors import StillwalkError, VideoError, counted
from tasks.untrusted.plain_text import one_line

Models = Mapping[str, dict[str, str]]  # digests by stage and model


@dataclass
class Row:
    """A video with a setting, as it is printed: the stages that it would ask for, or why it would fail."""

    video: Video
    setting: str
    stages: Mapping[str, AnyHandle] = field(default_factory=dict)
    job: Job | None = None
    failure: str = ""
    warnings: Sequence[str] = ()
    waits_for_people: bool = False  # with subject=all: for whom the rest would run is not known yet


@dataclass(frozen=True)
class Piece:
    """Work to be done by one worker: how long it takes, and the names of the pieces that it waits for."""

    name: Hashable
    seconds: float
    after: frozenset[Hashable] = frozenset()


def dry_run(asked: list[tuple[str, Config]], cache: Path) -> int:
    """Print what a run would do, and what it would cost; ``asked`` are its settings with their names in a sweep.

    The exit status: 1 where it is known that a video would fail.
    """
    forecast = Forecast(cache, worker_count(asked[0][1].workers))
    rows: list[Row] = []
    for setting, config in asked:
        models = preflight.find_model_digests(config)
        rows += [_row(video, setting, config, models, forecast) for video in find_all_videos([config])]
    rows = [one for row in rows for one in _of_each_person(row, forecast)]
    for row in rows:
        _ask(row, forecast)
    forecast.look_up(row.job for row in rows if row.job is not None)
    for row in rows:
        if row.job is not None:
            row.failure = row.failure or forecast.failures.get(row.job.asker, "")
            _warn(row, forecast.fates)
        _print(row, forecast.fates)
    waiting = [(unit, [fate for fate in _fates(unit, forecast) if fate.status == RUNS]) for unit in forecast.units]
    print(_sum([(unit, fates) for unit, fates in waiting if fates], len({row.video for row in rows}), asked[0][1]))
    if any(setting and config.sweep.render is SweepRender.best for setting, config in asked):
        print("the videos of each one's best setting come on top: which that is, the paths decide")
    return int(any(row.failure for row in rows))


def _row(video: Video, setting: str, config: Config, models: Models, forecast: Forecast) -> Row:
    row = Row(video, setting)
    with _noted(row):
        row.job = _job(video, setting, config, models, forecast)
    return row


def _of_each_person(row: Row, forecast: Forecast) -> list[Row]:
    """With ``subject=all`` a row for each person, where the cache knows them; else the row itself."""
    if row.job is None or not row.job.asks_for_all:
        return [row]
    stages = RequestedStages(row.job, forecast)
    row.stages = stages.asked
    with _noted(row):
        numbered = everybody(stages, row.job.config)
        forecast.look_up([row.job])
        fate = forecast.fates.get(numbered)
        if fate is not None and fate.known and fate.artifact is not None:
            return [Row(row.video, row.setting, job=one) for one in row.job.of_each_person(fate.artifact)]
        row.waits_for_people = row.job.asker not in forecast.failures
    return [row]


def _ask(row: Row, forecast: Forecast) -> None:
    """Have the forecast know what the video would ask for."""
    if row.job is not None and not row.waits_for_people:
        stages = RequestedStages(row.job, forecast)
        row.stages = stages.asked
        with _noted(row):
            pipeline(stages, row.job.config, metrics_only=row.job.metrics_only)


@contextmanager
def _noted(row: Row) -> Iterator[None]:
    try:
        yield
    except (StillwalkError, OSError) as error:
        row.failure = str(error)


def _job(video: Video, setting: str, config: Config, models: Models, forecast: Forecast) -> Job:
    if absent := missing_reason(video):
        raise StillwalkError(absent)
    if not video.address:
        _check(config, video)
    only_path = bool(setting) and config.sweep.render is not SweepRender.all
    digest = sha256_of(video.path) if video.path else ""
    job = Job(video, video.path or Path(), digest, config, models, "", setting, only_path)
    source_stage = ask_source(forecast, setting, config, video)
    if source_stage is None:
        return job
    forecast.look_up([job])
    held = forecast.fates[source_stage].artifact
    if held is None:
        return replace(job, source_stage=source_stage)
    name = source_name(held)
    if video.address:
        _check(config, replace(video, path=held.path(name)))
    return replace(job, source=held.path(name), digest=held.files[name].sha256, source_stage=source_stage)


def _check(config: Config, video: Video) -> None:
    with suppress(VideoError):  # of what cannot be read: the first stage would say so
        preflight.check_video(config, video)


def _warn(row: Row, fates: Mapping[AnyHandle, Fate]) -> None:
    """Have a row say what a run would: the warnings of the stages that are in the cache."""
    held = {title: fates[handle] for title, handle in row.stages.items() if handle in fates}
    cached = {title: fate.artifact for title, fate in held.items() if fate.status == CACHED and fate.artifact}
    with _noted(row):
        if row.failure:
            row.failure = with_damage(row.failure, cached)
        else:
            row.warnings = stage_warnings(cached) if "decode" in cached else _notes_of_end(row)


def _notes_of_end(row: Row) -> Sequence[str]:
    """What decoding would say of ``clip.to``, as far as the header of the file tells its length."""
    if row.job is None or row.job.config.clip.to_s is None or not row.job.digest:
        return []
    from tasks.decode import notes_of_end  # loads PyAV, which is needed for new parts only
    from tasks.media.input.probe import probe_matroska_s

    length_s = preflight.length_s(row.job.config, replace(row.video, path=row.job.source))
    length_s = length_s or probe_matroska_s(row.job.source)
    return notes_of_end(length_s, row.job.config.clip.to_s) if length_s else []


def _print(row: Row, fates: Mapping[AnyHandle, Fate]) -> None:
    name = row.video.name if row.job is None else row.job.name
    print(one_line(f"{name}{row.setting and f' {row.setting}'}: {row.video.location}"))
    for warning in row.warnings:
        print(one_line(f"  warning: {warning}"))
    shown = {title: fates[handle] for title, handle in row.stages.items() if handle in fates}
    if len(shown) > 1 and not row.failure and all(fate.status == CACHED for fate in shown.values()):
        print(f"  all {len(shown)} stages are cached")
        shown = {}
    costs = {title: _cost(fate) for title, fate in shown.items()}
    width, cost_width = (max(map(len, texts), default=0) for texts in (shown, costs.values()))
    for title, fate in shown.items():
        print(one_line(f"  {title:<{width}}  {_line(fate, costs[title].ljust(cost_width))}".rstrip()))
    if row.waits_for_people:
        print("  then the other stages once for each person, whose number is not known yet")
    if row.failure:
        print(one_line(f"  would fail: {row.failure}"))


def _fates(unit: Unit, forecast: Forecast) -> list[Fate]:
    return [forecast.fates[handle] for handle in unit.handles if handle in forecast.fates]


def _line(fate: Fate, cost: str) -> str:
    if fate.status == CACHED:
        return fate.status
    if fate.status in (MAY_RUN, MAY_FAIL):
        return f"{fate.status} {fate.why}"
    return f"{fate.status}  {cost}  {fate.why}"


def _cost(fate: Fate) -> str:
    """What computing a stage would take, as far as that is known."""
    return "" if fate.status != RUNS or fate.seconds is None else f"about {_time(fate.seconds)}"


def _sum(waiting: list[tuple[Unit, list[Fate]]], videos: int, config: Config) -> str:
    """``waiting``: what would be computed, and the stages of it that are not in the cache."""
    of = f"of {counted(videos, 'video')}"
    stages = [fate for _, fates in waiting for fate in fates]
    if not stages:
        return f"no stage {of} would run; nothing was done"
    known = [fate.seconds for fate in stages if fate.seconds is not None]
    left = len(stages) - len(known)
    workers = worker_count(config.workers)
    pieces = _pieces(waiting)
    cost = [f"about {_time(on_the_clock(pieces, workers))} with workers={workers}"] if known else []
    if known and workers > 1:
        cost = [f"{cost[0]} ({_time(sum(piece.seconds for piece in pieces))} with workers=1)"]
    cost += [f"{left} never timed before"] if left else []
    return f"{counted(len(stages), 'stage')} {of} would run: {', '.join(cost)}; nothing was done"


def _pieces(waiting: list[tuple[Unit, list[Fate]]]) -> list[Piece]:
    """Pieces of work: what one task computes in one pass takes as long as the longest of it."""
    unit_of = {handle: unit for unit, _ in waiting for handle in unit.handles}
    return [
        Piece(
            unit,
            max(fate.seconds or 0.0 for fate in fates),
            frozenset(unit_of[handle] for handle in unit.waits_for if handle in unit_of),
        )
        for unit, fates in waiting
    ]


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{max(seconds, 0.1):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


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
