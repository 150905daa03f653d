"""``Stages``: what the page ``flows.pipeline`` can ask for, one typed method a stage."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from conf.enums import Export, Output
from conf.input import DecodeConf, MasksConf, PoseConf, SubjectConf
from conf.lock import AnchorConf, CropConf, LockConf, SmoothingConf
from flows.graph.nodes import Handle, SharedSize
from flows.graph.output_needs import WantedOutput
from tasks.records import (
    AnchorOffsets,
    ChosenSubject,
    DecodedClip,
    DrawnCharts,
    ExportedFiles,
    FoundPeople,
    NumberedPeople,
    PersonMasks,
    RenderedVideo,
    ScenePlates,
    SmoothPath,
    VerifiedLock,
)

Rendered = Mapping[Output, Handle[RenderedVideo]]
MasksAndScene = tuple[Handle[PersonMasks] | None, Handle[ScenePlates] | None]
Exported = Mapping[Export, Handle[ExportedFiles]]


class Stages(Protocol):
    """The stages of one video. Each method takes handles of earlier stages and gives the handle of its own."""

    def decode(self, settings: DecodeConf) -> Handle[DecodedClip]:
        """Tell what the file is, and when its frames are shown."""
        ...

    def pose(self, clip: Handle[DecodedClip], settings: PoseConf) -> Handle[FoundPeople]:
        """Find everybody's landmarks and torso motion in each frame."""
        ...

    def people(
        self, clip: Handle[DecodedClip], found: Handle[FoundPeople], settings: SubjectConf
    ) -> Handle[NumberedPeople]:
        """Number everybody, for the report and for ``subject=all``."""
        ...

    def subject(
        self, clip: Handle[DecodedClip], found: Handle[FoundPeople], settings: SubjectConf
    ) -> Handle[ChosenSubject]:
        """Choose whom to follow; all later stages know that person's pose only."""
        ...

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
        ...

    def shared_aspect(
        self, clip: Handle[DecodedClip], subject: Handle[ChosenSubject], settings: CropConf
    ) -> SharedSize:
        """The largest window of ``crop.aspect`` that fits into the pictures of all videos of the setting."""
        ...

    def offsets(
        self,
        clip: Handle[DecodedClip],
        subject: Handle[ChosenSubject],
        masks: Handle[PersonMasks] | None,
        window: SharedSize | None,
        settings: AnchorConf,
    ) -> Handle[AnchorOffsets]:
        """Find the anchor of each frame and its offset to the target."""
        ...

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
        ...

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
        ...

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
        ...

    def verify(
        self,
        clip: Handle[DecodedClip],
        subject: Handle[ChosenSubject],
        path: Handle[SmoothPath],
        stabilized: Handle[RenderedVideo],
        settings: PoseConf,
    ) -> Handle[VerifiedLock]:
        """Measure the lock in the rendered file, by a second pose run."""
        ...

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
        ...

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
        ...
