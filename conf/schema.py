"""Every setting: its type, default, unit and one sentence, by section. YAML only chooses among these.

Validation that needs no video happens in ``__post_init__`` when the composed configuration becomes objects; what
needs the picture's size is checked by ``flows.preflight`` before any work.
"""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from conf.checks import at_most, require
from conf.choices import Device, FrameMode, Output, Runner, Server
from conf.holding import AnchorConf, CropConf, LockConf, SmoothingConf
from conf.seeing import DecodeConf, MasksConf, ModelsConf, PoseConf, SubjectConf
from conf.showing import BackgroundConf, BorderConf, ComparisonConf, EncodeConf, RenderConf
from conf.sweeping import SweepConf
from conf.walker import DemoConf

MOST_WORKERS = 1000  # each is a thread or a process: no machine that this runs on has more cores


@dataclass
class Config:
    """The whole configuration; ``stillwalk --help`` prints it."""

    video: Any = MISSING  # a file, a glob, a folder, @list.txt (a path a line), a list of these, or demo
    output_dir: str = "outputs"  # deliverables go to output_dir/<video name>/
    cache_dir: str | None = None  # finished stages; null: .cache/ in output_dir
    outputs: list[Output] = field(
        default_factory=lambda: [Output.stabilized, Output.comparison, Output.person, Output.pose, Output.masks]
    )  # overlay: what was seen, drawn on a copy; preview: a small moving picture; contact: six small stills
    device: Device = Device.cpu
    server: Server = Server.auto  # auto: PREFECT_API_URL, else a healthy local server, else one for this run
    plan: bool = False  # only print what would run and why, with an estimate of the time
    verify: bool = False  # measure the lock once more, on the rendered file, by a fresh look at it
    workers: int = 2  # stages computed at once; the videos of one clip count as one
    runner: Runner = Runner.threads  # processes: one that is killed stops no other, and is tried once more
    target: Any = "center"  # where the hips stay: center, or [x,y] in pixels or in fractions of the output
    decode: DecodeConf = field(default_factory=DecodeConf)
    models: ModelsConf = field(default_factory=ModelsConf)
    pose: PoseConf = field(default_factory=PoseConf)
    subject: SubjectConf = field(default_factory=SubjectConf)
    masks: MasksConf = field(default_factory=MasksConf)
    anchor: AnchorConf = field(default_factory=AnchorConf)
    smoothing: SmoothingConf = field(default_factory=SmoothingConf)
    lock: LockConf = field(default_factory=LockConf)
    crop: CropConf = field(default_factory=CropConf)
    border: BorderConf = field(default_factory=BorderConf)
    background: BackgroundConf = field(default_factory=BackgroundConf)
    render: RenderConf = field(default_factory=RenderConf)
    encode: EncodeConf = field(default_factory=EncodeConf)
    comparison: ComparisonConf = field(default_factory=ComparisonConf)
    sweep: SweepConf = field(default_factory=SweepConf)
    demo: DemoConf = field(default_factory=DemoConf)

    def __post_init__(self) -> None:
        require(self.workers >= 1, "workers", f"{self.workers} workers do nothing", "give 1 or more")
        at_most(MOST_WORKERS, "workers", self.workers, "workers")
        cure = "name a folder, or . for the one you are in"
        require(bool(self.output_dir.strip()), "output_dir", "it is empty", cure)
        cure = "name a folder, or null for .cache in output_dir"
        require(self.cache_dir is None or bool(self.cache_dir.strip()), "cache_dir", "it is empty", cure)
        require(bool(self.outputs), "outputs", "the list is empty", f"name some of {[o.value for o in Output]}")
        shared = self.decode.frames is not FrameMode.memory or self.runner is Runner.threads
        cure = "give runner=threads, or decode.frames=stream"
        require(shared, "decode.frames", "processes do not share frames in memory", cure)
