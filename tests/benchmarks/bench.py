"""The benchmark: this program beside its floor, on the same machine, the same clip, with the same settings.

    python -m tests.benchmarks.bench [VIDEO ...] [--loop 30] [--cases cold,length,workers] [--seconds 10,60,100]

Every run is a process of its own, started here and measured by what the kernel says of it when it has ended (wall, CPU,
peak memory). The Prefect server is started before and counts for nothing. Without VIDEO: the jogger of the sample
videos and the drawn walker. With --loop they are first repeated until they last so many seconds, so that starting,
which a run pays once, counts as little as in a clip of that length. The table goes to the terminal and to
``outputs/bench.md``.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av

from conf.showing import EncodeConf
from tests.benchmarks.bench_clips import FRAMES, drawn, loop, walkers
from tests.benchmarks.measuring import ROOT, Spent, program, server

SAMPLE = ROOT.parent / "shared" / "videos" / "gym_jog_moving_camera.mp4"
REPORT = ROOT / "outputs" / "bench.md"
AGAIN = "smoothing.window=9"
SMOOTHING_RERUNS = {"trajectory", "stabilized.mp4", "comparison.mp4", "person.mp4", "report.html"}
CLIPS = 8
RENDERED = ("stabilized.mp4", "comparison.mp4", "person.mp4")


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    case: str
    frames: int
    spent: Spent
    remark: str

    def cells(self) -> list[str]:
        spent = self.spent
        fps = f"{self.frames / spent.wall_s:.1f}" if self.frames and spent.wall_s else ""
        peak = f"{spent.peak_mb:.0f}" if spent.peak_mb else ""
        frames = str(self.frames or "")
        wall, cpu = (f"{seconds:.1f}" if seconds else "" for seconds in (spent.wall_s, spent.cpu_s))
        return [self.case, frames, wall, cpu, fps, peak, self.remark]


HEAD = ["", "frames", "wall s", "CPU s", "fps", "peak MB", "against its floor"]


def main() -> None:
    asked = arguments()
    cases = set(asked.cases.split(","))
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="stillwalk-bench-") as scratch, server(Path(scratch)) as api:
        work = Path(scratch)
        videos = asked.videos or [*([SAMPLE] if SAMPLE.is_file() else []), drawn(work / "drawn")]
        parts = []
        for number, video in enumerate(videos):
            folder = work / str(number)
            folder.mkdir()
            if "cold" in cases:
                clip = loop(video, folder / f"{video.stem}_looped.mp4", asked.loop) if asked.loop else video
                parts.append(section(f"{video.name}, {shape(video)}", against_floor(clip, folder, api)))
            if "length" in cases and number == 0:
                rows = by_length(video, folder, api, [float(length) for length in asked.seconds.split(",")])
                parts.append(section(f"{video.name}, end to end several times", rows))
        if "workers" in cases:
            parts.append(section(f"{CLIPS} drawn clips, three videos each", by_workers(work / "clips", api)))
    text = "\n\n".join([f"# What a run costs\n\n{machine(load)}", *parts]) + "\n"
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(text)
    print(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.bench", description="This program beside its floor."
    )
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument("--loop", type=float, default=0.0, metavar="S", help="of cold: repeat the clip up to S seconds")
    parser.add_argument(
        "--cases", default="cold,length", help="cold: against the floor; length: time and memory; workers: throughput"
    )
    parser.add_argument("--seconds", default="10,60,100", help="of length: how long, the first compared with the last")
    return parser.parse_args()


def against_floor(video: Path, folder: Path, api: str) -> list[Row]:
    """Cold, again with other smoothing, again with nothing to do; then the floor of the first two."""
    cold = program(video, folder, api)
    again = program(video, folder, api, AGAIN)
    ran = {stage["output"] or stage["stage"] for stage in record(folder, video)["stages"] if stage["status"] == "ran"}
    if ran != SMOOTHING_RERUNS:
        raise SystemExit(f"{AGAIN} ran {sorted(ran)}, not {sorted(SMOOTHING_RERUNS)}: was the program being edited?")
    idle = program(video, folder, api, AGAIN)
    parts = floor(video, folder / "out" / video.stem)
    encode = added(*(parts[name] for name in RENDERED))
    decode = parts["decode"]
    check = added(*(parts[f"decode {name}"] for name in RENDERED))
    beside = parts["side by side"]
    least, busiest = (added(decode, parts["pose"], parts["masks"], way) for way in (encode, beside))
    frames = int(record(folder, video)["clip"]["frames"])
    names = (("decode", "plain decode"), ("pose", "plain pose"), ("masks", "plain masks"))
    return [
        Row("cold, three videos", frames, cold, f"CPU {ratios(cold, idle, busiest, check)}; wall {busy(cold)} of CPU"),
        Row("other smoothing", frames, again, f"CPU {ratios(again, idle, added(decode, beside), check)}"),
        Row("nothing to do", 0, idle, "starting, imports, cache"),
        Row("floor", frames, Spent(0, busiest.cpu_s), "decode + pose + masks + three times encode, side by side"),
        Row("... one after the other", frames, least, ""),
        Row("... plain decode of the three", frames, check, "the check that each is whole: not in the floor above"),
        *(Row(f"... {title}", frames, parts[name], "") for name, title in names),
        *(Row(f"... plain encode of {name}", frames, parts[name], "") for name in RENDERED),
        *stages(folder, video),
    ]


def stages(folder: Path, video: Path) -> list[Row]:
    """Wall seconds of the stages in the last run that computed them; two run side by side."""
    found = []
    for name, log in record(folder, video)["log"].items():
        seconds = log["computed_in_s"]
        if seconds >= 0.1:
            found.append(f"{name} {seconds:.1f}")
    return [Row("stages, wall s", 0, Spent(0, 0), ", ".join(found))]


def by_length(video: Path, folder: Path, api: str, lengths_s: list[float]) -> list[Row]:
    """The same clip end to end, ever longer: time a frame and peak memory."""
    rows: list[Row] = []
    for seconds in lengths_s:
        looped = loop(video, folder / f"loop{seconds:g}.mp4", seconds)
        spent = program(looped, folder, api)
        idle = program(looped, folder, api)
        frames = int(record(folder, looped)["clip"]["frames"])
        cost_ms = 1000 * (spent.cpu_s - idle.cpu_s) / frames
        row = Row(
            f"{seconds:g} s", frames, spent, f"{cost_ms:.1f} CPU ms a frame without {idle.cpu_s:.1f} s of starting"
        )
        rows.append(row)
        for path in (folder / "out" / looped.stem).glob("*.mp4"):
            path.unlink()
    growth = rows[-1].spent.peak_mb / rows[0].spent.peak_mb - 1
    return [*rows, Row("peak memory, last against first", 0, Spent(0, 0), f"{growth:+.1%}")]


def by_workers(folder: Path, api: str) -> list[Row]:
    """A folder of clips, cold, with one worker and with two: how busy they keep the cores."""
    clips = walkers(folder / "in", CLIPS)
    rows = []
    for workers in (1, 2):
        home = folder / str(workers)
        home.mkdir()
        spent = program(clips, home, api, f"workers={workers}")
        remark = f"{spent.cpu_s / spent.wall_s:.2f} cores busy"
        rows.append(Row(f"workers={workers}", CLIPS * FRAMES, spent, remark))
    faster = rows[0].spent.wall_s / rows[1].spent.wall_s
    return [*rows, Row("two against one", 0, Spent(0, 0), f"{faster:.2f} times the throughput")]


def floor(video: Path, deliverables: Path) -> dict[str, Spent]:
    """What ``tests.benchmarks.floor`` has measured, by name."""
    encode = EncodeConf()
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.floor",
        str(video),
        str(deliverables),
        str(encode.crf),
        encode.preset,
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr}")
    parts = json.loads(done.stdout.splitlines()[-1])
    return {name: Spent(part["wall_s"], part["cpu_s"]) for name, part in parts.items()}


def added(*parts: Spent) -> Spent:
    return Spent(sum(part.wall_s for part in parts), sum(part.cpu_s for part in parts))


def ratios(spent: Spent, idle: Spent, least: Spent, check: Spent) -> str:
    """How many times the floor: all of the run, then what it costs beyond starting, which a long clip pays once too.

    Both again with the plain decoding of what was written in the floor, for every video is read back whole.
    """
    costs = (spent.cpu_s, spent.cpu_s - idle.cpu_s)
    bare, checked = ([f"{cost / floor.cpu_s:.2f}" for cost in costs] for floor in (least, added(least, check)))
    return f"{bare[0]} times ({bare[1]} without starting); floor with check {checked[0]} ({checked[1]})"


def busy(spent: Spent) -> str:
    return f"{spent.wall_s / spent.cpu_s:.2f}"


def record(folder: Path, video: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "out" / video.stem / "run.json").read_text())
    return found


def shape(video: Path) -> str:
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        return f"{stream.width}x{stream.height}, {stream.codec_context.name}"


def machine(load: float) -> str:
    encode = EncodeConf()
    cores = len(os.sched_getaffinity(0))
    settings = f"x264 crf {encode.crf}, preset {encode.preset}"
    return f"{platform.machine()}, {cores} cores, load {load:.1f} at the start; {settings}."


def section(title: str, rows: list[Row]) -> str:
    lines = [HEAD, ["---"] * len(HEAD), *(row.cells() for row in rows)]
    return f"## {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
