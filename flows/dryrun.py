"""``plan=true``: per video which stages would run, which are cached, and why. Nothing is computed or written.

It walks the same stages as a run and makes the same keys, for as long as what a stage takes is in the cache; behind a
stage that would run, keys cannot be known, for they are made of the bytes that it gives. No Prefect is loaded.
"""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from conf.choices import SweepRender
from conf.schema import Config
from flows import preflight
from flows.clock import Piece, on_the_clock
from flows.differences import differences
from flows.graph import Graph, title
from flows.history import History
from flows.inputs import Video, find_videos, missing
from flows.plan import NAMES, PATH, STAGES, Job
from tasks.errors import StillwalkError, VideoError
from tasks.keys import shaped_by, stage_key
from tasks.records import Artifact
from tasks.requests import DecodeRequest, DemoRequest, Request
from tasks.store import broken_files, read_mark, sha256_of
from tasks.turns import Group

CACHED, MAY_RUN, RUNS = "cached", "may stay cached", "runs"


@dataclass(frozen=True)
class Foreseen:
    """What would become of a stage; ``artifact`` is what it holds, or gives if its bytes come out as before."""

    status: str
    why: str = ""
    seconds: float | None = None  # that computing would take
    artifact: Artifact | None = None
    identity: str = ""  # equal for the same request behind the same ones
    after: tuple[str, ...] = ()  # identities of what it takes
    group: Group | None = None  # those that it would be computed with, side by side


@dataclass(frozen=True)
class DryJob(Job):
    """A job that submits nothing: every stage that is started is looked up, and its fate noted by title."""

    history: History = field(kw_only=True)
    foreseen: dict[str, Foreseen] = field(default_factory=dict, kw_only=True)

    def start(self, request: type[Any], takes: tuple[str, ...], *, beside: Group | None = None, **fields: Any) -> None:
        """Foresee a stage that takes the artifacts of earlier ones."""
        drawn = ("demo",) if request is DecodeRequest and "demo" in self.foreseen else ()
        behind = [name for name in (*drawn, *takes) if self.foreseen[name].status != CACHED]
        held = {name: self.foreseen[name].artifact for name in takes}
        nothing = Artifact("", "", "", {}, {}, "", 0.0)
        asked = request(**fields, **{NAMES.get(name, name): artifact or nothing for name, artifact in held.items()})
        unknown = {NAMES.get(name, name) for name, artifact in held.items() if artifact is None}
        if drawn and self.foreseen["demo"].artifact is None:
            unknown.add("digest")
        identity = "<".join([stage_key(asked), *(self.foreseen[name].identity for name in takes)])
        after = tuple(self.foreseen[name].identity for name in (*drawn, *takes))
        fate = self.foresee(asked, behind, unknown)
        self.foreseen[title(request)] = replace(fate, identity=identity, after=after, group=beside)

    def foresee(self, asked: Request, behind: list[str], unknown: set[str]) -> Foreseen:
        """The fate of a stage behind others that would run, of which some give bytes that are not known yet."""
        marked = None if unknown else read_mark(self.graph.cache / asked.stage / stage_key(asked))
        if marked is None:
            return self._first_or_changed(asked, behind, unknown)
        artifact, _ = marked
        broken = broken_files(artifact)
        if broken:
            are = "is" if len(broken) == 1 else "are"
            why = f"{', '.join(broken)} {are} missing or damaged in the cache"
            return Foreseen(RUNS, why, artifact.seconds, artifact)
        why = f"where {_and(behind)} {_gives(behind)} the same bytes again" if behind else ""
        return Foreseen(MAY_RUN if behind else CACHED, why, None, artifact)

    def _first_or_changed(self, asked: Request, behind: list[str], unknown: set[str]) -> Foreseen:
        now = shaped_by(asked)

        def changes(before: dict[str, Any]) -> list[str]:
            return differences(asked.stage, now, before, unknown)

        digest = "" if isinstance(asked, DemoRequest) else self.digest
        own = (asked.stage, asked.compute)
        nearest = self.history.nearest(*own, self.video.name, digest, lambda before: len(changes(before)))
        seconds = self.history.seconds(*own, digest, self._frames(), nearest)
        if nearest is None:
            return Foreseen(RUNS, "first time", seconds)
        found = changes(nearest.shaped_by)
        if not behind:
            return Foreseen(RUNS, "; ".join(found) or "its entry is not readable", seconds)
        because = f"because {_and(behind)} {'runs' if len(behind) == 1 else 'run'}"
        if found or nearest.digest != digest:
            return Foreseen(RUNS, "; ".join([*found, because]), seconds)
        return Foreseen(RUNS, f"{because} (may stay cached where its bytes come out the same)", seconds)

    def _frames(self) -> int:
        """Frames of this video as far as they are known without decoding it; else 0."""
        if self.video.path is None:
            return round(self.config.demo.seconds * float(self.config.demo.rate))
        return self.history.frames(self.digest) or _declared_frames(self.video.path)


