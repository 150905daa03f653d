"""The stages of one video, in order: which request follows from the settings, and what it takes."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from conf.demo import DemoConf
from conf.enums import Output, Runner
from flows.graph import Graph, Node, title
from flows.job import Job
from flows.output_needs import background_of, border_of, contained, masks_wanted, person_request, stabilized_wanted
from flows.shaping import looking, segmenting
from flows.shared_window import Size, aspect_size, room_size, shares_aspect, shares_room
from tasks.cache.store import sha256_of
from tasks.errors import SettingError
from tasks.execution.scheduler import Group
from tasks.media.input.sharing import Sharing
from tasks.paths import expand_home
from tasks.render_requests import (
    ChartsRequest,
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
    RoomRequest,
    SubjectRequest,
    TrajectoryRequest,
)

Shared = tuple[Size | None, tuple[str, ...]]  # a size of window, and the stages of all videos that decide it


def start_demo(graph: Graph, setting: str, conf: DemoConf) -> Node:
    """Ask for the drawing of the demo walker."""
    return graph.ask(("demo", setting), DemoRequest, {"settings": conf}, {})


def start_decode(job: Job) -> None:
    """Ask for the first look at the whole file."""
    job.start(DecodeRequest, (), source=job.source, digest=job.digest, settings=looking(job.config.decode))


def start_pose(job: Job) -> None:
    """Ask for the search for landmarks."""
    conf = job.config
    job.start(PoseRequest, ("decode",), source=job.source, settings=conf.pose, **_models(job, "pose"))


def start_subject(job: Job) -> None:
    """Ask for the choice of whom to follow; all later stages know that person's pose only."""
    job.start(SubjectRequest, ("decode", "pose"), settings=job.config.subject)


def start_masks(job: Job) -> None:
    """Ask for the segmentation, where an output or the anchor needs it, and none was asked for."""
    conf = job.config
    wanted = conf.anchor.masks if job.metrics_only else masks_wanted(conf)
    if wanted and "masks" not in job.nodes:
        takes, settings = ("decode", "pose", "subject"), segmenting(conf.masks)
        job.start(MasksRequest, takes, source=job.source, settings=settings, **_models(job, "masks"))


def _models(job: Job, stage: str) -> dict[str, Any]:
    conf = job.config
    return {"models": conf.models, "model_digests": job.models[stage], "device": conf.device}


def start_offsets(job: Job) -> None:
    """Ask for the anchor and its offset to the target."""
    conf = job.config
    target = conf.target if isinstance(conf.target, str) else tuple(conf.target)
    crop = own = replace(conf.crop, shared=False)
    window_px, stages = _shared_aspect(job)
    if window_px is not None:
        crop = replace(own, size=list(window_px), aspect=None)
    takes = ("decode", "subject", "masks") if conf.anchor.masks else ("decode", "subject")
    shares = {"crop": stages} if stages else None
    job.start(OffsetsRequest, takes, shares=shares, settings=conf.anchor, target=target, crop=crop)
    if shares_room(conf.crop):
        job.start(RoomRequest, ("decode", "subject", "offsets"), settings=conf.smoothing, lock=conf.lock, crop=own)


def _shared_aspect(job: Job) -> Shared:
    """For the window of an aspect, which fits the pictures of all videos in which somebody is followed."""
    if not shares_aspect(job.config.crop):
        return None, ()
    stages = "decode", "subject"
    return aspect_size(job.config.crop, job.finished(*stages)), stages


def start_trajectory(job: Job) -> None:
    """Ask for the smoothing."""
    conf = job.config
    window_px, stages = _shared_aspect(job)
    if shares_room(conf.crop):
        window_px, stages = room_size(job.finished("room")), ("room",)
    crop, shares = replace(conf.crop, shared=False), {"window_px": stages} if stages else None
    settings: dict[str, Any] = {"settings": conf.smoothing, "lock": conf.lock, "crop": crop, "window_px": window_px}
    job.start(TrajectoryRequest, ("decode", "subject", "offsets"), shares=shares, **settings)


def start_renders(job: Job) -> None:
    """Ask for one render for each video that is asked for; those that are to be computed share one decoding."""
    conf = job.config
    with Group() as group:
        together: dict[str, Any] = {}
        if conf.runner is Runner.threads:
            together = {"beside": group, "shared": Sharing(group.size)}
        if stabilized_wanted(conf):
            _start_render(job, StabilizedRequest, Output.stabilized, **together)
        if Output.comparison in conf.outputs:
            _start_render(job, ComparisonRequest, Output.comparison, **together, comparison=conf.comparison)
        if Output.person in conf.outputs:
            _start_render(job, person_request(conf.background), Output.person, **together)
        moved: dict[str, Any] = {**together, "source": job.source, "border": conf.border, "render": conf.render}
        if Output.overlay in conf.outputs:
            takes = ("decode", "trajectory", "subject", "offsets")
            job.start(contained(OverlayRequest, conf.encode), takes, encode=conf.encode, **moved)
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
            picture = expand_home(background.image)
            fields |= {
                "background": replace(background, image=""),
                "image": picture,
                "image_digest": _picture_digest(picture),
            }
    job.start(contained(request, conf.encode), takes, **fields, **more)


def _picture_digest(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:  # it was there when the settings were checked
        cure = "put it back and run again"
        raise SettingError(f"background.image: {path} cannot be read any more ({error.strerror}); {cure}") from error


def start_verify(job: Job) -> None:
    """Ask for the judge of the rendered file, where it is asked for."""
    conf = job.config
    if conf.verify:
        looks = {"settings": conf.pose, "min_confidence": conf.anchor.min_confidence, **_models(job, "pose")}
        rendered = title(contained(StabilizedRequest, conf.encode))
        job.start(VerifyRequest, ("decode", "subject", "trajectory", rendered), **looks)


def start_charts(job: Job) -> None:
    """Ask for the drawing of the report's charts."""
    judged = ("verify",) if job.config.verify else ()
    job.start(ChartsRequest, ("decode", "offsets", "trajectory", *judged))


STAGES = (
    start_decode,
    start_pose,
    start_subject,
    start_masks,
    start_offsets,
    start_trajectory,
    start_renders,
    start_verify,
    start_charts,
)
PATH = STAGES[: STAGES.index(start_trajectory) + 1]  # all that metrics need
PICTURES = (start_masks, *STAGES[len(PATH) :])
