"""The stages as the page asks for them."""

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
    """What a page may ask for one video: each stage takes handles of earlier ones and gives a handle of its own."""

    def decode(self, settings: DecodeConf) -> Handle[DecodedClip]:
        """Tell what the file is, and when its frames are shown."""
        ...

    def pose(self, clip: Handle[DecodedClip], settings: PoseConf) -> Handle[FoundPeople]:
        """Find everybody's landmarks."""
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
        """The window of an aspect that fits the pictures of all videos of the setting."""
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
        """Smooth the offsets, and cut the window."""
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
        """Judge the rendered file by a fresh look at it."""
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
        """Draw the report's charts, behind what is ``rendered``: beside it matplotlib would add 25 MB to the peak."""
        ...