@lru_cache
def _declared_frames(path: Path) -> int:
    from tasks.media import probe  # loads PyAV, which is needed for new videos only

    return probe.probe_length(path)[0]


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _gives(names: list[str]) -> str:
    return "gives" if len(names) == 1 else "give"


def dry_run(asked: list[tuple[str, Config]], cache: Path) -> int:
    """Print what a run would do, and what it would cost; ``asked`` are its settings with their names in a sweep.

    The exit status: 1 where it is known that a video would fail.
    """
    history = History(cache)
    waiting: dict[tuple[str, str], tuple[int, Foreseen]] = {}  # what several settings wait for alike is there once
    videos: set[Video] = set()
    failed = 0
    for setting, config in asked:
        models = preflight.model_digests(config)
        for video in find_videos(config.video):
            videos.add(video)
            print(f"{video.name}{setting and f' {setting}'}: {video.place}")
            try:
                job = _foreseen(video, setting, config, models, cache, history)
            except (StillwalkError, OSError) as error:
                print(f"  would fail: {error}")
                failed += 1
                continue
            width = max(len(name) for name in job.foreseen)
            for name, fate in job.foreseen.items():
                print(f"  {name:<{width}}  {_line(fate)}".rstrip())
            for stage, fate in enumerate(job.foreseen.values()):
                if fate.status == RUNS:
                    waiting.setdefault((video.name, fate.identity), (stage, fate))
    in_order = dict(sorted(waiting.items(), key=lambda item: item[1][0]))  # a run goes stage by stage
    print(_sum({name: fate for name, (_, fate) in in_order.items()}, len(videos), asked[0][1].workers))
    if any(setting and config.sweep.render is SweepRender.best for setting, config in asked):
        print("the videos of each one's best setting come on top: which that is, the paths decide")
    return int(failed > 0)


def _foreseen(
    video: Video, setting: str, config: Config, models: dict[str, dict[str, str]], cache: Path, history: History
) -> DryJob:
    if absent := missing(video):
        raise StillwalkError(absent)
    with suppress(VideoError):  # of what cannot be read: the first stage would say so
        preflight.check_video(config, video)
    digest = sha256_of(video.path) if video.path else ""
    graph, only_path = Graph(cache, ""), bool(setting) and config.sweep.render is not SweepRender.all
    job = DryJob(video, video.path or Path(), digest, config, models, graph, "", setting, only_path, history=history)
    if video.path is None:
        job.foreseen["demo"] = job.foresee(DemoRequest(config.demo), [], set())
        drawn = job.foreseen["demo"].artifact
        job = replace(job, digest=drawn.files["demo.mp4"].sha256 if drawn else "")
    for start in PATH if job.metrics_only else STAGES:
        start(job)
    return job


def _line(fate: Foreseen) -> str:
    if fate.status == CACHED:
        return fate.status
    if fate.status == MAY_RUN:
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
        Piece((video, identity), fate.seconds or 0.0, frozenset((video, one) for one in fate.after), fate.group)
        for (video, identity), fate in waiting.items()
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
