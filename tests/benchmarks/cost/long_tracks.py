"""How much memory the stages without models take, by the length of a clip.

    python -m tests.benchmarks.cost.long_tracks FOLDER [--times 50]

The pose stage looks at 12 s of the drawn walker once. What it found is repeated, as often as ``--times`` says. Then
each stage runs in a process of its own: on the 12 s first, so that all is loaded, and then on the long clip. FOLDER
keeps what was found.
"""

import argparse
import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from flows.config import settings
from tasks.cache.store import sha256_of
from tasks.execution.memory import give_back, stay_small
from tasks.media.files.masks_file import mask_writer, read_masks
from tasks.media.files.tables import read_table, write_table
from tasks.records import Artifact, StoredFile
from tasks.requests import (
    AnyRequest,
    ChartsRequest,
    OffsetsRequest,
    PeopleRequest,
    SubjectRequest,
    TrajectoryRequest,
)
from tests.support.stages import Watched, watched

CLIP: Final = ["demo.width=320", "demo.height=180", "demo.seconds=12"]
HEAD: Final = ["stage", "frames", "at its peak, MB", "afterwards, MB", "digest of its files"]
Found = dict[str, Artifact[Any]]
"""What each stage gave, by its name."""
Ask = Callable[[Found], AnyRequest]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.cost.long_tracks")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="where what was found is kept")
    parser.add_argument("--times", type=int, default=50, help="how often the 12 s are repeated")
    asked = parser.parse_args()
    stay_small()  # the processes inherit which allocator Arrow has
    seen = watched(asked.folder.absolute(), CLIP)
    for cells in (HEAD, ["---"] * len(HEAD)):
        print("| " + " | ".join(cells) + " |", flush=True)
    with TemporaryDirectory() as scratch:
        short, long = (
            repeated(seen, times, made(Path(scratch) / name)) for times, name in ((1, "short"), (asked.times, "long"))
        )
        for stage, ask in requests().items():
            folders = [made(Path(scratch) / f"{stage}-{name}") for name in ("short", "long")]
            with ProcessPoolExecutor(1, get_context("spawn")) as process:
                peak_mb, left_mb = process.submit(measured, [ask(short), ask(long)], folders).result()
            for found, folder in zip((short, long), folders, strict=True):
                found[stage] = artifact(stage, folder)
            frames = json.loads(long["decode"].path("clip.json").read_text())["frames"]
            digest = "".join(file.sha256[:3] for file in long[stage].files.values())
            print(f"| {stage} | {frames} | {peak_mb:.0f} | {left_mb:.0f} | {digest} |", flush=True)


def requests() -> dict[str, Ask]:
    """How each stage is asked, in order."""
    config = settings.load(["video=demo"])
    return {
        "people": lambda found: PeopleRequest(found["decode"], found["pose"], config.subject.min_seen_s),
        "subject": lambda found: SubjectRequest(found["decode"], found["pose"], config.subject),
        "offsets": lambda found: OffsetsRequest(
            found["decode"], found["subject"], config.anchor, config.target, config.crop
        ),
        "trajectory": lambda found: TrajectoryRequest(
            found["decode"],
            found["subject"],
            found["offsets"],
            config.smoothing,
            config.crop,
            config.lock,
            found=found["pose"],
        ),
        "charts": lambda found: ChartsRequest(
            *(found[name] for name in ("decode", "subject", "offsets", "trajectory"))
        ),
    }


def repeated(seen: Watched, times: int, folder: Path) -> Found:
    """The clip and what was found in it, ``times`` one after the other."""
    frames_s = read_table(seen.clip.path("frames.parquet"))
    frames, lasts_s = len(frames_s["frame"]), float((frames_s["time_s"] + frames_s["duration_s"]).max())
    lasts = round(lasts_s / frames_s["time_s"][1] * frames_s["pts"][1])
    clip = json.loads(seen.clip.path("clip.json").read_text())
    longer = {name: clip[name] * times for name in ("frames", "frames_declared", "duration_s")}
    (folder / "clip.json").write_text(json.dumps(clip | longer))
    steps = {"frame": frames, "time_s": lasts_s, "pts": lasts}
    for found in (seen.clip, seen.found):
        for name in found.files:
            source, target = found.path(name), folder / name
            if name.endswith(".parquet"):
                write_table(
                    target, {key: on(column, times, steps.get(key, 0)) for key, column in read_table(source).items()}
                )
            elif name == "bodies.npz":
                with mask_writer(target) as writer:
                    for _ in range(times):
                        for mask in read_masks(source):
                            writer.write(mask)
            elif name != "clip.json":
                copyfile(source, target)
    whole = artifact("pose", folder)
    return {"decode": whole, "pose": whole}


def on(column: NDArray[Any], times: int, step: float) -> NDArray[Any]:
    """A column (n,), ``times`` one after the other (n * times,); each is larger by ``step`` than the one before."""
    if not step:
        return np.tile(column, times)
    later = (np.arange(times) * step).astype(column.dtype)
    return np.asarray(column + later[:, None]).ravel()


def artifact(stage: str, folder: Path) -> Artifact[Any]:
    files = {path.name: StoredFile(sha256_of(path), path.stat().st_size, 0) for path in sorted(folder.iterdir())}
    return Artifact(stage, stage, str(folder), files, {}, "measured", 0.0)


def measured(asked: list[AnyRequest], folders: list[Path]) -> tuple[float, float]:
    """MB that the process took above what it began with, at its peak and afterwards, while it computed the last one."""
    stay_small()
    before_mb = 0.0
    for request, folder in zip(asked, folders, strict=True):
        give_back()
        before_mb = status_mb("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak until now
        module, function = request.compute.split(":")
        getattr(import_module(module), function)(request, folder, lambda _: None)
    peak_mb = status_mb("VmHWM")
    give_back()
    return peak_mb - before_mb, status_mb("VmRSS") - before_mb


def status_mb(field: str) -> float:
    """A field of the process's status, such as VmRSS or VmHWM."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (kb,) = (line.split()[1] for line in lines if line.startswith(f"{field}:"))
    return int(kb) * 1.024e-3


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


if __name__ == "__main__":
    main()
