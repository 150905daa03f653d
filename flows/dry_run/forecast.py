"""What would become of each stage of a video, from what lies in the cache: the job of a dry run.

It makes the same requests and keys as a run, for as long as what a stage takes is in the cache; behind a stage that
would run, keys cannot be known, for they are made of the bytes that it gives.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from flows.dry_run.differences import differences
from flows.dry_run.history import History
from flows.job import Job, Wish
from tasks.cache.keys import shaped_by, stage_key
from tasks.cache.store import broken_files, finding, read_mark
from tasks.execution.scheduler import Group
from tasks.records import Artifact
from tasks.requests import DecodeRequest, DemoRequest, Request

CACHED, MAY_RUN, MAY_FAIL, RUNS = "cached", "may stay cached", "may fail", "runs"
NOTHING = Artifact("", "", "", {}, {}, "", 0.0)  # stands in a request for what is not known yet


@dataclass(frozen=True)
class Foreseen:
    """What would become of a stage; ``artifact`` is what it holds, or gives if its bytes come out as before."""

    status: str
    why: str = ""
    seconds: float | None = None  # that computing would take
    artifact: Artifact | None = None
    identity: str = ""  # equal for the same request behind the same ones
    after: frozenset[tuple[str, str]] = frozenset()  # what it waits for: videos, each with an identity
    group: Group | None = None  # those that it would be computed with, side by side

    @property
    def known(self) -> bool:
        """Whether its files can be read, and are those that it gives if its bytes come out as before."""
        return self.status in (CACHED, MAY_RUN)


@dataclass(frozen=True)
class DryJob(Job):
    """A job that submits nothing: every stage that is started is looked up, and its fate noted by title.

    ``ask`` raises the finding that is known to be the end of the stage.
    """

    history: History = field(kw_only=True)
    foreseen: dict[str, Foreseen] = field(default_factory=dict, kw_only=True)

    def ask(self, wish: Wish) -> None:
        """Foresee it."""
        drawn = ("demo",) if wish.request is DecodeRequest and "demo" in self.foreseen else ()
        own = {name: self.foreseen[name] for name in (*drawn, *wish.takes)}
        made = {name: fate.artifact or NOTHING for name, fate in own.items()}
        asked = wish.request(**wish.fields, **wish.called(made))
        unknown = {name for name, artifact in wish.called(made).items() if artifact is NOTHING}
        if drawn and own["demo"].artifact is None:
            unknown.add("digest")
        behind = [name for name, fate in own.items() if fate.status != CACHED]
        waits = [(self.video.name, fate) for fate in own.values()]
        for shaped, stages in wish.shares.items():
            of_all = self._of_all(stages[-1])  # which waits for the others itself
            behind += [name for name in self._named(stages[-1], of_all) if name not in behind]
            unknown |= set() if self._all_known(stages) else {shaped}
            waits += of_all
        fate = self.foresee(asked, behind, unknown)
        identity = "<".join([stage_key(asked), *(fate.identity for _, fate in waits)])
        after = frozenset((video, before.identity) for video, before in waits)
        self.foreseen[wish.title] = replace(fate, identity=identity, after=after, group=wish.beside)

    def finished(self, *names: str) -> list[Artifact]:
        """The same as in a run where the fates of all these stages are known; else none."""
        jobs = [job for job in self._jobs() if set(names) <= set(job.foreseen)] if self._all_known(names) else []
        return [artifact for job in jobs if (artifact := job.foreseen[names[0]].artifact)]

    def _all_known(self, stages: Iterable[str]) -> bool:
        return all(fate.known for stage in stages for _, fate in self._of_all(stage))

    def _of_all(self, name: str) -> list[tuple[str, Foreseen]]:
        """The fates of a stage of all videos of this setting, each with its video; those that fail have none."""
        return [(job.video.name, job.foreseen[name]) for job in self._jobs() if name in job.foreseen]

    def _jobs(self) -> list["DryJob"]:
        return [job for job in self.group if isinstance(job, DryJob)]

    def _named(self, stage: str, of_all: list[tuple[str, Foreseen]]) -> list[str]:
        """The stage of this video and those of others, as far as they are not cached."""
        waiting = [video for video, fate in of_all if fate.status != CACHED]
        others = [video for video in waiting if video != self.video.name]
        named = [stage] if len(others) < len(waiting) else []
        if len(others) == 1:
            return [*named, f"{stage} of {others[0]}"]
        return [*named, f"{stage} of {len(others)} other videos"] if others else named

    def foresee(self, asked: Request, behind: list[str], unknown: set[str]) -> Foreseen:
        """The fate of a stage behind others that would run, of which some give bytes that are not known yet.

        Raises the finding that would end it, where it is behind none.
        """
        same = f"where {_and(behind)} {_gives(behind)} the same bytes again" if behind else ""
        place = self.graph.cache, asked.stage, stage_key(asked)
        known = None if unknown else finding(*place)
        if known is not None and not behind:
            raise known
        if known is not None:
            return Foreseen(MAY_FAIL, f"{same}: {known}")
        marked = None if unknown else read_mark(Path(*place))
        if marked is None:
            return self._first_or_changed(asked, behind, unknown)
        artifact, _ = marked
        broken = broken_files(artifact)
        if broken:
            are = "is" if len(broken) == 1 else "are"
            why = f"{', '.join(broken)} {are} missing or damaged in the cache"
            return Foreseen(RUNS, why, artifact.seconds, artifact)
        return Foreseen(MAY_RUN if behind else CACHED, same, None, artifact)

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
    from tasks.media.input import probe  # loads PyAV, which is needed for new videos only

    return probe.probe_length(path)[0]


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _gives(names: list[str]) -> str:
    return "gives" if len(names) == 1 else "give"
