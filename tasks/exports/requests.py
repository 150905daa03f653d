"""What each export is asked: its settings, and the artifacts that it reads."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Final

from conf.enums import ClipTime, Interpolation
from conf.exports import DatasetConf, ScaleConf
from conf.render import BorderConf
from tasks.records import (
    AnyArtifact,
    Artifact,
    ChosenSubject,
    DecodedClip,
    ExportedFiles,
    FoundPeople,
    PersonMasks,
    ScenePlates,
    SmoothPath,
)
from tasks.requests import UNKEYED, Request

EXPORT_FOLDERS: Final = {
    **dict.fromkeys(("events", "angles", "mot", "trc", "c3d"), "gait"),
    **dict.fromkeys(("aftereffects", "resolve", "nuke", "blender", "fcpxml"), "editors"),
    **dict.fromkeys(("coco", "rle", "keypoints", "webdataset"), "learning"),
}
"""The folder of ``tasks/exports/`` in which the module of an export lies."""


@dataclass(frozen=True, kw_only=True)
class ExportRequest(Request[ExportedFiles]):
    """Write the files of one export; a folder of ``tasks/exports/`` has a module of its name.

    An export is given only what it reads, so that it is not made again when anything else changes.
    """

    stage: ClassVar[str] = "export"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "pyarrow", "scipy")
    export: str
    clip: Artifact[DecodedClip]
    subject: Artifact[ChosenSubject] | None = None
    found: Artifact[FoundPeople] | None = None
    masks: Artifact[PersonMasks] | None = None
    trajectory: Artifact[SmoothPath] | None = None
    scale: ScaleConf | None = None
    time: ClipTime = ClipTime.real  # of the exports of the gait

    @property
    def pose_file(self) -> Path:
        """The landmarks of the person; for the exports that take them."""
        return self.file(self.subject, "pose.parquet")

    def file(self, artifact: AnyArtifact | None, name: str) -> Path:
        """A file of an artifact; ``TypeError`` where the request lacks it, which is a fault of the program."""
        if artifact is None:
            raise TypeError(f"the request of the export {self.export} lacks the artifact with {name}")
        return artifact.path(name)

    @property
    def title(self) -> str:
        return f"exports/{self.export}"

    @property
    def compute(self) -> str:
        return f"tasks.exports.{EXPORT_FOLDERS[self.export]}.{self.export}:write_{self.export}"


@dataclass(frozen=True, kw_only=True)
class DatasetRequest(ExportRequest):
    """Write the export ``webdataset``, which shows the frames as ``stabilized.mp4`` does."""

    libraries: ClassVar[tuple[str, ...]] = (*ExportRequest.libraries, "av", "opencv-python")
    source: Annotated[Path, UNKEYED]
    cache_mb: Annotated[int | None, UNKEYED] = None  # of frames; None: streamed
    subject: Artifact[ChosenSubject]
    masks: Artifact[PersonMasks]
    trajectory: Artifact[SmoothPath]
    scene: Artifact[ScenePlates] | None = None  # with border=scene and reflect
    border: BorderConf
    interpolation: Interpolation
    dataset: DatasetConf
