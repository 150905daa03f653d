"""What would become of each stage of a run, from what lies in the cache: the graph of a dry run.

It makes the same requests and keys as a run, as long as what a stage takes is in the cache. Behind a stage that would
run no key is known, since a key is made of the bytes that the earlier stages give.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from conf.clip import ClipConf
from flows.dry_run.differences import differences
from flows.dry_run.history import History
from flows.graph.nodes import AnyHandle, Asker, Given, Graph, SharedSize, Unit
from flows.graph.request_settings import without_time
from flows.graph.shared_window import Size
from flows.jobs import Job, with_own_path
from tasks.cache.keys import canonical, shaped_by, stage_key
from tasks.cache.store import broken_files, finding, read_mark
from tasks.errors import StillwalkError, size_text
from tasks.records import AnyArtifact, Artifact
from tasks.requests import AnyRequest, DecodeRequest, DemoRequest, DownloadRequest

CACHED, MAY_RUN, MAY_FAIL, RUNS = "cached", "stays cached", "fails", "runs"
NOTHING: AnyArtifact = Artifact("", "", "", {}, {}, "", 0.0)  # stands in a request for what is not known yet
MOST_NAMED_STAGES = 2
SOME_SIZE_PX: Size = (16, 16)  # stands for a shared size that is not known yet


@dataclass(frozen=True)
class Fate:
    """What would become of a stage; ``artifact`` is what it holds, or gives if its bytes come out as before."""

    status: str
    why: str = ""
    seconds: float | None = None  # that computing would take
    artifact: AnyArtifact | None = None

    @property
    def known(self) -> bool:
        """Whether its files can be read, and are those that it gives if its bytes come out as before."""
        return self.status in (CACHED, MAY_RUN)


class Forecast(Graph):
    """A graph that submits nothing: every stage that was asked for is looked up in the cache.

    ``fates`` are those of all stages that would begin, ``units`` what would be computed by one task each, in the order
    of a run. ``failures`` says why a video with a setting is known to fail; its later stages have no fate.
    """

    def __init__(self, cache: Path, workers: int = 1) -> None:
        super().__init__(cache, workers)
        self.fates: dict[AnyHandle, Fate] = {}
        self.units: list[Unit] = []
        self.failures: dict[Asker, str] = {}
        self._history = History(cache)
        self._jobs: dict[Asker, Job] = {}

    def look_up(self, jobs: Iterable[Job]) -> None:
        """Find the fate of what was asked for since the last call, for ``jobs`` and those before."""
        self._jobs |= {job.asker: job for job in jobs}
        for unit in self.take_new():
            self.units.append(unit)
            for handle in unit.handles:
                if not all(asker in self.failures for asker in handle.askers):
                    self._look_up(handle)

    def _look_up(self, handle: AnyHandle) -> None:
        try:
            self.fates[handle] = self._fate(handle)
        except (StillwalkError, OSError) as error:  # a finding in the cache, or a video that cannot be read
            failed = {asker: self._jobs[asker] for asker in handle.askers}
            self.failures |= {asker: with_own_path(str(error), handle.source, job) for asker, job in failed.items()}

    def _fate(self, handle: AnyHandle) -> Fate:
        """The fate of a stage, by those of the stages that it waits for; raises the finding that would end it."""
        job = self._jobs[handle.askers[0]]
        own = {taken: self.fates[taken] for taken in handle.takes}
        made = {taken: fate.artifact or NOTHING for taken, fate in own.items()}
        sizes = {shared: self._size(shared) for shared in handle.shares}
        asked = handle.request(Given(made, sizes))
        unknown = {name for name, value in vars(asked).items() if value is NOTHING}
        if isinstance(asked, DecodeRequest) and NOTHING in made.values():  # of a walker that is not drawn yet
            unknown.add("digest")
        behind = [taken.title for taken, fate in own.items() if fate.status != CACHED]
        for shared in handle.shares:
            behind += [name for name in self._waiting(shared, handle.askers[0].video) if name not in behind]
            if not self._is_known(shared):
                other = handle.request(Given(made, sizes | {shared: SOME_SIZE_PX}))
                unknown |= {name for name, value in vars(asked).items() if value != vars(other)[name]}
        return self._compared(asked, job, behind, unknown)

    def _size(self, shared: SharedSize) -> Size | None:
        """The same as in a run where the fates of all stages that decide it are known; else none."""
        if not self._is_known(shared):
            return None
        made = {handle: fate.artifact for handle, fate in self.fates.items() if fate.artifact}
        return shared.resolve(Given(made), self.fates.__contains__)

    def _is_known(self, shared: SharedSize) -> bool:
        needs = (need for member in shared.members for need in member.needs)
        return all(self.fates[need].known for need in needs if need in self.fates)

    def _waiting(self, shared: SharedSize, video: str) -> list[str]:
        """The stage of this video that decides the size, and those of others, as far as they are not cached."""
        last = [member.needs[-1] for member in shared.members]
        waiting = [need for need in last if need in self.fates and self.fates[need].status != CACHED]
        others = [need.askers[0].video for need in waiting if need.askers[0].video != video]
        title = last[0].title
        named = [title] if len(others) < len(waiting) else []
        if len(others) == 1:
            return [*named, f"{title} of {others[0]}"]
        return [*named, f"{title} of {len(others)} other videos"] if others else named

    def _compared(self, asked: AnyRequest, job: Job, behind: list[str], unknown: set[str]) -> Fate:
        """The fate of a stage behind others that would run, of which some give bytes that are not known yet.

        Raises the finding that would end it, where it is behind none.
        """
        same = f"if {_same_again(behind)}" if behind else ""
        place = self._cache, asked.stage, stage_key(asked)
        known = None if unknown else finding(*place)
        if known is not None and not behind:
            raise known
        if known is not None:
            return Fate(MAY_FAIL, f"{same}: {known}")
        marked = None if unknown else read_mark(Path(*place))
        if marked is None:
            return self._first_or_changed(asked, job, behind, unknown)
        artifact, _ = marked
        broken = broken_files(artifact)
        if broken:
            are = "is" if len(broken) == 1 else "are"
            why = f"{', '.join(broken)} {are} missing or damaged in the cache"
            return Fate(RUNS, why, artifact.seconds, artifact)
        return Fate(MAY_RUN if behind else CACHED, same, None, artifact)

    def _first_or_changed(self, asked: AnyRequest, job: Job, behind: list[str], unknown: set[str]) -> Fate:
        if isinstance(asked, DownloadRequest):
            return Fate(RUNS, f"{size_text(asked.size)} to download")
        now = shaped_by(asked)

        def changes(before: dict[str, Any]) -> list[str]:
            return differences(asked.stage, now, before, unknown, job.config.background.image)

        digest = "" if isinstance(asked, DemoRequest) else job.digest
        own = (asked.stage, asked.compute)
        nearest = self._history.nearest(*own, job.video.name, digest, lambda before: len(changes(before)))
        frames = 0 if asked.stage == "decode" and digest == job.digest and nearest else self._frames(job)
        seconds = self._history.seconds(*own, digest, frames, nearest)
        if nearest is None:
            return Fate(RUNS, "first time", seconds)
        found = changes(nearest.shaped_by)
        if not behind:
            return Fate(RUNS, "; ".join(found) or "its entry is not readable", seconds)
        because = f"because {_and(behind)} {'runs' if len(behind) == 1 else 'run'}"
        if found or nearest.digest != digest:
            return Fate(RUNS, "; ".join([*found, because]), seconds)
        return Fate(RUNS, f"unless {_same_again(behind)}", seconds)

    def _frames(self, job: Job) -> int:
        """Frames of the part of this video that is used, as far as they are known without decoding it; else 0."""
        part, demo = job.config.clip, job.config.demo
        known = self._history.frames(job.digest, canonical(without_time(part))) if job.digest else 0
        if known or (job.video.address and not job.digest):  # it is not downloaded yet
            return known
        if not job.video.is_drawn:
            return _frames_within(part, *_declared_length(job.source))
        return _frames_within(part, round(demo.seconds * float(demo.rate)), float(demo.rate))


def _frames_within(part: ClipConf, frames: int, rate_hz: float) -> int:
    """How many of a file's frames belong to the part."""
    if part.whole or not rate_hz:
        return frames
    end = frames if part.to_s is None else min(frames, part.to_s * rate_hz)
    return max(0, round(end - (part.from_s or 0.0) * rate_hz))


@lru_cache
def _declared_length(path: Path) -> tuple[int, float]:
    from tasks.media.input import probe  # loads PyAV, which is needed for new videos only

    return probe.probe_length(path)


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _same_again(names: list[str]) -> str:
    who = _and(names) if len(names) <= MOST_NAMED_STAGES else "the stages before it"
    return f"{who} {'gives' if len(names) == 1 else 'give'} the same as before"
