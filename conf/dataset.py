"""The data set of the export webdataset."""

from dataclasses import dataclass

from conf.enums import DatasetPicture
from conf.validation import require

MOST_SHARD_SAMPLES = 1_000_000


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
