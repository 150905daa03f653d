"""Settings of exports: the scale of those in metres, and the data set of webdataset."""

from dataclasses import dataclass

from conf.enums import DatasetPicture
from conf.validation import MAX_SETTING_PX, require, require_at_most

LEAST_HEIGHT_M, MOST_HEIGHT_M = 0.3, 2.8
MOST_SHARD_SAMPLES = 1_000_000


@dataclass
class ScaleConf:
    height_m: float | None = None
    """Height of the person in metres, such as 1.75; with it the exports events, trc and c3d are in metres."""
    px_per_m: float | None = None
    """Pixels of a metre at the person's distance, instead of height_m."""

    def __post_init__(self) -> None:
        height_m, px_per_m = self.height_m, self.px_per_m
        fine = height_m is None or LEAST_HEIGHT_M <= height_m <= MOST_HEIGHT_M
        cure = f"give {LEAST_HEIGHT_M} to {MOST_HEIGHT_M}, in metres"
        require(fine, "scale.height_m", f"{height_m} m is no height of a person", cure)
        fine = px_per_m is None or px_per_m > 0
        require(fine, "scale.px_per_m", f"{px_per_m} is no scale", "give more than 0 pixels for a metre")
        require_at_most(MAX_SETTING_PX, "scale.px_per_m", px_per_m, "px")
        both = height_m is not None and px_per_m is not None
        require(not both, "scale.px_per_m", "scale.height_m is given too", "give one of the two")

    @property
    def given(self) -> bool:
        return self.height_m is not None or self.px_per_m is not None


@dataclass
class DatasetConf:
    shard_samples: int = 1000
    """Frames in each tar file of the export webdataset; the last one has the rest."""
    picture: DatasetPicture = DatasetPicture.jpg
    """Pictures of the export webdataset; jpg: with quality 95, png: without loss, several times as large."""

    def __post_init__(self) -> None:
        count = self.shard_samples
        cure = f"give 1 to {MOST_SHARD_SAMPLES}"
        require(1 <= count <= MOST_SHARD_SAMPLES, "dataset.shard_samples", f"{count} is out of range", cure)
