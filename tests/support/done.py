"""A cache that is filled by hand: no model, no server, and the real requests and keys."""

import hashlib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from conf.config import Config
from flows.graph.nodes import AnyHandle, Given, Graph
from flows.graph.stage_requests import RequestedStages
from flows.jobs import Job
from flows.pipeline import pipeline
from flows.videos import Video
from tasks.cache import making
from tasks.cache.keys import shaped_by, stage_key
from tasks.errors import NobodyFound
from tasks.records import AnyArtifact, Clip, ColorTags

DIGESTS = {"pose": {"full": "f0"}, "masks": {"general": "g0"}}
NOBODY = "no person found in 100 frames; check that it shows a person"
PLAIN: dict[str, Any] = {
    "rotation_deg": 0,
    "pixel_aspect": "1",
    "rate_hz": "30",
    "time_base_s": "1/30",
    "variable_rate": False,
    "frames": 100,
    "frames_declared": 100,
    "start_s": 0.0,
    "duration_s": 100 / 30,
    "codec": "h264",
    "pixel_format": "yuv420p",
    "color": ColorTags(),
    "sound": (),
    "broken": "",
}


def never() -> None: ...


@dataclass(frozen=True)
class DoneJob:
    """A job whose stages are to be done: the picture and the room in it are of ``size_px``; ``blind`` finds nobody."""

    job: Job
    size_px: tuple[int, int] = (640, 480)
    blind: str = ""  # title of a stage


def done_job(clip: Path, config: Config, size_px: tuple[int, int] = (640, 480), blind: str = "") -> DoneJob:
    """The job of a file, which need not be a video."""
    digest = hashlib.sha256(clip.read_bytes()).hexdigest()
    return DoneJob(Job(Video(clip.stem, clip), clip, digest, config, DIGESTS, "run"), size_px, blind)


class Recorder(Graph):
    """A graph whose stages are done at once: each leaves one file that tells what it was asked."""

    def __init__(self, cache: Path, jobs: Sequence[DoneJob]) -> None:
        super().__init__(cache)
        self.done: dict[AnyHandle, AnyArtifact] = {}
        self._jobs = {one.job.asker: one for one in jobs}

    def record(self) -> None:
        for unit in self.take_new():
            for handle in unit.handles:
                if set(handle.takes) <= set(self.done):
                    with suppress(NobodyFound):
                        self.done[handle] = self._made(handle)

    def _made(self, handle: AnyHandle) -> AnyArtifact:
        one, given = self._jobs[handle.askers[0]], Given(self.done)
        sizes = {shared: shared.resolve(given, self.done.__contains__) for shared in handle.shares}
        asked = handle.request(Given(self.done, sizes))
        about = {"video": one.job.video.name, "sha256": one.job.digest, "shaped_by": shaped_by(asked)}

        def compute(folder: Path) -> dict[str, Any]:
            if handle.title == one.blind:
                raise NobodyFound(NOBODY)
            shown = {name: str(getattr(asked, name)) for name in ("settings", "digest") if hasattr(asked, name)}
            size = {"size_px": one.size_px} if asked.stage == "room" else {}
            (folder / f"{asked.stage}.json").write_text(json.dumps(shown | size))
            if asked.stage == "decode":
                clip = Clip(digest=one.job.digest, width_px=one.size_px[0], height_px=one.size_px[1], **PLAIN)
                (folder / "clip.json").write_text(json.dumps(asdict(clip)))
            return {"frames": 100, "everybody": [1, 2]}

        return making.make(self._cache, asked.stage, stage_key(asked), "run", compute, waiting=never, about=about)


def do_all(cache: Path, jobs: Sequence[DoneJob]) -> None:
    """Do all stages of the videos of one run."""
    recorder = Recorder(cache, jobs)
    for one in jobs:
        pipeline(RequestedStages(one.job, recorder), one.job.config)
    recorder.record()
