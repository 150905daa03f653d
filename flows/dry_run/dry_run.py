"""``plan=true``: per video which stages would run, which are cached, and why. Nothing is computed or written.

It walks the same stages as a run, in the same order. No Prefect is loaded.
"""

from collections.abc import Hashable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from conf.config import Config
from conf.enums import SweepRender
from flows import preflight
from flows.dry_run.forecast import CACHED, MAY_FAIL, MAY_RUN, RUNS, DryJob, Foreseen
from flows.dry_run.history import History
from flows.dry_run.schedule import Piece, on_the_clock
from flows.graph import Graph
from flows.pipeline import PATH, STAGES
from flows.videos import Video, find_videos, missing_reason
from tasks.cache.store import sha256_of
from tasks.errors import StillwalkError, VideoError
from tasks.requests import DemoRequest

Models = dict[str, dict[str, str]]  # digests by stage and model


def dry_run(asked: list[tuple[str, Config]], cache: Path) -> int:
    """Print what a run would do, and what it would cost; ``asked`` are its settings with their names in a sweep.

    The exit status: 1 where it is known that a video would fail.
    """
    history = History(cache)
    waiting: dict[tuple[str, str], tuple[int, Foreseen]] = {}  # what several settings wait for alike is there once
    videos: set[Video] = set()
    failed = 0
    absent: set[str] = set()  # models
    for setting, config in asked:
        models = preflight.find_model_digests(config)
        absent |= {name for digests in models.values() for name, digest in digests.items() if not digest}
        for video, (fates, failure) in _foreseen(setting, config, models, cache, history).items():
            videos.add(video)
            print(f"{video.name}{setting and f' {setting}'}: {video.location}")
            width = max(map(len, fates), default=0)
            for stage, (name, fate) in enumerate(fates.items()):
                print(f"  {name:<{width}}  {_line(fate)}".rstrip())
                if fate.status == RUNS:
                    waiting.setdefault((video.name, fate.identity), (stage, fate))
            if failure:
                print(f"  would fail: {failure}")
                failed += 1
    in_order = dict(sorted(waiting.items(), key=lambda item: item[1][0]))  # a run goes stage by stage
    print(_sum({name: fate for name, (_, fate) in in_order.items()}, len(videos), asked[0][1].workers))
    if any(setting and config.sweep.render is SweepRender.best for setting, config in asked):
        print("the videos of each one's best setting come on top: which that is, the paths decide")
    if absent:
        print(f"models.download: a run would first fetch what is not there yet: {', '.join(sorted(absent))}")
    return int(failed > 0)


def _foreseen(
    setting: str, config: Config, models: Models, cache: Path, history: History
) -> dict[Video, tuple[dict[str, Foreseen], str]]:
    """The fates of the stages of each video with one setting; and, where it is known, why that would fail."""
    videos = find_videos(config.video)
    failures: dict[Video, str] = {}
    jobs: dict[Video, DryJob] = {}
    for video in videos:
        with _noted(failures, video):
            jobs[video] = _job(video, setting, config, models, cache, history)
    for job in jobs.values():
        job.group.extend(jobs.values())
    for start in PATH if _only_path(setting, config) else STAGES:
        for video, job in jobs.items():
            if video not in failures:
                with _noted(failures, video):
                    start(job)
    return {video: (jobs[video].foreseen if video in jobs else {}, failures.get(video, "")) for video in videos}


def _only_path(setting: str, config: Config) -> bool:
    return bool(setting) and config.sweep.render is not SweepRender.all


@contextmanager
def _noted(failures: dict[Video, str], video: Video) -> Iterator[None]:
    try:
        yield
    except (StillwalkError, OSError) as error:
        failures[video] = str(error)


def _job(video: Video, setting: str, config: Config, models: Models, cache: Path, history: History) -> DryJob:
    if absent := missing_reason(video):
        raise StillwalkError(absent)
    with suppress(VideoError):  # of what cannot be read: the first stage would say so
        preflight.check_video(config, video)
    digest = sha256_of(video.path) if video.path else ""
    graph, only_path = Graph(cache, ""), _only_path(setting, config)
    job = DryJob(video, video.path or Path(), digest, config, models, graph, "", setting, only_path, history=history)
    if video.path is None:
        job.foreseen["demo"] = job.foresee(DemoRequest(config.demo), [], set())
        drawn = job.foreseen["demo"].artifact
        job = replace(job, digest=drawn.files["demo.mp4"].sha256 if drawn else "")
    return job


def _line(fate: Foreseen) -> str:
    if fate.status == CACHED:
        return fate.status
    if fate.status in (MAY_RUN, MAY_FAIL):
        return f"{fate.status} {fate.why}"
    took = "" if fate.seconds is None else f"about {_time(fate.seconds)}"
    return f"{fate.status}  {took:<14} {fate.why}"


def _sum(waiting: dict[tuple[str, str], Foreseen], videos: int, workers: int) -> str:
    of = f"of {videos} video{'s' if videos > 1 else ''}"
    if not waiting:
        return f"nothing {of} would run; nothing was done"
    known = [fate.seconds for fate in waiting.values() if fate.seconds is not None]
    left = len(waiting) - len(known)
    pieces = [
        Piece(name, fate.seconds or 0.0, frozenset[Hashable](fate.after), fate.group) for name, fate in waiting.items()
    ]
    clock = f"about {_time(on_the_clock(pieces, workers))} with workers={workers}"
    cost = [f"{clock} ({_time(sum(known))}, stage by stage)"] if known else []
    cost += [f"{left} never timed before"] if left else []
    plural = "s" if len(waiting) > 1 else ""
    return f"{len(waiting)} stage{plural} {of} would run: {', '.join(cost)}; nothing was done"


def _time(seconds: float) -> str:
    if seconds < 60:
        return f"{max(seconds, 0.1):.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
