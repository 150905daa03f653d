"""The stages that the page ``flows.pipeline`` can ask for, one method each; runs, dry runs and tests use this class."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypedDict, cast

from conf.enums import Device, Export, FrameMode, Output
from conf.input import DecodeConf, MasksConf, ModelsConf, PoseConf, SubjectConf
from conf.lock import AnchorConf, CropConf, LockConf, SmoothingConf
from flows.corrections import given_corrections
from flows.graph.export_needs import Earlier, Exported, export_request
from flows.graph.nodes import AnyHandle, Graph, Handle, Made, Member, SharedSize
from flows.graph.output_needs import WantedOutput
from flows.graph.render_request import Shown, render_request
from flows.graph.request_settings import (
    of_size,
    picture_crop,
    scaled_target,
    unscaled_target,
    without_frame_cache,
    without_matte,
    without_time,
)
from flows.graph.shared_window import Size, aspect_size, room_size
from flows.jobs import Job
from tasks.records import (
    AnchorOffsets,
    ChosenSubject,
    DecodedClip,
    DrawnCharts,
    ExportedFiles,
    FoundPeople,
    Kind,
    NumberedPeople,
    PersonMasks,
    RenderedVideo,
    ScenePlates,
    SmoothPath,
    VerifiedLock,
)
from tasks.requests import (
    ChartsRequest,
    DecodeRequest,
    MasksRequest,
    OffsetsRequest,
    PeopleRequest,
    PoseRequest,
    Request,
    RoomRequest,
    SceneRequest,
    SubjectRequest,
    TrajectoryRequest,
    VerifyRequest,
)
from tasks.untrusted.corrections_file import Corrections

Rendered = Mapping[Output, Handle[RenderedVideo]]
MasksAndScene = tuple[Handle[PersonMasks] | None, Handle[ScenePlates] | None]


class ModelFields(TypedDict):
    """What the requests of stages that run a model have in common."""

    models: ModelsConf
    model_digests: dict[str, str]
    device: Device


@dataclass
class RequestedStages:
    """The stages of one job. Each method takes handles of earlier stages, and asks the graph for the handle of its own.

    ``asked`` has the handles by title, in that order.
    """

    job: Job
    graph: Graph
    asked: dict[str, AnyHandle] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.job.source_stage is not None:
            self.asked[self.job.source_stage.title] = self.job.source_stage

    @cached_property
    def _corrections(self) -> Corrections:
        return given_corrections(self.job.config, self.job.video.name, self.job.person)

    def decode(self, settings: DecodeConf) -> Handle[DecodedClip]:
        """Tell what the file is, and when its frames are shown."""
        job, shaping, part = self.job, without_frame_cache(settings), without_time(self.job.config.clip)
        source_stage = [] if job.source_stage is None else [job.source_stage]
        request = DecodeRequest(job.source, job.digest, shaping, part)
        by_decoding = replace(request, by_decoding=True)
        if job.by_decoding or self.graph.holds(by_decoding):
            request = by_decoding
        return self._ask(lambda made: request, source_stage)

    def pose(self, clip: Handle[DecodedClip], settings: PoseConf) -> Handle[FoundPeople]:
        """Find everybody's landmarks and torso motion in each frame."""
        return self._ask(
            lambda made: PoseRequest(
                source=self.job.source,
                cache_mb=self._cache_mb,
                clip=made(clip),
                settings=settings,
                **self._models("pose"),
            )
        )

    def people(
        self, clip: Handle[DecodedClip], found: Handle[FoundPeople], settings: SubjectConf
    ) -> Handle[NumberedPeople]:
        """Number everybody, for the report and for ``subject=all``."""
        return self._ask(lambda made: PeopleRequest(made(clip), made(found), settings.min_seen_s))

    def subject(
        self, clip: Handle[DecodedClip], found: Handle[FoundPeople], settings: SubjectConf
    ) -> Handle[ChosenSubject]:
        """Choose whom to follow; all later stages know that person's pose only."""
        number = self.job.person  # with subject=all: the request is the one that subject=2 would make
        own = replace(settings, rule=SubjectConf.rule, person=number) if number else settings
        return self._ask(lambda made: SubjectRequest(made(clip), made(found), own, self._corrections.people))

    def masks_and_scene(
        self,
        clip: Handle[DecodedClip],
        found: Handle[FoundPeople],
        subject: Handle[ChosenSubject],
        settings: MasksConf,
        *,
        masks: bool,
        scene: bool,
    ) -> MasksAndScene:
        """Segment the person, and make clean plates of the background: both from one pass over the clip."""

        def masks_request(made: Made) -> MasksRequest:
            return MasksRequest(
                source=self.job.source,
                cache_mb=self._cache_mb,
                clip=made(clip),
                found=made(found),
                subject=made(subject),
                settings=without_matte(settings),
                absences=self._corrections.absences,
                **self._models("masks"),
            )

        def scene_request(made: Made) -> SceneRequest:
            return SceneRequest(self.job.source, cache_mb=self._cache_mb, clip=made(clip), found=made(found))

        if masks and scene:
            return cast(MasksAndScene, tuple(self._ask_together([masks_request, scene_request])))
        return self._ask(masks_request) if masks else None, self._ask(scene_request) if scene else None

    def shared_aspect(
        self, clip: Handle[DecodedClip], subject: Handle[ChosenSubject], settings: CropConf
    ) -> SharedSize:
        """The largest window of ``crop.aspect`` that fits into the pictures of all videos of the setting."""
        own = replace(settings, shared=False)
        return self._shared_size("aspect", lambda made: aspect_size(own, made(clip)), clip, subject)

    def offsets(
        self,
        clip: Handle[DecodedClip],
        subject: Handle[ChosenSubject],
        masks: Handle[PersonMasks] | None,
        window: SharedSize | None,
        settings: AnchorConf,
    ) -> Handle[AnchorOffsets]:
        """Find the anchor of each frame and its offset to the target."""
        target, crop = unscaled_target(self.job.config), picture_crop(self.job.config.crop)
        return self._ask(
            lambda made: OffsetsRequest(
                clip=made(clip),
                subject=made(subject),
                settings=settings,
                target=target,
                crop=of_size(crop, None if window is None else made.size(window)),
                masks=None if masks is None else made(masks),
                corrections=replace(self._corrections, people=()),
            )
        )

    def shared_room(
        self,
        clip: Handle[DecodedClip],
        found: Handle[FoundPeople],
        subject: Handle[ChosenSubject],
        offsets: Handle[AnchorOffsets],
        settings: SmoothingConf,
        lock: LockConf,
    ) -> SharedSize:
        """The largest window without a border that all videos of the setting have room for."""
        crop = replace(self.job.config.crop, shared=False)
        target = scaled_target(self.job.config)
        room = self._ask(
            lambda made: RoomRequest(
                made(clip), made(subject), made(offsets), settings, crop, lock=lock, target=target, found=made(found)
            )
        )
        return self._shared_size("room", lambda made: room_size(made(room)), room)

    def trajectory(
        self,
        clip: Handle[DecodedClip],
        found: Handle[FoundPeople],
        subject: Handle[ChosenSubject],
        offsets: Handle[AnchorOffsets],
        window: SharedSize | None,
        settings: SmoothingConf,
        lock: LockConf,
    ) -> Handle[SmoothPath]:
        """Smooth the offsets into a path, and plan the transform and the window of each frame."""
        crop = replace(self.job.config.crop, shared=False)
        return self._ask(
            lambda made: TrajectoryRequest(
                clip=made(clip),
                found=made(found),
                subject=made(subject),
                offsets=made(offsets),
                settings=settings,
                crop=crop,
                lock=lock,
                window_px=None if window is None else made.size(window),
                target=scaled_target(self.job.config),
            )
        )

    def render(
        self,
        clip: Handle[DecodedClip],
        path: Handle[SmoothPath],
        masks: Handle[PersonMasks] | None,
        scene: Handle[ScenePlates] | None,
        subject: Handle[ChosenSubject],
        offsets: Handle[AnchorOffsets],
        exported: Exported,
        wanted: Sequence[WantedOutput],
    ) -> Rendered:
        """Render the outputs, all from one pass over the clip."""
        shown = Shown(self.job.source, self._cache_mb, clip, path, masks, scene, subject, offsets, exported)
        requests = [render_request(self.job.config, one, shown) for one in wanted]
        return dict(zip([one.output for one in wanted], self._ask_together(requests), strict=True))

    def verify(
        self,
        clip: Handle[DecodedClip],
        subject: Handle[ChosenSubject],
        path: Handle[SmoothPath],
        stabilized: Handle[RenderedVideo],
        settings: PoseConf,
    ) -> Handle[VerifiedLock]:
        """Measure the lock in the rendered file, by a second pose run."""
        return self._ask(
            lambda made: VerifyRequest(
                clip=made(clip),
                subject=made(subject),
                trajectory=made(path),
                rendered=made(stabilized),
                settings=settings,
                min_confidence=self.job.config.anchor.min_confidence,
                **self._models("pose"),
            )
        )

    def exports(
        self,
        clip: Handle[DecodedClip],
        found: Handle[FoundPeople],
        subject: Handle[ChosenSubject],
        masks: Handle[PersonMasks] | None,
        path: Handle[SmoothPath],
        scene: Handle[ScenePlates] | None,
        wanted: Sequence[Export],
    ) -> Exported:
        """Write files for other programs, each by a stage of its own."""
        earlier = Earlier(self.job.source, self._cache_mb, clip, found, subject, masks, path, scene)
        return {one: self._ask(export_request(self.job.config, one, earlier)) for one in wanted}

    def charts(
        self,
        clip: Handle[DecodedClip],
        subject: Handle[ChosenSubject],
        offsets: Handle[AnchorOffsets],
        path: Handle[SmoothPath],
        verified: Handle[VerifiedLock] | None,
        angles: Handle[ExportedFiles] | None,
        rendered: Rendered,
    ) -> Handle[DrawnCharts]:
        """Draw the report's charts, after ``rendered``: at the same time matplotlib would add 25 MB to the peak."""
        drawn = self._ask(
            lambda made: ChartsRequest(
                clip=made(clip),
                subject=made(subject),
                offsets=made(offsets),
                trajectory=made(path),
                verified=None if verified is None else made(verified),
                angles=None if angles is None else made(angles),
            )
        )
        self.graph.put_behind(drawn, [*rendered.values()])
        return drawn

    def _ask(self, request: Callable[[Made], Request[Kind]], after: Sequence[AnyHandle] = ()) -> Handle[Kind]:
        (handle,) = self._ask_together([request], after)
        return handle

    def _ask_together(
        self, requests: Sequence[Callable[[Made], Request[Kind]]], after: Sequence[AnyHandle] = ()
    ) -> list[Handle[Kind]]:
        handles = self.graph.ask_together(self.job.asker, requests, after)
        self.asked |= {handle.title: handle for handle in handles}
        return handles

    def _shared_size(self, name: str, size: Callable[[Made], Size], *needs: AnyHandle) -> SharedSize:
        return self.graph.shared_size(self.job.setting, name, Member(size, needs))

    def _models(self, stage: str) -> ModelFields:
        config = self.job.config
        return {"models": config.models, "model_digests": self.job.models[stage], "device": config.device}

    @property
    def _cache_mb(self) -> int | None:
        decode = self.job.config.decode
        return decode.memory_mb if decode.frames is FrameMode.memory else None
