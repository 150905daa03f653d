"""Compare the program with its floor: the same machine, the same clip, the same settings.

    python -m tests.benchmarks.bench [VIDEO ...] [--loop 30] [--cases cold,cores,length,workers] [--seconds 10,60,100]
    python -m tests.benchmarks.bench VIDEO --cases peer --peer FOLDER [--peer-python PYTHON]

Every run is a process of its own. The kernel reports its wall time, CPU time and peak memory when it has ended. The
Prefect server is started before and is not counted. Without VIDEO the clips are the jogger of the sample videos and the
drawn walker. With the case ``cold``, ``--loop`` repeats a clip until it lasts so many seconds: the start then weighs as
little as in a clip of that length. The table goes to the terminal and to ``outputs/bench.md``.

The case ``cores`` says how many cores each stage of a cold run could use (``tests.benchmarks.cost.stage_trace``). The
case ``peer`` makes a cold run with three videos, and runs another tool on the same clip, from a folder of the user's:
``python src/run.py --input VIDEO --output_dir OUT``.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import av

from conf.demo import DemoConf
from conf.render import EncodeConf
from tasks.demo.demo_video import draw_demo
from tasks.requests import DemoRequest
from tests.benchmarks.cost.stage_trace import Look, spans, use_by_stage, use_table, watch
from tests.benchmarks.measuring import ROOT, PeerFailed, Spent, peer, program, server

SAMPLE = ROOT.parent / "shared" / "videos" / "gym_jog_moving_camera.mp4"
REPORT = ROOT / "outputs" / "bench.md"
PLAIN = "border=mirror"  # the floor has no scene
AGAIN = "smoothing.window=9"
OTHERS = (("scene", "border=scene"), ("single", PLAIN, "outputs=[stabilized]"))  # a folder and its settings
SMOOTHING_RERUNS = {"trajectory", "stabilized.mp4", "comparison.mp4", "person.mp4", "preview.webp", "report.html"}
CLIPS = 8  # drawn walkers
CLIP_SECONDS = 5.0
CLIP_FRAMES = 150
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
                parts.append(section(f"{video.name}, {shape(video)}", compared_with_floor(clip, folder, api)))
            if "cores" in cases:
                parts.append(cores_of_stages(video, made(folder / "cores"), api))
            if "peer" in cases:
                rows = beside_peer(video, made(folder / "peer"), api, asked.peer.absolute(), asked.peer_python)
                parts.append(section(f"{video.name}, {shape(video)}, beside another tool", rows))
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
        prog="python -m tests.benchmarks.bench", description="Compare the program with its floor."
    )
    parser.add_argument("videos", nargs="*", type=Path, metavar="VIDEO")
    parser.add_argument(
        "--loop", type=float, default=0.0, metavar="S", help="with cold: repeat the clip until it lasts S seconds"
    )
    parser.add_argument(
        "--cases",
        default="cold,length",
        help="cold: compare with the floor; cores: how many each stage could use; peer: beside another tool; "
        "length: time and memory by length; workers: throughput",
    )
    parser.add_argument("--peer", type=Path, metavar="FOLDER", help="of another tool; it has src/run.py")
    parser.add_argument(
        "--peer-python", default=sys.executable, metavar="PYTHON", help="what runs that tool; a path from FOLDER"
    )
    parser.add_argument(
        "--seconds", default="10,60,100", help="with length: lengths of the clip; the last is compared with the first"
    )
    asked = parser.parse_args()
    if "peer" in asked.cases.split(",") and asked.peer is None:
        parser.error("--cases peer needs --peer FOLDER")
    return asked


def cores_of_stages(video: Path, folder: Path, api: str) -> str:
    """A cold run of three videos: how many cores each of its stages could use, and the longest time alone."""
    looks: list[Look] = []
    program(video, folder, api, PLAIN, watch=lambda pid: watch(pid, looks))
    cores = len(os.sched_getaffinity(0))
    uses = use_by_stage(looks, spans(folder / "out" / ".cache"), cores)
    return f"## {video.name}, {shape(video)}, what could run at once\n\n{use_table(uses, cores)}"


def beside_peer(video: Path, folder: Path, api: str, tool: Path, python: str) -> list[Row]:
    """A cold run of three videos, and another tool on the same clip; a tool that fails is not compared."""
    ours = program(video, folder, api, PLAIN)
    frames = int(record(folder, video)["clip"]["frames"])
    rows = [Row("cold, three videos", frames, ours, "beside a server")]
    try:
        theirs = peer(video, tool, python, folder / "peer")
    except PeerFailed as failed:
        return [*rows, Row("the other tool failed", 0, Spent(0, 0), str(failed))]
    faster = f"ours: {theirs.wall_s / ours.wall_s:.2f} times faster by wall, {theirs.cpu_s / ours.cpu_s:.2f} by CPU"
    return [*rows, Row("the other tool", frames, theirs, faster)]


def compared_with_floor(video: Path, folder: Path, api: str) -> list[Row]:
    """Three runs with a plain border: cold, another smoothing, nothing to do; then the floor of the first two.

    Two more cold runs: with the default border, and of one video alone.
    """
    cold = program(video, folder, api, PLAIN)
    again = program(video, folder, api, PLAIN, AGAIN)
    ran = {stage["output"] or stage["stage"] for stage in record(folder, video)["stages"] if stage["status"] == "ran"}
    if ran != SMOOTHING_RERUNS:
        raise SystemExit(
            f"{AGAIN} ran {sorted(ran)}, not {sorted(SMOOTHING_RERUNS)}: was the program edited meanwhile?"
        )
    idle = program(video, folder, api, PLAIN, AGAIN)
    scene, single = (program(video, made(folder / name), api, *asked) for name, *asked in OTHERS)
    parts = floor(video, folder / "out" / video.stem)
    encode = added(*(parts[name] for name in RENDERED))
    decode = parts["decode"]
    beside = parts["side by side"]
    least, busiest = (added(decode, parts["pose"], parts["masks"], way) for way in (encode, beside))
    one = added(decode, parts["pose"], parts["stabilized.mp4"])
    cores = len(os.sched_getaffinity(0))
    frames = int(record(folder, video)["clip"]["frames"])
    names = (("decode", "plain decode"), ("pose", "plain pose"), ("masks", "plain masks"))
    return [
        Row("cold, three videos", frames, cold, f"CPU {ratios(cold, idle, busiest)}; wall {busy(cold)} of CPU"),
        Row("other smoothing", frames, again, f"CPU {ratios(again, idle, added(decode, beside))}"),
        Row("nothing to do", 0, idle, "start, imports, cache"),
        Row("cold, border=scene", frames, scene, f"{scene.cpu_s / cold.cpu_s:.2f} times the CPU of the cold run above"),
        Row(
            "cold, outputs=[stabilized]",
            frames,
            single,
            f"wall {single.wall_s * cores / one.cpu_s:.2f} times its floor's CPU over {cores} cores",
        ),
        Row("floor", frames, Spent(0, busiest.cpu_s), "decode + pose + masks + three times encode, side by side"),
        Row("... one after the other", frames, least, ""),
        *(Row(f"... {title}", frames, parts[name], "") for name, title in names),
        *(Row(f"... plain encode of {name}", frames, parts[name], "") for name in RENDERED),
        *stages(folder, video),
    ]


def stages(folder: Path, video: Path) -> list[Row]:
    """Wall seconds of each stage in the last run that computed it. Two stages run at once."""
    found = []
    for name, log in record(folder, video)["log"].items():
        seconds = log["computed_in_s"]
        if seconds >= 0.1:
            found.append(f"{name} {seconds:.1f}")
    return [Row("stages, wall s", 0, Spent(0, 0), ", ".join(found))]


def by_length(video: Path, folder: Path, api: str, lengths_s: list[float]) -> list[Row]:
    """The same clip repeated to several lengths: time per frame and peak memory."""
    rows: list[Row] = []
    for seconds in lengths_s:
        looped = loop(video, folder / f"loop{seconds:g}.mp4", seconds)
        spent = program(looped, folder, api)
        idle = program(looped, folder, api)
        frames = int(record(folder, looped)["clip"]["frames"])
        cost_ms = 1000 * (spent.cpu_s - idle.cpu_s) / frames
        row = Row(
            f"{seconds:g} s", frames, spent, f"{cost_ms:.1f} CPU ms a frame, without {idle.cpu_s:.1f} s for the start"
        )
        rows.append(row)
        for path in (folder / "out" / looped.stem).glob("*.mp4"):
            path.unlink()
    growth = rows[-1].spent.peak_mb / rows[0].spent.peak_mb - 1
    return [*rows, Row("peak memory, last compared with first", 0, Spent(0, 0), f"{growth:+.1%}")]


def by_workers(folder: Path, api: str) -> list[Row]:
    """A cold run over a folder of clips, with one worker and with two: throughput and busy cores."""
    clips = walkers(folder / "in", CLIPS)
    rows = []
    for workers in (1, 2):
        home = folder / str(workers)
        home.mkdir()
        spent = program(clips, home, api, f"workers={workers}")
        remark = f"{spent.cpu_s / spent.wall_s:.2f} cores busy"
        rows.append(Row(f"workers={workers}", CLIPS * CLIP_FRAMES, spent, remark))
    faster = rows[0].spent.wall_s / rows[1].spent.wall_s
    return [*rows, Row("two workers compared with one", 0, Spent(0, 0), f"{faster:.2f} times the throughput")]


def floor(video: Path, deliverables: Path) -> dict[str, Spent]:
    """Run ``tests.benchmarks.cost.floor`` and return what it measured, by name."""
    encode = EncodeConf()
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.cost.floor",
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


def loop(video: Path, path: Path, seconds: float) -> Path:
    """Write the packets of ``video`` to ``path`` again and again until they last at least ``seconds``."""
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        like = source.streams.video[0]
        stream = target.add_stream_from_template(like)
        packets = [packet for packet in source.demux(like) if packet.size]
        times = [(packet.pts or 0, packet.dts or 0, packet.duration or 0) for packet in packets]
        lasts = max(pts + duration for pts, _, duration in times) - min(pts for pts, _, _ in times)
        tick_s = packets[0].time_base
        for turn in range(ceil(seconds / float(lasts * tick_s))):
            for packet, (pts, dts, duration) in zip(packets, times, strict=True):
                packet.stream, packet.time_base = stream, tick_s  # muxing changed both, and the times
                packet.pts, packet.dts, packet.duration = pts + turn * lasts, dts + turn * lasts, duration
                target.mux(packet)
    return path


def drawn(folder: Path, conf: DemoConf | None = None) -> Path:
    """Draw the demo into a new folder."""
    folder.mkdir(parents=True)
    draw_demo(DemoRequest(conf or DemoConf()), folder, lambda _: None)
    return folder / "demo.mp4"


def walkers(folder: Path, count: int) -> Path:
    """Make a folder with ``count`` drawn walkers of ``CLIP_FRAMES`` frames, each with other clothes."""
    folder.mkdir(parents=True)
    for seed in range(1, count + 1):
        made = drawn(folder.with_name(f"drawn{seed}"), DemoConf(seconds=CLIP_SECONDS, seed=seed))
        made.rename(folder / f"walker{seed}.mp4")
    return folder


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def added(*parts: Spent) -> Spent:
    return Spent(sum(part.wall_s for part in parts), sum(part.cpu_s for part in parts))


def ratios(spent: Spent, idle: Spent, least: Spent) -> str:
    """CPU time as a multiple of the floor: the whole run, and the run without the start."""
    return f"{spent.cpu_s / least.cpu_s:.2f} times ({(spent.cpu_s - idle.cpu_s) / least.cpu_s:.2f} without starting)"


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
