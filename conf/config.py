"""All settings: type, default and a sentence for each. YAML files only choose among these.

Checks that need no video run in ``__post_init__`` when Hydra's composed configuration becomes objects. Checks against
a video's size or length are in ``flows.preflight``.
"""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import MISSING

from conf.clip import ClipConf
from conf.demo import DemoConf
from conf.enums import CropMode, Device, Export, FrameMode, Output, Runner, Server, SweepRender
from conf.exports import DatasetConf, ScaleConf
from conf.input import DecodeConf, MasksConf, ModelsConf, PoseConf, SubjectConf
from conf.lock import AnchorConf, CropConf, LockConf, SmoothingConf
from conf.machines import RunnerConf, check_storage, share_of
from conf.render import BackgroundConf, BorderConf, ComparisonConf, EncodeConf, OverlayConf, RenderConf
from conf.validation import require, require_at_most, require_each_once, require_name

AUTO_WORKERS = "auto"
MAX_WORKERS = 1000  # each is a thread or a process; more than any machine has cores
MAX_SWEEP_NAME_BYTES = 200  # file systems allow 255


@dataclass
class SweepConf:
    """Settings of a sweep (``stillwalk -m``); a run with one setting ignores them."""

    name: str | None = None
    """Results go to output_dir/sweeps/<name>/; an existing sweep of this name is continued; null: date and time."""
    render: SweepRender = SweepRender.all
    """all: render every setting; best: only the best setting of each video; none: only metrics."""

    def __post_init__(self) -> None:
        name, cure = self.name, "give one such as windows"
        require_name("sweep.name", name, cure)  # first: what is not in UTF-8 has no number of bytes
        short = name is None or len(name.encode()) <= MAX_SWEEP_NAME_BYTES
        valid = name is None or (short and not name.startswith(".") and "/" not in name)
        require(valid, "sweep.name", f"{name!r} is not a folder name", cure)


@dataclass
class Config:
    """The whole configuration, as ``stillwalk --help`` lists it."""

    video: Any = MISSING
    """A file, a glob, a folder, an object of a store (s3://bucket/walk.mp4), @list.txt (one path per line), a list of
    these, or demo."""
    output_dir: str = "outputs"
    """Folder for results; each video gets output_dir/<video name>/."""
    cache_dir: str | None = None
    """Folder for finished stages, which later runs reuse; null: .cache/ in output_dir."""
    outputs: list[Output] = field(
        default_factory=lambda: [
            Output.stabilized,
            Output.comparison,
            Output.person,
            Output.pose,
            Output.masks,
            Output.preview,
        ]
    )
    """Files to make; overlay: skeleton drawn on the stabilized picture, preview: small animation to send,
    contact: sheet of six stills."""
    exports: list[Export] = field(default_factory=list)
    """Files for other programs, in the folder exports/; events, angles, mot: the gait; trc, c3d: markers; coco, rle,
    keypoints, webdataset: for machine learning; aftereffects, resolve, nuke, blender, fcpxml: the move for an
    editor."""
    device: Device = Device.cpu
    """Where the models run; gpu: an error where there is none, auto: the CPU where there is none."""
    server: Server = Server.auto
    """Prefect server; auto: PREFECT_API_URL, else a running local server, else one started for this run."""
    plan: bool = False
    """true: only print what would run, why, and the estimated time."""
    verify: bool = False
    """true: measure the lock again on the rendered file with a second pose run."""
    workers: int | str = "auto"
    """Stages that run at the same time; all videos rendered from one clip count as one; auto: one for each usable core,
    if there is 1 GB of memory for it."""
    shard: str | None = None
    """Share of the videos that this run takes, such as 3/16: for an array job of 16 runs; null: all of them."""
    storage: str | None = None
    """Second level of the cache, for several machines: s3://bucket/prefix, gs:// or az://, or file:///folder; null:
    none."""
    target: Any = "auto"
    """Point of the output where the anchor stays: center, auto, natural, or [x,y] in pixels or fractions of the output;
    auto: the centre, moved so that no head is cut; natural: the person's own mean height."""
    corrections: str | None = None
    """CSV file with corrections by hand: frame,to_frame,x_px,y_px,person,absent; null: corrections.csv in the video's
    folder of output_dir, if there is one; none: no corrections."""
    clip: ClipConf = field(default_factory=ClipConf)
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
    overlay: OverlayConf = field(default_factory=OverlayConf)
    comparison: ComparisonConf = field(default_factory=ComparisonConf)
    scale: ScaleConf = field(default_factory=ScaleConf)
    dataset: DatasetConf = field(default_factory=DatasetConf)
    sweep: SweepConf = field(default_factory=SweepConf)
    demo: DemoConf = field(default_factory=DemoConf)
    runner: RunnerConf = field(default_factory=RunnerConf)

    def __post_init__(self) -> None:
        if self.workers != AUTO_WORKERS:
            is_number = isinstance(self.workers, int) and self.workers >= 1
            require(
                is_number,
                "workers",
                f"{self.workers or repr(self.workers)} is not a number of workers",
                "give auto, or a whole number from 1",
            )
            require_at_most(MAX_WORKERS, "workers", int(self.workers), "workers")
        require_name("output_dir", self.output_dir, "name a folder, or . for the current one")
        require_name("corrections", self.corrections, "name a CSV file, or none")
        require_name("cache_dir", self.cache_dir, "name a folder, or null for .cache in output_dir")
        require(
            bool(self.outputs),
            "outputs",
            "the list is empty",
            f"name some of {', '.join(output.value for output in Output)}",
        )
        require_each_once("outputs", self.outputs)
        require_each_once("exports", self.exports)
        valid = self.decode.frames is not FrameMode.memory or self.runner.kind is Runner.threads
        cure = "give runner=threads, or decode.frames=stream"
        require(valid, "decode.frames", "stages in other processes cannot share frames in memory", cure)
        self._check_zoom()
        check_storage(self.storage)
        share = share_of(self.shard)
        fact = f"one window must fit all videos, and a run with shard={self.shard} looks at some of them"
        cure = "give crop.size, the same in every run, or leave out shard"
        require(share is None or share.count == 1 or not self.crop.shared, "crop.shared", fact, cure)

    def _check_zoom(self) -> None:
        """``SettingError`` if two settings choose the zoom."""
        crop, height = self.crop, self.lock.height
        valid = height is None or crop.mode in (CropMode.none, CropMode.follow)
        cure = "leave one of them out, or choose crop=follow with crop.output or crop.aspect"
        require(valid, "lock.height", f"crop={crop.mode.value} chooses what is shown", cure)
        valid = height is None or crop.keep is None
        require(valid, "lock.height", "crop.keep chooses the zoom too", "give one of them")
