"""The stages of one video, in order: which request follows from the settings, and what it takes."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from prefect.futures import PrefectFuture

from conf.choices import FrameMode, Output
from conf.schema import Config
from conf.seeing import MasksConf
from conf.walker import DemoConf
from flows.inputs import Video
from flows.wants import background_of, border_of, masks_wanted, person_request
from tasks.media.sharing import Sharing
from tasks.records import Artifact
from tasks.render_requests import (
    ComparisonRequest,
    OverlayRequest,
    PreviewRequest,
    RenderRequest,
    StabilizedRequest,
    VerifyRequest,
)
from tasks.requests import (
    DecodeRequest,
    DemoRequest,
    MasksRequest,
    OffsetsRequest,
    PoseRequest,
    Request,
    SubjectRequest,
    TrajectoryRequest,
)
from tasks.stage import Call, submit
from tasks.store import sha256_of
from tasks.workers import Group, Workers

Future = PrefectFuture[Artifact]
# What a request calls the artifact of a stage, where that is not the stage's own name.
NAMES = {"decode": "clip", "subject": "pose", "stabilized.mp4": "rendered"}


@dataclass(frozen=True)
class Job:
    """One video of a run with what all of its stages share, and the futures submitted so far, by title."""

    video: Video
    source: Path
    digest: str
    config: Config
    models: dict[str, dict[str, str]]  # digests by stage and model
    cache: Path
    run_id: str
    workers: Workers
    futures: dict[str, Future] = field(default_factory=dict)

    def start(self, request: type[Any], takes: tuple[str, ...], *, group: Group | None = None, **fields: Any) -> None:
        """Submit a stage that takes the artifacts of earlier ones, under the name it has in its request."""
        if "source" in fields and request is not DecodeRequest:
            memory = self.config.decode.frames is FrameMode.memory
            fields["held_mb"] = self.config.decode.memory_mb if memory else None
        inputs = {NAMES.get(name, name): self.futures[name] for name in takes}
        call = Call(self.video.name, request, fields, self.cache, self.run_id, self.workers, group)
        self.futures[title(request)] = submit(call, dict(inputs))


def title(request: type[Request]) -> str:
    """The name of a stage in a run: the deliverable, for a render."""
    return request.output or request.stage


def start_demo(conf: DemoConf, cache: Path, run_id: str, workers: Workers) -> Future:
    """Submit the drawing of the demo walker."""
    return submit(Call("demo", DemoRequest, {"settings": conf}, cache, run_id, workers), {})


def start_decode(job: Job) -> None:
    """Submit the first look at the whole file."""
    job.start(DecodeRequest, (), source=job.source, digest=job.digest, settings=job.config.decode)


def start_pose(job: Job) -> None:
    """Submit the search for landmarks."""
    conf = job.config
    job.start(PoseRequest, ("decode",), source=job.source, settings=conf.pose, **_models(job, "pose"))


def start_subject(job: Job) -> None:
    """Submit the choice of whom to follow; all later stages know that person's pose only."""
    job.start(SubjectRequest, ("decode", "pose"), settings=job.config.subject)


def start_masks(job: Job) -> None:
    """Submit the segmentation, where an output needs it."""
    conf = job.config
    if masks_wanted(conf):
        models = {**_models(job, "masks"), "pose_model": conf.pose.model}
        job.start(MasksRequest, ("decode", "subject"), source=job.source, settings=_segmenting(conf.masks), **models)


def _segmenting(masks: MasksConf) -> MasksConf:
    """The settings that shape the masks, with those of their later use at their defaults: they re-run no network."""
    return replace(masks, smoothing=MasksConf.smoothing, refine=MasksConf.refine)


def _models(job: Job, stage: str) -> dict[str, Any]:
    conf = job.config
    return {"models": conf.models, "model_digests": job.models[stage], "device": conf.device}


def start_offsets(job: Job) -> None:
    """Submit the anchor and its offset to the target."""
    conf = job.config
    target = conf.target if isinstance(conf.target, str) else tuple(conf.target)
    job.start(OffsetsRequest, ("decode", "subject"), settings=conf.anchor, target=target, crop=conf.crop)


def start_trajectory(job: Job) -> None:
    """Submit the smoothing."""
    conf = job.config
    settings: dict[str, Any] = {"settings": conf.smoothing, "lock": conf.lock, "crop": conf.crop}
    job.start(TrajectoryRequest, ("decode", "subject", "offsets"), **settings)


def start_renders(job: Job) -> None:
    """Submit one render for each video that is asked for; those that are to be computed share one decoding."""
    conf = job.config
    with Group() as group:
        beside: dict[str, Any] = {"group": group, "shared": Sharing(group.size)}
        if Output.stabilized in conf.outputs or conf.verify:
            _start_render(job, StabilizedRequest, Output.stabilized, **beside)
        if Output.comparison in conf.outputs:
            _start_render(job, ComparisonRequest, Output.comparison, **beside, comparison=conf.comparison)
        if Output.person in conf.outputs:
            _start_render(job, person_request(conf.background), Output.person, **beside)
        moved: dict[str, Any] = {**beside, "source": job.source, "border": conf.border, "render": conf.render}
        if Output.overlay in conf.outputs:
            takes = ("decode", "trajectory", "subject", "offsets")
            job.start(OverlayRequest, takes, encode=conf.encode, **moved)
        if Output.preview in conf.outputs:
            job.start(PreviewRequest, ("decode", "trajectory"), **moved)


def _start_render(job: Job, request: type[RenderRequest], output: Output, **more: Any) -> None:
    conf = job.config
    fields: dict[str, Any] = {
        "source": job.source,
        "encode": conf.encode,
        "render": conf.render,
        "border": border_of(conf, output),
    }
    background = background_of(conf, output)
    takes: tuple[str, ...] = ("decode", "trajectory")
    if background is not None:
        takes = (*takes, "masks")
        fields |= {"background": background, "matte": conf.masks}
        if background.image is not None:  # the bytes of a picture are part of the key, its path is not
            picture = Path(background.image)
            fields |= {
                "background": replace(background, image=""),
                "image": picture,
                "image_digest": sha256_of(picture),
            }
    job.start(request, takes, **fields, **more)


def start_verify(job: Job) -> None:
    """Submit the judge of the rendered file, where it is asked for."""
    conf = job.config
    if conf.verify:
        looks = {"settings": conf.pose, "min_confidence": conf.anchor.min_confidence, **_models(job, "pose")}
        job.start(VerifyRequest, ("decode", "subject", "trajectory", "stabilized.mp4"), **looks)


STAGES = (
    start_decode,
    start_pose,
    start_subject,
    start_masks,
    start_offsets,
    start_trajectory,
    start_renders,
    start_verify,
)
