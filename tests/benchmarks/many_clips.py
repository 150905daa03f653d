"""What the head spends on many clips: every stage is replaced by its recorded files and a sleep of its recorded length.

    python -m tests.benchmarks.many_clips [--clips 1000] [--workers 16] [--slower 1.0] [VIDEO]

VIDEO (default: the drawn walker) is run once for real, with three settings. Then a sweep of the same settings over so
many clips is run, in which 16 threads stand for the workers: each copies what was recorded, and sleeps as long as it
took. Head time is the CPU time of the process and its threads by the number of computed tasks. That of the stand-ins,
who copy files, is part of it, and is told beside it. So is that of the run's own Prefect server, a process of its own.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from conf.enums import Server
from flows.prefect_server import own_server, server_choice
from tests.benchmarks.measuring import ROOT

SETTINGS: Final = ("smoothing.window=5", "smoothing.window=9", "smoothing.window=15")
COMMON: Final = ("outputs=[stabilized,pose]", "border=mirror", "encode=x264")
SMALL: Final = ("demo.seconds=1", "demo.width=640", "demo.height=360")


class Recorded:
    """Computes nothing: gives the files and facts of the recorded run, after as long as it took. A ``Compute``."""

    def __init__(self, cache: Path, slower: float) -> None:
        from tasks.cache.entries import entries, stages

        self._slower = slower
        self._artifacts: dict[str, Any] = {
            _same_for_all_clips(entry.compute, entry.shaped_by["request"]): entry.artifact
            for stage in stages(cache)
            for entry in entries(cache, stage)
        }
        self.busy_s = 0.0
        self.stand_in_cpu_s = 0.0
        self.tasks = 0
        self._counting = threading.Lock()

    def __call__(self, work: Any, tick: Any, tell: Any) -> None:
        """Copy and sleep; several that are made together take as long as the longest."""
        from tasks.cache.keys import canonical

        began_s, cpu_began_s = time.perf_counter(), time.thread_time()
        found = [self._artifacts[_same_for_all_clips(one.compute, canonical(one))] for one in work.requests]
        for request, folder, artifact in zip(work.requests, work.folders, found, strict=True):
            for name in artifact.files:
                shutil.copyfile(artifact.path(name), folder / name)
            if request.stage == "decode":  # what tells the clips apart
                clip = folder / "clip.json"
                clip.write_text(json.dumps({**json.loads(clip.read_text()), "digest": request.digest}))
        until_s = began_s + self._slower * max(artifact.seconds for artifact in found)
        while time.perf_counter() < until_s:
            time.sleep(min(0.1, max(0.0, until_s - time.perf_counter())))
            tick(0)
        with self._counting:
            self.tasks += 1
            self.busy_s += time.perf_counter() - began_s
            self.stand_in_cpu_s += time.thread_time() - cpu_began_s
        for place, artifact in enumerate(found):
            tell(place, dict(artifact.facts))


def _same_for_all_clips(compute: str, request: dict[str, Any]) -> str:
    """What a request asks for, whichever clip it is about: the other artifacts that it takes are the recorded ones.

    So each setting gets its own path and videos. With one for all, two of three renders had only waited for the first.
    """
    return f"{compute} {json.dumps({**request, 'clip': None, 'digest': ''}, sort_keys=True)}"


def main() -> None:
    asked = arguments()
    with tempfile.TemporaryDirectory(prefix="stillwalk-bench-") as scratch:
        os.environ["PREFECT_HOME"] = str(Path(scratch) / ".prefect")
        server_choice.choose_server(Server.ephemeral, Path(scratch))
        own = own_server.start_own_server()
        own.wait()
        try:
            print(measured(asked, Path(scratch)))
        finally:
            own.end()


def measured(asked: argparse.Namespace, work: Path) -> str:
    """The row of the table."""
    video = ["video=demo", *SMALL] if asked.video is None else [f"video={asked.video.absolute()}"]
    windows = ",".join(one.partition("=")[2] for one in SETTINGS)
    command = [sys.executable, "-m", "flows.stabilize", "-m", *video, *COMMON, f"smoothing.window={windows}"]
    # As a process of its own: its models are not to count as memory of the head.
    subprocess.run([*command, f"output_dir={work / 'once'}"], cwd=ROOT, check=True)
    recorded = Recorded(work / "once" / ".cache", asked.slower)
    before = server_cpu_s()
    row = replayed(asked, work, recorded)
    return f"{row}; server {1000 * (server_cpu_s() - before) / recorded.tasks:.1f} ms of CPU a task"


def replayed(asked: argparse.Namespace, work: Path, recorded: Recorded) -> str:
    """Run the sweep over many clips, and say what the head spent."""
    import flows.cli.command  # noqa: F401 - as a real run does: it sets the garbage collector
    from flows import run, runner
    from flows.config import settings

    settings.register_schema()
    video = asked.video or next((work / "once" / ".cache" / "demo").glob("*/demo.mp4"))
    clips = work / "clips"
    clips.mkdir()
    for number in range(asked.clips):
        (clips / f"{number:05}.mp4").write_bytes(video.read_bytes() + number.to_bytes(8, "big"))
    setattr(runner, "here", recorded)  # noqa: B010 - what a run takes for threads
    before, began_s = cpu_s(), time.perf_counter()
    status, results = run.results_of_sweep(sweep([f'video="{clips}"'], work / "many", asked.workers), "many")
    wall_s, head_s = time.perf_counter() - began_s, cpu_s() - before
    if status or len(results) != asked.clips * len(SETTINGS):
        raise SystemExit(f"the run ended with {status}, {len(results)} results")
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1.024e-3
    busy = recorded.busy_s / (wall_s * asked.workers)
    stand_ins_ms = 1000 * recorded.stand_in_cpu_s / recorded.tasks
    a_task = f"{1000 * head_s / recorded.tasks:.1f} ms a task ({stand_ins_ms:.1f} of the stand-ins)"
    spent = f"head {head_s:.0f} s of CPU, {a_task}, {peak_mb:.0f} MB"
    mean_s = recorded.busy_s / recorded.tasks
    done = f"{asked.clips} clips x {len(SETTINGS)}: {recorded.tasks} tasks of {mean_s:.2f} s in {wall_s:.0f} s"
    return f"{done}; {spent}; {asked.workers} workers {busy:.0%} busy"


def sweep(video: Sequence[str], output_dir: Path, workers: int) -> list[Any]:
    """The settings of a sweep of one video or a folder."""
    from flows.sweep import name_settings

    common = [*video, *COMMON, f'output_dir="{output_dir}"', f'cache_dir="{output_dir}/.cache"', f"workers={workers}"]
    return name_settings([[*common, one] for one in SETTINGS], common)


def cpu_s() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def server_cpu_s() -> float:
    """That of the run's own server, a child of this process. Linux only."""
    for child in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has just ended
            fields = child.read_text().rpartition(")")[2].split()
            if int(fields[1]) == os.getpid() and b"local_server" in child.with_name("cmdline").read_bytes():
                return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime of proc(5)
    raise SystemExit("the Prefect server has ended")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.many_clips",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("video", nargs="?", type=Path, help="the clip that is recorded")
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=16)
    parser.add_argument("--slower", type=float, default=1.0, help="by which the recorded times are multiplied")
    return parser.parse_args()


if __name__ == "__main__":
    main()
