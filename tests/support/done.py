"""A cache that is filled by hand: no model, no server, and the real requests and keys."""

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from conf.config import Config
from flows.graph import Graph
from flows.job import Job, Wish
from flows.pipeline import STAGES
from flows.videos import Video
from tasks.cache import store
from tasks.cache.keys import shaped_by, stage_key
from tasks.errors import NobodyFound
from tasks.records import Artifact, Clip, ColorTags

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
class DoneJob(Job):
    """A job whose stages are done at once: each leaves one file that tells what it was asked.

    Its picture and the room in it are of ``size_px``; the stage of the title ``blind`` finds nobody.
    """

    size_px: tuple[int, int] = field(default=(640, 480), kw_only=True)
    blind: str = field(default="", kw_only=True)
    done: dict[str, Artifact] = field(default_factory=dict, kw_only=True)

    def ask(self, wish: Wish) -> None:
        if not set(wish.takes) <= set(self.done):
            return
        asked = wish.request(**wish.fields, **wish.called(self.done))
        about = {"video": self.video.name, "sha256": self.digest, "shaped_by": shaped_by(asked)}

        def compute(folder: Path) -> dict[str, Any]:
            if wish.title == self.blind:
                raise NobodyFound(NOBODY)
            shown = {name: str(getattr(asked, name)) for name in ("settings", "digest") if hasattr(asked, name)}
            size = {"size_px": self.size_px} if asked.stage == "room" else {}
            (folder / f"{asked.stage}.json").write_text(json.dumps(shown | size))
            if asked.stage == "decode":
                clip = Clip(digest=self.digest, width_px=self.size_px[0], height_px=self.size_px[1], **PLAIN)
                (folder / "clip.json").write_text(json.dumps(asdict(clip)))
            return {"frames": 100}

        with suppress(NobodyFound):
            key, cache = stage_key(asked), self.graph.cache
            made = store.make(cache, asked.stage, key, "run", compute, waiting=never, about=about)
            self.done[wish.title] = made

    def finished(self, *names: str) -> list[Artifact]:
        jobs = (job for job in self.group if isinstance(job, DoneJob))
        return [job.done[names[0]] for job in jobs if set(names) <= set(job.done)]


def job(clip: Path, config: Config, cache: Path, **more: Any) -> DoneJob:
    """The job of a file, which need not be a video."""
    digest = hashlib.sha256(clip.read_bytes()).hexdigest()
    return DoneJob(Video(clip.stem, clip), clip, digest, config, DIGESTS, Graph(cache, "run"), "run", **more)


def do_all(jobs: list[DoneJob]) -> None:
    """Do all stages of the videos of one run."""
    for each in jobs:
        each.group.extend(jobs)
    for start in STAGES:
        for each in jobs:
            start(each)
