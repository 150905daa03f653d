"""Clips for the benchmark: one end to end several times, and drawn ones."""

from math import ceil
from pathlib import Path

import av

from conf.walker import DemoConf
from tasks.demo.demo_video import draw_demo
from tasks.requests import DemoRequest

SECONDS = 5.0
FRAMES = 150  # of a walker


def loop(video: Path, path: Path, seconds: float) -> Path:
    """``video``'s pictures end to end until they last ``seconds`` at least, packets as they are."""
    with av.open(str(video)) as source, av.open(str(path), "w") as target:
        like = source.streams.video[0]
        stream = target.add_stream_from_template(like)
        packets = [packet for packet in source.demux(like) if packet.size]
        times = [(packet.pts or 0, packet.dts or 0, packet.duration or 0) for packet in packets]
        lasts = max(pts + duration for pts, _, duration in times) - min(pts for pts, _, _ in times)
        tick_s = packets[0].time_base
        for turn in range(ceil(seconds / float(lasts * tick_s))):
            for packet, (pts, dts, duration) in zip(packets, times, strict=True):
                packet.stream, packet.time_base = stream, tick_s  # muxing has changed both, and the times
                packet.pts, packet.dts, packet.duration = pts + turn * lasts, dts + turn * lasts, duration
                target.mux(packet)
    return path


def drawn(folder: Path, conf: DemoConf | None = None) -> Path:
    """The demo, drawn into a new folder."""
    folder.mkdir(parents=True)
    draw_demo(DemoRequest(conf or DemoConf()), folder, lambda _: None)
    return folder / "demo.mp4"


def walkers(folder: Path, count: int) -> Path:
    """A new folder with ``count`` drawn walkers of ``FRAMES`` frames, each in other clothes."""
    folder.mkdir(parents=True)
    for seed in range(1, count + 1):
        made = drawn(folder.with_name(f"drawn{seed}"), DemoConf(seconds=SECONDS, seed=seed))
        made.rename(folder / f"walker{seed}.mp4")
    return folder
