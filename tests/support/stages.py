"""The stages of one video one after the other, through the cache but without Prefect: for measurements."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from conf.config import Config
from conf.input import MasksConf
from flows import preflight
from flows.config import settings
from tasks.cache import making, store
from tasks.cache.keys import stage_key
from tasks.cache.store import sha256_of
from tasks.execution.computation import Computation, here
from tasks.records import Artifact, Kind
from tasks.requests import (
    DecodeRequest,
    DemoRequest,
    MasksRequest,
    OffsetsRequest,
    PoseRequest,
    RenderRequest,
    Request,
    SubjectRequest,
    TrajectoryRequest,
    VerifyRequest,
)

settings.register_schema()


def made(cache: Path, request: Request[Kind]) -> Artifact[Kind]:
    """The artifact of ``request``: found in the cache, or computed."""
    key = stage_key(request)

    def compute(folder: Path) -> dict[str, Any]:
        told: list[dict[str, Any] | Exception] = []
        here(Computation([request], [folder]), lambda _: None, lambda _, outcome: told.append(outcome))
        (outcome,) = told
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    found = store.find(cache, request.stage, key)
    found = found or making.make(cache, request.stage, key, "measuring", compute, waiting=lambda: None)
    return cast(Artifact[Kind], found)


@dataclass(frozen=True)
class Watched:
    """A video with what no way of holding it changes."""

    cache: Path
    source: Path
    clip: Artifact[Any]
    found: Artifact[Any]
    subject: Artifact[Any]
    demo: Artifact[Any] | None = None


def watched(cache: Path, overrides: list[str], video: Path | None = None) -> Watched:
    """Decode a video, or draw the walker, find everybody and choose whom to follow."""
    config = settings.load([f'video="{video or "demo"}"', *overrides])
    demo = made(cache, DemoRequest(config.demo)) if video is None else None
    source = video or made(cache, DemoRequest(config.demo)).path("demo.mp4")
    clip = made(cache, DecodeRequest(source, sha256_of(source), config.decode, config.clip))
    digests = preflight.find_model_digests(config)["pose"]
    looks: dict[str, Any] = {"models": config.models, "model_digests": digests, "device": config.device}
    pose = made(cache, PoseRequest(source, clip=clip, settings=config.pose, **looks))
    subject = made(cache, SubjectRequest(clip, pose, config.subject))
    return Watched(cache, source, clip, pose, subject, demo)


@dataclass(frozen=True)
class Held:
    """One way of holding a video."""

    config: Config
    offsets: Artifact[Any]
    trajectory: Artifact[Any]


def held(video: Watched, overrides: list[str]) -> Held:
    """Offsets and trajectory of one way."""
    config = settings.load(["video=demo", *overrides])
    offsets = made(video.cache, OffsetsRequest(video.clip, video.subject, config.anchor, config.target, config.crop))
    trajectory = made(
        video.cache,
        TrajectoryRequest(
            video.clip, video.subject, offsets, config.smoothing, config.crop, config.lock, found=video.found
        ),
    )
    return Held(config, offsets, trajectory)


def masked(video: Watched, config: Config) -> Artifact[Any]:
    """The masks of whom a video follows."""
    request = MasksRequest(
        video.source,
        clip=video.clip,
        found=video.found,
        subject=video.subject,
        settings=MasksConf(),
        models=config.models,
        model_digests=preflight.find_model_digests(config)["masks"],
        device=config.device,
    )
    return made(video.cache, request)


def judged(video: Watched, way: Held) -> dict[str, Any]:
    """The figures of the independent judge on the rendered file."""
    config = way.config
    shown: dict[str, Any] = {"border": config.border, "render": config.render, "encode": config.encode}
    rendered = made(
        video.cache,
        RenderRequest(
            output="stabilized.mp4", source=video.source, clip=video.clip, trajectory=way.trajectory, **shown
        ),
    )
    digests = preflight.find_model_digests(config)["pose"]
    looks: dict[str, Any] = {"models": config.models, "model_digests": digests, "device": config.device}
    request = VerifyRequest(
        clip=video.clip,
        subject=video.subject,
        trajectory=way.trajectory,
        rendered=rendered,
        settings=config.pose,
        min_confidence=config.anchor.min_confidence,
        **looks,
    )
    return {**made(video.cache, request).facts, "file": str(rendered.path("stabilized.mp4"))}
